"""Does the model tell events from the rest, and do its numbers come true: figures, tables and tiles."""

from dataclasses import replace

import numpy as np

from appkit.prediction import (
    Estimate,
    calibration_bins,
    expected_cost,
    mean_estimate,
    operating_point,
    roc_curve,
)
from appkit.reporting.charts.per_hundred import shares_of
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.phrasing import (
    Words,
    capital,
    first_that_fits,
    label_of,
    measure_or_gap,
    percent,
    shown_value,
    verdict_or_gap,
)
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
    Tile,
    verdict,
)
from appkit.reporting.numbers import count_text, limit_text, value_text
from appkit.reporting.words import list_text, settle_phrase, share_phrase

__all__ = ["metric_measure", "performance_section", "performance_tiles"]

N_BINS = 10
N_RESAMPLES = 400
_HISTOGRAM_BINS = 30
_MIN_EXPECTED = 30
_TABLE_THRESHOLDS = (0.05, 0.1, 0.25, 0.4)
_SHARES = {"Accuracy", "Balanced accuracy", "Sensitivity", "Specificity", "Precision", "Interval coverage"}


def performance_section(context: ReportContext) -> Section:
    """Return the section for the model's task."""
    blocks: tuple[Block, ...]
    if context.evaluation.task == "binary":
        question = f"Does the model tell {context.words['events']} from the rest, and do its probabilities come true?"
        blocks = (_roc(context), _calibration(context), _per_hundred(context), _metrics(context))
    elif context.evaluation.task == "multiclass":
        question = "Does the model name the right class, and do its probabilities come true?"
        blocks = (_calibration(context), _confusion(context), _metrics(context))
    else:
        question = "How far are predictions from what came, and do they lean to one side?"
        blocks = (_errors_by_tenth(context), _metrics(context))
    return Section(key="performance", title="Performance", question=question, blocks=blocks, starts_page=True)


def performance_tiles(context: ReportContext) -> tuple[Tile | NotFilled, ...]:
    """Return the leading tiles of the verdict strip: three for a binary task, two for the others."""
    if context.evaluation.task == "binary":
        return (_auc_tile(context), _slope_tile(context), _cost_tile(context))
    names = ("RMSE", "R2") if context.evaluation.task == "regression" else ("Accuracy", "Log-loss")
    known = {estimate.name for estimate in context.evaluation}
    return tuple(_tile(context, name, name=name, sentence="") for name in names if name in known)


def metric_measure(estimate: Estimate, *, currency: str = "") -> Measure | NotFilled:
    """Return a metric in the unit it is read in: shares in percent, costs in their currency."""
    unit = currency if estimate.name == "Cost per row" else "%" if estimate.name in _SHARES else ""
    return measure_or_gap(estimate, unit=unit)


def _tile(context: ReportContext, metric: str, *, name: str, sentence: str) -> Tile | NotFilled:
    measure = metric_measure(context.evaluation[metric], currency=context.evaluation.currency)
    limit = context.limits.get(metric)
    if isinstance(measure, NotFilled):
        return measure
    settle = settle_phrase(measure, limit, n=context.n, rows=context.words["rows"]) if limit else ""
    return Tile(name=name, measure=measure, limit=limit, sentence=settle or sentence)


def _auc_tile(context: ReportContext) -> Tile | NotFilled:
    words = context.words
    times = round(10 * context.evaluation["AUC"].value)
    sentence = (
        f"Given one {words['case']} with {words['event']} and one without, the model ranks them rightly "
        f"about {times} times in 10."
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
        f"with nobody {context.words['flagged']} it would be {nobody.value:.2f} a {context.words['case']}."
    )
    return _tile(context, "Cost per row", name=f"Cost per {context.words['case']}", sentence=sentence)


