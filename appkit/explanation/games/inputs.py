"""How a model gets its rows: a module gets tensors on its device, anything else gets arrays as the user has them."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from appkit.explanation.games.tensor import Network, on_arrays

__all__ = ["ModelInput", "ToTensor", "model_input"]

ToTensor = Callable[[np.ndarray], Tensor]


@dataclass(frozen=True)
class ModelInput:
    """A model as a function of tensors, and how arrays become them.

    Parameters
    ----------
    network
        Takes what ``as_tensor`` returns.
    as_tensor
        From an array of the user's to a tensor on the network's device.
    takes_arrays
        Whether the model sees arrays in the user's own layout and dtype.
    """

    network: Network
    as_tensor: ToTensor
    takes_arrays: bool


def model_input(model: Any, dtype: np.dtype, *, to_tensor: ToTensor | None, default: ToTensor) -> ModelInput:
    """Return how ``model`` gets its rows.

    Parameters
    ----------
    model
        A module, or a function of arrays.
    dtype
        What a function of arrays is asked with.
    to_tensor
        The user's preprocessing for a module; ``None`` means ``default``.
    default
        Turns arrays into what modules usually take.

    Examples
    --------
    >>> found = model_input(lambda x: x.sum(1), np.dtype(np.uint16), to_tensor=None, default=torch.as_tensor)
    >>> found.network(found.as_tensor(np.ones((2, 3), dtype=np.uint16))).tolist()
    [3.0, 3.0]
    """
    if not callable(model):
        raise TypeError(f"network must be a module or a function of arrays, got {model!r}. Pass model.predict_proba?")
    if isinstance(model, nn.Module):
        device = next((part.device for part in chain(model.parameters(), model.buffers())), torch.device("cpu"))
        make = default if to_tensor is None else to_tensor
        return ModelInput(model, lambda array: _tensor(make(array)).to(device), takes_arrays=False)
    if to_tensor is not None:
        raise ValueError("to_tensor is for modules: a function is asked with arrays as given and prepares them itself.")
    carrier = _carrier(dtype)
    asked = on_arrays(lambda rows: model(rows.astype(dtype, copy=False)))
    return ModelInput(asked, lambda array: torch.from_numpy(np.array(array, dtype=carrier)), takes_arrays=True)


def _tensor(made: object) -> Tensor:
    if not isinstance(made, Tensor):
        raise TypeError(f"to_tensor must return a tensor, got {type(made).__name__}.")
    return made.detach()


def _carrier(dtype: np.dtype) -> np.dtype:
    """Return a dtype that torch can mask and that holds every value of ``dtype``."""
    if dtype.kind == "u":
        return np.dtype({1: np.uint8, 2: np.int32}.get(dtype.itemsize, np.int64))
    if dtype.kind == "f" and dtype.itemsize > 8:
        return np.dtype(np.float64)
    return dtype.newbyteorder("=")
