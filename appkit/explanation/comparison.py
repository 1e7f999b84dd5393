"""Several methods on the same images, each with what its certificate found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from torch import nn

from appkit.explanation.certificate import (
    Certificate,
    Pointing,
    RandomisationTest,
    certify,
    pointing_accuracy,
    randomisation_test,
)
from appkit.explanation.certificate.pointing import PointingAt
from appkit.explanation.explain import explain_game
from appkit.explanation.explanation import Explanation
from appkit.explanation.games.model import game_for, is_of_images
from appkit.explanation.games.ragged import RaggedGame
from appkit.explanation.games.tensor import TensorGame
from appkit.explanation.seeds import RandomState, seed_of
from appkit.prediction import Estimate

__all__ = ["IMAGE_METHODS", "ComparedMethod", "MethodComparison", "compare_methods"]

IMAGE_METHODS = ("shapley", "superpixels", "lime", "expected_gradients", "grad_cam", "occlusion")
"""What images are explained by unless the caller says otherwise; ``"superpixels"`` is Shapley values of superpixels."""

ImageGame = TensorGame | RaggedGame


@dataclass(frozen=True, eq=False)
class ComparedMethod:
    """One method's explanation of the images, and what was found out about it.

    Parameters
    ----------
    name
        As it was asked for: ``"superpixels"``.
    explanation
        Of all images.
    certificate
        Of one output; ``None`` where none was wanted.
    pointing
        How often it points to the masks; ``None`` without masks.
    randomisation
        What becomes of it under random weights; ``None`` where no network was randomised.
    """

    name: str
    explanation: Explanation
    certificate: Certificate | None = None
    pointing: Pointing | None = None
    randomisation: RandomisationTest | None = None

    @property
    def relative_error(self) -> float:
        """Norm of the standard errors over norm of the values, median over images; NaN where there are no errors."""
        errors, values = (
            np.sqrt(np.nansum(part**2, axis=1)) for part in (self.explanation.standard_error, self.explanation.values)
        )
        if np.isnan(self.explanation.standard_error).all():
            return float("nan")
        return float(np.median(errors / np.where(values > 0, values, 1.0)))


@dataclass(frozen=True, eq=False)
class MethodComparison:
    """Methods on the same images and output, in the order they were asked for.

    Parameters
    ----------
    methods
        One entry each.
    output
        Position of the output that certificates, pointing and random weights are about.
    """

    methods: tuple[ComparedMethod, ...]
    output: int

    def __iter__(self) -> Iterator[ComparedMethod]:
        return iter(self.methods)

    def __len__(self) -> int:
        return len(self.methods)

    def __getitem__(self, name: str) -> ComparedMethod:
        """Return a method by its name."""
        for method in self.methods:
            if method.name == name:
                return method
        raise KeyError(f"{name!r} was not compared, only {[method.name for method in self.methods]}.")

    @property
    def explanations(self) -> dict[str, Explanation]:
        """Each method's explanation, by name."""
        return {method.name: method.explanation for method in self.methods}

    def to_frame(self) -> pd.DataFrame:
        """Return one line per method; what was not measured is NaN.

        Columns: method, units, evaluations, relative_error, verdict (of the only image, or over all), and for each of
        deletion, insertion, pointing, random_weights and random_pointing the number, its ``_low`` and ``_high``;
        chance is what pointing must beat. Deletion and insertion are in multiples of random orders.
        """
        return pd.DataFrame([_line(method) for method in self.methods])


def compare_methods(
    model: Any,
    X: Any,
    *,
    methods: Sequence[str] = IMAGE_METHODS,
    players: str | np.ndarray = "patches",
    n_players: int | None = None,
    fill: str | None = None,
    background: Any = None,
    output: str | int | None = None,
    units: str | None = None,
    masks: np.ndarray | None = None,
    distractors: np.ndarray | None = None,
    pointing_at: PointingAt = "peak",
    n_random: int = 0,
    max_evaluations: Mapping[str, int] | None = None,
    is_certified: bool = True,
    random_state: RandomState = None,
) -> MethodComparison:
    """Explain the same images by several methods, and check each in the same way.

    All share players, fill and units, so that maps can be laid side by side: Shapley values, LIME, expected gradients
    and occlusion are in units of the output; Grad-CAM has none. Only ``"superpixels"`` cuts each image by its edges.

    Parameters
    ----------
    model
        Fitted image estimator.
    X
        Images as the model takes them.
    methods
        Among ``IMAGE_METHODS``, ``"exact"``, ``"permutation"`` and ``"regression"``.
    players, n_players, fill, background, units
        As in :func:`~appkit.explanation.explain.explain`.
    output
        Name or position of the output to explain; may be left out where there is one.
    masks, distractors
        bool ``(n_images, height, width)``: where the truth is known, see
        :func:`~appkit.explanation.certificate.pointing.pointing_accuracy`.
    pointing_at
        What must lie in the mask: the ``"peak"`` of the map, or its strongest ``"player"``.
    n_random
        Networks with weights drawn anew that each method explains as well, 2 at least (5 are a fair number); 0 leaves
        the test out. All layers of all networks of the model are drawn anew.
    max_evaluations
        Evaluations per image by method; methods that are not named take what :func:`explain` would.
    is_certified
        Whether to run deletion, insertion and a second seed.
    random_state
        Seed of everything drawn.

    Raises
    ------
    ValueError
        If a method is unknown, the model is no image estimator, or a parameter does not fit.
    """
    methods = _checked_methods(methods, max_evaluations, model)
    seed = seed_of(random_state)
    names = tuple(model.output_names_)
    chosen = names[0] if output is None and len(names) == 1 else output
    if chosen is None:
        raise ValueError(f"output must be one of {names} or its position, got None: methods are compared on one.")
    asked: dict[str, Any] = {
        "n_players": None if players is not None and not isinstance(players, str) else n_players,
        "fill": fill,
        "background": background,
        "outputs": chosen,
        "units": units,
    }
    known = {} if masks is None else {"masks": masks, "distractors": distractors, "at": pointing_at}
    games = {"patches": game_for(model, X, players=players, **asked)}
    if "superpixels" in methods:
        games["superpixels"] = game_for(model, X, players="superpixels", **(asked | {"n_players": n_players}))
    found: list[ComparedMethod] = []
    for name in methods:
        game = cast(ImageGame, games.get(name, games["patches"]))
        task = _Task(name, game, budget=(max_evaluations or {}).get(name), seed=seed)
        lime = next((other.explanation for other in found if other.name == "lime" and name != "superpixels"), None)
        found.append(_compared(task, lime=lime, known=known, n_random=n_random, is_certified=is_certified))
    return MethodComparison(tuple(found), output=0)


