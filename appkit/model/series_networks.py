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

_DEPTHS = {"tcn": 4, "gru": 1, "lstm": 1, "transformer": 2, "statistics": 0}
_MEANS = (0.05, 0.2, 1.0)  # shares of the window, back from its end
_CHANGES = (0.5, 1.0)
_CHANGE_SCALE = 1.5  # of readings that drift, a change spreads less than a mean
_KERNEL = 3
_HEAD_WIDTH = 16  # channels per attention head


def series_network(
    name: str,
    layout: SeriesLayout,
    n_outputs: int,
    *,
    width: int = 16,
    depth: int | None = None,
    dropout: float = 0.1,
) -> "SeriesNetwork":
    """Return a network for windows: one over their statistics and the age, and a path over the steps that corrects it.

    Parameters
    ----------
    name
        Path over the steps: "tcn" (causal dilated convolution), "gru", "lstm", "transformer" or "statistics" (none).
    layout
        What the channels of a window are.
    n_outputs
        Logits per window.
    width
        Channels of the path over the steps; the network over the statistics has 8 times as many hidden units.
    depth
        Layers of the path over the steps; ``None``: 4 convolutions, 2 layers of attention, 1 recurrence.
    dropout
        Share of hidden units dropped while training.

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> layout = SeriesLayout(30, ("heat", "age"), (0, 1, -1), readings=(0,), indicators=(), age=1)
    >>> series_network("tcn", layout, 1)(torch.zeros(5, 30, 3)).shape
    torch.Size([5, 1])
    """
    if name not in SERIES_NETWORKS:
        raise ValueError(f"network must be one of {', '.join(SERIES_NETWORKS)}, got {name!r}.")
    depth = _DEPTHS[name] if depth is None else depth
    return SeriesNetwork(layout, n_outputs, steps=name, width=width, depth=depth, dropout=dropout)


class SeriesNetwork(nn.Module):
    """A network over a window's statistics and age, plus a correction from a path over its steps.

    The correction starts at zero: what readings say by their level and trend is learnt at once, and the path over the
    steps is left with what they say by their course. Padded steps have no influence, whatever they hold, and the age is
    read at the last step only.

    Parameters
    ----------
    layout, n_outputs, width, depth, dropout
        See :func:`series_network`.
    steps
        Its ``name``.
    """

    channels: Tensor  # int64 (n_read,): what is read at every step; neither the age nor the last channel

    def __init__(
        self, layout: SeriesLayout, n_outputs: int, *, steps: str, width: int, depth: int, dropout: float
    ) -> None:
        super().__init__()
        read = (*layout.readings, *layout.indicators)
        self.age = layout.age
        self.register_buffer("channels", torch.tensor(read, dtype=torch.int64), persistent=False)
        self.statistics = WindowStatistics(len(layout.readings), len(layout.indicators))
        n_known, n_hidden = self.statistics.width + (layout.age is not None), 8 * width
        self.hidden = nn.Sequential(_dense(n_known, n_hidden, dropout), _dense(n_hidden, n_hidden, dropout))
        self.output = nn.Linear(n_hidden, n_outputs)
        self.steps = _path_over_steps(steps, len(read), n_times=layout.n_times, width=width, depth=depth, drop=dropout)
        if self.steps is not None:
            self.pooling = AttentionPooling(width)
            self.corrections = _dense(2 * width + n_known, 4 * width, dropout)
            self.steps_output = nn.Linear(4 * width, n_outputs, bias=False)
            nn.init.zeros_(self.steps_output.weight)

    def forward(self, Z: Tensor) -> Tensor:
        """Return logits ``(n, n_outputs)`` of windows, float32 ``(n, n_times, n_channels)``."""
        x, real = self._real_steps(Z)
        known = self._with_age(self.statistics(x, real), Z)
        logits = self.from_known(known)
        if self.steps is None:
            return logits
        h = self.steps(x, real)
        course = torch.cat([h[:, -1], self.pooling(h, real), known], dim=1)
        return logits + self.steps_output(self.corrections(course))

    @property
    def is_linear_first(self) -> bool:
        """Whether all the network reads of a window are its statistics and age, linear in whole windows."""
        return self.steps is None

    @property
    def known_channels(self) -> Tensor:
        """Channel that each entry of :meth:`known` comes from, int64 ``(n_known,)``."""
        readings = self.channels[: self.statistics.n_readings].repeat(len(_MEANS) + len(_CHANGES))
        ages = self.channels.new_tensor([] if self.age is None else [self.age])
        return torch.cat([readings, self.channels[self.statistics.n_readings :], ages])

    def known(self, Z: Tensor) -> Tensor:
        """Return statistics and age of windows, ``(n, n_known)``; it has no parameters."""
        return self._with_age(self.statistics(*self._real_steps(Z)), Z)

    def from_known(self, known: Tensor) -> Tensor:
        """Return logits ``(n, n_outputs)`` of statistics and age: all there is without a path over the steps."""
        return self.output(self.hidden(known))

    def _real_steps(self, Z: Tensor) -> tuple[Tensor, Tensor]:
        real = Z[..., -1] > 0.5
        return Z[..., self.channels].masked_fill(~real[..., None], 0.0), real

    def _with_age(self, statistics: Tensor, Z: Tensor) -> Tensor:
        return statistics if self.age is None else torch.cat([statistics, Z[:, -1, self.age, None]], dim=1)


