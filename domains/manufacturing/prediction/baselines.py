"""Models a practitioner would try first on remaining life: mean life, a ridge and XGBoost on window statistics.

They read the same long tables as our sequence models, so that they stand in the same table of results.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from xgboost import XGBRegressor

from appkit.data.series import Series, read_series
from appkit.data.windows import windows_of
from domains.manufacturing.prediction.window_statistics import window_features

__all__ = ["MeanLifeRegressor", "WindowRegressor", "remaining_life_baselines", "ridge_baseline", "xgboost_baseline"]

_LIGHT_TUNE = {
    "n_estimators": 400,
    "learning_rate": 0.03,
    "max_depth": 4,
    "subsample": 0.8,
    "colsample_bytree": 0.6,
}


class _SeriesBaseline(RegressorMixin, BaseEstimator):
    """Template: read the series, line up targets with rows, leave the rest to the subclass."""

    unit: str
    time: str
    sensors: Sequence[str] | None

    def fit(self, X: Any, y: ArrayLike) -> Any:
        """Learn from readings ``X`` and remaining life ``y``.

        Parameters
        ----------
        X
            Long DataFrame with a row per unit and time, in any order; or one 2-D array per unit.
        y
            Remaining life, one per row of the frame (NaN: the row is history only) or one per array.
        """
        series = self._read(X, sensors=self.sensors)
        rows, target = _targets(X, y, series)
        self.sensors_ = series.sensors
        self._fit_rows(series, rows, target)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return remaining life for each row of a frame, or each array of a list, float64 ``(n,)``."""
        series = self._series(X)
        if not isinstance(X, pd.DataFrame):
            return self._predict_rows(series, series.last_rows)
        predicted = np.empty(series.n_rows)
        predicted[series.order] = self._predict_rows(series, np.arange(series.n_rows))
        return predicted

    def predict_last(self, X: Any) -> pd.Series:
        """Return remaining life at the newest row of each unit, indexed by unit."""
        series = self._series(X)
        index = pd.Index(series.units, name=series.words[0])
        return pd.Series(self._predict_rows(series, series.last_rows), index=index, name="remaining life")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def _series(self, X: Any) -> Series:
        check_is_fitted(self)
        return self._read(X, sensors=self.sensors_)

    def _read(self, X: Any, *, sensors: Sequence[str] | None) -> Series:
        return read_series(X, unit=self.unit, time=self.time, sensors=sensors)

    def _fit_rows(self, series: Series, rows: np.ndarray, target: np.ndarray) -> None:
        raise NotImplementedError

    def _predict_rows(self, series: Series, rows: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class WindowRegressor(_SeriesBaseline):
    """Any scikit-learn regressor on statistics of the last readings of each unit, and its age.

    Parameters
    ----------
    regressor
        Cloned and fitted on :func:`domains.manufacturing.prediction.window_statistics.window_features`; it must
        take NaN where readings are missing.
    unit, time
        Columns of ``X``.
    sensors
        Columns to read; all others by default.
    window
        Readings that the statistics look back on.
    use_age
        Whether the unit's age is a feature.
    whole_only
        Whether to learn from whole windows alone, where there are any. Statistics of a unit's first few readings are
        noise: on folds of the training engines of C-MAPSS FD001, leaving them out took the RMSE from 12.9 to 12.6 at
        whole windows. Predictions for units with fewer readings are then extrapolated.

    Attributes
    ----------
    regressor_
        The fitted clone.
    sensors_
        Names of the sensors read.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> cycle = np.tile(np.arange(40.0), 2)
    >>> X = pd.DataFrame({"unit": np.repeat([1, 2], 40), "time": cycle, "heat": cycle**2})
    >>> model = WindowRegressor(LinearRegression(), window=5).fit(X, 40 - cycle)
    >>> model.predict_last(X).round().to_dict()
    {1: 1.0, 2: 1.0}
    """

    def __init__(
        self,
        regressor: Any,
        *,
        unit: str = "unit",
        time: str = "time",
        sensors: Sequence[str] | None = None,
        window: int = 30,
        use_age: bool = True,
        whole_only: bool = True,
    ) -> None:
        self.regressor = regressor
        self.unit = unit
        self.time = time
        self.sensors = sensors
        self.window = window
        self.use_age = use_age
        self.whole_only = whole_only

    def _fit_rows(self, series: Series, rows: np.ndarray, target: np.ndarray) -> None:
        is_whole = rows - series.bounds[series.units_at(rows)] >= self.window - 1
        if self.whole_only and is_whole.any():
            rows, target = rows[is_whole], target[is_whole]
        self.regressor_ = clone(self.regressor).fit(self._features(series, rows), target)

    def _predict_rows(self, series: Series, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self.regressor_.predict(self._features(series, rows)), dtype=np.float64)

    def _features(self, series: Series, rows: np.ndarray) -> np.ndarray:
        windows = windows_of(series, length=self.window, rows=rows)
        return window_features(windows, use_age=self.use_age)


class MeanLifeRegressor(_SeriesBaseline):
    """The mean remaining life of the training units that reached the same age: what is known without any sensor.

    Parameters
    ----------
    unit, time
        Columns of ``X``.
    sensors
        Columns to read (they are checked, not used); all others by default.
    cap
        Remaining life above which the target is cut: the mean is that of the cut values.

    Attributes
    ----------
    lives_
        Age at failure of each training unit, ascending, float64 ``(n_units,)``.
    sensors_
        Names of the sensors read.

    Examples
    --------
    >>> X = pd.DataFrame({"unit": [1, 1, 2, 2], "time": [0.0, 4.0, 0.0, 8.0], "heat": 20.0})
    >>> model = MeanLifeRegressor().fit(X, [4.0, 0.0, 8.0, 0.0])
    >>> model.predict(X).tolist()
    [6.0, 4.0, 6.0, 0.0]
    """

    def __init__(
        self,
        *,
        unit: str = "unit",
        time: str = "time",
        sensors: Sequence[str] | None = None,
        cap: float | None = None,
    ) -> None:
        self.unit = unit
        self.time = time
        self.sensors = sensors
        self.cap = cap

    def _fit_rows(self, series: Series, rows: np.ndarray, target: np.ndarray) -> None:
        if self.cap is not None and not self.cap > 0:
            raise ValueError(f"cap must be positive, got {self.cap!r}.")
        units = series.units_at(rows)
        # a unit's last target says when it failed, even where earlier ones are cut
        newest = np.append(units[1:] != units[:-1], True)
        self.lives_ = np.sort(series.age[rows[newest]] + target[newest])

    def _predict_rows(self, series: Series, rows: np.ndarray) -> np.ndarray:
        age = series.age[rows]
        cap = np.inf if self.cap is None else self.cap
        sums = np.concatenate([[0.0], np.cumsum(self.lives_)])
        outlived = np.searchsorted(self.lives_, age, side="right")
        beyond = np.searchsorted(self.lives_, age + cap, side="right")  # lives so long that the target is cut
        n_left, n_cut = len(self.lives_) - outlived, len(self.lives_) - beyond
        total = sums[beyond] - sums[outlived] - (beyond - outlived) * age
        total += n_cut * self.cap if self.cap is not None else 0.0
        return total / np.maximum(n_left, 1)


def ridge_baseline(
    *, unit: str = "unit", time: str = "time", sensors: Sequence[str] | None = None, window: int = 30
) -> WindowRegressor:
    """Return a ridge on standardised window statistics, its penalty by leave-one-out on the training rows."""
    ridge = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        RidgeCV(alphas=np.logspace(-1, 5, 13)),
    )
    return WindowRegressor(ridge, unit=unit, time=time, sensors=sensors, window=window)


