"""The bank's own classic: weight-of-evidence bins, logistic regression, points."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from domains.finance.binning import ColumnBins, bin_categories, bin_numbers
from domains.finance.event_classifier import EventClassifier, as_numbers
from domains.finance.scale import score_points

__all__ = ["WoEScorecard"]


class WoEScorecard(EventClassifier):
    """Logistic scorecard on binned raw columns.

    Numeric columns are cut into bins along which the event rate only rises or only falls, with one turn where the data
    insist; missing values, special codes and categories have bins of their own, rare categories share one, and values
    never seen count as average.

    The binning is ours rather than optbinning's: isotonic regression finds the best monotone merging of quantile bins
    directly, where optbinning's integer programs would put the OR-Tools solver and its protobuf pin into every
    installation, the usual cause of its failed installs.

    Parameters
    ----------
    event
        Label whose probability is modelled; the second class if not given.
    max_bins
        Quantile bins before merging.
    min_share
        Least share of rows of a numeric bin; a category below it is rare.
    min_events
        Least events, and least non-events, that a numeric bin of average risk would hold.
    smoothing
        Average rows added to each bin before its odds are taken.
    special_values
        Codes among numbers, by column (``{"months": [-9, -8]}``); ``"auto"`` looks for them.
    C
        Inverse strength of the penalty of the regression.
    pdo, base_score, base_odds
        Points: see :func:`~domains.finance.scale.score_points`.

    Attributes
    ----------
    bins_
        :class:`~domains.finance.binning.ColumnBins` of each column.
    regression_
        Fitted logistic regression over weights of evidence.

    Examples
    --------
    >>> X = pd.DataFrame({"job": ["clerk", "nurse"] * 50, "income": range(100)})
    >>> y = np.where(X["income"] % 7 < 2, "bad", "good")
    >>> card = WoEScorecard(event="bad").fit(X, y)
    >>> card.points_table().columns.tolist()
    ['column', 'bin', 'n', 'event_rate', 'woe', 'points']
    """

    def __init__(
        self,
        *,
        event: Any = None,
        max_bins: int = 20,
        min_share: float = 0.05,
        min_events: float = 5,
        smoothing: float = 5.0,
        special_values: Mapping[str, Sequence[float]] | str | None = None,
        C: float = 1.0,
        pdo: float = 20.0,
        base_score: float = 600.0,
        base_odds: float = 50.0,
    ) -> None:
        self.event = event
        self.max_bins = max_bins
        self.min_share = min_share
        self.min_events = min_events
        self.smoothing = smoothing
        self.special_values = special_values
        self.C = C
        self.pdo = pdo
        self.base_score = base_score
        self.base_odds = base_odds

    def points(self, X: Any) -> np.ndarray:
        """Return the score points of each row, float64 ``(n_rows,)``; higher is safer."""
        p = self._event_probability(self._conform(X))
        return score_points(p, pdo=self.pdo, base_score=self.base_score, base_odds=self.base_odds)

    def points_table(self) -> pd.DataFrame:
        """Return the card: one row per bin, and per category column one for categories never seen.

        The points of a row's bins sum to its score.
        """
        factor = self.pdo / math.log(2)
        rest = self.base_score - factor * (math.log(self.base_odds) + float(self.regression_.intercept_[0]))
        rows = []
        for (name, bins), slope in zip(self.bins_.items(), self.regression_.coef_[0], strict=True):
            evidence = [*zip(bins.labels, bins.weight, bins.event_weight / bins.weight, bins.woe, strict=True)]
            if self.schema_[name].kind == "category":
                evidence.append(("never seen", 0.0, math.nan, 0.0))
            rows += [
                (name, label, weight, rate, woe, rest / len(self.bins_) - factor * slope * woe)
                for label, weight, rate, woe in evidence
            ]
        return pd.DataFrame(rows, columns=["column", "bin", "n", "event_rate", "woe", "points"])

    def _fit_event(self, frame: pd.DataFrame, is_event: np.ndarray, weights: np.ndarray) -> None:
        self._check_params()
        counting = weights > 0
        self.bins_ = {
            str(name): self._bin(frame[name][counting], is_event[counting], weights[counting]) for name in frame.columns
        }
        self.regression_ = LogisticRegression(C=self.C, max_iter=1000, tol=1e-6)
        self.regression_.fit(self._evidence(frame), is_event, sample_weight=weights)

    def _event_probability(self, frame: pd.DataFrame) -> np.ndarray:
        evidence = self._evidence(frame)
        return expit(evidence @ self.regression_.coef_[0] + self.regression_.intercept_[0])

    def _bin(self, values: pd.Series, is_event: np.ndarray, weights: np.ndarray) -> ColumnBins:
        column = self.schema_[str(values.name)]
        if column.kind == "category":
            return bin_categories(
                values.to_numpy(dtype=object),
                is_event,
                weights,
                min_share=self.min_share,
                smoothing=self.smoothing,
            )
        return bin_numbers(
            as_numbers(values),
            is_event,
            weights,
            special_values=column.special_codes,
            max_bins=self.max_bins,
            min_share=self.min_share,
            min_events=self.min_events,
            smoothing=self.smoothing,
        )

    def _evidence(self, frame: pd.DataFrame) -> np.ndarray:
        columns = []
        for name, bins in self.bins_.items():
            is_category = self.schema_[name].kind == "category"
            columns.append(
                bins.evidence(frame[name].to_numpy(dtype=object) if is_category else as_numbers(frame[name]))
            )
        return np.column_stack(columns)

    def _check_params(self) -> None:
        if self.max_bins < 2:
            raise ValueError(f"max_bins must be at least 2, got {self.max_bins!r}.")
        if not 0 <= self.min_share < 0.5:
            raise ValueError(f"min_share must lie in [0, 0.5), got {self.min_share!r}.")
        if self.smoothing <= 0:
            raise ValueError(f"smoothing must be positive, got {self.smoothing!r}.")
