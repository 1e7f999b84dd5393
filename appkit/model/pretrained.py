"""Networks with weights learnt from other images, as image estimators want them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from appkit.data.images import ImageShape
from appkit.model.backbones import Backbone, backbone, colour_moments
from appkit.model.weights import load_weights

__all__ = ["Preprocessing", "PretrainedNetwork", "named_network", "preprocessing"]

_LONGEST_ENLARGED = 256  # pixels: the best of 128 to 320 for features of breast ultrasound images of 128
_FLATTEST = 1e-6  # variance below which a map counts as constant: the root of 0 has no gradient


@dataclass(frozen=True)
class Preprocessing:
    """How pixels are scaled for published weights: of values in 0 to 1, minus ``mean``, by ``std``.

    Parameters
    ----------
    mean, std
        One number per channel of the images.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


def preprocessing(name: str, *, n_channels: int = 3) -> Preprocessing:
    """Return the scaling that goes with the published weights of a network.

    Parameters
    ----------
    name
        As :func:`named_network` takes it.
    n_channels
        3, or 1 for grey images, which get the means over the colours; the network does the rest.

    Raises
    ------
    ValueError
        If there is another number of channels.

    Examples
    --------
    >>> preprocessing("resnet18")
    Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    """
    if n_channels not in (1, 3):
        raise ValueError(f"n_channels must be 1 or 3 for published weights, got {n_channels!r}.")
    mean, std = colour_moments(name)
    if n_channels == 1:
        mean, std = (sum(mean) / len(mean),), (sum(std) / len(std),)
    return Preprocessing(mean, std)


def named_network(
    name: str,
    shape: ImageShape,
    n_outputs: int,
    *,
    weights: str | Path | None = None,
    pooling: Literal["auto", "stages", "last"] = "auto",
    longest_side: int | None = _LONGEST_ENLARGED,
    dropout: float = 0.0,
) -> "PretrainedNetwork":
    """Return a published network with a new last layer.

    Parameters
    ----------
    name
        "resnet18", "resnet34", "resnet50" (names of parameters as torchvision's), "efficientnet-lite0",
        "monai:DenseNet121" (SEResNet50, resnet18, efficientnet-b0, ...) or "timm:NAME".
    shape
        Channels, height and width of the images the estimator has. Published weights want three colours: grey images
        are shown to them as grey colour images. With 2 or more than 3 channels the first layer is built for those.
    n_outputs
        Logits per image.
    weights
        A file that :func:`~appkit.model.weights.load_weights` reads; ``"published"``: those that an installed package
        brings; ``None``: random.
    pooling
        What the last layer reads. "stages": means and standard deviations of the maps at the end of every stage.
        "last": what the network's own last layer read. "auto": "stages" where the stages of the network are known.
    longest_side
        Images are enlarged inside the network, bilinearly, until their longer side has so many pixels; never shrunk.
        ``None`` leaves them as they are.
    dropout
        Share of the features dropped before the last layer while training.

    Raises
    ------
    ValueError
        If the name is unknown, or no weights come with it and "published" was asked for.
    MissingDependencyError
        If the package that the name asks for is absent.
    ArtefactError
        If the weights do not fit.

    Examples
    --------
    >>> module = named_network("resnet18", ImageShape(n_channels=1, height=32, width=32), 2, longest_side=64)
    >>> module(torch.zeros(3, 1, 32, 32)).shape, module.n_features
    (torch.Size([3, 2]), 1920)
    """
    size = _enlarged(shape, longest_side)
    n_channels = 3 if shape.n_channels == 1 else shape.n_channels
    found = backbone(name, n_channels=n_channels)
    if pooling == "stages" and found.maps is None:
        raise ValueError(f"pooling='stages' needs a network whose stages are known, {name!r} has pooling='last'.")
    module = PretrainedNetwork(
        found,
        shape,
        n_outputs,
        size=size,
        grey=_grey_correction(name) if shape.n_channels == 1 else None,
        pools_stages=pooling != "last" and found.maps is not None,
        dropout=dropout,
    )
    if weights is not None:
        load_weights(module, _published(found, name) if weights == "published" else weights)
    return module


def _enlarged(shape: ImageShape, longest_side: int | None) -> tuple[int, int]:
    factor = max(1.0, (longest_side or 0) / max(shape.height, shape.width))
    return round(shape.height * factor), round(shape.width * factor)


