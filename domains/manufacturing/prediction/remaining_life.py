"""How far predicted remaining life is from the truth: errors, the NASA score, and what intervals are worth.

Every figure comes with an interval by redrawing whole units, because a unit's rows resemble each other.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from appkit.prediction import Estimate
from appkit.prediction.resampling import grouped_share, totals_estimate, undefined_estimate
from domains.manufacturing.prediction.unit_rows import as_remaining_life, as_rows

__all__ = [
    "bias",
    "interval_coverage",
    "interval_score",
    "interval_width",
    "mae",
    "nasa_score",
    "nasa_score_difference",
    "nasa_scores",
    "rmse",
    "rmse_difference",
    "share_within",
]


def rmse(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    units: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the root mean squared error, in the unit of the truth.

    Parameters
    ----------
    truth
        True remaining life of each row, shape (n_rows,).
    predicted
        Predicted remaining life, shape (n_rows,).
    units
        Machine of each row, shape (n_rows,); by default each row is its own.
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> rmse([10.0, 20.0], [13.0, 16.0]).value ** 2
    12.5...
    """
    errors = _errors(truth, predicted)
    return _of_totals("Root mean squared error", errors**2, _root_mean, units, n_resamples, random_state)


def mae(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    units: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean absolute error; parameters as in :func:`rmse`."""
    errors = _errors(truth, predicted)
    return _of_totals("Mean absolute error", np.abs(errors), _mean, units, n_resamples, random_state)


def bias(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    units: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean of predicted minus true: above 0 the warnings come late; parameters as in :func:`rmse`."""
    return _of_totals("Bias", _errors(truth, predicted), _mean, units, n_resamples, random_state)


def nasa_scores(
    truth: ArrayLike, predicted: ArrayLike, *, early_scale: float = 13.0, late_scale: float = 10.0
) -> np.ndarray:
    """Return the penalty of each row in the PHM08 challenge (Saxena, Goebel, Simon and Eklund, 2008), ``(n_rows,)``.

    With d = predicted - true: exp(d / 10) - 1 where the prediction is late, exp(-d / 13) - 1 where it is early.

    Parameters
    ----------
    truth, predicted
        In cycles, shape (n_rows,).
    early_scale, late_scale
        Error at which the penalty reaches e - 1, in cycles; for other units of time choose your own.

    Examples
    --------
    >>> nasa_scores([50.0, 50.0, 50.0], [60.0, 37.0, 50.0]).round(4)
    array([1.7183, 1.7183, 0.    ])
    """
    errors = _errors(truth, predicted)
    exponent = np.where(errors < 0, -errors / early_scale, errors / late_scale)
    if exponent.max() > 700:
        row = int(exponent.argmax())
        raise ValueError(
            f"The NASA score needs errors in cycles, got {errors[row]:g} in row {row}, whose penalty overflows. "
            "Give early_scale and late_scale in the unit of the remaining life."
        )
    return np.expm1(exponent)


def nasa_score(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    units: ArrayLike | None = None,
    early_scale: float = 13.0,
    late_scale: float = 10.0,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the sum of :func:`nasa_scores` over the rows, as the PHM08 challenge counts it.

    The sum grows with the number of rows and is ruled by the few worst: compare it on the same rows only.

    Examples
    --------
    >>> round(nasa_score([50.0, 50.0], [60.0, 37.0]).value, 4)
    3.4366
    """
    scores = nasa_scores(truth, predicted, early_scale=early_scale, late_scale=late_scale)
    return _of_totals("NASA score", scores, _sum, units, n_resamples, random_state)


def rmse_difference(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    units: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the RMSE of the first predictions minus that of the second, both redrawn together.

    Pairing by unit takes out what makes some units hard for everyone, so that the interval is narrower than two
    separate ones suggest. Parameters as in :func:`rmse`.

    Examples
    --------
    >>> rmse_difference([10.0, 20.0], [13.0, 17.0], [11.0, 19.0]).value
    2.0
    """
    squares = [_errors(truth, predicted) ** 2 for predicted in (first, second)]
    return _difference("RMSE difference", squares, _root_mean, units, n_resamples, random_state)


def nasa_score_difference(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    units: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the NASA score of the first predictions minus that of the second; parameters as in :func:`rmse`."""
    scores = [nasa_scores(truth, predicted) for predicted in (first, second)]
    return _difference("NASA score difference", scores, _sum, units, n_resamples, random_state)


def share_within(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    early: float = 13.0,
    late: float = 10.0,
    units: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the share of rows at most ``early`` below and ``late`` above the truth, ends included.

    The defaults are the window of the PHM08 challenge (in cycles); other parameters as in :func:`rmse`.

    Examples
    --------
    >>> share_within([50.0, 50.0, 50.0], [60.0, 37.0, 61.0]).value
    0.666...
    """
    if early < 0 or late < 0:
        raise ValueError(f"early and late must not be negative, got {early!r} and {late!r}.")
    errors = _errors(truth, predicted)
    return grouped_share(
        f"Share within -{early:g} and +{late:g}",
        (errors >= -early) & (errors <= late),
        groups=units,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def interval_coverage(
    truth: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    units: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the share of rows whose truth lies within the predicted interval, ends included.

    With one row per unit its own interval is exact (Clopper-Pearson). Parameters as in :func:`interval_score`.

    Examples
    --------
    >>> interval_coverage([5.0, 9.0], [0.0, 10.0], [5.0, 20.0]).value
    0.5
    """
    y, low, high = _ends(truth, low, high)
    return grouped_share(
        "Interval coverage",
        (low <= y) & (y <= high),
        groups=units,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def interval_width(
    truth: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    units: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean width of the predicted intervals; parameters as in :func:`interval_score`."""
    _, low, high = _ends(truth, low, high)
    return _of_totals("Interval width", high - low, _mean, units, n_resamples, random_state)


def interval_score(
    truth: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    level: float,
    units: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> Estimate:
    """Return the mean interval score: width, plus what the truth lies outside times 2 / (1 - level) (Winkler, 1972).

    Lower is better; only the true quantiles minimise it (Gneiting and Raftery, 2007), so that intervals win neither by
    being wide nor by missing.

    Parameters
    ----------
    truth
        True remaining life, shape (n_rows,).
    low, high
        Ends of the intervals, shape (n_rows,).
    level
        Coverage that the intervals promise, in (0, 1).
    units, n_resamples, random_state
        As in :func:`rmse`.

    Examples
    --------
    >>> round(interval_score([5.0, 9.0], [0.0, 10.0], [5.0, 20.0], level=0.9).value, 4)
    17.5
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level!r}.")
    y, low, high = _ends(truth, low, high)
    outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    scores = high - low + 2 / (1 - level) * outside
    return _of_totals("Interval score", scores, _mean, units, n_resamples, random_state)


def _errors(truth: ArrayLike, predicted: ArrayLike) -> np.ndarray:
    y = as_remaining_life(truth)
    return as_rows(predicted, len(y), name="predicted") - y


def _ends(truth: ArrayLike, low: ArrayLike, high: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = as_remaining_life(truth)
    below, above = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    for name, ends in (("low", below), ("high", above)):
        if ends.shape != y.shape or np.isnan(ends).any():
            raise ValueError(f"{name} must have one number for each of {len(y)} rows, got shape {ends.shape} or NaN.")
    if (below > above).any():
        row = int(np.flatnonzero(below > above)[0])
        raise ValueError(f"low must not exceed high, got {below[row]:g} and {above[row]:g} in row {row}.")
    return y, below, above


def _of_totals(
    name: str,
    values: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    units: ArrayLike | None,
    n_resamples: int,
    random_state: int | None,
) -> Estimate:
    unbounded = int(np.isinf(values).sum())
    if unbounded:
        return undefined_estimate(name, f"infinite in {unbounded} of {len(values)} rows", n=len(values))
    totals = np.column_stack([values, np.ones(len(values))])
    return totals_estimate(name, statistic, totals, groups=units, n_resamples=n_resamples, random_state=random_state)


def _difference(
    name: str,
    values: list[np.ndarray],
    statistic: Callable[[np.ndarray], np.ndarray],
    units: ArrayLike | None,
    n_resamples: int,
    random_state: int | None,
) -> Estimate:
    first, second = values
    return totals_estimate(
        name,
        lambda sums: statistic(sums[:, [0, 2]]) - statistic(sums[:, [1, 2]]),
        np.column_stack([first, second, np.ones(len(first))]),
        groups=units,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def _sum(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0]


def _mean(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] / sums[:, 1]


def _root_mean(sums: np.ndarray) -> np.ndarray:
    return np.sqrt(_mean(sums))
