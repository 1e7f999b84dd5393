"""What is declared about one column of a table."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.cells import KINDS, text_of

__all__ = ["Column", "check_fields", "describe_column"]

_JSON_TYPES: dict[str, Any] = {
    "name": str,
    "kind": str,
    "role": str,
    "minimum": float | int | None,
    "maximum": float | int | None,
    "categories": list | tuple | None,
    "special_codes": list | tuple,
    "has_missing": bool,
}
ROLES = ("feature", "protected", "ignored")


@dataclass(frozen=True)
class Column:
    """One declared column.

    Parameters
    ----------
    name
        Column name.
    kind
        ``"numeric"``, ``"category"``, ``"boolean"`` or ``"time"``.
    role
        ``"feature"`` goes into the model; ``"protected"`` (sex, age, ...) and ``"ignored"`` stay out of it and may be
        absent from later tables.
    minimum, maximum
        Range seen, special codes left out; seconds since 1970 (UTC) for a time. ``None`` where nothing was seen, and
        for categories.
    categories
        Texts seen, sorted (in their own order for an ordered pandas Categorical); ``None`` unless a category.
    special_codes
        Numbers that stand for a reason, not for a quantity (-9: no record). They stay in the data as they are.
    has_missing
        Whether a cell was missing.
    """

    name: str
    kind: Literal["numeric", "category", "boolean", "time"]
    role: Literal["feature", "protected", "ignored"] = "feature"
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    special_codes: tuple[float, ...] = ()
    has_missing: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind of column {self.name!r} must be one of {', '.join(KINDS)}, got {self.kind!r}.")
        if self.role not in ROLES:
            raise ValueError(f"role of column {self.name!r} must be one of {', '.join(ROLES)}, got {self.role!r}.")

    def facts(self) -> dict[str, Any]:
        """Return what a reader wants to see: dates as dates, and how many categories rather than which."""
        row = {field: value for field, value in vars(self).items() if field != "categories"}
        if self.kind == "time" and self.minimum is not None and self.maximum is not None:
            row |= {"minimum": pd.Timestamp(self.minimum, unit="s"), "maximum": pd.Timestamp(self.maximum, unit="s")}
        return row | {"n_categories": None if self.categories is None else len(self.categories)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return {field: list(value) if isinstance(value, tuple) else value for field, value in vars(self).items()}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Column":
        """Return the column written by :meth:`to_dict`; a field that is unknown or absent is a ``ValueError``."""
        known = {field.name for field in dataclasses.fields(cls)}
        check_fields(state, known=known, needed={"name", "kind"}, where="a column of the schema")
        for field, value in state.items():
            if not isinstance(value, _JSON_TYPES[field]):
                raise ValueError(f"{field} of a column of the schema cannot be {value!r}.")
        arguments: dict[str, Any] = {
            f: tuple(value) if isinstance(value, list) else value for f, value in state.items()
        }
        return cls(**arguments)


def describe_column(
    name: str, kind: str, values: np.ndarray, *, raw: pd.Series, role: str | None, codes: Sequence[float]
) -> Column:
    """Return the declaration of a column that was read: its range or categories, without the special codes."""
    missing = pd.isna(values)
    low, high = (None, None) if kind == "category" else _range(values[~missing], codes)
    return Column(
        name=name,
        kind=kind,  # type: ignore[arg-type]  # checked by Column
        role=role or "feature",  # type: ignore[arg-type]
        minimum=low,
        maximum=high,
        categories=_categories(values[~missing], raw) if kind == "category" else None,
        special_codes=tuple(sorted(float(code) for code in codes)),
        has_missing=bool(missing.any()),
    )


def _range(values: np.ndarray, codes: Sequence[float]) -> tuple[float | None, float | None]:
    quantities = values[~np.isin(values, codes)] if len(codes) else values
    if not len(quantities):
        return None, None
    if quantities.dtype.kind == "M":
        quantities = quantities.astype("int64") / 1e9
    return float(quantities.min()), float(quantities.max())


def _categories(texts: np.ndarray, raw: pd.Series) -> tuple[str, ...]:
    seen = set(pd.unique(texts))
    if isinstance(raw.dtype, pd.CategoricalDtype) and raw.cat.ordered:
        return tuple(text for text in map(text_of, raw.cat.categories) if text in seen)
    return tuple(sorted(seen))


def check_fields(state: Mapping[str, Any], *, known: set[str], needed: set[str], where: str) -> None:
    """Raise ``ValueError`` naming the first field of ``state`` that is unknown or absent."""
    if not isinstance(state, Mapping):
        raise ValueError(f"{where} must be an object with fields, got {type(state).__name__}.")
    for field in state:
        if field not in known:
            raise ValueError(f"{where} has the unknown field {field!r}; known are {', '.join(sorted(known))}.")
    for field in sorted(needed):
        if field not in state:
            raise ValueError(f"{where} lacks the field {field!r}.")
