"""Logits that stand for a number."""

from dataclasses import dataclass

from torch import Tensor, nn

__all__ = ["RegressionHead"]


@dataclass(frozen=True)
class RegressionHead:
    """One number in units of the target's standard deviation around its mean."""

    centre: float
    scale: float
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
        return logits.double() * self.scale + self.centre

    def score(self, mean: Tensor, target: Tensor) -> Tensor:
        """Return squared errors of averaged values in standard units, ``(n_rows,)``."""
        return (self._standard(mean[:, 0]) - self._standard(target)).square()

    def _standard(self, values: Tensor) -> Tensor:
        return (values.double() - self.centre) / self.scale
