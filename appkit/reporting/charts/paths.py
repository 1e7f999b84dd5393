"""Paths on the integer grid, written as short as they can be."""

from collections.abc import Iterable
from itertools import pairwise

from appkit.reporting.charts.scale import GRID
from appkit.reporting.markup import Markup, tag

__all__ = ["band_path", "dots_path", "grid_svg", "line_path"]

Point = tuple[int, int]


def line_path(points: Iterable[Point]) -> str:
    """Return a polyline in relative commands; repeated points are dropped.

    Examples
    --------
    >>> line_path([(0, 1000), (10, 900), (10, 900), (30, 900), (30, 800)])
    'M0 1000l10 -100h20v-100'
    """
    kept = _without_repeats(points)
    start = f"M{kept[0][0]} {kept[0][1]}"
    return start + "".join(_step(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in pairwise(kept))


def band_path(low: list[Point], high: list[Point]) -> str:
    """Return the closed area between two lines.

    Examples
    --------
    >>> band_path([(0, 9), (5, 8)], [(0, 3), (5, 2)])
    'M0 3l5 -1v6l-5 1z'
    """
    return line_path([*high, *reversed(low)]) + "z"


def dots_path(points: Iterable[tuple[int, float]]) -> str:
    """Return one path of dots, each a line of no length with round caps.

    Examples
    --------
    >>> dots_path([(14, 28.2), (71, 23.0)])
    'M14 28.2h0M71 23h0'
    """
    return "".join(f"M{x} {y:g}h0" for x, y in points)


def grid_svg(*marks: Markup | None, height: int = GRID) -> Markup:
    """Return marks on the integer grid, stretched over the whole plot area."""
    return tag(
        "svg", *marks, viewBox=f"0 0 {GRID} {height}", preserveAspectRatio="none", width="100%", height="100%",
        aria_hidden="true",
    )  # fmt: skip


def _without_repeats(points: Iterable[Point]) -> list[Point]:
    kept: list[Point] = []
    for point in points:
        if not kept or kept[-1] != point:
            kept.append(point)
    return kept


def _step(dx: int, dy: int) -> str:
    if dy == 0:
        return f"h{dx}"
    return f"v{dy}" if dx == 0 else f"l{dx} {dy}"
