"""Digests that say which data and which model a report is about, equal in every process."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from appkit.data.images import Images

__all__ = ["Digests", "data_hash", "model_hash"]


@dataclass(frozen=True)
class Digests:
    """SHA-256 of the rows and of the model, and what of the model was hashed."""

    data: str
    hashed: str
    model: str


_MISSING = "\x00"
_BETWEEN = "\x1f"


def data_hash(*tables: pd.DataFrame | pd.Series | np.ndarray | Images | None) -> str:
    """Return the SHA-256 of columns, their order, their values and their row order; the index does not count.

    Of images the size, the depth, every pixel and the names.

    Examples
    --------
    >>> X = pd.DataFrame({"a": [1.0, 2.0]})
    >>> data_hash(X) == data_hash(X.copy()), data_hash(X) == data_hash(X[::-1])
    (True, False)
    """
    digest = hashlib.sha256()
    for table in tables:
        if table is None:
            digest.update(b"none")
            continue
        if isinstance(table, Images):
            _add_images(digest, table)
            continue
        frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame({"": np.asarray(table)})
        for name in frame.columns:
            digest.update(f"{_BETWEEN}{name}{_BETWEEN}".encode())
            digest.update(_column_bytes(frame[name]))
    return digest.hexdigest()


def model_hash(model: Any, outputs: np.ndarray) -> tuple[str, str]:
    """Return what was hashed, in words, and its SHA-256.

    A network is known by its weights and calibration. Any other model is known by what it does: its outputs on the
    rows of the report, to twelve digits.
    """
    module = getattr(model, "module_", None)
    if module is None or not hasattr(module, "state_dict"):
        return "outputs on these rows", hashlib.sha256(np.round(outputs, 12).tobytes()).hexdigest()
    digest = hashlib.sha256()
    for name, weight in sorted(module.state_dict().items()):
        array = weight.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    digest.update(repr(getattr(model, "calibration_", "")).encode())
    return "weights and calibration", digest.hexdigest()


def _add_images(digest: Any, images: Images) -> None:
    """Add images one by one: they may lie in a file that is larger than memory."""
    digest.update(f"{_BETWEEN}{images.pixels.dtype.str} {images.pixels.shape}{_BETWEEN}".encode())
    for image in images.pixels:
        digest.update(np.ascontiguousarray(image).data)
    digest.update(_BETWEEN.join(str(name) for name in images.names).encode())


def _column_bytes(column: pd.Series) -> bytes:
    if is_datetime64_any_dtype(column.dtype):
        return column.astype("int64").to_numpy().tobytes()
    if is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan).tobytes()
    return _BETWEEN.join(_MISSING if pd.isna(value) else str(value) for value in column).encode()
