"""Maps of several methods over one image, side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from appkit.explanation import Explanation, MethodComparison
from appkit.plots.canvas import axes_for, colour_ends, draw_ramp, new_grid, wrapped
from appkit.plots.image_overlay import draw_outline, overlay
from appkit.plots.images import image_layout, luminance, segment_values
from appkit.plots.palette import OVER_IMAGE, Palette
from appkit.plots.ramp import ramp_end, ramp_steps
from appkit.plots.selection import RowValues, output_position, row_values
from appkit.plots.wording import EffectUnit, effect_unit, method_name, tick_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["image_methods"]

_PANEL = (2.3, 3.25)  # inches
_MOST_COLUMNS = 4


def image_methods(
    explanations: MethodComparison | Mapping[str, Explanation] | Sequence[Explanation],
    row: int = 0,
    *,
    output: int | str | None = None,
    verdicts: Mapping[str, str] | Sequence[str] | None = None,
    truth: np.ndarray | None = None,
    event_at: str = "high",
    n_columns: int = _MOST_COLUMNS,
) -> "Figure":
    """Draw the image, then each method's map over it; maps of the same units share one scale.

    The first map of a unit sets its scale; where another goes past it, the number of segments that do is said below.

    Parameters
    ----------
    explanations
        Of the same images: what :func:`~appkit.explanation.comparison.compare_methods` returns, explanations by name,
        or several in a sequence.
    row, output, truth, event_at
        As in :func:`~appkit.plots.image_map`.
    verdicts
        What the certificate says of each, in a word or two, by name or in the same order; set below the map.
    n_columns
        Pictures a line, the image itself included.

    Raises
    ------
    ValueError
        If there is nothing to draw, verdicts do not fit, or explanations are of other images.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> from appkit.explanation import explain_game
    >>> from appkit.explanation.games import image_game
    >>> game = image_game(lambda x: x[:, :2].mean((1, 2)), np.eye(4)[None], n_players=4)
    >>> figure = image_methods([explain_game(game), explain_game(game, "occlusion")])
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['Image', 'Shapley (exact)', 'Occlusion']
    """
    names, maps = _named(explanations.explanations if isinstance(explanations, MethodComparison) else explanations)
    said = _verdicts_by_place(verdicts, names)
    _check_same_images(maps, row)
    own = [row_values(item, row, output) for item in maps]
    units = [effect_unit(item, output_position(item, output)) for item in maps]
    ends = _shared_ends(own, units)
    figure, panels = new_grid(1 + len(maps), n_columns=n_columns, panel=_PANEL)
    palette = axes_for(panels[0])[1]
    colours = OVER_IMAGE if colour_ends(palette, event_at=event_at)[1] == palette.up else OVER_IMAGE[::-1]
    _draw_image(panels[0], maps[0], row, truth=truth)
    panels[0].set_title("Image", loc="left", fontsize="small", color=palette.ink)
    for panel, item, values, unit, name, verdict in zip(panels[1:], maps, own, units, names, said, strict=True):
        _draw_image(panel, item, row, truth=truth)
        steps = ramp_steps(values.values, values.is_told_from_zero(), end=ends[unit.effect])
        shown = segment_values(image_layout(item).segments[row], values.players, steps)
        panel.imshow(overlay(shown, colours), interpolation="nearest")
        panel.set_title(wrapped(_title(name, item), panel, 9), loc="left", fontsize="small", color=palette.ink)
        label = wrapped("\n".join(filter(None, (_scale_words(unit, values, ends[unit.effect]), verdict))), panel, 8)
        draw_ramp(panel, colours, _tips(unit, ends[unit.effect]), label, below=0.2)
    _explain_colours(panels[0], palette, has_truth=truth is not None, are_bare=[_is_bare(values) for values in own])
    return figure


def _named(
    explanations: Mapping[str, Explanation] | Sequence[Explanation],
) -> tuple[tuple[str, ...], list[Explanation]]:
    """Return names, empty where the method itself says enough, and explanations."""
    named = (
        dict(explanations) if isinstance(explanations, Mapping) else {str(i): one for i, one in enumerate(explanations)}
    )
    if not named:
        raise ValueError("explanations must hold at least one, got none.")
    names = tuple(named) if isinstance(explanations, Mapping) else ("",) * len(named)
    return names, list(named.values())


def _title(name: str, explanation: Explanation) -> str:
    cut = "superpixels" if name == "superpixels" else ""
    return f"{method_name(explanation)}, {cut}" if cut else method_name(explanation)


def _verdicts_by_place(verdicts: Mapping[str, str] | Sequence[str] | None, names: tuple[str, ...]) -> tuple[str, ...]:
    if verdicts is None:
        return ("",) * len(names)
    if isinstance(verdicts, Mapping):
        unknown = sorted(set(verdicts) - set(names))
        if unknown:
            raise ValueError(f"verdicts must name explanations, {list(names)}, got {unknown}.")
        return tuple(verdicts.get(name, "") for name in names)
    if len(verdicts) != len(names):
        raise ValueError(f"verdicts must be one per explanation, {len(names)}, got {len(verdicts)}.")
    return tuple(verdicts)


def _check_same_images(maps: Sequence[Explanation], row: int) -> None:
    shown = [image_layout(item).images[row] for item in maps]
    if not all(np.array_equal(shown[0], other) for other in shown[1:]):
        raise ValueError(f"explanations must be of the same images, row {row} of them differs.")


def _shared_ends(own: Sequence[RowValues], units: Sequence[EffectUnit]) -> dict[str, float]:
    """Return the end of the ramp for each unit: the largest effect of the first map in it that has any."""
    ends: dict[str, float] = {}
    for values, unit in zip(own, units, strict=True):
        if unit.effect not in ends and values.values.any():
            ends[unit.effect] = ramp_end(values.values)
    return {unit.effect: 1.0 for unit in units} | ends


def _has_no_unit(unit: EffectUnit) -> bool:
    return "no unit" in unit.effect


def _tips(unit: EffectUnit, end: float) -> tuple[str, str]:
    if _has_no_unit(unit):
        return "", "strongest"
    low, high = (tick_text(float(f"{sign * unit.scale * end:.2g}")) for sign in (-1, 1))
    return low, high


def _scale_words(unit: EffectUnit, values: RowValues, end: float) -> str:
    """Return what the ramp counts in, and how many segments lie past its ends."""
    words = "no unit, scale of its own" if _has_no_unit(unit) else unit.short or "effect"
    n_past = int((np.abs(values.values) > end * (1 + 1e-9)).sum())
    return f"{words}; {n_past} past the ends" if n_past else words


def _is_bare(values: RowValues) -> bool:
    return bool(np.isnan(values.standard_error).any())


def _draw_image(ax: "Axes", explanation: Explanation, row: int, *, truth: np.ndarray | None) -> None:
    image = luminance(image_layout(explanation).images[row])
    ax.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    if truth is not None:
        draw_outline(ax, np.asarray(truth) != 0)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _explain_colours(ax: "Axes", palette: Palette, *, has_truth: bool, are_bare: Sequence[bool]) -> None:
    """Say under the image what colours mean."""
    words = "Colour: effect of a segment, on one scale for all maps in the same unit."
    if not all(are_bare):
        words += " Clear: within 2 standard errors of zero."
    if any(are_bare):
        words += " Maps without standard errors leave no segment clear."
    words += " Dashed: the true outline." if has_truth else ""
    ax.annotate(
        wrapped(words, ax, 8), (0, 0), (0, -8), xycoords="axes fraction", textcoords="offset points", va="top",
        fontsize="x-small", color=palette.note, annotation_clip=False,
    )  # fmt: skip
