"""Pictures of single rows, each with its name, its label and what the model said."""

from dataclasses import dataclass
from typing import ClassVar

from appkit.reporting.facts.block import Figure, check_count
from appkit.reporting.facts.measure import Measure, Verdict

__all__ = ["Thumbnail", "ThumbnailGallery"]

MAX_THUMBNAILS = 24
MAX_SIDE = 128


@dataclass(frozen=True)
class Thumbnail:
    """One picture with its caption.

    Parameters
    ----------
    name
        ``"image 3"``; the name of its file only where the caller asked for it.
    image
        8-bit PNG in base64.
    width, height
        Its pixels, at most 128.
    label
        What the picture is known to show.
    output
        What the model said: a probability, unit ``"%"``, or a value.
    verdict
        What to make of that, ``Verdict("fail", "missed")``; ``None`` where nothing is decided.
    """

    name: str
    image: str
    width: int
    height: int
    label: str
    output: Measure
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise ValueError(
                f"thumbnail {self.name!r} must have at most {MAX_SIDE} pixels a side, got {self.width} x {self.height}."
            )


@dataclass(frozen=True, kw_only=True)
class ThumbnailGallery(Figure):
    """Small pictures of rows, in the caller's order.

    Parameters
    ----------
    thumbnails
        At most 24.
    output_label
        What the model said of each: ``"Probability of a lesion"``.
    """

    HOW_TO_READ: ClassVar[str] = (
        "Below each picture stand its label and what the model said. Single pictures show how the model errs, not how "
        "often."
    )

    thumbnails: tuple[Thumbnail, ...]
    output_label: str = "Output"

    def __post_init__(self) -> None:
        check_count("thumbnails", len(self.thumbnails), most=MAX_THUMBNAILS)
