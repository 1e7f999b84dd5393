"""What the advice is worth: beside baselines, for whom, and how varied."""

from collections.abc import Sequence

import numpy as np

from appkit.prediction.estimate import Estimate
from appkit.prediction.ranking import HistoryGroup, PairedDifference
from appkit.reporting.advice.context import AdviceContext
from appkit.reporting.advice.measured import MEASURES, MODEL
from appkit.reporting.content.phrasing import measure_or_gap
from appkit.reporting.facts import Axis, Bar, BarRows, Block, Cell, DataTable, Measure, NotFilled, Section, Tile
from appkit.reporting.numbers import count_text, long_text
from appkit.reporting.words import settle_phrase

__all__ = ["advice_tiles", "comparison_finding", "performance_section"]

_SHARES = {"coverage", "popular_share", "hit_rate"}
_VARIETY = ("coverage", "gini", "novelty", "popular_share", "popularity_ratio", "diversity")


def performance_section(context: AdviceContext) -> Section:
    """Return the section on accuracy, for whom it holds, and variety."""
    blocks: tuple[Block, ...] = (
        _figure(context),
        _baselines(context),
        _measures(context),
        *_by_history(context),
        _variety(context),
    )
    return Section(
        key="performance",
        title="Worth of the advice",
        question="Does the advice meet what customers took next, and better than simple rules do?",
        blocks=blocks,
        starts_page=True,
    )


def advice_tiles(context: AdviceContext) -> tuple[Tile | NotFilled, ...]:
    """Return the tiles of accuracy, lead over the best baseline, and coverage."""
    own, k = context.measured.own, context.k
    n = len(own.per_user)
    _, lead = _closest(context)
    return (
        _tile(context, own.estimates["ndcg"], name=f"Order of the advice (NDCG@{k})", sentence=_ndcg_words(k), n=n),
        _tile(
            context,
            own.estimates["recall"],
            name=f"Purchases found (Recall@{k})",
            sentence=f"Of what a customer took later so much was on the list of {k}.",
            n=n,
        ),
        _tile(
            context,
            _of_model(lead),
            name="Lead over the best simple rule",
            sentence=f"Difference of NDCG@{k} on the same customers.",
            n=n,
        ),
        _tile(
            context,
            own.estimates["coverage"],
            name="Catalogue shown",
            sentence="Share of the catalogue that is advised to anybody.",
            n=n,
        ),
    )


def comparison_finding(name: str, lead: Estimate) -> str:
    """Return what the paired difference to the best baseline supports; ``lead`` is model minus baseline.

    Examples
    --------
    >>> comparison_finding("item-knn", Estimate("d", 0.02, 0.01, 0.03, method="bootstrap", n=90))
    'The advice beats the best simple rule, item-knn, on the same customers'
    """
    if lead.low > 0:
        return f"The advice beats the best simple rule, {name}, on the same customers"
    if lead.high < 0:
        return f"A simple rule, {name}, beats the advice on the same customers"
    return f"Whether the advice beats the best simple rule, {name}, is not settled"


def _ndcg_words(k: int) -> str:
    return f"1 where all a customer took later stands first on the list, 0 where none of it is among the {k}."


def _tile(context: AdviceContext, estimate: Estimate, *, name: str, sentence: str, n: int) -> Tile | NotFilled:
    measure = _measure(estimate)
    limit = context.limits.get(estimate.name)
    if isinstance(measure, NotFilled):
        return measure
    settle = settle_phrase(measure, limit, n=n, rows=context.words["rows"]) if limit else ""
    return Tile(name=name, measure=measure, limit=limit, sentence=settle or sentence)


def _measure(estimate: Estimate) -> Measure | NotFilled:
    is_share = any(word in estimate.name.lower() for word in ("coverage", "share", "hit"))
    return measure_or_gap(estimate, unit="%" if is_share else "")


def _known(estimate: Estimate) -> Measure:
    """Return a mean over customers as printed: of one customer alone it has no interval."""
    found = _measure(estimate)
    assert isinstance(found, Measure)
    return found


def _closest(context: AdviceContext) -> tuple[str, PairedDifference]:
    """Return the best baseline by NDCG, and its difference to the model (baseline minus model)."""
    found = context.measured.comparison.differences
    name = max(found, key=lambda name: found[name]["ndcg"].estimate.value)
    return name, found[name]["ndcg"]


def _of_model(difference: PairedDifference) -> Estimate:
    """Return the difference the other way round: model minus baseline."""
    other = difference.estimate
    return Estimate("Lead", -other.value, -other.high, -other.low, method=other.method, n=other.n)


