"""Expected gradients: Aumann-Shapley values from gradients on the way from references to a row."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.exceptions import DataWarning
from appkit.explanation.explanation import Explanation
from appkit.explanation.games.tensor import TensorGame
from appkit.explanation.gradients.differentiation import batched, differentiating, gradients
from appkit.explanation.seeds import RandomState, seed_of
from appkit.explanation.solvers.draws import Control, explanation_from_draws
from appkit.explanation.solvers.references import herded_order, standardised_features

__all__ = ["DEFAULT_GRADIENTS", "LEAST_GRADIENTS", "expected_gradients"]

DEFAULT_GRADIENTS = 512
LEAST_GRADIENTS = 20  # a spread from fewer is itself off by more than a sixth
_FEWEST_CONTROLLED = 4
_BLOCK_ELEMENTS = 4_000_000
_ROUNDING = 1e-3


def expected_gradients(
    game: TensorGame,
    *,
    max_evaluations: int | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return Aumann-Shapley values of a differentiable network, averaged over references, with standard errors.

    On the straight way from a reference to the row, each element earns its gradient times its change. Another question
    than the Shapley value's: elements move together, none is ever present alone. The two agree for sums of functions of
    one player and for products of two. A player's value is the sum over its elements, so that many players cost no more
    than few.

    References are chosen to resemble the whole background, none twice before all came once; positions on the way are
    evenly spread over all references, and all shifted by one random number.

    Parameters
    ----------
    game
        Images, windows or other tensors of floating point numbers, and a network torch can differentiate.
    max_evaluations
        Gradients per row, one for the output included; the background's outputs come on top, once for all rows. A
        gradient takes as long as two or three outputs. ``None`` means 512.
    random_state
        Seed of references and positions.
    progress
        Whether to show a progress bar.

    Raises
    ------
    TypeError
        If the game holds no tensors, or integers (an embedding's input has no gradient).
    ValueError
        If the budget is below 21, or the network is not differentiable or has gradients that are not finite.

    Warns
    -----
    DataWarning
        If gradients leave open more of an output than sampling explains: the network has steps.

    References
    ----------
    Erion, Janizek, Sturmfels, Lundberg, Lee (2021), Improving performance of deep learning models with axiomatic
    attribution priors and expected gradients. Nature Machine Intelligence 3.

    Examples
    --------
    >>> rows, background = torch.tensor([[2.0, 3.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    >>> game = TensorGame(lambda x: x.prod(1), rows, background, players=torch.arange(2), player_names=["a", "b"])
    >>> explanation = expected_gradients(game, random_state=0)
    >>> explanation.method, explanation.values[0, :, 0].round(2).tolist()
    ('expected gradients (Aumann-Shapley)', [2.75, 3.25])
    """
    _check_game(game)
    seed = seed_of(random_state)
    features = standardised_features(game)
    plan = _Plan.drawn(game, features, n_gradients=_n_gradients(max_evaluations), seed=seed)
    control = None if features is None or plan.n_draws < _FEWEST_CONTROLLED else Control.of(features, plan.references)
    with differentiating(game.network, torch.device(game.device)):
        explanation = explanation_from_draws(
            game,
            lambda rows: _contributions(game, plan, rows),
            n_draws=plan.n_draws,
            control=control,
            method="expected gradients (Aumann-Shapley)",
            random_state=seed,
            progress=progress,
        )
    _warn_of_steps(explanation)
    return explanation


@dataclass(frozen=True)
class _Plan:
    """What is drawn before any row is looked at."""

    references: Tensor  # int64 (n_draws,)
    positions: Tensor  # float32 (n_draws, n_points): 0 is the reference, 1 the row

    @classmethod
    def drawn(cls, game: TensorGame, features: Tensor | None, *, n_gradients: int, seed: int) -> "_Plan":
        """Return one draw per reference; a single reference is asked in independent rounds, to know their spread."""
        rng = np.random.default_rng(seed)
        is_single = game.n_references == 1
        n_draws = LEAST_GRADIENTS if is_single else min(game.n_references, n_gradients)
        n_points = n_gradients // n_draws
        references = herded_order(features, n_references=game.n_references, n_drawn=n_draws, seed=seed)
        shifts = rng.random(n_draws) if is_single else (rng.permutation(n_draws) + rng.random()) / n_draws
        positions = (np.arange(n_points) + shifts[:, None]) / n_points
        return cls(
            torch.as_tensor(references, device=game.device),
            torch.as_tensor(positions, dtype=torch.float32, device=game.device),
        )

    @property
    def n_draws(self) -> int:
        return len(self.references)


def _contributions(game: TensorGame, plan: _Plan, rows: Tensor) -> Tensor:
    """Return contributions by reference, float64 ``(n_rows, n_draws, n_players, n_outputs)``."""
    per_row = plan.positions.numel() * len(game.player_names) * len(game.output_names)
    blocks = rows.split(max(1, _BLOCK_ELEMENTS // per_row))
    return torch.cat([_block(game, plan, some) for some in blocks])


def _block(game: TensorGame, plan: _Plan, rows: Tensor) -> Tensor:
    n_points = plan.positions.shape[1]
    found = batched(
        game,
        lambda row, reference, position: _at(game, row, reference, position),
        [
            rows.repeat_interleave(plan.positions.numel()),
            plan.references.repeat_interleave(n_points).repeat(len(rows)),
            plan.positions.flatten().repeat(len(rows)),
        ],
    )
    return found.view(len(rows), plan.n_draws, n_points, *found.shape[1:]).mean(2)


def _at(game: TensorGame, rows: Tensor, references: Tensor, positions: Tensor) -> Tensor:
    """Return gradient times change at one position of each way, ``(n, n_players, n_outputs)``."""
    own, fill = game.path_ends(rows, references)
    change = own - fill
    points = fill + positions.to(change.dtype).view(-1, *(1,) * (change.ndim - 1)) * change
    points.requires_grad_()
    outputs = game.ask(points.clone(), rows)  # a first layer that works in place must not meet a leaf
    return torch.stack(
        [game.player_sums(gradient * change, rows=rows) for gradient in gradients(outputs, points)], dim=2
    )


def _check_game(game: TensorGame) -> None:
    if not isinstance(game, TensorGame):
        raise TypeError(
            f"Expected gradients need a game of tensors (images, windows), got {type(game).__name__}. "
            "Use method='permutation'."
        )
    if not game.elements.is_floating_point():
        raise TypeError(
            f"Expected gradients need floating point numbers, got {game.elements.dtype}: a whole number (an item, a "
            "word, a category) has no way between two of its values. Use method='permutation'."
        )


def _n_gradients(max_evaluations: int | None) -> int:
    budget = DEFAULT_GRADIENTS if max_evaluations is None else max_evaluations
    if budget < LEAST_GRADIENTS + 1:
        raise ValueError(f"max_evaluations must be at least {LEAST_GRADIENTS + 1} gradients, got {max_evaluations!r}.")
    return budget - 1


def _warn_of_steps(explanation: Explanation) -> None:
    scale = np.maximum(np.abs(explanation.base_value), np.abs(explanation.output))
    expected = 3 * explanation.standard_error.sum(1) + _ROUNDING * scale
    share = np.mean(np.abs(explanation.residual) > expected)
    if share > 0:
        warnings.warn(
            f"Gradients leave more open than sampling explains in {share:.0%} of the outputs: the network seems to "
            "have steps, which have no gradient, and standard errors are too small. Use method='permutation'.",
            DataWarning,
            stacklevel=3,
        )
