"""Random networks with the parts that other explainers stumble over, each the same again by its seed."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tests.explanation.games.networks import SmallConv

__all__ = [
    "CODES",
    "HISTORIES",
    "N_CODES",
    "N_COLUMNS",
    "N_ITEMS",
    "N_OUTPUTS",
    "N_SENSORS",
    "N_TIMES",
    "SERIES",
    "VECTORS",
    "Alike",
    "Blind",
    "ItemBag",
    "drawn",
    "image_network",
]

N_COLUMNS = 5
N_TIMES, N_SENSORS = 6, 2
N_CODES = 10
N_ITEMS = 12
N_OUTPUTS = 2

Make = Callable[[], nn.Module]


def drawn(make: Make, seed: int, example: Tensor | None = None) -> nn.Module:
    """Return a module in evaluation mode whose weights come from a seed, the global generator left as found.

    ``example`` is shown once in training mode, so that batch norms have statistics of their own.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = make()
        if example is not None:
            module.train()(example)
    return module.eval()


class Residual(nn.Module):
    """Two blocks around a residual path, each with a norm and the one activation module that both share."""

    def __init__(self, norm: Callable[[int], nn.Module], activation: nn.Module) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(N_COLUMNS, 16), nn.Linear(16, 16)
        self.norms = nn.ModuleList([norm(16), norm(16)])
        self.activation = activation
        self.head = nn.Linear(16, N_OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.activation(self.norms[0](self.first(x)))
        return self.head(hidden + self.activation(self.norms[1](self.second(hidden))))


class ColumnAttention(nn.Module):
    """Every column a token, one round of attention, the mean of the tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.bias = nn.Parameter(torch.randn(N_COLUMNS, 8)), nn.Parameter(torch.randn(N_COLUMNS, 8))
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.3, activation="gelu", batch_first=True)
        self.head = nn.Linear(8, N_OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x[..., None] * self.tokens + self.bias).mean(1))


class LastState(nn.Module):
    """The last state of a recurrent layer."""

    def __init__(self, recurrent: type[nn.RNNBase]) -> None:
        super().__init__()
        self.recurrent = recurrent(N_SENSORS, 8, num_layers=2, dropout=0.4, batch_first=True)
        self.head = nn.Linear(8, N_OUTPUTS)

    def forward(self, series: Tensor) -> Tensor:
        return self.head(self.recurrent(series)[0][:, -1])


class TimeConvolution(nn.Module):
    """A convolution over time with BatchNorm and an activation in place."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(N_SENSORS, 8, 3, padding=1), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Conv1d(8, 8, 3)
        )
        self.head = nn.Linear(8, N_OUTPUTS)

    def forward(self, series: Tensor) -> Tensor:
        return self.head(self.layers(series.transpose(1, 2)).amax(2))


class TimeAttention(nn.Module):
    """Steps with positions, attention and LayerNorm over them."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.positions = nn.Linear(N_SENSORS, 8), nn.Parameter(torch.randn(N_TIMES, 8))
        self.attention, self.norm = nn.MultiheadAttention(8, 2, batch_first=True), nn.LayerNorm(8)
        self.head = nn.Linear(8, N_OUTPUTS)

    def forward(self, series: Tensor) -> Tensor:
        hidden = self.inner(series) + self.positions
        mixed, _ = self.attention(hidden, hidden, hidden, need_weights=False)
        return self.head(self.norm(hidden + mixed).mean(1))


class CodeEmbedding(nn.Module):
    """Whole numbers, each column's embedded in a table of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(N_CODES, 4) for _ in range(N_COLUMNS))
        self.head = nn.Sequential(nn.Linear(4 * N_COLUMNS, 16), nn.SiLU(), nn.Linear(16, N_OUTPUTS))

    def forward(self, codes: Tensor) -> Tensor:
        return self.head(torch.cat([table(codes[:, i]) for i, table in enumerate(self.tables)], dim=1))


