"""Small images with a bright blob in one corner, and a model fitted on them, for the tests of reports on images."""

from functools import cache

import numpy as np
import pandas as pd

from appkit.model.image_classifier import ImageClassifier

__all__ = ["SIDE", "classifier", "drawn_images", "records"]

SIDE = 16
SMALL = {"width": 8, "n_networks": 1, "max_epochs": 6, "augment": None, "random_state": 0, "precision": "float32"}


def drawn_images(n_images: int = 60, *, seed: int = 0, brighter: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy grey images, of which those with a bright blob at the top left are ``"lesion"``."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 90, size=(n_images, SIDE, SIDE)).astype(np.uint8) + np.uint8(brighter)
    has_blob = np.arange(n_images) % 3 == 0
    images[has_blob, 3:7, 3:7] += 90
    return images, np.where(has_blob, "lesion", "clear")


def records(n_images: int = 60) -> pd.DataFrame:
    """Return a patient, a sex and a site per image; two images of each patient."""
    patient = [f"p{i // 2}" for i in range(n_images)]
    return pd.DataFrame({"patient": patient, "sex": ["f", "m"] * (n_images // 2), "site": ["north"] * n_images})


@cache
def classifier() -> ImageClassifier:
    """Return a model whose second class, ``"lesion"``, is the event."""
    images, labels = drawn_images(240, seed=1)
    return ImageClassifier(**SMALL).fit(images, labels)
