"""Neural classifier for images that may show several findings at once."""

from pathlib import Path
from typing import Literal

import numpy as np

from appkit.model.augmentation import Augmentation
from appkit.model.image_estimator import ImageEstimator
from appkit.model.image_networks import ImageNetworkFactory
from appkit.model.neural_multilabel import NeuralMultiLabelClassifier

__all__ = ["MultiLabelImageClassifier"]


class MultiLabelImageClassifier(NeuralMultiLabelClassifier, ImageEstimator):
    """Neural classifier for images that may show several findings, or none: one calibrated probability of each.

    ``y`` has one column per finding, 1 where it is there and 0 where not; a DataFrame names them. One network learns
    all of them together.

    Parameters
    ----------
    image, patient, size, channels, resize, cache, network, weights, fine_tune, augment, mixup, average_flips,
    n_networks, width, dropout, learning_rate, weight_decay, batch_size, max_epochs, patience, validation_fraction,
    calibrate, max_seconds, warm_start, checkpoint, device, precision, random_state, progress
        As in ``ImageClassifier``.

    Attributes
    ----------
    classes_ : ndarray
        Names of the findings, in the order of ``predict_proba``.
    encoder_, module_, calibration_, history_, training_, background_
        As in ``ImageClassifier``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = rng.integers(0, 60, (48, 12, 12)).astype(np.uint8)
    >>> shown = rng.integers(0, 2, (48, 2))
    >>> images[shown[:, 0] == 1, 1:5, 1:5] += 150
    >>> images[shown[:, 1] == 1, 7:11, 7:11] += 150
    >>> model = MultiLabelImageClassifier(width=8, n_networks=1, max_epochs=40, random_state=0).fit(images, shown)
    >>> bool((model.predict(images) == shown).mean() > 0.9)
    True
    """

    def __init__(
        self,
        *,
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
            max_seconds=max_seconds,
            warm_start=warm_start,
            checkpoint=checkpoint,
            device=device,
            precision=precision,
            random_state=random_state,
            progress=progress,
        )
        self.calibrate = calibrate
