"""From independent draws of Shapley contributions to an explanation with its errors.

Exact enumeration, permutations and regressions differ only in what they draw: exact Shapley values of one background
row, or estimates of them. Everything after that is here: the mean, its standard error, a control variate, the spreading
of what sampling left open, and the error of the global importance.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.solvers.references import clipped_features

__all__ = [
    "Control",
    "Ends",
    "Estimate",
    "Gathered",
    "closed",
    "endpoints",
    "estimated",
    "explanation_from_draws",
    "row_blocks",
]

_BLOCK_ELEMENTS = 2_000_000
_RELATIVE_GAP = 1e-5
_ROUNDING = 1e-9
_FEWEST_REFERENCES = 20  # the spread of fewer is itself off by more than a sixth
_PENALTY = 20.0  # a feature that explains a fiftieth of the spread is worth a fifth of its slope at 100 draws


@dataclass(frozen=True)
class Control:
    """What tells the drawn background rows apart; the whole background shows 0 on average.

    A contribution rises and falls with its reference: first of all with what the reference shows of the player itself,
    then with what it shows of the others. Regressing the draws on both, the first without and the second with a ridge
    penalty, and moving to the mean of the whole background takes the luck of the drawn references out of the answer, at
    no evaluation.

    Parameters
    ----------
    own
        float64 ``(n_draws, n_players)``: features of the drawn references, less their mean; 0 where one draw alone
        holds most of the spread, for a slope through a single point would call its error 0.
    shift
        float64 ``(n_players,)``: from the drawn references' mean to that of the background, 0.
    design
        float64 ``(n_draws, 1 + n_players)``: a column of ones, then the features, clipped at three standard deviations.
    operator
        float64 ``(1 + n_players, n_draws)``: from draws to ridge coefficients; the first row weighs the draws.
    freedom
        Degrees of freedom of the residuals.
    error_factor
        float64 ``(2 * n_players, 2 * n_players)``: root of the covariance, over the background, of the means of the
        features and of the clipped ones.
    """

    own: Tensor
    shift: Tensor
    design: Tensor
    operator: Tensor
    freedom: float
    error_factor: Tensor

    @classmethod
    def of(cls, features: Tensor, drawn: Tensor) -> "Control":
        """Return the control of the ``drawn`` background rows, int64 ``(n_draws,)``, four at least.

        Parameters
        ----------
        features
            float64 ``(n_references, n_players)``, of mean 0 and spread 1 over the background; see
            :func:`~appkit.explanation.solvers.references.standardised_features`.
        drawn
            The background row of each draw.
        """
        clipped = clipped_features(features)
        chosen = features[drawn]
        design = torch.cat([torch.ones_like(chosen[:, :1]), clipped[drawn]], dim=1)
        penalty = torch.full_like(design[0], _PENALTY)
        penalty[0] = 0.0
        operator = torch.linalg.solve(design.T @ design + penalty.diag(), design.T)
        # trace of (1 - H)' (1 - H) with H = design @ operator, without a matrix of all draws by all draws
        smoothed = operator @ design
        left = len(design) - 2 * smoothed.trace() + ((operator @ operator.T) * (design.T @ design)).sum()
        centred = chosen - chosen.mean(0)
        spread = centred.square()
        steady = spread.amax(0) <= 0.5 * spread.sum(0)
        both = torch.cat([features, clipped], dim=1)
        values, vectors = torch.linalg.eigh(both.T @ both / len(features) ** 2)
        return cls(
            own=centred * steady,
            shift=-chosen.mean(0) * steady,
            design=design,
            operator=operator,
            freedom=max(1.0, float(left) - 1),
            error_factor=vectors * values.clamp(min=0).sqrt(),
        )

    def own_slopes(self, draws: Tensor) -> Tensor:
        """Return the slope of each player's draws on its own feature, ``(n_rows, n_players, n_outputs)``."""
        squares = self.own.square().sum(0)
        covariance = (draws * self.own[..., None]).sum(1)
        return covariance / torch.where(squares > 0, squares, 1.0)[:, None]


@dataclass(frozen=True)
class Estimate:
    """Mean over draws for a block of rows, with every draw's share in its error."""

    mean: Tensor  # (n_rows, n_players, n_outputs)
    influence: Tensor  # (n_rows, n_draws, n_players, n_outputs), so scaled that its squares sum to the variance
    carried: Tensor  # (n_rows, n_features, n_players, n_outputs): error of the background's own mean, likewise scaled

    @property
    def variance(self) -> Tensor:
        """Variance of the mean, of the shape of the mean."""
        return self.influence.square().sum(1) + self.carried.square().sum(1)


