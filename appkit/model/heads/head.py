"""What every head says of the logits of a network."""

from typing import Protocol

from torch import Tensor, nn

__all__ = ["Head"]


class Head(Protocol):
    """Meaning of member logits ``(n_rows, n_members, n_outputs)``."""

    @property
    def n_outputs(self) -> int:
        """Logits a network must give per member."""

    @property
    def n_free_outputs(self) -> int:
        """Outputs of the network under :meth:`wrap`; fewer than ``n_outputs`` where some are tied."""

    def wrap(self, module: nn.Module, target: Tensor, weight: Tensor) -> nn.Module:
        """Return ``module``, dressed where the head needs parameters of its own."""

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each row and member, ``(n_rows, n_members)``."""

    def means(self, logits: Tensor) -> Tensor:
        """Return what each member says: probabilities or values, ``(n_rows, n_members, n_means)``."""

    def score(self, mean: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each row, ``(n_rows,)``, for the average ``(n_rows, n_means)`` of the members."""
