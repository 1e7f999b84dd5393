"""Explain a sample of images by the patches of one grid: by gradients, the cheapest values that add up."""

import numpy as np

from appkit.explanation import Explanation, expected_gradients, lime_surrogate, permutation_shapley
from appkit.explanation.certificate import certify
from appkit.explanation.games.tensor import TensorGame
from appkit.explanation.solvers.permutation import MIN_PAIRS, evaluations_of_pairs
from appkit.reporting.content.explaining import ModelExplanation
from appkit.reporting.content.image_subject import ImageSubject

__all__ = ["EXPLAINED_IMAGES", "explain_images"]

EXPLAINED_IMAGES = 24  # by default: a table of numbers is asked about 200 rows at less than one image costs
GRADIENTS = 41  # one for the output, two each for 20 independent rounds
LIME_PER_PLAYER = 12
_ENDS = 2


def explain_images(
    subject: ImageSubject, background: np.ndarray | None, *, n_explained: int, random_state: int
) -> ModelExplanation:
    """Explain at most ``n_explained`` images, drawn by the seed, each by the patches of the common grid.

    By expected gradients: values add up as Shapley values do and have their errors, at a tenth of the price. Where the
    network cannot be differentiated, by Shapley values from permutations.
    """
    n_images = len(subject.images)
    rows = np.sort(np.random.default_rng(random_state).choice(n_images, min(n_explained, n_images), replace=False))
    game = subject.game(subject.table.iloc[rows], background)
    effects, second = _effects(game, random_state)
    budget = LIME_PER_PLAYER * len(game.player_names) + _ENDS
    lime = lime_surrogate(game, max_evaluations=budget, members="one", random_state=random_state)
    return ModelExplanation(
        rows=rows,
        n_rows=n_images,
        shapley=effects,
        lime=lime,
        certificate=certify(game, effects, second=second, lime=lime, n_population=n_images, random_state=random_state),
        n_background=game.n_references,
        second=second,
    )


def _effects(game: TensorGame, seed: int) -> tuple[Explanation, Explanation]:
    """Return the effects by two seeds: by gradients where the network has them."""
    seeds = (seed, seed + 1)
    try:
        first, second = (expected_gradients(game, max_evaluations=GRADIENTS, random_state=own) for own in seeds)
    except (TypeError, ValueError):
        budget = evaluations_of_pairs(game, MIN_PAIRS)
        first, second = (permutation_shapley(game, max_evaluations=budget, random_state=own) for own in seeds)
    return first, second
