"""Residual networks with the parameter names under which their ImageNet weights are published."""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["RESNET_DEPTHS", "ResNet"]

RESNET_DEPTHS = (18, 34, 50)
"""Layers with weights of the networks that :class:`ResNet` can be."""

_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
_WIDTHS = (64, 128, 256, 512)


class ResNet(nn.Module):
    """ResNet-18, -34 or -50; state dicts of torchvision's models of the same depth load into it, name by name.

    Parameters
    ----------
    depth
        18, 34 or 50.
    n_channels
        Of the images; published weights want 3.
    n_outputs
        Logits per image; published weights give 1,000.

    References
    ----------
    He et al. (2016). Deep Residual Learning for Image Recognition. CVPR. ResNet-50 halves in its 3 x 3 convolutions, as
    the published weights do.

    Examples
    --------
    >>> import torch
    >>> module = ResNet(18, n_outputs=2)
    >>> module(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 2])
    >>> sum(p.numel() for p in ResNet(18).parameters())
    11689512
    """

    def __init__(self, depth: int, *, n_channels: int = 3, n_outputs: int = 1000) -> None:
        super().__init__()
        if depth not in RESNET_DEPTHS:
            raise ValueError(f"depth must be one of {', '.join(map(str, RESNET_DEPTHS))}, got {depth!r}.")
        block = _Bottleneck if depth == 50 else _BasicBlock
        self.conv1 = nn.Conv2d(n_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        n_inputs = 64
        for k, (width, n_blocks) in enumerate(zip(_WIDTHS, _BLOCKS[depth], strict=True)):
            blocks = []
            for position in range(n_blocks):
                blocks.append(block(n_inputs, width, stride=2 if k and not position else 1))
                n_inputs = width * block.expansion
            self.add_module(f"layer{k + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(n_inputs, n_outputs)
        self._initialise()

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(n, n_outputs)`` of images, float32 ``(n, n_channels, height, width)``."""
        *_, last = self.maps(x)
        return self.fc(last.mean((2, 3)))

    def maps(self, x: Tensor) -> Iterator[Tensor]:
        """Yield the map at the end of each of the four layers, ``(n, channels, height, width)``."""
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        for k in range(len(_WIDTHS)):
            x = self.get_submodule(f"layer{k + 1}")(x)
            yield x

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(module, _BasicBlock | _Bottleneck):
                nn.init.zeros_(module.last_norm.weight)  # each block starts as the identity


class _BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, n_inputs: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(n_inputs, width, 3, stride=stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width, 3), nn.BatchNorm2d(width)
        self.downsample = _shortcut(n_inputs, width, stride=stride)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        return self.bn2

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.bn1(self.conv1(x)))
        h = self.bn2(self.conv2(h))
        return functional.relu(h + (x if self.downsample is None else self.downsample(x)))


class _Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, n_inputs: int, width: int, *, stride: int) -> None:
        super().__init__()
        n_outputs = self.expansion * width
        self.conv1, self.bn1 = _conv(n_inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width, 3, stride=stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = _conv(width, n_outputs, 1), nn.BatchNorm2d(n_outputs)
        self.downsample = _shortcut(n_inputs, n_outputs, stride=stride)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        return self.bn3

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.bn1(self.conv1(x)))
        h = functional.relu(self.bn2(self.conv2(h)))
        h = self.bn3(self.conv3(h))
        return functional.relu(h + (x if self.downsample is None else self.downsample(x)))


def _conv(n_inputs: int, n_outputs: int, kernel: int, *, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(n_inputs, n_outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


def _shortcut(n_inputs: int, n_outputs: int, *, stride: int) -> nn.Sequential | None:
    if stride == 1 and n_inputs == n_outputs:
        return None
    return nn.Sequential(_conv(n_inputs, n_outputs, 1, stride=stride), nn.BatchNorm2d(n_outputs))
