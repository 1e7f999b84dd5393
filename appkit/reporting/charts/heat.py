"""Heat maps: one path a step of the diverging ramp, the ramp itself, outlines and signals over them."""

import numpy as np

from appkit.plots.ramp import N_SIDE, ramp_steps
from appkit.reporting.charts.paths import grid_svg, line_path
from appkit.reporting.charts.scale import GRID, Scale
from appkit.reporting.markup import Markup, join, shape, tag

__all__ = [
    "box_path",
    "outline_path",
    "ramp_class",
    "ramp_strip",
    "scale_strip",
    "signal_marks",
    "step_paths",
    "steps_of",
]

_SIGNAL_ROOM = 180  # of 1000, left free above and below a signal

Box = tuple[int, int, int, int]


def steps_of(effects: tuple[float, ...], errors: tuple[float | None, ...], *, end: float) -> tuple[int, ...]:
    """Return the step of each effect, from -4 to 4; 0 for those within two standard errors of zero.

    Examples
    --------
    >>> steps_of((0.1, -0.4, 0.01), (0.01, 0.01, 0.01), end=0.4)
    (1, -4, 0)
    """
    values = np.array(effects, dtype=np.float64)
    widths = 2 * np.array([error or 0.0 for error in errors])
    return tuple(int(step) for step in ramp_steps(values, np.abs(values) > widths, end=end))


def ramp_class(step: int, *, is_reversed: bool) -> str:
    """Return the class that colours a step.

    Examples
    --------
    >>> ramp_class(4, is_reversed=False), ramp_class(4, is_reversed=True)
    ('d8', 'd0')
    """
    return f"d{N_SIDE - step if is_reversed else N_SIDE + step}"


def step_paths(boxes: dict[int, list[Box]], *, is_reversed: bool) -> Markup:
    """Return one path a step, in order of the steps; what is on step 0 is left out."""
    return join(
        *(
            shape("path", class_=ramp_class(step, is_reversed=is_reversed), d=box_path(boxes[step]))
            for step in sorted(boxes)
            if step
        )
    )


def box_path(boxes: list[Box]) -> str:
    """Return rectangles as one path.

    Examples
    --------
    >>> box_path([(0, 8, 4, 2), (4, 8, 1, 1)])
    'M0 8h4v2h-4zM4 8h1v1h-1z'
    """
    return "".join(f"M{x} {y}h{width}v{height}h{-width}z" for x, y, width, height in boxes)


def outline_path(strokes: tuple[Box, ...]) -> Markup | None:
    """Return the strokes of a true outline, dashed; nothing where there are none."""
    if not strokes:
        return None
    path = "".join(f"M{x} {y}{f'h{right}' if right else f'v{down}'}" for x, y, right, down in strokes)
    return shape("path", class_="truth", d=path)


def ramp_strip(ends: tuple[str, str], *, is_reversed: bool, is_over_image: bool) -> Markup:
    """Return the nine swatches with the words of both ends and 0 in the middle."""
    strip = _swatches(range(-N_SIDE, N_SIDE + 1), is_reversed=is_reversed)
    words = tag("div", tag("span", ends[0]), tag("span", "0"), tag("span", ends[1]), class_="rampl")
    return tag("div", strip, words, class_="ramp ovl" if is_over_image else "ramp")


def scale_strip(end: str, *, is_reversed: bool, is_over_image: bool, is_size: bool) -> Markup:
    """Return the five swatches from 0 upward; ``is_size`` colours numbers without a direction."""
    strip = _swatches(range(N_SIDE + 1), is_reversed=is_reversed)
    words = tag("div", tag("span", "0"), tag("span"), tag("span", end), class_="rampl")
    classes = ("ramp", "ovl" if is_over_image else "", "size" if is_size else "")
    return tag("div", strip, words, class_=" ".join(word for word in classes if word))


def _swatches(steps: range, *, is_reversed: bool) -> Markup:
    n = len(steps)
    swatches = [
        shape(
            "rect", class_=ramp_class(step, is_reversed=is_reversed), x=f"{100 * i / n:.4g}%",
            width=f"{100 / n + 0.1:.4g}%", height=12,
        )
        for i, step in enumerate(steps)
    ]  # fmt: skip
    return tag("svg", *swatches, class_="strip", height=12, aria_hidden="true")


def signal_marks(signal: tuple[float | None, ...]) -> Markup | None:
    """Return a signal over its own range, with a band of paper below it; a gap where it is missing."""
    known = [value for value in signal if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    scale = Scale(low, high) if low < high else Scale(low - 1, low + 1)
    points = [
        None if value is None else (round((i + 0.5) * GRID / len(signal)), _height(scale.share(value)))
        for i, value in enumerate(signal)
    ]
    path = "".join(line_path(run) for run in _runs(points) if len(run) > 1)
    return grid_svg(shape("path", class_="sparkh", d=path), shape("path", class_="spark", d=path))


def _height(share: float) -> int:
    return round(GRID - _SIGNAL_ROOM - share * (GRID - 2 * _SIGNAL_ROOM))


def _runs(points: list[tuple[int, int] | None]) -> list[list[tuple[int, int]]]:
    runs: list[list[tuple[int, int]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return runs
