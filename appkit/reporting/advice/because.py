"""Because of which purchases: one customer's advice item by item, and how far such explanations hold."""

from dataclasses import replace

import numpy as np

from appkit.explanation import Explanation
from appkit.explanation.counterfactuals.histories import RemovalSets
from appkit.explanation.layouts import Advice, HistoryLayout
from appkit.plots.selection import row_values
from appkit.prediction.intervals import proportion
from appkit.reporting.advice.context import AdviceContext
from appkit.reporting.content.certificate import certificate_table
from appkit.reporting.content.maps import history_figure
from appkit.reporting.content.phrasing import first_that_fits
from appkit.reporting.facts import Block, Cell, DataTable, ItemHistoryFigure, Measure, Paragraphs, Section, Tile
from appkit.reporting.numbers import count_text
from appkit.reporting.words import list_text

__all__ = ["because_section", "explanation_section", "reason_tile"]

_REASONS = 3


def because_section(context: AdviceContext) -> Section:
    """Return one customer's advice, each with its strongest reasons and the fewest purchases that carry it."""
    blocks: tuple[Block, ...] = (_figure(context), _list_table(context))
    return Section(
        key="case",
        title="Because you bought",
        question=f"Why is {context.words['a_row']} advised just this?",
        blocks=blocks,
        starts_page=True,
    )


def explanation_section(context: AdviceContext) -> Section:
    """Return how far explanations of advice hold over a sample of customers, and what carries advice."""
    told = context.told
    n = len(told.removals)
    table = certificate_table(
        told.certificate.checks,
        context,
        n_players=None,
        players="items",
        caption=f"Certificate of the reasons for the first advice of {count_text(n)} {context.words['rows']}. 95 % "
        "intervals in brackets.",
    )
    blocks: tuple[Block, ...] = (_removal_table(context), table, Paragraphs(texts=(_how_made(context),)))
    return Section(
        key="drivers",
        title="How far reasons hold",
        question="Do the purchases named as reasons really carry the advice?",
        blocks=blocks,
    )


def reason_tile(context: AdviceContext) -> Tile:
    """Return the tile of the share of explained customers whose first reason stands."""
    statuses = context.told.certificate.rows
    n_held = sum(1 for item in statuses if item.rank >= 1)
    return Tile(
        name="First reason stands",
        measure=_share(n_held, len(statuses)),
        limit=context.limits.get("First reason stands"),
        sentence="Customers whose strongest reason is settled by two standard errors and a second seed.",
    )


def _advice(explanation: Explanation) -> Advice:
    layout = explanation.layout
    assert isinstance(layout, HistoryLayout)
    assert layout.advice is not None
    return layout.advice


def _figure(context: AdviceContext) -> ItemHistoryFigure:
    told = context.told
    advice, removals = _advice(told.case), told.case_removals
    figure = history_figure(
        told.case,
        0,
        key_items=removals.names(0),
        removal=removals.describe(0),
        key="because",
        case=f"{context.words['row'].capitalize()} {told.case_user}, {told.rule}",
    )
    reasons = _reasons(told.case, 0)
    named = list_text(reasons)
    finding = first_that_fits(
        f"Because you bought {named}: {advice.item_names[0]}",
        f"Because you bought {reasons[0]}: {advice.item_names[0]}" if reasons else f"Advised: {advice.item_names[0]}",
    )
    return replace(figure, finding=finding if reasons else figure.finding)


def _reasons(explanation: Explanation, row: int) -> tuple[str, ...]:
    """Return the items that clearly raise the margin, the strongest first, at most three."""
    own = row_values(explanation, row, None)
    values, errors, names = own.values, own.standard_error, own.names
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:_REASONS]
    return tuple(str(names[i]) for i in order if values[i] > max(2 * np.nan_to_num(errors[i]), 0.0))


def _list_table(context: AdviceContext) -> DataTable:
    told = context.told
    advice, removals = _advice(told.case), told.case_removals
    rows: list[tuple[Cell, ...]] = [
        (
            str(advice.item_names[row]),
            int(advice.ranks[row]),
            list_text(_reasons(told.case, row)) or "no single purchase stands out",
            Measure.exact(float(told.case.output[row, 0])),
            removals.describe(row),
        )
        for row in range(len(told.case_removals))
    ]
    return DataTable(
        title="What the first advice rests on",
        caption=f"Margin over the item at rank {context.k + 1}; the last column was checked by scoring the history "
        "without these purchases, the model not fitted again",
        columns=("Advised", "Rank", "Because of", "Margin", "Without which it leaves the list"),
        rows=tuple(rows),
    )


def _removal_table(context: AdviceContext) -> DataTable | Paragraphs:
    removals: RemovalSets = context.told.removals
    n = len(removals)
    sizes = removals.sizes[removals.found]
    if not len(sizes):
        return _no_removals(context, n)
    rows: list[tuple[Cell, ...]] = [
        ("Advice with a set of at most five purchases that carries it", _share(int(removals.found.sum()), n)),
        (
            "of these confirmed by scoring the shortened history",
            _share(int(removals.verified.sum()), len(sizes)),
        ),
        ("Advice that rests on one purchase alone", _share(int((sizes == 1).sum()), n)),
        ("Purchases in such a set, median", Measure.exact(float(np.median(sizes)))),
    ]
    return DataTable(
        title="Fewest purchases without which the first advice leaves the list",
        caption=f"First advice of {count_text(n)} {context.words['rows']}; 95 % intervals (Wilson) below each value",
        columns=("Over the sample", "Value"),
        rows=tuple(rows),
    )


def _no_removals(context: AdviceContext, n: int) -> Paragraphs:
    words = context.words["rows"]
    return Paragraphs(
        texts=(
            f"For none of {count_text(n)} {words} do at most five purchases carry the first advice: it rests on many.",
        )
    )


def _share(count: int, n: int) -> Measure:
    return Measure.of(proportion("Share", count, n), unit="%")


def _how_made(context: AdviceContext) -> str:
    told = context.told
    n = len(told.removals)
    drawn = "all" if n == told.n_users else f"{count_text(n)} of {count_text(told.n_users)}, drawn by the seed"
    return (
        f"A reason is a Shapley value: what an item of the history, with all its purchases, adds to the margin of the "
        f"advised item over the item at rank {context.k + 1}, on average over all orders in which the history could "
        f"have been bought. Method: {told.sample.method}. {context.words['rows'].capitalize()} explained: {drawn}. "
        "Reasons say what the model goes by, not what makes people buy."
    )
