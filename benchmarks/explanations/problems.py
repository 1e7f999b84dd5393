"""What is explained: networks trained here on data made here, so that the right answer can be computed."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from appkit.explanation import EncodedTableGame, Game, TensorGame
from benchmarks.explanations.networks import (
    CountedNetwork,
    LogOdds,
    MeanOfMembers,
    Recurrent,
    mlp,
    small_resnet,
    trained,
)

__all__ = ["PROBLEMS", "Problem", "Size", "make_problem"]

N_TRAINING = 4000
PEER_BACKGROUND = 100  # rows a peer is given where the whole training table would take it hours
_STEPS, _SENSORS, _SEGMENT = 30, 14, 5
_GRID, _SIDE = 8, 32


@dataclass(frozen=True)
class Size:
    """How much of a problem is measured.

    Parameters
    ----------
    n_rows
        Rows that every method explains and that have a true answer.
    n_many_rows
        Rows for the runs that show what a large batch costs.
    many_evaluations
        What such a run may ask of the network: rows are left out of it beyond that.
    truth_pairs
        Permutation pairs per row behind a true answer that is not enumerated.
    surrogate_samples
        Perturbations behind what a LIME surrogate converges to.
    epochs
        Passes over the training rows; ``None`` leaves it to the problem.
    """

    n_rows: int = 10
    n_many_rows: int = 1000
    many_evaluations: int = 4_000_000
    truth_pairs: int = 20_000
    surrogate_samples: int = 200_000
    epochs: int | None = None


@dataclass(frozen=True)
class Problem:
    """A network, rows to explain, a background, and which player each element belongs to.

    Parameters
    ----------
    name
        As on the command line.
    kind
        ``"table"``, ``"ensemble"``, ``"population"``, ``"image"`` or ``"window"``.
    network
        One output, ``(n, 1)``; counts what it is asked.
    rows, many_rows
        float32 ``(n_rows, *shape)``; the second begins with the first.
    many_evaluations
        See :class:`Size`.
    background
        float32 ``(n_references, *shape)``.
    owner
        int64 player of each element, of a shape that broadcasts to ``shape``.
    training
        float32 ``(n, *shape)``: what LIME takes its scales from.
    """

    name: str
    kind: str
    network: CountedNetwork
    rows: Tensor
    many_rows: Tensor
    background: Tensor
    owner: Tensor
    training: Tensor = field(repr=False)
    many_evaluations: int = Size.many_evaluations

    @property
    def n_players(self) -> int:
        return int(self.owner.max()) + 1

    @property
    def has_columns(self) -> bool:
        """Whether each element is a player, so that a library for tables takes the rows as they are."""
        return self.kind in ("table", "ensemble", "population")

    @property
    def device(self) -> str:
        return str(self.rows.device)

    def fingerprint(self) -> str:
        """Return a hash of weights, rows and background."""
        digest = hashlib.sha256()
        for tensor in (*self.network.state_dict().values(), self.rows, self.background, self.owner):
            digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
        return digest.hexdigest()[:16]

    def game(self, rows: Tensor | None = None, background: Tensor | None = None) -> Game:
        """Return appkit's game of these rows, of all rows on the whole background unless given."""
        if not self.has_columns:
            return self.tensor_game(rows)
        rows = self.rows if rows is None else rows
        background = self.background if background is None else background
        model = _Estimator(self.network, self.n_players, self.device)
        return EncodedTableGame(model, _frame(rows), _frame(background), units="value")

    def tensor_game(self, rows: Tensor | None = None) -> TensorGame:
        """Return appkit's game of tensors, which has gradients for every kind of data."""
        names = [f"player {i}" for i in range(self.n_players)]
        rows = self.rows if rows is None else rows
        return TensorGame(self.network, rows, self.background, players=self.owner, player_names=names)

    def peer_background(self, seed: int) -> Tensor:
        """Return the rows a peer averages over: the background, or a sample of it where that is the population."""
        if self.kind != "population":
            return self.background
        rng = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(self.background), generator=rng)[:PEER_BACKGROUND]
        return self.background[chosen.to(self.device)]

    def mixed(self, row: Tensor, references: Tensor, present: Tensor) -> Tensor:
        """Return ``(n, *shape)``: one row where players are ``present``, ``(n, n_players)``, else its references."""
        return torch.where(present[:, self.owner.expand(row.shape)], row, references)

    def per_player(self, elements: Tensor) -> Tensor:
        """Return sums of ``(n, *shape)`` over each player's elements, ``(n, n_players)``."""
        owner = self.owner.expand(elements.shape[1:]).reshape(1, -1).expand(len(elements), -1)
        sums = torch.zeros(len(elements), self.n_players, dtype=elements.dtype, device=elements.device)
        return sums.scatter_add_(1, owner, elements.flatten(1))


