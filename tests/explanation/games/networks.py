"""Small networks with the parts that other explainers stumble over, and the oracle they are held against."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn


def seeded(make: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """Return a module whose weights come from a seed, the global generator left as found."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


class SmallConv(nn.Module):
    """Convolutions with BatchNorm, a residual, one activation module used three times, dropout."""

    def __init__(self, n_channels: int = 1, n_outputs: int = 2) -> None:
        super().__init__()
        self.stem = nn.Conv2d(n_channels, 8, 3, padding=1)
        self.inner = nn.Conv2d(8, 8, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(8), nn.BatchNorm2d(8)])
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(32, n_outputs))

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.relu(self.norms[0](self.stem(images)))
        return self.head(self.relu(hidden + self.relu(self.norms[1](self.inner(hidden)))))


class Gru(nn.Module):
    """The last state of a GRU; sensors from ``n_used`` on are not read."""

    def __init__(self, n_sensors: int, n_used: int) -> None:
        super().__init__()
        self.n_used = n_used
        self.gru = nn.GRU(n_used, 16, batch_first=True, num_layers=2, dropout=0.5)
        self.head = nn.Linear(16, 1)

    def forward(self, windows: Tensor) -> Tensor:
        return self.head(self.gru(windows[..., : self.n_used])[0][:, -1])


class CodeEmbedding(nn.Module):
    """Integer codes (n, n_times, n_sensors), embedded and averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 8)
        self.head = nn.Sequential(nn.SiLU(), nn.Linear(8, 1))

    def forward(self, codes: Tensor) -> Tensor:
        return self.head(self.embedding(codes).mean((1, 2)))


class Attention(nn.Module):
    """Item embeddings with positions, self-attention, LayerNorm and SiLU: a score for each of ``n_items``."""

    def __init__(self, n_items: int, length: int = 12) -> None:
        super().__init__()
        self.items = nn.Embedding(n_items, 16, padding_idx=0)
        self.positions = nn.Embedding(length, 16)
        self.attention = nn.MultiheadAttention(16, 2, dropout=0.5, batch_first=True)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Sequential(nn.SiLU(), nn.Linear(16, n_items))

    def forward(self, ids: Tensor) -> Tensor:
        hidden = self.items(ids) + self.positions.weight[-ids.shape[1] :]
        is_hidden = (ids == 0) & (ids != 0).any(1, keepdim=True)  # all padding sees itself
        mixed, _ = self.attention(hidden, hidden, hidden, key_padding_mask=is_hidden, need_weights=False)
        return self.head(self.norm(hidden + mixed)[:, -1])


def shapley_by_orders(value: Callable[[np.ndarray], float], n_players: int) -> np.ndarray:
    """Return Shapley values of a function of bool ``(n_players,)``, averaged over all orders."""
    values = np.zeros(n_players)
    for order in itertools.permutations(range(n_players)):
        present = np.zeros(n_players, dtype=bool)
        before = value(present)
        for player in order:
            present[player] = True
            after = value(present)
            values[player] += after - before
            before = after
    return values / math.factorial(n_players)


def state_of(module: nn.Module) -> tuple[object, ...]:
    """Return what asking a network must leave as found: modes, gradients, weights, buffers, random state."""
    modes = [part.training for part in module.modules()]
    parameters = [(p.requires_grad, p.grad is None, p.detach().numpy().tobytes()) for p in module.parameters()]
    buffers = [buffer.numpy().tobytes() for buffer in module.buffers()]
    return modes, parameters, buffers, torch.random.get_rng_state().numpy().tobytes()


def facts_of(explanation: object) -> tuple[bytes, ...]:
    """Return the bytes of what an explanation says."""
    names = ("values", "standard_error", "base_value", "output", "residual")
    return tuple(getattr(explanation, name).tobytes() for name in names)
