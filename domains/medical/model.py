"""Classifier of medical images: which finding is the event, how sure it is, and when it had better ask."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from appkit import explanation as _explanation
from appkit import reporting as _reporting
from appkit.explanation import Explanation
from appkit.model import Augmentation, Costs, ImageClassifier, ImageNetworkFactory
from appkit.reporting import Report

__all__ = ["MedicalImageClassifier"]

_EVENT_WORDS = {
    "abnormal", "cancer", "disease", "diseased", "lesion", "malignant", "pneumonia", "positive", "sick", "tumor",
    "tumour", "yes",
}  # fmt: skip


class MedicalImageClassifier(ImageClassifier):
    """Probability of a finding from scans: arrays, files, folders or DICOM, one or several images per patient.

    An ``ImageClassifier`` that knows which label is the finding, keeps the images of a patient together, says when a
    case is better read by a person, and writes the dossier of a reader study.

    Parameters
    ----------
    event
        The label of the finding, of two. ``None`` takes the larger of two numbers, ``True``, or a word such as
        "malignant" or "pneumonia"; any other pair of texts must say. With more than two labels all are equal.
    image, patient, size, channels, resize, cache
        What is read, as in ``appkit.ImageClassifier``.
    network, weights, fine_tune, augment, mixup, average_flips, n_networks, width, dropout
        The networks and what they start from, as in ``appkit.ImageClassifier``.
    learning_rate, weight_decay, batch_size, max_epochs, patience, validation_fraction, class_weight, costs, threshold,
    calibrate, max_seconds, warm_start, checkpoint, device, precision, random_state, progress
        As in ``appkit.ImageClassifier``.

    Attributes
    ----------
    event_
        The label of the finding; ``None`` with more than two labels.

    Notes
    -----
    For research: nothing here makes a medical device. A model file holds weights and one mean image, none of a patient.

    Examples
    --------
    >>> from domains.medical import make_phantoms
    >>> X_train, X_test, y_train, y_test = make_phantoms(120, random_state=0).split()
    >>> model = MedicalImageClassifier(width=8, n_networks=1, max_epochs=2, random_state=0).fit(X_train, y_train)
    >>> model.event_
    'lesion'
    >>> model.refer(X_test).dtype
    dtype('bool')
    """

    def __init__(
        self,
        *,
        event: Any = None,
        image: str = "path",
        patient: str | None = None,
        size: Literal["auto"] | int | tuple[int, int] = "auto",
        channels: Literal["auto"] | int = "auto",
        resize: Literal["pad", "stretch"] = "pad",
        cache: str | Path | None = None,
        network: str | ImageNetworkFactory = "resnet",
        weights: str | Path | None = None,
        fine_tune: Literal["full", "last-stage", "none"] = "full",
        augment: str | Augmentation | None = "auto",
        mixup: float = 0.3,
        average_flips: bool | Literal["auto"] = "auto",
        n_networks: int | Literal["auto"] = "auto",
        width: int = 32,
        dropout: float = 0.2,
        learning_rate: float | Literal["auto"] = "auto",
        weight_decay: float = 0.05,
        batch_size: int | Literal["auto"] = "auto",
        max_epochs: int | Literal["auto"] = "auto",
        patience: int | Literal["auto"] = "auto",
        validation_fraction: float = 0.2,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        costs: Costs | None = None,
        threshold: float | None = None,
        calibrate: bool = True,
        max_seconds: float | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        super().__init__(
            image=image,
            patient=patient,
            size=size,
            channels=channels,
            resize=resize,
            cache=cache,
            network=network,
            weights=weights,
            fine_tune=fine_tune,
            augment=augment,
            mixup=mixup,
            average_flips=average_flips,
            n_networks=n_networks,
            width=width,
            dropout=dropout,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            patience=patience,
            validation_fraction=validation_fraction,
            class_weight=class_weight,
            costs=costs,
            threshold=threshold,
            calibrate=calibrate,
            max_seconds=max_seconds,
            warm_start=warm_start,
            checkpoint=checkpoint,
            device=device,
            precision=precision,
            random_state=random_state,
            progress=progress,
        )
        self.event = event

    def probability_of_finding(self, X: Any) -> np.ndarray:
        """Return the calibrated probability of the event, float64 ``(n_images,)``; of two labels only."""
        probabilities = self.predict_proba(X)
        self._check_binary("probability_of_finding")
        return probabilities[:, self.event_index_]

    def refer(self, X: Any, *, alpha: float = 0.1) -> np.ndarray:
        """Return which images a person should read, bool ``(n_images,)``.

        Those of which not exactly one label remains possible: :meth:`predict_set` rules a label out only where it would
        be wrong about at most a share ``alpha`` of the images that bear it.
        """
        return self.predict_set(X, alpha=alpha).sum(axis=1) != 1

    def explain(self, X: Any, **options: Any) -> Explanation:
        """Return ``appkit.explain(self, X, **options)``: effects of patches on the probability of the finding."""
        return _explanation.explain(self, X, **options)

    def report(self, X: Any, y: Any, **options: Any) -> Report:
        """Return ``appkit.report(self, X, y, **options)``: the dossier of a reader study."""
        return _reporting.report(self, X, y, **options)

    @property
    def event_index_(self) -> int:
        """Position of the finding in ``classes_``."""
        return 1 if self.event_ is None else int(np.flatnonzero(self.classes_ == self.event_)[0])

    def _learn_target(self, y: Any, *, n_rows: int, weight: np.ndarray | None) -> np.ndarray:
        target = super()._learn_target(y, n_rows=n_rows, weight=weight)
        if len(self.classes_) > 2 and self.event is not None:
            raise ValueError(
                f"event={self.event!r} needs two labels, y has {len(self.classes_)}: {self.classes_.tolist()[:5]}. "
                f"For that finding against the rest give y == {self.event!r}."
            )
        self.event_ = _event_among(self.classes_, self.event) if len(self.classes_) == 2 else None
        return target


def _event_among(classes: np.ndarray, event: Any) -> Any:
    """Return the label of the finding: the one named, or the one whose meaning is plain."""
    labels = classes.tolist()
    if event is not None:
        if event not in labels:
            raise ValueError(f"event must be one of the labels {labels}, got {event!r}.")
        return labels[labels.index(event)]
    if classes.dtype.kind in "biuf":
        return labels[1]
    known = [label for label in labels if str(label).strip().lower() in _EVENT_WORDS]
    if len(known) != 1:
        raise ValueError(
            f"event must name the label of the finding: which of {labels}? For example event={labels[-1]!r}."
        )
    return known[0]
