"""Declared columns of a table: what a model was fitted on, and what every later table must look like."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.cells import KINDS, Fault, infer_kind, read_cells, shown
from appkit.data.columns import Column, check_fields, describe_column
from appkit.data.special_codes import detect_special_codes
from appkit.exceptions import SchemaError

__all__ = ["Column", "Schema"]


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in order.

    Learn it from a training table with :meth:`infer`; hold every later table against it with :meth:`conform`.

    Parameters
    ----------
    columns
        Declared columns, names all different.

    Examples
    --------
    >>> train = pd.DataFrame({"income": [10.0, None], "job": ["clerk", "nurse"]})
    >>> schema = Schema.infer(train)
    >>> [(column.name, column.kind) for column in schema]
    [('income', 'numeric'), ('job', 'category')]
    >>> schema.conform(pd.DataFrame({"job": ["smith"], "income": ["n/a"]}))
    Traceback (most recent call last):
        ...
    appkit.exceptions.SchemaError: Column 'income' must be numeric, got text in 1 row (first: 'n/a' in row 0). ...
    """

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"columns of a schema must have different names, got {repeated} more than once.")

    @classmethod
    def infer(
        cls,
        X: pd.DataFrame,
        *,
        kinds: Mapping[str, str] | None = None,
        special_codes: Mapping[str, Sequence[float]] | Literal["auto"] | None = None,
        protected: Sequence[str] = (),
        ignored: Sequence[str] = (),
    ) -> "Schema":
        """Return the schema of a training table.

        Parameters
        ----------
        X
            Training table, shape (n_rows, n_columns), names all text. Any pandas dtype: numbers, text, categoricals,
            booleans, datetimes, nullable and pyarrow-backed, and object columns of these.
        kinds
            Kind of each column that should not be read as its dtype suggests (a branch number is a category).
        special_codes
            Codes among numbers, by column; ``"auto"`` looks for them and warns of what it finds.
        protected, ignored
            Columns to keep out of the features. Cells of ignored columns are not even read.

        Raises
        ------
        SchemaError
            Listing everything that is wrong with the table or with what was declared about it.
        """
        _require_frame(X)
        if not (special_codes is None or special_codes == "auto" or isinstance(special_codes, Mapping)):
            raise TypeError(f"special_codes must be a mapping by column, 'auto' or None, got {special_codes!r}.")
        roles = dict.fromkeys(ignored, "ignored") | dict.fromkeys(protected, "protected")
        codes = special_codes if isinstance(special_codes, Mapping) else {}
        problems = _frame_problems(X) + _undeclared_problems(X, {*(kinds or {}), *roles, *codes})
        raws = _pick(X, [name for name in X.columns if name not in set(ignored)])
        kind_of, kind_problems = _kinds(raws, kinds or {})
        arrays, cell_problems = _read(raws, kind_of, row_offset=0)
        problems += kind_problems + cell_problems + _code_problems(codes, kind_of)
        if problems:
            raise SchemaError(problems)
        if special_codes == "auto":
            features = [name for name in arrays if name not in protected]
            codes = detect_special_codes({name: arrays[name] for name in features if kind_of[name] == "numeric"})
        described = {
            name: describe_column(
                name, kind_of[name], values, raw=raws[name], role=roles.get(name), codes=codes.get(name, ())
            )
            for name, values in arrays.items()
        }
        return cls(tuple(described.get(name) or _ignored_column(name, X[name]) for name in X.columns))

    def conform(self, X: pd.DataFrame, *, row_offset: int = 0) -> pd.DataFrame:
        """Return the feature columns of a table, checked, in schema order and in the form of their kinds.

        Numeric and boolean columns are float64 with NaN, categories object columns of ``str`` with ``None``, times
        datetime64[ns] (UTC, zone dropped). Rows keep their index; the order of columns in ``X`` is free. A category
        never seen before is no error.

        Parameters
        ----------
        X
            Table to check, shape (n_rows, n_columns).
        row_offset
            Rows of the file before this chunk, added to row numbers in messages where ``X`` has a default index.

        Raises
        ------
        SchemaError
            Listing every missing, unknown or doubled column, every cell of the wrong type and every infinite value.
        """
        arrays = self.conform_arrays(X, row_offset=row_offset)
        # an Index of dtype object keeps its dtype, where a bare object array would be read as pandas' own str
        columns: dict[str, Any] = {
            name: pd.Index(values, dtype=object) if values.dtype == object else values
            for name, values in arrays.items()
        }
        return pd.DataFrame(columns, index=X.index)

    def conform_arrays(self, X: pd.DataFrame, *, row_offset: int = 0) -> dict[str, np.ndarray]:
        """Return what :meth:`conform` returns, as one array per feature column, shape (n_rows,) each.

        Arrays may be views of ``X``: do not write to them.
        """
        _require_frame(X)
        problems = _frame_problems(X) + self._name_problems(X.columns)
        raws = _pick(X, self.feature_names)
        arrays, cell_problems = _read(raws, self._kind_of, row_offset=row_offset)
        if problems := problems + cell_problems + self._number_problems(raws):
            raise SchemaError(problems)
        return arrays

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """Columns that go into the model."""
        return tuple(column for column in self.columns if column.role == "feature")

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns that go into the model, in order."""
        return tuple(column.name for column in self.features)

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per column, for reading in a notebook."""
        table = pd.DataFrame([column.facts() for column in self.columns])
        return table.set_index("name") if len(table) else table

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return {"columns": [column.to_dict() for column in self.columns]}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Schema":
        """Return the schema written by :meth:`to_dict`; a field that is unknown or absent is a ``ValueError``."""
        check_fields(state, known={"columns"}, needed={"columns"}, where="the schema")
        if not isinstance(state["columns"], list | tuple):
            raise ValueError(f"columns of the schema must be a list, got {type(state['columns']).__name__}.")
        return cls(tuple(Column.from_dict(entry) for entry in state["columns"]))

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def _kind_of(self) -> dict[str, str]:
        return {column.name: column.kind for column in self.features}

    @cached_property
    def _example_words(self) -> dict[str, str]:
        """One text of each category column in which no category reads as a number."""
        return {
            c.name: c.categories[0] for c in self.features if c.categories and not any(map(_is_number, c.categories))
        }

    def _name_problems(self, names: pd.Index) -> list[str]:
        missing = [name for name in self.feature_names if name not in names]
        unknown = [name for name in dict.fromkeys(names) if name not in self]
        return [f"Column {name!r} is missing. Add it, with empty cells where it is not known." for name in missing] + [
            f"Column {name!r} is unknown{_hint(name, missing)}. Drop it, or fit again with it." for name in unknown
        ]

    def _number_problems(self, raws: Mapping[str, pd.Series]) -> list[str]:
        """Find numbers where only words were seen: each would pass silently as a category never seen before."""
        suspects = {n: raws[n] for n in self._example_words if n in raws and raws[n].dtype.kind in "iuf"}
        return [
            f"Column {name!r} must be text, got numbers in {_counted(raw.count())}. "
            f"Give words as in training, such as {self._example_words[name]!r}."
            for name, raw in suspects.items()
            if raw.count()
        ]