def _figure(context: AdviceContext) -> BarRows:
    results, k = context.measured.results, context.k
    name, lead = _closest(context)
    ranked = sorted(results, key=lambda other: -results[other].estimates["ndcg"].value)
    bars = tuple(
        Bar(other, _known(results[other].estimates["ndcg"]), note=context.model.model_ if other == MODEL else "")
        for other in ranked
    )
    n = count_text(len(context.measured.own.per_user))
    return BarRows(
        key="baselines",
        finding=comparison_finding(name, _of_model(lead)),
        caption=f"NDCG@{k} over {n} {context.words['rows']} of later events; {context.list_words}. Whiskers: 95 % "
        "intervals, customers redrawn. Lines may overlap where the paired difference below is clear.",
        axis=Axis(f"NDCG@{k}", low=0.0),
        bars=bars,
        twin=_measures_of_all(context),
    )


def _measures_of_all(context: AdviceContext) -> DataTable:
    results = context.measured.results
    own = context.measured.own.estimates
    rows: list[tuple[Cell, ...]] = [
        (name, *(_measure(result.estimates[measure]) for measure in MEASURES)) for name, result in results.items()
    ]
    return DataTable(
        caption="Accuracy of all, 95 % intervals below each value",
        columns=("Advice by", *(own[measure].name for measure in MEASURES)),
        rows=tuple(rows),
    )


def _baselines(context: AdviceContext) -> DataTable:
    comparison = context.measured.comparison
    rows: list[tuple[Cell, ...]] = []
    for name, found in comparison.differences.items():
        ndcg, recall = (_of_model(found[measure]) for measure in ("ndcg", "recall"))
        counts = f"{count_text(found['ndcg'].n_worse)} / {count_text(found['ndcg'].n_better)}"
        rows.append((name, _known(ndcg), _known(recall), _p_value(found["ndcg"].p_adjusted), counts))
    return DataTable(
        title=_baselines_title(comparison.differences),
        caption="This model minus each simple rule on the same customers, 95 % intervals below each value; "
        f"{comparison.correction}",
        columns=("Rule", f"NDCG@{context.k}", f"Recall@{context.k}", "p (NDCG)", "Customers better / worse served"),
        rows=tuple(rows),
    )


def _baselines_title(differences: object) -> str:
    found = dict(differences)  # type: ignore[call-overload]
    n_beaten = sum(1 for other in found.values() if other["ndcg"].estimate.high < 0)
    return f"The model is ahead of {n_beaten} of {len(found)} simple rules"


def _p_value(p: float) -> str:
    if np.isnan(p):
        return "not known of one customer"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _measures(context: AdviceContext) -> DataTable:
    own = context.measured.own
    rows = tuple(
        (own.estimates[measure].name, _measure(own.estimates[measure]), own.estimates[measure].method)
        for measure in MEASURES
    )
    return DataTable(
        title=f"NDCG@{context.k} is {long_text(_known(own.estimates['ndcg']))}",
        caption=" ".join(own.notes),
        columns=("Measure", "Value", "Interval"),
        rows=rows,
    )


def _by_history(context: AdviceContext) -> tuple[Block, ...]:
    groups = [group for group in context.measured.groups if group.n_members]
    of_users = tuple(_user_row(group) for group in groups if group.of == "users")
    of_items = tuple(_item_row(group) for group in groups if group.of == "items")
    return (
        DataTable(
            title=_group_finding(groups, "users"),
            caption="Customers by how many distinct items they had taken before, 95 % intervals below each value",
            columns=("Customers", "Items before", "n", "NDCG", "Recall", "Hit rate"),
            rows=of_users,
        ),
        DataTable(
            title=_group_finding(groups, "items"),
            caption="Later purchases by how many customers had taken the item before: share that was on a list",
            columns=("Items", "Customers before", "Purchases", "Recall"),
            rows=of_items,
        ),
    )


def _user_row(group: HistoryGroup) -> tuple[Cell, ...]:
    values = (_measure(group.estimates[measure]) for measure in ("ndcg", "recall", "hit_rate"))
    return (group.name, group.counts, group.n_members, *values)


def _item_row(group: HistoryGroup) -> tuple[Cell, ...]:
    return (group.name, group.counts, group.n_pairs, _measure(group.estimates["recall"]))


def _group_finding(groups: Sequence[HistoryGroup], of: str) -> str:
    own = [group for group in groups if group.of == of]
    best = max(own, key=lambda group: group.estimates["recall"].value)
    worst = min(own, key=lambda group: group.estimates["recall"].value)
    what = "customers" if of == "users" else "items"
    if best.estimates["recall"].low > worst.estimates["recall"].high:
        return f"{best.name.capitalize()} {what} are served best, {worst.name} ones worst"
    return f"How much is known of {what} makes no settled difference"


def _variety(context: AdviceContext) -> DataTable:
    results = context.measured.results
    names = [name for name in _VARIETY if name in context.measured.own.estimates]
    own = context.measured.own.estimates
    rows: list[tuple[Cell, ...]] = [
        (other, *(_measure(result.estimates[name]) for name in names)) for other, result in results.items()
    ]
    return DataTable(
        title="How varied and how far from the most popular the advice is",
        caption="Variety of the lists, 95 % intervals below each value; coverage and Gini are counts of these lists",
        columns=("Advice by", *(own[name].name for name in names)),
        rows=tuple(rows),
    )
