"""Networks for small and middling images: standardised pixels in, one logit per output out."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from appkit.data.images import ImageShape

__all__ = ["IMAGE_NETWORKS", "ImageNetwork", "ImageNetworkFactory", "image_network"]

ImageNetworkFactory = Callable[[ImageShape, int], nn.Module]
"""What ``network=`` of an image estimator accepts: from an ``ImageShape`` and a number of outputs to a module.

The module takes float32 ``(n, n_channels, height, width)`` and returns logits ``(n, n_outputs)``.
"""

IMAGE_NETWORKS = ("resnet", "convnext")
"""Names that :func:`image_network` knows."""

_MOST_STAGES = 4
_LEAST_SIDE = 4  # of the last map: below, kernels of 3 x 3 read mostly padding
_BLOCKS = 2  # per stage


def image_network(
    name: str, shape: ImageShape, n_outputs: int, *, width: int = 32, dropout: float = 0.2
) -> "ImageNetwork":
    """Return a network that trains from scratch on images of 8 x 8 pixels and more.

    Parameters
    ----------
    name
        "resnet": residual blocks of two 3 x 3 convolutions. "convnext": blocks of a 7 x 7 depthwise convolution and a
        small network per pixel.
    shape
        Channels, height and width of the images; the shorter side decides how fast the first layer goes down, and how
        many stages there are.
    n_outputs
        Logits per image.
    width
        Channels of the first stage; each later one has twice as many as the one before.
    dropout
        Share of the features dropped before the last layer while training.

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> module = image_network("resnet", ImageShape(n_channels=1, height=28, width=28), 2, width=8)
    >>> module(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 2])
    >>> module.stages
    ('stem', 'stage1', 'stage2', 'stage3', 'output')
    """
    if name not in IMAGE_NETWORKS:
        raise ValueError(f"network must be one of {', '.join(IMAGE_NETWORKS)}, got {name!r}.")
    block = {"resnet": ResidualBlock, "convnext": ConvNextBlock}[name]
    return ImageNetwork(shape, n_outputs, block=block, width=width, dropout=dropout)


class ImageNetwork(nn.Module):
    """Stages of blocks at ever lower resolution, the mean over the last map, and one linear layer.

    Every step down is blurred first, so that an image moved by one pixel changes the answer little.

    Parameters
    ----------
    shape, n_outputs, width, dropout
        See :func:`image_network`.
    block
        From a number of channels to a module that keeps the shape of its map.

    Attributes
    ----------
    stages : tuple of str
        What the names of the parameters begin with, from the input to the output.
    output : torch.nn.Linear
        The last layer.

    References
    ----------
    He et al. (2016). Deep Residual Learning for Image Recognition. CVPR. Blurring: Zhang (2019). Making Convolutional
    Networks Shift-Invariant Again. ICML.
    """

    def __init__(
        self,
        shape: ImageShape,
        n_outputs: int,
        *,
        block: Callable[[int], nn.Module],
        width: int,
        dropout: float,
    ) -> None:
        super().__init__()
        n_halvings, n_stages = _depths(min(shape.height, shape.width))
        self.stem = _stem(shape.n_channels, width, n_halvings=n_halvings)
        widths = [width * 2**k for k in range(n_stages)]
        for k, channels in enumerate(widths):
            down = [_step_down(widths[k - 1], channels)] if k else []
            self.add_module(f"stage{k + 1}", nn.Sequential(*down, *(block(channels) for _ in range(_BLOCKS))))
        self.stages = ("stem", *(f"stage{k + 1}" for k in range(n_stages)), "output")
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(widths[-1], n_outputs)

    def forward(self, Z: Tensor) -> Tensor:
        """Return logits ``(n, n_outputs)`` of images, float32 ``(n, n_channels, height, width)``."""
        return self.output(self.dropout(self.features(Z)))

    def features(self, Z: Tensor) -> Tensor:
        """Return what the last layer reads, ``(n, n_features)``: the means of the last map."""
        for stage in self.stages[:-1]:
            Z = self.get_submodule(stage)(Z)
        return Z.mean((2, 3))


def _depths(side: int) -> tuple[int, int]:
    """Return how often the first layer halves a side, and how many stages follow: the first map has 14 to 64 pixels."""
    n_halvings = sum(side >= least for least in (20, 64, 320))
    n_stages, last = 1, side >> n_halvings
    while n_stages < _MOST_STAGES and (last := -(-last // 2)) >= _LEAST_SIDE:
        n_stages += 1
    return n_halvings, n_stages


def _stem(n_channels: int, width: int, *, n_halvings: int) -> nn.Sequential:
    """Return one convolution of overlapping windows, twice as wide as they are far apart.

    A convolution at full resolution, then blurred and halved, cost a quarter more and ranked images unlike those it was
    trained on no better (chest X-rays of 28 x 28).
    """
    stride = 2**n_halvings
    kernel, padding = (3, 1) if stride == 1 else (2 * stride, stride // 2)
    conv = nn.Conv2d(n_channels, width, kernel, stride, padding, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU())


def _step_down(n_inputs: int, n_outputs: int) -> nn.Sequential:
    """Return a blurred halving, then more channels.

    Two means of 2 x 2 are the binomial filter (1, 2, 1) with edges repeated, at a tenth of a depthwise convolution's
    cost in bfloat16 on a CPU.
    """
    blur = nn.AvgPool2d(2, stride=1, padding=1, count_include_pad=False)
    return nn.Sequential(
        blur, nn.AvgPool2d(2), nn.Conv2d(n_inputs, n_outputs, 1, bias=False), nn.BatchNorm2d(n_outputs)
    )


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions that correct their input, at first by nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        conv = partial(nn.Conv2d, width, width, 3, padding=1, bias=False)
        self.first, self.first_norm = conv(), nn.BatchNorm2d(width)
        self.second, self.second_norm = conv(), nn.BatchNorm2d(width)
        nn.init.zeros_(self.second_norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the shape of ``x``."""
        h = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(x + self.second_norm(self.second(h)))


class ConvNextBlock(nn.Module):
    """A 7 x 7 depthwise convolution and a network per pixel that correct their input, at first by little.

    References
    ----------
    Liu et al. (2022). A ConvNet for the 2020s. CVPR.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the shape of ``x``."""
        with torch.autocast("cpu", enabled=False):  # a CPU takes three times as long over it in bfloat16
            h = self.depthwise(x.to(self.depthwise.weight.dtype))
        h = self.scale * self.mlp(self.norm(h.permute(0, 2, 3, 1)))
        return x + h.permute(0, 3, 1, 2)
