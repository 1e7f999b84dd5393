"""Which failure mode the drivers point to: of the case, of the machines shown, of flagged rows of a table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from appkit.explanation import Explanation
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import capital, first_that_fits
from appkit.reporting.facts import Block, Cell, DataTable, Measure, NotFilled
from appkit.reporting.numbers import count_text
from appkit.reporting.words import list_text
from domains.manufacturing.explanation import PointedModes, point_to_modes
from domains.manufacturing.report.sensor_words import sensor_words

__all__ = ["case_modes", "fleet_modes", "flagged_modes", "mode_title"]

_HALF_WIDTH = 1.96
_UNKNOWN = "not settled"
_HEALTHY = "none: no worse than usual"


def case_modes(context: ReportContext) -> DomainSection:
    """Return what the case points to, for the section of the case."""
    return DomainSection(key="case", title="", question="", blocks=(_case_block(context),))


def fleet_modes(context: ReportContext, explanation: Explanation, *, machines: Sequence[str]) -> tuple[Block, ...]:
    """Return what each of the ``machines`` explained points to; nothing where the model knows no modes."""
    modes = _modes_of(context, explanation)
    if not modes:
        return ()
    found = point_to_modes(explanation, modes, direction=_direction(context))
    pointed = [_pointed(found, row, explanation) for row in range(len(machines))]
    rows = tuple((name, pointed[row], *_shares(found, row)) for row, name in enumerate(machines))
    return (
        DataTable(
            title=mode_title(pointed, things=f"{context.words['groups']} shown"),
            caption=_caption(context, found),
            columns=(capital(context.words["group"]), "Points to", *_headings(found)),
            rows=rows,
            how_to_read=_READING,
        ),
    )


def flagged_modes(context: ReportContext) -> tuple[Block, ...]:
    """Return how many of the flagged rows that were explained point to each mode."""
    explanation = context.explanation.shapley
    modes = _modes_of(context, explanation)
    if not modes or context.flagged is None:
        return ()
    flagged = np.flatnonzero(context.flagged[context.explanation.rows])
    words = context.words
    item = f"Failure modes of {words['rows']} {words['flagged']}"
    if not len(flagged):
        return (NotFilled(item=item, why=f"None explained is {words['flagged']}", argument="n_explained="),)
    found = point_to_modes(explanation, modes, direction=_direction(context))
    pointed = [_pointed(found, int(row), explanation) for row in flagged]
    counts = Counter(pointed)
    order = [mode for mode, _ in counts.most_common() if mode not in (_UNKNOWN, _HEALTHY)]
    rows = tuple((mode, counts[mode]) for mode in (*order, _HEALTHY, _UNKNOWN) if counts[mode])
    return (
        DataTable(
            title=mode_title(pointed, things=f"{words['rows']} {words['flagged']}"),
            caption=f"Failure mode that the drivers point to, over the {count_text(len(flagged))} {words['rows']} "
            f"{words['flagged']} among those explained",
            columns=("Points to", capital(words["rows"])),
            rows=rows,
            how_to_read=_READING,
        ),
    )


def mode_title(pointed: Sequence[str], *, things: str) -> str:
    """Return for how many a mode is settled, and which comes most often where that is one mode.

    Examples
    --------
    >>> mode_title(["seal", "seal", "bearing", "not settled"], things="pumps shown")
    'A failure mode is settled for 3 of 4 pumps shown, most often seal'
    >>> mode_title(["not settled"], things="pumps shown")
    'No failure mode is settled for any of 1 pumps shown'
    """
    counts = Counter(mode for mode in pointed if mode not in (_UNKNOWN, _HEALTHY))
    n, settled = len(pointed), sum(counts.values())
    if not settled:
        return f"No failure mode is settled for any of {count_text(n)} {things}"
    of = f"all {count_text(n)}" if settled == n else f"{count_text(settled)} of {count_text(n)}"
    plain = f"A failure mode is settled for {of} {things}"
    leading = counts.most_common(2)
    if len(leading) == 2 and leading[0][1] == leading[1][1]:
        return first_that_fits(plain, f"A failure mode is settled for {of}")
    return first_that_fits(f"{plain}, most often {leading[0][0]}", plain)


def _case_block(context: ReportContext) -> Block:
    item = "Failure mode the drivers point to"
    if not getattr(context.model, "failure_modes", None):
        why = "The model was not told which sensors each failure mode shows in"
        return NotFilled(item=item, why=why, fill="a model fitted with them", argument="failure_modes=")
    explanation = context.case.shapley
    modes = _modes_of(context, explanation)
    if not modes:
        return NotFilled(item=item, why="The model uses none of the sensors of the failure modes")
    found = point_to_modes(explanation, modes, direction=_direction(context))
    order = np.argsort(-np.nan_to_num(found.share[0]), kind="stable")
    shares = _shares(found, 0)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (found.modes[i], _sensor_list(modes[found.modes[i]]), shares[i]) for i in order
    )
    if found.sensors_outside:
        rows += (("No mode", "all other inputs", shares[-1]),)
    return DataTable(
        title=_case_title(context, found, explanation),
        caption=_caption(context, found),
        columns=("Failure mode", "Shows in", "Share of the harm (%)"),
        rows=rows,
        how_to_read=_READING,
    )


def _case_title(context: ReportContext, found: PointedModes, explanation: Explanation) -> str:
    pointed = _pointed(found, 0, explanation)
    case = f"this {context.words['case']}"
    if pointed == _HEALTHY:
        return f"The prediction for {case} is no worse than usual, so no failure mode is named"
    if pointed == _UNKNOWN:
        return first_that_fits(
            f"Which failure mode {case} points to is not settled: {found.reason[0]}",
            f"Which failure mode {case} points to is not settled",
        )
    return f"The drivers of {case} point to the failure mode {pointed}"


_READING = (
    "Harm is what pushes the prediction towards failure; a mode’s share is what the inputs it shows in carry of it. "
    "A mode is named if its lead over the next exceeds two standard errors; it says where the model looks, not what is "
    "broken."
)


def _pointed(found: PointedModes, row: int, explanation: Explanation) -> str:
    """Return the mode in words; a prediction that is no worse than usual points to none."""
    base, output = float(explanation.base_value[row, 0]), float(explanation.output[row, 0])
    worse = base - output if found.direction == "low" else output - base
    if worse <= 0:
        return _HEALTHY
    return found.pointed[row] or _UNKNOWN


def _shares(found: PointedModes, row: int) -> tuple[Cell, ...]:
    """Return the share of each mode, and of sensors of none where there are any."""
    shares = [*zip(found.share[row], found.share_error[row], strict=True)]
    if found.sensors_outside:
        shares.append((found.outside[row], found.outside_error[row]))
    return tuple(_share(float(value), float(error)) for value, error in shares)


def _share(value: float, error: float) -> Measure | NotFilled:
    if np.isnan(value):
        return NotFilled(item="Share of the harm", why="Nothing pushes the prediction towards failure")
    low, high = (min(max(end, 0.0), 1.0) for end in (value - _HALF_WIDTH * error, value + _HALF_WIDTH * error))
    percent = (100 * value, 100 * low, 100 * high)  # the heading carries the unit
    return Measure(*percent, decimals=0)


def _headings(found: PointedModes) -> tuple[str, ...]:
    return (*(f"{capital(mode)} (%)" for mode in found.modes), *(["No mode (%)"] if found.sensors_outside else []))


def _caption(context: ReportContext, found: PointedModes) -> str:
    columns = context.words["columns"]
    shared = f" {capital(columns)} of several modes count for each." if found.is_shared else ""
    return (
        f"Share of the effect towards failure that the {columns} of each failure mode carry, 95 % "
        f"interval (an upper bound) below each value.{shared}"
    )


def _sensor_list(sensors: Sequence[str]) -> str:
    return capital(list_text(tuple(sensor_words(name)[0].lower() for name in sensors))) or "no sensor"


def _modes_of(context: ReportContext, explanation: Explanation) -> Mapping[str, Sequence[str]]:
    """Return the modes with those of their sensors that the model uses."""
    modes: Any = getattr(context.model, "failure_modes", None) or {}
    used = {mode: [name for name in names if name in explanation.player_names] for mode, names in modes.items()}
    return used if any(used.values()) else {}


def _direction(context: ReportContext) -> Literal["low", "high"]:
    return "high" if context.subject.is_probability else "low"
