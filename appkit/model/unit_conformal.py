"""Prediction intervals whose coverage counts units, not rows, and whose width follows the prediction."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from appkit.model.residual_quantiles import ResidualQuantiles, learn_residual_quantiles, weighted_quantiles

__all__ = ["UnitIntervals"]

_N_KNOTS, _N_CONTEXT_KNOTS = 20, 8
_N_SCORES = 1000
_MOST_ROWS = 50_000


@dataclass(frozen=True, eq=False)
class UnitIntervals:
    """Intervals for rows of units never seen, such as the remaining life of a machine at any one moment.

    Rows of one machine resemble each other; machines are drawn alike. So each calibration unit counts once, its rows
    sharing the weight. Of a new unit observed at a random moment (each of its rows as likely) the truth lies in the
    interval with probability at least ``1 - alpha``: the units' weighted scores promise it in finite samples, one more
    unit's weight set aside for the new one (Lee et al.). It is what averaging the p-values of all draws of one row per
    unit comes to, of which only ``1 - 2 alpha`` was known (Dunn et al.). Nothing is promised of one kind of moment
    alone, such as the last cycles.

    The width follows the prediction, and a context such as the unit's age where one is given: quantiles of truth minus
    prediction are learnt around knots of both, and the score of a row is how far out between them its truth lies, which
    serves every ``alpha``. Each unit's scores come from quantiles of other units. A new unit is answered by the average
    of the folds' quantiles: that step, as in every cross-fit, is outside the promise, but the average is steadier than
    what the scores came from, and coverage measured is a little above what was asked for.

    Parameters
    ----------
    quantiles
        Of truth minus prediction.
    scores
        Score within which each further of equal shares of the calibration units stays, rising, float64 ``(n_scores,)``.
    n_units
        Calibration units.
    low, high
        Range of the truth, to which intervals are clipped.
    has_context
        Whether rows come with a context.

    References
    ----------
    Lee, Barber, Willett (2023). Distribution-free inference with hierarchical data. arXiv:2306.06342.
    Dunn, Wasserman, Ramdas (2022). Distribution-Free Prediction Sets for Two-Layer Hierarchical Models. JASA 118.
    Romano, Patterson, Candes (2019). Conformalized Quantile Regression. NeurIPS.
    Chernozhukov, Wuthrich, Zhu (2021). Distributional conformal prediction. PNAS 118.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> unit, truth = np.repeat(np.arange(50), 100), np.tile(np.arange(100.0), 50)
    >>> prediction = truth + rng.normal(size=5000) * (1 + truth / 10)
    >>> intervals = UnitIntervals.fit(prediction, truth, unit, low=0.0)
    >>> intervals.interval(np.array([5.0, 50.0]), alpha=0.1).round()
    array([[ 3.,  8.],
           [42., 63.]])
    """

    quantiles: ResidualQuantiles
    scores: np.ndarray
    n_units: int
    low: float = -math.inf
    high: float = math.inf
    has_context: bool = False

    @classmethod
    def fit(
        cls,
        prediction: np.ndarray,
        truth: np.ndarray,
        unit: Any,
        *,
        context: np.ndarray | None = None,
        low: float = -math.inf,
        high: float = math.inf,
        n_folds: int = 5,
        random_state: int | np.random.RandomState | None = 0,
    ) -> "UnitIntervals":
        """Learn intervals from held-out rows, predicted by networks that never saw their unit.

        Parameters
        ----------
        prediction, truth
            ``(n_rows,)``.
        unit
            Labels that say which unit each row is of, ``(n_rows,)``.
        context
            One more number per row with which errors change, such as the unit's age, ``(n_rows,)``.
        low, high
            Range of the truth; predictions may leave it.
        n_folds
            Parts into which units are dealt: the scores of each come from quantiles of the others.
        random_state
            Deals units to folds, and draws rows of each unit where there are more than 50,000 in all.

        Raises
        ------
        ValueError
            If a value is missing or infinite, a truth leaves the range, or there are fewer than two units or folds.
        """
        if n_folds < 2:
            raise ValueError(f"n_folds must be at least 2, got {n_folds!r}.")
        rows = _read_rows(prediction, truth, unit, context)
        _check_range(rows.truth, low, high)
        rng = check_random_state(random_state)
        fold = (rng.permutation(rows.n_units) % n_folds)[rows.unit]
        kept = _spread_over_units(rows, rng)
        rows, fold = rows.take(kept), fold[kept]
        knots = _knots(rows.prediction, rows.weight, _N_KNOTS), _knots(rows.context, rows.weight, _N_CONTEXT_KNOTS)
        reach, learnt = np.empty(len(fold)), []
        for number in np.unique(fold):
            is_held = fold == number
            learnt.append(_learn(rows.take(~is_held), *knots))
            held = rows.take(is_held)
            reach[is_held] = learnt[-1].reach_of(held.truth, held.prediction, held.context, low=low, high=high)
        quantiles = replace(learnt[0], values=np.mean([one.values for one in learnt], axis=0))
        scores = weighted_quantiles(reach, rows.weight, np.arange(1, _N_SCORES + 1) / _N_SCORES)
        return cls(quantiles, scores, rows.n_units, float(low), float(high), context is not None)

    def interval(self, prediction: np.ndarray, *, alpha: float, context: np.ndarray | None = None) -> np.ndarray:
        """Return lower and upper ends, float64 ``(n_rows, 2)``, that hold the truth with probability ``1 - alpha``.

        Parameters
        ----------
        prediction
            ``(n_rows,)``.
        alpha
            Tolerated miss rate, over units.
        context
            As in :meth:`fit`, where it was given there.

        Raises
        ------
        ValueError
            If there were too few units for this ``alpha``, or a context is absent or not asked for.
        """
        if (context is not None) != self.has_context:
            raise ValueError(f"context must be given {'as' if self.has_context else 'only if it was'} in fit.")
        prediction = _check_column("prediction", prediction, np.size(prediction))
        n_rows = len(prediction)
        context = np.zeros(n_rows) if context is None else _check_column("context", context, n_rows)
        ends = self.quantiles.ends(prediction, context, reach=self._reach(alpha))
        return np.clip(prediction[:, None] + ends, self.low, self.high)

    def _reach(self, alpha: float) -> float:
        """Return the score that all but ``alpha`` of the units' weight stays within, a new unit's at infinity."""
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}.")
        needed = math.ceil(1 / alpha) - 1
        if self.n_units < needed:
            raise ValueError(f"alpha={alpha} needs at least {needed} held-out units, the model has {self.n_units}.")
        share = (1 - alpha) * (self.n_units + 1) / self.n_units
        return float(self.scores[min(math.ceil(share * len(self.scores) - 1e-9), len(self.scores)) - 1])


@dataclass(frozen=True)
class _Rows:
    prediction: np.ndarray  # float64 (n_rows,), as the next two
    truth: np.ndarray
    context: np.ndarray
    unit: np.ndarray  # int64 (n_rows,)
    n_units: int

    @property
    def weight(self) -> np.ndarray:
        """A unit's rows share its weight of 1."""
        return 1 / np.bincount(self.unit)[self.unit]

    def take(self, rows: np.ndarray) -> "_Rows":
        return _Rows(self.prediction[rows], self.truth[rows], self.context[rows], self.unit[rows], self.n_units)


