"""A moving average of a network's weights: what is judged and kept where training is noisy."""

import copy

import torch
from torch import Tensor, nn

__all__ = ["WeightAverage"]


class WeightAverage:
    """Exponential moving average of weights and running statistics, short in the first steps.

    Parameters
    ----------
    module
        What is averaged; it is copied.
    decay
        Weight of the past per step, once there is one: after ``t`` steps at most ``(1 + t) / (10 + t)``.

    References
    ----------
    Polyak and Juditsky (1992). Acceleration of stochastic approximation by averaging. SIAM J. Control Optim. 30.

    Examples
    --------
    >>> layer = nn.Linear(1, 1)
    >>> average = WeightAverage(layer, decay=0.9)
    >>> average.module.weight is layer.weight
    False
    """

    def __init__(self, module: nn.Module, *, decay: float) -> None:
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.decay = decay
        self._pairs: tuple[list[Tensor], list[Tensor]] | None = None

    @torch.no_grad()
    def update(self, module: nn.Module, *, n_steps: int) -> None:
        """Take in the weights after step number ``n_steps``."""
        weight = 1.0 - min(self.decay, (1 + n_steps) / (10 + n_steps))
        own, others = self._floats(module)
        torch._foreach_lerp_(own, others, weight)

    def _floats(self, module: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
        """Return weights and running statistics of both, in one order; counters stay as they are."""
        if self._pairs is None:  # tensors of a module stay the same objects while it is trained
            others = module.state_dict()
            names = [name for name, value in others.items() if value.is_floating_point()]
            own = self.module.state_dict()
            self._pairs = [own[name] for name in names], [others[name] for name in names]
        return self._pairs
