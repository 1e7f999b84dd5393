"""Is the model as good in every operating condition?"""

import numpy as np

from appkit.prediction import Estimate
from appkit.prediction.resampling import totals_estimate
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import capital, first_that_fits, measure_or_gap, shown_value
from appkit.reporting.facts import Block, LimitRow, LimitTable, Measure, NotFilled
from appkit.reporting.words import list_text
from domains.manufacturing.report.record import Record
from domains.manufacturing.report.sensor_words import sensor_words

__all__ = ["condition_names", "conditions_section", "conditions_title"]

_FEWEST_MACHINES = 5
_MOST = 20


def conditions_section(context: ReportContext, record: Record) -> DomainSection:
    """Return errors by the condition of the newest step of each window; the limit is ``"Error by condition"``."""
    question = "Is the model as good in every operating condition?"
    block = _block(context, record)
    return DomainSection(
        key="conditions", title="Operating conditions", question=question, blocks=(block,), after="alarms"
    )


def _block(context: ReportContext, record: Record) -> Block:
    item, words = "Error by operating condition", context.words
    limit = context.limits.get("Error by condition")
    conditions = getattr(context.model.encoder_, "conditions_", None)
    if conditions is None:
        why = f"The model knows no {words['columns']} that are settings"
        return NotFilled(item=item, why=why, fill="a model fitted with them", argument="conditions=")
    codes = context.model.encoder_.condition_codes(record.series)[record.judged]
    squares = _squares(context, record)
    rows: list[LimitRow] = []
    worse: list[str] = []
    for code, name in enumerate(condition_names(context)[:_MOST]):
        inside = codes == code
        n_units = len(np.unique(_units(context)[inside]))
        if n_units < _FEWEST_MACHINES:
            continue
        measure = measure_or_gap(_error(name, squares[inside], _units(context)[inside]), unit=_unit(context))
        if isinstance(measure, Measure):
            rows.append(LimitRow(name, measure, limit, int(inside.sum())))
        difference = _difference(squares, inside, _units(context))
        if difference.low > 0:
            worse.append(name)
    n_few = len(conditions.centres_) - len(rows)
    if not rows:
        why = f"No condition was run by {_FEWEST_MACHINES} {words['groups']}"
        return NotFilled(item=item, why=why, fill=f"more {words['groups']}")
    few = f" Not shown: {n_few}, each run by fewer than {_FEWEST_MACHINES} {words['groups']}." if n_few else ""
    quantity = "RMSE" if not context.subject.is_probability else "Root mean squared error of the probability"
    return LimitTable(
        title=conditions_title(worse, len(rows)),
        caption=f"{quantity} by the condition at the newest reading of each {words['case']}, 95 % interval from "
        f"redrawing whole {words['groups']}.{few}",
        quantity=f"Error ({_unit(context)})" if _unit(context) not in ("", "%") else "Error",
        label="Condition",
        rows=tuple(rows),
        how_to_read="Settings are the mean of each condition. Whether a condition is worse is judged against all "
        "others together, on the same machines.",
    )


def conditions_title(worse: list[str], n: int) -> str:
    """Return where errors are certainly larger than elsewhere.

    Examples
    --------
    >>> conditions_title([], 3)
    'Errors in none of 3 conditions can be told to be larger than in the others'
    >>> conditions_title(["Load 100 %, speed 1 800 rpm"], 3)
    'Errors are larger than elsewhere under Load 100 %, speed 1 800 rpm'
    """
    if not worse:
        if n == 1:
            return "One operating condition was run often enough to measure"
        return f"Errors in none of {n} conditions can be told to be larger than in the others"
    return first_that_fits(
        f"Errors are larger than elsewhere under {list_text(tuple(worse))}",
        f"Errors are larger than elsewhere in {len(worse)} of {n} conditions",
    )


def condition_names(context: ReportContext) -> list[str]:
    """Return each condition of the model by its mean settings: ``"Load 60 %, speed 1 200 rpm"``."""
    conditions = context.model.encoder_.conditions_
    names = []
    for centre in conditions.centres_:
        parts: list[str] = []
        for column, value in zip(conditions.columns, centre.tolist(), strict=True):
            label, unit = sensor_words(str(column))
            parts.append(f"{label.lower() if parts else label} {shown_value(_rounded(value))} {unit}".strip())
        names.append(capital(", ".join(parts)))
    return names


def _squares(context: ReportContext, record: Record) -> np.ndarray:
    """Return the squared error of each judged window; of lives that are cut as the target is."""
    output = record.output[record.judged]
    if context.subject.is_probability:
        return (output - context.events) ** 2
    cap = getattr(context.model, "cap", None)
    truth = np.asarray(context.y, dtype=np.float64)
    return (output - (truth if cap is None else np.minimum(truth, cap))) ** 2


def _error(name: str, squares: np.ndarray, units: np.ndarray) -> Estimate:
    totals = np.column_stack([squares, np.ones(len(squares))])
    return totals_estimate(name, lambda sums: np.sqrt(sums[:, 0] / sums[:, 1]), totals, groups=units)


def _difference(squares: np.ndarray, inside: np.ndarray, units: np.ndarray) -> Estimate:
    """Return the error inside a condition minus that outside, machines redrawn whole."""
    totals = np.column_stack([squares * inside, inside, squares * ~inside, ~inside])

    def statistic(sums: np.ndarray) -> np.ndarray:
        within, outside = (
            np.divide(sums[:, i], sums[:, i + 1], out=np.full(len(sums), np.nan), where=sums[:, i + 1] > 0)
            for i in (0, 2)
        )
        return np.sqrt(within) - np.sqrt(outside)

    return totals_estimate("difference", statistic, totals, groups=units, undefined="one condition only")


def _units(context: ReportContext) -> np.ndarray:
    assert context.units is not None, "windows of a series are grouped by their units"
    return context.units


def _unit(context: ReportContext) -> str:
    return "" if context.subject.is_probability else context.words["unit"]


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
