"""How far the reasons for advice hold: against leaving purchases out, against LIME, and how they were found."""

import numpy as np
import pandas as pd

from appkit.explanation.history_fidelity import HistoryFidelity, history_fidelity
from appkit.explanation.layouts import Advice, HistoryLayout
from appkit.prediction import Estimate
from appkit.reporting import DomainSection
from appkit.reporting.advice.context import AdviceContext
from appkit.reporting.content.phrasing import measure_or_gap
from appkit.reporting.facts import Block, Cell, DataTable, NotFilled, Paragraphs
from appkit.reporting.numbers import count_text

__all__ = ["fidelity_blocks"]

_SHARES = ("The top item matters most", "Proven smallest")
_MOST_REMOVED = 5
_ITEM = "Reasons held against the model and against other methods"
_MOST_SCORES = 2_000_000  # items of the histories times items of the catalogue: some five seconds
_FEWEST_CASES = 3


def fidelity_blocks(context: AdviceContext) -> DomainSection:
    """Return what is added to the section on how far reasons hold."""
    blocks: tuple[Block, ...] = (_table(context), Paragraphs(texts=(_exactness(context),)))
    return DomainSection(key="drivers", title="", question="", blocks=blocks)


def _table(context: AdviceContext) -> DataTable | NotFilled:
    layout = context.told.sample.layout
    assert isinstance(layout, HistoryLayout)
    assert layout.advice is not None
    pairs = _affordable(context, _pairs(context, layout.advice))
    if len(pairs) < _FEWEST_CASES:
        why = "Histories are too long and the catalogue too large to explain advice again within seconds"
        return NotFilled(item=_ITEM, why=why, fill="appkit.explanation.history_fidelity, which takes the time it takes")
    found = history_fidelity(
        context.model,
        pairs,
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
        title=_ITEM,
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


def _affordable(context: AdviceContext, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the first cases, which the seed drew, whose histories can be gone through in seconds."""
    histories = context.model.histories(pairs[context.model.user])
    scores = np.cumsum([len(np.unique(history)) for history in histories]) * len(context.model.items_)
    return pairs[scores <= _MOST_SCORES]


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
