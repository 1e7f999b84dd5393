"""Does the model tell events from the rest, and do its numbers come true: figures, tables and tiles."""

from dataclasses import replace

import numpy as np

from appkit.prediction import (
    Estimate,
    calibration_bins,
    mean_estimate,
    operating_point,
    roc_curve,
)
from appkit.prediction.target_range import within_range
from appkit.reporting.charts.per_hundred import shares_of
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.dependence import intervals_words, of_groups, rows_words
from appkit.reporting.content.metrics import metrics_table
from appkit.reporting.content.phrasing import (
    Words,
    capital,
    measure_or_gap,
    percent,
    shown_value,
)
from appkit.reporting.content.valuing import value_words
from appkit.reporting.facts import (
    Axis,
    Bar,
    BarRows,
    Block,
    CalibrationBin,
    CalibrationFigure,
    Cell,
    Curve,
    CurveFigure,
    CurvePoint,
    DataTable,
    Histogram,
    Measure,
    NotFilled,
    Outcome,
    PerHundred,
    Section,
)
from appkit.reporting.numbers import count_text, value_text
from appkit.reporting.words import share_phrase

__all__ = ["calibration_finding", "hundred_finding", "performance_section"]

N_BINS = 10
N_RESAMPLES = 400
_HISTOGRAM_BINS = 30
_MIN_EXPECTED = 30
_TABLE_THRESHOLDS = (0.05, 0.1, 0.25, 0.4)


def performance_section(context: ReportContext) -> Section:
    """Return the section for the model's task."""
    blocks: tuple[Block, ...]
    if context.evaluation.task == "binary":
        question = f"Does the model tell {context.words['events']} from the rest, and do its probabilities come true?"
        blocks = (_roc(context), _calibration(context), _per_hundred(context), metrics_table(context))
    elif context.evaluation.task == "multiclass":
        question = "Does the model name the right class, and do its probabilities come true?"
        blocks = (_calibration(context), _confusion(context), metrics_table(context))
    else:
        question = "How far are predictions from what came, and do they lean to one side?"
        blocks = (_errors_by_tenth(context), metrics_table(context))
    return Section(key="performance", title="Performance", question=question, blocks=blocks, starts_page=True)


def _roc(context: ReportContext) -> CurveFigure:
    words, threshold = context.words, context.evaluation.threshold
    assert threshold is not None
    weights = context.sample_weight
    curve = roc_curve(
        context.events,
        context.output,
        sample_weight=weights,
        groups=context.units,
        n_resamples=N_RESAMPLES,
        random_state=context.random_state,
    )
    evaluation = context.evaluation
    caught, alarms = _share(evaluation["Sensitivity"]), _complement(_share(evaluation["Specificity"]))
    has_band = evaluation.n_groups != 1
    flagged = f"{capital(words['others'])} {words['flagged']}"
    return CurveFigure(
        key="roc",
        finding=f"At the chosen threshold the model catches {percent(caught.value)} of {words['events']} and "
        f"{words['flags']} {percent(alarms.value)} of {words['others']}",
        caption=f"{capital(words['rows'])} of this report, {rows_words(context)}, "
        f"{count_text(int(context.events.sum()))} {words['events']}. "
        + (f"Band: 95 % interval from {N_RESAMPLES} resamples{of_groups(context)}. " if has_band else "")
        + f"Cross: {intervals_words(context)}.",
        description=f"Curve with AUC {context.evaluation['AUC'].value:.3f}. At the operating point "
        f"{percent(caught.value)} of {words['events']} are caught while {percent(alarms.value)} of {words['others']} "
        f"are {words['flagged']}.",
        how_to_read=f"Each point of the curve is a possible threshold. Up is more {words['events']} caught, right is "
        f"more {words['others']} {words['flagged']}. The dot is the threshold in use.",
        x_axis=Axis(flagged, "%", 0.0, 1.0),
        y_axis=Axis(f"{capital(words['events'])} caught", "%", 0.0, 1.0),
        curves=(
            Curve(
                "This model",
                _floats(curve.false_alarm_rate),
                _floats(curve.sensitivity),
                _floats(np.minimum(curve.low, curve.sensitivity)) if has_band else None,
                _floats(np.maximum(curve.high, curve.sensitivity)) if has_band else None,
            ),
        ),
        point=CurvePoint(
            "Operating point", alarms, caught, note=f"at {value_text(Measure.exact(threshold, unit='%'))}"
        ),
        reference=(0.0, 0.0, 1.0, 1.0),
        reference_label="no better than chance",
        twin=_threshold_table(context, threshold),
    )


