"""Turn sensor readings into channels for a network: scaled by operating condition, gaps filled and marked."""

import difflib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from appkit.data.conditions import OperatingConditions
from appkit.data.series import Series
from appkit.data.series_layout import SeriesLayout
from appkit.exceptions import DataWarning, SchemaError

__all__ = ["SeriesEncoder"]

_FEW_ROWS = 30  # a condition with fewer readings of a sensor is scaled like all rows together
_LIMIT = 12.0  # standard deviations beyond which a reading is no further away; 5 bent the last cycles of engines
_FAR = 1e6  # scaled readings from here on are one and the same
_IQR_OF_NORMAL = 1.349  # interquartile range of a standard normal
_MAD_OF_NORMAL = 0.7979  # its mean absolute deviation


class SeriesEncoder:
    """Encode the sensors of a series, channel by channel and row by row.

    Readings are centred by their median and divided by their interquartile range as a normal has it, within each
    operating condition, and approach 12 smoothly beyond that many standard deviations: means and standard deviations
    would be moved by a single glitch, and a run to failure ends in readings far from the rest. Settings are scaled over
    all rows, since within a condition only their noise is left. A condition with fewer than 30 readings of a sensor is
    scaled like all rows.

    A missing reading is the last one of the same unit, as it was scaled then, or 0, the centre of the condition, where
    there was none. Sensors that miss readings in training have a channel that says so.

    Parameters
    ----------
    conditions
        Sensors that are settings (altitude, load, speed) and tell the operating condition; none: a single condition.
    n_conditions
        See :class:`~appkit.data.conditions.OperatingConditions`.
    use_age
        Whether the time since the unit's first row is a channel.

    Attributes
    ----------
    conditions_
        The fitted operating conditions; ``None`` where no settings are given.
    scales_
        One per sensor in use, in the order of the channels.
    age_scale_
        Scale of the age; ``None`` where the age is not used or never varies.

    Examples
    --------
    >>> from appkit.data.series import read_series
    >>> series = read_series([[[1.0], [2.0], [3.0]], [[np.nan], [2.0], [np.nan]]], unit=None, time=None)
    >>> encoder = SeriesEncoder().fit(series)
    >>> encoder.layout(30).sensors
    ('sensor 0', 'age')
    >>> encoder.transform(series).round(2)
    array([[-2.7,  0. , -0.9],
           [ 0. ,  0. ,  0. ],
           [ 2.7,  0. ,  0.9],
           [ 0. ,  1. , -0.9],
           [ 0. ,  0. ,  0. ],
           [ 0. ,  1. ,  0.9]], dtype=float32)
    """

    def __init__(
        self,
        *,
        conditions: Sequence[str] = (),
        n_conditions: int | Literal["auto"] = "auto",
        use_age: bool = True,
    ) -> None:
        self.conditions = conditions
        self.n_conditions = n_conditions
        self.use_age = use_age

    def fit(self, series: Series, *, rows: np.ndarray | None = None) -> "SeriesEncoder":
        """Learn conditions and scales from a series.

        Parameters
        ----------
        series
            Readings.
        rows
            bool ``(n_rows,)``: rows to learn from, those of training; ``None`` means all. Gaps in settings are filled
            from the rows before, whatever they are.

        Raises
        ------
        SchemaError
            If a setting is no sensor of the series, or no sensor varies.

        Warns
        -----
        DataWarning
            Naming the sensors that are left out because they are missing throughout or constant.
        """
        rows = _checked_mask(rows, n_rows=series.n_rows)
        if isinstance(self.conditions, str):
            raise TypeError(f"conditions must be a list of sensors, got the text {self.conditions!r}.")
        self.conditions_ = None
        if self.conditions:
            settings = _settings(series, self.conditions)[rows]
            self.conditions_ = OperatingConditions(tuple(self.conditions), self.n_conditions).fit(settings)
        self.scales_ = self._learn_scales(series, rows)
        self.age_scale_ = _learn_age(series, rows) if self.use_age else None
        return self

    def transform(self, series: Series) -> np.ndarray:
        """Return all channels of the layout but the last, float32 ``(n_rows, n_channels - 1)``.

        Sensors are found by name: their order is free, and sensors that were not learnt are passed over. A condition
        that was never seen is taken for the nearest known one.

        Raises
        ------
        SchemaError
            Naming the sensors that are missing.
        """
        positions = _positions(series, [scale.name for scale in self.scales_])
        codes = self.condition_codes(series)
        first_row = np.repeat(series.bounds[:-1], np.diff(series.bounds))
        encoded = np.empty((series.n_rows, self.layout(1).n_channels - 1), dtype=np.float32)
        indicator = len(self.scales_)
        for channel, (scale, position) in enumerate(zip(self.scales_, positions, strict=True)):
            readings = _readings(series, position)
            missing = np.isnan(readings)
            encoded[:, channel] = _carried_forward(scale(readings, codes), missing, first_row, otherwise=0.0)
            if scale.has_gaps:
                encoded[:, indicator] = missing
                indicator += 1
        if self.age_scale_ is not None:
            encoded[:, -1] = self.age_scale_(series.age, codes)
        return encoded

    def condition_codes(self, series: Series) -> np.ndarray:
        """Return the operating condition of each row, int64 ``(n_rows,)``; 0 throughout where there are no settings."""
        if self.conditions_ is None:
            return np.zeros(series.n_rows, dtype=np.int64)
        return self.conditions_.codes(_settings(series, self.conditions_.columns))

    def layout(self, n_times: int) -> SeriesLayout:
        """Return what a network is told about windows of ``n_times`` steps."""
        names = [scale.name for scale in self.scales_]
        with_gaps = [sensor for sensor, scale in enumerate(self.scales_) if scale.has_gaps]
        sensor_of = [*range(len(names)), *with_gaps]
        age = None
        if self.age_scale_ is not None:
            age = len(sensor_of)
            sensor_of.append(len(names))
            names.append("age" if "age" not in names else "age of the unit")
        return SeriesLayout(
            n_times=n_times,
            sensors=tuple(names),
            sensor_of=(*sensor_of, -1),
            readings=tuple(range(len(self.scales_))),
            indicators=tuple(range(len(self.scales_), len(self.scales_) + len(with_gaps))),
            age=age,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return parameters and what was learnt as JSON values."""
        n_conditions = self.n_conditions if isinstance(self.n_conditions, str) else int(self.n_conditions)
        return {
            "settings": {"conditions": list(self.conditions), "n_conditions": n_conditions, "use_age": self.use_age},
            "conditions": None if self.conditions_ is None else self.conditions_.to_dict(),
            "sensors": [asdict(scale) for scale in self.scales_],
            "age": None if self.age_scale_ is None else asdict(self.age_scale_),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "SeriesEncoder":
        """Rebuild a fitted encoder from :meth:`to_dict`."""
        encoder = cls(**state["settings"])
        conditions = state["conditions"]
        encoder.conditions_ = None if conditions is None else OperatingConditions.from_dict(conditions)
        encoder.scales_ = tuple(_Scale.from_dict(entry) for entry in state["sensors"])
        encoder.age_scale_ = None if state["age"] is None else _Scale.from_dict(state["age"])
        return encoder

    def _learn_scales(self, series: Series, rows: np.ndarray) -> tuple["_Scale", ...]:
        """Return the scales of the sensors that vary, and warn of the others."""
        codes = self.condition_codes(series)[rows]
        n_conditions = 1 if self.conditions_ is None else self.conditions_.n_conditions_
        resolution = float(np.finfo(series.values.dtype).eps)
        scales: list[_Scale] = []
        useless: dict[str, list[str]] = {}
        for position, name in enumerate(series.sensors):
            readings = _readings(series, position)[rows]
            parts = _by_condition(readings, codes, n_conditions=1 if name in self.conditions else n_conditions)
            reason = _reason_to_leave_out(parts, resolution=resolution)
            if reason is None:
                scales.append(_Scale.learn(name, parts, has_gaps=bool(np.isnan(readings).any())))
            else:
                useless.setdefault(reason, []).append(repr(name))
        _tell_of_useless(useless, is_all=not scales)
        return tuple(scales)


@dataclass(frozen=True)
class _Scale:
    """Centre and scale of a sensor in each operating condition, or one of each for all."""

    name: str
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    has_gaps: bool

    @classmethod
    def learn(cls, name: str, parts: Sequence[np.ndarray], *, has_gaps: bool = False) -> "_Scale":
        """Learn from the known readings of each condition."""
        overall = _centre_and_scale(np.concatenate(parts))
        is_enough = [len(part) >= _FEW_ROWS for part in parts]
        pairs = [_centre_and_scale(part) if enough else overall for part, enough in zip(parts, is_enough, strict=True)]
        # a sensor may stand still in one condition and not in another: then it is scaled as in all of them together
        residuals = [part - pair[0] for part, pair, enough in zip(parts, pairs, is_enough, strict=True) if enough]
        common = _centre_and_scale(np.concatenate(residuals or [np.empty(0)]))[1] or overall[1]
        return cls(name, tuple(pair[0] for pair in pairs), tuple(pair[1] or common for pair in pairs), has_gaps)

    def __call__(self, readings: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return scaled readings, float64 like ``readings``; NaN stays."""
        centres, scales = np.array(self.centres), np.array(self.scales)
        if len(centres) > 1:
            centres, scales = centres[codes], scales[codes]
        with np.errstate(over="ignore"):
            z = (readings - centres) / scales
        np.clip(z, -_FAR, _FAR, out=z)
        square = (z / _LIMIT) ** 2
        return z / np.sqrt(np.sqrt(1 + square * square))  # within 1.6 % of z up to half the limit

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "_Scale":
        return cls(entry["name"], tuple(entry["centres"]), tuple(entry["scales"]), entry["has_gaps"])


def _centre_and_scale(values: np.ndarray) -> tuple[float, float]:
    """Return the median and a robust standard deviation, 0 for values that are all equal."""
    if not len(values):
        return 0.0, 0.0
    low, centre, high = np.quantile(values, [0.25, 0.5, 0.75])
    if high > low:
        return float(centre), float((high - low) / _IQR_OF_NORMAL)
    return float(centre), float(np.abs(values - centre).mean() / _MAD_OF_NORMAL)


def _by_condition(readings: np.ndarray, codes: np.ndarray, *, n_conditions: int) -> list[np.ndarray]:
    """Return the known readings of each condition."""
    known = ~np.isnan(readings)
    if n_conditions == 1:
        return [readings[known]]
    ends = np.cumsum(np.bincount(codes[known], minlength=n_conditions))
    return np.split(readings[known][np.argsort(codes[known], kind="stable")], ends[:-1])


def _reason_to_leave_out(parts: Sequence[np.ndarray], *, resolution: float) -> str | None:
    """Return why a sensor says nothing, or ``None`` where it says something."""
    readings = np.concatenate(parts)
    if not len(readings):
        return "missing in every row"
    if not _varies(readings, resolution):
        return "constant"
    return None if any(_varies(part, resolution) for part in parts) else "constant in each operating condition"


def _varies(values: np.ndarray, resolution: float) -> bool:
    """Return whether values differ by more than the last digits of their dtype."""
    if not len(values):
        return False
    low, high = float(values.min()), float(values.max())
    return high - low > 8 * resolution * max(abs(low), abs(high))


def _learn_age(series: Series, rows: np.ndarray) -> _Scale | None:
    age = series.age[rows]
    return _Scale.learn("age", [age]) if age.min() < age.max() else None


def _tell_of_useless(useless: Mapping[str, list[str]], *, is_all: bool) -> None:
    facts = "; ".join(f"{reason}: {', '.join(names)}" for reason, names in useless.items())
    if is_all:
        raise SchemaError(f"At least one sensor must vary, got none ({facts}). Give sensors that do.")
    if useless:
        warnings.warn(f"Some sensors carry no information and are left out ({facts}).", DataWarning, stacklevel=4)


def _checked_mask(rows: np.ndarray | None, *, n_rows: int) -> np.ndarray:
    mask = np.ones(n_rows, dtype=bool) if rows is None else np.asarray(rows)
    if mask.dtype != bool or mask.shape != (n_rows,) or not mask.any():
        raise ValueError(f"rows must be a bool mask of {n_rows:,} rows, some of them true, got {rows!r}.")
    return mask


def _positions(series: Series, names: Iterable[str]) -> list[int]:
    """Return the column of each sensor."""
    position_of = {name: position for position, name in enumerate(series.sensors)}
    missing = [name for name in names if name not in position_of]
    if missing:
        raise SchemaError([f"Sensor {name!r} is missing{_hint(name, series.sensors)}. Add it." for name in missing])
    return [position_of[name] for name in names]


def _hint(name: str, sensors: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, sensors, n=1)
    return f" (is it {close[0]!r}?)" if close else ""


def _readings(series: Series, position: int) -> np.ndarray:
    return np.asarray(series.values[:, position], dtype=np.float64)


def _settings(series: Series, names: Sequence[str]) -> np.ndarray:
    """Return settings, float64 ``(n_rows, n_settings)``, a missing one as it was before in the same unit."""
    first_row = np.repeat(series.bounds[:-1], np.diff(series.bounds))
    columns = [_readings(series, position) for position in _positions(series, names)]
    filled = [_carried_forward(column, np.isnan(column), first_row, otherwise=np.nan) for column in columns]
    return np.column_stack(filled)


def _carried_forward(values: np.ndarray, missing: np.ndarray, first_row: np.ndarray, *, otherwise: float) -> np.ndarray:
    """Return values with missing ones as in the last row that has one, at or after ``first_row``, the unit's first."""
    if not missing.any():
        return values
    last_known = np.maximum.accumulate(np.where(missing, -1, np.arange(len(values))))
    return np.where(last_known >= first_row, values[last_known], otherwise)
