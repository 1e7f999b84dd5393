"""Predicted against observed rates, with the histogram of predictions below."""

from appkit.reporting.charts.axes import x_axis, y_axis
from appkit.reporting.charts.paths import grid_svg
from appkit.reporting.charts.plot import axis_title, drawing, upright_dot
from appkit.reporting.charts.scale import Scale, scale_for
from appkit.reporting.facts import CalibrationFigure, Histogram, Measure
from appkit.reporting.markup import Markup, join, shape, tag
from appkit.reporting.numbers import value_text

__all__ = ["calibration_plot", "calibration_scale"]


def calibration_plot(figure: CalibrationFigure, *, name: str) -> Markup:
    """Return dots with their bars against the diagonal, and the histogram of predictions below."""
    scale = calibration_scale(figure)
    dots = [upright_dot(scale.percent(item.mean_predicted), scale, item.observed) for item in figure.bins]
    top = drawing(
        name, figure.description or figure.finding, "cal" if figure.histogram else "tall",
        grid_svg(shape("path", class_="ref", d=f"M0 {scale.fall(scale.low)}L1000 0")),
        x_axis(scale, axis_title(figure.x_axis), unit=figure.x_axis.unit, has_numbers=not figure.histogram),
        y_axis(scale, axis_title(figure.y_axis), unit=figure.y_axis.unit, most=7),
        _threshold(figure.threshold, scale),
        *dots,
    )  # fmt: skip
    return join(top, _histogram(figure, figure.histogram, scale) if figure.histogram else None)


def calibration_scale(figure: CalibrationFigure) -> Scale:
    """Return the one scale of both axes, from zero unless an axis says otherwise."""
    held = [
        end for b in figure.bins for end in (b.mean_predicted, b.observed.value, b.observed.high) if end is not None
    ]
    if figure.threshold is not None:
        held.append(figure.threshold)
    if figure.histogram is not None:
        held += [figure.histogram.edges(i)[1] for i, n in enumerate(figure.histogram.counts) if n]
    high = figure.x_axis.high if figure.x_axis.high is not None else figure.y_axis.high
    return scale_for(held, include=[0.0], low=figure.x_axis.low, high=high)


def _threshold(threshold: float | None, scale: Scale) -> Markup | None:
    if threshold is None:
        return None
    x = scale.percent(threshold)
    label = f"threshold {value_text(Measure(threshold, unit='%'))}"
    is_right = scale.share(threshold) > 0.6
    text = tag("text", label, class_="halo", x=x, y=0, dx=-6 if is_right else 6, dy=11,
               text_anchor="end" if is_right else None)  # fmt: skip
    return join(shape("line", class_="lim", x1=x, x2=x, y1=0, y2="100%"), text)


def _histogram(figure: CalibrationFigure, histogram: Histogram, scale: Scale) -> Markup:
    most = max(*histogram.counts, 1)
    bars = [_column(*histogram.edges(i), n / most, scale) for i, n in enumerate(histogram.counts) if n]
    label = tag("text", "share of predictions", class_="m", x="100%", y=0, dy=12, text_anchor="end")
    axis = x_axis(scale, axis_title(figure.x_axis), unit=figure.x_axis.unit)
    return tag("svg", axis, *bars, label, class_="p hist", aria_hidden="true")


def _column(start: float, stop: float, share: float, scale: Scale) -> Markup:
    """Return one column, a little narrower than its step so that neighbours stay apart."""
    margin = 0.06 * (stop - start)
    left, right = start + margin, stop - margin
    return shape(
        "rect", class_="mk", x=scale.percent(left), width=scale.span(left, right), y=f"{100 - 100 * share:.4g}%",
        height=f"{100 * share:.4g}%",
    )  # fmt: skip
