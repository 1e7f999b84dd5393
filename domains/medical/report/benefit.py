"""What acting on the model gains over acting on every image and on none, by the probability from which one acts."""

from dataclasses import replace

import numpy as np

from appkit.prediction import mean_estimate
from appkit.prediction.net_benefit import decision_curve
from appkit.reporting import ReportContext
from appkit.reporting.content.phrasing import percent
from appkit.reporting.facts import Axis, Block, Cell, Curve, CurveFigure, DataTable, Measure, NotFilled
from appkit.reporting.numbers import count_text

__all__ = ["benefit_figure", "benefit_finding"]

_THRESHOLDS = np.linspace(0.02, 0.98, 49)
_LISTED = 7


def benefit_figure(context: ReportContext) -> Block:
    """Return the decision curve with that of acting on all; a curve ends where it falls below what is worth drawing."""
    y, p, groups, words = context.events, context.output, context.units, context.words
    found = decision_curve(y, p, thresholds=_THRESHOLDS, groups=groups)
    floor = -0.25 * float(y.mean())
    own = _curve("This model", found.threshold, found.net_benefit, floor=floor, band=(found.low, found.high))
    if own is None:
        why = (
            f"Acting on the model is worse than acting on none from the lowest threshold on, {percent(_THRESHOLDS[0])}"
        )
        return NotFilled(item="Net benefit", why=why)
    on_all = _curve("Acting on all", found.threshold, found.act_on_all, floor=floor)
    none = Curve("Acting on none", (0.0, 1.0), (0.0, 0.0))
    gains = _gains(y, p, groups)
    is_clustered = "" if groups is None else f", each {words['group']} as one draw"
    return CurveFigure(
        key="net-benefit",
        finding=benefit_finding(_THRESHOLDS, gains),
        caption=f"{count_text(context.n)} {words['rows']}. Net benefit: {words['events']} caught per {words['row']}, "
        "less false alarms, each weighed by the odds of the threshold (Vickers and Elkin). Acting on none has 0. Band: "
        f"pointwise 95 % interval{is_clustered}. It holds for the share of {words['events']} in these {words['rows']}.",
        how_to_read=f"Read it at the threshold you would act from: at 10 % nine false alarms are taken for one "
        f"{words['event']} caught. Where the model lies above both other lines, acting on it is best.",
        x_axis=Axis(f"Probability of {words['event']} from which one acts", "%", 0.0, 1.0),
        y_axis=Axis(f"Net benefit ({words['events']} per {words['row']})"),
        curves=(own, *(() if on_all is None else (on_all,)), none),
        twin=_twin(found.threshold, found.net_benefit, found.low, found.high, found.act_on_all),
    )


def benefit_finding(thresholds: np.ndarray, gains: np.ndarray) -> str:
    """Return from where to where the model is better than acting on all and on none.

    Parameters
    ----------
    thresholds
        Rising, ``(n_thresholds,)``.
    gains
        Where both intervals of the gain lie above 0, bool ``(n_thresholds,)``.

    Examples
    --------
    >>> benefit_finding(np.array([0.1, 0.2, 0.3]), np.array([False, True, True]))
    'Acting on the model gains most at thresholds from 20\u202f% to 30\u202f%'
    >>> benefit_finding(np.array([0.1, 0.2, 0.3]), np.array([True, False, True]))
    'Acting on the model gains most at 2 of 3 thresholds, between 10\u202f% and 30\u202f%'
    >>> benefit_finding(np.array([0.1, 0.2]), np.array([False, False]))
    'At no threshold can acting on the model be told to gain over simpler rules'
    """
    places = np.flatnonzero(gains)
    if not len(places):
        return "At no threshold can acting on the model be told to gain over simpler rules"
    low, high = percent(float(thresholds[places[0]])), percent(float(thresholds[places[-1]]))
    if len(places) == 1:
        return f"Acting on the model gains most at a threshold of {low}"
    if places[-1] - places[0] + 1 == len(places):
        return f"Acting on the model gains most at thresholds from {low} to {high}"
    return f"Acting on the model gains most at {len(places)} of {len(thresholds)} thresholds, between {low} and {high}"


def _gains(y: np.ndarray, p: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Return where the model gains over both simple rules by paired intervals, bool ``(n_thresholds,)``."""
    is_best = []
    for threshold in _THRESHOLDS:
        worth = np.where(y, 1.0, -threshold / (1 - threshold))
        alarm = p >= threshold
        rules = (worth * alarm, worth * (alarm.astype(np.float64) - 1))
        is_best.append(all(mean_estimate("Gain", gain, groups=groups).low > 0 for gain in rules))
    return np.array(is_best)


def _curve(
    name: str, x: np.ndarray, y: np.ndarray, *, floor: float, band: tuple[np.ndarray, np.ndarray] | None = None
) -> Curve | None:
    below = np.flatnonzero(y < floor)
    shown = slice(0, below[0] if len(below) else len(y))
    if len(y[shown]) < 2:
        return None
    ends = None
    if band is not None and np.isfinite(band[0]).all() and np.isfinite(band[1]).all():
        ends = _floats(np.maximum(band[0], floor)[shown]), _floats(band[1][shown])
    low, high = ends or (None, None)
    return Curve(name, _floats(x[shown]), _floats(y[shown]), low, high)


def _twin(
    thresholds: np.ndarray, benefit: np.ndarray, low: np.ndarray, high: np.ndarray, on_all: np.ndarray
) -> DataTable:
    rows: list[tuple[Cell, ...]] = []
    for place in np.linspace(0, len(thresholds) - 1, _LISTED).round().astype(int):
        value, ends = float(benefit[place]), (float(low[place]), float(high[place]))
        own = Measure(value, *ends) if np.isfinite(ends).all() else Measure(value)
        own = replace(own, decimals=3)
        rows.append((percent(float(thresholds[place])), own, Measure(float(on_all[place]), decimals=3)))
    columns = ("Acting from", "This model", "Acting on all")
    return DataTable(caption="Net benefit, 95 % interval below each value", columns=columns, rows=tuple(rows))


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(values.tolist())
