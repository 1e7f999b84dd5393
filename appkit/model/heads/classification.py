"""Logits that stand for the probabilities of classes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BinaryHead", "MultiLabelHead", "MulticlassHead", "OrdinalHead", "OrdinalNetwork"]


@dataclass(frozen=True)
class BinaryHead:
    """One logit: the log-odds of the second class."""

    n_outputs: int = 1

    @property
    def n_free_outputs(self) -> int:
        return 1

    def wrap(self, module: nn.Module, target: Tensor, weight: Tensor) -> nn.Module:
        """Return ``module`` as it is."""
        return module

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the cross-entropy of each row and member, ``(n_rows, n_members)``."""
        z = logits[..., 0]
        return functional.binary_cross_entropy_with_logits(z, target[:, None].expand_as(z), reduction="none")

    def means(self, logits: Tensor) -> Tensor:
        """Return the probabilities of both classes, ``(n_rows, n_members, 2)``."""
        p = torch.sigmoid(logits)
        return torch.cat([1 - p, p], dim=-1)

    def score(self, mean: Tensor, target: Tensor) -> Tensor:
        """Return the log-loss of averaged probabilities, ``(n_rows,)``."""
        return _log_loss(mean, target.long())


@dataclass(frozen=True)
class MulticlassHead:
    """One logit per class, through a softmax."""

    n_outputs: int

    @property
    def n_free_outputs(self) -> int:
        return self.n_outputs

    def wrap(self, module: nn.Module, target: Tensor, weight: Tensor) -> nn.Module:
        """Return ``module`` as it is."""
        return module

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the cross-entropy of each row and member, ``(n_rows, n_members)``."""
        classes = target.long()[:, None].expand(logits.shape[:2])
        return functional.cross_entropy(logits.flatten(0, 1), classes.flatten(), reduction="none").view(classes.shape)

    def means(self, logits: Tensor) -> Tensor:
        """Return the probability of each class, ``(n_rows, n_members, n_outputs)``."""
        return logits.softmax(dim=-1)

    def score(self, mean: Tensor, target: Tensor) -> Tensor:
        """Return the log-loss of averaged probabilities, ``(n_rows,)``."""
        return _log_loss(mean, target.long())


@dataclass(frozen=True)
class MultiLabelHead:
    """One logit per label, the log-odds that it applies; several may, or none. Targets are ``(n_rows, n_labels)``."""

    n_outputs: int

    @property
    def n_free_outputs(self) -> int:
        return self.n_outputs

    def wrap(self, module: nn.Module, target: Tensor, weight: Tensor) -> nn.Module:
        """Return ``module`` as it is."""
        return module

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the cross-entropy of each row and member, averaged over labels, ``(n_rows, n_members)``."""
        wanted = target[:, None].expand_as(logits)
        return functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean(dim=-1)

    def means(self, logits: Tensor) -> Tensor:
        """Return the probability of each label, ``(n_rows, n_members, n_outputs)``."""
        return torch.sigmoid(logits)

    def score(self, mean: Tensor, target: Tensor) -> Tensor:
        """Return the log-loss of averaged probabilities, averaged over labels, ``(n_rows,)``."""
        said = torch.where(target > 0, mean, 1 - mean)
        return -torch.log(said.clamp_min(1e-7)).mean(dim=-1)


@dataclass(frozen=True)
class OrdinalHead:
    """Cumulative logits: entry ``j`` is the log-odds of a class beyond ``j``, falling in ``j``.

    References
    ----------
    McCullagh (1980). Regression Models for Ordinal Data. JRSS B 42 (proportional odds).
    """

    n_classes: int

    @property
    def n_outputs(self) -> int:
        return self.n_classes - 1

    @property
    def n_free_outputs(self) -> int:
        return 1

    def wrap(self, module: nn.Module, target: Tensor, weight: Tensor) -> nn.Module:
        """Return ``module`` under cut points that start at the shares of the training population."""
        beyond = torch.stack([(weight * (target > j)).sum() / weight.sum() for j in range(self.n_outputs)])
        return OrdinalNetwork(module, torch.logit(beyond, eps=1e-3))

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the log-loss of each row and member, ``(n_rows, n_members)``."""
        chosen = target.long()[:, None, None].expand(*logits.shape[:2], 1)
        return -torch.log(self.means(logits).gather(-1, chosen).squeeze(-1).clamp_min(1e-12))

    def means(self, logits: Tensor) -> Tensor:
        """Return the probability of each grade, ``(n_rows, n_members, n_classes)``."""
        beyond = torch.sigmoid(logits)
        ends = torch.ones_like(beyond[..., :1])
        return torch.cat([ends, beyond], dim=-1) - torch.cat([beyond, torch.zeros_like(ends)], dim=-1)

    def score(self, mean: Tensor, target: Tensor) -> Tensor:
        """Return the log-loss of averaged probabilities, ``(n_rows,)``."""
        return _log_loss(mean, target.long())


class OrdinalNetwork(nn.Module):
    """A one-output network under ordered cut points: ``(n_rows, n_members, n_classes - 1)`` cumulative logits.

    Parameters
    ----------
    network
        Gives ``(n_rows, n_members, 1)`` or ``(n_rows, 1)``.
    start
        Log-odds of a class beyond each cut in the training population, falling, ``(n_classes - 1,)``.
    """

    def __init__(self, network: nn.Module, start: Tensor) -> None:
        super().__init__()
        self.network = network
        self.first = nn.Parameter(start[:1].clone())
        steps = (start[:-1] - start[1:]).clamp_min(1e-2)
        self.steps = nn.Parameter(torch.log(torch.expm1(steps)))  # softplus keeps every step positive

    def forward(self, Z: Tensor, members: Tensor | None = None) -> Tensor:
        """Return cumulative logits, falling along the last axis."""
        score = self.network(Z) if members is None else self.network(Z, members)
        drops = functional.softplus(self.steps).cumsum(0)
        return score + self.first - torch.cat([torch.zeros_like(self.first), drops])


def _log_loss(mean: Tensor, classes: Tensor) -> Tensor:
    return -torch.log(mean.gather(1, classes[:, None]).squeeze(1).clamp_min(1e-7))