def estimated(draws: Tensor, control: Control | None = None) -> Estimate:
    """Return the mean of draws ``(n_rows, n_draws, n_players, n_outputs)`` and its error.

    Without a control the error is the spread of the draws over the root of their number. With one, the draws spread
    about the regression, and the error of the background's own mean is added (double sampling, Cochran, *Sampling
    Techniques*, 3rd ed., ch. 12). One draw alone has no spread: its standard error is 0.
    """
    n_draws = draws.shape[1]
    if control is None:
        mean = draws.mean(1)
        scale = (n_draws * max(n_draws - 1, 1)) ** 0.5
        return Estimate(mean, (draws - mean[:, None]) / scale, torch.zeros_like(draws[:, :0]))
    slopes = control.own_slopes(draws)
    moved = draws + slopes[:, None] * (control.shift - control.own)[..., None]
    flat = moved.flatten(2)
    coefficients = _row_by_row(control.operator, flat)
    residuals = flat - _row_by_row(control.design, coefficients)
    scale = control.operator[0].square().sum().sqrt() / control.freedom**0.5
    shape = draws.shape[2:]
    own = torch.diag_embed(slopes.transpose(1, 2)).movedim(1, -1).flatten(2)
    carried = _row_by_row(control.error_factor.T, torch.cat([own, coefficients[:, 1:]], dim=1))
    return Estimate(
        mean=coefficients[:, 0].unflatten(1, shape),
        influence=(residuals * scale).unflatten(2, shape),
        carried=carried.unflatten(2, shape),
    )


class Ends(NamedTuple):
    """Outputs of the empty and of the full coalition over the whole background, float64 ``(n_rows, n_outputs)``."""

    base: Tensor
    output: Tensor

    @property
    def scale(self) -> Tensor:
        """The larger of both, without sign."""
        return torch.maximum(self.base.abs(), self.output.abs())


def endpoints(game: Game) -> Ends:
    """Ask a game for its two endpoints."""
    ends = torch.zeros(2, len(game.player_names), dtype=torch.bool, device=game.device)
    ends[1] = True
    outputs = game.values(ends)
    return Ends(outputs[:, 0], outputs[:, 1])


def closed(estimate: Estimate, ends: Ends) -> tuple[Tensor, Tensor]:
    """Return values that sum to the output less the base, and their variances.

    What sampling left open goes to the players in proportion to their sampling variance. Where no player varied (all
    drawn references say the same, the others of the background do not) it is shared by the players that contribute,
    or else by all, and counted as error.
    """
    mean, variance = estimate.mean, estimate.variance
    residual = ends.output - ends.base - mean.sum(1)
    total = variance.sum(1, keepdim=True)
    contributes = (mean != 0).double()
    contributes = torch.where(contributes.sum(1, keepdim=True) > 0, contributes, 1.0)
    blind = (total == 0) & (residual.abs() > _ROUNDING * ends.scale)[:, None]
    by_variance = variance / torch.where(total > 0, total, 1.0)
    share = torch.where(blind, contributes / contributes.sum(1, keepdim=True), by_variance) * residual[:, None]
    return mean + share, variance + torch.where(blind, share.square(), 0.0)


