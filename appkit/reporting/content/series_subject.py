"""A model of sensor series as a report sees it: a window is judged, whole sensors are its players."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.data.series import Series, read_series
from appkit.data.windows import Windows
from appkit.explanation.games.series import SeriesGame, series_game
from appkit.prediction.labelled_windows import labelled_windows
from appkit.reporting.content.reported_output import reported_output

__all__ = ["SeriesSubject", "series_subject"]

_CUT_AT_ONCE = 2**22  # readings held at once


@dataclass(frozen=True, eq=False)
class SeriesSubject:
    """The one output of a model of series that a report is about; see ``Subject`` for what it offers.

    Parameters
    ----------
    model
        Fitted ``SequenceClassifier``, ``SequenceRegressor``, or estimator of a domain built on them.
    task, output, position
        As in ``ReportedOutput``; ``output`` is its label.
    data
        Readings, a long frame with one row per unit and moment.
    rows
        int64 ``(n_windows,)``: the rows of ``data`` that are judged.
    windows
        The windows that end there, in the same order.
    entries
        int64 ``(n_windows,)``: their entries in what the caller gave beside the readings, one per row of a frame or per
        array.
    """

    model: Any
    task: str
    output: Any
    position: int
    data: pd.DataFrame
    rows: np.ndarray
    windows: Windows
    entries: np.ndarray

    def __call__(self, X: pd.DataFrame) -> np.ndarray:
        """Return the output of rows of the table, float64 ``(n_rows,)``."""
        return self.outputs[self.ends_of(X)]

    @property
    def series(self) -> Series:
        """All readings, those of rows that are not judged included."""
        return self.windows.series

    @property
    def units(self) -> np.ndarray:
        """Position of each judged window's unit in ``series.units``, int64 ``(n_windows,)``."""
        return self.windows.units

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per judged window, named ``"engine 3, cycle 120"``: each sensor's mean over the window, the age last.

        The mean and not the newest reading: it is what a player of the game, the whole sensor, stands for.
        """
        return self.rows_at(self.windows.ends)

    @cached_property
    def outputs(self) -> np.ndarray:
        """Output at each row of ``series``, float64 ``(n_rows,)``."""
        if self.task == "regression":
            outputs = np.asarray(self.model.predict(self.data), dtype=np.float64)
        else:
            outputs = np.asarray(self.model.predict_proba(self.data), dtype=np.float64)[:, self.position]
        return outputs[self.series.order]

    @property
    def words(self) -> Mapping[str, str]:
        """What rows and columns are called where the domain has no words for them."""
        unit, step = (str(word) for word in self.series.words)
        # a model of time left counts it in what its time column counts; "time" alone is no unit
        is_time = self.task == "regression" and getattr(self.model, "predicts_time", False)
        counted = {"unit": "days" if self.series.is_dated else f"{step}s" if step != "time" else ""} if is_time else {}
        return {
            **counted,
            "row": "window",
            "rows": "windows",
            "case": "window",
            "column": "sensor",
            "columns": "sensors",
            "group": unit,
            "groups": f"{unit}s",
            "step": step,
        }

    @property
    def is_probability(self) -> bool:
        """Whether outputs are probabilities, printed as percentages, their differences as points."""
        return self.task != "regression"

    @property
    def n_players(self) -> int:
        """Players of :meth:`game`: sensors, and the age where the model looks at it."""
        return len(self.model.layout_.sensors)

    def labels(self) -> np.ndarray:
        """Return the label predicted for each row of ``table``."""
        return np.asarray(self.model.predict(self.data))[self.rows]

    def of_rows(self, values: ArrayLike | None) -> Any:
        """Return what the caller gave per row of a frame, or per array, per judged window."""
        return None if values is None else np.asarray(values)[self.entries]

    def named(self, case: Any) -> tuple[pd.DataFrame, str]:
        """Return the window that ``case`` means, as a row like those of ``table``, and how it was chosen.

        Parameters
        ----------
        case
            ``"engine 3, cycle 120"``, a pair of unit and time ``(3, 120)``, or a unit, of which the newest window is
            taken. Its label need not be known.

        Raises
        ------
        ValueError
            If no row of the readings has that name.
        """
        place = self._place_of(case)
        if place is None:
            example = self._names[int(self.windows.ends[0])]
            raise ValueError(
                f"case must name a window, such as {example!r}, or be a unit or a pair of unit and time, got {case!r}."
            )
        return self.rows_at(np.array([place])), "named by the caller"

    def rows_at(self, ends: np.ndarray) -> pd.DataFrame:
        """Return rows like those of ``table`` for windows that end at any rows of ``series``."""
        layout = self.model.layout_
        step = max(1, _CUT_AT_ONCE // (layout.n_times * len(layout.sensors)))
        means = np.empty((len(ends), len(layout.sensors)))
        for start in range(0, len(ends), step):
            readings, _ = self.model.readings(self._windows_at(ends[start : start + step]))
            means[start : start + step] = _means(readings, has_age=layout.age is not None)
        return pd.DataFrame(means, columns=list(layout.sensors), index=self._names[ends])

    def ends_of(self, X: pd.DataFrame) -> np.ndarray:
        """Return the row of ``series`` at which the window of each table row ends, int64 ``(n_rows,)``."""
        ends = self._names.get_indexer(X.index)
        if (ends < 0).any():
            raise ValueError(f"rows must be windows of this report, got {X.index[int((ends < 0).argmax())]!r}.")
        return ends.astype(np.int64)

    def shown(self, X: pd.DataFrame) -> np.ndarray:
        """Return what players of these rows show, object ``(n_rows, n_players)``."""
        return X[list(self.model.layout_.sensors)].to_numpy(dtype=object)

    def game(self, X: pd.DataFrame, background: Windows | None = None) -> SeriesGame:
        """Return the game of this output whose players are whole sensors; ``None``: the background the model keeps."""
        return self._game(X, background, n_segments=1)

    def game_over_time(self, X: pd.DataFrame, background: Windows | None = None) -> SeriesGame:
        """Return the game of this output whose players are sensors over at most six stretches of the window."""
        return self._game(X, background, n_segments=None)

    def _game(self, X: pd.DataFrame, background: Windows | None, *, n_segments: int | None) -> SeriesGame:
        return series_game(
            self.model,
            self._windows_at(self.ends_of(X)),
            background=background,
            n_segments=n_segments,
            outputs=[self.position] if self.task == "multiclass" else None,
            units="probability" if self.is_probability else "value",
        )

    def _windows_at(self, ends: np.ndarray) -> Windows:
        return Windows(self.series, ends, self.windows.length)

    def _place_of(self, case: Any) -> int | None:
        """Return the row of ``series`` that ``case`` means, ``None`` where there is none."""
        series = self.series
        if isinstance(case, str) and case in self._names:
            return int(self._names.get_indexer(pd.Index([case]))[0])
        unit, time = case if isinstance(case, tuple) and len(case) == 2 else (case, None)
        if unit not in series.units:
            return None
        place = series.units.index(unit)
        if time is None:
            return int(series.last_rows[place])
        days = pd.Timestamp(time).tz_localize(None) if series.is_dated else None
        wanted = float(time) if days is None else (days - pd.Timestamp(0)) / pd.Timedelta(days=1)
        own = np.arange(series.bounds[place], series.bounds[place + 1])
        found = own[np.isclose(series.time[own], wanted, rtol=0, atol=1e-9)]
        return int(found[0]) if len(found) else None

    @cached_property
    def _names(self) -> pd.Index:
        """Name of each row of ``series``."""
        names = pd.Index(self.series.row_names(np.arange(self.series.n_rows)))
        if not names.is_unique:
            twice = names[names.duplicated()][0]
            raise ValueError(f"Units must differ in text for a report, got two rows called {twice!r}. Rename units.")
        return names


def series_subject(model: Any, X: Any, y: ArrayLike | None, *, output: Any = None) -> SeriesSubject:
    """Return what a report on a series model is about.

    Parameters
    ----------
    model
        Fitted series estimator.
    X
        Readings, a long frame or a list of arrays.
    y
        Label or value per row of the frame, or per array; windows that end where it is missing are not judged.
        ``None`` judges all.
    output
        Class to report on where there are more than two; the last one by default.
    """
    asked = reported_output(model, output=output)
    is_frame = isinstance(X, pd.DataFrame)
    if not is_frame:
        y = None if y is None else _at_newest(X, np.asarray(y))
        X = _as_long(X, model)
    rows, windows = labelled_windows(model, X, np.zeros(len(X)) if y is None else y)
    entries = rows if is_frame else windows.units
    return SeriesSubject(model, asked.task, asked.label, asked.position, X, rows, windows, entries)


def _as_long(X: Any, model: Any) -> pd.DataFrame:
    """Return arrays, one per unit, as a long frame."""
    series = read_series(X, unit=model.unit, time=model.time, sensors=model.sensors_)
    moments = {model.unit: np.repeat(series.units, np.diff(series.bounds)), model.time: series.time}
    return pd.DataFrame(moments).join(pd.DataFrame(series.values, columns=list(series.sensors)))


def _at_newest(X: Any, y: np.ndarray) -> pd.Series:
    """Return the labels of arrays at their last steps, missing at all others."""
    lengths = np.array([len(readings) for readings in X])
    if y.shape != lengths.shape:
        raise ValueError(f"y must have one entry per array of X, got shape {y.shape} for {len(lengths)} arrays.")
    return pd.Series(y, index=np.cumsum(lengths) - 1).reindex(np.arange(lengths.sum()))


def _means(readings: np.ndarray, *, has_age: bool) -> np.ndarray:
    """Return each sensor's mean over the steps that were measured, NaN where none was; of the age the newest."""
    known = ~np.isnan(readings)
    count = known.sum(axis=1)
    total = np.where(known, readings, 0.0).sum(axis=1)
    means = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    if has_age:
        means[:, -1] = readings[:, -1, -1]
    return means
