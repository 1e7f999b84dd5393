"""Networks for sensor windows: encoded steps in, one logit per output out."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from appkit.data.series_layout import SeriesLayout

__all__ = ["SERIES_NETWORKS", "SeriesNetwork", "SeriesNetworkFactory", "WindowStatistics", "series_network"]

SeriesNetworkFactory = Callable[[SeriesLayout, int], nn.Module]
"""What ``network=`` of a series estimator accepts: from a ``SeriesLayout`` and a number of outputs to a module.

The module takes float32 ``(n, layout.n_times, layout.n_channels)`` and returns logits ``(n, n_outputs)``.
"""

SERIES_NETWORKS = ("tcn", "gru", "lstm", "transformer", "statistics")
"""Names that :func:`series_network` knows."""

_MEANS = (0.05, 0.2, 1.0)  # shares of the window
_CHANGES = (0.5, 1.0)
_CHANGE_SCALE = 1.5  # a change spreads less than a mean where readings drift
_KERNEL = 3
_HEAD_WIDTH = 16  # channels per attention head


def series_network(
    name: str,
    layout: SeriesLayout,
    n_outputs: int,
    *,
    width: int = 64,
    depth: int = 2,
    dropout: float = 0.1,
) -> "SeriesNetwork":
    """Return a network for windows: a path over the steps beside one over the window's statistics and the age.

    Parameters
    ----------
    name
        Path over the steps: "tcn" (causal dilated convolution), "gru", "lstm", "transformer" or "statistics" (none).
    layout
        What the channels of a window are.
    n_outputs
        Logits per window.
    width, depth
        Channels and layers of the path over the steps; hidden units and layers of the others follow.
    dropout
        Share of hidden units dropped while training.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if name not in SERIES_NETWORKS:
        raise ValueError(f"network must be one of {', '.join(SERIES_NETWORKS)}, got {name!r}.")
    return SeriesNetwork(layout, n_outputs, steps=name, width=width, depth=depth, dropout=dropout)


class SeriesNetwork(nn.Module):
    """A path over the steps, pooled by attention, and one over the window's statistics; a head reads both.

    Padded steps have no influence, whatever they hold, and the age is read at the last step only.

    Parameters
    ----------
    layout, n_outputs, width, depth, dropout
        See :func:`series_network`.
    steps
        Its ``name``.
    """

    channels: Tensor  # int64 (n_read,): what the path over the steps reads; neither the age nor the last channel

    def __init__(
        self, layout: SeriesLayout, n_outputs: int, *, steps: str, width: int, depth: int, dropout: float
    ) -> None:
        super().__init__()
        read = (*layout.readings, *layout.indicators)
        self.age = layout.age
        self.register_buffer("channels", torch.tensor(read, dtype=torch.int64), persistent=False)
        self.statistics = WindowStatistics(layout.n_times, len(layout.readings), len(layout.indicators))
        n_statistics = self.statistics.width + (layout.age is not None)
        self.steps = _path_over_steps(steps, len(read), n_times=layout.n_times, width=width, depth=depth, drop=dropout)
        self.pooling = None if self.steps is None else AttentionPooling(width)
        joint = n_statistics + (0 if self.steps is None else 2 * width)
        self.hidden = nn.Sequential(
            nn.Linear(joint, 2 * width), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(2 * width, 2 * width), nn.ReLU(), nn.Dropout(dropout),
        )  # fmt: skip
        self.output = nn.Linear(2 * width, n_outputs)

    def forward(self, Z: Tensor) -> Tensor:
        """Return logits ``(n, n_outputs)`` of windows, float32 ``(n, n_times, n_channels)``."""
        real = Z[..., -1] > 0.5
        x = Z[..., self.channels].masked_fill(~real[..., None], 0.0)
        parts = [self.statistics(x, real)]
        if self.age is not None:
            parts.append(Z[:, -1, self.age, None])
        if self.steps is not None and self.pooling is not None:
            h = self.steps(x, real)
            parts += [h[:, -1], self.pooling(h, real)]
        return self.output(self.hidden(torch.cat(parts, dim=1)))


