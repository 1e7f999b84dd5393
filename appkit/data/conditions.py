"""Find the operating conditions of machines from their settings: altitude and throttle, speed and load."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

__all__ = ["OperatingConditions"]

_MOST_LEVELS = 20  # combinations of rounded settings that are taken as conditions as they are
_ROUNDING = 0.1  # in spreads: settings closer than this are one and the same
_HARDLY = 1e-3  # a setting whose spread is below this share of its size does not vary
_FAR = 10.0  # in spreads: a glitch further out is no further away than this
_CLUSTERS = range(2, 11)
_STRONG = 0.7  # mean silhouette above which Kaufman and Rousseeuw call a structure strong
_SAMPLE_ROWS = 2_000  # rows that k-means and the silhouette see


class OperatingConditions:
    """Number the operating conditions that settings fall into, the most common first.

    Settings that stand at a few levels, with a little noise, are conditions as they are: each is rounded to its levels
    (values less than a tenth of the setting's mean absolute deviation apart are one level, so that no edge of a grid
    splits one), and where at most 20 combinations are seen, these are the conditions. Otherwise k-means looks for 2 to
    10 groups and takes the number with the highest mean silhouette, if that is above 0.7: settings that spread without
    forming groups are one condition, not an arbitrary partition. Settings that hardly vary (spread below a thousandth
    of their size) do not count.

    Parameters
    ----------
    columns
        Names of the settings, in the order of the columns of ``values``.
    n_conditions
        ``"auto"``, or how many there are: k-means then finds this many, unless the levels are as many.

    Attributes
    ----------
    centres_
        Mean settings of each condition, float64 ``(n_conditions, n_columns)``.
    medians_, spreads_
        Median and mean absolute deviation of each setting, ``(n_columns,)``; the latter is 0 where a setting does not
        count.

    References
    ----------
    Rousseeuw (1987). Silhouettes: a graphical aid to the interpretation and validation of cluster analysis. Journal of
    Computational and Applied Mathematics 20. Kaufman, Rousseeuw (1990). Finding Groups in Data, table 4 (above 0.7: a
    strong structure).

    Examples
    --------
    >>> settings = np.array([[0.0, 100.0], [35.01, 60.0], [34.99, 60.0], [35.0, 60.0]])
    >>> conditions = OperatingConditions(["altitude", "throttle"]).fit(settings)
    >>> conditions.codes(settings), conditions.codes(np.array([[2.0, 98.0]]))
    (array([1, 0, 0, 0]), array([1]))
    """

    def __init__(self, columns: Sequence[str], n_conditions: int | Literal["auto"] = "auto") -> None:
        self.columns = columns
        self.n_conditions = n_conditions

    def fit(self, values: np.ndarray) -> "OperatingConditions":
        """Learn from settings, float ``(n_rows, n_columns)``; rows with a missing one (NaN) are passed over.

        Raises
        ------
        ValueError
            If ``n_conditions`` is neither ``"auto"`` nor a positive integer, or more than there are different settings.
        """
        self._check_n_conditions()
        known = np.asarray(values, dtype=np.float64)
        known = known[~np.isnan(known).any(axis=1)]
        self._learn_scales(known)
        groups = self._groups(self._scaled(known))
        counts = np.bincount(groups, minlength=1)
        by_size = np.argsort(-counts, kind="stable")
        self.centres_ = np.array(
            [known[groups == group].mean(axis=0) if len(known) else self.medians_ for group in by_size]
        )
        return self

    def codes(self, values: np.ndarray) -> np.ndarray:
        """Return the nearest condition of each row, int64 ``(n_rows,)``.

        A missing setting (NaN) is left out of the distance; a row without any is given the most common condition.
        """
        scaled, centres = self._scaled(values), self._scaled(self.centres_)
        nearest = np.zeros(len(scaled), dtype=np.int64)
        least = np.full(len(scaled), np.inf)
        for code, centre in enumerate(centres):  # a few passes: all distances at once would be n_rows x 20 x n_columns
            distance = np.nansum((scaled - centre) ** 2, axis=1)
            closer = distance < least
            nearest[closer], least[closer] = code, distance[closer]
        return nearest

    @property
    def n_conditions_(self) -> int:
        """Number of conditions found."""
        return len(self.centres_)

    def to_dict(self) -> dict[str, Any]:
        """Return parameters and what was learnt as JSON values."""
        learnt = {name: getattr(self, name).tolist() for name in ("centres_", "medians_", "spreads_")}
        wanted = self.n_conditions if isinstance(self.n_conditions, str) else int(self.n_conditions)
        return {"columns": list(self.columns), "n_conditions": wanted} | learnt

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "OperatingConditions":
        """Rebuild fitted conditions from :meth:`to_dict`."""
        conditions = cls(tuple(state["columns"]), state["n_conditions"])
        for name in ("centres_", "medians_", "spreads_"):
            setattr(conditions, name, np.array(state[name], dtype=np.float64))
        return conditions

    def _check_n_conditions(self) -> None:
        count = self.n_conditions
        is_count = isinstance(count, int | np.integer) and not isinstance(count, bool) and count >= 1
        if not is_count and not (isinstance(count, str) and count == "auto"):
            raise ValueError(f"n_conditions must be 'auto' or a positive integer, got {count!r}.")

    def _learn_scales(self, known: np.ndarray) -> None:
        self.medians_ = np.median(known, axis=0) if len(known) else np.zeros(known.shape[1])
        # not the standard deviation: one glitch of 1e6 would hide every level behind it
        spreads = np.abs(known - self.medians_).mean(axis=0) if len(known) else np.zeros(known.shape[1])
        self.spreads_ = np.where(spreads > _HARDLY * np.abs(self.medians_), spreads, 0.0)

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        """Return the settings that count, in spreads from their medians."""
        counts = self.spreads_ > 0
        values = np.asarray(values, dtype=np.float64)[:, counts]
        return np.clip((values - self.medians_[counts]) / self.spreads_[counts], -_FAR, _FAR)

    def _groups(self, scaled: np.ndarray) -> np.ndarray:
        """Return the group of each row, int64 ``(n_rows,)``, numbered from 0."""
        if not scaled.size:
            return self._one_group(len(scaled))
        combined = _combined_levels(scaled)
        n_levels = None if combined is None else int(combined.max()) + 1
        if combined is not None and self.n_conditions in ("auto", n_levels):
            return combined
        sample = scaled[np.random.default_rng(0).permutation(len(scaled))[:_SAMPLE_ROWS]]
        n_distinct = len(np.unique(sample, axis=0))
        if self.n_conditions == "auto":
            clusters = _best_clusters(sample, n_distinct)
            return self._one_group(len(scaled)) if clusters is None else clusters.predict(scaled).astype(np.int64)
        if n_distinct < self.n_conditions:
            raise ValueError(f"n_conditions={self.n_conditions} needs as many different settings, got {n_distinct}.")
        return _k_means(sample, self.n_conditions).predict(scaled).astype(np.int64)

    def _one_group(self, n_rows: int) -> np.ndarray:
        if self.n_conditions not in ("auto", 1):
            raise ValueError(f"n_conditions={self.n_conditions} needs as many different settings, got one.")
        return np.zeros(n_rows, dtype=np.int64)


def _combined_levels(scaled: np.ndarray) -> np.ndarray | None:
    """Return the combination of levels in each row, or ``None`` where settings have no levels or too many."""
    combined = np.zeros(len(scaled), dtype=np.int64)
    for setting in scaled.T:
        levels = _levels(setting)
        if levels is None:
            return None
        distinct, combined = np.unique(combined * (levels.max() + 1) + levels, return_inverse=True)
        if len(distinct) > _MOST_LEVELS:
            return None
    return combined


def _levels(setting: np.ndarray) -> np.ndarray | None:
    """Return the level of each value, or ``None`` where values run into each other."""
    distinct, place = np.unique(setting, return_inverse=True)
    level = np.concatenate([[0], np.cumsum(np.diff(distinct) > _ROUNDING)])
    first = np.flatnonzero(np.diff(level, prepend=-1))
    widths = distinct[np.append(first[1:], len(distinct)) - 1] - distinct[first]
    return None if (widths > _ROUNDING).any() else level[place]


def _best_clusters(sample: np.ndarray, n_distinct: int) -> KMeans | None:
    """Return the k-means with the highest mean silhouette, or ``None`` where no structure is strong."""
    fits = [_k_means(sample, k) for k in _CLUSTERS if k < n_distinct]
    scores = [silhouette_score(sample, fit.labels_) for fit in fits]
    best = int(np.argmax(scores)) if scores else 0
    return fits[best] if scores and scores[best] > _STRONG else None


def _k_means(sample: np.ndarray, k: int) -> KMeans:
    return KMeans(n_clusters=k, n_init=5, random_state=0).fit(sample)
