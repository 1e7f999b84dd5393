"""A small reader study: pictures with a bright spot, a reader that measures it, and what a report knows of both."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from appkit.data.images import Images, read_images
from appkit.reporting.content.context import Limits, ReportContext
from appkit.reporting.content.inputs import measure, reference_rows, words_of
from appkit.reporting.content.phrasing import Words
from appkit.reporting.content.subgroups import subgroup_columns
from appkit.reporting.content.subject import subject_of
from appkit.reporting.content.validation import validation_rows
from domains.medical import DOMAIN

__all__ = ["SIDE", "SpotReader", "ThreeClasses", "context_of", "pictures", "study"]

SIDE = 16
SPOT = slice(4, 9)


class SpotReader(ClassifierMixin, BaseEstimator):
    """An image model that learns nothing: the brighter the spot over its ground, the likelier a lesion."""

    def __init__(self, *, patient: str | None = "patient", spread: float = 12.0) -> None:
        self.patient = patient
        self.spread = spread
        self.classes_ = np.array(["clear", "lesion"])
        self.event_ = "lesion"

    def images(self, X: Any) -> Images:
        return read_images(X, size=SIDE, channels=1, dtype=np.uint8)

    def predict_proba(self, X: Any) -> np.ndarray:
        pixels = self.images(X).pixels[..., 0].astype(np.float64)
        over_ground = pixels[:, SPOT, SPOT].mean(axis=(1, 2)) - pixels.mean(axis=(1, 2))
        p = 1 / (1 + np.exp(-(over_ground - 14.0) / self.spread * 3))
        return np.column_stack([1 - p, p])

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype(int)]

    def predict_set(self, X: Any, *, alpha: float) -> np.ndarray:
        return self.predict_proba(X) >= alpha

    def encode_images(self, pixels: np.ndarray) -> Any:
        raise NotImplementedError

    def output_module(self, units: str) -> Any:
        raise NotImplementedError


class ThreeClasses(SpotReader):
    """The same with a third label, which it never thinks likely."""

    def __init__(self, *, patient: str | None = "patient", spread: float = 12.0) -> None:
        super().__init__(patient=patient, spread=spread)
        self.classes_ = np.array(["clear", "lesion", "unclear"])
        self.event_ = None

    def predict_proba(self, X: Any) -> np.ndarray:
        p = super().predict_proba(X)
        return np.column_stack([0.9 * p, np.full(len(p), 0.1)])

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def pictures(n: int, *, first: int = 0, seed: int = 0, per_patient: int = 2) -> tuple[pd.DataFrame, np.ndarray]:
    """Return pictures of which every third patient's show a spot, fainter at the site "south", and their labels."""
    rng = np.random.default_rng(seed)
    patient = first + np.arange(n) // per_patient
    has_spot = patient % 3 == 0
    site = np.where(patient % 4 == 0, "south", "north")
    pixels = rng.integers(60, 140, (n, SIDE, SIDE)).astype(np.float64)
    pixels[:, SPOT, SPOT] += (has_spot * rng.normal(np.where(site == "south", 16, 34), 12))[:, None, None]
    frame = pd.DataFrame({"patient": [f"p{number}" for number in patient], "site": site})
    frame["sex"] = np.where(patient % 2 == 0, "F", "M")
    frame["age"] = 30 + patient % 40
    frame["path"] = list(pixels.clip(0, 255).astype(np.uint8))
    return frame, np.where(has_spot, "lesion", "clear")


def context_of(model: Any, X: Any, y: Any, **given: Any) -> ReportContext:
    """Return what the sections are made from, without the explanations that none of them reads in detail."""
    subject = subject_of(model, X, y, show_images=given.get("show_images", False))
    names = ("groups", "costs", "threshold")
    measured = measure(
        subject, X, y, sample_weight=None, random_state=0, **{name: given.get(name) for name in names}
    )  # fmt: skip
    seen = reference_rows(given.get("reference"), subject)
    return ReportContext(
        subject=subject,
        X=subject.table,
        measured=measured,
        explanation=SimpleNamespace(n_explained=8),  # type: ignore[arg-type]
        case=None,  # type: ignore[arg-type]
        background=None,  # type: ignore[arg-type]
        words=Words(words_of(DOMAIN, subject)),
        limits=given.get("limits") or Limits(),
        domain=DOMAIN,
        reference=None if seen is None else seen.table,
        reference_y=None if seen is None else seen.y,
        reference_output=None if seen is None else seen.output,
        reference_images=None if seen is None else seen.images,
        validation=validation_rows(given.get("validation"), subject),
        subgroups=subgroup_columns(given.get("subgroups"), X, subject),
        challengers=given.get("challengers"),
        data_name="spots",
    )


def study(**given: Any) -> ReportContext:
    """Return the context of a whole study: 240 training, 180 validation and 300 test pictures, two of each patient."""
    options: dict[str, Any] = {
        "reference": pictures(240, seed=1),
        "validation": pictures(180, first=1_000, seed=2),
        "subgroups": ["sex", "site", "age"],
        "challengers": "auto",
    }
    return context_of(SpotReader(), *pictures(300, first=2_000, seed=3), **options | given)
