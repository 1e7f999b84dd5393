"""Save and load fitted models: tensors and JSON, no pickle, no code in the file."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from appkit import model as _model
from appkit.archive import read_archive, read_json, write_archive, write_json
from appkit.domain import discover_domains
from appkit.exceptions import ArtefactError
from appkit.model import NetworkFactory
from appkit.model.state import EstimatorState, Savable, restore, state_of

__all__ = ["load", "read_notes", "savable_estimators", "save"]

_FITTED = "fitted/"
_TENSORS = "weights.safetensors"
_PARTS = ("model.json", "environment.json", "notes.json", _TENSORS)
_PACKAGES = ("industry-appkit", "numpy", "pandas", "scikit-learn", "torch", "safetensors")


def save(
    model: Savable,
    path: str | os.PathLike[str],
    *,
    as_folder: bool = False,
    notes: Mapping[str, Any] | None = None,
) -> Path:
    """Save a fitted model; equal fits give equal bytes, and what was there before stays until the new one is complete.

    Parameters
    ----------
    model
        Fitted estimator of appkit or of an installed domain.
    path
        File to write, a zip; or a folder, where ``path`` is one already or with ``as_folder``.
    as_folder
        Whether to write a folder.
    notes
        Plain JSON values to keep with the model, such as its metrics; see :func:`read_notes`.

    Returns
    -------
    Path
        Where the model is.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is not an estimator of ours, or a parameter, fitted attribute or note is of a type no file can hold.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from appkit.model import TabularRegressor
    >>> X = pd.DataFrame({"x": range(40)})
    >>> model = TabularRegressor(width=8, n_networks=1, max_epochs=2, random_state=0).fit(X, X["x"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save(model, f"{folder}/x.appkit", notes={"rmse": 1.5})
    ...     again = load(path)
    ...     read_notes(path)
    {'rmse': 1.5}
    >>> bool((again.predict(X) == model.predict(X)).all())
    True
    """
    name = _name_of(model)
    path = Path(path)
    state = state_of(model)
    parts = {
        "model.json": write_json(
            {"estimator": name, "parameters": state.parameters, "remarks": list(state.remarks)}, indent=2
        ),
        "environment.json": write_json(_environment(), indent=2),
        "notes.json": _write_notes(notes or {}),
        _TENSORS: safetensors.torch.save({key: value.contiguous() for key, value in state.tensors.items()}),
    }
    parts |= {f"{_FITTED}{key.removesuffix('_')}.json": write_json({key: v}) for key, v in state.attributes.items()}
    write_archive(path, parts, as_folder=as_folder or path.is_dir())
    return path


def load(path: str | os.PathLike[str], *, network: NetworkFactory | None = None, device: str = "cpu") -> Any:
    """Return the model saved at ``path``; on the same machine its predictions are equal to the last bit.

    No code from the file is run, and only estimators of appkit and of installed domains are ever made. Hashes guard
    against damage, not against forgery: whoever may change the file may change its hashes.

    Parameters
    ----------
    path
        What :func:`save` wrote, file or folder.
    network
        The factory the model was fitted with, where ``network=`` was one.
    device
        Where to put the weights: ``"cpu"``, ``"cuda"``, ``"auto"``; wherever the model was trained.

    Raises
    ------
    FileNotFoundError
        If there is nothing at ``path``.
    ArtefactError
        If what is there is damaged, foreign or of a newer format; the message names the first thing that is wrong.
    """
    path = Path(path)
    parts = read_archive(path)
    _check_parts(parts, path)
    description = _description(parts["model.json"], path)
    estimators = savable_estimators()
    if description["estimator"] not in estimators:
        raise ArtefactError(
            f"{path} holds a {description['estimator']!r}; installed are {', '.join(estimators)}. "
            "Install the package it comes from."
        )
    state = EstimatorState(description["parameters"], _attributes(parts, path), _tensors(parts[_TENSORS], path))
    try:
        return restore(estimators[description["estimator"]], state, network=network, device=device)
    except (ValueError, TypeError) as err:
        raise ArtefactError(f"{path} cannot be opened: {err}") from err


def read_notes(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the notes kept with a saved model, without opening the model."""
    path = Path(path)
    return read_json(read_archive(path).get("notes.json", b"{}"), where=f"{path}: notes.json")


def savable_estimators() -> dict[str, type[Savable]]:
    """Return every class an artefact may name: the estimators of appkit, then those of each installed domain.

    Examples
    --------
    >>> sorted(savable_estimators())[5:8]
    ['TabularClassifier', 'TabularQuantileRegressor', 'TabularRegressor']
    """
    found = {name: getattr(_model, name) for name in _model.__all__}
    for domain in discover_domains().values():
        found |= {f"{domain.name}.{name}": known for name, known in domain.estimators.items()}
    return {name: known for name, known in found.items() if isinstance(known, type) and issubclass(known, Savable)}


def _name_of(model: object) -> str:
    for name, known in savable_estimators().items():
        if type(model) is known:
            return name
    raise TypeError(
        f"model must be a fitted estimator of appkit or of an installed domain, got {type(model).__name__}. "
        "Of a pipeline save the estimator; a class of your own is known once a Domain names it."
    )


def _environment() -> dict[str, str]:
    return {"python": platform.python_version()} | {package: version(package) for package in _PACKAGES}


def _write_notes(notes: Mapping[str, Any]) -> bytes:
    try:
        return write_json(dict(notes), indent=2)
    except (TypeError, ValueError) as err:
        raise TypeError(f"notes must be plain JSON values: {err}.") from err


def _check_parts(parts: Mapping[str, bytes], path: Path) -> None:
    for name in _PARTS:
        if name not in parts:
            raise ArtefactError(f"{path}: part {name!r} is missing from the artefact. Save the model again.")
    for name in parts:
        if name not in _PARTS and not (name.startswith(_FITTED) and name.endswith(".json")):
            raise ArtefactError(f"{path}: part {name!r} is unknown. Save the model again.")


def _description(content: bytes, path: Path) -> dict[str, Any]:
    description = read_json(content, where=f"{path}: model.json")
    kinds = {"estimator": str, "parameters": dict, "remarks": list}
    for field in [*description, *kinds]:
        if field not in kinds:
            raise ArtefactError(f"{path}: model.json has the unknown field {field!r}.")
        if not isinstance(description.get(field), kinds[field]):
            raise ArtefactError(f"{path}: {field} of model.json must be a {kinds[field].__name__}.")
    return description


def _attributes(parts: Mapping[str, bytes], path: Path) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for part, content in parts.items():
        if part.startswith(_FITTED):
            name = part.removeprefix(_FITTED).removesuffix(".json") + "_"
            node = read_json(content, where=f"{path}: {part}")
            if set(node) != {name}:
                raise ArtefactError(f"{path}: {part} must hold {name!r} alone, got {', '.join(map(repr, node))}.")
            attributes |= node
    return attributes


def _tensors(content: bytes, path: Path) -> dict[str, Any]:
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as err:
        raise ArtefactError(f"{path}: {_TENSORS} cannot be read ({err}). Save the model again.") from err
