"""Turn a conformed table into one float32 matrix, each encoded feature from exactly one raw column."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from appkit.data.schema import Column, Schema

__all__ = ["Layout", "TableEncoder"]

_MISSING, _UNSEEN = 0, 1  # the first two codes of every category column
_DAY_NS = 86_400 * 10**9
_FAR = 1e100  # scaled numbers from here on are one and the same


@dataclass(frozen=True)
class Layout:
    """Where a network finds what in the encoded matrix.

    Parameters
    ----------
    numeric
        Positions of scaled numbers.
    knots
        Bin edges of each scaled number, strictly increasing, for a piecewise-linear embedding.
    indicators
        Positions of 0/1 flags and other ready values.
    gates
        For each scaled number, the positions of the flags under which it holds no number (missing, special code).
    categories
        Positions of integer category codes.
    cardinalities
        Number of codes of each category, missing and unseen included.
    column_of
        int64 ``(width,)``: raw column of each encoded feature, as an index into ``columns``.
    columns
        Names of the raw columns.
    """

    numeric: tuple[int, ...]
    knots: tuple[tuple[float, ...], ...]
    indicators: tuple[int, ...]
    gates: tuple[tuple[int, ...], ...]
    categories: tuple[int, ...]
    cardinalities: tuple[int, ...]
    column_of: np.ndarray
    columns: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of encoded features."""
        return len(self.column_of)


