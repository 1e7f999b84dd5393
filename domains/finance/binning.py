"""Weight-of-evidence bins of one column: how a scorecard reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sklearn.isotonic import isotonic_regression

__all__ = ["ColumnBins", "bin_categories", "bin_numbers"]

_TURN_CHI2 = 10.0  # about three standard errors: the turning point was searched for


@dataclass(frozen=True)
class ColumnBins:
    """Bins of a column and their evidence; arrays of shape (n_bins,).

    Parameters
    ----------
    labels
        What each bin holds, for the reader.
    weight, event_weight
        Rows and events in it, weighted.
    woe
        Log-odds of no event in the bin minus that of all rows: above 0, the bin is safer than the average.
    edges
        Upper ends (included) of the numeric bins but the last; empty for categories.
    places
        Bin of each special code or category.
    missing
        Bin of missing values; -1 where none were seen.
    """

    labels: tuple[str, ...]
    weight: np.ndarray
    event_weight: np.ndarray
    woe: np.ndarray
    edges: np.ndarray
    places: dict[object, int]
    missing: int

    def evidence(self, values: np.ndarray) -> np.ndarray:
        """Return the weight of evidence of each value, float64 ``(n_rows,)``; 0 where training showed none like it."""
        place = self.place(values)
        return np.where(place < 0, 0.0, self.woe[place])

    def place(self, values: np.ndarray) -> np.ndarray:
        """Return the bin of each value, int ``(n_rows,)``; -1 for categories or missing values never seen."""
        if values.dtype == object:
            return np.array([self.missing if value is None else self.places.get(value, -1) for value in values])
        place = np.searchsorted(self.edges, values)
        for code, code_place in self.places.items():
            place[values == code] = code_place
        place[np.isnan(values)] = self.missing
        return place


def bin_numbers(
    values: np.ndarray,
    is_event: np.ndarray,
    weights: np.ndarray,
    *,
    special_values: Sequence[float] = (),
    max_bins: int,
    min_share: float,
    min_events: float,
    smoothing: float,
) -> ColumnBins:
    """Cut a numeric column so that the event rate rises or falls throughout, or turns once where the data insist.

    Quantile bins are merged by isotonic regression in the direction that fits better; a valley or a peak is taken only
    if it lowers the chi-square misfit by more than 10. Then bins with too few rows join the neighbour of nearest
    rate. Special codes and missing values keep bins of their own.
    """
    is_special, is_missing = np.isin(values, special_values), np.isnan(values)
    plain = ~is_special & ~is_missing
    edges = _prebin(values[plain], max_bins)
    counts = _counts(np.searchsorted(edges, values[plain]), is_event[plain], weights[plain], n_bins=len(edges) + 1)
    edges, counts = _merge_to_a_trend(edges, counts)
    rarer = min(weights @ is_event, weights @ ~is_event) / weights.sum()
    edges, counts = _merge_small(edges, counts, min_weight=max(min_share * weights.sum(), min_events / rarer))
    labels = _interval_labels(edges) if plain.any() else []
    places: dict[object, int] = {}
    missing = -1
    parts = [counts] if plain.any() else []
    for code in special_values:
        if (values == code).any():
            places[code] = len(labels)
            labels.append(f"code {code:g}")
            parts.append(_total(values == code, is_event, weights))
    if is_missing.any():
        missing = len(labels)
        labels.append("missing")
        parts.append(_total(is_missing, is_event, weights))
    return _with_evidence(labels, np.concatenate(parts), edges, places=places, missing=missing, smoothing=smoothing)


def bin_categories(
    values: np.ndarray, is_event: np.ndarray, weights: np.ndarray, *, min_share: float, smoothing: float
) -> ColumnBins:
    """Give each category its bin, the rare ones one together; ``None`` is a bin of its own."""
    is_missing = np.array([value is None for value in values])
    categories, codes = np.unique(values[~is_missing].astype(str), return_inverse=True)
    known = _counts(codes, is_event[~is_missing], weights[~is_missing], n_bins=len(categories))
    rare = known.sum(axis=1) < min_share * weights.sum()
    labels = [str(category) for category in categories[~rare]]
    places: dict[object, int] = {category: place for place, category in enumerate(labels)}
    parts, missing = [known[~rare]], -1
    if rare.any():
        places |= {str(category): len(labels) for category in categories[rare]}
        labels.append("rare: " + ", ".join(str(category) for category in categories[rare]))
        parts.append(known[rare].sum(axis=0, keepdims=True))
    if is_missing.any():
        missing = len(labels)
        labels.append("missing")
        parts.append(_total(is_missing, is_event, weights))
    return _with_evidence(
        labels, np.concatenate(parts), np.empty(0), places=places, missing=missing, smoothing=smoothing
    )


def _prebin(values: np.ndarray, max_bins: int) -> np.ndarray:
    """Return upper ends of quantile bins: values that occur, so that labels read well; the maximum is left out."""
    if len(values) == 0:
        return np.empty(0)
    ends = np.quantile(values, np.arange(1, max_bins) / max_bins, method="inverted_cdf")
    return np.unique(ends[ends < values.max()])


def _counts(place: np.ndarray, is_event: np.ndarray, weights: np.ndarray, *, n_bins: int) -> np.ndarray:
    """Return weighted non-events and events of each bin, ``(n_bins, 2)``."""
    columns = [np.bincount(place, weights=weights * which, minlength=n_bins) for which in (~is_event, is_event)]
    return np.column_stack(columns)


def _total(rows: np.ndarray, is_event: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.array([[weights[rows & ~is_event].sum(), weights[rows & is_event].sum()]])


def _merge_to_a_trend(edges: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weight = np.maximum(counts.sum(axis=1), 1e-12)
    rate = counts[:, 1] / weight
    mean = counts[:, 1].sum() / weight.sum()

    def misfit(trend: np.ndarray) -> float:
        return float(weight @ (trend - rate) ** 2) / max(mean * (1 - mean), 1e-12)

    trend = min((_trend(rate, weight, turn=len(rate), rising=rising) for rising in (True, False)), key=misfit)
    turning = [_trend(rate, weight, turn=turn, rising=up) for turn in range(1, len(rate)) for up in (True, False)]
    best_turning = min(turning, key=misfit, default=trend)
    if misfit(trend) - misfit(best_turning) > _TURN_CHI2:
        trend = best_turning
    starts = np.flatnonzero(np.diff(trend, prepend=np.nan) != 0)
    return edges[starts[1:] - 1], np.add.reduceat(counts, starts)


def _trend(rate: np.ndarray, weight: np.ndarray, *, turn: int, rising: bool) -> np.ndarray:
    """Return the best fit that rises (or falls) up to bin ``turn`` and goes the other way from there."""
    halves = (slice(0, turn), rising), (slice(turn, None), not rising)
    return np.concatenate(
        [
            isotonic_regression(rate[part], sample_weight=weight[part], increasing=up)
            for part, up in halves
            if rate[part].size
        ]
    )


def _merge_small(edges: np.ndarray, counts: np.ndarray, *, min_weight: float) -> tuple[np.ndarray, np.ndarray]:
    while len(counts) > 1 and counts.sum(axis=1).min() < min_weight:
        place = int(np.argmin(counts.sum(axis=1)))
        rate = counts[:, 1] / np.maximum(counts.sum(axis=1), 1e-12)
        neighbours = [other for other in (place - 1, place + 1) if 0 <= other < len(counts)]
        first = min(place, min(neighbours, key=lambda other: abs(rate[other] - rate[place])))
        counts = np.add.reduceat(counts, np.delete(np.arange(len(counts)), first + 1))
        edges = np.delete(edges, first)
    return edges, counts


def _interval_labels(edges: np.ndarray) -> list[str]:
    if len(edges) == 0:
        return ["any value"]
    between = [f"over {low:.6g} to {high:.6g}" for low, high in pairwise(edges)]
    return [f"up to {edges[0]:.6g}", *between, f"over {edges[-1]:.6g}"]


def _with_evidence(
    labels: list[str],
    counts: np.ndarray,
    edges: np.ndarray,
    *,
    places: dict[object, int],
    missing: int,
    smoothing: float,
) -> ColumnBins:
    """Return the bins with their evidence; ``smoothing`` average rows join each, so that no odds are infinite."""
    rest, events = counts[:, 0], counts[:, 1]
    share = events.sum() / counts.sum()
    odds = (rest + smoothing * (1 - share)) / (events + smoothing * share)
    woe = np.log(odds) - np.log((1 - share) / share)
    return ColumnBins(tuple(labels), counts.sum(axis=1), events, woe, edges, places, missing)
