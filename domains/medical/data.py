"""Medical images: public sets found on disk, a user's own folder, and phantoms whose lesions are known."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.duplicates import duplicate_groups, image_hashes
from appkit.data.image_dataset import ImageDataset
from appkit.data.image_folder import read_image_folder
from appkit.data.images import read_images
from appkit.data.sources import Source, find_file, find_folder
from appkit.exceptions import SchemaError
from domains.medical.phantoms import make_phantoms

__all__ = [
    "load_brain_mri",
    "load_busi",
    "load_chest_xray_test",
    "load_image_folder",
    "load_pneumoniamnist",
    "make_phantoms",
]


def load_pneumoniamnist(*, drop_duplicates: bool = True) -> ImageDataset:
    """Return PneumoniaMNIST: 5,856 chest radiographs of children, 28 x 28 grey, with the official three parts.

    No patients are published with them. The order of the training images of some copies differs; parts do not.

    Parameters
    ----------
    drop_duplicates
        Leave out the 10 of 4,708 training images that are, pixel for pixel, in the validation part too. Validation and
        test parts stay as published, so that results compare.

    Raises
    ------
    DatasetNotFoundError
        Where the file is not on disk, saying where to get it.
    SchemaError
        For a file of another layout.
    """
    arrays = _read_arrays(_PNEUMONIA_SOURCE, [f"{part}_{kind}" for part in _PARTS for kind in ("images", "labels")])
    images = [arrays[f"{part}_images"] for part in _PARTS]
    labels = [arrays[f"{part}_labels"].ravel() for part in _PARTS]
    if drop_duplicates:
        kept = ~np.isin(image_hashes(images[0]), image_hashes(images[1]))
        images[0], labels[0] = images[0][kept], labels[0][kept]
    part = np.repeat(_PARTS, [len(rows) for rows in images])
    return ImageDataset(
        name="pneumoniamnist",
        description="Chest radiographs of children, with pneumonia or without, at 28 x 28 (MedMNIST v2). "
        "The test part shows the same radiographs as chest_xray_test.",
        X=np.concatenate(images),
        y=pd.Series(np.array(["normal", "pneumonia"])[np.concatenate(labels)], name="finding"),
        target="whether the radiograph was read as pneumonia",
        event="pneumonia",
        licence="CC BY 4.0",
        citation="Yang, J. et al. (2023). MedMNIST v2. Scientific Data 10:41. doi:10.1038/s41597-022-01721-8; "
        "Kermany, D. et al. (2018). Cell 172(5).",
        source=_PNEUMONIA_SOURCE.address,
        protocol="published",
        given_validation=part == "val",
        given_test=part == "test",
    )


def load_busi(*, positive: str | None = "malignant") -> ImageDataset:
    """Return BUSI: 780 ultrasound images of breasts at 128 x 128 grey: 133 normal, 437 benign, 210 malignant.

    No patients are published. Many images are nearly the same: they make 603 groups, which stay whole in a split. In 8
    of these groups the same picture has two labels. ``metadata`` holds the published name and finding of each image.
    The file, ``busi_128.npz``, is made from the published PNG: ``images`` uint8 (780, 128, 128), their ``names``, and
    ``labels``, which are positions in ``classes``.

    Parameters
    ----------
    positive
        The finding whose probability is wanted, against the other two; ``None`` for three classes alike.

    Raises
    ------
    DatasetNotFoundError
        Where the file is not on disk, saying where to get it.
    SchemaError
        For a file of another layout.
    ValueError
        For another finding.
    """
    if positive is not None and positive not in _BUSI_FINDINGS:
        raise ValueError(f"positive must be one of {', '.join(_BUSI_FINDINGS)} or None, got {positive!r}.")
    arrays = _read_arrays(_BUSI_SOURCE, ["images", "labels", "names", "classes"])
    finding = pd.Series(arrays["classes"][arrays["labels"]], name="finding").astype("str")
    is_positive = finding == positive
    return ImageDataset(
        name="busi_128",
        description="Ultrasound images of breasts, some with calipers drawn in, resized to 128 x 128; near duplicates "
        "are grouped, and 8 groups hold the same picture under two labels.",
        X=arrays["images"],
        y=finding if positive is None else finding.where(is_positive, f"not {positive}"),
        target="which finding the image shows" if positive is None else f"whether the finding is {positive}",
        event=positive,
        licence="article CC BY 4.0; none stated for the data: no redistribution",
        citation="Al-Dhabyani, W. et al. (2020). Dataset of breast ultrasound images. Data in Brief 28:104863.",
        source=_BUSI_SOURCE.address,
        protocol="group",
        groups=pd.Series(duplicate_groups(arrays["images"]), name="near_duplicates"),
        metadata=pd.DataFrame({"name": arrays["names"], "finding": finding}),
    )


def load_brain_mri() -> ImageDataset:
    """Return Brain MRI Images: 253 files of many sizes and modes, 155 of them with a tumour.

    No patients are published. Images that are equal (25 files are copies of others, byte for byte) or nearly so make
    204 groups, which stay whole in a split: to find them, all files are decoded.

    Raises
    ------
    DatasetNotFoundError
        Where the folder is not on disk, saying where to get it.
    """
    table = read_image_folder(find_folder(_BRAIN_SOURCE))
    images = read_images(table["path"], size=128, channels="grey")
    return ImageDataset(
        name="brain_mri",
        description="Slices of brain MRI from many scanners, saved in many sizes and modes; too few for one split.",
        X=table[["path"]],
        y=table["label"].map({"yes": "tumour", "no": "no tumour"}).rename("finding"),
        target="whether the slice shows a tumour",
        event="tumour",
        licence="none stated by the publisher; no redistribution",
        citation="Chakrabarty, N. (2019). Brain MRI Images for Brain Tumor Detection. Kaggle.",
        source=_BRAIN_SOURCE.address,
        protocol="group",
        groups=pd.Series(duplicate_groups(images), name="near_duplicates"),
    )


def load_chest_xray_test() -> ImageDataset:
    """Return the test part of the chest radiographs of Kermany et al.: 624 JPEG of 300 x 300, 390 with pneumonia.

    They are PneumoniaMNIST's test images at a higher resolution: never train on the one and test on the other. The file
    names tell the finding, not the patient.

    Raises
    ------
    DatasetNotFoundError
        Where the folder is not on disk, saying where to get it.
    """
    table = read_image_folder(find_folder(_CHEST_SOURCE))
    return ImageDataset(
        name="chest_xray_test",
        description="Chest radiographs of children, with pneumonia or without, at 300 x 300. These are the test images "
        "of PneumoniaMNIST: never train on the one and test on the other.",
        X=table[["path"]],
        y=table["label"].str.lower().rename("finding"),
        target="whether the radiograph was read as pneumonia",
        event="pneumonia",
        licence="CC BY 4.0",
        citation="Kermany, D., Zhang, K. & Goldbaum, M. (2018). Mendeley Data. doi:10.17632/rscbjbr9sj.2.",
        source=_CHEST_SOURCE.address,
    )


def load_image_folder(
    folder: str | PathLike[str], patient: str | PathLike[str] | None = None, *, event: str | None = None
) -> ImageDataset:
    """Return your own images: a folder with one sub-folder per class.

    Parameters
    ----------
    folder, patient
        As for :func:`~appkit.data.read_image_folder`: ``patient`` is a regular expression with one group over the path,
        or a CSV file. Where it is given, patients stay whole in a split and ``X`` has a column ``patient``.
    event
        The sub-folder whose probability is wanted; ``None`` for classes alike.

    Raises
    ------
    SchemaError
        For a folder that does not fit, naming its files.
    ValueError
        If no sub-folder is called ``event``.
    """
    table = read_image_folder(folder, patient=patient)
    labels = sorted(table["label"].unique())
    if event is not None and event not in labels:
        raise ValueError(f"event must be one of the sub-folders {', '.join(labels)}, got {event!r}.")
    X = table.drop(columns="label")
    known = X.drop(columns="path")
    return ImageDataset(
        name=Path(folder).resolve().name,
        description=f"Images in {len(labels)} folders: {', '.join(labels)}.",
        X=X,
        y=table["label"],
        target="the folder an image lies in",
        event=event,
        licence="as its owner says",
        citation="none stated",
        source=str(folder),
        protocol="stratified" if patient is None else "group",
        groups=None if patient is None else table["patient"],
        metadata=known if len(known.columns) else None,
    )


def _read_arrays(source: Source, names: list[str]) -> dict[str, np.ndarray]:
    path = find_file(source)
    with np.load(path, allow_pickle=False) as file:
        arrays: dict[str, Any] = {name: file[name] for name in names if name in file}
    missing = [name for name in names if name not in arrays]
    if missing:
        raise SchemaError(f"{path.name} must hold the arrays {', '.join(names)}, but lacks {', '.join(missing)}.")
    return arrays


_PARTS = ("train", "val", "test")
_PNEUMONIA_SOURCE = Source(
    "medical/pneumoniamnist/pneumoniamnist.npz",
    address="https://medmnist.com",
    url="https://zenodo.org/records/10519652/files/pneumoniamnist.npz",
    known_hash="md5:28209eda62fecd6e6a2d98b1501bb15f",
)

_BUSI_SOURCE = Source("medical/busi_128/busi_128.npz", address="https://scholar.cu.edu.eg/?q=afahmy/pages/dataset")
_BUSI_FINDINGS = ("normal", "benign", "malignant")

_BRAIN_SOURCE = Source(
    "medical/brain_mri", address="https://www.kaggle.com/datasets/navoneel/brain-mri-images-for-brain-tumor-detection"
)
_CHEST_SOURCE = Source("medical/chest_xray_test", address="https://data.mendeley.com/datasets/rscbjbr9sj/2")
