"""Do maps point to the lesion among distractors of equal contrast, and no longer once weights are drawn anew?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, cast

import numpy as np
from scipy import stats
from torch import nn

from appkit.data.image_dataset import ImageDataset
from appkit.explanation import Explanation, RaggedGame, TensorGame, explain_game, game_for, pointing_accuracy
from appkit.explanation.certificate.agreement import rank_correlations
from appkit.explanation.certificate.pointing import PointingAt
from appkit.explanation.certificate.randomisation import with_random_weights
from appkit.prediction import auc
from benchmarks.marks import told
from benchmarks.medical.ours import LEARNING, our_classifier, our_model, pixel_hash
from benchmarks.medical.pointing import counts_by_patient, share_by_patient
from benchmarks.results import Record
from benchmarks.runs import Cost, Outcome, Runs, markdown, spread, timed
from domains.medical import MedicalImageClassifier, make_phantoms

__all__ = ["METHODS", "MapBudget", "measure_phantoms"]

METHODS = {
    "patch Shapley": ("patches", "shapley"),
    "superpixel Shapley": ("superpixels", "shapley"),
    "LIME": ("patches", "lime"),
    "expected gradients": ("patches", "expected_gradients"),
    "Grad-CAM": ("patches", "grad_cam"),
    "occlusion": ("patches", "occlusion"),
}
"""Players and method of each map."""

_MARK = {"asked": 0.95}
_N_LEARNT, _N_JUDGED = 3000, 200  # images; half of those judged show a lesion
_FIRST_JUDGED = 1000  # data seeds of judged phantoms begin here: other patients than those learnt from
_BUDGETED = ("shapley", "lime")
_SIMILARITY, _COPY = "likeness to maps of random weights", "copy"
_POINTING_AT: Mapping[PointingAt, str] = {
    "peak": "The peak of the map, smoothed by a Gaussian as wide as a player, lies in the lesion "
    "(chance: among pixels of lesion and distractors):",
    "player": "The strongest player holds at least half as much of the lesion as the one that holds most "
    "(chance: among players so in lesion or distractors):",
}
_POINTING_HEADS = (
    "map", "in the lesion", "95 %, by patient", "by data seed", "of lesions flagged", "chance among objects",
    "random weights: in the lesion", "of those on an object", "95 %, by patient", "by copy", "95 % over copies",
)  # fmt: skip


@dataclass(frozen=True)
class MapBudget:
    """What each map may cost, and what it is cut into.

    Parameters
    ----------
    evaluations
        Model evaluations per image of Shapley values and LIME; ``None`` leaves them to the methods.
    n_players
        Patches or superpixels to aim at; ``None`` leaves them to the game.
    n_copies
        Networks with random weights.
    """

    evaluations: int | None = None
    n_players: int | None = None
    n_copies: int = 5


@dataclass(frozen=True, eq=False)
class _Case:
    """A fitted model, and phantoms of patients it has not seen."""

    model: MedicalImageClassifier
    fit: Cost
    n_learnt: int
    lesions: np.ndarray  # images that show one
    masks: np.ndarray
    distractors: np.ndarray
    patients: np.ndarray
    detected: np.ndarray  # bool: whether the model flags them
    area: float


def measure_phantoms(runs: Runs, *, seeds: Sequence[int], budget: MapBudget) -> str:
    """Train once per data seed, explain by every method, and return the table."""
    n_learnt, n_judged = (48, 8) if runs.is_quick else (_N_LEARNT, _N_JUDGED)
    records: list[Record] = []
    for seed in seeds:
        data, judged = make_phantoms(n_learnt, random_state=seed), _judged(n_judged, seed)
        case = cache(partial(_case, data, judged, seed=seed, is_quick=runs.is_quick))
        data_hash = pixel_hash(np.asarray(data.X), np.asarray(judged.X))
        for name in METHODS:
            facts: dict[str, Any] = {"budget": budget, "method": METHODS[name]}
            model = our_model(name, sources=(*LEARNING, "explanation"), is_quick=runs.is_quick, **facts)
            measure = partial(_outcome, case, name, budget=budget, seed=seed)
            records.append(runs.once("phantoms", model, measure, data_hash=data_hash, seed=seed))
    return _told(runs, {name: [r for r in records if r.model == name] for name in METHODS}, budget)


def _judged(n: int, seed: int) -> ImageDataset:
    return make_phantoms(n, random_state=_FIRST_JUDGED + seed)


def _case(data: ImageDataset, judged: ImageDataset, *, seed: int, is_quick: bool) -> _Case:
    model = our_classifier(is_quick=is_quick, random_state=seed)
    _, fit = timed(lambda: model.fit(data.X, data.y.to_numpy(), groups=np.asarray(data.groups)))
    p, is_lesion = model.probability_of_finding(judged.X), (judged.y == judged.event).to_numpy()
    assert judged.masks is not None
    assert judged.distractors is not None
    return _Case(
        model=model,
        fit=fit,
        n_learnt=len(data.y),
        lesions=np.asarray(judged.X)[is_lesion],
        masks=judged.masks[is_lesion],
        distractors=judged.distractors[is_lesion],
        patients=np.asarray(judged.groups)[is_lesion],
        detected=p[is_lesion] >= 0.5,
        area=auc(is_lesion, p, groups=np.asarray(judged.groups)).value,
    )


def _outcome(case: Any, name: str, *, budget: MapBudget, seed: int) -> Outcome:
    """Explain the model and its copies with random weights by one method, all at the same budget."""
    found: _Case = case()
    players, method = METHODS[name]
    game = cast(
        TensorGame | RaggedGame,
        game_for(found.model, found.lesions, players=cast(Any, players), n_players=budget.n_players),
    )
    limits: dict[str, Any] = {"max_evaluations": budget.evaluations} if method in _BUDGETED else {}

    def explained(network: nn.Module | None = None) -> Explanation:
        asked: TensorGame | RaggedGame = game if network is None else game.with_network(network)
        return explain_game(asked, method, random_state=seed, **limits)

    own, cost = timed(explained)
    network = _network_of(game)
    copies = [with_random_weights(network, random_state=1000 * seed + number) for number in range(budget.n_copies)]
    others = [explained(copy) for copy in copies]
    scores = _scores(found, own, others) | {"auc": found.area, "evaluations": float(own.n_evaluations)}
    return Outcome(scores, found.n_learnt, len(found.lesions), found.fit, cost)


def _network_of(game: Any) -> nn.Module:
    one = game.games[0] if isinstance(game, RaggedGame) else game
    assert isinstance(one, TensorGame)
    assert isinstance(one.network, nn.Module)
    return one.network


def _scores(case: _Case, own: Explanation, others: Sequence[Explanation]) -> dict[str, float]:
    correlations = np.nan_to_num(np.stack([rank_correlations(own, other) for other in others]))
    by_rule = {at: _scores_at(at, case, own, others) for at in _POINTING_AT}
    return {f"{at}: {name}": value for at, scores in by_rule.items() for name, value in scores.items()} | {
        _SIMILARITY: float(correlations.mean()),
        "players": float((~np.isnan(own.values[..., 0])).sum(axis=1).mean()),
        "error": _relative_error(own),
    }


def _scores_at(at: PointingAt, case: _Case, own: Explanation, others: Sequence[Explanation]) -> dict[str, float]:
    """Return how often the peak or the strongest player lies in the lesion, and with random weights, all by patient."""
    pointing = pointing_accuracy(own, case.masks, distractors=case.distractors, at=at)
    random = np.stack([pointing_accuracy(other, case.masks, at=at).hits for other in others])
    on_object = random | np.stack([pointing_accuracy(other, case.distractors, at=at).hits for other in others])
    by_copy = {f"{_COPY} {n}": _share(random[n], on_object[n]) for n in range(len(others)) if on_object[n].any()}
    return {
        "pointing": pointing.accuracy.value,
        "chance": pointing.chance,
        "random": _share(random, on_object),
        **counts_by_patient("learnt", pointing.hits, case.patients),
        **counts_by_patient("detected", pointing.hits, case.patients, among=case.detected),
        **counts_by_patient("random", random, case.patients),
        **counts_by_patient("random, on an object", random, case.patients, among=on_object),
        **by_copy,
    }


def _share(hits: np.ndarray, among: np.ndarray) -> float:
    return float(hits[among].mean()) if among.any() else float("nan")


def _relative_error(found: Explanation) -> float:
    """Return norm of the standard errors over norm of the values, median over images; NaN where a method has none."""
    error, size = (np.sqrt(np.nansum(part[..., 0] ** 2, axis=1)) for part in (found.standard_error, found.values))
    has_error = not np.isnan(found.standard_error).all()
    return float(np.median(error / np.maximum(size, 1e-12))) if has_error else float("nan")


def _told(runs: Runs, records: Mapping[str, Sequence[Record]], budget: MapBudget) -> str:
    first = next(iter(records.values()))
    about = (
        f"phantoms: {first[0].n_train:,} images to learn from, {first[0].n_test} with a lesion to explain, of other "
        f"patients; data seeds {[r.seed for r in first]}, AUC {spread([r.scores['auc'] for r in first], 4)}, "
        f"{spread([r.fit_cpu for r in first], 0)} CPU s a fit; {budget.n_copies} copies per fit with every weight "
        f"drawn anew, explained at the same budget. `{runs.command}`"
    )
    heads = ["map", "players", "evaluations", "standard error, median", _SIMILARITY, "CPU s an image"]
    said = [about, markdown(heads, [[name, *_cost_cells(found)] for name, found in records.items()])]
    for at, words in _POINTING_AT.items():
        shapley = share_by_patient(f"{at}: learnt", [record.scores for record in records["patch Shapley"]])
        rows = [[name, *_pointing_cells(at, found)] for name, found in records.items()]
        said += [
            f"\n{words}",
            markdown(_POINTING_HEADS, rows),
            f"Patch Shapley values, {at}, point to the lesion in {told(shapley.value, _MARK)}.",
        ]
    return "\n".join(said)


def _cost_cells(found: Sequence[Record]) -> list[str]:
    scores = [record.scores for record in found]
    return [
        f"{_mean(scores, 'players'):.0f}",
        f"{_mean(scores, 'evaluations'):.0f}",
        "none" if np.isnan(scores[0]["error"]) else f"{_mean(scores, 'error'):.0%}",
        f"{_mean(scores, _SIMILARITY):+.2f}",
        spread([record.predict_cpu / record.n_test for record in found], 2),
    ]


def _pointing_cells(at: str, found: Sequence[Record]) -> list[str]:
    scores = [record.scores for record in found]
    names = ("learnt", "detected", "random", "random, on an object")
    learnt, detected, random, on_object = (share_by_patient(f"{at}: {name}", scores) for name in names)
    copies = [value for one in scores for key, value in one.items() if key.startswith(f"{at}: {_COPY} ")]
    return [
        f"{learnt.value:.1%} of {learnt.n}",
        f"{learnt.low:.1%} to {learnt.high:.1%}",
        " ".join(f"{one[f'{at}: pointing']:.1%}" for one in scores),
        f"{detected.value:.1%} of {detected.n}",
        f"{_mean(scores, f'{at}: chance'):.1%}",
        f"{random.value:.1%} of {random.n}",
        f"{on_object.value:.1%} of {on_object.n}",
        f"{on_object.low:.1%} to {on_object.high:.1%}",
        f"{min(copies):.0%} to {max(copies):.0%}" if copies else "none",
        _over_copies(copies),
    ]


def _mean(scores: Sequence[Mapping[str, float]], name: str) -> float:
    return float(np.mean([one[name] for one in scores]))


def _over_copies(shares: Sequence[float]) -> str:
    """Return Student's interval of the mean of independent copies.

    Examples
    --------
    >>> _over_copies([0.2, 0.3, 0.4])
    '5.2% to 54.8%'
    """
    if len(shares) < 2:
        return "none"
    half = float(stats.t.ppf(0.975, len(shares) - 1) * stats.sem(shares))
    return f"{max(np.mean(shares) - half, 0):.1%} to {min(np.mean(shares) + half, 1):.1%}"
