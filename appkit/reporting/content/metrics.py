"""Every metric with its interval, limit and verdict, and the tiles that lead the verdict strip."""

import numpy as np

from appkit.prediction import Estimate, expected_cost
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.dependence import rows_words
from appkit.reporting.content.phrasing import (
    capital,
    first_that_fits,
    label_of,
    measure_or_gap,
    verdict_or_gap,
)
from appkit.reporting.facts import Cell, DataTable, Measure, NotFilled, Tile, verdict
from appkit.reporting.numbers import limit_text
from appkit.reporting.words import list_text, settle_phrase, share_phrase

__all__ = ["metric_measure", "metrics_table", "metrics_title", "performance_tiles"]

_VALUES = {"Root mean squared error", "Mean absolute error", "Interval width"}
_SHARES = {"Accuracy", "Balanced accuracy", "Sensitivity", "Specificity", "Precision", "Interval coverage"}


def performance_tiles(context: ReportContext) -> tuple[Tile | NotFilled, ...]:
    """Return the leading tiles of the verdict strip: three for a binary task, two for the others."""
    if context.evaluation.task == "binary":
        return (_auc_tile(context), _slope_tile(context), _cost_tile(context))
    names = ("Root mean squared error", "R2") if context.evaluation.task == "regression" else ("Accuracy", "Log-loss")
    known = {estimate.name for estimate in context.evaluation}
    return tuple(_tile(context, name, name=name, sentence="") for name in names if name in known)


def metrics_table(context: ReportContext) -> DataTable:
    """Return all metrics of the evaluation."""
    rows: list[tuple[Cell, ...]] = []
    for estimate in context.evaluation:
        measure = _measured(estimate, context)
        limit = context.limits.get(estimate.name)
        like = measure if isinstance(measure, Measure) else Measure.exact(0.0)
        decided = verdict(like, limit)
        rows.append(
            (
                _with_unit(estimate.name, context.words["unit"]),
                measure,
                limit_text(limit, like) if limit else "none",
                verdict_or_gap(measure, decided),
                estimate.method,
            )
        )
    open_names = tuple(str(row[0]) for row in rows if getattr(row[3], "status", "") in ("open", "fail"))
    n_limits = sum(1 for row in rows if row[2] != "none")
    return DataTable(
        title=metrics_title(open_names, n_limits),
        caption=f"All metrics on these {context.words['rows']}, {rows_words(context)}; 95 % interval below each value, "
        "and how it was made",
        columns=("Metric", "Value", "Limit", "Verdict", "Interval"),
        rows=tuple(rows),
    )


def metrics_title(open_names: tuple[str, ...], n_limits: int) -> str:
    """Return which metrics are not inside their limits.

    Examples
    --------
    >>> metrics_title((), 0), metrics_title((), 2), metrics_title(("AUC",), 2)
    ('All metrics with their intervals', 'All 2 metrics with a limit pass', 'AUC does not pass')
    """
    if open_names:
        names = list_text(tuple(label_of(name) for name in open_names))
        does = "does" if len(open_names) == 1 else "do"
        return first_that_fits(f"{names} {does} not pass", f"{len(open_names)} metrics do not pass their limits")
    if n_limits == 0:
        return "All metrics with their intervals"
    return f"{capital(share_phrase(n_limits, n_limits, 'metrics'))} with a limit {'pass' if n_limits > 1 else 'passes'}"


def metric_measure(estimate: Estimate, *, currency: str = "", value_unit: str = "") -> Measure | NotFilled:
    """Return a metric in the unit it is read in: shares in percent, costs in their currency, errors in the values'."""
    unit = currency if estimate.name == "Cost per row" else "%" if estimate.name in _SHARES else ""
    unit = value_unit if estimate.name in _VALUES else unit
    decimals = 1 if unit == "%" else 3 if "AUC" in estimate.name else None
    return measure_or_gap(estimate, unit=unit, decimals=decimals)


def _with_unit(metric: str, value_unit: str) -> str:
    """Return the name of a metric with what it is counted in: cells of a table show bare numbers."""
    return f"{metric} ({value_unit})" if value_unit and metric in _VALUES else metric


def _measured(estimate: Estimate, context: ReportContext) -> Measure | NotFilled:
    return metric_measure(estimate, currency=context.evaluation.currency, value_unit=context.words["unit"])


def _tile(context: ReportContext, metric: str, *, name: str, sentence: str) -> Tile | NotFilled:
    measure = _measured(context.evaluation[metric], context)
    limit = context.limits.get(metric)
    if isinstance(measure, NotFilled):
        return measure
    n_groups = context.evaluation.n_groups
    n, rows = (context.n, context.words["rows"]) if n_groups is None else (n_groups, context.words["groups"])
    settle = settle_phrase(measure, limit, n=n, rows=rows) if limit else ""
    return Tile(name=name, measure=measure, limit=limit, sentence=settle or sentence)


def _auc_tile(context: ReportContext) -> Tile | NotFilled:
    words = context.words
    times = round(10 * context.evaluation["AUC"].value)
    sentence = (
        f"Given one {words['case']} that {words['happened']} and one that {words['stayed']}, the model ranks them "
        f"rightly about {times} times in 10."
    )
    return _tile(context, "AUC", name=f"Ranking of {words['cases']} (AUC)", sentence=sentence)


def _slope_tile(context: ReportContext) -> Tile | NotFilled:
    slope = context.evaluation["Calibration slope"]
    reading = "1 means predicted and observed rates move together"
    if slope.low > 1:
        reading = "Above 1: predictions are not extreme enough, real rates spread more than predicted"
    elif slope.high < 1:
        reading = "Below 1: predictions are too extreme, real rates spread less than predicted"
    return _tile(context, "Calibration slope", name="Calibration slope", sentence=f"{reading}.")


def _cost_tile(context: ReportContext) -> Tile | NotFilled:
    if context.costs is None:
        sentence = "Mean squared error of the probability; 0 is perfect. No costs were given."
        return _tile(context, "Brier score", name="Brier score", sentence=sentence)
    everyone = np.zeros(context.n, dtype=bool)
    nobody = expected_cost(
        context.events, everyone, context.costs, sample_weight=context.sample_weight, random_state=None, n_resamples=2
    )
    costs = context.costs
    sentence = (
        f"A missed {context.words['event']} costs {costs.missed_event:g}, a false alarm {costs.false_alarm:g}; "
        f"with nobody {context.words['flagged']} it would be {nobody.value:.2f} {context.words['a_case']}."
    )
    return _tile(context, "Cost per row", name=f"Cost per {context.words['case']}", sentence=sentence)
