"""Logits that stand for the risk of an event in each interval of time, learnt from censored rows too."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["HazardHead", "hazard_edges", "hazard_head"]


@dataclass(frozen=True)
class HazardHead:
    """One logit per interval: the log-odds of the event in it, given that it has not come before.

    The target is ``(n_rows, 2)``, event (1, or 0 where censored) and duration, in float64 so that durations meet the
    edges exactly. An event in an interval counts for it and for the intervals before. A censored row counts for the
    intervals of which it was seen for the first half or more: on average that is the half interval at risk of the
    actuarial life table, where full intervals alone would make every hazard too large. Whatever happens beyond the
    last edge counts as survival up to it.

    Parameters
    ----------
    edges
        Ends of the intervals (0, e1], (e1, e2], ..., rising, positive, finite.
    start
        Log-odds of the event in each interval in the training population, from which logits count, as other targets
        count from their mean. Empty: from 0.

    References
    ----------
    Singer and Willett (1993). It's About Time: Using Discrete-Time Survival Analysis. J. Educational Statistics 18.
    Gensheimer and Narasimhan (2019). A scalable discrete-time survival model for neural networks. PeerJ 7.

    Examples
    --------
    >>> head = HazardHead(edges=(10.0, 20.0))
    >>> head.means(torch.zeros(1, 1, 2))
    tensor([[[0.5000, 0.2500]]], dtype=torch.float64)
    """

    edges: tuple[float, ...]
    start: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.edges or not np.all(np.diff([0.0, *self.edges]) > 0) or not np.isfinite(self.edges[-1]):
            raise ValueError(f"edges must be one or more rising positive finite times, got {self.edges!r}.")
        if self.start and len(self.start) != len(self.edges):
            raise ValueError(f"start must have one value per edge, got {len(self.start)} for {len(self.edges)} edges.")

    @property
    def n_outputs(self) -> int:
        return len(self.edges)

    @property
    def n_free_outputs(self) -> int:
        return self.n_outputs

    def wrap(self, module: nn.Module, target: Tensor, weight: Tensor) -> nn.Module:
        """Return ``module`` as it is."""
        return module

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return minus the log-likelihood of each row and member, ``(n_rows, n_members)``."""
        n_survived, failed = self._course(target)
        interval = torch.arange(self.n_outputs, device=logits.device)
        is_survived = interval < n_survived[:, None]
        is_fatal = (interval == n_survived[:, None]) & failed[:, None]
        z = self._log_odds(logits)
        return (functional.softplus(z) * is_survived[:, None] + functional.softplus(-z) * is_fatal[:, None]).sum(dim=-1)

    def means(self, logits: Tensor) -> Tensor:
        """Return each member's probability to survive each edge, float64 ``(n_rows, n_members, n_edges)``."""
        return torch.exp(-functional.softplus(self._log_odds(logits.double())).cumsum(dim=-1))

    def score(self, mean: Tensor, target: Tensor) -> Tensor:
        """Return minus the log-likelihood of averaged survival curves, ``(n_rows,)``."""
        n_survived, failed = self._course(target)
        curve = torch.cat([torch.ones_like(mean[:, :1]), mean], dim=1)
        before = curve.gather(1, n_survived[:, None]).squeeze(1)
        after = curve.gather(1, (n_survived + failed)[:, None]).squeeze(1)
        return -torch.log(torch.where(failed, before - after, before).clamp_min(1e-7))

    def _log_odds(self, logits: Tensor) -> Tensor:
        return logits + torch.tensor(self.start, dtype=logits.dtype, device=logits.device) if self.start else logits

    def _course(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return how many intervals each row is known to have survived, and whether the event came in the next."""
        event, duration = target[:, 0] > 0, target[:, 1].double().contiguous()
        edges = torch.tensor(self.edges, dtype=torch.float64, device=target.device)
        middles = (edges + torch.cat([edges.new_zeros(1), edges[:-1]])) / 2
        until_event = torch.searchsorted(edges, duration)  # the interval that holds it, its right edge included
        until_censored = torch.searchsorted(middles, duration, right=True)
        return torch.where(event, until_event, until_censored), event & (until_event < self.n_outputs)


def hazard_head(
    duration: np.ndarray, event: np.ndarray, *, n_intervals: int = 20, weight: np.ndarray | None = None
) -> HazardHead:
    """Return a head whose logits of 0 say the life table of the training population.

    Parameters
    ----------
    duration
        Time observed, not negative, shape (n_rows,).
    event
        1 where it ended with the event, 0 where it was censored, shape (n_rows,).
    n_intervals
        Most intervals that :func:`hazard_edges` may choose.
    weight
        One per row; all alike where not given.

    Examples
    --------
    >>> duration = np.array([1.0, 2.0, 3.0, 4.0])
    >>> hazard_head(duration, np.ones(4), n_intervals=2).edges
    (2.0, 4.0)
    """
    edges = hazard_edges(duration, event, n_intervals=n_intervals)
    target = torch.from_numpy(np.column_stack([event, duration]).astype(np.float64))
    n_survived, failed = (part.numpy() for part in HazardHead(edges)._course(target))
    weight = np.ones(len(target)) if weight is None else weight / np.mean(weight)
    interval = np.arange(len(edges))
    n_fatal = weight @ ((interval == n_survived[:, None]) & failed[:, None])
    n_left = weight @ (interval < n_survived[:, None])
    start = np.log((n_fatal + 0.5) / (n_left + 0.5))  # half a row more on either side keeps the log-odds finite
    return HazardHead(edges, tuple(float(value) for value in start))


def hazard_edges(duration: np.ndarray, event: np.ndarray, *, n_intervals: int = 20) -> tuple[float, ...]:
    """Return the ends of intervals that hold about equally many events each; the last event's time is the last.

    Parameters
    ----------
    duration, event
        As in :func:`hazard_head`.
    n_intervals
        Most intervals to return: fewer where events fall on few times.

    Raises
    ------
    ValueError
        If a duration is negative or missing, or no event comes after time 0.

    Examples
    --------
    >>> hazard_edges(np.array([5.0, 1.0, 2.0, 9.0, 4.0]), np.array([1, 1, 1, 0, 1]), n_intervals=2)
    (2.0, 5.0)
    """
    duration = np.asarray(duration, dtype=np.float64)
    is_time = duration >= 0
    if not is_time.all():
        row = int(is_time.argmin())
        raise ValueError(f"duration must be a time of 0 or later in every row, got {duration[row]:g} in row {row}.")
    times = duration[(np.asarray(event) > 0) & (duration > 0)]
    if not len(times):
        raise ValueError("Hazards need at least one event after time 0, got none: every row is censored.")
    levels = np.arange(1, n_intervals + 1) / n_intervals
    return tuple(float(edge) for edge in np.unique(np.quantile(times, levels, method="inverted_cdf")))
