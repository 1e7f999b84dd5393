"""Generated scans whose lesions are known, beside distractors that differ from a lesion in their shape alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from appkit.data.image_dataset import ImageDataset

__all__ = ["make_phantoms"]

SMALLEST = 28
RADIUS = 1 / 7  # of an object, as a share of the image's side
MOST_DRAWS = 200  # of places for one object before all are laid anew

GREY, LEAST_GREY, MOST_GREY = 110.0, 2.0, 253.0  # of 255: nothing is clipped but the rarest pixel
CONTRAST = (45.0, 65.0)  # of the brightest part of an object over its ground, in grey values
NOISE = 5.0
BODY, ORGAN, TISSUE = 36.0, 22.0, 7.0  # how far the parts of the ground sway, in grey values
N_ORGANS = 3

SITES = {"north": 0.45, "south": 0.35, "east": 0.2}  # shares of patients
FAINT_SITE, FAINTNESS = "east", 0.6  # its scanner shows everything at less contrast, lesions and ground alike
AGE_BANDS = {"under 40": 0.25, "40 to 64": 0.45, "65 and over": 0.3}
MOST_IMAGES = 3  # of a patient


def make_phantoms(
    n: int = 600, *, size: int = 28, n_distractors: int = 3, random_state: int | None = 0
) -> ImageDataset:
    """Return grey images of which half show a lesion, with masks of the lesion and of what only resembles it.

    A lesion is a bright ring in a disk; the distractors are a spot, a bar, a half-disk or two bars in the same disk.
    All objects of an image lie on disks of one size and hold exactly the same grey values above their ground: only the
    arrangement within the disk differs. A clear image has one distractor more, so that the number of objects is the
    same too. Places, ground, contrast, patient and site are drawn alike for both labels. So neither the mean, the
    spread or the extremes of an image tell its label, nor does the place, area or contrast of an object: a model that
    beats chance has seen the ring, and an explanation that points to it among the distractors has seen why.

    Each patient has one to three images, of one label and one anatomy: they belong on one side of a split (``groups``),
    and intervals go by patient. ``metadata`` holds patient, sex, age band and site; at the site ``"east"`` everything
    has 40 % less contrast.

    Parameters
    ----------
    n
        Number of images, at least 4; for an even number exactly half show a lesion.
    size
        Height and width in pixels, at least 28.
    n_distractors
        Distractors in an image with a lesion, 1 to 3.
    random_state
        Seed of the draw.

    Examples
    --------
    >>> phantoms = make_phantoms(60)
    >>> phantoms
    <ImageDataset phantoms: 60 images, 28 x 28 grey, event 'lesion'>
    >>> int(phantoms.masks.any(axis=(1, 2)).sum())
    30
    """
    _check_options(n, size, n_distractors)
    rng = np.random.default_rng(random_state)
    patients = _draw_patients(rng, n)
    scans = [
        _scan(rng, patient, size=size, n_objects=n_distractors + 1) for patient in patients for _ in patient.images
    ]
    metadata = pd.DataFrame([patient.facts for patient in patients for _ in patient.images])
    return ImageDataset(
        name="phantoms",
        description=f"Generated scans with ring-shaped lesions among {n_distractors} or more objects of other shapes.",
        X=np.stack([scan.pixels for scan in scans]),
        y=pd.Series([scan.label for scan in scans], name="finding"),
        target="whether the image shows a lesion",
        event="lesion",
        licence="BSD-3-Clause, as this package",
        citation="none needed: generated data",
        source="domains.medical.make_phantoms",
        protocol="group",
        groups=metadata["patient"],
        metadata=metadata,
        masks=np.stack([scan.mask for scan in scans]),
        distractors=np.stack([scan.distractors for scan in scans]),
    )


@dataclass(frozen=True, eq=False)
class _Patient:
    images: range
    has_lesion: bool
    facts: dict[str, str]
    seed: int  # of the anatomy, which all images of a patient share


@dataclass(frozen=True, eq=False)
class _Scan:
    pixels: np.ndarray  # uint8 (size, size)
    label: str
    mask: np.ndarray  # bool (size, size)
    distractors: np.ndarray


def _draw_patients(rng: np.random.Generator, n: int) -> list[_Patient]:
    """Draw patients two by two, one with a lesion and one without, with as many images each."""
    patients: list[_Patient] = []
    left = n
    while left > 0:
        n_images = min(int(rng.integers(1, MOST_IMAGES + 1)), max(left // 2, 1))
        first_has_lesion = bool(rng.integers(2))
        for has_lesion in (first_has_lesion, not first_has_lesion)[:left]:
            patients.append(_draw_patient(rng, len(patients), n_images=n_images, has_lesion=has_lesion))
        left -= 2 * n_images
    return patients


def _draw_patient(rng: np.random.Generator, number: int, *, n_images: int, has_lesion: bool) -> _Patient:
    facts = {
        "patient": f"patient {number + 1}",
        "sex": str(rng.choice(["female", "male"])),
        "age_band": str(rng.choice(list(AGE_BANDS), p=list(AGE_BANDS.values()))),
        "site": str(rng.choice(list(SITES), p=list(SITES.values()))),
    }
    return _Patient(range(n_images), has_lesion, facts, seed=int(rng.integers(2**31)))


def _scan(rng: np.random.Generator, patient: _Patient, *, size: int, n_objects: int) -> _Scan:
    """Lay objects on the patient's anatomy, then let the scanner add its noise and take its contrast."""
    shapes = [str(shape) for shape in rng.choice(list(DISTRACTORS), n_objects)]
    if patient.has_lesion:
        shapes[-1] = "ring"
    centres = _draw_centres(rng, size, n_objects)
    objects, disks = _objects(rng, [SHAPES[shape] for shape in shapes], centres, size=size)
    grey = _ground(rng, patient.seed, size) + rng.uniform(*CONTRAST) * objects.sum(axis=0)
    if patient.facts["site"] == FAINT_SITE:
        grey = GREY + FAINTNESS * (grey - GREY)
    grey = np.clip(grey + rng.normal(0, NOISE, grey.shape), LEAST_GREY, MOST_GREY)
    is_lesion = np.array([shape == "ring" for shape in shapes])
    return _Scan(
        pixels=np.round(grey).astype(np.uint8),
        label="lesion" if patient.has_lesion else "clear",
        mask=disks[is_lesion].any(axis=0),
        distractors=disks[~is_lesion].any(axis=0),
    )


