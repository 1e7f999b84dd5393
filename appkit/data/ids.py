"""Raw ids of users and items, and the compact numbers that stand for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.exceptions import SchemaError

__all__ = ["Ids", "read_ids"]


@dataclass(frozen=True, eq=False)
class Ids:
    """Distinct ids; the place of an id is its code.

    Parameters
    ----------
    values
        Sorted and distinct: int64 ``(n,)``, or text as objects ``(n,)``.

    Examples
    --------
    >>> items = Ids.of(["tea", "cup", "tea"])
    >>> items.values.tolist(), items.codes(["tea", "kettle"]).tolist()
    (['cup', 'tea'], [1, -1])
    """

    values: np.ndarray

    def __post_init__(self) -> None:
        if self.values.ndim != 1 or self.values.dtype not in (np.dtype(np.int64), np.dtype(object)):
            raise ValueError(f"values must be int64 or objects (n,), got {self.values.dtype} {self.values.shape}.")
        if len(self.values) > 1 and not (self.values[1:] > self.values[:-1]).all():
            raise ValueError("values must be sorted and distinct.")

    @classmethod
    def of(cls, raw: Iterable[Any], *, column: str = "id") -> "Ids":
        """Return the distinct ids among ``raw``; errors as :func:`read_ids`."""
        return cls(np.unique(read_ids(raw, column=column)))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_text(self) -> bool:
        """Whether ids are text, not whole numbers."""
        return self.values.dtype == object

    def codes(self, raw: Iterable[Any], *, column: str = "id") -> np.ndarray:
        """Return the code of each id, int64 ``(n,)``; -1 where it is unknown.

        Raises
        ------
        SchemaError
            As :func:`read_ids`; or if text is asked for among numbers, or numbers among text.
        """
        ids = read_ids(raw, column=column)
        if len(ids) and len(self) and (ids.dtype == object) != self.is_text:
            kinds = ("text", "whole numbers") if self.is_text else ("whole numbers", "text")
            remedy = "Use .astype(str)." if self.is_text else "Use .astype(int)."
            raise SchemaError(
                f"Column {column!r} must hold {kinds[0]}, as at fit, got {kinds[1]} (first: {shown(ids[0])}). {remedy}"
            )
        if not len(self):
            return np.full(len(ids), -1, dtype=np.int64)
        return pd.Index(self.values).get_indexer(ids).astype(np.int64)


def read_ids(raw: Iterable[Any], *, column: str = "id") -> np.ndarray:
    """Return ids as int64 ``(n,)``, or as objects ``(n,)`` that are all text.

    Whole numbers stay numbers, however stored: ``17850.0``, as a column with gaps holds it, is 17850. Categories are
    read by their labels.

    Raises
    ------
    SchemaError
        If an id is missing, a fraction, past 64 bits, or neither a number nor text, or if numbers and text are mixed;
        the message names the column, how many, and the first row.

    Examples
    --------
    >>> read_ids([17850.0, 12346.0])
    array([17850, 12346])
    """
    given = raw if isinstance(raw, pd.Series) else pd.Series(raw if hasattr(raw, "__len__") else list(raw))
    _check_none(given.isna().to_numpy(), given, column=column, must="must have no missing cell", remedy=_DROP)
    if isinstance(given.dtype, pd.CategoricalDtype):
        given = given.astype(given.cat.categories.dtype)
    if pd.api.types.is_bool_dtype(given.dtype):
        raise SchemaError(f"Column {column!r} must hold ids, got truth values. Give the column that names each one.")
    if pd.api.types.is_unsigned_integer_dtype(given.dtype):
        _check_fits((given > _MOST).to_numpy(dtype=bool), given, column=column)
    if pd.api.types.is_integer_dtype(given.dtype):
        return given.to_numpy(dtype=np.int64)
    if pd.api.types.is_float_dtype(given.dtype):
        return _whole(given.to_numpy(dtype=np.float64), given, column=column)
    return _of_objects(given, column=column)


_DROP = "Drop these rows, or clean the table first."
_MOST = 2**63 - 1


def _of_objects(given: pd.Series, *, column: str) -> np.ndarray:
    objects = given.to_numpy(dtype=object)
    is_text = np.fromiter((isinstance(cell, str) for cell in objects), dtype=bool, count=len(objects))
    if is_text.all():
        return objects
    is_number = np.fromiter(
        (isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool) for cell in objects),
        dtype=bool,
        count=len(objects),
    )
    _check_none(
        ~(is_text | is_number), given, column=column, must="must hold whole numbers or text", remedy="Use .astype(str)."
    )
    if is_text.any():
        _check_none(~is_text, given, column=column, must="mixes text and numbers: it must hold one", remedy=_ALL_TEXT)
    return _whole(objects.astype(np.float64), given, column=column, exact=objects)


_ALL_TEXT = "Use .astype(str) at fit and later."


def _whole(numbers: np.ndarray, given: pd.Series, *, column: str, exact: np.ndarray | None = None) -> np.ndarray:
    is_fraction = ~np.isfinite(numbers) | (numbers != np.round(numbers))
    _check_none(is_fraction, given, column=column, must="must hold whole numbers or text", remedy="Use .astype(str).")
    does_not_fit = (numbers >= _MOST) | (numbers < -_MOST - 1)
    if exact is not None:  # floats this large are too coarse to tell
        does_not_fit = np.fromiter((not -_MOST - 1 <= number <= _MOST for number in exact), bool, count=len(exact))
    _check_fits(does_not_fit, given, column=column)
    return (numbers if exact is None else exact).astype(np.int64)


def _check_fits(does_not_fit: np.ndarray, given: pd.Series, *, column: str) -> None:
    must = "must hold whole numbers that fit 64 bits"
    _check_none(does_not_fit, given, column=column, must=must, remedy="Use .astype(str).")


def _check_none(bad: np.ndarray, given: pd.Series, *, column: str, must: str, remedy: str) -> None:
    if not bad.any():
        return
    first = int(bad.argmax())
    got = f"got {int(bad.sum()):,} others (first: {shown(given.iloc[first])} in row {given.index[first]})"
    if "missing" in must:
        got = f"got {int(bad.sum()):,} (first: row {given.index[first]})"
    raise SchemaError(f"Column {column!r} {must}, {got}. {remedy}")
