"""How much to stock: how far forecasts of demand are off, whether their quantiles hold, and what stock costs."""

from appkit.prediction import Estimate
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.facts import (
    Axis,
    Bar,
    BarRows,
    Block,
    CalibrationBin,
    CalibrationFigure,
    Cell,
    DataTable,
    Measure,
    Tile,
    WarningBox,
)
from appkit.reporting.numbers import NARROW_SPACE, count_text, long_text, value_text
from appkit.reporting.words import settle_phrase
from domains.retail.report.stock_figures import Judged, judged, measure_of
from domains.retail.report.stock_price import price_blocks
from domains.retail.report.stock_study import RULES, StockStudy

__all__ = ["bias_words", "coverage_finding", "lead_finding", "stocking_section"]

_WORST = 10


def stocking_section(context: ReportContext, study: StockStudy) -> tuple[DomainSection, ...]:
    """Return the section on demand in pieces."""
    found = judged(study, random_state=context.random_state)
    blocks: tuple[Block, ...] = (
        *_sold_out(study),
        _errors(found),
        _rules(found),
        _coverage(found),
        _by_horizon(found),
        *price_blocks(found),
        _worst(found),
    )
    section = DomainSection(
        key="stocking",
        title="How much to stock",
        question="How far off are forecasts in pieces, do their upper ends hold, and what does stocking to them cost?",
        blocks=blocks,
        tiles=_tiles(context, found),
        after="performance",
    )
    return (section,)


def lead_finding(name: str, difference: Estimate) -> str:
    """Return how the forecasts stand to the best rule; the difference is of WAPE, model minus rule.

    Examples
    --------
    >>> lead_finding("naive", Estimate("d", -0.05, -0.08, -0.02, method="", n=9))
    'Forecasts are nearer to demand than the best rule, naive, on the same weeks'
    """
    if difference.high < 0:
        return f"Forecasts are nearer to demand than the best rule, {name}, on the same weeks"
    if difference.low > 0:
        return f"A simple rule, {name}, is nearer to demand than the forecasts"
    return f"Whether forecasts are nearer to demand than the best rule, {name}, is not settled"


def coverage_finding(level: float, share: Estimate) -> str:
    """Return whether demand stays below the highest quantile as often as promised.

    Examples
    --------
    >>> coverage_finding(0.95, Estimate("c", 0.9, 0.87, 0.93, method="", n=9))
    'Demand exceeds the 95\u202f% quantile more often than promised: it stays below in 90\u202f% (87 to 93)'
    """
    promised = value_text(Measure(level, unit="%", decimals=0))
    shown = long_text(Measure.of(share, unit="%", decimals=0))
    if share.high < level:
        return f"Demand exceeds the {promised} quantile more often than promised: it stays below in {shown}"
    if share.low > level:
        return f"Demand stays at or below the {promised} quantile in {shown} of weeks, more often than promised"
    return f"Demand stays at or below the {promised} quantile as promised, in {shown} of weeks"


def bias_words(bias: Estimate) -> str:
    """Return which way forecasts lean, in words.

    Examples
    --------
    >>> bias_words(Estimate("Bias", -0.1, -0.15, -0.05, method="", n=9))
    'Medians of demand lie below it in sum: stock to a higher quantile where a missed sale costs.'
    """
    if bias.low > 0:
        return "Forecasts lie above demand in sum: too much would be bought in."
    if bias.high < 0:
        return "Medians of demand lie below it in sum: stock to a higher quantile where a missed sale costs."
    return "Whether forecasts lean to one side is not settled."


def _sold_out(study: StockStudy) -> tuple[WarningBox, ...]:
    n = int(study.is_censored.sum())
    if not n:
        return ()
    return (
        WarningBox(
            level="note",
            finding=f"{count_text(n)} of {count_text(len(study.demand))} forecasts are of weeks that were sold out",
            text="What would have been bought in them is not known: sales are the least that demand was. They are left "
            "out of every figure of this report, which therefore is of weeks with stock. Items that often sell out may "
            "be forecast worse than these figures say.",
        ),
    )


def _errors(found: Judged) -> BarRows:
    name, lead = found.best_rule
    bars = [
        Bar("These forecasts", _percent(found.wape)),
        *(Bar(_label(rule), _percent(error), note=RULES[rule]) for rule, error in found.rule_wape.items()),
    ]
    return BarRows(
        key="demand-error",
        finding=lead_finding(_label(name), lead),
        caption=f"WAPE, the sum of absolute errors over the sum of demand, of {found.words}. Whiskers: 95 % intervals, "
        f"items redrawn whole. Forecasts are medians. {bias_words(found.bias)}",
        axis=Axis("WAPE", "%", low=0.0),
        bars=tuple(sorted(bars, key=lambda bar: bar.measure.value)),
        how_to_read="A shorter bar is nearer to demand; 0 is never off by a piece. Whiskers may overlap where the "
        "paired difference below is clear.",
    )


def _rules(found: Judged) -> DataTable:
    rows: list[tuple[Cell, ...]] = [
        (
            "These forecasts",
            _percent(found.wape),
            "reference",
            _percent(found.loss),
            "reference",
            _percent(found.bias),
        )
    ]
    rows += [
        (
            _label(rule),
            _percent(found.rule_wape[rule]),
            _points(found.wape_lead[rule]),
            _percent(found.rule_loss[rule]),
            _points(found.loss_lead[rule]),
            _percent(found.rule_bias[rule]),
        )
        for rule in found.rule_wape
    ]
    n_behind = sum(1 for lead in found.loss_lead.values() if lead.high < 0)
    return DataTable(
        title=f"By all quantiles together the forecasts are ahead of {n_behind} of {len(found.loss_lead)} rules",
        caption="Quantile loss: twice the pinball loss over the demand, mean over all quantiles. Differences: this "
        "model minus the rule on the same items and weeks, in points, below 0 this model is nearer. Bias: sum of "
        "forecast minus demand over demand. 95 % intervals below each value, each for itself",
        columns=("Forecast by", "WAPE", "Difference", "Quantile loss", "Difference of it", "Bias"),
        rows=tuple(rows),
    )