def _threshold_table(context: ReportContext, threshold: float) -> DataTable:
    words = context.words
    rows: list[tuple[Cell, ...]] = []
    for tried in sorted({threshold, *(t for t in _TABLE_THRESHOLDS if abs(t - threshold) > 0.01)}):
        point = operating_point(
            context.events, context.output, threshold=tried, sample_weight=context.sample_weight, groups=context.units
        )
        shown = value_text(Measure.exact(tried, unit="%"))
        rows.append(
            (
                f"{shown} (used)" if tried == threshold else shown,
                _share(point.sensitivity, decimals=1),
                _complement(_share(point.specificity, decimals=1)),
                _share(point.alarm_rate, decimals=1),
            )
        )
    columns = (
        "Threshold",
        f"{capital(words['events'])} caught",
        f"{capital(words['others'])} {words['flagged']}",
        f"All {words['flagged']}",
    )
    caption = "Thresholds and their errors, 95 % intervals below each value"
    return DataTable(caption=caption, columns=columns, rows=tuple(rows))


def _calibration(context: ReportContext) -> CalibrationFigure | NotFilled:
    words = context.words
    bins = calibration_bins(
        context.events, context.output, n_bins=N_BINS, min_expected_events=_MIN_EXPECTED, groups=context.units
    )
    n_bins = len(bins.n)
    is_binary = context.evaluation.task == "binary"
    top = _round_up(
        max(bins.predicted.max(), bins.high.max(), context.output.max(), context.threshold if is_binary else 0.0)
    )
    counts, _ = np.histogram(context.output, bins=_HISTOGRAM_BINS, range=(0.0, top))
    rate = f"{words['event']} rate" if is_binary else f"rate of class {context.subject.output}"
    weighting = " Rows are counted, not weighted." if context.sample_weight is not None else ""
    return CalibrationFigure(
        key="calibration",
        finding=calibration_finding(bins.n_inside, n_bins, rate=rate),
        caption=f"{n_bins} {'groups' if n_bins > 1 else 'group'} of about {count_text(context.n // n_bins)} "
        f"{words['rows']} by predicted probability, each with at least {_MIN_EXPECTED} {words['events']} expected "
        f"where the {words['rows']} suffice. Bars: {intervals_words(context)}.{weighting}",
        x_axis=Axis("Predicted probability", "%", 0.0, top),
        y_axis=Axis(f"Observed {rate}", "%", 0.0, top),
        bins=tuple(
            CalibrationBin(
                float(bins.predicted[i]),
                Measure(
                    float(bins.observed[i]),
                    float(min(bins.low[i], bins.observed[i])),
                    float(max(bins.high[i], bins.observed[i])),
                    unit="%",
                    decimals=1,
                ),
                int(bins.n[i]),
            )
            for i in range(n_bins)
        ),
        histogram=Histogram(0.0, top, tuple(int(count) for count in counts)),
        threshold=context.threshold if is_binary else None,
    )


def calibration_finding(n_inside: int, n_bins: int, *, rate: str) -> str:
    """Return what the groups support.

    Examples
    --------
    >>> calibration_finding(10, 10, rate="default rate"), calibration_finding(0, 4, rate="default rate")
    ('Predicted probabilities match the observed default rate in all 10 groups',
     'Predicted probabilities miss the observed default rate in all 4 groups')
    """
    does, n = ("match", n_inside) if n_inside else ("miss", n_bins)
    where = "both groups" if n == n_bins == 2 else share_phrase(n, n_bins, "groups")
    return f"Predicted probabilities {does} the observed {rate} in {where}"


def _per_hundred(context: ReportContext) -> PerHundred:
    words, event, flagged = context.words, context.events, context.flagged
    assert flagged is not None, "a binary task has a threshold"
    happened, stayed = words["happened"], words["stayed"]
    figure = PerHundred(
        key="hundred",
        finding="",
        caption=f"{capital(words['rows'])} of this report scaled to 100 by largest remainder. The threshold is "
        f"{value_text(Measure.exact(float(context.threshold or 0), unit='%'))}.",
        how_to_read=f"One mark is one {words['case']} in a hundred. Circles are {words['passed']}, squares "
        f"{words['flagged']}; filled marks {happened}.",
        outcomes=(
            Outcome(f"{words['passed']}, {stayed}", int((~flagged & ~event).sum()), "accepted", False),
            Outcome(f"{words['passed']}, {happened}", int((~flagged & event).sum()), "accepted", True),
            Outcome(f"{words['flagged']}, {stayed}", int((flagged & ~event).sum()), "declined", False),
            Outcome(f"{words['flagged']}, {happened}", int((flagged & event).sum()), "declined", True),
        ),
    )
    _, missed, *declined = shares_of(figure)
    return replace(figure, finding=hundred_finding(sum(declined), missed, words=words))


