"""Whom to write to: how many of the buyers the most likely customers hold, and whether forecasts of buyers hold."""

import numpy as np

from appkit.prediction import Estimate
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import percent
from appkit.reporting.facts import (
    Axis,
    Block,
    Cell,
    Curve,
    CurveFigure,
    CurvePoint,
    DataTable,
    Measure,
    Tile,
    WarningBox,
)
from appkit.reporting.numbers import count_text, long_text
from appkit.reporting.words import settle_phrase
from domains.retail.report.cut_offs import buyers_table, rows_per_customer
from domains.retail.report.gain_curve import GainCurve, gain_curve
from domains.retail.report.habits import habits_table
from domains.retail.report.purchase_rivals import rivals_block

__all__ = ["gain_finding", "targeting_section"]

_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
_SHOWN = 0.2
_RECENCY = "days_since_last"


def targeting_section(context: ReportContext) -> tuple[DomainSection, ...]:
    """Return whom to write to, and what buyers have in common."""
    own = gain_curve(context.events, context.output, groups=context.units, random_state=context.random_state)
    blocks: tuple[Block, ...] = (
        *_repeated_customers(context),
        _figure(context, own),
        _table(context, own),
        buyers_table(context),
        rivals_block(context, own),
    )
    section = DomainSection(
        key="targeting",
        title="Whom to write to",
        question="How many of the buyers are reached by writing to the most likely customers alone?",
        blocks=blocks,
        tiles=(_tile(context, own),),
        after="performance",
    )
    habits = DomainSection(key="drivers", title="", question="", blocks=habits_table(context))
    return (section, habits) if habits.blocks else (section,)


def gain_finding(reached: Estimate, *, share: float = _SHOWN) -> str:
    """Return what the most likely customers hold of the buyers, against as many drawn by chance.

    Examples
    --------
    >>> gain_finding(Estimate("Buyers reached", 0.45, 0.41, 0.49, method="bootstrap", n=900))
    'The 20\u202f% most likely customers hold 45\u202f% of the buyers'
    >>> gain_finding(Estimate("Buyers reached", 0.22, 0.18, 0.26, method="bootstrap", n=900))
    'The 20\u202f% most likely customers cannot be told apart from 20\u202f% drawn by chance'
    """
    if reached.low <= share <= reached.high:
        return f"The {percent(share)} most likely customers cannot be told apart from {percent(share)} drawn by chance"
    return f"The {percent(share)} most likely customers hold {percent(reached.value)} of the buyers"


def _repeated_customers(context: ReportContext) -> tuple[WarningBox, ...]:
    """Return a warning where one customer has several rows and nobody said so."""
    if context.units is not None:
        return ()
    n_customers, n_rows = rows_per_customer(context)
    if n_customers == n_rows:
        return ()
    return (
        WarningBox(
            level="open",
            finding="Rows of one customer are counted as different customers",
            text=f"{count_text(n_rows)} rows are of {count_text(n_customers)} customers, by their labels. Intervals of "
            "this report are too narrow: pass groups=, the customer of each row.",
        ),
    )


def _figure(context: ReportContext, own: GainCurve) -> CurveFigure:
    reached = own.at(_SHOWN)
    curves = [_curve("This model", own, has_band=True)]
    if _RECENCY in context.X:
        lately = gain_curve(context.events, -_days(context), groups=context.units, n_resamples=1)
        curves.append(_curve("Latest order first", lately, has_band=False))
    n, n_buyers = count_text(context.n), count_text(int(context.events.sum()))
    return CurveFigure(
        key="gain",
        finding=gain_finding(reached),
        caption=f"{n} {context.words['rows']} of this report, {n_buyers} of whom bought; those with the highest "
        f"probability are written to first. Band: 95 % interval, {own.method}.",
        description=f"The {percent(_SHOWN)} most likely hold {long_text(_percent(reached))} of the buyers.",
        how_to_read="Right is more customers written to, up is more of the buyers among them. On the dashed diagonal "
        "customers are drawn by chance.",
        x_axis=Axis("Customers written to", "%", 0.0, 1.0),
        y_axis=Axis("Buyers among them", "%", 0.0, 1.0),
        curves=tuple(curves),
        point=CurvePoint(f"Most likely {percent(_SHOWN)}", Measure.exact(_SHOWN, unit="%"), _percent(reached)),
        reference=(0.0, 0.0, 1.0, 1.0),
        reference_label="drawn by chance",
    )


def _days(context: ReportContext) -> np.ndarray:
    """Return days since the last order; where nothing is known they are the most."""
    days = context.X[_RECENCY].to_numpy(dtype=np.float64)
    return np.where(np.isnan(days), np.inf if np.isnan(days).all() else np.nanmax(days) + 1, days)


def _curve(name: str, curve: GainCurve, *, has_band: bool) -> Curve:
    band = (_floats(curve.low), _floats(curve.high)) if has_band else (None, None)
    return Curve(name, _floats(curve.contacted), _floats(curve.reached), *band)


def _table(context: ReportContext, own: GainCurve) -> DataTable:
    rate = float(context.events.mean())
    rows: list[tuple[Cell, ...]] = []
    for share in _SHARES:
        reached = own.at(share)
        value, low, high = (end / share for end in (reached.value, reached.low, reached.high))
        rows.append(
            (
                f"{percent(share)} most likely",
                round(share * context.n),
                _percent(reached),
                Measure(value, low, high, decimals=2),
                Measure(value * rate, low * rate, min(high * rate, 1.0), unit="%"),
            )
        )
    return DataTable(
        title=f"{percent(rate)} of all customers bought within the horizon",
        caption="Written to in order of probability; 95 % intervals below each value. Times chance: buyers among them "
        "against as many customers drawn by chance",
        columns=("Written to", "Customers", "Buyers reached", "Times chance", "Bought, of those written to"),
        rows=tuple(rows),
    )


def _tile(context: ReportContext, own: GainCurve) -> Tile:
    measure, limit = _percent(own.at(_SHOWN)), context.limits.get("Buyers reached")
    settle = settle_phrase(measure, limit, n=context.n, rows=context.words["rows"]) if limit else ""
    plain = f"Share of all buyers among the {percent(_SHOWN)} most likely customers; {percent(_SHOWN)} is chance."
    return Tile(name=f"Buyers in the top {percent(_SHOWN)}", measure=measure, limit=limit, sentence=settle or plain)


def _percent(estimate: Estimate) -> Measure:
    return Measure.of(estimate, unit="%")


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
