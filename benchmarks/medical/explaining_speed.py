"""What it costs to explain one small image by 49 patches, how far off the values are, and how busy the network was."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from appkit.data.image_dataset import ImageDataset
from appkit.explanation import Explanation, TensorGame, explain, game_for
from appkit.model.evaluating import evaluating
from benchmarks.marks import told
from benchmarks.medical.ours import LEARNING, our_classifier, our_model, pixel_hash
from benchmarks.results import Record
from benchmarks.runs import Cost, Outcome, Runs, markdown, timed
from domains.medical import MedicalImageClassifier

__all__ = ["accuracy_of", "images_per_second", "measure_explaining_speed"]

_ASKED_SECONDS, _ASKED_SHARE = 1.0, 0.8
_N_IMAGES, _QUICK_IMAGES = 8, 2
_LONG, _QUICK_LONG = 100_000, 2_000  # evaluations of the run that stands for the truth
_LONG_SEED = 1_000_000
_BATCHES = (32, 64, 128, 256, 512, 1024)
_IMAGES_TIMED = 4096
_BUDGETS: Mapping[str, Mapping[str, Any]] = {
    "as it comes": {},
    "target error 10 %": {"target_error": 0.1},
    "4,096 evaluations": {"max_evaluations": 4096},
    "at most .8 s": {"max_seconds": 0.8},
}
_PRECISION = {True: "bfloat16", False: "float32"}
_TOLD = ("as it comes", "at most .8 s")  # of which the limits that are asked are told


def measure_explaining_speed(runs: Runs, data: ImageDataset, *, seed: int) -> str:
    """Return the table: one model, test images one by one, under several limits."""
    n_images, long = (_QUICK_IMAGES, _QUICK_LONG) if runs.is_quick else (_N_IMAGES, _LONG)
    data_hash = pixel_hash(np.asarray(data.X))
    case = cache(partial(_fitted, data, n_images, seed=seed, long=long, is_quick=runs.is_quick))
    records = {}
    for name, limits in _BUDGETS.items():
        facts: dict[str, Any] = {"limits": dict(limits), "n_images": n_images, "long": long}
        model = our_model(name, sources=(*LEARNING, "explanation"), is_quick=runs.is_quick, **facts)
        measure = partial(_measure, case, limits)
        records[name] = runs.once("explaining_speed", model, measure, data_hash=data_hash, seed=seed)
    return _table(runs, data, records, long=long)


def accuracy_of(found: Sequence[Explanation], truth: Explanation) -> dict[str, float]:
    """Return how far explanations of one image each are from those of a long run, as shares of the values' norm.

    The long run errs too: ``"error of the truth"`` is its standard error, and a value is covered where it lies within
    two standard errors of the difference.

    Parameters
    ----------
    found
        One explanation per image.
    truth
        Of all these images together.
    """
    values, error = (np.concatenate([getattr(one, name) for one in found])[..., 0] for name in _PARTS)
    long, long_error = (getattr(truth, name)[..., 0] for name in _PARTS)
    norm = np.linalg.norm(long, axis=1)
    covered = np.abs(values - long) <= 2 * np.hypot(error, long_error) + 1e-12
    return {
        "true error": float(np.median(np.linalg.norm(values - long, axis=1) / norm)),
        "most true error": float(np.max(np.linalg.norm(values - long, axis=1) / norm)),
        "standard error": float(np.median(np.linalg.norm(error, axis=1) / np.linalg.norm(values, axis=1))),
        "error of the truth": float(np.median(np.linalg.norm(long_error, axis=1) / norm)),
        "covered": float(covered.mean()),
        "same strongest": float(np.mean(np.abs(values).argmax(1) == np.abs(long).argmax(1))),
    }


_PARTS = ("values", "standard_error")


@torch.no_grad()
def images_per_second(network: nn.Module, images: Tensor, *, in_bfloat16: bool) -> float:
    """Return images per processor second of one network alone, at the batch that suits it best."""
    rates = []
    with evaluating(network):
        for batch in _BATCHES:
            rows = images.repeat(-(-batch // len(images)), 1, 1, 1)[:batch]
            rows = rows.contiguous(memory_format=torch.channels_last)
            n_passes = max(3, _IMAGES_TIMED // batch)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=in_bfloat16):
                network(rows)
                _, cost = timed(partial(_pass, network, rows, n_passes))
            rates.append(n_passes * batch / cost.cpu)
    return max(rates)


def _pass(network: nn.Module, rows: Tensor, times: int) -> None:
    for _ in range(times):
        network(rows)


def _fitted(
    data: ImageDataset, n_images: int, *, seed: int, long: int, is_quick: bool
) -> tuple[MedicalImageClassifier, Cost, np.ndarray, Explanation]:
    """Return a fitted model, images it has not seen, and what a long run says of them."""
    X, X_val, X_test, *labels = data.split_three(random_state=0)
    y, y_val, _ = ((part == data.event).to_numpy() for part in labels)
    model = our_classifier(is_quick=is_quick, random_state=seed)
    _, fit = timed(lambda: model.fit(X, y, X_val=X_val, y_val=y_val))
    images = np.asarray(X_test)[np.random.default_rng(seed).permutation(len(X_test))[:n_images]]
    truth = explain(model, images, max_evaluations=long, random_state=_LONG_SEED)
    explain(model, images[:1], max_evaluations=4000)  # first calls pay for imports and caches
    return model, fit, images, truth


def _measure(case: Any, limits: Mapping[str, Any]) -> Outcome:
    """Explain images one by one, as a user asks; limits of the network, in the precision used, before and after."""
    model, fit, images, truth = case()
    rough = np.array([_is_rough(model, images[number : number + 1]) for number in range(len(images))])
    limits_of = partial(_limits_of, model.module_.networks[0], model.encode(images)[:], kinds=np.unique(rough))
    before = limits_of()
    found, costs = [], []
    for number in range(len(images)):
        answer, cost = timed(partial(explain, model, images[number : number + 1], random_state=number, **limits))
        found.append(answer)
        costs.append(cost)
    after = limits_of()
    limit = np.array([(before[bool(kind)] + after[bool(kind)]) / 2 for kind in rough])
    seconds, evaluations = np.array([cost.cpu for cost in costs]), np.array([one.n_evaluations for one in found])
    scores: dict[str, float] = {
        "median CPU s": float(np.median(seconds)),
        "most CPU s": float(seconds.max()),
        "median clock s": float(np.median([cost.wall for cost in costs])),
        "evaluations": float(np.median(evaluations)),
        **{f"limit before, {_PRECISION[kind]}": value for kind, value in before.items()},
        **{f"limit after, {_PRECISION[kind]}": value for kind, value in after.items()},
        "share": float(np.median(evaluations / seconds / limit)),
        "players": float(found[0].values.shape[1]),
        "networks": float(len(model.module_.networks)),
        "in bfloat16": float(rough.sum()),
        **accuracy_of(found, truth),
    }
    return Outcome(scores, len(images), len(images), fit)


def _is_rough(model: MedicalImageClassifier, image: np.ndarray) -> bool:
    """Return whether coalitions of an image are asked in bfloat16: only where that answers as float32 does."""
    game = game_for(model, image)
    assert isinstance(game, TensorGame)
    return game.precision == "bfloat16"


def _limits_of(network: nn.Module, images: Tensor, *, kinds: np.ndarray) -> dict[bool, float]:
    return {bool(kind): images_per_second(network, images, in_bfloat16=bool(kind)) for kind in kinds}


def _table(runs: Runs, data: ImageDataset, records: Mapping[str, Record], *, long: int) -> str:
    heads = ["limit", "median CPU s", "slowest", "by the clock", "evaluations", "standard error", "true error"]
    heads += ["worst", "within two standard errors", "same strongest patch", "share of the forward limit"]
    heads += ["images per CPU s, before and after"]
    first = next(iter(records.values()))
    scores = first.scores
    return (
        f"speed, explaining {first.n_test} images of {data.name} one by one, {scores['players']:.0f} patches, "
        f"{scores['networks']:.0f} networks, {scores['in bfloat16']:.0f} images in bfloat16; errors as shares of "
        f"the values' norm, medians over images, the true one against {long:,} evaluations (themselves off by "
        f"{scores['error of the truth']:.1%}). `{runs.command}`\n"
        + markdown(heads, [[name, *_cells(record.scores)] for name, record in records.items()])
        + "".join(_verdicts(name, record.scores) for name, record in records.items() if name in _TOLD)
    )


def _verdicts(name: str, scores: Mapping[str, float]) -> str:
    seconds = told(scores["median CPU s"], {"asked": _ASKED_SECONDS}, digits=2, less_is_better=True)
    share = told(scores["share"], {"asked": _ASKED_SHARE}, digits=2)
    return f"\n{name[0].upper()}{name[1:]}: CPU s {seconds}; share of the forward limit {share}."


def _cells(scores: Mapping[str, float]) -> list[str]:
    return [
        f"{scores['median CPU s']:.2f}",
        f"{scores['most CPU s']:.2f}",
        f"{scores['median clock s']:.2f}",
        f"{scores['evaluations']:.0f}",
        f"{scores['standard error']:.1%}",
        f"{scores['true error']:.1%}",
        f"{scores['most true error']:.1%}",
        f"{scores['covered']:.0%}",
        f"{scores['same strongest']:.0%}",
        f"{scores['share']:.2f}",
        "; ".join(
            f"{words} {scores[f'limit before, {words}']:.0f}, {scores[f'limit after, {words}']:.0f}"
            for words in _PRECISION.values()
            if f"limit before, {words}" in scores
        ),
    ]
