"""What a recommender offers: the items it advises most, what it never shows, and what carries its advice."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation.history_advice import item_labels
from appkit.explanation.history_drivers import driving_items
from appkit.explanation.layouts import HistoryLayout
from appkit.prediction.intervals import exact_share, normal_estimate, proportion
from appkit.reporting import DomainSection
from appkit.reporting.advice.context import AdviceContext
from appkit.reporting.content.phrasing import first_that_fits, measure_or_gap, percent
from appkit.reporting.facts import Block, Cell, DataTable, Measure, NotFilled
from appkit.reporting.numbers import count_text
from domains.retail.report.later import Later
from domains.retail.report.rebuying import rebuying_table

__all__ = ["offered_section"]

_MOST_ITEMS = 10
_SIMILAR = 5


def offered_section(context: AdviceContext) -> DomainSection:
    """Return which items are advised and which never, whether buying again counts, and what carries advice."""
    later = Later.of(context)
    blocks: tuple[Block, ...] = (
        _most_advised(context, later),
        _left_out(context, later),
        rebuying_table(context, later),
        _drivers(context),
        _similar(context),
    )
    return DomainSection(
        key="offered",
        title="What is offered",
        question="Which items do the lists show, which never, and what stands behind them?",
        blocks=blocks,
        after="performance",
    )


def _most_advised(context: AdviceContext, later: Later) -> DataTable:
    lists, n_lists = context.measured.advice, context.measured.advice["user"].nunique()
    often = lists.groupby("item", sort=True)["user"].nunique().sort_values(ascending=False, kind="stable")
    shown = often.head(_MOST_ITEMS)
    names = _names(context.model, shown.index)
    places = _popular_places(context)
    rows: list[tuple[Cell, ...]] = [
        (
            names[item],
            Measure.of(proportion("Lists", n, n_lists), unit="%"),
            places.get(item, "nobody took it"),
            *_takers(later, item),
        )
        for item, n in zip(shown.index, shown.tolist(), strict=True)
    ]
    top = names[shown.index[0]]
    share = percent(int(shown.iloc[0]) / n_lists)
    return DataTable(
        title=first_that_fits(
            f"{top} is advised most often, to {share} of {context.words['rows']}",
            f"The item advised most often is on {share} of the lists",
        ),
        caption=f"The {len(rows)} items advised most often, of {count_text(len(often))} on "
        f"{count_text(n_lists)} lists; {context.list_words}. 95 % intervals (Wilson) below each share. Place: among "
        f"all items by how many {context.words['rows']} had taken them at fit. Later takers: those whose "
        "list could hold the item.",
        columns=("Item", "On lists", "Place by popularity", "Later takers", "Takers it was advised to"),
        rows=tuple(rows),
        how_to_read="An item high on this table and low by popularity is advised for reasons of the customers’ own. "
        "Those who took it without being advised it were missed.",
    )


def _takers(later: Later, item: Any) -> tuple[Cell, Cell]:
    """Return how many took an item later for whom it could be on the list, and the share for whom it was."""
    on_list = later.is_advised[later.may_be_met & (later.items == item)]
    if not len(on_list):
        return 0, "nobody took it"
    return len(on_list), Measure.of(proportion("Takers", int(on_list.sum()), len(on_list)), unit="%")


def _popular_places(context: AdviceContext) -> dict[Any, int]:
    """Return each item's place among all by how many took it at fit, ties sharing the best."""
    takers = context.measured.before.groupby("item")["user"].nunique()
    places = takers.rank(ascending=False, method="min").astype(int)
    return dict(zip(places.index, places.tolist(), strict=True))


