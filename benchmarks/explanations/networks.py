"""The networks that are explained, and the counter that every method runs through."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["CountedNetwork", "LogOdds", "MeanOfMembers", "Recurrent", "mlp", "small_resnet", "trained"]


class CountedNetwork(nn.Module):
    """A network that counts the rows it is asked about; one member of an ensemble counts as its share of a row.

    Every method calls the same object, so evaluations are counted where they happen and padding counts too.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.n_evaluations = 0.0
        self.n_members = int(getattr(network, "n_members", 1))

    def forward(self, rows: Tensor, members: Tensor | None = None) -> Tensor:
        """Return outputs, ``(n_rows, 1)``; with ``members`` ``(n_rows,)``, of one member per row."""
        if members is None:
            self.n_evaluations += len(rows)
            return self.network(rows)
        self.n_evaluations += len(rows) / self.n_members
        return self.network(rows, members)


def mlp(n_inputs: int, width: int = 256, depth: int = 3) -> nn.Module:
    """Return a perceptron with ``depth`` hidden layers and one output; every ReLU is a module of its own."""
    widths = [n_inputs] + [width] * depth
    hidden = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(width, 1))


class MeanOfMembers(nn.Module):
    """TabM: perceptrons that share weights, told apart by what each multiplies inputs and outputs with.

    References
    ----------
    Gorishniy, Kotelnikov, Babenko (2025), "TabM: advancing tabular deep learning with parameter-efficient
    ensembling", ICLR.
    """

    def __init__(self, n_inputs: int, *, width: int = 256, depth: int = 3, n_members: int = 16) -> None:
        super().__init__()
        self.n_members = n_members
        widths = [n_inputs] + [width] * depth
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        signs = torch.where(torch.rand(n_members, n_inputs) < 0.5, -1.0, 1.0)
        before = [signs] + [torch.ones(n_members, width) for _ in range(depth - 1)]
        self.before = nn.ParameterList(nn.Parameter(scale) for scale in before)
        self.after = nn.ParameterList(nn.Parameter(torch.ones(n_members, width)) for _ in range(depth))
        self.weight = nn.Parameter(torch.randn(n_members, width) / width**0.5)
        self.bias = nn.Parameter(torch.zeros(n_members))

    def forward(self, rows: Tensor, members: Tensor | None = None) -> Tensor:
        """Return the mean output of all members, ``(n_rows, 1)``, or that of one member per row."""
        if members is None:
            return self.all_members(rows).mean(1, keepdim=True)
        return self._scaled(rows, members)[:, None]

    def all_members(self, rows: Tensor) -> Tensor:
        """Return the output of each member, ``(n_rows, n_members)``."""
        return self._scaled(rows[:, None], slice(None))

    def _scaled(self, hidden: Tensor, chosen: Tensor | slice) -> Tensor:
        for layer, before, after in zip(self.layers, self.before, self.after, strict=True):
            hidden = F.relu(F.linear(hidden * before[chosen], layer.weight) * after[chosen] + layer.bias)
        return (hidden * self.weight[chosen]).sum(-1) + self.bias[chosen]


class Recurrent(nn.Module):
    """A GRU over a window ``(n, n_steps, n_sensors)`` and one output from its last state."""

    def __init__(self, n_sensors: int, width: int = 64) -> None:
        super().__init__()
        self.states = nn.GRU(n_sensors, width, batch_first=True)
        self.head = nn.Linear(width, 1)

    def forward(self, windows: Tensor) -> Tensor:
        """Return ``(n, 1)``."""
        return self.head(self.states(windows)[0][:, -1])


class _Residual(nn.Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        stride = 1 if n_in == n_out else 2
        self.path = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        shortcut = nn.Sequential(nn.Conv2d(n_in, n_out, 1, 2, bias=False), nn.BatchNorm2d(n_out))
        self.shortcut = nn.Identity() if stride == 1 else shortcut
        self.activation = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        return self.activation(self.path(maps) + self.shortcut(maps))


def small_resnet(width: int = 16, n_classes: int = 10) -> nn.Module:
    """Return a residual network for 32 x 32 colour images: six blocks behind a stem that halves them."""
    stem = [nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    widths = [(width, width), (width, width), (width, 2 * width), (2 * width, 2 * width)]
    widths += [(2 * width, 4 * width), (4 * width, 4 * width)]
    blocks = [_Residual(a, b) for a, b in widths]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, n_classes))


class LogOdds(nn.Module):
    """The log-odds of one class against the others, ``(n, 1)``, from the logits of all."""

    def __init__(self, network: nn.Module, class_index: int) -> None:
        super().__init__()
        self.network = network
        self.class_index = class_index

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(n, 1)``."""
        logits = self.network(images)
        others = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
        others[self.class_index] = False
        return (logits[:, self.class_index] - logits[:, others].logsumexp(1))[:, None]


def trained(
    network: nn.Module, loss: Callable[[Tensor], Tensor], *, n_rows: int, epochs: int, batch_size: int, seed: int
) -> nn.Module:
    """Return the network trained by AdamW on ``loss`` of row numbers, in evaluation mode and without gradients."""
    rng = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
    network.train()
    for _ in range(epochs):
        for rows in torch.randperm(n_rows, generator=rng).split(batch_size):
            optimiser.zero_grad()
            loss(rows).backward()
            optimiser.step()
    return network.eval().requires_grad_(False)