def hundred_finding(n_flagged: int, n_missed: int, *, words: Words) -> str:
    """Return what happens to a hundred rows.

    Examples
    --------
    >>> hundred_finding(24, 5, words=Words({"case": "loan", "happened": "defaulted"}))
    'Of 100 loans, 24 are flagged and 5 of the 76 passed defaulted'
    """
    n_passed = 100 - n_flagged
    if n_flagged == 0:
        return f"Of 100 {words['cases']}, none is {words['flagged']}, and {n_missed} {words['happened']}"
    if n_passed == 0:
        return f"All of 100 {words['cases']} are {words['flagged']}"
    are = "is" if n_flagged == 1 else "are"
    missed = "none" if n_missed == 0 else str(n_missed)
    return (
        f"Of 100 {words['cases']}, {n_flagged} {are} {words['flagged']} and {missed} of the {n_passed} "
        f"{words['passed']} {words['happened']}"
    )


def _confusion(context: ReportContext) -> DataTable:
    classes = list(context.model.classes_)
    predicted = context.subject.labels()
    counts = {
        (str(true), str(said)): int(((context.y == true) & (predicted == said)).sum())
        for true in classes
        for said in classes
    }
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (str(true), *(counts[str(true), str(said)] for said in classes)) for true in classes
    )
    right = int((context.y == predicted).sum())
    return DataTable(
        title=f"The model names the right class in {percent(right / context.n)} of {context.words['rows']}",
        caption="True class by row, predicted class by column, counts",
        columns=("True class", *(str(said) for said in classes)),
        rows=rows,
    )


def _errors_by_tenth(context: ReportContext) -> BarRows:
    errors, unit = within_range(context.model, context.y) - context.output, context.words["unit"]
    order = np.argsort(context.output, kind="stable")
    parts = [part for part in np.array_split(order, min(N_BINS, max(1, context.n // 10))) if len(part)]
    bars = []
    for part in parts:
        low, high = context.output[part[0]], context.output[part[-1]]
        weights = None if context.sample_weight is None else context.sample_weight[part]
        groups = None if context.units is None else context.units[part]
        estimate = mean_estimate("Mean error", errors[part], sample_weight=weights, groups=groups)
        measure = measure_or_gap(estimate, unit=unit)
        if isinstance(measure, Measure):
            bars.append(
                Bar(f"{shown_value(float(low))} to {shown_value(float(high))}", measure, f"n = {count_text(len(part))}")
            )
    clear = sum(1 for bar in bars if _is_clear_of_zero(bar.measure))
    return BarRows(
        key="errors",
        finding=f"Errors lean to one side in {share_phrase(clear, len(bars), 'groups')} of predictions",
        caption=f"Mean of true minus predicted {context.words['value']} by group of predictions, "
        f"{rows_words(context)}. Whiskers: 95 % intervals{_clustered(context)}.",
        axis=Axis(f"true minus predicted {value_words(context)}", unit),
        bars=tuple(bars),
    )


def _clustered(context: ReportContext) -> str:
    return "" if context.units is None else f", each {context.words['group']} as one draw"


def _share(estimate: Estimate, *, decimals: int | None = None) -> Measure:
    """Return a share as printed; without an interval where one group says nothing about others."""
    shown = measure_or_gap(estimate, unit="%", decimals=decimals)
    assert isinstance(shown, Measure), "both outcomes are there"
    return shown


def _complement(share: Measure) -> Measure:
    if share.low is None or share.high is None:
        return Measure(1 - share.value, unit=share.unit, decimals=share.decimals)
    return Measure(1 - share.value, 1 - share.high, 1 - share.low, unit=share.unit, decimals=share.decimals)


def _is_clear_of_zero(measure: Measure) -> bool:
    return measure.low is not None and measure.high is not None and (measure.low > 0 or measure.high < 0)


def _round_up(share: float) -> float:
    return float(min(1.0, np.ceil(share * 20 - 1e-9) / 20))


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