def _grey_correction(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return factor and shift per colour from grey, scaled by the colours' mean moments, to that colour's own scale."""
    grey, colours = preprocessing(name, n_channels=1), preprocessing(name)
    factors = tuple(grey.std[0] / std for std in colours.std)
    shifts = tuple((grey.mean[0] - mean) / std for mean, std in zip(colours.mean, colours.std, strict=True))
    return factors, shifts


def _published(found: Backbone, name: str) -> Path:
    if found.published is None:
        raise ValueError(f"weights='published' needs weights in a package, none comes with {name!r}: give their path.")
    return found.published()


class PretrainedNetwork(nn.Module):
    """Somebody else's network between images of any size and a last layer of one's own.

    A grey image is repeated as three colours rather than the first layer summed over them: the two are equal but for
    the padding, and so the network sees exactly what its weights would have seen of a grey picture, and files of
    weights load and can be written name by name. Enlarging is part of the network too: explanations then speak of the
    pixels that the user has.

    Parameters
    ----------
    found
        The network and what is known of it.
    shape
        Of the images.
    n_outputs
        Logits per image.
    size
        Height and width that images are enlarged to.
    grey
        Factors and shifts from one grey channel to three colours; ``None`` for images in colour.
    pools_stages
        Whether the last layer reads means and standard deviations of every stage, or what the network's own did.
    dropout
        Share of the features dropped before the last layer while training.

    Attributes
    ----------
    stages : tuple of str or tuple of str
        What names of parameters begin with, from the input to the output; several prefixes may make one stage.
    output : torch.nn.Linear
        The last layer.
    n_features : int
        What it reads. Features of stages have means several times their spread and are centred and scaled while the
        network learns; one that never learnt leaves them as they are.
    unpublished : tuple of str
        What names of parameters begin with that no published file has.
    """

    unpublished = ("scaling", "output")

    factors: Tensor
    shifts: Tensor

    def __init__(
        self,
        found: Backbone,
        shape: ImageShape,
        n_outputs: int,
        *,
        size: tuple[int, int],
        grey: tuple[Iterable[float], Iterable[float]] | None,
        pools_stages: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.backbone = found.module
        self.backbone.set_submodule(found.classifier, nn.Identity())
        self.size, self.is_grey, self.pools_stages = size, grey is not None, pools_stages
        self._classifier, self._renamed, self._maps = found.classifier, found.renamed, found.maps
        factors, shifts = grey or ((), ())
        self.register_buffer("factors", torch.tensor(list(factors))[:, None, None], persistent=False)
        self.register_buffer("shifts", torch.tensor(list(shifts))[:, None, None], persistent=False)
        self.stages = (*(tuple(f"backbone.{prefix}" for prefix in stage) for stage in found.stages), "output")
        self.scaling: nn.Module = nn.Identity()
        self.n_features = self._count_features(shape)
        if pools_stages:
            self.scaling = nn.BatchNorm1d(self.n_features, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.n_features, n_outputs)

    def forward(self, Z: Tensor) -> Tensor:
        """Return logits ``(n, n_outputs)`` of images, float32 ``(n, n_channels, height, width)``."""
        return self.output(self.dropout(self.features(Z)))

    def features(self, Z: Tensor) -> Tensor:
        """Return what the last layer reads, float32 ``(n, n_features)``."""
        x = self._as_published(Z)
        if not self.pools_stages:
            return self.backbone(x).flatten(1)
        assert self._maps is not None
        return self.scaling(torch.cat([_moments(h) for h in self._maps(self.backbone, x)], dim=1))

    def own_name(self, published: str) -> str:
        """Return the name here of a parameter in a published file."""
        for pattern, replacement in self._renamed:
            published = re.sub(pattern, replacement, published)
        inner = published.removeprefix(f"{self._classifier}.")
        return f"backbone.{published}" if inner == published else f"output.{inner}"

    def _as_published(self, Z: Tensor) -> Tensor:
        """Return images as the published network saw its own: three colours, large enough."""
        if self.is_grey:
            Z = Z * self.factors + self.shifts
        if Z.shape[-2:] != self.size:
            Z = functional.interpolate(Z, self.size, mode="bilinear", align_corners=False)
        return Z

    @torch.no_grad()
    def _count_features(self, shape: ImageShape) -> int:
        self.eval()  # one image has no batch statistics
        n_features = self.features(torch.zeros(1, shape.n_channels, shape.height, shape.width)).shape[1]
        self.train()
        return n_features


def _moments(h: Tensor) -> Tensor:
    """Return mean and standard deviation of each channel over a map, float32 ``(n, 2 * channels)``."""
    variance, mean = torch.var_mean(h.float(), dim=(2, 3), correction=0)
    return torch.cat([mean, (variance + _FLATTEST).sqrt()], dim=1)