def _roc(context: ReportContext) -> CurveFigure:
    words, threshold = context.words, context.evaluation.threshold
    assert threshold is not None
    weights = context.sample_weight
    curve = roc_curve(
        context.events,
        context.output,
        sample_weight=weights,
        n_resamples=N_RESAMPLES,
        random_state=context.random_state,
    )
    point = operating_point(context.events, context.output, threshold=threshold, sample_weight=weights)
    caught, alarms = Measure.of(point.sensitivity, unit="%"), _complement(Measure.of(point.specificity, unit="%"))
    flagged = f"{capital(words['others'])} {words['flagged']}"
    return CurveFigure(
        key="roc",
        finding=f"At the chosen threshold the model catches {percent(caught.value)} of {words['events']} and "
        f"{words['flags']} {percent(alarms.value)} of {words['others']}",
        caption=f"{capital(words['rows'])} of this report, n = {count_text(context.n)}, "
        f"{count_text(int(context.events.sum()))} {words['events']}. Band: 95 % interval from {N_RESAMPLES} "
        "resamples. Cross: 95 % Wilson intervals.",
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
                _floats(np.minimum(curve.low, curve.sensitivity)),
                _floats(np.maximum(curve.high, curve.sensitivity)),
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
        point = operating_point(context.events, context.output, threshold=tried, sample_weight=context.sample_weight)
        shown = value_text(Measure.exact(tried, unit="%"))
        rows.append(
            (
                f"{shown} (used)" if tried == threshold else shown,
                Measure.of(point.sensitivity, unit="%", decimals=1),
                _complement(Measure.of(point.specificity, unit="%", decimals=1)),
                Measure.of(point.alarm_rate, unit="%", decimals=1),
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
    bins = calibration_bins(context.events, context.output, n_bins=N_BINS, min_expected_events=_MIN_EXPECTED)
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
        f"where the {words['rows']} suffice. Bars: 95 % Wilson intervals.{weighting}",
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
    if n_inside == 0:
        return f"Predicted probabilities miss the observed {rate} in {share_phrase(n_bins, n_bins, 'groups')}"
    return f"Predicted probabilities match the observed {rate} in {share_phrase(n_inside, n_bins, 'groups')}"


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
    predicted = np.asarray(context.model.predict(context.subject.as_given(context.X)))
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
    errors = context.y - context.output
    order = np.argsort(context.output, kind="stable")
    parts = [part for part in np.array_split(order, min(N_BINS, max(1, context.n // 10))) if len(part)]
    bars = []
    for part in parts:
        low, high = context.output[part[0]], context.output[part[-1]]
        weights = None if context.sample_weight is None else context.sample_weight[part]
        estimate = mean_estimate("Mean error", errors[part], sample_weight=weights)
        measure = measure_or_gap(estimate)
        if isinstance(measure, Measure):
            bars.append(
                Bar(f"{shown_value(float(low))} to {shown_value(float(high))}", measure, f"n = {count_text(len(part))}")
            )
    clear = sum(1 for bar in bars if _is_clear_of_zero(bar.measure))
    return BarRows(
        key="errors",
        finding=f"Errors lean to one side in {share_phrase(clear, len(bars), 'groups')} of predictions",
        caption=f"Mean of true minus predicted value by group of predictions, n = {count_text(context.n)}. Whiskers: "
        "95 % intervals.",
        axis=Axis("true minus predicted value"),
        bars=tuple(bars),
    )


def _metrics(context: ReportContext) -> DataTable:
    rows: list[tuple[Cell, ...]] = []
    for estimate in context.evaluation:
        measure = metric_measure(estimate, currency=context.evaluation.currency)
        limit = context.limits.get(estimate.name)
        like = measure if isinstance(measure, Measure) else Measure.exact(0.0)
        decided = verdict(like, limit)
        rows.append(
            (estimate.name, measure, limit_text(limit, like), verdict_or_gap(measure, decided), estimate.method)
        )
    open_names = tuple(str(row[0]) for row in rows if getattr(row[3], "status", "") in ("open", "fail"))
    n_limits = sum(1 for row in rows if row[2] != "no limit set")
    return DataTable(
        title=metrics_title(open_names, n_limits),
        caption=f"All metrics on these {context.words['rows']}, n = {count_text(context.n)}; 95 % interval below each "
        "value, and how it was made",
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


def _complement(share: Measure) -> Measure:
    assert share.low is not None
    assert share.high is not None
    return Measure(1 - share.value, 1 - share.high, 1 - share.low, unit=share.unit, decimals=share.decimals)


def _is_clear_of_zero(measure: Measure) -> bool:
    return measure.low is not None and measure.high is not None and (measure.low > 0 or measure.high < 0)


def _round_up(share: float) -> float:
    return float(min(1.0, np.ceil(share * 20 - 1e-9) / 20))


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