def _dense(n_inputs: int, n_outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_inputs, n_outputs), nn.ReLU(), nn.Dropout(dropout))


class WindowStatistics(nn.Module):
    """Level and trend of a window's readings at several scales, and how often each was missing.

    Of every reading: its mean over the last twentieth, the last fifth and all of the window, and its least-squares
    change over half and all of it; where fewer steps are real, over those. All are linear in the readings: spreads
    and extremes, tried beside them, cost accuracy on engines held out.

    Parameters
    ----------
    n_readings, n_indicators
        Channels that come first, and those that are 1 where a reading was missing.
    """

    def __init__(self, n_readings: int, n_indicators: int) -> None:
        super().__init__()
        self.n_readings = n_readings
        self.width = n_readings * (len(_MEANS) + len(_CHANGES)) + n_indicators

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """Return the statistics, ``(n, width)``, of channels 0 at padded steps, and bool ``(n, n_times)``."""
        n_real = real.sum(1, keepdim=True).clamp(min=1).to(x.dtype)
        readings, indicators = x[..., : self.n_readings], x[..., self.n_readings :]
        weights = torch.cat([_mean_weights(n_real, x.shape[1]), _change_weights(n_real, x.shape[1])], dim=1)
        return torch.cat([(weights @ readings).flatten(1), indicators.sum(1) / n_real], dim=1)


def _mean_weights(n_real: Tensor, n_times: int) -> Tensor:
    """Return the weight of each step in each mean, ``(n, n_means, n_times)``."""
    span, back = _spans(_MEANS, n_real, n_times)
    return (back < span) / span


def _change_weights(n_real: Tensor, n_times: int) -> Tensor:
    """Return the weight of each step in each least-squares slope times the steps it spans; 0 over a single step."""
    span, back = _spans(_CHANGES, n_real, n_times)
    centred = ((span - 1) / 2 - back) * (back < span)
    return centred * (12 * _CHANGE_SCALE / (span.square() - 1).clamp(min=1.0))


def _spans(shares: tuple[float, ...], n_real: Tensor, n_times: int) -> tuple[Tensor, Tensor]:
    """Return how many real steps each statistic spans, ``(n, n_shares, 1)``, and how far back each step lies."""
    wanted = n_real.new_tensor([max(round(share * n_times), 1) for share in shares])
    back = torch.arange(n_times - 1, -1, -1, dtype=n_real.dtype, device=n_real.device)
    return torch.minimum(n_real, wanted)[..., None], back


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
