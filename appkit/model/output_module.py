"""A fitted model as one module that can be differentiated: networks, calibration, head, average, unit."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from appkit.model.mixing import by_network

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

    @property
    def is_linear_first(self) -> bool:
        """Whether every network, one member each, reads the same linear statistics of its input and nothing else."""
        return all(getattr(network, "is_linear_first", False) for network in self._each)

    @property
    def known_channels(self) -> Tensor:
        """Channel that each statistic comes from, int64 ``(n_known,)``."""
        return self._each[0].known_channels

    def known(self, Z: Tensor) -> Tensor:
        """Return the statistics the networks read, ``(n, n_known)``: the same for all, for they have no parameters."""
        return self._each[0].known(Z)

    def from_known(self, known: Tensor, members: Tensor | None = None) -> Tensor:
        """Return outputs, float64 ``(n, n_outputs)``, of statistics ``(n, n_known)``."""
        if members is None:
            logits = torch.stack([network.from_known(known) for network in self._each], dim=1)
        else:
            logits = by_network(
                members, len(self._each), lambda i, rows: self._each[i].from_known(known[rows])[:, None]
            )
        return self._in_units(logits.float())

    @property
    def _each(self) -> list:
        return list(self.networks.networks)  # type: ignore[arg-type]  # a MultiNetwork
