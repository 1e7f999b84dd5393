"""The beeswarm: a hundred quantile dots a row, stacked where they meet."""

from collections import Counter

from appkit.reporting.charts.paths import dots_path, grid_svg
from appkit.reporting.charts.scale import GRID, Scale
from appkit.reporting.facts import BeeswarmRow
from appkit.reporting.markup import Markup, shape

__all__ = ["swarm_marks"]

ROW_HEIGHT = 46
N_BINS = 90
N_LEVELS = 5
_PITCH = 5.2


def swarm_marks(row: BeeswarmRow, scale: Scale) -> Markup:
    """Return the dots of one row: one path a colour, places of about a ninetieth of the axis, stacked from the middle.

    Columns of dots that would leave the row are pressed together until they fit.
    """
    by_level: dict[int | None, list[tuple[int, float]]] = {}
    for place, level in zip(_places(row.effects, scale), row.levels, strict=True):
        by_level.setdefault(_level(level), []).append(place)
    dots = [
        shape("path", class_=f"dots q{level}", d=dots_path(by_level[level]))
        for level in range(N_LEVELS)
        if level in by_level
    ]
    bare = by_level.get(None)
    # a hollow dot is a wide one under a narrow one in the colour of the page
    hollow = [shape("path", class_=f"dots {ink}", d=dots_path(bare)) for ink in ("qm", "qh")] if bare else []
    return grid_svg(*dots, *hollow, height=ROW_HEIGHT)


def _level(level: float | None) -> int | None:
    return None if level is None else min(int(level * N_LEVELS), N_LEVELS - 1)


def _places(effects: tuple[float, ...], scale: Scale) -> list[tuple[int, float]]:
    columns = [round(scale.share(effect) * N_BINS) for effect in effects]
    heights = Counter(columns)
    seen: Counter[int] = Counter()
    places = []
    for column in columns:
        n = heights[column]
        pitch = min(_PITCH, (ROW_HEIGHT - 6) / max(n - 1, 1))
        y = ROW_HEIGHT / 2 + ((n - 1) / 2 - seen[column]) * pitch
        seen[column] += 1
        places.append((round(column * GRID / N_BINS), round(y, 1)))
    return places
