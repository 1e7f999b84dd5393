"""How fast each part of a network with learnt weights goes on learning, and holding still what does not."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from torch import nn

__all__ = ["FINE_TUNING", "frozen", "layer_rates"]

FineTuning = Literal["full", "last-stage", "none"]

FINE_TUNING = ("full", "last-stage", "none")
"""What ``fine_tune=`` accepts."""


def layer_rates(module: nn.Module, *, fine_tune: FineTuning, decay: float = 0.7) -> dict[str, float]:
    """Return the factor of the learning rate of each parameter, by name; 0 means that it is frozen.

    Parameters
    ----------
    module
        A network with ``stages``, prefixes of the names of its parameters from the input to the output, each a str or a
        tuple of them; or a module around one.
    fine_tune
        "full": all of it learns, each stage ``decay`` times as fast as the one after it. "last-stage": the last layer
        and the stage before it. "none": the last layer alone.
    decay
        Over 0 and at most 1. Parameters of no stage learn like the first; those around the network at the full rate.

    Raises
    ------
    ValueError
        If ``fine_tune`` or ``decay`` is none of these, or the network names no stages and not all of it is to learn.

    References
    ----------
    Howard and Ruder (2018). Universal Language Model Fine-tuning for Text Classification. ACL (discriminative rates).

    Examples
    --------
    >>> module = nn.Sequential()
    >>> for name in ("stem", "body", "output"):
    ...     module.add_module(name, nn.Linear(2, 2, bias=False))
    >>> module.stages = ("stem", "body", "output")
    >>> layer_rates(module, fine_tune="full", decay=0.5)
    {'stem.weight': 0.25, 'body.weight': 0.5, 'output.weight': 1.0}
    >>> layer_rates(module, fine_tune="last-stage", decay=0.5)
    {'stem.weight': 0.0, 'body.weight': 0.5, 'output.weight': 1.0}
    """
    if fine_tune not in FINE_TUNING:
        raise ValueError(f"fine_tune must be one of {', '.join(FINE_TUNING)}, got {fine_tune!r}.")
    if not 0 < decay <= 1:
        raise ValueError(f"decay must be over 0 and at most 1, got {decay!r}.")
    networks = dict(_staged(module))
    if not networks and fine_tune != "full":
        raise ValueError(f"fine_tune={fine_tune!r} needs a network with stages, {type(module).__name__} names none.")
    rates = {name: 1.0 for name, _ in module.named_parameters()}
    for outer, network in networks.items():
        reach = {"full": len(network.stages), "last-stage": 1, "none": 0}[fine_tune]
        for name, _ in network.named_parameters():
            back = _stages_back(name, network.stages)
            rates[f"{outer}.{name}" if outer else name] = decay**back if back <= reach else 0.0
    return rates


def _staged(module: nn.Module, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the outermost networks that name their stages; what is inside one is its own business."""
    if isinstance(getattr(module, "stages", None), tuple):
        yield name, module
        return
    for child, part in module.named_children():
        yield from _staged(part, f"{name}.{child}" if name else child)


def _stages_back(name: str, stages: Any) -> int:
    """Return how many stages before the last one a parameter lies; the first, where no stage has it."""
    for position, stage in enumerate(stages):
        prefixes = (stage,) if isinstance(stage, str) else stage
        if f"{name}.".startswith(tuple(f"{prefix}." for prefix in prefixes)):
            return len(stages) - 1 - position
    return len(stages) - 1


@contextmanager
def frozen(module: nn.Module, rates: Mapping[str, float]) -> Iterator[nn.Module]:
    """Hold still, for as long as the context lasts, what has a rate of 0.

    Such parameters ask for no gradient, so that nothing is kept for the way back through them; and parts that have no
    other parameters stay in evaluation mode whoever calls ``train``: batch normalisation goes on with the statistics
    that belong to the weights, and nothing is dropped. Afterwards all is as before.

    Parameters
    ----------
    module
        The network, or what is around it.
    rates
        What :func:`layer_rates` returned for it; parameters not named are left alone.

    Examples
    --------
    >>> import torch
    >>> module = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1))
    >>> with frozen(module, {"0.weight": 0.0, "0.bias": 0.0}):
    ...     _ = module.train()(torch.full((4, 2), 7.0))
    >>> module[0].running_mean
    tensor([0., 0.])
    """
    named = dict(module.named_parameters())
    still = [p for name, p in named.items() if rates.get(name, 1.0) == 0.0 and p.requires_grad]
    held = {id(p) for name, p in named.items() if rates.get(name, 1.0) == 0.0}
    handles = [part.register_forward_pre_hook(_stay_in_evaluation) for part in module.modules() if _is_held(part, held)]
    try:
        for parameter in still:
            parameter.requires_grad_(False)
        yield module
    finally:
        for handle in handles:
            handle.remove()
        for parameter in still:
            parameter.requires_grad_(True)


def _is_held(part: nn.Module, held: set[int]) -> bool:
    parameters = list(part.parameters())
    return bool(parameters) and all(id(p) in held for p in parameters)


def _stay_in_evaluation(part: nn.Module, _: Any) -> None:
    if part.training:
        part.eval()