def xgboost_baseline(
    *,
    unit: str = "unit",
    time: str = "time",
    sensors: Sequence[str] | None = None,
    window: int = 30,
    tune: Literal["default", "light"] = "light",
    n_jobs: int | None = None,
    random_state: int = 0,
) -> WindowRegressor:
    """Return XGBoost on window statistics and age.

    Parameters
    ----------
    unit, time, sensors, window
        As in :class:`WindowRegressor`.
    tune
        ``"default"`` as XGBoost comes; ``"light"`` as a practitioner sets it without a search: 400 slow trees of depth
        4, rows and columns drawn.
    n_jobs, random_state
        As in XGBoost.
    """
    if tune not in ("default", "light"):
        raise ValueError(f"tune must be 'default' or 'light', got {tune!r}.")
    settings: dict[str, Any] = _LIGHT_TUNE if tune == "light" else {}
    booster = XGBRegressor(n_jobs=n_jobs, random_state=random_state, **settings)
    return WindowRegressor(booster, unit=unit, time=time, sensors=sensors, window=window)


def remaining_life_baselines(
    *,
    unit: str = "unit",
    time: str = "time",
    sensors: Sequence[str] | None = None,
    window: int = 30,
    cap: float | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
) -> dict[str, _SeriesBaseline]:
    """Return the unfitted baselines by the name they have in a table, weakest first.

    Examples
    --------
    >>> list(remaining_life_baselines())
    ['Mean life', 'Ridge', 'XGBoost', 'XGBoost, light tune']
    """
    columns: dict[str, Any] = {"unit": unit, "time": time, "sensors": sensors}
    boosted: dict[str, Any] = {**columns, "window": window, "n_jobs": n_jobs, "random_state": random_state}
    return {
        "Mean life": MeanLifeRegressor(**columns, cap=cap),
        "Ridge": ridge_baseline(**columns, window=window),
        "XGBoost": xgboost_baseline(**boosted, tune="default"),
        "XGBoost, light tune": xgboost_baseline(**boosted),
    }


def _targets(X: Any, y: ArrayLike, series: Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the series that have a target, ascending, and the targets, float64 ``(n_targets,)``."""
    values = np.asarray(y, dtype=np.float64)
    by_row = isinstance(X, pd.DataFrame)
    n_wanted = series.n_rows if by_row else series.n_units
    if values.shape != (n_wanted,):
        what = "row of the table" if by_row else "array"
        raise ValueError(f"y must have one value per {what}, {n_wanted}, got shape {values.shape}.")
    if np.isinf(values).any():
        raise ValueError(f"y must be finite, or NaN for history, got infinity at {int(np.isinf(values).argmax())}.")
    if (values < 0).any():
        first = int((values < 0).argmax())
        raise ValueError(f"y is time until failure and must not be negative, got {values[first]:g} at {first}.")
    target = values[series.order] if by_row else values
    known = ~np.isnan(target)
    if not known.any():
        raise ValueError("y must be known in at least one row, got only NaN.")
    rows = np.arange(series.n_rows) if by_row else series.last_rows
    return rows[known], target[known]
