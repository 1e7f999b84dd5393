"""Colours of the plots, those of the reports: orange pushes toward the event, blue away, none carries meaning alone."""

from dataclasses import dataclass

__all__ = ["DARK", "LIGHT", "OVER_IMAGE", "Palette"]


@dataclass(frozen=True)
class Palette:
    """Colours on one ground.

    Parameters
    ----------
    paper
        The ground they were chosen for.
    ink, note, axis, grid
        Whiskers and text; small notes; axis lines; grid lines.
    mark, hatch
        Unsigned data; strokes of bars whose place is not settled.
    up, down
        Toward the event and away from it.
    levels
        Five colours of a player's own value, low to high; high is farthest from the ground.
    ramp
        Nine colours of the diverging ramp, from away to toward.
    """

    paper: str
    ink: str
    note: str
    axis: str
    grid: str
    mark: str
    hatch: str
    up: str
    down: str
    levels: tuple[str, ...]
    ramp: tuple[str, ...]


LIGHT = Palette(
    paper="#fbfaf7",
    ink="#17202a",
    note="#5f6a76",
    axis="#8b8f92",
    grid="#e7e4dc",
    mark="#5a81aa",
    hatch="#7d93ab",
    up="#c5622a",
    down="#3d80cc",
    levels=("#1f9e83", "#277f8e", "#365c8d", "#46327e", "#3c0a4a"),
    ramp=("#1f63ad", "#5786bd", "#89a8cc", "#bbcad9", "#efece5", "#e2c4b2", "#d29d80", "#c1754e", "#ad4c0b"),
)
DARK = Palette(
    paper="#11161b",
    ink="#e9ebed",
    note="#939da8",
    axis="#78828c",
    grid="#28303a",
    mark="#4f77a2",
    hatch="#5b7896",
    up="#b25e1e",
    down="#3377ba",
    levels=("#2a828f", "#24a884", "#55c468", "#a8db34", "#fde725"),
    ramp=("#6aaef5", "#598bc1", "#486a8f", "#374b60", "#262d35", "#544742", "#86614c", "#ba7c55", "#f0975c"),
)
OVER_IMAGE = ("#2b7fe0", "#5b9ae6", "#8fb9ee", "#c3d8f3", "#83868a", "#ffe0c2", "#ffc089", "#fb9a4b", "#f2700f")
"""The ramp over images, brighter; the middle stands for what is left clear."""