class ItemAttention(nn.Module):
    """Item embeddings, attention over those that are no padding, LayerNorm and SiLU."""

    def __init__(self) -> None:
        super().__init__()
        self.items = nn.Embedding(N_ITEMS, 8, padding_idx=0)
        self.attention, self.norm = nn.MultiheadAttention(8, 2, batch_first=True), nn.LayerNorm(8)
        self.head = nn.Sequential(nn.SiLU(), nn.Linear(8, N_OUTPUTS))

    def forward(self, ids: Tensor) -> Tensor:
        hidden = self.items(ids)
        is_hidden = (ids == 0) & (ids != 0).any(1, keepdim=True)  # all padding sees itself
        mixed, _ = self.attention(hidden, hidden, hidden, key_padding_mask=is_hidden, need_weights=False)
        return self.head(self.norm(hidden + mixed)[:, -1])


class ItemState(nn.Module):
    """Item embeddings read by a GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.items, self.gru = nn.Embedding(N_ITEMS, 8, padding_idx=0), nn.GRU(8, 8, batch_first=True)
        self.head = nn.Linear(8, N_OUTPUTS)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.gru(self.items(ids))[0][:, -1])


class ItemBag(nn.Module):
    """The sum of item embeddings; items of even numbers are all zeros, as padding is."""

    def __init__(self) -> None:
        super().__init__()
        self.items = nn.Embedding(N_ITEMS, 8, padding_idx=0)
        self.items.weight.data[::2] = 0.0
        self.head = nn.Sequential(nn.Linear(8, 8), nn.SiLU(), nn.Linear(8, N_OUTPUTS))

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.items(ids).sum(1))


class Blind(nn.Module):
    """A network that does not see the elements whose ``sight`` is 0."""

    sight: Tensor

    def __init__(self, network: nn.Module, sight: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("sight", sight)

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x * self.sight)


class Alike(nn.Module):
    """A network that sees the mean of the elements ``first`` and ``second``, flattened, in the place of either."""

    def __init__(self, network: nn.Module, first: Tensor, second: Tensor) -> None:
        super().__init__()
        self.network, self.first, self.second = network, first, second

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1).clone()
        mean = (flat[:, self.first] + flat[:, self.second]) / 2
        flat[:, self.first], flat[:, self.second] = mean, mean
        return self.network(flat.view(x.shape))


def image_network(n_channels: int) -> Make:
    """Return how to make a convolutional network with BatchNorm, a residual and one activation used three times."""
    return lambda: SmallConv(n_channels=n_channels, n_outputs=N_OUTPUTS)


def _dense(*middle: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(N_COLUMNS, 16), *middle, nn.Linear(16, N_OUTPUTS))


def _with_one_activation_twice() -> nn.Module:
    shared = nn.ReLU()
    return _dense(shared, nn.Linear(16, 16), shared)


VECTORS: dict[str, Make] = {
    "layer norm": lambda: _dense(nn.LayerNorm(16), nn.GELU()),
    "silu": lambda: _dense(nn.SiLU(), nn.Linear(16, 16), nn.SiLU()),
    "one module twice": _with_one_activation_twice,
    "in place": lambda: nn.Sequential(nn.ReLU(inplace=True), _dense(nn.ReLU(inplace=True))),
    "dropout": lambda: _dense(nn.Dropout(0.5), nn.Tanh(), nn.AlphaDropout(0.5)),
    "residual and batch norm": lambda: Residual(nn.BatchNorm1d, nn.ReLU()),
    "residual and layer norm": lambda: Residual(nn.LayerNorm, nn.GELU()),
    "attention": ColumnAttention,
}
SERIES: dict[str, Make] = {
    "gru": lambda: LastState(nn.GRU),
    "lstm": lambda: LastState(nn.LSTM),
    "convolution": TimeConvolution,
    "attention": TimeAttention,
}
CODES: dict[str, Make] = {"embedding": CodeEmbedding}
HISTORIES: dict[str, Make] = {"attention": ItemAttention, "gru": ItemState}
