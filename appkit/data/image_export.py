"""Write a set of images as files: a folder per class, and tables that say what is known of each image."""

import re
import shutil
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from appkit.data.cells import text_of
from appkit.data.image_dataset import ImageDataset

__all__ = ["ALL_IMAGES", "write_image_folder"]

ALL_IMAGES = "metadata.csv"
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')  # what one or another file system does not allow in a name


def write_image_folder(dataset: ImageDataset, folder: str | PathLike[str]) -> pd.DataFrame:
    """Write images into sub-folders named by their label, with tables beside these; return the table of all.

    ``metadata.csv`` has one row per image: ``path`` below ``folder``, label, ``patient`` (or whatever else groups
    images that belong on one side of a split), what else is known, and ``part``. ``train.csv``, ``validation.csv`` and
    ``test.csv`` hold the rows of each part, published or drawn by the data set's own protocol.
    :func:`~appkit.data.image_folder.read_image_folder` reads the folder again, patients from ``metadata.csv``.

    Parameters
    ----------
    dataset
        Pixels, uint8 or grey uint16, which become PNG files; or a table of files, which are copied.
    folder
        Folder to write into, new or empty.

    Raises
    ------
    FileExistsError
        If ``folder`` is a file or holds anything.
    ValueError
        For pixels that no PNG file can hold, or labels whose folders would have one name.

    Examples
    --------
    >>> import tempfile
    >>> rng = np.random.default_rng(0)
    >>> pixels = rng.integers(0, 256, (20, 9, 9), dtype=np.uint8)
    >>> y = pd.Series(["ill", "well"] * 10, name="finding")
    >>> words = {"target": "nothing", "event": "ill", "licence": "none", "citation": "none", "source": "none"}
    >>> scans = ImageDataset(name="scans", description="Noise.", X=pixels, y=y, **words)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image_folder(scans, folder).head(2)
                path finding   part
    0   ill/0000.png     ill   test
    1  well/0001.png    well  train
    """
    root = Path(folder)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(f"{root} must be a new or an empty folder, and holds other files. Name another.")
    classes = _class_folders(dataset.y)
    table = _table(dataset, classes)
    write = _writer(dataset)
    for name in classes.unique():
        (root / name).mkdir(parents=True, exist_ok=True)
    for row, path in enumerate(table["path"]):
        write(row, root / path)
    table.to_csv(root / ALL_IMAGES, index=False)
    for part, rows in table.groupby("part"):
        rows.to_csv(root / f"{part}.csv", index=False)
    return table


def _class_folders(y: pd.Series) -> pd.Series:
    """Return the folder of each image: its label, without what no file system allows."""
    folders = {label: _UNSAFE.sub("_", text_of(label)).strip(". ") for label in y.unique()}
    if len(set(folders.values())) < len(folders) or not all(folders.values()):
        raise ValueError(f"Labels must make folders of different names, got {list(folders)}. Rename them.")
    return y.map(folders)


def _table(dataset: ImageDataset, classes: pd.Series) -> pd.DataFrame:
    """Return path, label, patient, metadata and part of each image; columns of the same name are told apart."""
    n_digits = max(4, len(str(len(dataset.y) - 1)))
    endings = _endings(dataset)
    paths = [f"{name}/{row:0{n_digits}d}{end}" for row, (name, end) in enumerate(zip(classes, endings, strict=True))]
    target = dataset.y.name if dataset.y.name not in (None, "path", "label", "patient", "part") else "class"
    table = pd.DataFrame({"path": paths, target: dataset.y})
    if dataset.groups is not None:
        table["patient"] = dataset.groups
    known = dataset.metadata if dataset.metadata is not None else table[[]]
    for name in known:
        if name != "patient" or dataset.groups is None:
            table[f"published_{name}" if name in (*table, "label", "part") else name] = known[name]
    return table.assign(part=_parts(dataset))


def _parts(dataset: ImageDataset) -> np.ndarray:
    """Return the part of each image, published or drawn by the data set's own protocol, str ``(n_images,)``."""
    *_, y_train, y_validation, y_test = dataset.split_three()
    parts = np.full(len(dataset.y), "", dtype="<U10")
    for name, labels in (("train", y_train), ("validation", y_validation), ("test", y_test)):
        parts[labels.index] = name
    return parts


def _endings(dataset: ImageDataset) -> list[str]:
    if isinstance(dataset.X, pd.DataFrame):
        return [Path(path).suffix for path in dataset.X["path"]]
    return [".png"] * len(dataset.y)


def _writer(dataset: ImageDataset) -> Callable[[int, Path], Any]:
    """Return what writes the image of a row to a path: a copy of its file, or its pixels as PNG."""
    if isinstance(dataset.X, pd.DataFrame):
        sources = dataset.X["path"]
        return lambda row, path: shutil.copyfile(sources[row], path)
    pixels = dataset.X[..., 0] if dataset.X.shape[3:] == (1,) else dataset.X
    is_grey = pixels.ndim == 3 and pixels.dtype in (np.uint8, np.uint16)
    is_colour = pixels.shape[3:] == (3,) and pixels.dtype == np.uint8
    if not (is_grey or is_colour):
        raise ValueError(
            f"X of {dataset.name} must be uint8, grey or of 3 channels, or grey uint16, to be written as PNG; got "
            f"{pixels.dtype} of shape {pixels.shape}."
        )
    return lambda row, path: Image.fromarray(pixels[row]).save(path)