def _read_rows(prediction: np.ndarray, truth: np.ndarray, unit: Any, context: np.ndarray | None) -> _Rows:
    code, labels = pd.factorize(np.asarray(unit), sort=True, use_na_sentinel=False)  # types may be mixed
    if len(labels) < 2:
        raise ValueError(f"Intervals by unit need at least 2 units to learn from, got {len(labels)}.")
    return _Rows(
        prediction=_check_column("prediction", prediction, len(code)),
        truth=_check_column("truth", truth, len(code)),
        context=np.zeros(len(code)) if context is None else _check_column("context", context, len(code)),
        unit=code,
        n_units=len(labels),
    )


def _check_column(name: str, values: np.ndarray, n_rows: int) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (n_rows,):
        raise ValueError(f"{name} must have one value for each of {n_rows} rows, got shape {values.shape}.")
    if not np.isfinite(values).all():
        row = int(np.isfinite(values).argmin())
        raise ValueError(f"{name} must be finite in every row, got {values[row]} in row {row}.")
    return values


def _check_range(truth: np.ndarray, low: float, high: float) -> None:
    is_outside = (truth < low) | (truth > high)
    if is_outside.any():
        row = int(is_outside.argmax())
        raise ValueError(f"truth must lie between low={low:g} and high={high:g}, got {truth[row]:g} in row {row}.")


def _spread_over_units(rows: _Rows, rng: np.random.RandomState) -> np.ndarray:
    """Return rows enough to learn from, at most as many of each unit as an even share allows, in their order."""
    most = max(_MOST_ROWS // rows.n_units, 1)
    order = rng.permutation(len(rows.unit))
    order = order[np.argsort(rows.unit[order], kind="stable")]
    starts = np.searchsorted(rows.unit[order], np.arange(rows.n_units))
    is_kept = np.arange(len(order)) - starts[rows.unit[order]] < most
    return np.sort(order[is_kept])


def _knots(values: np.ndarray, weight: np.ndarray, n_knots: int) -> np.ndarray:
    return np.unique(weighted_quantiles(values, weight, np.linspace(0, 1, n_knots)))


def _learn(rows: _Rows, knots: np.ndarray, context_knots: np.ndarray) -> ResidualQuantiles:
    return learn_residual_quantiles(
        rows.prediction, rows.truth, rows.context, weight=rows.weight, knots=knots, context_knots=context_knots
    )
