"""Do the images of a report look like those of training: four statistics of each image, and copies among both."""

import hashlib
from dataclasses import dataclass

import numpy as np

from appkit.prediction import Estimate, auc
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.image_statistics import STATISTICS, image_statistics
from appkit.reporting.content.image_subject import ImageSubject
from appkit.reporting.content.phrasing import first_that_fits, percent
from appkit.reporting.facts import (
    Axis,
    Block,
    DataTable,
    FairnessFigure,
    Group,
    Measure,
    NotFilled,
    Section,
    WarningBox,
)
from appkit.reporting.numbers import count_text, number_text

__all__ = ["ImageShift", "image_shift", "shift_finding", "shift_section"]

LIMIT = "Image shift"
"""Name of the limit on the share of pairs: ``limits={"Image shift": (0.4, 0.6)}``."""

_MOST_IMAGES = 1_000  # of each side: their shares are told to two points, and a larger set takes longer to read
_ALIKE = 0.5


@dataclass(frozen=True)
class ImageShift:
    """One statistic of images, here against in training.

    Parameters
    ----------
    name
        ``"Brightness"``.
    share
        How often an image of the report has more of it than one of training; a half where both are alike.
    before, after
        Medians in training and here.
    """

    name: str
    share: Estimate
    before: float
    after: float


def shift_section(context: ReportContext) -> Section | None:
    """Return what can be said of the images against those of training; ``None`` where rows are no images."""
    if not isinstance(context.subject, ImageSubject):
        return None
    question = "Do the images of this report look like those the model learnt from?"
    return Section(key="drift", title="Images against training", question=question, blocks=_blocks(context))


def image_shift(
    reference: np.ndarray,
    current: np.ndarray,
    *,
    groups: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
) -> tuple[ImageShift, ...]:
    """Return how often images of ``current`` have more of each statistic than images of ``reference``.

    Parameters
    ----------
    reference, current
        ``(n_images, height, width, n_channels)``.
    groups
        Patient of each image of either side, where known; both need them, or neither.

    Examples
    --------
    >>> dark = np.arange(20, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 4, 4, 1), dtype=np.uint8)
    >>> image_shift(dark, dark + 40)[0].share.value
    1.0
    """
    before, after = image_statistics(reference), image_statistics(current)
    is_current = np.repeat([False, True], [len(reference), len(current)])
    clusters = _clusters(groups)
    return tuple(
        ImageShift(
            name,
            auc(is_current, np.concatenate([before[name], after[name]]), groups=clusters),
            float(np.median(before[name])),
            float(np.median(after[name])),
        )
        for name in STATISTICS
    )


def shift_finding(shifts: tuple[ImageShift, ...]) -> str:
    """Return which statistics tell the report from training, by whether an interval holds a half.

    Examples
    --------
    >>> even = Estimate("AUC", 0.52, 0.45, 0.58, method="DeLong", n=90)
    >>> shift_finding((ImageShift("Brightness", even, 0.3, 0.31),))
    'No statistic tells the images of this report from those of training'
    """
    told = [shift for shift in shifts if not shift.share.low <= _ALIKE <= shift.share.high]
    if not told:
        return "No statistic tells the images of this report from those of training"
    most = max(told, key=lambda shift: abs(shift.share.value - _ALIKE))
    share = max(most.share.value, 1 - most.share.value)
    way = "higher" if most.share.value > _ALIKE else "lower"
    in_pairs = f"{way} here than in training in {percent(share)} of pairs"
    if len(told) == 1:
        return f"{most.name} is {in_pairs}"
    return first_that_fits(
        f"{len(told)} of {len(shifts)} statistics differ from training; {most.name.lower()} is {way} in "
        f"{percent(share)} of pairs",
        f"{len(told)} of {len(shifts)} statistics differ from training",
    )


def _blocks(context: ReportContext) -> tuple[Block, ...]:
    if context.reference_images is None:
        why = "No training images were given, and a model keeps none: they may be of patients"
        return (NotFilled(item="Images against training", why=why, argument="reference="),)
    copies = _copies_box(context)
    return (_figure(context),) if copies is None else (copies, _figure(context))