def _coverage(found: Judged) -> CalibrationFigure:
    study = found.study
    bins = tuple(
        CalibrationBin(float(level), _percent(share), share.n)
        for level, share in zip(study.levels, found.coverage, strict=True)
    )
    rows: list[tuple[Cell, ...]] = [
        (
            _level(float(level)),
            _percent(share),
            measure_of(loss, unit="pieces"),
        )
        for level, share, loss in zip(study.levels, found.coverage, found.pinball, strict=True)
    ]
    return CalibrationFigure(
        key="quantiles",
        finding=coverage_finding(float(study.levels[-1]), found.coverage[-1]),
        caption=f"Share of weeks in which demand was at or below each quantile, of {found.words}. Bars: 95 % intervals "
        "that know that weeks of one item go together, not that a good week lifts all items.",
        how_to_read="A dot on the dashed line means demand stayed below as often as promised. Demand is whole and "
        "often exactly the quantile, such as 0: dots above the line at low levels are then no mistake.",
        x_axis=Axis("Promised", "%", 0.0, 1.0),
        y_axis=Axis("Demand at or below", "%", 0.0, 1.0),
        bins=bins,
        twin=DataTable(
            caption="Promised and observed shares, and the pinball loss of each quantile; 95 % intervals below",
            columns=("Promised", "Demand at or below", "Pinball loss (pieces a week)"),
            rows=tuple(rows),
        ),
    )


def _by_horizon(found: Judged) -> DataTable:
    name, _ = found.best_rule
    rows: list[tuple[Cell, ...]] = [
        (
            f"{step} {'week' if step == 1 else 'weeks'}",
            part.n,
            _percent(part.wape),
            _points(part.lead),
            _percent(part.bias),
            _percent(part.coverage),
        )
        for step, part in found.by_horizon.items()
    ]
    top = value_text(Measure(float(found.study.levels[-1]), unit="%", decimals=0))
    return DataTable(
        title=_horizon_finding(found),
        caption=f"By weeks ahead; difference of WAPE to {_label(name)} in points, below 0 this model is nearer. 95 % "
        "intervals below each value, items redrawn whole",
        columns=("Ahead", "Forecasts", "WAPE", "Difference", "Bias", f"At or below the {top} quantile"),
        rows=tuple(rows),
    )


def _horizon_finding(found: Judged) -> str:
    parts = list(found.by_horizon.values())
    if len(parts) < 2:
        return "Forecasts of one week ahead"
    first, last = parts[0].wape, parts[-1].wape
    if last.low > first.high:
        return "Forecasts are further off the further ahead they look"
    return "How far ahead they look makes no settled difference to forecasts"


def _worst(found: Judged) -> DataTable:
    """Return the items with the largest errors in pieces, as counted."""
    worst = found.by_item.head(_WORST)
    rows: list[tuple[Cell, ...]] = [
        (
            str(item),
            int(n),
            round(demand),
            round(forecast),
            round(error),
            Measure.exact(share, unit="%"),
        )
        for item, (n, demand, forecast, error, share) in zip(worst.index, worst.to_numpy().tolist(), strict=True)
    ]
    top = float(worst["share"].sum())
    shown = value_text(Measure(top, unit="%", decimals=0))
    return DataTable(
        title=f"{shown} of all error in pieces is of {len(rows)} of {count_text(len(found.by_item))} items",
        caption="Items with the largest sum of absolute errors over all judged weeks. Counts of what happened; a "
        "single item’s weeks are too few for an interval",
        columns=("Item", "Forecasts", "Demand", "Forecast", "Off by, in sum", "Share of all error"),
        rows=tuple(rows),
        is_sortable=True,
    )


def _tiles(context: ReportContext, found: Judged) -> tuple[Tile, ...]:
    name, lead = found.best_rule
    top = value_text(Measure(float(found.study.levels[-1]), unit="%", decimals=0))
    n = len(found.by_item)
    tiles = (
        (
            "Error of the forecasts (WAPE)",
            "WAPE",
            _percent(found.wape),
            "Pieces forecasts are off by, per piece bought.",
        ),
        (
            "Ahead of the best rule",
            "Lead",
            _points(lead),
            f"WAPE minus that of {_label(name)}; below 0 is nearer.",
        ),
        (
            f"Demand below the {top} quantile",
            "Quantile coverage",
            _percent(found.coverage[-1]),
            f"Should be {top}: stock to this quantile serves so many weeks in full.",
        ),
    )
    return tuple(_tile(context, tile, n=n) for tile in tiles)


def _tile(context: ReportContext, tile: tuple[str, str, Measure, str], *, n: int) -> Tile:
    name, key, measure, sentence = tile
    limit = context.limits.get(key)
    settle = settle_phrase(measure, limit, n=n, rows="items") if limit else ""
    return Tile(name=name, measure=measure, limit=limit, sentence=settle or sentence)


def _label(rule: str) -> str:
    return rule.replace("_", " ")


def _percent(estimate: Estimate) -> Measure:
    return measure_of(estimate, unit="%")


def _points(estimate: Estimate) -> Measure:
    return measure_of(estimate, unit="points")


def _level(level: float) -> str:
    """Return a level as printed, such as ``97.5 %``."""
    return f"{100 * level:g}{NARROW_SPACE}%"
