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

    A target ``(n_rows, 2)`` holds values and whether each is censored: the truth is then the value or more, as of sales
    on a day that ended sold out. A quantile above such a value is not punished (Powell). Where the bound is known of
    censored rows alone that is too little, for a truth seen in full is likelier the smaller it is; so what lies beyond
    the bound pulls quantiles up by the share of rows like it that end below, as the quantiles themselves have it:
    redistribution to the right (Efron, Portnoy), learnt along with the network (Pearce et al.). The score, which says
    when to stop, is Powell's.

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
    Powell (1986). Censored regression quantiles. J. Econometrics 32.
    Portnoy (2003). Censored Regression Quantiles. JASA 98.
    Pearce, Jeong, Jia, Zhu (2022). Censored Quantile Regression Neural Networks for Distribution-Free Survival
    Analysis. NeurIPS.

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
        value, is_censored = self._read(target)
        short = value[:, None, None].to(logits.dtype) - logits
        losses = self._pinball(short)
        if is_censored is not None:
            beyond = self._pull(logits, value[:, None].to(logits.dtype)) * short.clamp_max(0)
            losses = torch.where(is_censored[:, None, None], self._shortfall(short) + beyond, losses)
        return losses.mean(dim=-1)

    def means(self, logits: Tensor) -> Tensor:
        """Return the quantiles each member says, rising, float64 ``(n_rows, n_members, n_levels)``."""
        return (logits.double().sort(dim=-1).values * self.scale + self.centre).clamp(self.low, self.high)

    def score(self, mean: Tensor, target: Tensor) -> Tensor:
        """Return the mean pinball loss of averaged quantiles in standard units, ``(n_rows,)``."""
        value, is_censored = self._read(target)
        short = value[:, None] - self._standard(mean)
        losses = self._pinball(short)
        if is_censored is not None:
            losses = torch.where(is_censored[:, None], self._shortfall(short), losses)
        return losses.mean(dim=-1)

    def _pinball(self, short: Tensor) -> Tensor:
        levels = self._levels(short)
        return torch.maximum(levels * short, (levels - 1) * short)

    def _shortfall(self, short: Tensor) -> Tensor:
        """Return the part of the pinball loss that quantiles below the truth pay."""
        return self._levels(short) * short.clamp_min(0)

    def _pull(self, logits: Tensor, bound: Tensor) -> Tensor:
        """Return how strongly quantiles beyond a bound are pulled on, ``(n_rows, n_members, n_levels)``.

        Of a row censored where the share ``F`` of its like ends below, ``(level - F) / (1 - F)`` lies at the bound
        below each level and the rest far beyond: the slope of its pinball loss there is minus ``F (1 - level) / (1 -
        F)``.
        """
        levels = self._levels(logits)
        least = (self.low - self.centre) / self.scale
        quantiles = logits.detach().clamp_min(least).sort(dim=-1).values
        below = self._share_below(quantiles, bound)[..., None]
        return torch.where(levels > below, below * (1 - levels) / (1 - below), 0.0)

    def _share_below(self, quantiles: Tensor, bound: Tensor) -> Tensor:
        """Return the level of each bound between quantiles, 0 under the lowest, ``(n_rows, n_members)``."""
        levels = self._levels(quantiles)
        place = (quantiles < bound[..., None]).sum(dim=-1, keepdim=True)
        left, right = (place - 1).clamp_min(0), place.clamp_max(len(levels) - 1)
        start, end = quantiles.gather(-1, left), quantiles.gather(-1, right)
        step = ((bound[..., None] - start) / (end - start).clamp_min(1e-9)).clamp(0, 1)
        level = levels[left] + (levels[right] - levels[left]) * step
        return torch.where(place > 0, level, 0.0)[..., 0]

    def _levels(self, like: Tensor) -> Tensor:
        return torch.tensor(self.levels, dtype=like.dtype, device=like.device)

    def _read(self, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return values in standard units and which are censored."""
        if target.ndim == 1:
            return self._standard(target), None
        return self._standard(target[:, 0]), target[:, 1] > 0

    def _standard(self, values: Tensor) -> Tensor:
        return (values.double() - self.centre) / self.scale
