"""The parts of a study's data, training, validation and test, and what two of them have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from appkit.data.duplicates import duplicate_groups, image_hashes
from appkit.data.images import Images
from appkit.reporting import ReportContext
from appkit.reporting.content.subject import ImageSubject

__all__ = ["Overlap", "Part", "find_overlaps", "parts_of"]

_MOST_COMPARED = 6_000  # images whose near likeness is looked for: the work grows with their square


@dataclass(frozen=True, eq=False)
class Part:
    """Images of one use.

    Parameters
    ----------
    name
        ``"training"``, ``"validation"`` or ``"test"``.
    n
        Images.
    y
        Their labels, ``(n,)``, where given.
    images
        As the model sees them, where the report holds them.
    patients
        Label of the patient of each image, ``(n,)``, where known: comparable between parts.
    n_patients
        Patients; ``None`` where they are not known.
    records
        What else the caller's table has on each image, one row an image, where it is a table.
    """

    name: str
    n: int
    y: np.ndarray | None = None
    images: Images | None = None
    patients: np.ndarray | None = None
    n_patients: int | None = None
    records: pd.DataFrame | None = None


@dataclass(frozen=True)
class Overlap:
    """What two parts have in common, or one part has twice.

    Parameters
    ----------
    first, second
        Names of the parts; the same name for repetitions within one.
    n_equal
        Images of the second part of which an equal one is in the first (within one part: beyond the first of equal
        ones); ``None`` where the images of a part are not at hand.
    n_near
        Images of the second part that are nearly one of the first, and equal to none; ``None`` where it was not looked
        for.
    n_patients
        Patients in both; ``None`` within one part, and where patients are not known.
    """

    first: str
    second: str
    n_equal: int | None = None
    n_near: int | None = None
    n_patients: int | None = None

    @property
    def is_within(self) -> bool:
        """Whether it tells of repetitions within one part."""
        return self.first == self.second


def parts_of(context: ReportContext) -> tuple[Part, ...]:
    """Return the parts that are known, in the order of their use; the last one is the test part."""
    found = (_training(context), _validation(context), _test(context))
    return tuple(part for part in found if part is not None)


def find_overlaps(parts: Sequence[Part], *, most_compared: int = _MOST_COMPARED) -> tuple[Overlap, ...]:
    """Return what each part holds twice and what each two have in common, in the order of the parts.

    Near likeness, as :func:`~appkit.data.duplicates.duplicate_groups` finds it, is looked for where all parts together
    have at most ``most_compared`` images.

    Examples
    --------
    >>> pixels = np.random.default_rng(0).integers(0, 255, (6, 32, 32, 1)).astype(np.uint8)
    >>> train, test = pixels[:4], np.concatenate([pixels[4:], pixels[:1], pixels[1:2] // 2 + 9])
    >>> parts = [Part(name, 4, images=Images(own, np.arange(4).astype(str))) for name, own in
    ...          (("training", train), ("test", test))]
    >>> [(one.first, one.second, one.n_equal, one.n_near) for one in find_overlaps(parts)]
    [('training', 'training', 0, 0), ('training', 'test', 1, 1), ('test', 'test', 0, 0)]
    """
    held = [part for part in parts if part.images is not None]
    equal, near = _codes(held, most_compared=most_compared)
    found = []
    for first, second in combinations_with_replacement(parts, 2):
        a, b = first.name, second.name
        n_equal = n_near = None
        if a in equal and b in equal:
            n_equal = _n_again(equal[a], equal[b], is_within=a == b)
            n_near = _n_again(near[a], near[b], is_within=a == b) - n_equal if near else None
        found.append(Overlap(a, b, n_equal, n_near, _n_common(first, second)))
    return tuple(found)


def _codes(parts: Sequence[Part], *, most_compared: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return a code per image by part: one for equal images, and one for images that are nearly the same, if sought."""
    pixels = [part.images.pixels for part in parts if part.images is not None]
    if not pixels:
        return {}, {}
    ends = np.cumsum([len(own) for own in pixels])
    names = [part.name for part in parts]
    hashes = np.concatenate([image_hashes(own) for own in pixels])  # part by part: they may lie in files
    equal = np.split(pd.factorize(hashes)[0], ends[:-1])
    if ends[-1] > most_compared:
        return dict(zip(names, equal, strict=True)), {}
    near = np.split(duplicate_groups(np.concatenate(pixels), near=True), ends[:-1])
    return dict(zip(names, equal, strict=True)), dict(zip(names, near, strict=True))


def _n_again(first: np.ndarray, second: np.ndarray, *, is_within: bool) -> int:
    return len(second) - len(np.unique(second)) if is_within else int(np.isin(second, first).sum())


def _n_common(first: Part, second: Part) -> int | None:
    if first.name == second.name or first.patients is None or second.patients is None:
        return None
    return len(set(first.patients.tolist()) & set(second.patients.tolist()))


def _training(context: ReportContext) -> Part | None:
    if context.reference_images is not None:
        subject = context.reference_images
        return _part("training", len(subject.images), context.reference_y, subject)
    if context.reference is None or context.reference_y is None:  # what a model keeps is no training part
        return None
    return Part("training", len(context.reference), context.reference_y)


def _validation(context: ReportContext) -> Part | None:
    given = context.validation
    if given is None:
        return None
    if given.images is not None:
        return _part("validation", len(given), given.y, given.images)
    n_patients = None if given.units is None else len(np.unique(given.units.astype(str)))
    return Part("validation", len(given), given.y, patients=given.units, n_patients=n_patients)


def _test(context: ReportContext) -> Part:
    n_patients = None if context.units is None else len(np.unique(context.units))
    if not isinstance(context.subject, ImageSubject):
        return Part("test", context.n, context.y, n_patients=n_patients, records=context.subgroups)
    patients = context.subject.units
    return Part("test", context.n, context.y, context.subject.images, patients, n_patients, context.subgroups)


def _part(name: str, n: int, y: np.ndarray | None, subject: ImageSubject) -> Part:
    patients = subject.units
    n_patients = None if patients is None else len(np.unique(patients.astype(str)))
    return Part(name, n, y, subject.images, patients, n_patients, subject.given)
