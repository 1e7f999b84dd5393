"""Figures of a reader study as a page prints them, those without a bound in words."""

import math

from appkit.prediction import Estimate
from appkit.reporting import ReportContext
from appkit.reporting.content.phrasing import measure_or_gap
from appkit.reporting.facts import Cell, Measure, NotFilled
from appkit.reporting.numbers import count_text, number_text

__all__ = ["counted", "interval_words", "measured", "ratio_cell", "share_cell"]


def share_cell(estimate: Estimate) -> Measure | NotFilled:
    """Return a share in percent; a named gap where no image defines it."""
    return measure_or_gap(estimate, unit="%", decimals=1 if _is_near_edge(estimate) else None)


def ratio_cell(estimate: Estimate) -> Cell:
    """Return a likelihood ratio; in words where nothing bounds it.

    Examples
    --------
    >>> ratio_cell(Estimate("LR", math.inf, 4.2, math.inf, method="log, from exact shares", n=90))
    'at least 4.2'
    >>> ratio_cell(Estimate("LR", 9.0, 4.2, math.inf, method="log, from exact shares", n=90))
    '9.0 (4.2 or more)'
    """
    if math.isnan(estimate.value) or math.isfinite(estimate.high):
        return measure_or_gap(estimate, decimals=2 if estimate.value < 10 else 1)
    if not math.isfinite(estimate.low):
        return "unbounded"
    low = number_text(estimate.low, 1 if estimate.low < 10 else 0)
    if not math.isfinite(estimate.value):
        return f"at least {low}"
    return f"{number_text(estimate.value, 1 if estimate.value < 10 else 0)} ({low} or more)"


def measured(*cells: Measure | NotFilled) -> bool:
    """Return whether none of them is a gap."""
    return not any(isinstance(cell, NotFilled) for cell in cells)


def interval_words(context: ReportContext) -> str:
    """Return how intervals of shares are made here, for a caption."""
    if context.units is None:
        return "95 % Clopper-Pearson intervals"
    return f"95 % intervals, exact where every {context.words['group']} has one image, else clustered (Korn-Graubard)"


def counted(n: int, thing: str) -> str:
    """Return how many there are.

    Examples
    --------
    >>> counted(1, "image"), counted(1200, "image")
    ('one image', '1\u202f200 images')
    """
    return f"one {thing}" if n == 1 else f"{count_text(n)} {thing}s"


def _is_near_edge(estimate: Estimate) -> bool:
    return math.isfinite(estimate.value) and (0 < estimate.value < 0.0995 or 0.9005 < estimate.value < 1)
