"""Where a model of images looks: sizes and directions of effects by place, how far the order holds, and its proof."""

import numpy as np

from appkit.explanation import Explanation
from appkit.explanation.layouts import ImageLayout
from appkit.plots.ramp import ramp_end
from appkit.reporting.content.certificate import certificate, removal_figure
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.drivers import importance_figure, ranking_badge, sampling_words
from appkit.reporting.content.explaining import ModelExplanation
from appkit.reporting.content.maps import round_end
from appkit.reporting.content.phrasing import capital
from appkit.reporting.content.players import players_note
from appkit.reporting.content.png import page_size
from appkit.reporting.content.segments import boxes_of, sampled
from appkit.reporting.content.valuing import effect_axis, is_loss_low
from appkit.reporting.facts import Block, ImageCell, ImageMap, ImageMapFigure, Section, Verdict
from appkit.reporting.numbers import count_text

__all__ = ["looking_finding", "looking_section"]

_RANKED = 10  # patches in the list; all stand on the map
_CLEAR = 2.0


def looking_section(context: ReportContext) -> Section:
    """Return badge, maps of size and direction, the first places, removal curves and certificate."""
    words = context.words
    blocks: tuple[Block | None, ...] = (
        players_note(context),
        ranking_badge(context),
        _maps(context),
        importance_figure(context, most=_RANKED),
        removal_figure(context),
        certificate(context),
    )
    return Section(
        key="drivers",
        title="Where the model looks",
        question=f"Which places matter over all {words['rows']}, how surely, and in which direction?",
        blocks=tuple(block for block in blocks if block is not None),
    )


def looking_finding(n_told: int, n_patches: int, *, first: str, reliable: int) -> str:
    """Return how many places move predictions and, where it is settled, which moves them most.

    Examples
    --------
    >>> looking_finding(3, 25, first="patch 2, 3", reliable=1)
    '3 of 25 places move predictions; patch 2, 3 moves them most'
    >>> looking_finding(0, 25, first="patch 2, 3", reliable=0)
    'No place of 25 can be told to move predictions'
    """
    if n_told == 0:
        return f"No place of {n_patches} can be told to move predictions"
    share = f"All {n_patches} places move" if n_told == n_patches else f"{n_told} of {n_patches} places move"
    share = f"One of {n_patches} places moves" if n_told == 1 else share
    return f"{share} predictions; {first} moves them most" if reliable else f"{share} predictions"


def _maps(context: ReportContext) -> ImageMapFigure:
    explanation = context.explanation
    layout = explanation.shapley.layout
    assert isinstance(layout, ImageLayout), "images have places"
    height, width = page_size(layout.segments.shape[1:])
    size, direction = _size_map(context), _direction_map(context)
    n, names = len(size.cells), explanation.shapley.player_names
    told = sum(1 for cell in size.cells if cell.is_told)
    first = names[int(explanation.ranking.order[0])]
    return ImageMapFigure(
        key="places",
        finding=looking_finding(told, n, first=first, reliable=explanation.reliable),
        caption=f"{capital(sampling_words(explanation, rows=context.words['rows']))}, {count_text(n)} places of one "
        "grid. Left: mean size of the effect; a place is clear where two seeds do not agree that it has any. Right: "
        "mean effect; clear within two standard errors of zero, those of rows and of sampling together. No image lies "
        "below: these are means over many.",
        how_to_read="Strong colour on the left means the model uses what it sees there, in whatever direction. On the "
        "right effects that differ in sign from image to image cancel out.",
        width=width,
        height=height,
        maps=(size, direction),
        is_reversed=is_loss_low(context),
    )


def _size_map(context: ReportContext) -> ImageMap:
    explanation, ranking = context.explanation, context.explanation.ranking
    told = _has_effect(explanation)
    return ImageMap(
        name="How much a place matters",
        cells=_cells(explanation.shapley, ranking.importance, ranking.standard_error, told=told),
        end=round_end(ramp_end(ranking.importance)),
        unit=effect_axis(context)[1],
        verdict=_verdict(explanation),
        high_label="mean size",
        scale="size",
    )


def _direction_map(context: ReportContext) -> ImageMap:
    explanation = context.explanation
    means, errors = _mean_effects(explanation)
    n_told = int((np.abs(means) > _CLEAR * errors).sum())
    words = f"{n_told} of {len(means)} told from zero"
    toward = "toward the event" if context.subject.task == "binary" else "upward"
    away = "away from it" if context.subject.task == "binary" else "downward"
    return ImageMap(
        name="Which way it pulls",
        cells=_cells(explanation.shapley, means, errors, told=None),
        end=round_end(ramp_end(means)),
        unit=effect_axis(context)[1],
        verdict=Verdict("note", words),
        low_label=away,
        high_label=toward,
    )


def _cells(
    explanation: Explanation, effects: np.ndarray, errors: np.ndarray, *, told: np.ndarray | None
) -> tuple[ImageCell, ...]:
    assert isinstance(explanation.layout, ImageLayout)
    segments = explanation.layout.segments[0]
    small = sampled(segments, page_size(segments.shape))
    return tuple(
        ImageCell(
            name,
            float(effects[i]),
            float(errors[i]),
            boxes_of(small == i),
            None if told is None else bool(told[i]),
        )
        for i, name in enumerate(explanation.player_names)
    )


def _verdict(explanation: ModelExplanation) -> Verdict:
    n, k = len(explanation.ranking.order), explanation.reliable
    if k == n:
        return Verdict("pass", "order settled")
    return Verdict("open", f"order settled to place {k} of {n}") if k else Verdict("open", "order not settled")


def _has_effect(explanation: ModelExplanation) -> np.ndarray:
    """Return which players two seeds agree to have an effect, bool ``(n_players,)``.

    Means of sizes are above zero by noise alone. The product of two independent seeds is not: its mean over rows is
    that of the squared effects.
    """
    assert explanation.second is not None, "kept for images"
    products = explanation.shapley.values[..., 0] * explanation.second.values[..., 0]
    n = len(products)
    if n == 1:
        return products[0] > 0
    error = products.std(axis=0, ddof=1) / np.sqrt(n)
    return (products.mean(axis=0) > _CLEAR * error) & (products.mean(axis=0) > 0)


def _mean_effects(explanation: ModelExplanation) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean effect of each player over rows and its standard error, float64 ``(n_players,)`` each.

    Rows share what was drawn, so the errors of sampling are taken as if they all went the same way.
    """
    values, sampling = explanation.shapley.values[..., 0], explanation.shapley.standard_error[..., 0]
    n = len(values)
    drawn = values.var(axis=0, ddof=1) / n * (1 - n / explanation.n_rows) if n > 1 else np.zeros(values.shape[1])
    return values.mean(axis=0), np.sqrt(drawn + sampling.mean(axis=0) ** 2)
