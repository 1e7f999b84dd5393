"""Fit the last layer alone: a convex problem, solved on features that are computed once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from appkit.model.heads import Head
from appkit.model.training import Epoch

__all__ = ["LinearHead", "fit_linear_head"]

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Inverse ridge penalties that are tried, ``C`` of ``LogisticRegression``; the one with the best held-out loss wins."""

_LEAST_SPREAD = 1e-6
_MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class LinearHead:
    """A fitted last layer and what it said of rows held out from it.

    Parameters
    ----------
    weight, bias
        float32 ``(n_outputs, n_features)`` and ``(n_outputs,)``, for features as they are.
    logits
        float32 ``(n_held_out, n_outputs)``: of rows that the coefficients behind them were not fitted to.
    held_out
        int64 ``(n_held_out,)``.
    history
        One line per strength: mean loss of rows learnt from and held out.
    """

    weight: Tensor
    bias: Tensor
    logits: Tensor
    held_out: np.ndarray
    history: list[Epoch]


def fit_linear_head(
    features: Tensor,
    target: Tensor,
    weight: Tensor,
    *,
    head: Head,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    learnt: np.ndarray | None = None,
    strengths: Sequence[float] = STRENGTHS,
) -> LinearHead:
    """Fit a linear layer with a ridge penalty whose strength is chosen on rows held out, then to all rows there are.

    Parameters
    ----------
    features
        float32 ``(n_rows, n_features)``; standardised inside, the penalty speaks of standardised features.
    target, weight
        ``(n_rows, ...)`` and ``(n_rows,)``, as in training.
    head
        What the logits mean.
    folds
        Pairs of rows to fit to and rows to judge on.
    learnt
        int64: rows of the last fit, and those whose mean and spread are taken; ``None``: all.
    strengths
        Inverse penalties to choose from.

    Examples
    --------
    >>> from appkit.model.heads import BinaryHead
    >>> features = torch.linspace(-1, 1, 40)[:, None]
    >>> rows = np.arange(40)
    >>> folds = [(rows[i % 2 :: 2], rows[1 - i % 2 :: 2]) for i in range(2)]
    >>> found = fit_linear_head(features, (features[:, 0] > 0).float(), torch.ones(40), head=BinaryHead(), folds=folds)
    >>> bool(found.weight[0, 0] > 0), found.logits.shape
    (True, torch.Size([40, 1]))
    """
    started = time.monotonic()
    last = torch.arange(len(features)) if learnt is None else torch.from_numpy(learnt)
    centre, spread = _moments(features[last], weight[last])
    x = (features.double() - centre) / spread
    parts = [_Part(x, target, weight, torch.from_numpy(rows), torch.from_numpy(held), head) for rows, held in folds]
    trials = [_Trial.of(parts, strength) for strength in strengths]
    history = [
        Epoch(number + 1, trial.training_loss, trial.validation_loss, time.monotonic() - started)
        for number, trial in enumerate(trials)
    ]
    best = min(trials, key=lambda trial: trial.validation_loss)
    coefficients = _Part(x, target, weight, last, last, head).fit(best.strength)
    slopes = coefficients[:, :-1] / spread
    bias = coefficients[:, -1] - slopes @ centre
    held_out = np.concatenate([held for _, held in folds])
    return LinearHead(slopes.float(), bias.float(), best.logits.float(), held_out, history)


@dataclass(frozen=True, eq=False)
class _Part:
    """One fold: rows to fit to and rows held out."""

    x: Tensor  # float64 (n_rows, n_features), standardised
    target: Tensor
    weight: Tensor
    rows: Tensor
    held: Tensor
    head: Head

    def fit(self, strength: float) -> Tensor:
        """Return coefficients, the bias last, float64 ``(n_outputs, n_features + 1)``."""
        x, target, weight = self.x[self.rows], self.target[self.rows], self.weight[self.rows].double()
        start = torch.zeros(self.head.n_free_outputs, x.shape[1] + 1, dtype=torch.float64, device=x.device)
        coefficients = start.requires_grad_()
        solver = torch.optim.LBFGS(
            [coefficients], max_iter=_MOST_STEPS, tolerance_grad=1e-6, line_search_fn="strong_wolfe"
        )

        def loss() -> Tensor:
            solver.zero_grad()
            losses = self.head.loss(self._logits(coefficients, x), target.to(x.dtype))[:, 0]
            value = (losses * weight).sum() + coefficients[:, :-1].square().sum() / (2 * strength)
            value.backward()
            return value

        solver.step(loss)
        return coefficients.detach()

    def logits(self, coefficients: Tensor, rows: Tensor) -> Tensor:
        return self._logits(coefficients, self.x[rows])[:, 0]

    def score(self, logits: Tensor, rows: Tensor) -> Tensor:
        """Return the weighted mean loss of rows."""
        losses = self.head.score(self.head.means(logits[:, None])[:, 0], self.target[rows])
        weight = self.weight[rows].double()
        return (losses * weight).sum() / weight.sum()

    @staticmethod
    def _logits(coefficients: Tensor, x: Tensor) -> Tensor:
        return (x @ coefficients[:, :-1].T + coefficients[:, -1])[:, None]


@dataclass(frozen=True, eq=False)
class _Trial:
    """What one strength came to."""

    strength: float
    training_loss: float
    validation_loss: float
    logits: Tensor  # of held-out rows, fold by fold

    @classmethod
    def of(cls, parts: Sequence[_Part], strength: float) -> "_Trial":
        fitted = [(part, part.fit(strength)) for part in parts]
        losses = []
        for place in ("rows", "held"):
            sizes = [len(getattr(part, place)) for part, _ in fitted]
            found = [
                float(part.score(part.logits(coefficients, getattr(part, place)), getattr(part, place)))
                for part, coefficients in fitted
            ]
            losses.append(float(np.average(found, weights=sizes)))
        logits = torch.cat([part.logits(coefficients, part.held) for part, coefficients in fitted])
        return cls(strength, losses[0], losses[1], logits)


def _moments(features: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    share = (weight.double() / weight.double().sum())[:, None]
    x = features.double()
    centre = (x * share).sum(0)
    return centre, ((x - centre).square() * share).sum(0).sqrt().clamp_min(_LEAST_SPREAD)