class TableEncoder:
    """Encode numbers, flags, categories and dates, column by column.

    Numbers are centred by their median, divided by a robust scale and smoothly clipped (``numeric="robust"``), or sent
    to normal quantiles (``numeric="quantile"``); both are increasing, so a monotone network stays monotone in the raw
    number. Missing values and special codes become flags of their own and a neutral number. Categories become codes:
    0 for missing, 1 for unseen or rare, then the known values. Dates become days, and their month and weekday as
    points on a circle.

    Parameters
    ----------
    numeric
        ``"robust"`` or ``"quantile"``.
    n_bins
        Most bins of the piecewise-linear embedding of a number.
    min_category_count
        Categories seen less often share the code of the unseen.
    max_categories
        Most codes of a high-cardinality column; the most frequent values keep their own.

    References
    ----------
    Gorishniy, Rubachev, Babenko (2022). On Embeddings for Numerical Features in Tabular Deep Learning. NeurIPS.
    Holzmüller, Grinsztajn, Steinwart (2024). Better by Default. NeurIPS (robust scaling with smooth clipping).

    Examples
    --------
    >>> X = pd.DataFrame({"income": [1.0, 2.0, None, 4.0], "job": ["a", "b", "b", "a"]})
    >>> schema = Schema.infer(X)
    >>> encoder = TableEncoder(min_category_count=1).fit(schema.conform_arrays(X), schema)
    >>> encoder.transform(schema.conform_arrays(X)).round(2)
    array([[-0.65,  0.  ,  2.  ],
           [ 0.  ,  0.  ,  3.  ],
           [ 0.  ,  1.  ,  3.  ],
           [ 1.22,  0.  ,  2.  ]], dtype=float32)
    """

    def __init__(
        self,
        *,
        numeric: str = "robust",
        n_bins: int = 48,
        min_category_count: int = 3,
        max_categories: int = 256,
    ) -> None:
        self.numeric = numeric
        self.n_bins = n_bins
        self.min_category_count = min_category_count
        self.max_categories = max_categories

    def fit(self, arrays: Mapping[str, np.ndarray], schema: Schema) -> "TableEncoder":
        """Learn the tables of every feature column of ``schema`` from conformed ``arrays``."""
        columns = [schema[name] for name in schema.feature_names]
        self.encoders_ = [self._encoder_of(column, arrays[column.name]) for column in columns]
        self.layout_ = _layout(self.encoders_)
        return self

    def transform(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the encoded matrix, float32 ``(n_rows, width)``, of conformed ``arrays``."""
        n_rows = len(next(iter(arrays.values())))
        encoded = np.zeros((n_rows, self.layout_.width), dtype=np.float32)
        start = 0
        for encoder in self.encoders_:
            encoder.write(arrays[encoder.name], encoded[:, start : start + encoder.width])
            start += encoder.width
        return encoded

    def to_dict(self) -> dict[str, Any]:
        """Return parameters and tables as JSON-ready values."""
        settings = {k: getattr(self, k) for k in ("numeric", "n_bins", "min_category_count", "max_categories")}
        return {"settings": settings, "columns": [encoder.to_dict() for encoder in self.encoders_]}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "TableEncoder":
        """Rebuild a fitted encoder from :meth:`to_dict`."""
        encoder = cls(**state["settings"])
        encoder.encoders_ = [_ENCODERS[entry["encoder"]].from_dict(entry) for entry in state["columns"]]
        encoder.layout_ = _layout(encoder.encoders_)
        return encoder

    def _encoder_of(self, column: Column, values: np.ndarray) -> "_NumberEncoder | _CategoryEncoder | _TimeEncoder":
        if column.kind == "category":
            return _CategoryEncoder.learn(column.name, values, self.min_category_count, self.max_categories)
        if column.kind == "time":
            return _TimeEncoder.learn(column.name, values, self.n_bins)
        return _NumberEncoder.learn(column.name, values, column.special_codes, method=self.numeric, n_bins=self.n_bins)


@dataclass(frozen=True)
class _Scaler:
    """Increasing map from raw numbers to a few units around 0: through knots, or by location and scale."""

    centre: float
    scale: float
    quantiles: tuple[float, ...] = ()

    @classmethod
    def learn(cls, values: np.ndarray, method: str) -> "_Scaler":
        if len(values) == 0:
            return cls(0.0, 1.0)
        low, centre, high = np.quantile(values, [0.25, 0.5, 0.75])
        scale = (high - low) or values.std() or 1.0
        if method == "quantile":
            return cls(float(centre), float(scale), tuple(np.unique(np.quantile(values, np.linspace(0, 1, 257)))))
        return cls(float(centre), float(scale))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        if len(self.quantiles) > 1:
            level = np.interp(values, self.quantiles, np.linspace(0.001, 0.999, len(self.quantiles)))
            return ndtri(level)
        with np.errstate(over="ignore"):
            z = (values - self.centre) / self.scale
        z = np.clip(z, -_FAR, _FAR)  # beyond, its square would overflow and send the largest numbers back to 0
        return z / np.sqrt(1 + (z / 3) ** 2)


@dataclass(frozen=True)
class _NumberEncoder:
    """Scaled number, then a flag for missing, then one flag per special code."""

    name: str
    scaler: _Scaler
    knots: tuple[float, ...]
    special_codes: tuple[float, ...]

    @classmethod
    def learn(
        cls, name: str, values: np.ndarray, special_codes: tuple[float, ...], *, method: str, n_bins: int
    ) -> "_NumberEncoder":
        plain = values[~(np.isnan(values) | np.isin(values, special_codes))]
        scaler = _Scaler.learn(plain, method)
        return cls(name, scaler, _knots(scaler(plain), n_bins), tuple(special_codes))

    @property
    def width(self) -> int:
        return 2 + len(self.special_codes)

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        empty = np.isnan(values)
        out[:, 1] = empty
        for position, code in enumerate(self.special_codes, start=2):
            hit = values == code
            out[:, position] = hit
            empty = empty | hit
        out[:, 0] = np.where(empty, 0.0, self.scaler(np.where(empty, self.scaler.centre, values)))

    def parts(self) -> Iterator[tuple[str, Any]]:
        yield "number", (self.knots, tuple(range(1, self.width)))
        yield from (("indicator", None) for _ in range(self.width - 1))

    def to_dict(self) -> dict[str, Any]:
        scaler = [self.scaler.centre, self.scaler.scale, list(self.scaler.quantiles)]
        codes = list(self.special_codes)
        return {"encoder": "number", "name": self.name, "scaler": scaler, "knots": list(self.knots), "codes": codes}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "_NumberEncoder":
        centre, scale, quantiles = entry["scaler"]
        return cls(
            entry["name"], _Scaler(centre, scale, tuple(quantiles)), tuple(entry["knots"]), tuple(entry["codes"])
        )


@dataclass(frozen=True)
class _CategoryEncoder:
    """One integer code: missing, unseen or rare, then the known values by frequency."""

    name: str
    known: tuple[str, ...]

    @classmethod
    def learn(cls, name: str, values: np.ndarray, min_count: int, max_categories: int) -> "_CategoryEncoder":
        counts = pd.Series(values, dtype=object).value_counts()
        kept = counts[counts >= min_count].index[: max_categories - 2]
        return cls(name, tuple(sorted(str(value) for value in kept)))

    def __post_init__(self) -> None:
        codes = {value: code for code, value in enumerate(self.known, start=2)}
        object.__setattr__(self, "_codes", codes | {None: _MISSING})

    @property
    def width(self) -> int:
        return 1

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        codes: dict[str | None, int] = self._codes  # type: ignore[attr-defined]
        if len(values) < 64:
            out[:, 0] = [codes.get(value, _UNSEEN) for value in values]
            return
        labels, distinct = pd.factorize(values)  # each distinct value is looked up once
        table = np.array([codes.get(value, _UNSEEN) for value in distinct] + [_MISSING], dtype=np.float32)
        out[:, 0] = table[labels]

    def parts(self) -> Iterator[tuple[str, Any]]:
        yield "category", len(self.known) + 2

    def to_dict(self) -> dict[str, Any]:
        return {"encoder": "category", "name": self.name, "known": list(self.known)}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "_CategoryEncoder":
        return cls(entry["name"], tuple(entry["known"]))


@dataclass(frozen=True)
class _TimeEncoder:
    """Days as a number with its missing flag, then month and weekday as points on a circle."""

    name: str
    days: _NumberEncoder

    @classmethod
    def learn(cls, name: str, values: np.ndarray, n_bins: int) -> "_TimeEncoder":
        return cls(name, _NumberEncoder.learn(name, _days(values), (), method="robust", n_bins=n_bins))

    @property
    def width(self) -> int:
        return 6

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        days = _days(values)
        self.days.write(days, out[:, :2])
        present = ~np.isnan(days)
        year_angle, week_angle = _circle_angles(values)
        for position, wave in enumerate(
            (np.sin(year_angle), np.cos(year_angle), np.sin(week_angle), np.cos(week_angle)), 2
        ):
            out[:, position] = np.where(present, wave, 0.0)

    def parts(self) -> Iterator[tuple[str, Any]]:
        yield from self.days.parts()
        yield from (("indicator", None) for _ in range(4))

    def to_dict(self) -> dict[str, Any]:
        return {"encoder": "time", "name": self.name, "days": self.days.to_dict()}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "_TimeEncoder":
        return cls(entry["name"], _NumberEncoder.from_dict(entry["days"]))


_ENCODERS: dict[str, Any] = {"number": _NumberEncoder, "category": _CategoryEncoder, "time": _TimeEncoder}


def _days(values: np.ndarray) -> np.ndarray:
    """Return days since 1970 as float64, NaN where the date is missing."""
    stamps = values.astype("datetime64[ns]")
    return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / _DAY_NS)


def _circle_angles(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the angle of each date in its year and in its week, radians."""
    stamps = values.astype("datetime64[ns]")
    stamps = np.where(np.isnat(stamps), np.datetime64(0, "ns"), stamps)
    day = stamps.astype("datetime64[D]")
    day_of_year = (day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype(float)
    weekday = (day.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return 2 * np.pi * day_of_year / 365.25, 2 * np.pi * weekday / 7


def _knots(scaled: np.ndarray, n_bins: int) -> tuple[float, ...]:
    """Return at least two strictly increasing edges.

    Half of them are quantiles of the rows, half of the distinct values: a column that is 0 in nine rows of ten (capital
    gains) still gets edges where its other values lie.
    """
    if len(scaled) == 0:
        return (-1.0, 1.0)
    levels = np.linspace(0, 1, n_bins // 2 + 1)
    edges = np.concatenate([np.quantile(scaled, levels), np.quantile(np.unique(scaled), levels)]).astype(np.float32)
    edges = np.unique(edges)
    if len(edges) < 2:
        return (float(edges[0]) - 1.0, float(edges[0]) + 1.0)
    return tuple(float(edge) for edge in edges)


def _layout(encoders: list[Any]) -> Layout:
    """Gather where each kind of encoded feature lies."""
    numeric, knots, gates, indicators, categories, cardinalities = [], [], [], [], [], []
    column_of: list[int] = []
    for index, encoder in enumerate(encoders):
        start = len(column_of)
        for offset, (kind, detail) in enumerate(encoder.parts()):
            position = start + offset
            if kind == "number":
                numeric.append(position)
                knots.append(detail[0])
                gates.append(tuple(start + gate for gate in detail[1]))
            elif kind == "indicator":
                indicators.append(position)
            else:
                categories.append(position)
                cardinalities.append(detail)
        column_of += [index] * encoder.width
    return Layout(
        numeric=tuple(numeric),
        knots=tuple(knots),
        indicators=tuple(indicators),
        gates=tuple(gates),
        categories=tuple(categories),
        cardinalities=tuple(cardinalities),
        column_of=np.array(column_of, dtype=np.int64),
        columns=tuple(encoder.name for encoder in encoders),
    )
