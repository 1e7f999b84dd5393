"""Thresholds, times and rates of alarms in words."""

import math

from appkit.reporting import ReportContext
from appkit.reporting.facts import Axis, Measure
from appkit.reporting.numbers import number_text, value_text
from domains.manufacturing.prediction.alarms import AlarmPolicy
from domains.manufacturing.report.record import time_unit

__all__ = [
    "axis_unit",
    "in_unit",
    "month_of",
    "round_time",
    "rule_text",
    "threshold_axis",
    "threshold_text",
    "time_text",
]

_MONTHS = {"hours": 730.5, "days": 30.44, "minutes": 43_830.0, "seconds": 2_629_800.0, "weeks": 4.348, "months": 1.0}
_LONG = 100.0  # of any other unit: alarms are then counted in so much time in service


def month_of(context: ReportContext) -> tuple[float, str]:
    """Return the time in service that alarms are counted over, and its name."""
    unit = time_unit(context)
    if unit in _MONTHS:
        return _MONTHS[unit], "month"
    return _LONG, f"{_LONG:g} {unit}" if unit else f"{_LONG:g} units of time"


def in_unit(unit: str) -> str:
    """Return the unit as the end of an axis title."""
    return f" ({unit})" if unit else ""


def axis_unit(context: ReportContext) -> str:
    """Return the unit of thresholds as charts take it."""
    return "%" if context.subject.is_probability else context.words["unit"]


def threshold_axis(context: ReportContext) -> Axis:
    """Return the axis of thresholds."""
    if context.subject.is_probability:
        return Axis(f"Alarm from this probability of {context.words['event']} on", "%", 0.0, 1.0)
    unit = context.words["unit"]
    return Axis(f"Alarm from this predicted remaining life down{in_unit(unit)}", unit, 0.0)


def threshold_text(context: ReportContext, threshold: float) -> str:
    """Return a threshold with its unit."""
    if context.subject.is_probability:
        return value_text(Measure.exact(round(threshold, 3), unit="%"))
    return time_text(threshold, context.words["unit"])


def rule_text(context: ReportContext, policy: AlarmPolicy) -> str:
    """Return when an alarm sounds."""
    shown = threshold_text(context, policy.threshold)
    if context.subject.is_probability:
        return f"a probability of {shown} or more"
    return f"{shown} or less of predicted life"


def time_text(time: float, unit: str) -> str:
    """Return a time with its unit."""
    decimals = 0 if time >= 10 or float(time).is_integer() else 1
    return f"{number_text(time, decimals)} {unit}".strip()


def round_time(value: float) -> float:
    """Return the nearest of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return min((1.0, 2.0, 5.0, 10.0), key=lambda step: abs(step * power - value)) * power