class Gathered:
    """Collects estimates of some rows after others, and puts the explanation of all together.

    Parameters
    ----------
    game, ends
        What is explained, and its endpoints.
    started
        The game's count of evaluations before the first.
    """

    def __init__(self, game: Game, ends: Ends, *, started: int) -> None:
        shape = (game.n_rows, len(game.player_names), len(game.output_names))
        self._game, self._ends, self._started = game, ends, started
        self._values = torch.zeros(shape, dtype=torch.float64, device=game.device)
        self._errors = torch.zeros_like(self._values)
        self._residuals = torch.zeros_like(ends.output)
        self._signed = torch.zeros(0, *shape[1:], dtype=torch.float64, device=game.device)
        self._carried = torch.zeros(0, *shape[1:], dtype=torch.float64, device=game.device)

    def add(self, rows: Tensor, estimate: Estimate) -> None:
        """Take in the final estimate of ``rows``, int64 ``(n,)``; draws are the same for all rows, some use fewer."""
        ends = Ends(self._ends.base[rows], self._ends.output[rows])
        value, variance = closed(estimate, ends)
        self._values[rows], self._errors[rows] = value, variance.sqrt()
        self._residuals[rows] = ends.output - ends.base - estimate.mean.sum(1)
        sign = value.sign()[:, None]
        self._signed = _sum_of_unequal(self._signed, (sign * estimate.influence).sum(0))
        self._carried = _sum_of_unequal(self._carried, (sign * estimate.carried).sum(0))

    def explanation(
        self, *, method: str, random_state: int | None, row_evaluations: Tensor | None = None, note: str = ""
    ) -> Explanation:
        """Return the explanation of all rows; every row must have been added."""
        game, ends = self._game, self._ends
        if 1 < game.n_references < _FEWEST_REFERENCES:
            told = f"Standard errors rest on {game.n_references} background rows: give {_FEWEST_REFERENCES} or more."
            note = f"{note} {told}".strip()
        _check_additive(self._values, ends)
        variance = self._signed.square().sum(0) + self._carried.square().sum(0)
        return Explanation(
            values=_numpy(self._values),
            standard_error=_numpy(self._errors),
            base_value=_numpy(ends.base),
            output=_numpy(ends.output),
            residual=_numpy(self._residuals),
            data=game.data(),
            layout=game.layout(),
            player_names=game.player_names,
            output_names=game.output_names,
            method=method,
            units=game.units,
            n_evaluations=-(-(game.n_evaluations - self._started) // game.n_rows),
            row_evaluations=None if row_evaluations is None else _numpy(row_evaluations),
            is_additive=True,
            random_state=random_state,
            global_importance=_numpy(self._values.abs().mean(0)),
            global_standard_error=_numpy(variance.sqrt() / game.n_rows),
            local_fit=np.full(tuple(ends.output.shape), np.nan),
            note=note,
        )


def explanation_from_draws(
    game: Game,
    draw: Callable[[Tensor], Tensor],
    *,
    n_draws: int,
    control: Control | None = None,
    method: str,
    random_state: int | None,
    progress: bool = False,
) -> Explanation:
    """Return the explanation that averages independent draws of contributions.

    Parameters
    ----------
    game
        What is explained; asked here only for the two endpoints, over the whole background.
    draw
        From rows, int64 ``(n,)``, to contributions, float64 ``(n, n_draws, n_players, n_outputs)``; all rows share the
        same draws.
    n_draws
        Draws behind each value.
    control
        Optional control variate.
    method, random_state
        Recorded in the result.
    progress
        Whether to show a progress bar.

    Notes
    -----
    For standard errors see :func:`estimated`. Global importance is linearised at the signs of the values (delta
    method): each draw contributes its mean over rows, so the correlation between rows that share draws is kept.
    """
    started = game.n_evaluations
    gathered = Gathered(game, endpoints(game), started=started)
    per_row = n_draws * len(game.player_names) * len(game.output_names)
    for rows in row_blocks(game, per_row=per_row, progress=progress):
        gathered.add(rows, estimated(draw(rows), control))
    return gathered.explanation(method=method, random_state=random_state)


def row_blocks(game: Game, *, per_row: int, progress: bool = False) -> Iterator[Tensor]:
    """Yield the rows of a game in blocks whose answers, ``per_row`` numbers each, fit in memory."""
    everyone = torch.arange(game.n_rows, device=game.device)
    blocks = everyone.split(max(1, _BLOCK_ELEMENTS // max(1, per_row)))
    yield from track(blocks, description="Explaining", disable=not progress)


def _row_by_row(matrix: Tensor, rows: Tensor) -> Tensor:
    """Return ``matrix @ row`` for each row: how a joint product rounds depends on how many rows there are."""
    return torch.bmm(matrix.expand(len(rows), -1, -1), rows)


def _sum_of_unequal(a: Tensor, b: Tensor) -> Tensor:
    """Return the sum of two tensors whose first axes may differ in length; what is not there counts as 0."""
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    total = longer.clone()
    total[: len(shorter)] += shorter
    return total


def _check_additive(values: Tensor, ends: Ends) -> None:
    gap = (ends.output - ends.base - values.sum(1)).abs()
    scale = torch.maximum(ends.scale, values.abs().sum(1))
    if not (gap <= _RELATIVE_GAP * scale).all():
        raise AssertionError(f"Values must sum to output less base_value, they miss it by up to {gap.max().item()}.")


def _numpy(values: Tensor) -> np.ndarray:
    return values.cpu().numpy()