def _draw_centres(rng: np.random.Generator, size: int, n_objects: int) -> np.ndarray:
    """Draw places ``(n_objects, 2)``, on the pixel grid so that all disks have one form, that keep a pixel apart."""
    reach = RADIUS * size
    margin = int(np.ceil(reach)) + 1
    while True:
        centres: list[np.ndarray] = []
        for candidate in rng.integers(margin, size - margin, size=(MOST_DRAWS, 2)):
            if all(np.hypot(*(candidate - other)) > 2 * reach + 1 for other in centres):
                centres.append(candidate)
            if len(centres) == n_objects:
                return rng.permutation(np.stack(centres))  # the last is the lesion: no place in the order of drawing


def _objects(
    rng: np.random.Generator, shapes: list["Shape"], centres: np.ndarray, *, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each object adds to its ground, 0 to 1, and the disk it fills, both ``(n_objects, size, size)``."""
    rows, columns = np.mgrid[:size, :size]
    heights, disks = np.zeros((len(shapes), size, size)), np.zeros((len(shapes), size, size), dtype=bool)
    for index, (shape, centre) in enumerate(zip(shapes, centres, strict=True)):
        down, right = rows - centre[0], columns - centre[1]
        disk = np.hypot(down, right) <= RADIUS * size
        angle = rng.uniform(0, 2 * np.pi)
        along = (np.cos(angle) * right + np.sin(angle) * down)[disk] / (RADIUS * size)
        across = (np.cos(angle) * down - np.sin(angle) * right)[disk] / (RADIUS * size)
        disks[index] = disk
        ranks = np.argsort(np.argsort(shape(along, across), kind="stable"))
        heights[index][disk] = _profile(len(ranks))[ranks]
    return heights, disks


def _profile(n_pixels: int) -> np.ndarray:
    """Return the grey values every object holds, brightest first: two fifths bright, then a soft edge, then none."""
    return np.clip((0.55 - np.linspace(0, 1, n_pixels)) / 0.3, 0, 1)


def _ground(rng: np.random.Generator, seed: int, size: int) -> np.ndarray:
    """Return the patient's anatomy, moved a little from image to image, with tissue that is new in each."""
    anatomy = np.random.default_rng(seed)
    shift = rng.uniform(-0.04, 0.04, 2)
    down, right = (np.mgrid[:size, :size] + 0.5) / size - 0.5 + shift[:, None, None]
    tilt = anatomy.uniform(0, 2 * np.pi)
    body = BODY * (0.5 - 2 * np.hypot(down, right) ** 2) + BODY * (np.cos(tilt) * down + np.sin(tilt) * right)
    for _ in range(N_ORGANS):
        (y, x), (tall, wide) = anatomy.uniform(-0.4, 0.4, 2), anatomy.uniform(0.12, 0.3, 2)
        sign = anatomy.choice([-1, 1])
        body = body + sign * ORGAN * np.exp(-(((down - y) / tall) ** 2 + ((right - x) / wide) ** 2))
    tissue = gaussian_filter(rng.normal(size=(size, size)), size / 16, mode="wrap")
    return GREY + body + TISSUE * tissue / tissue.std()


def _check_options(n: int, size: int, n_distractors: int) -> None:
    if n < 4:
        raise ValueError(f"n must be at least 4 images, got {n!r}.")
    if size < SMALLEST:
        raise ValueError(
            f"size must be at least {SMALLEST} pixels, or a ring cannot be told from a spot, got {size!r}."
        )
    if n_distractors not in (1, 2, 3):
        raise ValueError(f"n_distractors must be 1, 2 or 3, or the objects do not fit, got {n_distractors!r}.")


Shape = Callable[[np.ndarray, np.ndarray], np.ndarray]
# each gives the order in which the pixels of a disk are filled, brightest first, from coordinates between -1 and 1
DISTRACTORS: dict[str, Shape] = {
    "spot": lambda along, across: np.hypot(along, across),
    "bar": lambda along, across: np.abs(across),
    "half": lambda along, across: across,
    "bars": lambda along, across: np.abs(np.abs(across) - 0.62),
}
SHAPES: dict[str, Shape] = {**DISTRACTORS, "ring": lambda along, across: np.abs(np.hypot(along, across) - 0.78)}
