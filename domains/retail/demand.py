"""Demand of every item in the weeks to come, in quantiles, by one network for all items."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from appkit import explanation as _explanation
from appkit.explanation import Explanation
from appkit.model.front_estimator import FrontEstimator
from appkit.model.quantile_regressor import TabularQuantileRegressor
from appkit.reporting import Report
from domains.retail.demand_table import LOOK_BACK, DemandTable, demand_table, forecast_table, quantile_name
from domains.retail.report.demand_report import demand_report
from domains.retail.week_calendar import WEEK

__all__ = ["DemandForecaster", "quantile_name"]

_LEVEL_POWER = 0.5  # between a loss that counts pieces and one that counts items; measured on earlier weeks
_FOLD_WEEKS = 2


class DemandForecaster(FrontEstimator):
    """Weekly demand of all items, 1 to ``horizon`` weeks ahead, as quantiles that say how much to stock.

    One ``TabularQuantileRegressor`` learns from every item, week and horizon: from lags and means of the item's demand,
    its price, the trade of the whole shop and the calendar of the week forecast, see ``demand_table``. It predicts
    multiples of the item's level; rows weigh by its square root. Weeks that ended sold out are censored: sales are the
    least that demand was, and no quantile above them is punished.

    Quantiles other than the median are set by weeks that were held out whole: a share of at least ``level`` of the
    rows of such weeks, by weight, stays below an upper quantile. Nothing is promised of weeks unlike those learnt from:
    in a season that none of them saw, demand leaves the intervals more often, and one year has one Christmas. Lower
    quantiles of items that often sell nothing are 0, which no demand is below.

    Parameters
    ----------
    horizon
        Weeks ahead, 1 to 4.
    levels
        Quantiles to forecast, rising, with 0.5 among them.
    features
        Columns of the series to use besides, such as a department: their value in the last week known.
    holidays
        Dates; weeks are told apart by how many they hold. Give those of the weeks to come as well.
    calendar
        Whether the week of the year and the weeks to Christmas are used. They need more than a year: in the first each
        week comes once, and weeks to come have not been seen.
    max_rows
        Rows to learn from, drawn where there are more; each item gives one per week and horizon.
    n_members, n_networks, width, depth, dropout, learning_rate, weight_decay, batch_size, max_epochs, patience,
    validation_fraction, max_seconds, checkpoint, device, precision, random_state, progress
        As in ``appkit.TabularRegressor``.

    Attributes
    ----------
    estimator_ : TabularQuantileRegressor
        What was fitted; it predicts multiples of the level. Its fitted attributes can be read from here as well.
    series_ : DataFrame
        The last 57 weeks of the series learnt from, behind ``predict()``.

    References
    ----------
    Wen, Torkkola, Narayanaswamy, Madeka (2017). A Multi-Horizon Quantile Recurrent Forecaster. arXiv:1711.11053, for
    direct quantiles of each horizon by one network.
    Salinas, Flunkert, Gasthaus, Januschowski (2020). DeepAR. Int. J. Forecasting 36, for scaling by the item's level.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> weeks = np.tile(pd.date_range("2024-01-01", periods=30, freq="W-MON"), 10)
    >>> series = pd.DataFrame({"item": np.repeat(np.arange(10), 30), "week": weeks, "demand": rng.poisson(5, 300)})
    >>> model = DemandForecaster(horizon=2, width=8, n_networks=1, max_epochs=2, random_state=0).fit(series)
    >>> model.predict().columns.tolist()
    ['item', 'week', 'horizon', 'level', 'q5', 'q10', 'q25', 'q50', 'q75', 'q90', 'q95']
    """

    own_attributes = ("series_",)

    estimator_: TabularQuantileRegressor

    def __init__(
        self,
        *,
        horizon: int = 4,
        levels: Sequence[float] = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95),
        features: Sequence[str] = (),
        holidays: Sequence[Any] = (),
        calendar: bool | Literal["auto"] = "auto",
        max_rows: int | None = 50_000,
        n_members: int = 8,
        n_networks: int | Literal["auto"] = "auto",
        width: int = 64,
        depth: int = 2,
        dropout: float = 0.15,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.03,
        batch_size: int | Literal["auto"] = "auto",
        max_epochs: int = 60,
        patience: int | Literal["auto"] = "auto",
        validation_fraction: float = 0.15,
        max_seconds: float | None = None,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        self.horizon = horizon
        self.levels = levels
        self.features = features
        self.holidays = holidays
        self.calendar = calendar
        self.max_rows = max_rows
        self.n_members = n_members
        self.n_networks = n_networks
        self.width = width
        self.depth = depth
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.max_seconds = max_seconds
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.progress = progress

    def fit(self, X: pd.DataFrame, y: None = None) -> Self:
        """Learn from a series of ``demand_series``, ordered or not.

        Raises
        ------
        SchemaError
            If columns or weeks are missing, a demand is negative or missing, or no item has weeks enough.
        """
        rng = check_random_state(self.random_state)
        table = demand_table(
            X,
            horizon=self.horizon,
            features=self.features,
            holidays=self.holidays,
            max_rows=self.max_rows,
            random_state=rng.randint(2**31 - 1),
        )
        frame = self._columns(table.X, n_weeks=len(np.unique(X["week"])))
        estimator = self.make_estimator().set_params(random_state=rng.randint(2**31 - 1))
        block = (table.week - table.week.min()) // (_FOLD_WEEKS * WEEK)  # weeks of one block are never on both sides
        estimator.fit(frame, table.y, sample_weight=table.level**_LEVEL_POWER, groups=block)
        weeks = pd.to_datetime(X["week"])
        known = X[["item", *self._series_columns(X)]].assign(week=weeks.astype("datetime64[s]"))
        is_lately = weeks > weeks.max() - LOOK_BACK * WEEK
        self.series_ = known[is_lately.to_numpy()].reset_index(drop=True)
        self.estimator_ = estimator
        return self

    def make_estimator(self) -> TabularQuantileRegressor:
        """Return the estimator that does the work, not fitted."""
        shared = {name: getattr(self, name) for name in _SHARED}
        return TabularQuantileRegressor(bounds=(0, None), special_codes=None, **shared)

    def predict(self, X: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return quantiles of the demand of each item in each of the weeks to come.

        Parameters
        ----------
        X
            A series whose end to forecast from; ``None``: the one learnt from.

        Returns
        -------
        DataFrame
            ``item``, ``week``, ``horizon``, ``level`` and a column for each of ``levels``, ``q50`` the median; of items
            whose series reaches the last week.
        """
        check_is_fitted(self)
        table = self.table(X)
        pieces = self.estimator_.predict_quantiles(table.X) * table.level[:, None]
        names = [quantile_name(level) for level in self.estimator_.head_.levels]
        known = {"item": table.item, "week": table.week, "horizon": table.horizon}
        return pd.DataFrame(known | {"level": table.level} | dict(zip(names, pieces.T, strict=True)))

    def table(self, X: pd.DataFrame | None = None) -> DemandTable:
        """Return the rows behind :meth:`predict`, whose ``X`` can be explained: ``appkit.explain(model, table.X)``."""
        check_is_fitted(self)
        series = self.series_ if X is None else X
        table = forecast_table(series, horizon=self.horizon, features=self.features, holidays=self.holidays)
        return replace(table, X=table.X[list(self.estimator_.schema_.feature_names)])

    def explain(self, table: DemandTable, **options: Any) -> Explanation:
        """Return effects on the median in pieces, for rows of :meth:`table`.

        ``appkit.explain(self, table.X)`` gives them in multiples of the item's level, which is the unit here: effects
        say what the item's course, price and week do to a demand that is otherwise usual for its level.
        """
        found = _explanation.explain(self, table.X, **options)
        level = table.level[:, None]
        return replace(
            found,
            values=found.values * level[:, :, None],
            standard_error=found.standard_error * level[:, :, None],
            base_value=found.base_value * level,
            output=found.output * level,
            residual=found.residual * level,
        )

    def report(
        self, X: pd.DataFrame, *, understock: float | None = None, overstock: float | None = None, **options: Any
    ) -> Report:
        """Return the report on later weeks; parameters as in :func:`~domains.retail.report.demand_report`."""
        check_is_fitted(self)
        return demand_report(self, X, understock=understock, overstock=overstock, **options)

    def __getattr__(self, name: str) -> Any:
        # what explanations and artefacts ask of an estimator is asked of the one behind this
        if name in _DELEGATED and "estimator_" in vars(self):
            return getattr(self.estimator_, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def _columns(self, X: pd.DataFrame, *, n_weeks: int) -> pd.DataFrame:
        """Leave out columns that say nothing, and the calendar of a year that is not over."""
        dates = ("week_of_year", "weeks_to_christmas")
        is_used = n_weeks > 60 if self.calendar == "auto" else self.calendar
        names = [name for name in X if X[name].nunique() > 1 and (is_used or name not in dates)]
        return X[names]

    def _series_columns(self, X: pd.DataFrame) -> list[str]:
        wanted = ("week", "demand", "price", "n_customers", "is_censored", *self.features)
        return [name for name in wanted if name in X]


_SHARED = (
    *("levels", "n_members", "n_networks", "width", "depth", "dropout", "learning_rate", "weight_decay", "batch_size"),
    *("max_epochs", "patience", "validation_fraction", "max_seconds", "checkpoint", "device", "precision"),
    *("random_state", "progress"),
)

_DELEGATED = frozenset(
    {
        *("n_features_in_", "feature_names_in_", "schema_", "encoder_", "background_", "output_names_", "n_rows_"),
        *("encode", "encoded_outputs", "player_columns_", "encoded_player_", "mixer", "mixed_outputs", "output_module"),
        *("n_members_", "module_", "head_", "training_", "history_", "device_", "calibration_", "conformal_shifts_"),
    }
)
