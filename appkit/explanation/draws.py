"""From independent draws of Shapley contributions to an explanation with its errors.

Exact enumeration and permutations differ only in what they draw: the first gives one exact Shapley value per
background row, the second one permutation pair per background row. Everything after that is here: the mean, its
standard error, a control variate, the spreading of what sampling left open, and the error of the global importance.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game

__all__ = ["Control", "endpoints", "explanation_from_draws", "row_blocks"]

_BLOCK_ELEMENTS = 2_000_000
_RELATIVE_GAP = 1e-5
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Control:
    """What a draw's reference shows of each player, and what the whole background shows on average.

    A contribution rises and falls with the reference's own column. Regressing it on that column and moving to the mean
    of the whole background takes the luck of the drawn references out of the answer, at no evaluation.

    Parameters
    ----------
    centred
        float64 ``(n_draws, n_players)``: features of the drawn references, less their mean.
    shift
        float64 ``(n_players,)``: mean of the whole background less the mean of the drawn references.
    error
        float64 ``(n_players,)``: standard error of the mean of the whole background.
    """

    centred: Tensor
    shift: Tensor
    error: Tensor

    @classmethod
    def of(cls, features: Tensor, drawn: Tensor) -> "Control":
        """Return the control of the ``drawn`` background rows, int64 ``(n_draws,)``.

        A player is left uncontrolled (features 0) where one draw alone holds most of the spread: a slope through a
        single point would call its error 0.
        """
        centred = features[drawn] - features[drawn].mean(0)
        spread = centred.square()
        steady = spread.amax(0) <= 0.5 * spread.sum(0)
        n_references = len(features)
        error = features.std(0, correction=1) / n_references**0.5
        shift = features.mean(0) - features[drawn].mean(0)
        return cls(centred * steady, shift * steady, error * steady)


@dataclass(frozen=True)
class _Estimate:
    """Mean over draws for a block of rows, with every draw's share in its error."""

    mean: Tensor  # (n_rows, n_players, n_outputs)
    influence: Tensor  # (n_rows, n_draws, n_players, n_outputs), so scaled that its squares sum to the variance
    carried: Tensor  # like mean: error that the control carries over from the mean of the background

    @property
    def variance(self) -> Tensor:
        return self.influence.square().sum(1) + self.carried.square()


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
        Draws behind each value. One draw alone has no spread: its standard error is 0.
    control
        Optional control variate; needs four draws.
    method, random_state
        Recorded in the result.
    progress
        Whether to show a progress bar.

    Notes
    -----
    The standard error of a value is the spread of its draws over the root of their number. With a control variate the
    draws spread about the regression line, and the error of the background's own mean is added (double sampling,
    Cochran, *Sampling Techniques*, 3rd ed., ch. 12). Global importance is linearised at the signs of the values (delta
    method): each draw contributes its mean over rows, so the correlation between rows that share draws is kept.
    """
    started = game.n_evaluations
    base, output = endpoints(game)
    n_players, n_outputs = len(game.player_names), len(game.output_names)
    values, errors = [], []
    residuals = []
    signed = torch.zeros(n_draws, n_players, n_outputs, dtype=torch.float64, device=game.device)
    carried = torch.zeros(n_players, n_outputs, dtype=torch.float64, device=game.device)
    for rows in row_blocks(game, per_row=n_draws * n_players * n_outputs, progress=progress):
        estimate = _estimate(draw(rows), control)
        residual = (output - base)[rows] - estimate.mean.sum(1)
        value, variance = _spread(estimate.mean, estimate.variance, residual=residual, scale=_scale(base, output)[rows])
        sign = value.sign()
        signed = signed + (sign[:, None] * estimate.influence).sum(0)
        carried = carried + (sign * estimate.carried).sum(0)
        values.append(value)
        errors.append(variance.sqrt())
        residuals.append(residual)
    value = torch.cat(values)
    _check_additive(value, base=base, output=output)
    return Explanation(
        values=_numpy(value),
        standard_error=_numpy(torch.cat(errors)),
        base_value=_numpy(base),
        output=_numpy(output),
        residual=_numpy(torch.cat(residuals)),
        data=game.data(),
        layout=game.layout(),
        player_names=game.player_names,
        output_names=game.output_names,
        method=method,
        units=game.units,
        n_evaluations=-(-(game.n_evaluations - started) // game.n_rows),
        is_additive=True,
        random_state=random_state,
        global_importance=_numpy(value.abs().mean(0)),
        global_standard_error=_numpy((signed.square().sum(0) + carried.square()).sqrt() / game.n_rows),
        local_fit=np.full(output.shape, np.nan),
    )


def row_blocks(game: Game, *, per_row: int, progress: bool = False) -> Iterator[Tensor]:
    """Yield the rows of a game in blocks whose answers, ``per_row`` numbers each, fit in memory."""
    everyone = torch.arange(game.n_rows, device=game.device)
    blocks = everyone.split(max(1, _BLOCK_ELEMENTS // max(1, per_row)))
    yield from track(blocks, description="Explaining", disable=not progress)


def endpoints(game: Game) -> tuple[Tensor, Tensor]:
    """Return the outputs of the empty and of the full coalition, ``(n_rows, n_outputs)`` each."""
    ends = torch.zeros(2, len(game.player_names), dtype=torch.bool, device=game.device)
    ends[1] = True
    outputs = game.values(ends)
    return outputs[:, 0], outputs[:, 1]


def _estimate(draws: Tensor, control: Control | None) -> _Estimate:
    n_draws = draws.shape[1]
    mean = draws.mean(1)
    deviations = draws - mean[:, None]
    if control is None:
        scale = (n_draws * max(n_draws - 1, 1)) ** 0.5
        return _Estimate(mean, deviations / scale, torch.zeros_like(mean))
    squares = control.centred.square().sum(0)
    covariance = (deviations * control.centred[..., None]).sum(1)
    slope = covariance / torch.where(squares > 0, squares, 1.0)[:, None]
    unexplained = deviations - slope[:, None] * control.centred[..., None]
    scale = (n_draws * (n_draws - 2)) ** 0.5
    return _Estimate(mean + slope * control.shift[:, None], unexplained / scale, slope * control.error[:, None])


def _spread(mean: Tensor, variance: Tensor, *, residual: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Return values that close the sum, and their variances.

    What sampling left open goes to the players in proportion to their sampling variance. Where no player varied (all
    drawn references say the same, the others of the background do not) it is shared by the players that contribute,
    or else by all, and counted as error.
    """
    total = variance.sum(1, keepdim=True)
    contributes = (mean != 0).double()
    contributes = torch.where(contributes.sum(1, keepdim=True) > 0, contributes, 1.0)
    blind = (total == 0) & (residual.abs() > _ROUNDING * scale)[:, None]
    by_variance = variance / torch.where(total > 0, total, 1.0)
    share = torch.where(blind, contributes / contributes.sum(1, keepdim=True), by_variance) * residual[:, None]
    return mean + share, variance + torch.where(blind, share.square(), 0.0)


def _scale(base: Tensor, output: Tensor) -> Tensor:
    return torch.maximum(base.abs(), output.abs())


def _check_additive(values: Tensor, *, base: Tensor, output: Tensor) -> None:
    gap = (output - base - values.sum(1)).abs()
    scale = torch.maximum(_scale(base, output), values.abs().sum(1))
    if not (gap <= _RELATIVE_GAP * scale).all():
        raise AssertionError(f"Values must sum to output less base_value, they miss it by up to {gap.max().item()}.")


def _numpy(values: Tensor) -> np.ndarray:
    return values.cpu().numpy()