def _require_frame(X: object) -> None:
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"X must be a pandas DataFrame, got {type(X).__name__}. Wrap it with appkit.data.as_frame.")


def _frame_problems(X: pd.DataFrame) -> list[str]:
    problems = []
    if not all(isinstance(name, str) for name in X.columns):
        others = [name for name in X.columns if not isinstance(name, str)]
        problems.append(f"Column names must be text, got {others[0]!r}. Rename with X.columns = X.columns.astype(str).")
    if not X.columns.is_unique:
        doubled = list(dict.fromkeys(X.columns[X.columns.duplicated()]))
        problems += [f"Column {name!r} appears more than once. Keep one, or rename the others." for name in doubled]
    if X.shape[0] == 0:
        problems.append("The table must have at least one row, got none. Check the filter that made it.")
    if X.shape[1] == 0:
        problems.append("The table must have at least one column, got none. Check the selection that made it.")
    return problems


def _undeclared_problems(X: pd.DataFrame, names: set[str]) -> list[str]:
    absent = sorted(name for name in names if name not in X)
    return [f"Column {name!r} is declared but not in the table. Correct its name." for name in absent]


def _code_problems(codes: Mapping[str, Sequence[float]], kind_of: Mapping[str, str]) -> list[str]:
    return [
        f"special_codes of column {name!r} need a numeric column, got {kind_of[name]}. Leave them out."
        for name in codes
        if kind_of.get(name, "numeric") != "numeric"
    ]


def _ignored_column(name: str, raw: pd.Series) -> Column:
    return Column(name, infer_kind(raw) or "category", role="ignored")  # type: ignore[arg-type]  # checked by Column


def _pick(X: pd.DataFrame, names: Iterable[str]) -> dict[str, pd.Series]:
    """Return the named columns that are there exactly once."""
    once = X.columns if X.columns.is_unique else X.columns[~X.columns.duplicated(keep=False)]
    return {name: X[name] for name in names if name in once}


def _kinds(raws: Mapping[str, pd.Series], declared: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    kinds: dict[str, str] = {}
    problems = []
    for name, raw in raws.items():
        kind = declared.get(name) or infer_kind(raw)
        if kind in KINDS:
            kinds[name] = kind
        elif kind is None:
            problems.append(_unsupported(raw))
        else:
            problems.append(f"kind of column {name!r} must be one of {', '.join(KINDS)}, got {kind!r}.")
    return kinds, problems


def _unsupported(raw: pd.Series) -> str:
    cells = raw.dropna()
    first = f"{raw.dtype} (first: {shown(cells.iloc[0])})" if len(cells) else str(raw.dtype)
    return f"Column {raw.name!r} must hold numbers, text, booleans or dates, got {first}. Convert it, or drop it."


def _read(
    raws: Mapping[str, pd.Series], kinds: Mapping[str, str], *, row_offset: int
) -> tuple[dict[str, np.ndarray], list[str]]:
    arrays: dict[str, np.ndarray] = {}
    problems: list[str] = []
    for name, raw in raws.items():
        if name in kinds:
            arrays[name], faults = read_cells(raw, kinds[name])
            problems += [_sentence(name, fault, raw.index, row_offset) for fault in faults]
    return arrays, problems


def _sentence(name: str, fault: Fault, index: pd.Index, row_offset: int) -> str:
    row = index[fault.rows[0]]
    if isinstance(index, pd.RangeIndex):
        row += row_offset
    return (
        f"Column {name!r} must {fault.must}, got {fault.got} in {_counted(len(fault.rows))} "
        f"(first: {fault.first} in row {row}). {fault.advice}"
    )


def _counted(n_rows: int) -> str:
    return f"{n_rows:,} row{'' if n_rows == 1 else 's'}"


def _hint(name: str, missing: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(name), missing, n=1)
    return f" (is it {close[0]!r}?)" if close else ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
