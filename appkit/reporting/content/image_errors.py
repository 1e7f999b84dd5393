"""The images a model gets most wrong: as pictures where they may be shown, else as a list of where to find them."""

from collections.abc import Sequence

import numpy as np

from appkit.plots.images import luminance
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.image_subject import ImageSubject
from appkit.reporting.content.phrasing import capital, first_that_fits
from appkit.reporting.content.png import colour_png_text, page_size, png_text
from appkit.reporting.content.valuing import value_words
from appkit.reporting.facts import DataTable, Measure, Thumbnail, ThumbnailGallery, Verdict
from appkit.reporting.facts.gallery import MAX_SIDE, MAX_THUMBNAILS
from appkit.reporting.numbers import count_text

__all__ = ["image_errors", "thumbnail", "thumbnail_gallery"]

_LISTED = 10
_OF_A_KIND = MAX_THUMBNAILS // 2


def image_errors(context: ReportContext) -> ThumbnailGallery | DataTable | None:
    """Return the images furthest from their labels; ``None`` where rows are no images, or none is wrong.

    Of two classes at most twelve missed events and twelve false alarms, the worst first; of other tasks the 24 largest
    errors. Where images may not be shown, ten of them by name.
    """
    if not isinstance(context.subject, ImageSubject):
        return None
    rows = _worst(context)
    if not len(rows):
        return None
    if context.subject.shows:
        return thumbnail_gallery(context, rows, key="errors-shown", finding=_finding(context, rows))
    return _list(context, rows[:_LISTED])


def thumbnail_gallery(
    context: ReportContext, rows: Sequence[int] | np.ndarray, *, key: str, finding: str, caption: str = ""
) -> ThumbnailGallery:
    """Return pictures of images of the report, at most 24, with their labels and what the model said.

    Parameters
    ----------
    context
        Of a report on images that may be shown.
    rows
        Positions of the images, in the order shown.
    key, finding, caption
        Of the figure.

    Raises
    ------
    ValueError
        If the caller did not ask for images, or the rows are none or too many.
    """
    subject = context.subject
    if not (isinstance(subject, ImageSubject) and subject.shows):
        raise ValueError("images may not be shown unless the caller asks: report(..., show_images=True).")
    height, width = page_size(subject.images.pixels.shape[1:3], most=MAX_SIDE)
    small = f"{height} × {width} pixels, as the network sees them"
    return ThumbnailGallery(
        key=key,
        finding=finding,
        caption=caption or f"{len(rows)} of {count_text(context.n)} {context.words['rows']}, {small}.",
        thumbnails=tuple(thumbnail(context, int(row)) for row in rows),
        output_label=_output_label(context),
    )


def thumbnail(context: ReportContext, row: int) -> Thumbnail:
    """Return one image of the report with its caption."""
    assert isinstance(context.subject, ImageSubject)
    image = context.subject.images.pixels[row]
    height, width = page_size(image.shape, most=MAX_SIDE)
    return Thumbnail(
        name=str(context.X.index[row]),
        image=_png(image, (height, width)),
        width=width,
        height=height,
        label=str(context.y[row]),
        output=_said(context, row),
        verdict=_verdict(context, row),
    )


def _png(image: np.ndarray, size: tuple[int, int]) -> str:
    """Return a small PNG; colours as they are, grey values and real numbers spread over their own range."""
    if image.shape[2] == 3 and image.dtype.kind == "u":
        return colour_png_text(image / np.iinfo(image.dtype).max, size)
    return png_text(luminance(image), size)


def _worst(context: ReportContext) -> np.ndarray:
    """Return positions of the images furthest from their labels, int64 ``(n_worst,)``; right answers are none."""
    if context.flagged is not None:
        distance = np.abs(context.events - context.output)
        wrong = context.flagged != context.events
        kinds = [np.flatnonzero(wrong & context.events), np.flatnonzero(wrong & ~context.events)]
        chosen = [own[np.argsort(-distance[own], kind="stable")][:_OF_A_KIND] for own in kinds]
        return np.concatenate(chosen)
    if context.subject.task == "multiclass":
        distance, wrong = np.abs(context.events - context.output), context.subject.labels() != context.y
    else:
        distance, wrong = np.abs(context.y - context.output), context.y != context.output
    own = np.flatnonzero(wrong)
    return own[np.argsort(-distance[own], kind="stable")][:MAX_THUMBNAILS]


def _finding(context: ReportContext, rows: np.ndarray) -> str:
    """Return how many of the errors are shown."""
    words = context.words
    if context.flagged is None:
        return f"The {len(rows)} {words['rows']} furthest from their labels"
    missed = int((context.events & ~context.flagged).sum())
    alarms = int((~context.events & context.flagged).sum())
    what = f"{count_text(missed)} {words['events'] if missed != 1 else words['event']} missed"
    others = f"{count_text(alarms)} false {'alarms' if alarms != 1 else 'alarm'}"
    whole = "all shown" if missed + alarms == len(rows) else f"the worst {len(rows)} shown"
    return first_that_fits(f"{capital(what)}, {others}; {whole}", f"{len(rows)} errors shown")


def _verdict(context: ReportContext, row: int) -> Verdict | None:
    if context.flagged is None:
        return None
    if context.flagged[row] == context.events[row]:
        return Verdict("pass", "right")
    return Verdict("fail", "missed" if context.events[row] else "false alarm")


def _said(context: ReportContext, row: int) -> Measure:
    unit = "%" if context.subject.is_probability else context.words["unit"]
    return Measure(float(context.output[row]), unit=unit, decimals=1 if unit == "%" else None)


def _output_label(context: ReportContext) -> str:
    if context.subject.task == "binary":
        return f"Probability of {context.words['event']}"
    if context.subject.is_probability:
        return f"Probability of {context.subject.output}"
    return f"Predicted {value_words(context)}"


def _list(context: ReportContext, rows: np.ndarray) -> DataTable:
    words = context.words
    return DataTable(
        title=_finding(context, rows).replace("shown", "listed"),
        caption=f"{capital(words['rows'])} furthest from their labels, by their place in the data from 0; images may "
        "be of patients and are shown only when asked for (show_images=)",
        columns=(capital(words["row"]), "Label", _output_label(context), "Verdict"),
        rows=tuple(
            (
                str(context.X.index[row]),
                str(context.y[row]),
                _said(context, int(row)),
                _verdict(context, int(row)) or "none",
            )
            for row in rows
        ),
    )
