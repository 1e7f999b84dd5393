"""Ask a network without leaving a trace: mode, gradients and random state are as found afterwards."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

__all__ = ["evaluating"]


@contextlib.contextmanager
def evaluating(module: object) -> Iterator[None]:
    """Put every part of a module into evaluation mode, and back into the mode each was in.

    The global random state is put back too, for a network may draw even then. Anything that is no module passes.

    Examples
    --------
    >>> module = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    >>> with evaluating(module):
    ...     module[1].training
    False
    >>> module[1].training
    True
    """
    parts = list(module.modules()) if isinstance(module, nn.Module) else []
    modes = [part.training for part in parts]
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            for part in parts:
                part.training = False
            yield
        finally:
            for part, mode in zip(parts, modes, strict=True):
                part.training = mode
