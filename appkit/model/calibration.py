"""One affine map on member logits, so that averaged probabilities match frequencies."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from appkit.model.heads import Head

__all__ = ["AffineCalibration", "fit_calibration"]

_PRIOR_ROWS = 10.0  # pseudo-rows that hold the map at the identity when held-out rows are few
_SLOPES = (0.05, 20.0)


@dataclass(frozen=True)
class AffineCalibration:
    """``slope * logit + shift`` for every member; a positive slope keeps order and monotonicity.

    Parameters
    ----------
    slope
        Positive factor, one for all outputs.
    shift
        One number per output.
    """

    slope: float = 1.0
    shift: tuple[float, ...] = (0.0,)

    def __call__(self, logits: Tensor) -> Tensor:
        """Return calibrated logits of the same shape, float64: close probabilities stay apart."""
        return logits.double() * self.slope + torch.tensor(self.shift, dtype=torch.float64, device=logits.device)


def fit_calibration(
    logits: Tensor, target: Tensor, weight: Tensor, *, head: Head, is_shift_shared: bool = False
) -> AffineCalibration:
    """Fit slope and shift by the log-loss of the members' average on held-out rows.

    The loss is the one of the number that is used, the average of the members' probabilities, not of each member. The
    weights make the population: probabilities are calibrated to the weighted rows.

    Parameters
    ----------
    logits
        float32 ``(n_rows, n_members, n_outputs)`` of rows the network did not learn from.
    target, weight
        ``(n_rows,)``.
    head
        What the logits mean.
    is_shift_shared
        One shift for all outputs (ordered cut points must keep their order).

    References
    ----------
    Platt (1999); Guo et al. (2017) On Calibration of Modern Neural Networks, for the slope alone.
    """
    n_outputs = logits.shape[-1]
    n_shifts = 1 if is_shift_shared else n_outputs
    logits, target = logits.double(), target.double()
    weight = weight.double() / weight.double().sum()
    strength = _PRIOR_ROWS / len(target)

    def objective(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        theta = torch.tensor(parameters, dtype=torch.float64, device=logits.device, requires_grad=True)
        slope, shift = torch.exp(theta[0]), theta[1:].expand(n_outputs)
        mean = head.means(logits * slope + shift).mean(dim=1)
        loss = (head.score(mean, target) * weight).sum() + strength * (theta[0] ** 2 + 0.1 * (theta[1:] ** 2).sum())
        loss.backward()
        assert theta.grad is not None
        return loss.item(), theta.grad.cpu().numpy()

    bounds = [tuple(np.log(_SLOPES)), *[(-10.0, 10.0)] * n_shifts]
    found = minimize(objective, np.zeros(1 + n_shifts), jac=True, method="L-BFGS-B", bounds=bounds)
    shift = np.broadcast_to(found.x[1:], n_outputs)
    return AffineCalibration(float(np.exp(found.x[0])), tuple(float(s) for s in shift))
