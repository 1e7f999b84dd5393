"""Are today's applicants still those the model learned from: population stability and dated vintages."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, stats

from appkit.prediction import Estimate, auc, proportion
from appkit.prediction.inputs import as_outcomes, as_probabilities

__all__ = ["Vintage", "psi", "psi_by_column", "psi_by_period", "vintages"]

_TAIL = 0.025


def psi(reference: ArrayLike, current: ArrayLike, *, n_bins: int = 10, name: str = "PSI") -> Estimate:
    """Return the population stability index of ``current`` against ``reference``.

    Numbers are binned at the quantiles of the reference, anything else by its categories; missing values and
    categories the reference never showed are bins of their own, and an empty bin counts as half a row. Two samples of
    one population never have an index of 0, so the interval inverts its noncentral chi-square law (Yurdakul and
    Naranjo, 2020): without drift it starts at 0.

    Parameters
    ----------
    reference, current
        The two samples, shape (n_reference,) and (n_current,).
    n_bins
        Quantile bins of a numeric column.
    name
        Name of the estimate.

    Examples
    --------
    >>> value = psi([1] * 50 + [2] * 50, [1] * 40 + [2] * 60).value
    >>> round(value, 4)  # 0.1 * log(0.6 / 0.5) - 0.1 * log(0.4 / 0.5)
    0.0405
    """
    before, after = _bin_counts(pd.Series(reference), pd.Series(current), n_bins=n_bins)
    n, m = int(before.sum()), int(after.sum())
    expected, actual = np.maximum(before, 0.5) / n, np.maximum(after, 0.5) / m
    value = float(((actual - expected) * np.log(actual / expected)).sum())
    low, high = _noncentrality_interval(value, unit=1 / n + 1 / m, degrees=len(before) - 1)
    method = f"noncentral chi-square, {len(before)} bins"
    return Estimate(name, value, min(low, value), max(high, value), method=method, n=m)


def psi_by_column(reference: pd.DataFrame, current: pd.DataFrame, *, n_bins: int = 10) -> tuple[Estimate, ...]:
    """Return the index of every column the two tables share, largest first; each is named by its column."""
    shared = [column for column in reference.columns if column in current.columns]
    found = [psi(reference[column], current[column], n_bins=n_bins, name=str(column)) for column in shared]
    return tuple(sorted(found, key=lambda estimate: -estimate.value))


def psi_by_period(
    reference: ArrayLike, current: ArrayLike, dates: ArrayLike, *, freq: str = "Q", n_bins: int = 10
) -> tuple[Estimate, ...]:
    """Return the index of each period of ``current``, in order of time; each is named by its period ("2018Q4")."""
    values, periods = pd.Series(current), _periods(dates, freq)
    return tuple(
        psi(reference, values[periods == period], n_bins=n_bins, name=str(period))
        for period in sorted(set(periods.dropna()))
    )


@dataclass(frozen=True)
class Vintage:
    """Loans of one period.

    Parameters
    ----------
    period
        Such as ``"2018Q4"``.
    n, n_events
        Loans and defaults.
    predicted
        Mean probability of default.
    observed
        Default rate with its Wilson interval.
    auc
        Ranking within the period; ``None`` where only one outcome occurred.
    """

    period: str
    n: int
    n_events: int
    predicted: float
    observed: Estimate
    auc: Estimate | None


def vintages(dates: ArrayLike, y: ArrayLike, p: ArrayLike, *, freq: str = "Q") -> tuple[Vintage, ...]:
    """Return predicted and observed default rates by period of origin.

    Parameters
    ----------
    dates
        When each loan was granted, shape (n_rows,); anything ``pandas.to_datetime`` reads. Rows without a date are
        left out.
    y, p
        Outcomes and probabilities of default, shape (n_rows,).
    freq
        Length of a period, as pandas names it: ``"Y"``, ``"Q"``, ``"M"``.
    """
    outcomes = as_outcomes(y, both=False)
    p, periods = as_probabilities(p, len(outcomes)), _periods(dates, freq)
    if len(periods) != len(outcomes):
        raise ValueError(f"dates must have one entry per row of y, got {len(periods)} for {len(outcomes)}.")
    return tuple(
        _vintage(str(period), outcomes[rows], p[rows])
        for period in sorted(set(periods.dropna()))
        if (rows := (periods == period).to_numpy()).any()
    )


def _vintage(period: str, y: np.ndarray, p: np.ndarray) -> Vintage:
    n, n_events = len(y), int(y.sum())
    ranking = auc(y, p) if 0 < n_events < n else None
    observed = proportion(f"Default rate, {period}", n_events, n)
    return Vintage(period, n, n_events, float(p.mean()), observed, ranking)


def _periods(dates: ArrayLike, freq: str) -> pd.Series:
    return pd.Series(pd.to_datetime(pd.Series(np.asarray(dates)))).dt.to_period(freq)


def _bin_counts(reference: pd.Series, current: pd.Series, *, n_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of each sample in each bin; bins empty in both are dropped."""
    if len(reference) == 0 or len(current) == 0:
        raise ValueError(f"reference and current must not be empty, got {len(reference)} and {len(current)} rows.")
    if pd.api.types.is_numeric_dtype(reference) and not pd.api.types.is_bool_dtype(reference):
        codes, other, n_codes = _quantile_codes(reference, current, n_bins=n_bins)
    else:
        categories = pd.Index(reference.dropna().unique())
        codes, other = categories.get_indexer(reference), categories.get_indexer(current)
        n_codes = len(categories)
    # two bins more: categories never seen, and missing
    before = _count(codes, reference.isna().to_numpy(), n_codes)
    after = _count(other, current.isna().to_numpy(), n_codes)
    used = (before + after) > 0
    return before[used], after[used]


def _quantile_codes(reference: pd.Series, current: pd.Series, *, n_bins: int) -> tuple[np.ndarray, np.ndarray, int]:
    known = reference.to_numpy(dtype=np.float64, na_value=np.nan)
    edges = np.unique(np.nanquantile(known, np.arange(1, n_bins) / n_bins)) if np.isfinite(known).any() else np.empty(0)
    new = current.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.searchsorted(edges, known), np.searchsorted(edges, new), len(edges) + 1


def _count(codes: np.ndarray, missing: np.ndarray, n_codes: int) -> np.ndarray:
    place = np.where(missing, n_codes + 1, np.where(codes < 0, n_codes, codes))
    return np.bincount(place, minlength=n_codes + 2)


def _noncentrality_interval(value: float, *, unit: float, degrees: int) -> tuple[float, float]:
    """Return the true indices under which ``value`` would be in either 2.5 % tail of ``unit`` x chi-square."""
    if degrees == 0:
        return 0.0, 0.0
    observed = value / unit

    def excess(noncentrality: float, tail: float) -> float:
        below = stats.ncx2.cdf(observed, degrees, noncentrality) if noncentrality else stats.chi2.cdf(observed, degrees)
        return float(below) - tail

    def end(tail: float) -> float:
        if excess(0.0, tail) <= 0:
            return 0.0
        far = observed + 10 * np.sqrt(observed + degrees) + 10  # well above: the law is about normal out there
        return float(optimize.brentq(excess, 0.0, far, args=(tail,))) * unit

    return end(1 - _TAIL), end(_TAIL)