@dataclass(frozen=True)
class _Estimator:
    """What :class:`~appkit.explanation.EncodedTableGame` asks of a fitted model, on top of a bare network."""

    network: CountedNetwork
    n_inputs: int
    device: str

    output_names_ = ("output",)

    @property
    def player_columns_(self) -> tuple[str, ...]:
        return tuple(_columns(self.n_inputs))

    @property
    def encoded_player_(self) -> np.ndarray:
        return np.arange(self.n_inputs)

    @property
    def n_members_(self) -> int:
        return self.network.n_members

    @property
    def background_(self) -> pd.DataFrame:
        raise NotImplementedError("The benchmark always names the background.")

    def encode(self, X: pd.DataFrame) -> Tensor:
        return torch.as_tensor(X.to_numpy(dtype=np.float32, copy=True), device=self.device)

    def encoded_outputs(self, Z: Tensor, *, units: str, members: Tensor | None = None) -> Tensor:
        return self.network(Z, members) if members is not None else self.network(Z)


def make_problem(name: str, size: Size, *, device: str = "cpu") -> Problem:
    """Return the problem called ``name``, trained on the processor with fixed seeds and moved to ``device``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        problem = PROBLEMS[name](name, size)
    tensors = {part: getattr(problem, part).to(device) for part in ("rows", "many_rows", "background", "owner")}
    return Problem(
        name,
        problem.kind,
        problem.network.to(device),
        **tensors,
        training=problem.training.to(device),
        many_evaluations=size.many_evaluations,
    )


def _table(name: str, size: Size, *, n_players: int, n_references: int, kind: str = "table") -> Problem:
    X, y = _table_data(n_players, N_TRAINING + size.n_many_rows)
    network = mlp(n_players)
    epochs = 12 if size.epochs is None else size.epochs
    trained(
        network,
        lambda rows: F.binary_cross_entropy_with_logits(network(X[rows])[:, 0], y[rows]),
        n_rows=N_TRAINING,
        epochs=epochs,
        batch_size=256,
        seed=0,
    )
    return _table_problem(name, kind, network, X, size=size, n_references=n_references)


def _ensemble(name: str, size: Size) -> Problem:
    X, y = _table_data(24, N_TRAINING + size.n_many_rows)
    network = MeanOfMembers(24)

    def loss(rows: Tensor) -> Tensor:
        logits = network.all_members(X[rows])
        return F.binary_cross_entropy_with_logits(logits, y[rows, None].expand_as(logits))

    epochs = 3 if size.epochs is None else size.epochs
    trained(network, loss, n_rows=N_TRAINING, epochs=epochs, batch_size=256, seed=0)
    return _table_problem(name, "ensemble", network, X, size=size, n_references=100)


def _table_problem(name: str, kind: str, network: nn.Module, X: Tensor, *, size: Size, n_references: int) -> Problem:
    fresh = X[N_TRAINING:]
    return Problem(
        name,
        kind,
        CountedNetwork(network),
        rows=fresh[: size.n_rows],
        many_rows=fresh[: size.n_many_rows],
        background=X[:n_references],
        owner=torch.arange(X.shape[1]),
        training=X[:N_TRAINING],
    )


def _table_data(n_players: int, n_rows: int) -> tuple[Tensor, Tensor]:
    """Return correlated normal inputs and a class that depends on slopes, products, a wave and a threshold."""
    rng = torch.Generator().manual_seed(n_players)
    own = torch.randn(n_rows, n_players, generator=rng)
    X = math.sqrt(0.7) * own + math.sqrt(0.3) * torch.randn(n_rows, 1, generator=rng)
    slopes = torch.randn(n_players, generator=rng) / torch.arange(1, n_players + 1).sqrt()
    score = X @ slopes + torch.sin(2 * X[:, 0]) + (X[:, 3].abs() > 1) * X[:, 1]
    for first in range(0, min(n_players - 1, 12), 2):
        score = score + 0.8 / (1 + first / 4) * X[:, first] * X[:, first + 1]
    event = torch.sigmoid(1.5 * (score - score.mean())) > torch.rand(n_rows, generator=rng)
    return X, event.float()


def _windows(name: str, size: Size) -> Problem:
    """Wearing machines: sensors drift with wear, some along with others; the output is the life left."""
    rng = torch.Generator().manual_seed(0)
    n_train = 3000
    n = n_train + size.n_many_rows
    life = 1.2 * torch.rand(n, generator=rng)
    wear = torch.exp(3 * (life[:, None] + torch.linspace(-0.3, 0, _STEPS)))[..., None] / 10
    drift = torch.zeros(_SENSORS)
    drift[:6] = torch.tensor([1.5, -1.2, 1.0, 0.8, -0.6, 0.4])
    noise = torch.randn(2, n, _STEPS, _SENSORS, generator=rng)
    X = noise[0].cumsum(1) * 0.1 + 0.4 * noise[1] + wear * drift
    X[..., 6] += 0.5 * wear[..., 0].square()
    left = 1.2 - life
    network = Recurrent(_SENSORS)
    epochs = 4 if size.epochs is None else size.epochs
    trained(
        network,
        lambda rows: F.mse_loss(network(X[rows])[:, 0], left[rows]),
        n_rows=n_train,
        epochs=epochs,
        batch_size=128,
        seed=0,
    )
    segment = torch.arange(_STEPS) // _SEGMENT
    return Problem(
        name,
        "window",
        CountedNetwork(network),
        rows=X[n_train:][: size.n_rows],
        many_rows=X[n_train:],
        background=X[:50],
        owner=segment[:, None] * _SENSORS + torch.arange(_SENSORS),
        training=X[:n_train],
    )


def _images(name: str, size: Size) -> Problem:
    """Digits on a coloured texture; explained is the log-odds of a three, absent patches are of the mean colour."""
    X, y = _digits_on_texture()
    n_train, wanted = 1400, 3
    network = small_resnet()
    epochs = 8 if size.epochs is None else size.epochs
    trained(
        network,
        lambda rows: F.cross_entropy(network(X[rows]), y[rows]),
        n_rows=n_train,
        epochs=epochs,
        batch_size=64,
        seed=0,
    )
    fresh = torch.cat([X[n_train:][y[n_train:] == wanted], X[n_train:][y[n_train:] != wanted]])
    cell = torch.arange(_SIDE) // (_SIDE // _GRID)
    return Problem(
        name,
        "image",
        CountedNetwork(LogOdds(network, wanted)),
        rows=fresh[: size.n_rows],
        many_rows=fresh[: size.n_many_rows],
        background=X[:n_train].mean((0, 2, 3))[None, :, None, None].expand(1, *X.shape[1:]).contiguous(),
        owner=cell[:, None] * _GRID + cell,
        training=X[:n_train],
    )


def _digits_on_texture() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    rng = np.random.default_rng(0)
    order = rng.permutation(len(digits.images))
    shapes = torch.as_tensor(digits.images[order] / 16, dtype=torch.float32)[:, None]
    shapes = F.interpolate(shapes, size=22, mode="bilinear")
    texture = torch.as_tensor(rng.random((len(order), 3, 8, 8)), dtype=torch.float32) * 0.5
    images = F.interpolate(texture, size=_SIDE, mode="bilinear")
    colours = torch.as_tensor(rng.random((len(order), 3, 1, 1)) * 0.5 + 0.5, dtype=torch.float32)
    for i, (top, left) in enumerate(rng.integers(0, _SIDE - 22, size=(len(order), 2))):
        patch = images[i, :, top : top + 22, left : left + 22]
        patch.copy_(patch * (1 - shapes[i]) + colours[i] * shapes[i])
    return images, torch.as_tensor(digits.target[order], dtype=torch.int64)


def _columns(n: int) -> list[str]:
    return [f"x{i}" for i in range(n)]


def _frame(rows: Tensor) -> pd.DataFrame:
    return pd.DataFrame(rows.cpu().numpy(), columns=_columns(rows.shape[1]))


def _table_of(n_players: int, n_references: int = 100, kind: str = "table") -> Callable[[str, Size], Problem]:
    return lambda name, size: _table(name, size, n_players=n_players, n_references=n_references, kind=kind)


PROBLEMS: Mapping[str, Callable[[str, Size], Problem]] = MappingProxyType(
    {
        "table_10": _table_of(10),
        "table_24": _table_of(24),
        "table_60": _table_of(60),
        "ensemble_24": _ensemble,
        "population_12": _table_of(12, N_TRAINING, "population"),
        "population_24": _table_of(24, N_TRAINING, "population"),
        "windows": _windows,
        "images": _images,
    }
)
