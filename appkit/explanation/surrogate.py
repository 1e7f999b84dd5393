"""LIME: a weighted linear model of what the game says near each row."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.draws import endpoints, row_blocks
from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.seeds import RandomState, seed_of

__all__ = ["KERNEL_WIDTH_PER_ROOT_PLAYER", "lime_surrogate"]

KERNEL_WIDTH_PER_ROOT_PLAYER = 0.75
_RIDGE = 1.0
_DEFAULT_PERTURBATIONS = 2048
_LEAST_PER_PLAYER = 8


def lime_surrogate(
    game: Game,
    *,
    max_evaluations: int | None = None,
    kernel_width: float | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return the weights of a local linear surrogate, with its fit and the standard errors of its weights.

    Each perturbation keeps a player with probability one half and fills the others from one background row; every
    perturbation comes with its opposite, and the unperturbed row is always among them, as in lime. A ridge regression
    (penalty 1, as in lime) of the outputs on the presence of each player is weighted by
    ``sqrt(exp(-n_absent / kernel_width ** 2))``: lime's exponential kernel of the Euclidean distance between presence
    vectors. Perturbations are shared by all rows, so the normal equations are factorised once.

    lime's own tabular explainer (``backend="lime"``) differs in what it perturbs: it draws each column on its own from
    its training distribution, and counts a number as present while it stays in the row's quartile. Here absent columns
    come together from one real row, and present means the row's own value.

    Parameters
    ----------
    game
        What is explained; two players at least.
    max_evaluations
        Model evaluations per row; the empty coalition, evaluated over the whole background once for all rows, comes on
        top. ``None`` means 2048, or 8 per player if that is more.
    kernel_width
        ``None`` means ``0.75 * sqrt(n_players)``, lime's default.
    random_state
        Seed of the perturbations.
    progress
        Whether to show a progress bar.

    Returns
    -------
    Explanation
        ``values`` are weights and sum to nothing in particular; ``local_fit`` is the weighted R2.

    Raises
    ------
    ValueError
        If there is one player only (nothing to weigh against), or the budget is below 8 perturbations per player.

    Notes
    -----
    Standard errors are those of weighted least squares with unequal variances (the sandwich), a perturbation and its
    opposite counting as one observation, because they share a background row.

    References
    ----------
    Ribeiro, Singh, Guestrin (2016), "Why should I trust you?" KDD.
    """
    _check_players(game)
    width = _checked_width(kernel_width, len(game.player_names))
    seed = seed_of(random_state)
    design = _Design.drawn(game, n_pairs=_n_pairs(game, max_evaluations), width=width, seed=seed)
    started = game.n_evaluations
    per_row = len(design.coalitions) * len(game.player_names) * len(game.output_names)
    fits = [_fit(game, design, rows) for rows in row_blocks(game, per_row=per_row, progress=progress)]
    weights = torch.cat([fit.weights for fit in fits])
    signed = torch.stack([fit.signed for fit in fits]).sum(0)
    base, output = endpoints(game)
    return Explanation(
        values=weights.cpu().numpy(),
        standard_error=torch.cat([fit.error for fit in fits]).cpu().numpy(),
        base_value=base.cpu().numpy(),
        output=output.cpu().numpy(),
        residual=np.full(tuple(output.shape), np.nan),
        data=game.data(),
        player_names=game.player_names,
        output_names=game.output_names,
        method="lime",
        units=game.units,
        n_evaluations=-(-(game.n_evaluations - started) // game.n_rows),
        is_additive=False,
        random_state=seed,
        global_importance=weights.abs().mean(0).cpu().numpy(),
        global_standard_error=signed.square().sum(0).sqrt().cpu().numpy() / game.n_rows,
        local_fit=torch.cat([fit.r_squared for fit in fits]).cpu().numpy(),
        n_effective=design.n_effective,
    )


@dataclass(frozen=True)
class _Design:
    """Perturbations, their weights and the regression they share."""

    coalitions: Tensor  # bool (1 + 2 * n_pairs, n_players): the row itself, then pairs of opposites
    references: Tensor  # int64 (1 + 2 * n_pairs,)
    weights: Tensor  # float64 (1 + 2 * n_pairs,)
    operator: Tensor  # float64 (n_players, 1 + 2 * n_pairs): from centred outputs to ridge weights
    centred: Tensor  # float64 (1 + 2 * n_pairs, n_players): presence less its weighted mean

    @classmethod
    def drawn(cls, game: Game, *, n_pairs: int, width: float, seed: int) -> "_Design":
        rng = np.random.default_rng(seed)
        half = torch.as_tensor(rng.random((n_pairs, len(game.player_names))) < 0.5)
        pairs = torch.stack([half, ~half], dim=1).flatten(0, 1)
        coalitions = torch.cat([torch.ones_like(pairs[:1]), pairs]).to(game.device)
        n_rounds = -(-n_pairs // game.n_references)
        drawn = np.concatenate([rng.permutation(game.n_references) for _ in range(n_rounds)])[:n_pairs]
        references = torch.as_tensor(np.concatenate([drawn[:1], drawn.repeat(2)]), device=game.device)
        weights = _kernel((~coalitions).sum(1).double(), width)
        presence = coalitions.double()
        centred = presence - weights @ presence / weights.sum()
        weighted = weights[:, None] * centred
        penalty = _RIDGE * torch.eye(presence.shape[1], dtype=torch.float64, device=game.device)
        operator = torch.linalg.solve(centred.T @ weighted + penalty, weighted.T)
        return cls(coalitions, references, weights, operator, centred)

    @property
    def n_effective(self) -> float:
        return float(self.weights.sum() ** 2 / self.weights.square().sum())


@dataclass(frozen=True)
class _Fit:
    weights: Tensor  # (n_rows, n_players, n_outputs)
    error: Tensor  # like weights
    r_squared: Tensor  # (n_rows, n_outputs)
    signed: Tensor  # (n_pairs, n_players, n_outputs): error of the summed absolute weights, pair by pair


def _fit(game: Game, design: _Design, rows: Tensor) -> _Fit:
    """Return the ridge regressions of a block of rows.

    Sums of products instead of matrix products: the rounding of those depends on how many rows there are.
    """
    outputs = game.values(design.coalitions, rows=rows, references=design.references).transpose(1, 2)
    centred = outputs - (outputs * design.weights).sum(-1, keepdim=True) / design.weights.sum()
    weights = (design.operator * centred[:, :, None]).sum(-1)  # (n_rows, n_outputs, n_players)
    unexplained = centred - (design.centred.T * weights[..., None]).sum(2)
    shares = (design.operator * unexplained[:, :, None])[..., 1:].unflatten(-1, (-1, 2)).sum(-1)
    left = (design.weights * unexplained.square()).sum(-1)
    total = (design.weights * centred.square()).sum(-1)
    return _Fit(
        weights=weights.transpose(1, 2),
        error=shares.square().sum(-1).sqrt().transpose(1, 2),
        r_squared=torch.where(total > 0, 1 - left / total, 1.0),
        signed=(weights.sign()[..., None] * shares).sum(0).permute(2, 1, 0),
    )


def _kernel(n_absent: Tensor, width: float) -> Tensor:
    return torch.exp(-n_absent / width**2).sqrt()


def _check_players(game: Game) -> None:
    if len(game.player_names) < 2:
        raise ValueError(
            f"LIME weighs players against each other and needs two at least, got {game.player_names}. "
            "Use method='shapley'."
        )


def _checked_width(kernel_width: float | None, n_players: int) -> float:
    if kernel_width is None:
        return KERNEL_WIDTH_PER_ROOT_PLAYER * n_players**0.5
    if not kernel_width > 0:
        raise ValueError(f"kernel_width must be positive, got {kernel_width!r}.")
    return float(kernel_width)


def _n_pairs(game: Game, max_evaluations: int | None) -> int:
    least = _LEAST_PER_PLAYER * len(game.player_names) + 2
    budget = max(_DEFAULT_PERTURBATIONS, least) if max_evaluations is None else max_evaluations
    if budget < least:
        raise ValueError(
            f"max_evaluations must be at least {least} for LIME over {len(game.player_names)} players, "
            f"got {max_evaluations!r}."
        )
    return (budget - 2) // 2  # the row itself is asked as a perturbation and as an endpoint
