"""What image classifiers share: pictures in, pixels of one size, a network over them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from appkit.data import check_groups, check_sample_weight
from appkit.data.duplicates import check_images_apart, groups_with_duplicates
from appkit.data.image_encoder import ImageEncoder
from appkit.data.images import Images, ImageShape, read_images
from appkit.data.splits import check_units_apart
from appkit.exceptions import SchemaError
from appkit.model.augmentation import AUGMENTATIONS, Augmentation
from appkit.model.backbones import BACKBONES
from appkit.model.defaults import Fold, count_image_networks, image_settings
from appkit.model.device import Placement, place_images
from appkit.model.ensemble import Ensemble, Recipe, Weights
from appkit.model.flip_average import FlipAverage
from appkit.model.frozen_features import fit_frozen
from appkit.model.image_networks import IMAGE_NETWORKS, ImageNetworkFactory, image_network
from appkit.model.image_tensor import ImageTensor, image_tensor
from appkit.model.layer_rates import FINE_TUNING, layer_rates
from appkit.model.neural_estimator import Examples, NeuralEstimator
from appkit.model.pretrained import named_network, preprocessing
from appkit.model.training import TrainingData, TrainingSettings
from appkit.model.weights import load_weights

__all__ = ["ImageEstimator"]

_LEAST_SIDE = 8
_FEWEST_IN_MEAN = 10  # the mean of one image is that image, and that of a few shows each of them


class ImageEstimator(NeuralEstimator):
    """Template of a neural estimator on images; subclasses bring a face.

    Not public: see ``ImageClassifier`` for the parameters.
    """

    encoder_: ImageEncoder

    needed_to_open: ClassVar[dict[str, tuple[type, ...]]] = {
        "encoder_": (ImageEncoder,),
        "background_": (np.ndarray,),
    }

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
        max_seconds: float | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        self.image = image
        self.patient = patient
        self.size = size
        self.channels = channels
        self.resize = resize
        self.cache = cache
        self.network = network
        self.weights = weights
        self.fine_tune = fine_tune
        self.augment = augment
        self.mixup = mixup
        self.average_flips = average_flips
        self.n_networks = n_networks
        self.width = width
        self.dropout = dropout
        self.learning_rate = learning_rate  # type: ignore[assignment]  # here alone it may be "auto"
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.max_seconds = max_seconds
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.progress = progress

    def images(self, X: Any) -> Images:
        """Return images as the model sees them: of its size and depth, with its number of channels.

        Parameters
        ----------
        X
            Arrays, paths or a DataFrame, as ``fit`` takes them.

        Raises
        ------
        SchemaError
            If an image cannot be read, or has another depth or other channels than those the model learnt from.
        """
        check_is_fitted(self)
        shape = self.shape_
        self._check_array_size(X)
        images = self._read(X, size=(shape.height, shape.width), channels=shape.n_channels, dtype=self.encoder_.dtype)
        self.encoder_.check(images)
        return images

    def encode(self, X: Any) -> ImageTensor:
        """Return checked images as the network sees them, on the model's device, standardised when indexed."""
        return self._encode_inputs(self.images(X)).to(self.device_)

    def encode_images(self, pixels: np.ndarray) -> Tensor:
        """Return pixels of :meth:`images` as the network sees them, each in its place.

        Parameters
        ----------
        pixels
            ``(n, height, width, n_channels)``, or without the last axis for grey images; of the model's depth.

        Returns
        -------
        Tensor
            float32 ``(n, n_channels, height, width)`` on the model's device.
        """
        check_is_fitted(self)
        pixels = pixels[..., None] if pixels.ndim == 3 else pixels
        pixels = np.ascontiguousarray(pixels, dtype=self.encoder_.dtype)
        return self._tensor(pixels).to(self.device_)[:]

    def _check_array_size(self, X: Any) -> None:
        """Refuse an array of another size than the one learnt from; files are resized, they come as they come."""
        if not self.array_size_ or not isinstance(X, np.ndarray) or X.ndim < 3:
            return
        given = X.shape[1:3]
        if given not in (self.array_size_, (self.shape_.height, self.shape_.width)):
            raise SchemaError(
                f"Images must have {self.array_size_[0]} x {self.array_size_[1]} pixels (height x width) as at fit, "
                f"got {given[0]} x {given[1]}. Resize them as those were, or give files to fit and predict."
            )

    @property
    def shape_(self) -> ImageShape:
        """Channels, height and width of the images the network sees."""
        return self.encoder_.shape

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def _check_params(self) -> None:
        self._check_whole("width")
        super()._check_params()
        if isinstance(self.network, str) and not _is_known(self.network):
            names = ", ".join((*IMAGE_NETWORKS, *BACKBONES))
            raise ValueError(f"network must be one of {names} or a factory, got {self.network!r}.")
        if self.fine_tune not in FINE_TUNING:
            raise ValueError(f"fine_tune must be one of {', '.join(FINE_TUNING)}, got {self.fine_tune!r}.")
        if self.fine_tune != "full" and self.weights is None and isinstance(self.network, str):
            raise ValueError(f"fine_tune={self.fine_tune!r} needs weights to start from: give weights=.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and under 1, got {self.dropout!r}.")
        if not self.mixup >= 0:
            raise ValueError(f"mixup must be 0 or a positive number, got {self.mixup!r}.")
        if not (isinstance(self.average_flips, bool) or self.average_flips == "auto"):
            raise ValueError(f"average_flips must be True, False or 'auto', got {self.average_flips!r}.")
        rate: Any = self.learning_rate
        if rate != "auto" and (isinstance(rate, str) or not rate > 0):
            raise ValueError(f"learning_rate must be 'auto' or a positive number, got {rate!r}.")
        self._augmentation()

    def _augmentation(self) -> Augmentation | None:
        """Return how training images are altered."""
        if self.augment is None or isinstance(self.augment, Augmentation):
            return self.augment
        if self.augment == "auto":
            return AUGMENTATIONS["chest"]
        return Augmentation.named(self.augment)

    def _place(self) -> Placement:
        placement = place_images(self.device, self.precision)
        self.device_ = placement.device
        return placement

    def _read(self, X: Any, **wanted: Any) -> Images:
        return read_images(
            X, image=self.image, resize=self.resize, cache=self.cache, progress=self.progress is True, **wanted
        )

    def _training_examples(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> Examples:
        images = self._read(X, size=self.size, channels=self.channels)
        side = min(images.shape.height, images.shape.width)
        if side < _LEAST_SIDE:
            raise SchemaError(f"Images must have {_LEAST_SIDE} pixels a side or more, got {side}: give a larger size.")
        self.n_features_in_ = int(np.prod(images.pixels.shape[1:]))
        self.array_size_ = tuple(np.shape(X)[1:3]) if isinstance(X, np.ndarray) and X.dtype != object else ()
        given = self._examples(X, y, images, sample_weight=sample_weight, groups=groups)
        return replace(given, groups=groups_with_duplicates(images, given.groups))

    def _validation_examples(self, X: Any, y: Any, sample_weight: Any, *, training: Examples) -> Examples:
        given = self._examples(X, y, self.images_like(training.inputs, X), sample_weight=sample_weight, groups=None)
        if training.owners is not None and given.owners is not None:
            check_units_apart(training.owners, given.owners, called=self.patient)
        check_images_apart(training.inputs, given.inputs)
        return given

    def images_like(self, known: Images, X: Any) -> Images:
        """Return images read to the size and depth of others."""
        shape = known.shape
        return self._read(X, size=(shape.height, shape.width), channels=shape.n_channels, dtype=known.pixels.dtype)

    def _examples(self, X: Any, y: Any, images: Images, *, sample_weight: Any, groups: Any) -> Examples:
        n = len(images)
        owners = self._owners(X)
        if owners is not None and groups is not None:
            raise ValueError(f"Give groups= or patient={self.patient!r}, not both.")
        return Examples(
            inputs=images,
            y=y,
            weight=check_sample_weight(sample_weight, n_rows=n),
            groups=check_groups(owners if groups is None else groups, n_rows=n),
            owners=owners,
        )

    def _owners(self, X: Any) -> np.ndarray | None:
        """Return the patient of each image where a column names them."""
        if self.patient is None:
            return None
        if not isinstance(X, pd.DataFrame):
            raise SchemaError(f"patient={self.patient!r} names a column: give a DataFrame, or groups= beside arrays.")
        if self.patient not in X:
            raise SchemaError(f"Column {self.patient!r} of patients is missing, there are {', '.join(map(str, X))}.")
        owners = X[self.patient]
        if owners.isna().any():
            row = int(owners.isna().to_numpy().argmax())
            raise SchemaError(
                f"Column {self.patient!r} must name the patient of every image, it is missing in "
                f"{int(owners.isna().sum())} rows (first: row {row}). Name them, each their own where unknown."
            )
        return owners.to_numpy(dtype=object)

    def _learn_encoding(self, inputs: Images) -> Weights:
        if self.warm_start and hasattr(self, "module_"):
            self.encoder_.check(inputs)
            return self._fitted_weights()
        self.encoder_ = self._make_encoder(inputs.shape.n_channels).fit(inputs)
        return None

    def _make_encoder(self, n_channels: int) -> ImageEncoder:
        """Return an encoder that learns the scale of pixels, or has the one that published weights want."""
        if not isinstance(self.network, str) or self.network in IMAGE_NETWORKS or self.weights is None:
            return ImageEncoder()
        scaling = preprocessing(self.network, n_channels=n_channels)
        return ImageEncoder(mean=scaling.mean, std=scaling.std)

    def _encode_inputs(self, inputs: Images) -> ImageTensor:
        return self._tensor(inputs.pixels)

    def _tensor(self, pixels: np.ndarray) -> ImageTensor:
        return image_tensor(pixels, centre=self.encoder_.centre, scale=self.encoder_.scale)

    def _build_network(self, n_outputs: int) -> nn.Module:
        return self._dressed(self._bare_network(n_outputs))

    def _new_network(self, n_outputs: int) -> nn.Module:
        is_published = isinstance(self.network, str) and self.network not in IMAGE_NETWORKS
        network = self._bare_network(n_outputs, weights=self.weights if is_published else None)
        if self.weights is not None and not is_published:
            load_weights(network, self.weights)
        return self._dressed(network)

    def _dressed(self, network: nn.Module) -> nn.Module:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return FlipAverage(network) if self._looks_at_flips else network

    @property
    def _looks_at_flips(self) -> bool:
        return self.fine_tune == "none" if self.average_flips == "auto" else bool(self.average_flips)

    def _bare_network(self, n_outputs: int, *, weights: str | Path | None = None) -> nn.Module:
        if not isinstance(self.network, str):
            return self.network(self.shape_, n_outputs)
        if self.network in IMAGE_NETWORKS:
            return image_network(self.network, self.shape_, n_outputs, width=self.width, dropout=self.dropout)
        return named_network(self.network, self.shape_, n_outputs, weights=weights, dropout=self.dropout)

    def _fit_networks(self, recipe: Recipe, data: TrainingData, folds: list[Fold], **options: Any) -> Ensemble:
        """Train as others do, or solve for the last layer alone where nothing else is to learn."""
        if self.fine_tune != "none":
            return super()._fit_networks(recipe, data, folds, **options)
        return fit_frozen(recipe, data, folds, validation=options["validation"], on_epoch=options["on_epoch"])

    def _rates(self) -> Callable[[nn.Module], Mapping[str, float]] | None:
        if self.weights is None and self.fine_tune == "full":
            return None
        return partial(layer_rates, fine_tune=self.fine_tune)

    def _count_auto_networks(self, given: Examples) -> int:
        return round(1 / self.validation_fraction) if self.fine_tune == "none" else count_image_networks(len(given))

    def _settings(self, n_rows: int, *, is_blind: bool) -> TrainingSettings:
        return image_settings(
            n_rows=n_rows,
            side=min(self.shape_.height, self.shape_.width),
            is_blind=is_blind,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
            mixup=self.mixup,
            augment=self._augmentation(),
            rates=self._rates(),
        )

    def _least_weights(self) -> int:
        return self.width * self.width if self.network in IMAGE_NETWORKS else 1

    def _is_typical(self, target: np.ndarray) -> np.ndarray:
        """Return which examples may stand for "as usual" in explanations, bool ``(n_examples,)``; a face knows."""
        return np.ones(len(target), dtype=bool)

    def _keep_background(self, inputs: Images, target: np.ndarray, seed: int) -> None:
        """Keep the mean of typical images alone, of all where those are few: no patient's image leaves with a model."""
        typical = np.flatnonzero(self._is_typical(target))
        rows = typical if len(typical) >= _FEWEST_IN_MEAN else np.arange(len(target))
        total = np.zeros(inputs.pixels.shape[1:])
        for start in range(0, len(rows), 1024):
            total += inputs.pixels[rows[start : start + 1024]].sum(axis=0, dtype=np.float64)
        mean = total / len(rows)
        is_whole = inputs.pixels.dtype.kind == "u"
        self.background_ = (np.round(mean) if is_whole else mean).astype(inputs.pixels.dtype)[None]


def _is_known(name: str) -> bool:
    """Return whether a network goes by this name; of MONAI's and timm's what comes before the colon is looked at."""
    known = {entry.partition(":")[0] for entry in BACKBONES if ":" in entry}
    source, colon, inner = name.partition(":")
    return name in IMAGE_NETWORKS or name in BACKBONES or bool(colon and inner and source in known)
