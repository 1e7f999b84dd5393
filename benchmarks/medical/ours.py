"""Our classifier as the benchmark runs it, and what the records of its fits depend on."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.peers import Model
from domains.medical import MedicalImageClassifier

__all__ = ["LEARNING", "QUICK", "our_classifier", "our_model", "pixel_hash"]

LEARNING = ("data", "model")  # sources that a fit depends on, as seen from the package
QUICK: Mapping[str, Any] = {"max_epochs": 1, "n_networks": 1, "width": 4}

_PACKAGES = ("torch", "scikit-learn", "numpy")


def our_classifier(*, is_quick: bool = False, **parameters: Any) -> MedicalImageClassifier:
    """Return our estimator with its defaults but for ``parameters``; tiny where ``is_quick``."""
    return MedicalImageClassifier(**({**QUICK, **parameters} if is_quick else parameters))


def our_model(
    name: str = "ours",
    parameters: Mapping[str, Any] | None = None,
    *,
    sources: tuple[str, ...] = LEARNING,
    is_quick: bool = False,
    **facts: Any,
) -> Model:
    """Return ours as a competitor whose records are those of the present sources and of these parameters.

    Parameters
    ----------
    name
        What it is called in tables.
    parameters
        What differs from the estimator's defaults.
    sources
        Folders of the package that the numbers depend on.
    is_quick
        Whether to take the tiny network.
    facts
        What else the numbers depend on: budgets, numbers of images.
    """
    chosen = dict(parameters or {})

    def build(seed: int, threads: int, shown: Mapping[str, Any]) -> Any:
        return our_classifier(is_quick=is_quick, random_state=seed, **chosen)

    settled = our_classifier(is_quick=is_quick, **chosen).get_params()
    shown = {key: repr(value) for key, value in settled.items()} | {key: repr(value) for key, value in facts.items()}
    return Model(name, build, _PACKAGES, shown, sources=sources)


def pixel_hash(*arrays: np.ndarray) -> str:
    """Return a hash of the values of arrays.

    Examples
    --------
    >>> pixel_hash(np.zeros(3)) == pixel_hash(np.zeros(3)), pixel_hash(np.zeros(3)) == pixel_hash(np.zeros((3, 1)))
    (True, False)
    """
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(f"{array.shape}{array.dtype.str}".encode() + array.tobytes())
    return digest.hexdigest()[:16]
