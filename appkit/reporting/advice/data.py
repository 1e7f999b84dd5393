"""Where the advice was tried: what was held out, what the fit knew of it, and what was tried before."""

import numpy as np
import pandas as pd

from appkit.reporting.advice.context import AdviceContext
from appkit.reporting.advice.measured import later_in_short
from appkit.reporting.facts import Block, Cell, DataTable, Measure, Section, WarningBox
from appkit.reporting.numbers import count_text

__all__ = ["data_section"]


def data_section(context: AdviceContext) -> Section:
    """Return counts of both parts, leaks between them, and the models tried at fit."""
    blocks: list[Block] = [_counts(context), _leaks(context)]
    if len(context.model.candidates_):
        blocks.append(_candidates(context))
    return Section(
        key="data",
        title="Data and choice",
        question="What was the advice tried on, and could the model have known it before?",
        blocks=tuple(blocks),
    )


def _counts(context: AdviceContext) -> DataTable:
    parts = {
        "Events of the fit": context.measured.before,
        "Later events": later_in_short(context.measured.later, context.model),
    }
    rows: list[tuple[Cell, ...]] = [
        (name, len(part), part["user"].nunique(), part["item"].nunique(), *_span(part)) for name, part in parts.items()
    ]
    new_users = len(set(parts["Later events"]["user"]) - set(parts["Events of the fit"]["user"]))
    new_items = len(set(parts["Later events"]["item"]) - set(parts["Events of the fit"]["item"]))
    new = f"{count_text(new_users)} {context.words['rows']} and {count_text(new_items)} items"
    return DataTable(
        title=f"{new} are new in the later events",
        caption="Both parts, as read; rows equal in customer, item and time are one event of the fit",
        columns=("Part", "Events", "Customers", "Items", "First", "Last"),
        rows=tuple(rows),
    )


def _span(part: pd.DataFrame) -> tuple[str, str]:
    if "time" not in part:
        return ("not known", "not known")
    if pd.api.types.is_datetime64_any_dtype(part["time"]):
        return (str(part["time"].min().date()), str(part["time"].max().date()))
    return (str(part["time"].min()), str(part["time"].max()))


def _leaks(context: AdviceContext) -> Block:
    leaks = context.measured.leaks
    if not leaks:
        return DataTable(
            title="The fit knew nothing of the later events",
            caption="Looked for: the same events, the same baskets, later events of the same and of other customers",
            columns=("Leak", "Events of the fit"),
            rows=(("any of the four", 0),),
        )
    n = max(leak.n_rows for leak in leaks)
    return WarningBox(
        level="fail" if any(leak.kind == "overlap" for leak in leaks) else "note",
        finding=f"Up to {count_text(n)} events of the fit know of the later ones",
        text=" ".join(leak.message for leak in leaks)
        + " Figures of this report are optimistic: in use a model knows nothing of the future.",
    )


def _candidates(context: AdviceContext) -> DataTable:
    tried = context.model.candidates_
    rows: list[tuple[Cell, ...]] = [
        (line.model, _with_interval(line.gain, line.standard_error)) for line in tried.itertuples()
    ]
    n = int(tried["n_users"].iloc[0])
    return DataTable(
        title=f"Chosen at fit among {len(rows)}: {context.model.model_}",
        caption=f"Mean NDCG@10 of {count_text(n)} customers on events held out at fit, never on those of this report; "
        "95 % intervals below each value",
        columns=("Tried", "NDCG@10"),
        rows=tuple(rows),
        is_sortable=True,
    )


def _with_interval(mean: float, standard_error: float) -> Measure:
    """Return a mean as printed; that of one customer has no interval."""
    if np.isnan(standard_error):
        return Measure.exact(mean)
    return Measure(mean, mean - 1.96 * standard_error, mean + 1.96 * standard_error)
