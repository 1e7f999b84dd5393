"""From an explanation of an image, a window or a history to its figure."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from appkit.explanation import Explanation
from appkit.explanation.certificate import Verdict as CertifiedVerdict
from appkit.explanation.layouts import Advice, HistoryLayout
from appkit.plots.history import history_items, strongest_in_order
from appkit.plots.images import image_layout, luminance
from appkit.plots.ramp import ramp_end
from appkit.plots.selection import RowValues, output_position, row_values
from appkit.plots.windows import WindowCells, window_cells
from appkit.plots.wording import method_name
from appkit.reporting.content.phrasing import capital, first_that_fits, label_of
from appkit.reporting.content.png import page_size, png_text
from appkit.reporting.content.segments import boxes_of, outline_of, sampled
from appkit.reporting.facts import (
    HistoryItem,
    ImageCell,
    ImageMap,
    ImageMapFigure,
    ItemHistoryFigure,
    Measure,
    OtherSteps,
    SensorMapFigure,
    SensorRow,
    Status,
    Verdict,
)
from appkit.reporting.facts.maps import MAX_ROWS, MAX_SIGNAL, NO_CERTIFICATE
from appkit.reporting.numbers import count_text, unit_heading, value_text
from appkit.reporting.words import list_text, share_phrase

__all__ = [
    "certified",
    "history_figure",
    "image_map",
    "image_map_figure",
    "moves_finding",
    "round_end",
    "sensor_map_figure",
]


def image_map_figure(
    explanation: Explanation,
    row: int = 0,
    *,
    output: int | str | None = None,
    verdict: Verdict = NO_CERTIFICATE,
    beside: Sequence[tuple[Explanation, Verdict]] = (),
    shows_image: bool = False,
    image_note: str = "",
    truth: np.ndarray | None = None,
    event_at: str = "high",
    key: str = "image-map",
    case: str = "",
) -> ImageMapFigure:
    """Return the map of one image, with other methods' maps beside it.

    Parameters
    ----------
    explanation
        With an :class:`~appkit.explanation.layouts.ImageLayout`.
    row
        Position of the image.
    output
        Name or position of the output; ``None`` where there is one only.
    verdict
        What the certificate says of the explanation; :func:`certified` words it.
    beside
        Explanations of the same rows by other methods, at most five, each with its verdict.
    shows_image
        Whether the image itself goes into the report; off, since it may be a patient's.
    image_note
        What was done to the image before the network saw it.
    truth
        Mask of what should be found, ``(height, width)``.
    event_at
        At which end of the output the event lies, ``"high"`` or ``"low"``.
    key, case
        Key of the figure, and the name of the image in its caption.
    """
    layout = image_layout(explanation)
    height, width = size = page_size(layout.segments[row].shape)
    own = row_values(explanation, row, output)
    low, high = ("away", "toward") if _is_high(event_at) else ("toward", "away")
    name = explanation.output_names[output_position(explanation, output)]
    labels = (f"{low} {name}" if low == "toward" else low, f"{high} {name}" if high == "toward" else high)
    maps = tuple(
        image_map(item, row, output, verdict=decided, labels=labels)
        for item, decided in ((explanation, verdict), *beside)
    )
    finding = moves_finding(own.names, own.values, own.standard_error, things="segments")
    return ImageMapFigure(
        key=key,
        finding=finding,
        caption=_case_words(explanation, row, own, case)
        + " Segments within two standard errors of zero are left clear."
        + (" Dashed: true outline." if truth is not None else "")
        + ("" if shows_image else " The image itself is not shown."),
        width=width,
        height=height,
        maps=maps,
        image=png_text(luminance(layout.images[row])) if shows_image else "",
        image_note=image_note,
        truth=() if truth is None else outline_of(sampled(np.asarray(truth, dtype=bool), size)),
        is_reversed=not _is_high(event_at),
    )


def sensor_map_figure(
    explanation: Explanation,
    row: int = 0,
    *,
    output: int | str | None = None,
    step_name: str = "time steps",
    event_at: str = "high",
    key: str = "sensor-map",
    case: str = "",
    value: str = "",
    unit: str = "",
) -> SensorMapFigure:
    """Return the map of one window: sensors by stretches of time.

    Of more than 30 sensors the 30 with the strongest sums are shown.

    Parameters
    ----------
    explanation
        With a :class:`~appkit.explanation.layouts.WindowLayout`.
    row, output, event_at, key, case
        As in :func:`image_map_figure`; for a remaining life the loss lies at the ``"low"`` end.
    step_name
        What a step of the window is called: ``"cycles"``.
    value, unit
        What is predicted and what values are counted in, ``"remaining life"`` and ``"cycles"``; by default the name of
        the output, and no unit. Probabilities are counted in points.
    """
    own = row_values(explanation, row, output)
    cells = window_cells(explanation, row, own)
    kept = strongest_in_order(cells.totals, MAX_ROWS)
    left_out = len(cells.sensors) - len(kept)
    unit = _effect_unit(explanation, unit)
    name = value or explanation.output_names[output_position(explanation, output)]
    return SensorMapFigure(
        key=key,
        finding=moves_finding(
            [label_of(name) for name in cells.sensors], cells.totals, cells.total_errors, things="sensors"
        ),
        caption=f"{_case_words(explanation, row, own, case, unit)} Colour: effect of one sensor over one stretch of "
        "time; line: the signal over its own range. Whiskers: two standard errors."
        + (f" Not shown, with smaller sums: {left_out} of {len(cells.sensors)} sensors." if left_out else ""),
        rows=tuple(_sensor_row(cells, int(place)) for place in kept),
        bounds=tuple(float(bound) for bound in cells.bounds),
        time_label=f"{step_name} before the end",
        effect_label=_effect_label(name, unit),
        end=round_end(ramp_end(cells.values)),
        unit=unit,
        is_reversed=not _is_high(event_at),
    )


def history_figure(
    explanation: Explanation,
    row: int = 0,
    *,
    output: int | str | None = None,
    notes: Mapping[str, str] | None = None,
    key_items: Sequence[str] = (),
    removal: str = "",
    event_at: str = "high",
    key: str = "history",
    case: str = "",
) -> ItemHistoryFigure:
    """Return the bars of one history, oldest item first; of more than 30 items the strongest, the others as one.

    Parameters
    ----------
    explanation
        With a :class:`~appkit.explanation.layouts.HistoryLayout`.
    row, output, event_at, key, case
        As in :func:`image_map_figure`.
    notes
        A second line by item, such as its date.
    key_items
        Items to set in bold, by the names that the explanation gives them, such as the smallest set whose removal
        changes the advice. Of advice they make the title: "Because you bought tea and cups: teapot".
    removal
        A sentence on what their removal does.
    """
    own = row_values(explanation, row, output)
    labels = history_items(explanation, row, own)
    kept = strongest_in_order(own.values, MAX_ROWS)
    rest = np.setdiff1d(np.arange(len(labels)), kept)
    error = float(np.sqrt((np.nan_to_num(own.standard_error[rest]) ** 2).sum()))
    unit = _effect_unit(explanation)
    name = explanation.output_names[output_position(explanation, output)]
    return ItemHistoryFigure(
        key=key,
        finding=_history_finding(explanation, row, own, labels=labels, key_items=key_items),
        caption=" ".join(
            words
            for words in (
                _advice_words(explanation, row, own, case) or _case_words(explanation, row, own, case),
                "Oldest item first.",
                _whisker_words(own.standard_error),
                removal,
            )
            if words
        ),
        items=tuple(
            HistoryItem(
                labels[i],
                (notes or {}).get(labels[i], ""),
                float(own.values[i]),
                _known(own.standard_error[i]),
                labels[i] in key_items,
            )
            for i in kept
        ),
        axis_label=_effect_label(name, unit),
        others=OtherSteps(len(rest), float(own.values[rest].sum()), error) if len(rest) else None,
        unit=unit,
        is_reversed=not _is_high(event_at),
    )


def _history_finding(
    explanation: Explanation, row: int, own: RowValues, *, labels: Sequence[str], key_items: Sequence[str]
) -> str:
    moves = moves_finding(tuple(labels), own.values, own.standard_error, things="items")
    advice = _advice_of(explanation)
    if advice is None or not key_items:
        return moves
    effect = dict(zip(labels, own.values.tolist(), strict=True))
    bought = tuple(sorted(key_items, key=lambda item: -effect.get(item, 0.0)))
    return first_that_fits(f"Because you bought {list_text(bought)}: {advice.item_names[row]}", moves)


def _advice_of(explanation: Explanation) -> Advice | None:
    return explanation.layout.advice if isinstance(explanation.layout, HistoryLayout) else None


def _advice_words(explanation: Explanation, row: int, own: RowValues, case: str) -> str:
    """Return whose advice it is, where on the list, and by which margin; empty where no advice is explained."""
    advice = _advice_of(explanation)
    if advice is None:
        return ""
    margin = value_text(Measure(own.output, unit=_effect_unit(explanation)))
    seen = "left out of the list" if advice.filter_seen else "on the list too"
    place = f"rank {advice.ranks[row]}" + (f" of {advice.k}" if advice.ranks[row] <= advice.k else "")
    return (
        f"{case or f'Customer {advice.users[row]}'}, advice at {place}: {advice.item_names[row]}. Margin {margin} over "
        f"{advice.rival_names[row]} at rank {advice.rival_ranks[row]}. Items already bought are {seen}. "
        f"{method_name(explanation)}, {_spent_words(explanation, row)}."
    )


def _whisker_words(errors: np.ndarray) -> str:
    return "Whiskers: two standard errors." if errors.any() else "Exact: no standard errors."


def certified(verdict: CertifiedVerdict) -> Verdict:
    """Return the verdict of an explanation's certificate as a report prints it.

    Examples
    --------
    >>> certified(CertifiedVerdict("reliable up to rank k", 2, 64, "Places 3 and 4 are too close."))
    Verdict(status='open', word='reliable up to rank 2 of 64')
    """
    status: dict[str, Status] = {"reliable": "pass", "reliable up to rank k": "open", "not reliable": "fail"}
    return Verdict(status.get(verdict.status, "note"), verdict.words)


def moves_finding(names: Sequence[str], effects: np.ndarray, errors: np.ndarray, *, things: str) -> str:
    """Return how many effects can be told from zero and, where it is settled, which is the largest.

    Examples
    --------
    >>> errors = np.array([0.1, 0.1, 0.1])
    >>> moves_finding(["tea", "cups", "tray"], np.array([-2.0, 1.0, 0.1]), errors, things="items")
    '2 of 3 items move the prediction; tea moves it furthest, downward'
    >>> moves_finding(["tea", "cups", "tray"], np.array([-2.0, 1.9, 0.1]), errors, things="items")
    '2 of 3 items move the prediction; which moves it furthest is not settled'
    """
    if np.isnan(errors).any():
        return f"Which of {count_text(len(names))} {things} move the prediction is not settled"
    n = len(names)
    told = np.flatnonzero(np.abs(effects) > 2 * errors)
    if len(told) == 0:
        return f"None of {count_text(n)} {things} can be told apart from zero"
    if len(told) == 1:
        only = told[0]
        one = f"One of {count_text(n)} {things} moves the prediction" if n > 1 else "The prediction moves"
        return first_that_fits(f"{one} {_way(effects[only])}: {names[only]}", f"{one} {_way(effects[only])}")
    share = f"Both {things}" if len(told) == n == 2 else capital(share_phrase(len(told), n, things))
    first, second = np.argsort(-np.abs(effects), kind="stable")[:2]
    if abs(effects[first]) - abs(effects[second]) <= 2 * math.hypot(errors[first], errors[second]):
        return f"{share} move the prediction; which moves it furthest is not settled"
    furthest = f"{share} move the prediction; {names[first]} moves it furthest, {_way(effects[first])}"
    return first_that_fits(furthest, f"{share} move the prediction")


def _way(effect: float) -> str:
    return "upward" if effect > 0 else "downward"


def image_map(
    explanation: Explanation,
    row: int = 0,
    output: int | str | None = None,
    *,
    verdict: Verdict = NO_CERTIFICATE,
    labels: tuple[str, str] = ("away", "toward"),
    name: str = "",
    scale: Literal["signed", "strength"] = "signed",
) -> ImageMap:
    """Return the map of one image by one method, for a figure of several.

    Parameters
    ----------
    explanation, row, output, verdict
        As in :func:`image_map_figure`.
    labels
        What the low and the high end of the ramp mean.
    name
        Of the method; by default its own.
    scale
        ``"strength"`` for a method that knows no effect away from the output.
    """
    own = row_values(explanation, row, output)
    segments = image_layout(explanation).segments[row]
    small = sampled(segments, page_size(segments.shape))
    return ImageMap(
        name=name or method_name(explanation),
        cells=tuple(
            ImageCell(cell, float(value), _known(error), boxes_of(small == player))
            for cell, player, value, error in zip(own.names, own.players, own.values, own.standard_error, strict=True)
        ),
        end=round_end(ramp_end(own.values)),
        unit="" if scale == "strength" else _effect_unit(explanation),
        verdict=verdict,
        low_label=labels[0],
        high_label=labels[1],
        scale=scale,
    )


def _sensor_row(cells: WindowCells, place: int) -> SensorRow:
    signal = cells.series[:, place]
    known = signal[~np.isnan(signal)]
    return SensorRow(
        name=label_of(cells.sensors[place]),
        effects=tuple(float(value) for value in cells.values[place]),
        standard_errors=tuple(_known(error) for error in cells.standard_error[place]),
        signal=tuple(_known(value) for value in _thinned(signal)),
        total=float(cells.totals[place]),
        total_error=_known(cells.total_errors[place]),
        low=float(known.min()) if len(known) else None,
        high=float(known.max()) if len(known) else None,
    )


def _thinned(signal: np.ndarray) -> np.ndarray:
    """Return at most 102 values: of longer signals the lowest and highest of each block, in their order."""
    if len(signal) <= MAX_SIGNAL:
        return signal
    kept = []
    for block in np.array_split(signal, MAX_SIGNAL // 2):
        if np.isnan(block).all():
            kept += [np.nan, np.nan]
        else:
            first, last = sorted((int(np.nanargmin(block)), int(np.nanargmax(block))))
            kept += [block[first], block[last]]
    return np.array(kept)


def _case_words(explanation: Explanation, row: int, own: RowValues, case: str, unit: str = "") -> str:
    """Return which row, from where to where, by which method."""
    unit = "%" if explanation.units == "probability" else _effect_unit(explanation, unit)
    base, output = (value_text(Measure(v, unit=unit)) for v in (own.base_value, own.output))
    way = f"from {base} on the background to {output}"
    return f"{case or f'Row {row}'}, {way}. {method_name(explanation)}, {_spent_words(explanation, row)}."


def _spent_words(explanation: Explanation, row: int) -> str:
    spent = explanation.n_evaluations if explanation.row_evaluations is None else int(explanation.row_evaluations[row])
    return f"{count_text(spent)} evaluations"


def _effect_unit(explanation: Explanation, unit: str = "") -> str:
    """Return the unit of effects; ``unit`` is what values are counted in."""
    return {"probability": "points", "value": unit}.get(explanation.units, explanation.units)


def _effect_label(name: str, unit: str) -> str:
    heading = unit_heading(unit)
    return f"effect on {name} ({heading})" if heading else f"effect on {name}"


def round_end(end: float) -> float:
    """Return the next number of two digits, so that the legend can name it and holds all values."""
    step = 10.0 ** (math.floor(math.log10(end)) - 1)
    return round(math.ceil(end / step - 1e-9) * step, 12)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _is_high(event_at: str) -> bool:
    if event_at not in ("high", "low"):
        raise ValueError(f"event_at must be 'high' or 'low', got {event_at!r}.")
    return event_at == "high"
