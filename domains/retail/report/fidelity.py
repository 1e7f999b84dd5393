"""How far the reasons for advice hold: against leaving purchases out, against LIME, and how they were found."""

import pandas as pd

from appkit.explanation.history_fidelity import HistoryFidelity, history_fidelity
from appkit.explanation.layouts import Advice, HistoryLayout
from appkit.prediction import Estimate
from appkit.reporting import DomainSection
from appkit.reporting.advice.context import AdviceContext
from appkit.reporting.content.phrasing import measure_or_gap
from appkit.reporting.facts import Block, Cell, DataTable, Paragraphs
from appkit.reporting.numbers import count_text

__all__ = ["fidelity_blocks"]

_SHARES = ("The top item matters most", "Proven smallest")
_MOST_REMOVED = 5


def fidelity_blocks(context: AdviceContext) -> DomainSection:
    """Return what is added to the section on how far reasons hold."""
    blocks: tuple[Block, ...] = (_table(context), Paragraphs(texts=(_exactness(context),)))
    return DomainSection(key="drivers", title="", question="", blocks=blocks)


def _table(context: AdviceContext) -> DataTable:
    layout = context.told.sample.layout
    assert isinstance(layout, HistoryLayout)
    advice = layout.advice
    assert advice is not None
    found = history_fidelity(
        context.model,
        _pairs(context, advice),
        k=context.k,
        max_size=_MOST_REMOVED,
        random_state=context.random_state,
    )
    rows: list[tuple[Cell, ...]] = [
        (question, measure_or_gap(figure, unit="%" if figure.name in _SHARES else ""), figure.n, figure.method)
        for question, figure in _questions(found)
        if figure.n
    ]
    return DataTable(
        title="Reasons held against the model and against other methods",
        caption=f"First advice of {count_text(found.n_cases)} {context.words['rows']}, of which "
        f"{count_text(found.n_compared)} have two items or more to compare; 95 % intervals below each value",
        columns=("Question", "Value", "Cases", "Interval"),
        rows=tuple(rows),
        how_to_read="Leaving one purchase out asks what happens without it alone; a Shapley value shares out what "
        "purchases do together. Where both agree, few purchases stand in for each other.",
    )


def _pairs(context: AdviceContext, advice: Advice) -> pd.DataFrame:
    model = context.model
    return pd.DataFrame({model.user: advice.users, model.item: advice.items}).infer_objects()


def _questions(found: HistoryFidelity) -> tuple[tuple[str, Estimate], ...]:
    return (
        ("Leaving out the first reason alone lowers the margin most", found.top_matters_most),
        ("Order of the reasons against leaving one out (rank correlation)", found.leave_one_out),
        ("Order of the reasons against LIME (rank correlation)", found.lime),
        ("The fewest purchases that carry the advice are proven to be the fewest", found.smallest_sets),
    )


def _exactness(context: AdviceContext) -> str:
    if context.model.item_scorer().is_additive:
        return (
            f"This model ({context.model.model_}) adds up: a score is a sum over the distinct items of the history. "
            "Reasons are therefore exact, without sampling and without a standard error, and a reason’s size is what "
            "the margin loses when that purchase alone is left out."
        )
    return (
        f"This model ({context.model.model_}) does not add up: what a purchase does depends on the others. Reasons "
        "are averages over orders in which the history could have been bought; leaving one purchase out answers "
        "another question."
    )