def _left_out(context: AdviceContext, later: Later) -> DataTable:
    catalogue = pd.Index(context.model.items_.values)
    n_never = int((~catalogue.isin(context.measured.advice["item"])).sum())
    is_never = ~np.isin(later.items, context.measured.advice["item"].to_numpy())
    is_new = ~np.isin(later.items, catalogue)
    rows: tuple[tuple[Cell, ...], ...] = (
        ("Items known at fit", len(catalogue)),
        (f"of these advised to nobody of {count_text(later.n_users)} {context.words['rows']}", n_never),
        ("Later purchases of items known, yet advised to nobody", _share(is_never & ~is_new, later)),
        ("Later purchases of items not known at fit", _share(is_new, later)),
    )
    return DataTable(
        title=f"{percent(n_never / len(catalogue))} of the catalogue is advised to nobody",
        caption=f"Later purchases: {count_text(len(later.items))} pairs of {context.words['row']} and item, each "
        "counted once. 95 % intervals below each share know that one customer’s purchases go together",
        columns=("What the lists leave out", "Value"),
        rows=rows,
    )


def _share(hits: np.ndarray, later: Later) -> Measure | NotFilled:
    return measure_or_gap(exact_share("Share of later purchases", hits, groups=later.users), unit="%")


def _drivers(context: AdviceContext) -> DataTable | NotFilled:
    """Return the items of histories whose effects on the first advice are largest in sum."""
    table = driving_items(context.told.sample).head(_MOST_ITEMS)
    n, most = len(context.told.sample.values), float(table["share"].iloc[0])
    rows: list[tuple[Cell, ...]] = [
        (str(line["name"]), line["n_users"], _mean_effect(line), Measure.exact(line["share"], unit="%"))
        for line in table.to_dict("records")
    ]
    return DataTable(
        title=first_that_fits(
            f"Of past purchases {rows[0][0]} weighs most in this sample, {percent(most)} of all effects",
            "Which past purchases weigh most in this sample",
        ),
        caption=f"Past purchases behind the first advice of {count_text(n)} {context.words['rows']}, the largest sum "
        "of effects first. Mean effect on the margin over customers who had bought the item, 95 % interval below it; "
        "share of all effects is of this sample",
        columns=("Bought before", "Customers", "Mean effect", "Share of all effects"),
        rows=tuple(rows),
    )


def _mean_effect(line: Mapping[Any, Any]) -> Measure:
    """Return the mean effect; of one customer alone there is no interval."""
    if not np.isfinite(line["standard_error"]):
        return Measure(line["mean"])
    return Measure.of(normal_estimate("Mean effect", line["mean"], line["standard_error"], n=line["n_users"]))


def _similar(context: AdviceContext) -> Block:
    """Return what the model holds for most alike the first advice of the customer told of."""
    title = "Items most alike the first advice"
    layout = context.told.case.layout
    assert isinstance(layout, HistoryLayout)
    assert layout.advice is not None
    item, name = layout.advice.items[0], str(layout.advice.item_names[0])
    if len(context.model.items_) < 2:
        return NotFilled(item=title, why="The catalogue holds one item only")
    alike = context.model.similar_items([item], k=_SIMILAR)
    names = _names(context.model, alike["similar"])
    rows: list[tuple[Cell, ...]] = [
        (names[other], rank, Measure.exact(score))
        for other, rank, score in zip(alike["similar"], alike["rank"].tolist(), alike["score"].tolist(), strict=True)
    ]
    return DataTable(
        title=first_that_fits(f"{name} is held for most alike {rows[0][0]}", title),
        caption=f"Alike to {name}, the first advice to {context.words['row']} {context.told.case_user}: cosine of the "
        "model’s own item vectors, 1 where it treats two items as one. A property of the model, without an interval",
        columns=("Item", "Place", "Likeness"),
        rows=tuple(rows),
    )


def _names(model: Any, items: Iterable[Any]) -> dict[Any, str]:
    """Return what the reader calls each item, by raw id."""
    raw = list(items)
    codes = model.items_.codes(raw, column=model.item).tolist()
    labels = item_labels(model, codes)
    return {item: labels[code] for item, code in zip(raw, codes, strict=True)}
