"""One image by every method its model allows: maps on one page, what was checked of each, and what is missing."""

from collections.abc import Sequence

import numpy as np

from appkit.explanation import Explanation
from appkit.explanation.certificate import Certificate
from appkit.plots.images import image_layout, luminance
from appkit.reporting.content.certificate import certificate_table
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.image_methods import N_COPIES, ImageMethods, MethodMap
from appkit.reporting.content.image_subject import ImageSubject
from appkit.reporting.content.maps import certified, image_map, moves_finding
from appkit.reporting.content.phrasing import capital
from appkit.reporting.content.png import page_size, png_text
from appkit.reporting.content.valuing import is_loss_low
from appkit.reporting.facts import (
    Badge,
    Block,
    Cell,
    DataTable,
    ImageMap,
    ImageMapFigure,
    Measure,
    NotFilled,
    RankTile,
)
from appkit.reporting.numbers import value_text

__all__ = ["image_case_blocks", "map_tile"]

_CHECKS = {"Deletion": 1, "Insertion": 1, "Random weights": 2}  # and the decimals they are told with


def image_case_blocks(context: ReportContext, methods: ImageMethods) -> tuple[Block, ...]:
    """Return badge, maps, the checks of each method, the certificate of the leading one, and methods left out."""
    leading = methods.leading
    table = certificate_table(
        leading.certificate.checks,
        context,
        n_players=len(leading.explanation.player_names),
        subject=f"{leading.name} map of {context.case.label}",
        players="patches",
        caption=f"Certificate of the {leading.name} map; numbers without an interval stand for this one image.",
    )
    return (_badge(leading), _figure(context, methods), _checks(context, methods), table, *_missing(methods))


def map_tile(context: ReportContext, methods: ImageMethods) -> RankTile:
    """Return the tile of how far the leading map of one image holds.

    A ranking of places over all images is no measure of a model: a finding may lie anywhere.
    """
    leading = methods.leading
    (verdict,) = leading.certificate.rows
    moved = _measured(leading.certificate, "Deletion", decimals=1)
    sentence = f"Patches of {context.case.label}, by {leading.name}."
    if moved is not None:
        times = value_text(moved)
        sentence = f"{sentence} Removing what ranks first moves the output {times} times as far as chance."
    return RankTile(
        name="Map of one image", reliable=verdict.rank or 0, total=verdict.n_players or 1, sentence=sentence
    )


def _badge(leading: MethodMap) -> Badge:
    """Return how far the order of patches of the leading map holds."""
    (verdict,) = leading.certificate.rows
    reason = f"{leading.name}: {verdict.reason} Colours hold within their standard errors."
    if verdict.status == "nothing to rank":
        return Badge(level="open", claim="Nothing on the map moves the prediction.", reason=reason)
    if verdict.status == "reliable":
        return Badge(level="pass", claim=f"The order of all {verdict.n_players} patches is settled.", reason=reason)
    if verdict.rank:
        claim = f"The order of patches is settled down to place {verdict.rank} of {verdict.n_players}."
        return Badge(level="open", claim=claim, reason=reason)
    return Badge(level="fail", claim="The order of patches is not reliable.", reason=reason)


def _figure(context: ReportContext, methods: ImageMethods) -> ImageMapFigure:
    assert isinstance(context.subject, ImageSubject)
    leading = methods.leading.explanation
    layout = image_layout(leading)
    height, width = page_size(layout.segments[0].shape)
    is_shown = bool(context.subject.shows)
    values, errors = leading.values[0, :, 0], leading.standard_error[0, :, 0]
    names = leading.player_names
    labels = _labels(context)
    return ImageMapFigure(
        key="case-maps",
        finding=moves_finding(names, values, errors, things="patches"),
        caption=f"{capital(context.case.label)}, {context.case.rule}: {_way(context, leading)}. Each map has a scale "
        "of its own. Segments within two standard errors of zero are left clear; a method without standard errors "
        f"leaves none clear. {_ground(context)}",
        width=width,
        height=height,
        maps=tuple(_map(item, labels) for item in methods.methods),
        image=png_text(luminance(layout.images[0])) if is_shown else "",
        image_note=f"{width} × {height} pixels, grey values spread over their range" if is_shown else "",
        is_reversed=is_loss_low(context),
    )


