"""Logits that stand for a number or for quantiles of it."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["QuantileHead", "RegressionHead"]


@dataclass(frozen=True)
class RegressionHead:
    """One number in units of the target's standard deviation around its mean.

    Parameters
    ----------
    centre, scale
        Mean and standard deviation of the target.
    low, high
        Range of the target: what members say is clamped to it. The loss is not, or a logit beyond it would never learn.
    """

    centre: float
    scale: float
    low: float = -math.inf
    high: float = math.inf
    n_outputs: int = 1

    @property
    def n_free_outputs(self) -> int:
        return 1

    def wrap(self, module: nn.Module, target: Tensor, weight: Tensor) -> nn.Module:
        """Return ``module`` as it is."""
        return module

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return squared errors in standard units, ``(n_rows, n_members)``."""
        return (logits[..., 0] - self._standard(target)[:, None].to(logits.dtype)).square()

    def means(self, logits: Tensor) -> Tensor:
        """Return the value each member says, float64 ``(n_rows, n_members, 1)``."""
        return (logits.double() * self.scale + self.centre).clamp(self.low, self.high)

    def score(self, mean: Tensor, target: Tensor) -> Tensor:
        """Return squared errors of averaged values in standard units, ``(n_rows,)``."""
        return (self._standard(mean[:, 0]) - self._standard(target)).square()

    def _standard(self, values: Tensor) -> Tensor:
        return (values.double() - self.centre) / self.scale


@dataclass(frozen=True)
class QuantileHead:
    """One logit per quantile level, in units of the target's standard deviation around its mean.

    Quantiles of a member never cross because they are sorted, and averages of sorted members are sorted. Sorting never
    adds to the pinball loss, needs no parameter, and leaves each level to learn from its own logit; in steps built up
    from the lowest level, whatever moved that one would move all.

    Parameters
    ----------
    centre, scale
        Mean and standard deviation of the target.
    levels
        Rising, strictly between 0 and 1, with 0.5 among them: the median is the point prediction.
    low, high
        Range of the target: quantiles are clamped to it. The loss is not.

    References
    ----------
    Koenker and Bassett (1978). Regression Quantiles. Econometrica 46.
    Chernozhukov, Fernandez-Val, Galichon (2010). Quantile and Probability Curves Without Crossing. Econometrica 78.

    Examples
    --------
    >>> head = QuantileHead(centre=100.0, scale=10.0, levels=(0.1, 0.5, 0.9), high=110.0)
    >>> head.means(torch.tensor([[[2.0, -1.0, 0.0]]]))
    tensor([[[ 90., 100., 110.]]], dtype=torch.float64)
    """

    centre: float
    scale: float
    levels: tuple[float, ...] = (0.05, 0.5, 0.95)
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        within = all(0 < level < 1 for level in self.levels)
        if not within or 0.5 not in self.levels or list(self.levels) != sorted(set(self.levels)):
            raise ValueError(
                f"levels must rise strictly between 0 and 1 and include 0.5, the point prediction, got {self.levels!r}."
            )

    @property
    def n_outputs(self) -> int:
        return len(self.levels)

    @property
    def n_free_outputs(self) -> int:
        return self.n_outputs

    @property
    def median(self) -> int:
        """Place of the point prediction among the levels."""
        return self.levels.index(0.5)

    def wrap(self, module: nn.Module, target: Tensor, weight: Tensor) -> nn.Module:
        """Return ``module`` as it is."""
        return module

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the mean pinball loss of the levels in standard units, ``(n_rows, n_members)``."""
        return self._pinball(logits, self._standard(target)[:, None].to(logits.dtype))

    def means(self, logits: Tensor) -> Tensor:
        """Return the quantiles each member says, rising, float64 ``(n_rows, n_members, n_levels)``."""
        return (logits.double().sort(dim=-1).values * self.scale + self.centre).clamp(self.low, self.high)

    def score(self, mean: Tensor, target: Tensor) -> Tensor:
        """Return the mean pinball loss of averaged quantiles in standard units, ``(n_rows,)``."""
        return self._pinball(self._standard(mean), self._standard(target))

    def _pinball(self, quantiles: Tensor, target: Tensor) -> Tensor:
        short = target[..., None] - quantiles
        levels = torch.tensor(self.levels, dtype=short.dtype, device=short.device)
        return torch.maximum(levels * short, (levels - 1) * short).mean(dim=-1)

    def _standard(self, values: Tensor) -> Tensor:
        return (values.double() - self.centre) / self.scale