class WindowStatistics(nn.Module):
    """What a window's readings are like as a whole, and how often each was missing.

    Of every reading: its mean over the last twentieth, the last fifth and all of the window, and its least-squares
    change over half and all of it; of a shorter window, over the steps it has. All are linear in the readings, with
    weights that depend on nothing but the number of real steps, and come from one table.

    Parameters
    ----------
    n_times
        Steps of a window, padded ones at the start included.
    n_readings, n_indicators
        Channels that come first, and those that are 1 where a reading was missing.
    """

    table: Tensor  # float32 (n_times + 1, n_linear, n_times): weights of the steps, by number of real steps

    def __init__(self, n_times: int, n_readings: int, n_indicators: int) -> None:
        super().__init__()
        self.n_readings = n_readings
        table = torch.stack([_weights(n_real, n_times) for n_real in range(n_times + 1)])
        self.register_buffer("table", table, persistent=False)
        self.width = n_readings * table.shape[1] + n_indicators

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Return the statistics, ``(n, width)``, of channels 0 at padded steps, and bool ``(n, n_times)``."""
        n_real = real.sum(1)
        readings, indicators = x[..., : self.n_readings], x[..., self.n_readings :]
        linear = self.table[n_real] @ readings  # (n, n_linear, n_readings)
        count = n_real.clamp(min=1).to(x.dtype)[:, None]
        return torch.cat([linear.flatten(1), indicators.sum(1) / count], dim=1)


def _weights(n_real: int, n_times: int) -> Tensor:
    """Return the weights of the last ``n_real`` of ``n_times`` steps in each statistic; 0 before."""
    spans = [(share, min(max(round(share * n_times), 1), n_real)) for share in _MEANS]
    rows = [_mean_weights(span, n_times) for _, span in spans]
    rows += [_change_weights(min(max(round(share * n_times), 1), n_real), n_times) for share in _CHANGES]
    return torch.stack(rows).float()


def _mean_weights(span: int, n_times: int) -> Tensor:
    back = torch.arange(n_times - 1, -1, -1, dtype=torch.float64)  # steps before the last
    return (back < span) / max(span, 1)


def _change_weights(span: int, n_times: int) -> Tensor:
    back = torch.arange(n_times - 1, -1, -1, dtype=torch.float64)
    centred = ((span - 1) / 2 - back) * (back < span)
    return _CHANGE_SCALE * centred / centred.square().sum().clamp(min=0.5) * span


class AttentionPooling(nn.Module):
    """Weigh the real steps by what they hold and sum them; each head weighs for its own share of the channels.

    References
    ----------
    Ilse, Tomczak, Welling (2018). Attention-based Deep Multiple Instance Learning. ICML.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.n_heads = math.gcd(width, max(width // _HEAD_WIDTH, 1))
        self.score = nn.Linear(width, self.n_heads)

    def forward(self, h: Tensor, real: Tensor) -> Tensor:
        """Return ``(n, width)`` from steps ``(n, n_times, width)`` and bool ``(n, n_times)``."""
        weights = _masked_softmax(self.score(h), real[..., None])  # (n, n_times, n_heads)
        heads = h.unflatten(2, (self.n_heads, -1))
        return (weights[..., None] * heads).sum(1).flatten(1)


def _masked_softmax(scores: Tensor, real: Tensor) -> Tensor:
    """Return the softmax over real steps; all 0, and no NaN, where there is none."""
    weights = (scores - scores.detach().masked_fill(~real, -math.inf).amax(1, keepdim=True).clamp(min=-1e4)).exp()
    weights = weights.masked_fill(~real, 0.0)
    return weights / weights.sum(1, keepdim=True).clamp(min=1e-6)


def _path_over_steps(name: str, n_read: int, *, n_times: int, width: int, depth: int, drop: float) -> nn.Module | None:
    if name == "tcn":
        return CausalConvolutions(n_read, width=width, depth=depth, dropout=drop)
    if name == "transformer":
        return StepTransformer(n_read, n_times=n_times, width=width, depth=depth, dropout=drop)
    if name == "statistics":
        return None
    return Recurrence(name, n_read, width=width, depth=depth, dropout=drop)


class CausalConvolutions(nn.Module):
    """Residual blocks of convolutions that look back only, each twice as far as the one before.

    References
    ----------
    Bai, Kolter, Koltun (2018). An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
    Modeling. arXiv:1803.01271.
    """

    def __init__(self, n_read: int, *, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.dilations = [2**layer for layer in range(depth)]
        self.inner = nn.Linear(n_read, width)
        self.layers = nn.ModuleList(nn.Linear(_KERNEL * width, width) for _ in range(depth))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Return ``(n, n_times, width)``, 0 at padded steps."""
        padded = ~real[..., None]
        h = self.inner(x).masked_fill(padded, 0.0)
        for dilation, layer in zip(self.dilations, self.layers, strict=True):
            past = functional.pad(h, (0, 0, (_KERNEL - 1) * dilation, 0))
            seen = torch.cat([past[:, k * dilation :][:, : h.shape[1]] for k in range(_KERNEL)], dim=2)
            h = (h + self.dropout(torch.relu(layer(seen)))).masked_fill(padded, 0.0)
        return h


class Recurrence(nn.Module):
    """GRU or LSTM that starts at the first real step: padding is moved behind the last one, where nothing reads it."""

    def __init__(self, kind: str, n_read: int, *, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        cell = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
        self.cell = cell(n_read, width, depth, batch_first=True, dropout=dropout if depth > 1 else 0.0)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Return ``(n, n_times, width)``, 0 at padded steps."""
        n_times = x.shape[1]
        steps, n_padded = torch.arange(n_times, device=x.device), n_times - real.sum(1, keepdim=True)
        h = self.cell(_at(x, (steps + n_padded) % n_times))[0]
        return _at(h, (steps - n_padded) % n_times).masked_fill(~real[..., None], 0.0)


def _at(x: Tensor, steps: Tensor) -> Tensor:
    """Return ``x`` ``(n, n_times, width)`` with each row's steps in the order of ``steps`` ``(n, n_times)``."""
    return x.gather(1, steps[..., None].expand_as(x))


class StepTransformer(nn.Module):
    """Self-attention among the real steps, each told how long before the last one it lies.

    References
    ----------
    Vaswani et al. (2017). Attention Is All You Need. NeurIPS. Normalised before each part as in Xiong et al. (2020),
    On Layer Normalization in the Transformer Architecture. ICML.
    """

    def __init__(self, n_read: int, *, n_times: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Linear(n_read, width)
        self.place = nn.Parameter(torch.randn(n_times, width) * 0.1)
        self.layers = nn.ModuleList(_TransformerLayer(width, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Return ``(n, n_times, width)``, 0 at padded steps."""
        seen = real[:, None, None, :] | ~real.any(1)[:, None, None, None]  # nothing to see would give NaN
        h = self.inner(x) + self.place
        for layer in self.layers:
            h = layer(h, seen)
        return self.norm(h).masked_fill(~real[..., None], 0.0)


class _TransformerLayer(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = math.gcd(width, max(width // _HEAD_WIDTH, 1))
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.joint = nn.Linear(width, 3 * width)
        self.back = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor, seen: Tensor) -> Tensor:
        query, key, value = (
            self.joint(self.before_attention(h)).unflatten(2, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        )
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        h = h + self.dropout(self.back(read.transpose(1, 2).flatten(2)))
        return h + self.dropout(self.mlp(self.before_mlp(h)))
