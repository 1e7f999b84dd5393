"""Interactions on the command line: which columns say who took what and when, and tables of them read and cleaned."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appkit.commands.console import tell
from appkit.commands.tables import check_columns, read_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Cleaning",
    "EventColumns",
    "find_columns",
    "is_of_interactions",
    "read_events",
    "read_known",
    "reads_interactions",
]

_NAMES = {  # what columns are called whose part nobody named, in lower case, without blanks and underscores
    "user": ("user", "userid", "customer", "customerid", "client", "clientid", "member", "memberid", "reviewerid"),
    "item": ("item", "itemid", "product", "productid", "article", "articleid", "stockcode", "sku", "movieid", "asin"),
    "time": ("time", "timestamp", "date", "datetime", "orderdate", "invoicedate", "purchasedate", "day"),
    "value": ("quantity", "qty", "units"),
    "price": ("price", "unitprice"),
    "invoice": ("invoice", "invoiceno", "invoiceid", "order", "orderno", "orderid"),
}
_WHOLE = re.compile(r"(0|-?[1-9]\d{0,17})(\.0+)?")  # not 0123, which would lose its zero


def reads_interactions(estimator: Any) -> bool:
    """Return whether an estimator, class or instance, learns who takes what."""
    return hasattr(estimator, "recommend")


def is_of_interactions(model: Any) -> bool:
    """Return whether a fitted model advises items to users."""
    from appkit.explanation.games.model import is_of_histories

    return is_of_histories(model)


@dataclass(frozen=True, kw_only=True)
class EventColumns:
    """Columns of a table of events: ids, moments, quantities and readable names; ``None`` for none."""

    user: str
    item: str
    time: str | None = None
    value: str | None = None
    item_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """How raw transactions become purchases.

    Parameters
    ----------
    value
        Column of units, below 0 where they came back.
    price, invoice
        Columns; ``None`` for none.
    not_products
        Regular expressions of ids that are no items.
    """

    value: str
    price: str | None = None
    invoice: str | None = None
    not_products: tuple[str, ...] = ()

    @classmethod
    def of_notes(cls, notes: Any) -> "Cleaning | None":
        """Return what the notes of a model say; ``None`` where they say nothing, for notes are not trusted."""
        if not isinstance(notes, Mapping) or set(notes) != {field.name for field in fields(cls)}:
            return None
        return cls(**{**notes, "not_products": tuple(map(str, notes["not_products"]))})

    def of(
        self, table: "pd.DataFrame", columns: EventColumns, *, clean: Callable[..., Any], cut: Any = None
    ) -> "pd.DataFrame":
        """Return what ``clean`` of a domain leaves of a table, and tell what it took out."""
        cleaned = clean(
            table,
            user=columns.user,
            item=columns.item,
            time=columns.time,
            quantity=self.value,
            price=self.price,
            invoice=self.invoice,
            not_products=self.not_products,
            cut=cut,
        )
        if cut is None:
            lost = cleaned.log[cleaned.log["removed"] > 0]
            rules = ", ".join(f"{rule} {n:,}" for rule, n in zip(lost["rule"], lost["removed"], strict=True))
            tell(f"{len(cleaned.table):,} of {len(table):,} rows are purchases. Left out: {rules or 'nothing'}.")
        return cleaned.table

    def notes(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return asdict(self) | {"not_products": list(self.not_products)}


def find_columns(
    table: "pd.DataFrame", named: Mapping[str, str | None], *, path: Path, needed: Sequence[str]
) -> dict[str, str]:
    """Return the column of each role: the one named, or the only one that is called so; tell which were guessed.

    Parameters
    ----------
    table
        Table of events.
    named
        Column by role, which is the option that names it; ``None`` where nobody named one.
    path
        Where the table is from.
    needed
        Roles that must have one.

    Raises
    ------
    ValueError
        If a column named is missing, or the column of a needed role is neither named nor told by its name.
    """
    check_columns(table, named.values(), path=path)
    given = {role: column for role, column in named.items() if column is not None}
    taken = [column for role, column in given.items() if role != "item_name"]  # an id may be its own name
    usual = {role: _called(table, role, but=taken) for role in named if role not in given}
    for role in needed:
        if role in usual and len(usual[role]) != 1:
            which = usual[role] or [str(name) for name in table.columns[:20]]
            raise ValueError(f"--{role} must name the column of {path}: which of {', '.join(map(repr, which))}?")
    guessed = {role: names[0] for role, names in usual.items() if len(names) == 1}
    if guessed:
        tell(f"Taken by their names: {', '.join(f'--{role} {name}' for role, name in guessed.items())}.")
    return given | guessed


def read_events(path: Path, ids: Iterable[str]) -> "pd.DataFrame":
    """Return a table whose ids are as in the file; of a CSV whole numbers where all of a column are written so."""
    ids = list(ids)
    table = read_table(path, texts=ids)
    if path.suffix == ".parquet":
        return table
    return table.assign(**{column: _numbers(table[column]) for column in ids if column in table})


def read_known(path: Path, model: Any) -> "pd.DataFrame":
    """Return a table whose ids are numbers or text as ``model`` knows them.

    Columns of users and items are called as at fit, or ``user`` and ``item`` as in what ``appkit predict`` writes.

    Raises
    ------
    ValueError
        If there is no column of users.
    """
    roles = {model.user: model.users_.is_text, model.item: model.items_.is_text}
    table = read_table(path, texts=[*roles, "user", "item"])
    for column, usual in ((model.user, "user"), (model.item, "item")):
        if column not in table and usual in table:
            table = table.rename(columns={usual: column})
    check_columns(table, [model.user], path=path)
    casts = {column: _texts if is_text else _numbers for column, is_text in roles.items() if column in table}
    return table.assign(**{column: cast(table[column]) for column, cast in casts.items()})


def _called(table: "pd.DataFrame", role: str, *, but: Iterable[str]) -> list[str]:
    names = _NAMES.get(role, ())
    own = [name for name in table.columns if re.sub(r"[\W_]", "", str(name)).lower() in names]
    return [name for name in own if name not in set(but)]


def _numbers(ids: "pd.Series") -> "pd.Series":
    """Return ids as numbers if they are text and every one is written as a whole number."""
    import pandas as pd

    if not pd.api.types.is_string_dtype(ids.dtype):
        return ids
    kinds = ids.dropna().unique()
    if not all(isinstance(kind, str) and _WHOLE.fullmatch(kind) for kind in kinds):
        return ids
    numbers = {kind: int(kind.partition(".")[0]) for kind in kinds}
    return ids.map(numbers)


def _texts(ids: "pd.Series") -> "pd.Series":
    """Return ids as text if they are numbers."""
    import pandas as pd

    from appkit.data.cells import text_of

    if not pd.api.types.is_numeric_dtype(ids.dtype):
        return ids
    return ids.map({kind: text_of(kind) for kind in ids.dropna().unique().tolist()}).astype("str")
