"""How many buyers were expected and how many came, cut-off by cut-off."""

import numpy as np
import pandas as pd

from appkit.prediction import proportion
from appkit.reporting import ReportContext
from appkit.reporting.facts import Cell, DataTable, Measure, NotFilled
from appkit.reporting.words import share_phrase

__all__ = ["buyers_table", "cut_offs_of", "rows_per_customer"]

_MOST_ROWS = 24


def buyers_table(context: ReportContext) -> DataTable | NotFilled:
    """Return expected against observed buyers by cut-off, oldest first, the latest 24."""
    cut_offs = cut_offs_of(context)
    if cut_offs is None:
        return NotFilled(
            item="Buyers expected and observed by cut-off",
            why="Nobody said when each row’s horizon begins",
            argument="dates=",
        )
    latest = sorted(cut_offs.unique())[-_MOST_ROWS:]
    found = [_row(context, pd.Timestamp(cut_off), (cut_offs == cut_off).to_numpy()) for cut_off in latest]
    n_held = sum(1 for _, is_held in found if is_held)
    return DataTable(
        title=f"The buyers expected lie inside the interval {_in(n_held, len(found))}",
        caption="Expected: sum of the probabilities. Observed share with its 95 % Wilson interval, of one row per "
        "customer and cut-off; a month in which everybody buys more moves all of a cut-off’s customers together, "
        "which no such interval knows",
        columns=("Cut-off", "Customers", "Buyers expected", "Buyers observed", "Share expected", "Share observed"),
        rows=tuple(row for row, _ in found),
    )


def cut_offs_of(context: ReportContext) -> pd.Series | None:
    """Return the cut-off of each row: as given, else as the labels of a table of purchases end."""
    if context.dates is not None:
        return pd.Series(pd.to_datetime(np.asarray(context.dates)))
    labels = pd.Series(context.X.index.astype(str))
    found = pd.to_datetime(labels.str.rpartition(", ")[2], errors="coerce", format="ISO8601")
    return None if found.isna().any() or not labels.str.contains(", ", regex=False).all() else found


def rows_per_customer(context: ReportContext) -> tuple[int, int]:
    """Return how many customers the labels name, and how many rows there are; rows twice where labels name none."""
    if context.dates is not None or cut_offs_of(context) is None:
        return context.n, context.n
    customers = pd.Series(context.X.index.astype(str)).str.rpartition(", ")[0]
    return int(customers.nunique()), context.n


def _in(n_held: int, n: int) -> str:
    if n == 1:
        return "at the one cut-off" if n_held else "at no cut-off"
    return f"at {share_phrase(n_held, n, 'cut-offs')}"


def _row(context: ReportContext, cut_off: pd.Timestamp, of_it: np.ndarray) -> tuple[tuple[Cell, ...], bool]:
    """Return the cells of one cut-off, and whether what was expected lies inside the interval."""
    bought, expected = context.events[of_it], float(context.output[of_it].sum())
    observed = proportion("Share observed", int(bought.sum()), len(bought))
    share = expected / len(bought)
    cells: tuple[Cell, ...] = (
        f"{cut_off:%Y-%m-%d}",
        len(bought),
        round(expected),
        int(bought.sum()),
        Measure(share, unit="%", decimals=1),
        Measure.of(observed, unit="%", decimals=1),
    )
    return cells, observed.low <= share <= observed.high
