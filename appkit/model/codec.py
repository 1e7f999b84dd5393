"""Parameters and fitted attributes as JSON values and named tensors, and back: known types only."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from appkit.data import Schema
from appkit.data.cell_json import cell_from_json, cell_to_json
from appkit.data.ids import Ids
from appkit.data.image_encoder import ImageEncoder
from appkit.data.series_encoder import SeriesEncoder
from appkit.data.table_encoder import TableEncoder
from appkit.data.table_json import frame_from_json, frame_to_json
from appkit.model.calibration import AffineCalibration
from appkit.model.costs import Costs
from appkit.model.heads import (
    BinaryHead,
    HazardHead,
    MulticlassHead,
    MultiLabelHead,
    OrdinalHead,
    QuantileHead,
    RegressionHead,
)
from appkit.model.residual_quantiles import ResidualQuantiles
from appkit.model.unit_conformal import UnitIntervals

__all__ = ["ValueReader", "ValueWriter"]

_OWN_CLASSES: tuple[type, ...] = (
    AffineCalibration, BinaryHead, Costs, HazardHead, Ids, MulticlassHead, MultiLabelHead, OrdinalHead, QuantileHead,
    RegressionHead, ResidualQuantiles, UnitIntervals,
)  # fmt: skip


class ValueWriter:
    """Write values as JSON; arrays of numbers go to ``tensors`` under the name of the place they came from.

    Parameters
    ----------
    classes
        Dataclasses beyond our own that may be written, such as a domain's.

    Attributes
    ----------
    tensors
        CPU tensors by name.

    Examples
    --------
    >>> writer = ValueWriter()
    >>> writer.write({"shift": (0.5,), "scores": np.zeros(3)}, at="fit")
    {'shift': {'$tuple': [0.5]}, 'scores': {'$tensor': 'fit.scores'}}
    >>> ValueReader(writer.tensors).read({"$tensor": "fit.scores"})
    array([0., 0., 0.])
    """

    def __init__(self, classes: tuple[type, ...] = ()) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._classes = _OWN_CLASSES + classes

    def write(self, value: Any, *, at: str) -> Any:
        """Return ``value`` as JSON values.

        Raises
        ------
        TypeError
            If it holds something of another type; ``at`` is where.
        """
        if isinstance(value, Mapping):
            return self._write_mapping(value, at)
        if isinstance(value, list | tuple):
            parts = [self.write(part, at=f"{at}.{i}") for i, part in enumerate(value)]
            return parts if isinstance(value, list) else {"$tuple": parts}
        if isinstance(value, np.ndarray):
            return self._write_array(value, at)
        if isinstance(value, pd.DataFrame):
            return {"$table": _named(frame_to_json, value, at)}
        if isinstance(value, Schema):
            return {"$schema": value.to_dict()}
        if isinstance(value, TableEncoder):
            return {"$encoder": value.to_dict()}
        if isinstance(value, SeriesEncoder):
            return {"$series_encoder": value.to_dict()}
        if isinstance(value, ImageEncoder):
            return {"$image_encoder": value.to_dict()}
        if isinstance(value, PurePath):
            return {"$path": str(value)}
        if type(value) in self._classes:
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
            return {"$object": {"class": type(value).__name__, "fields": self._write_mapping(fields, at)}}
        return _named(cell_to_json, value, at)

    def _write_mapping(self, value: Mapping[Any, Any], at: str) -> Any:
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: self.write(part, at=f"{at}.{key}") for key, part in value.items()}
        pairs = [[self.write(k, at=f"{at}.key"), self.write(part, at=f"{at}.{k}")] for k, part in value.items()]
        return {"$mapping": pairs}

    def _write_array(self, value: np.ndarray, at: str) -> Any:
        if value.dtype.kind in "biuf":
            self.tensors[at] = torch.from_numpy(np.array(value, dtype=value.dtype.newbyteorder("=")))
            return {"$tensor": at}
        if value.dtype.kind not in "OU":
            raise TypeError(f"{at} must be an array of numbers or labels to be saved, got dtype {value.dtype}.")
        cells = [_named(cell_to_json, cell, at) for cell in value.ravel().tolist()]
        return {"$labels": {"dtype": value.dtype.str[1:], "shape": list(value.shape), "cells": cells}}


class ValueReader:
    """Read what :class:`ValueWriter` wrote; nothing but its types is ever made.

    Parameters
    ----------
    tensors
        CPU tensors by name.
    classes
        Dataclasses beyond our own that may be made.
    """

    def __init__(self, tensors: Mapping[str, Tensor], classes: tuple[type, ...] = ()) -> None:
        self._tensors = tensors
        self._classes = {known.__name__: known for known in _OWN_CLASSES + classes}
        self._readers: dict[str, Callable[[Any], Any]] = {
            "$mapping": lambda pairs: {self.read(key): self.read(part) for key, part in pairs},
            "$tuple": lambda parts: tuple(self.read(part) for part in parts),
            "$tensor": lambda name: self._tensors[name].numpy().copy(),
            "$labels": _read_labels,
            "$table": frame_from_json,
            "$schema": Schema.from_dict,
            "$encoder": TableEncoder.from_dict,
            "$series_encoder": SeriesEncoder.from_dict,
            "$image_encoder": ImageEncoder.from_dict,
            "$path": Path,
            "$object": self._read_object,
        }

    def read(self, node: Any) -> Any:
        """Return the value; ``ValueError``, ``TypeError`` or ``KeyError`` where ``node`` is not what was written."""
        if isinstance(node, list):
            return [self.read(part) for part in node]
        if not isinstance(node, dict):
            return cell_from_json(node)
        tags = [key for key in node if key.startswith("$")]
        if not tags:
            return {key: self.read(part) for key, part in node.items()}
        if len(node) > 1 or tags[0] not in self._readers:
            return cell_from_json(node)
        return self._readers[tags[0]](node[tags[0]])

    def _read_object(self, content: Mapping[str, Any]) -> Any:
        known = self._classes.get(content["class"])
        if known is None:
            raise ValueError(f"class {content['class']!r} is not among {', '.join(sorted(self._classes))}.")
        names = {f.name for f in dataclasses.fields(known) if f.init}
        for name in content["fields"]:
            if name not in names:
                raise ValueError(f"{content['class']} has the unknown field {name!r}; known are {sorted(names)}.")
        return known(**self.read(content["fields"]))


def _read_labels(content: Mapping[str, Any]) -> np.ndarray:
    kind = content["dtype"]
    if kind != "O" and not (kind.startswith("U") and kind[1:].isdigit()):
        raise ValueError(f"dtype of labels must be 'O' or 'U' with a length, got {kind!r}.")
    labels = np.empty(len(content["cells"]), dtype=kind)
    labels[:] = [cell_from_json(cell) for cell in content["cells"]]
    return labels.reshape(content["shape"])


def _named(write: Callable[[Any], Any], value: Any, at: str) -> Any:
    """Write ``value`` and put where it was in front of what is wrong with it."""
    try:
        return write(value)
    except (TypeError, ValueError) as err:
        raise TypeError(f"{at} cannot be saved: {err}") from err
