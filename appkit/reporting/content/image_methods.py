"""One image explained by every method its model allows, each with the proof it carries."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from torch import nn

from appkit.exceptions import MissingDependencyError
from appkit.explanation import (
    Explanation,
    Game,
    RaggedGame,
    expected_gradients,
    explain_parts,
    grad_cam,
    lime_surrogate,
    occlusion,
    permutation_shapley,
    randomisation_test,
)
from appkit.explanation.certificate import Certificate, RandomisationTest, certify
from appkit.explanation.games.tensor import TensorGame
from appkit.explanation.layouts import ImageLayout
from appkit.explanation.solvers.permutation import MIN_PAIRS, evaluations_of_pairs
from appkit.reporting.content.image_subject import ImageSubject

__all__ = ["CASE_PATCHES", "N_COPIES", "ImageMethods", "MethodMap", "explain_image"]

CASE_PATCHES = 49
CASE_SUPERPIXELS = 30
N_COPIES = 3  # networks with random weights: each costs all methods once more
LIME_PER_PLAYER = 10
GRADIENTS = 64
_ENDS = 2


@dataclass(frozen=True)
class MethodMap:
    """What one method says of the image.

    Parameters
    ----------
    name
        ``"Patch Shapley"``.
    explanation, certificate
        Its values, and what was checked about them.
    agreement
        Rank correlation of the sizes of its effects with those of the leading method, over patches; ``None`` for that
        method itself, NaN where one of them is flat.
    """

    name: str
    explanation: Explanation
    certificate: Certificate
    agreement: float | None


@dataclass(frozen=True)
class ImageMethods:
    """One image by every method; the leading one, Shapley values of patches, comes first.

    Parameters
    ----------
    methods
        Those the model allows.
    missing
        Name and reason of those it does not.
    """

    methods: tuple[MethodMap, ...]
    missing: tuple[tuple[str, str], ...] = ()

    @property
    def leading(self) -> MethodMap:
        """Shapley values of patches."""
        return self.methods[0]

    @property
    def lime(self) -> Explanation | None:
        """LIME of the same patches, where it answered."""
        return next((item.explanation for item in self.methods if item.name == "LIME"), None)

    @property
    def n_evaluations(self) -> int:
        """Evaluations of all explanations, without their checks."""
        return sum(item.explanation.n_evaluations for item in self.methods)


def explain_image(
    subject: ImageSubject, row: pd.DataFrame, background: np.ndarray | None, *, random_state: int
) -> ImageMethods:
    """Explain one image, a frame of one row, by every method and certify each.

    Shapley values of patches lead; every other method is named with the reason where the model does not allow it.
    """
    board = _Board(subject, row, background, random_state)
    answers: dict[str, _Answer] = {}
    missing = []
    for name, method in board.methods():
        try:
            answers[name] = _Answer.of(method, seed=random_state)
        except (MissingDependencyError, TypeError, ValueError) as error:
            if not answers:
                raise  # without the leading method there is no case
            missing.append((name, _first_sentence(error)))
    lime = answers["LIME"].explanation if "LIME" in answers else None
    leading = next(iter(answers.values())).explanation
    found = tuple(
        MethodMap(
            name,
            answer.explanation,
            answer.certified(board, None if name == "LIME" else lime),
            None if answer.explanation is leading else _agreement(leading, answer.explanation),
        )
        for name, answer in answers.items()
    )
    return ImageMethods(found, tuple(missing))


@dataclass(frozen=True)
class _Method:
    """How one method explains a network.

    Parameters
    ----------
    explain
        From a game and ``random_state=`` to an explanation.
    game
        From ``network=``, ``None`` for the model itself, to the game it is asked about.
    is_redrawn
        Whether the certificate cannot run it again by itself.
    """

    explain: Callable[..., Explanation]
    game: Callable[..., TensorGame | RaggedGame]
    is_redrawn: bool = False


@dataclass(frozen=True)
class _Answer:
    """What a method said of the model, and the game it was asked about."""

    method: _Method
    game: TensorGame | RaggedGame
    explanation: Explanation

    @classmethod
    def of(cls, method: _Method, *, seed: int) -> "_Answer":
        game = method.game()
        return cls(method, game, method.explain(game, random_state=seed))

    def certified(self, board: "_Board", lime: Explanation | None) -> Certificate:
        """Check the explanation: by a second seed, by removal, by LIME on the same players, by random weights."""
        method, seed = self.method, board.seed
        return certify(
            self.game,
            self.explanation,
            second=method.explain(self.game, random_state=seed + 1) if method.is_redrawn else None,
            lime=lime if isinstance(self.game, TensorGame) else None,
            randomisation=board.randomised(method, self.explanation),
            random_state=seed,
        )


@dataclass(frozen=True)
class _Board:
    """One image, and the games that can be played on it."""

    subject: ImageSubject
    row: pd.DataFrame
    background: np.ndarray | None
    seed: int

    def methods(self) -> Iterator[tuple[str, _Method]]:
        """Yield every method by name, the leading one first."""
        yield "Patch Shapley", _Method(_shapley, self.patches)
        yield "Superpixel Shapley", _Method(partial(_part_by_part, _shapley), self.superpixels)
        yield "LIME", _Method(_lime, self.patches)
        gradients = partial(expected_gradients, max_evaluations=GRADIENTS)
        yield "Expected gradients", _Method(gradients, self.patches, is_redrawn=True)
        yield "Grad-CAM", _Method(grad_cam, self.patches)
        yield "Occlusion", _Method(occlusion, self.patches)

    def patches(self, network: nn.Module | None = None) -> TensorGame:
        """Return the game over the patches of this image."""
        grid = self.subject.grid(CASE_PATCHES)
        return self.subject.patch_game(self.row, grid, background=self.background, network=network)

    def superpixels(self, network: nn.Module | None = None) -> RaggedGame:
        """Return the game over its superpixels."""
        return self.subject.superpixel_game(
            self.row, n_superpixels=CASE_SUPERPIXELS, background=self.background, network=network
        )

    def randomised(self, method: _Method, explanation: Explanation) -> RandomisationTest | None:
        """Explain networks with random weights; ``None`` for a model without weights."""
        network = self.subject.network()
        if not any(True for _ in network.parameters()):
            return None
        return randomisation_test(
            network,
            lambda other: method.explain(method.game(network=other), random_state=self.seed),
            explanation=explanation,
            n_copies=N_COPIES,
            random_state=self.seed,
        )


def _shapley(game: Game, *, random_state: int) -> Explanation:
    n_pairs = -(-MIN_PAIRS // game.n_references) * game.n_references  # the same for all images that fill
    return permutation_shapley(game, max_evaluations=evaluations_of_pairs(game, n_pairs), random_state=random_state)


def _lime(game: Game, *, random_state: int) -> Explanation:
    budget = LIME_PER_PLAYER * len(game.player_names) + _ENDS
    return lime_surrogate(game, max_evaluations=budget, members="one", random_state=random_state)


def _part_by_part(explain: Callable[..., Explanation], game: RaggedGame, *, random_state: int) -> Explanation:
    return explain_parts(game, partial(explain, random_state=random_state))


def _agreement(leading: Explanation, other: Explanation) -> float:
    """Return Spearman's correlation of sizes over the patches of the leading method; NaN where one is flat."""
    sizes = [np.abs(_by_patch(item, leading)) for item in (leading, other)]
    if any(np.ptp(size) == 0 for size in sizes):
        return float("nan")
    return float(spearmanr(*sizes).statistic)


def _by_patch(explanation: Explanation, leading: Explanation) -> np.ndarray:
    """Return what falls on each patch of the leading method: effects spread evenly over the pixels of a segment."""
    assert isinstance(explanation.layout, ImageLayout)
    assert isinstance(leading.layout, ImageLayout)
    values, own = explanation.values[0, :, 0], explanation.layout.segments[0]
    if explanation.row_player_names is None:
        return values
    per_pixel = values[own] / np.bincount(own.ravel())[own]
    patches = leading.layout.segments[0]
    return np.bincount(patches.ravel(), weights=per_pixel.ravel())


def _first_sentence(error: Exception) -> str:
    """Return what an error says, without the advice that follows."""
    return str(error).split(". ")[0].rstrip(".")
