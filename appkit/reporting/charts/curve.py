"""Curves over two axes: band, operating point with its cross, reference line."""

from appkit.reporting.charts.axes import x_axis, y_axis
from appkit.reporting.charts.paths import band_path, grid_svg, line_path
from appkit.reporting.charts.plot import axis_title, drawing, limit_strokes, limit_words
from appkit.reporting.charts.scale import Scale, scale_for
from appkit.reporting.facts import Curve, CurveFigure, CurvePoint
from appkit.reporting.markup import Markup, join, shape, tag

__all__ = ["curve_plot", "curve_sample"]


def curve_sample(place: int) -> Markup:
    """Return a short piece of the line that draws the curve at ``place``, for the key."""
    return tag("svg", shape("line", class_=_line_class(place), x1=0, x2="100%", y1="50%", y2="50%"), aria_hidden="true")


def curve_plot(figure: CurveFigure, *, name: str) -> Markup:
    """Return curves over two axes, the band of each, the operating point with its cross."""
    x, y = _curve_scales(figure)
    lines = [_curve_marks(curve, x, y, place=i) for i, curve in enumerate(figure.curves)]
    return drawing(
        name, figure.description or figure.finding, "tall",
        x_axis(x, axis_title(figure.x_axis), unit=figure.x_axis.unit, most=6),
        y_axis(y, axis_title(figure.y_axis), unit=figure.y_axis.unit, most=6),
        grid_svg(_reference(figure.reference, x, y), *reversed(lines)),
        limit_strokes(figure.limit, y),
        _limit_name(figure, y),
        _reference_name(figure, x, y),
        _cross(figure.point, x, y) if figure.point else None,
    )  # fmt: skip


def _curve_scales(figure: CurveFigure) -> tuple[Scale, Scale]:
    x_values = [value for curve in figure.curves for value in curve.x]
    y_values = [
        value for curve in figure.curves for series in (curve.y, curve.low, curve.high) for value in series or ()
    ]
    if figure.limit:
        y_values += [end for end in (figure.limit.low, figure.limit.high) if end is not None]
    low = min(x_values) if figure.x_axis.low is None else figure.x_axis.low
    high = max(x_values) if figure.x_axis.high is None else figure.x_axis.high
    x = Scale(low, high) if low < high else scale_for(x_values)
    return x, scale_for(y_values, low=figure.y_axis.low, high=figure.y_axis.high)


def _curve_marks(curve: Curve, x: Scale, y: Scale, *, place: int) -> Markup:
    band = None
    if curve.low is not None and curve.high is not None:
        path = band_path(_points(curve.x, curve.low, x, y), _points(curve.x, curve.high, x, y))
        band = shape("path", class_="bd" if place == 0 else "bd bd2", d=path)
    line = line_path(_points(curve.x, curve.y, x, y))
    return join(band, shape("path", class_=_line_class(place), d=line))


def _points(xs: tuple[float, ...], ys: tuple[float, ...], x: Scale, y: Scale) -> list[tuple[int, int]]:
    return [(x.grid(a), y.fall(b)) for a, b in zip(xs, ys, strict=True)]


def _line_class(place: int) -> str:
    """Return the ink of a curve: the first solid, the second dashed, all others dotted."""
    return ("cv", "cv cv2", "cv cv3")[min(place, 2)]


def _limit_name(figure: CurveFigure, y: Scale) -> Markup | None:
    if figure.limit is None:
        return None
    top = max(end for end in (figure.limit.low, figure.limit.high) if end is not None)
    at = y.percent(top, from_top=True)
    return tag("text", limit_words(figure.limit, figure.y_axis), class_="t halo", x=0, y=at, dx=6, dy=-6)


def _reference(ends: tuple[float, float, float, float] | None, x: Scale, y: Scale) -> Markup | None:
    if ends is None:
        return None
    x0, y0, x1, y1 = ends
    return shape("path", class_="ref", d=f"M{x.grid(x0)} {y.fall(y0)}L{x.grid(x1)} {y.fall(y1)}")


def _reference_name(figure: CurveFigure, x: Scale, y: Scale) -> Markup | None:
    if figure.reference is None or not figure.reference_label:
        return None
    x0, y0, x1, y1 = figure.reference
    at_x, at_y = x0 + 0.6 * (x1 - x0), y0 + 0.6 * (y1 - y0)
    is_level = y0 == y1
    return tag(
        "text", figure.reference_label, class_="m halo", x=x.percent(at_x), y=y.percent(at_y, from_top=True),
        dx=0 if is_level else 26, dy=-8 if is_level else 60, text_anchor="middle",
    )  # fmt: skip


def _cross(point: CurvePoint, x: Scale, y: Scale) -> Markup:
    at_x, at_y = x.percent(point.x.value), y.percent(point.y.value, from_top=True)
    across = up = None
    if point.x.low is not None and point.x.high is not None:
        ends = x.percent(point.x.low), x.percent(point.x.high)
        across = shape("line", class_="wk", x1=ends[0], x2=ends[1], y1=at_y, y2=at_y)
    if point.y.low is not None and point.y.high is not None:
        ends = y.percent(point.y.low, from_top=True), y.percent(point.y.high, from_top=True)
        up = shape("line", class_="wk", x1=at_x, x2=at_x, y1=ends[0], y2=ends[1])
    is_right = x.share(point.x.value) > 0.6
    side = {"dx": -14 if is_right else 14, "text_anchor": "end" if is_right else None}
    lift = -40 if y.share(point.y.value) < 0.2 else 0
    label = tag("text", point.label, class_="tb halo", x=at_x, y=at_y, dy=18 + lift, **side)
    note = tag("text", point.note, class_="halo", x=at_x, y=at_y, dy=34 + lift, **side) if point.note else None
    return join(across, up, shape("circle", class_="pt", cx=at_x, cy=at_y, r=5.5), label, note)
