"""Maps of effects: over an image, over sensors and time, along a history of items."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

from appkit.reporting.facts.block import Figure, check_count
from appkit.reporting.facts.explanations import OtherSteps
from appkit.reporting.facts.measure import Status, Verdict, worst_status

__all__ = [
    "NO_CERTIFICATE",
    "HistoryItem",
    "ImageCell",
    "ImageMap",
    "ImageMapFigure",
    "ItemHistoryFigure",
    "SensorMapFigure",
    "SensorRow",
]

MAX_ROWS = 30
MAX_MAPS = 6
MAX_SIDE = 256
MAX_SIGNAL = 102
NO_CERTIFICATE = Verdict("unfilled", "no certificate")

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ImageCell:
    """One segment of an image and its effect.

    Parameters
    ----------
    name
        ``"row 5, column 3"``.
    effect
        In the unit of the map.
    standard_error
        ``None`` where the method gives none.
    boxes
        Rectangles that make up the segment: left, top, width, height in pixels of the figure.
    is_told
        Whether the effect can be told from zero; ``None`` where two standard errors decide.
    """

    name: str
    effect: float
    standard_error: float | None
    boxes: tuple[Box, ...]
    is_told: bool | None = None


@dataclass(frozen=True)
class ImageMap:
    """What one method says of an image, with the verdict of its certificate.

    Parameters
    ----------
    name
        ``"Shapley (permutation)"``.
    cells
        All segments.
    end
        Effect at the ends of the ramp, the same on both sides; larger ones stay on the last step and are counted.
    unit
        As in :class:`Measure`.
    verdict
        What the certificate says of this map.
    low_label, high_label
        What the ends of the ramp mean.
    scale
        What the numbers are: ``"signed"`` effects; the ``"strength"`` of a map whose method knows no effect away from
        the event; or the ``"size"`` of effects, whatever their sign, in a colour of its own.
    note
        A sentence below the map; may be empty.
    """

    name: str
    cells: tuple[ImageCell, ...]
    end: float
    unit: str = "points"
    verdict: Verdict = NO_CERTIFICATE
    low_label: str = "away"
    high_label: str = "toward"
    scale: Literal["signed", "strength", "size"] = "signed"
    note: str = ""

    def __post_init__(self) -> None:
        _check_end(self.end)
        if self.scale != "signed" and any(cell.effect < 0 for cell in self.cells):
            raise ValueError(f"map {self.name!r} must have no negative effects on a scale of {self.scale}.")

    @property
    def n_past(self) -> int:
        """Segments whose effect lies past the ends of the ramp."""
        return sum(abs(cell.effect) > self.end * (1 + 1e-9) for cell in self.cells)


@dataclass(frozen=True, kw_only=True)
class ImageMapFigure(Figure):
    """Maps over one image, each with its legend and verdict below it.

    Parameters
    ----------
    width, height
        Pixels of the image as shown, at most 256.
    maps
        One to six methods.
    image
        8-bit PNG in base64; empty where the image must not be shown.
    image_note
        What was done to the image before the network saw it.
    truth
        Strokes of the true outline: left, top, run to the right, run down; empty where it is not known.
    is_reversed
        Whether the event or loss lies at the low end of the output, so that orange is negative.
    """

    HOW_TO_READ: ClassVar[str] = (
        "Orange segments moved the prediction toward the event, blue ones away from it. "
        "A clear segment is one whose effect cannot be told from zero, not one that was skipped."
    )

    width: int
    height: int
    maps: tuple[ImageMap, ...]
    image: str = ""
    image_note: str = ""
    truth: tuple[Box, ...] = ()
    is_reversed: bool = False

    def __post_init__(self) -> None:
        check_count("maps", len(self.maps), most=MAX_MAPS)
        for name, side in (("width", self.width), ("height", self.height)):
            if not 1 <= side <= MAX_SIDE:
                raise ValueError(f"{name} must be 1 to {MAX_SIDE} pixels, got {side!r}. Shrink the image.")

    @property
    def status(self) -> Status:
        return worst_status(tuple(item.verdict.status for item in self.maps))


@dataclass(frozen=True)
class SensorRow:
    """One sensor over a window.

    Parameters
    ----------
    name
        Name of the sensor, with its unit.
    effects, standard_errors
        One a segment, oldest first; errors are ``None`` where the method gives none.
    signal
        The sensor's values, at most 102 at even distances, ``None`` where missing.
    total, total_error
        Sum of the effects and its standard error.
    low, high
        Range of the signal; ``None`` where nothing was measured.
    """

    name: str
    effects: tuple[float, ...]
    standard_errors: tuple[float | None, ...]
    signal: tuple[float | None, ...]
    total: float
    total_error: float | None
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if len(self.effects) != len(self.standard_errors):
            raise ValueError(
                f"sensor {self.name!r} needs as many standard_errors as effects, "
                f"got {len(self.standard_errors)} and {len(self.effects)}."
            )
        if len(self.signal) > MAX_SIGNAL:
            raise ValueError(f"signal of {self.name!r} must have at most {MAX_SIGNAL} values, got {len(self.signal)}.")


@dataclass(frozen=True, kw_only=True)
class SensorMapFigure(Figure):
    """Effects by sensor and stretch of time, the signals drawn over, the sum of each row beside it.

    Parameters
    ----------
    rows
        At most 30 sensors.
    bounds
        Ends of the segments, ascending; one more than each row has effects.
    time_label
        ``"cycles before the end"``.
    effect_label
        What effects are measured in: ``"effect on remaining life (cycles)"``.
    end
        Effect at the ends of the ramp, one for all rows.
    unit
        As in :class:`Measure`.
    is_reversed
        As in :class:`ImageMapFigure`.
    """

    HOW_TO_READ: ClassVar[str] = (
        "Orange marks the moments that moved the prediction toward the event or loss, blue those that moved it away; "
        "plain cells cannot be told from zero. The bar adds up the row."
    )

    rows: tuple[SensorRow, ...]
    bounds: tuple[float, ...]
    time_label: str
    effect_label: str
    end: float
    unit: str = ""
    is_reversed: bool = False

    def __post_init__(self) -> None:
        check_count("rows", len(self.rows), most=MAX_ROWS)
        _check_end(self.end)
        if any(right <= left for left, right in pairwise(self.bounds)):
            raise ValueError(f"bounds must ascend, got {self.bounds!r}.")
        for row in self.rows:
            if len(row.effects) != len(self.bounds) - 1:
                n = len(self.bounds) - 1
                raise ValueError(f"sensor {row.name!r} must have one effect for each of {n} segments.")

    @property
    def n_past(self) -> int:
        """Cells whose effect lies past the ends of the ramp."""
        return sum(abs(effect) > self.end * (1 + 1e-9) for row in self.rows for effect in row.effects)


@dataclass(frozen=True)
class HistoryItem:
    """One item of a history.

    Parameters
    ----------
    label, note
        Name, and a second line such as its date; the note may be empty.
    effect
        In the unit of the figure.
    standard_error
        ``None`` where the method gives none.
    is_key
        Whether the item belongs to the set the caption speaks of; set in bold.
    """

    label: str
    note: str
    effect: float
    standard_error: float | None
    is_key: bool = False


@dataclass(frozen=True, kw_only=True)
class ItemHistoryFigure(Figure):
    """Items of one history as bars with whiskers, oldest first.

    Parameters
    ----------
    items
        At most 30, oldest first.
    axis_label
        What the bars measure.
    others
        The items left out, as one bar at the end.
    unit
        As in :class:`Measure`.
    is_reversed
        As in :class:`ImageMapFigure`.
    """

    HOW_TO_READ: ClassVar[str] = (
        "Right of zero the item raised the output, left it lowered it. A bar whose whisker crosses zero cannot be told "
        "from no effect."
    )

    items: tuple[HistoryItem, ...]
    axis_label: str
    others: OtherSteps | None = None
    unit: str = ""
    is_reversed: bool = False

    def __post_init__(self) -> None:
        check_count("items", len(self.items), most=MAX_ROWS)


def _check_end(end: float) -> None:
    if not (end > 0 and math.isfinite(end)):
        raise ValueError(f"end must be a positive number, got {end!r}.")