def _labels(context: ReportContext) -> tuple[str, str]:
    if context.subject.task == "regression":
        return "downward", "upward"
    event = context.words["event"] if context.subject.task == "binary" else str(context.subject.output)
    return "away", f"toward {event}"


def _map(item: MethodMap, labels: tuple[str, str]) -> ImageMap:
    is_strength = item.name == "Grad-CAM"
    return image_map(
        item.explanation,
        verdict=certified(item.certificate.rows[0]),
        labels=("", "strongest") if is_strength else labels,
        name=item.name,
        scale="strength" if is_strength else "signed",
    )


def _way(context: ReportContext, leading: Explanation) -> str:
    """Return from where to where the leading effects lead."""
    unit = "%" if context.subject.is_probability else context.words["unit"]
    base, output = (value_text(Measure(float(v), unit=unit)) for v in (leading.base_value[0, 0], leading.output[0, 0]))
    start = "the mean training image" if context.background.origin == "model" else "the images given as background"
    return f"the model says {base} to {start} and {output} to this one"


def _ground(context: ReportContext) -> str:
    assert isinstance(context.subject, ImageSubject)
    if context.subject.shows:
        return "The image lies below each map, in grey."
    return "The image itself is left out, for it may be a patient’s: maps lie on an empty ground."


def _checks(context: ReportContext, methods: ImageMethods) -> DataTable:
    """Return what was checked of each method, a method a row."""
    leading = methods.leading.name
    return DataTable(
        title=_title(methods.methods),
        caption="Deletion and insertion: how far the output moves, in multiples of random orders; random weights: rank "
        f"correlation with the maps of {N_COPIES} networks that learnt nothing; second seed: share of the five "
        f"strongest kept; agreement: rank correlation with {leading}, by patch. 95 % intervals below",
        columns=("Method", "Adds up", *_CHECKS, "Second seed", f"Agreement with {leading}", "Evaluations", "Verdict"),
        rows=tuple(_row(item) for item in methods.methods),
        how_to_read="Above 1 removing what ranks first moves the output further than chance does. A map that random "
        "weights leave alike shows the image, not what was learnt from others.",
    )


def _row(item: MethodMap) -> tuple[Cell, ...]:
    gap, seed = _measured(item.certificate, "Additivity gap"), _measured(item.certificate, "Second seed", unit="%")
    adds_up: Cell = "no promise" if gap is None else "yes" if gap.value <= 1e-5 else gap  # limit of the certificate
    agreement = item.agreement
    return (
        item.name,
        adds_up,
        *(_measured(item.certificate, name, decimals=decimals) or "none" for name, decimals in _CHECKS.items()),
        seed or "nothing drawn",
        "itself" if agreement is None else "flat" if np.isnan(agreement) else Measure(agreement, decimals=2),
        item.explanation.n_evaluations,
        certified(item.certificate.rows[0]),
    )


def _measured(certificate: Certificate, name: str, *, unit: str = "", decimals: int | None = None) -> Measure | None:
    """Return what a check measured; ``None`` where it does not apply."""
    found = next((check.measured for check in certificate.checks if check.name == name), None)
    if found is None:
        return None
    return Measure.of(found, unit=unit, decimals=0 if unit == "%" else decimals)


def _title(methods: Sequence[MethodMap]) -> str:
    """Return how many maps move the output further than random orders do, wholly."""
    ahead = [item.name for item in methods if (own := _measured(item.certificate, "Deletion")) and (own.low or 0) > 1]
    if len(ahead) == len(methods):
        return f"All {len(methods)} maps put first what moves the output"
    if not ahead:
        return "No map puts first what moves the output more than chance does"
    return f"{len(ahead)} of {len(methods)} maps put first what moves the output"


def _missing(methods: ImageMethods) -> tuple[NotFilled, ...]:
    return tuple(
        NotFilled(item=f"{name} of this image", why=reason, fill="a model or an image that allows it")
        for name, reason in methods.missing
    )