@dataclass(frozen=True)
class _Task:
    """A method to run on a game."""

    name: str
    game: ImageGame
    budget: int | None
    seed: int

    def run(self, *, network: nn.Module | None = None, seed: int | None = None) -> Explanation:
        """Return the explanation, of another network where one is given."""
        game = self.game if network is None else self.game.with_network(network)
        method = "shapley" if self.name == "superpixels" else self.name
        seed = self.seed if seed is None else seed
        return explain_game(game, method, max_evaluations=self.budget, random_state=seed)

    @property
    def network(self) -> nn.Module:
        game = self.game.games[0] if isinstance(self.game, RaggedGame) else self.game
        return cast(nn.Module, cast(TensorGame, game).network)


def _compared(
    task: _Task,
    *,
    lime: Explanation | None,
    known: Mapping[str, Any],
    n_random: int,
    is_certified: bool,
) -> ComparedMethod:
    explanation = task.run()
    pointing = pointing_accuracy(explanation, **known) if known else None
    randomisation = None
    if n_random:
        randomisation = randomisation_test(
            task.network,
            lambda other: task.run(network=other),
            explanation=explanation,
            **known,
            n_copies=n_random,
            random_state=task.seed,
        )
    certificate = None
    if is_certified:
        is_drawn = explanation.random_state is not None
        certificate = certify(
            task.game,
            explanation,
            second=task.run(seed=task.seed + 1) if is_drawn else None,
            lime=None if task.name == "lime" else lime,
            pointing=pointing,
            randomisation=randomisation,
            random_state=task.seed,
        )
    return ComparedMethod(task.name, explanation, certificate, pointing, randomisation)


def _checked_methods(methods: Sequence[str], max_evaluations: Mapping[str, int] | None, model: Any) -> tuple[str, ...]:
    if not is_of_images(model):
        raise ValueError(
            f"Methods are compared on the images of an image estimator, got {type(model).__name__}. "
            "For other models call explain() once per method."
        )
    allowed = (*IMAGE_METHODS, "exact", "permutation", "regression")
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    wrong = [name for name in methods if name not in allowed]
    if wrong or not methods or len(set(methods)) < len(methods):
        raise ValueError(f"methods must be one or more of {allowed}, each once, got {methods!r}.")
    unnamed = sorted(set(max_evaluations or {}) - set(methods))
    if unnamed:
        raise ValueError(f"max_evaluations must name methods that are compared, {list(methods)}, got {unnamed}.")
    return methods


def _line(method: ComparedMethod) -> dict[str, Any]:
    certificate, randomisation, pointing = method.certificate, method.randomisation, method.pointing
    removal = None if certificate is None else certificate.removal
    verdict = ""
    if certificate is not None:
        one = certificate.rows[0] if len(certificate.rows) == 1 else certificate.overall
        verdict = "" if one is None else one.words
    line = {
        "method": method.name,
        "units": method.explanation.units,
        "evaluations": method.explanation.n_evaluations,
        "relative_error": method.relative_error,
        "verdict": verdict,
        "chance": float("nan") if pointing is None else pointing.chance,
    }
    for name, estimate in (
        ("deletion", None if removal is None else removal.deletion_ratio),
        ("insertion", None if removal is None else removal.insertion_ratio),
        ("pointing", None if pointing is None else pointing.accuracy),
        ("random_weights", None if randomisation is None else randomisation.similarity),
        ("random_pointing", None if randomisation is None else randomisation.pointing),
    ):
        line |= _columns(name, estimate)
    return line


def _columns(name: str, estimate: Estimate | None) -> dict[str, float]:
    unknown = float("nan")
    numbers = (unknown,) * 3 if estimate is None else (estimate.value, estimate.low, estimate.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), numbers, strict=True))
