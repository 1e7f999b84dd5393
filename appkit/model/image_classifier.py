"""Neural classifier for images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from appkit.model.augmentation import Augmentation
from appkit.model.costs import Costs
from appkit.model.image_estimator import ImageEstimator
from appkit.model.image_networks import ImageNetworkFactory
from appkit.model.neural_classifier import NeuralClassifier

__all__ = ["ImageClassifier"]


class ImageClassifier(NeuralClassifier, ImageEstimator):
    """Neural classifier for images: a compact residual network, calibrated on images it never learnt from.

    Takes arrays, paths of files, or a DataFrame with a column of paths: PNG, JPEG, TIFF, BMP and DICOM, 8 or 16 bits,
    grey or colour, of any size. Networks are trained over folds of patients, on altered copies of the images drawn
    batch by batch on the device; a moving average of the weights is what is judged and kept; one affine map on the
    logits of held-out images calibrates the average.

    Parameters
    ----------
    image
        Column of a DataFrame that holds paths (or arrays).
    patient
        Column that names the patient: images of one patient are never on both sides of an inner split, and a patient in
        ``X`` and ``X_val`` is an error. With arrays give ``groups`` to ``fit``. Equal images stay together too.
    size
        Pixels of the images the network sees: ``"auto"`` (the size all have, at most 224; 128 x 128 where they differ),
        a number for squares, or ``(height, width)``.
    channels
        1 (grey), 3 (colour), or ``"auto"``: grey unless a picture has colour. Arrays keep theirs.
    resize
        ``"pad"`` keeps the shape and fills up with black; ``"stretch"`` does neither.
    cache
        Folder for decoded pixels, which are then mapped into memory and not decoded again.
    network
        ``"resnet"`` or ``"convnext"`` (compact, from scratch); ``"resnet18"``, ``"resnet34"``, ``"resnet50"``,
        ``"efficientnet-lite0"``, ``"monai:DenseNet121"`` or another of MONAI's, ``"timm:..."`` (to start from weights);
        or a factory ``factory(shape, n_outputs) -> nn.Module``, see ``ImageNetworkFactory``.
    weights
        File of weights to start from (.safetensors, or a state dict saved by torch), or ``"published"`` for
        ``"efficientnet-lite0"``, whose package brings them. No code in a file is run.
    fine_tune
        What is learnt: ``"full"``, at rates that fall towards the input where there are weights to start from;
        ``"last-stage"``; or ``"none"``: the last layer alone, which is solved for and needs no epochs.
    augment
        How training images are altered: an ``Augmentation``, the name of a preset, ``None``, or ``"auto"``: small
        turns, shifts and changes of size and of grey values, which keep a label; nothing is mirrored, for a heart has
        its side.
    mixup
        Mixes pairs of training images by shares drawn from Beta(mixup, mixup); 0: not.
    average_flips
        Answer with the mean over an image and its mirror image; ``"auto"``: with ``fine_tune="none"``.
    n_networks
        Networks trained over folds and averaged; ``"auto"``: 3, from 20,000 images on 1.
    width, dropout
        Channels of the first stage; share of the features dropped before the last layer.
    learning_rate, weight_decay, batch_size, max_epochs
        AdamW under one cycle of the rate over ``max_epochs``; ``"auto"`` goes by the number of images.
    patience
        Epochs without a better held-out loss before a network stops; ``"auto"``: none, the best epoch is kept.
    validation_fraction, class_weight, costs, threshold, calibrate
        Held-out share, weights of classes, decisions and calibration, as in ``TabularClassifier``.
    max_seconds, warm_start, checkpoint, device, random_state, progress
        How a fit runs, as in ``TabularClassifier``.
    precision
        ``"float32"``, ``"bfloat16"``, or ``"auto"``: bfloat16 while learning where the processor has units for it.
        Predictions are in float32.

    Attributes
    ----------
    classes_, class_weight_, module_, calibration_, history_, training_
        As in ``TabularClassifier``.
    encoder_ : ImageEncoder
        Size, depth and scale of pixels as learnt.
    background_ : ndarray
        The mean training image, of two classes that of the images without the event unless there are fewer than ten,
        ``(1, height, width, n_channels)``: a model carries no image of a patient.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = rng.integers(0, 60, (48, 12, 12)).astype(np.uint8)
    >>> labels = np.array(["clear", "lesion"] * 24)
    >>> images[1::2, 4:8, 4:8] += 150
    >>> model = ImageClassifier(width=8, n_networks=1, max_epochs=10, random_state=0).fit(images, labels)
    >>> model.predict(images[:2])
    array(['clear', 'lesion'], dtype='<U6')
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
            max_seconds=max_seconds,
            warm_start=warm_start,
            checkpoint=checkpoint,
            device=device,
            precision=precision,
            random_state=random_state,
            progress=progress,
        )
        self.class_weight = class_weight
        self.costs = costs
        self.threshold = threshold
        self.calibrate = calibrate

    def _is_typical(self, target: np.ndarray) -> np.ndarray:
        # of many images with the finding the mean is no usual image: a network may well see the finding in it
        return target != self.event_index_ if len(self.classes_) == 2 else super()._is_typical(target)