def _figure(context: ReportContext) -> FairnessFigure:
    assert isinstance(context.subject, ImageSubject)
    assert context.reference_images is not None
    seed = context.random_state
    before = _drawn(context.reference_images, context.reference_images.units, seed)
    after = _drawn(context.subject, context.units, seed)
    shifts = image_shift(before[0], after[0], groups=(before[1], after[1]))
    is_clustered = before[1] is not None and after[1] is not None
    return FairnessFigure(
        key="image-shift",
        finding=shift_finding(shifts),
        caption=f"{count_text(len(after[0]))} images of this report against {count_text(len(before[0]))} of training, "
        "as the network sees them. "
        + (f"Bars: 95 % intervals, each {context.words['group']} as one draw." if is_clustered else "")
        + ("" if is_clustered else "Bars: 95 % intervals (DeLong)."),
        how_to_read="Take one image of each side at random: the dot says how often that of this report has more. On "
        "the solid line both sides are alike; a bar that touches it shows no difference. One of four bars may miss "
        "it by chance.",
        axis=Axis("pairs in which the image of this report has more (%)", "%"),
        groups=tuple(Group(shift.name, shift.share.n, _share(shift)) for shift in shifts),
        limit=context.limits.get(LIMIT),
        no_difference=_ALIKE,
        twin=_twin(shifts),
    )


def _twin(shifts: tuple[ImageShift, ...]) -> DataTable:
    return DataTable(
        caption="Medians of each statistic, and the share of pairs with its 95 % interval; grey values from 0 to 1",
        columns=("Statistic", "What is measured", "Training", "This report", "More here"),
        rows=tuple(
            (
                shift.name,
                STATISTICS[shift.name],
                number_text(shift.before, 3),
                number_text(shift.after, 3),
                _share(shift),
            )
            for shift in shifts
        ),
    )


def _share(shift: ImageShift) -> Measure:
    return Measure.of(shift.share, unit="%", decimals=0)


def _drawn(subject: ImageSubject, groups: np.ndarray | None, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return at most a thousand images, drawn by the seed, and their patients where known."""
    n = len(subject.images)
    chosen = np.sort(np.random.default_rng(seed).choice(n, min(n, _MOST_IMAGES), replace=False))
    return subject.images.pixels[chosen], None if groups is None else groups[chosen]


def _clusters(groups: tuple[np.ndarray | None, np.ndarray | None]) -> np.ndarray | None:
    """Return one code per patient over both sides; a patient of training is taken to be another than one here."""
    codes = [None if own is None else np.unique(own.astype(str), return_inverse=True)[1] for own in groups]
    before, after = codes
    if before is None or after is None:
        return None
    return np.concatenate([before, after + before.max() + 1])


def _copies_box(context: ReportContext) -> WarningBox | None:
    """Return how many images of the report are, pixel by pixel, images of training."""
    assert isinstance(context.subject, ImageSubject)
    assert context.reference_images is not None
    known = set(_hashes(context.reference_images.images.pixels))
    copies = [i for i, digest in enumerate(_hashes(context.subject.images.pixels)) if digest in known]
    if not copies:
        return None
    names = context.X.index[copies[:5]].astype(str).tolist()
    more = f" and {count_text(len(copies) - 5)} more" if len(copies) > 5 else ""
    are = "is" if len(copies) == 1 else "are"
    return WarningBox(
        level="open",
        finding=f"{count_text(len(copies))} of {count_text(context.n)} images {are} also in training",
        text=f"{', '.join(names)}{more}: equal to training images pixel by pixel. What is measured on them is too "
        "good; leave them out.",
    )


def _hashes(pixels: np.ndarray) -> list[bytes]:
    return [hashlib.blake2b(np.ascontiguousarray(image).tobytes(), digest_size=16).digest() for image in pixels]
