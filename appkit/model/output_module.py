"""A fitted model as one module that can be differentiated: networks, calibration, head, average, unit."""

from collections.abc import Callable

from torch import Tensor, nn

__all__ = ["OutputModule"]


class OutputModule(nn.Module):
    """From encoded inputs to the outputs that predictions, explanations and reports share.

    Parameters
    ----------
    networks
        The model's ``module_``: logits ``(n, n_members, n_logits)``.
    in_units
        From float32 logits ``(n, n_members, n_logits)`` to outputs, float64 ``(n, n_outputs)``.
    """

    def __init__(self, networks: nn.Module, in_units: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.networks = networks
        self._in_units = in_units

    def forward(self, Z: Tensor, members: Tensor | None = None) -> Tensor:
        """Return outputs, float64 ``(n, n_outputs)``; with ``members``, int64 ``(n,)``, those of one member a row."""
        logits = self.networks(Z) if members is None else self.networks(Z, members)
        return self._in_units((logits[:, None] if logits.ndim == 2 else logits).float())
