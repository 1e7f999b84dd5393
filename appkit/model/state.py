"""A fitted estimator as JSON values and CPU tensors, and back: no code, no clock, no device in it."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from appkit.model.calibration import AffineCalibration
from appkit.model.codec import ValueReader, ValueWriter
from appkit.model.device import place
from appkit.model.front_estimator import FrontEstimator
from appkit.model.heads import (
    BinaryHead,
    HazardHead,
    Head,
    MulticlassHead,
    MultiLabelHead,
    OrdinalHead,
    QuantileHead,
    RegressionHead,
)
from appkit.model.interaction_recommender import InteractionRecommender
from appkit.model.networks import MultiNetwork, NetworkFactory
from appkit.model.neural_estimator import NeuralEstimator

__all__ = ["EstimatorState", "model_hash", "restore", "state_of"]

Savable = NeuralEstimator | FrontEstimator | InteractionRecommender

_WEIGHTS = "module_/"
_FACTORY = "$factory"
_NEEDED: dict[str, tuple[type, ...]] = {
    "head_": (BinaryHead, HazardHead, MulticlassHead, MultiLabelHead, OrdinalHead, QuantileHead, RegressionHead),
    "calibration_": (AffineCalibration,),
}


@dataclass(frozen=True)
class EstimatorState:
    """All there is to know of a fitted estimator, but its class.

    Parameters
    ----------
    parameters
        Constructor arguments as JSON values.
    attributes
        Fitted attributes as JSON values, by name, in alphabetical order.
    tensors
        Network weights and arrays of numbers, on the CPU.
    remarks
        What could not be kept, one sentence each.
    """

    parameters: Mapping[str, Any]
    attributes: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    remarks: tuple[str, ...] = field(default=())


def state_of(estimator: Savable) -> EstimatorState:
    """Return the state of a fitted estimator. Equal fits have equal states: run times are left out.

    Raises
    ------
    NotFittedError
        If there is nothing to keep yet.
    TypeError
        If a parameter or a fitted attribute is of a type that cannot be kept, naming it.
    """
    check_is_fitted(estimator)
    writer = ValueWriter(_value_classes(type(estimator)))
    given, remarks = _keepable(estimator.get_params(deep=False))
    parameters = {name: writer.write(value, at=f"parameter {name}") for name, value in given.items()}
    fitted = {name: value for name, value in vars(estimator).items() if _is_fitted_name(name)}
    if isinstance(estimator, FrontEstimator):
        fitted |= {name: value for name, value in vars(fitted.pop("estimator_")).items() if _is_fitted_name(name)}
    module = fitted.pop("module_")
    fitted.pop("device_")  # a model is opened where there is room for it, not where it was trained
    fitted |= _without_clocks(fitted)
    attributes = {name: writer.write(fitted[name], at=name) for name in sorted(fitted)}
    weights = {  # weights of images lie channels last in memory: a file has one order
        f"{_WEIGHTS}{key}": value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, value in module.state_dict().items()
    }
    return EstimatorState(parameters, attributes, weights | writer.tensors, remarks)


def restore(
    cls: type[Savable], state: EstimatorState, *, network: NetworkFactory | None = None, device: str = "cpu"
) -> Any:
    """Return the estimator of class ``cls`` that ``state`` was taken of.

    Parameters
    ----------
    cls
        Class to make; the state does not choose it.
    state
        As :func:`state_of` returned it; the values in it are not trusted.
    network
        The factory that was passed as ``network=``, where one was.
    device
        Where to put the weights: ``"cpu"``, ``"cuda"``, ``"auto"``.

    Raises
    ------
    ValueError
        If something in ``state`` is unknown, absent or does not fit, naming the first such thing; or if a factory is
        needed and not given, or given and not needed.
    """
    reader = ValueReader(state.tensors, _value_classes(cls))
    made = cls(**_read_parameters(cls, state.parameters, reader, network))
    attributes = dict(state.attributes)
    estimator: Any = made
    if isinstance(made, FrontEstimator):
        _adopt(made, {name: attributes.pop(name) for name in made.own_attributes if name in attributes}, reader)
        estimator = made.estimator_ = made.make_estimator()
    _adopt(estimator, attributes, reader)
    needed = estimator.needed_to_open if isinstance(estimator, InteractionRecommender) else _NEEDED
    for name, kinds in (needed | estimator.needed_to_open).items():
        if not isinstance(getattr(estimator, name, None), kinds):
            raise ValueError(f"fitted attribute {name!r} must be a {kinds[0].__name__}, and is absent or another.")
    estimator.device_ = place(device).device
    estimator.module_ = _rebuild_module(estimator, state.tensors)
    estimator.module_.to(estimator.device_).eval()
    return made


def _adopt(estimator: Any, attributes: Mapping[str, Any], reader: ValueReader) -> None:
    """Set fitted attributes; the values are not trusted."""
    for name, node in attributes.items():
        if not _is_fitted_name(name) or hasattr(type(estimator), name) or name in ("module_", "device_"):
            raise ValueError(f"fitted attribute {name!r} is unknown to {type(estimator).__name__}.")
        setattr(estimator, name, _read(reader, node, f"fitted attribute {name!r}"))


def model_hash(estimator: Savable) -> str:
    """Return the sha256 of a fitted estimator's state: equal for equal fits, and before and after save and load."""
    state = state_of(estimator)
    digest = hashlib.sha256(type(estimator).__name__.encode())
    digest.update(json.dumps([state.parameters, state.attributes], sort_keys=True, allow_nan=False).encode())
    for name in sorted(state.tensors):
        values = state.tensors[name].contiguous()
        digest.update(json.dumps([name, str(values.dtype), list(values.shape)]).encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()


def _is_fitted_name(name: str) -> bool:
    return name.isidentifier() and name.endswith("_") and not name.startswith("_")


def _value_classes(cls: type) -> tuple[type, ...]:
    """Return the dataclasses that a constructor names in its annotations: a domain's own parameter values."""
    hints = get_type_hints(cls.__init__)  # type: ignore[misc]  # the class is at hand, not an instance
    found = {part for hint in hints.values() for part in (hint, *getattr(hint, "__args__", ()))}
    classes = [part for part in found if isinstance(part, type) and dataclasses.is_dataclass(part)]
    return tuple(sorted(classes, key=lambda known: known.__name__))


def _keepable(parameters: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Replace what no file can hold, and say so: live generators, and functions that build networks."""
    kept, remarks = dict(parameters), []
    if isinstance(kept.get("random_state"), np.random.RandomState | np.random.Generator):
        kept["random_state"] = None
        remarks.append("random_state was a live generator and is kept as None; an int would have been kept.")
    if callable(kept.get("network")):
        factory = kept["network"]
        name = f"{getattr(factory, '__module__', '?')}.{getattr(factory, '__qualname__', type(factory).__name__)}"
        kept["network"] = {_FACTORY: name}
        remarks.append(f"network was built by {name}; appkit.load needs it: load(path, network=...).")
    return kept, tuple(remarks)


def _without_clocks(fitted: Mapping[str, Any]) -> dict[str, Any]:
    timed = {"training_": fitted["training_"] | {"seconds": np.nan}}
    tables = (name for name in ("history_", "candidates_") if name in fitted)
    return timed | {name: fitted[name].assign(seconds=np.nan) for name in tables}


def _read_parameters(
    cls: type[Savable], state: Mapping[str, Any], reader: ValueReader, network: NetworkFactory | None
) -> dict[str, Any]:
    known = cls._get_param_names()
    for name in state:
        if name not in known:
            raise ValueError(f"parameter {name!r} is unknown to {cls.__name__}.")
    nodes = dict(state)
    factory = _factory_name(nodes.get("network"))
    if factory is None and network is not None:
        raise ValueError(f"network= is for models built by a factory; this one was built by {nodes.get('network')!r}.")
    if factory is not None and network is None:
        raise ValueError(f"its networks were built by {factory!r}: import it and call load(path, network=...).")
    if network is not None:
        nodes.pop("network")
    values = {name: _read(reader, node, f"parameter {name!r}") for name, node in nodes.items()}
    return values if network is None else values | {"network": network}


def _factory_name(node: Any) -> str | None:
    pairs = node.get("$mapping") if isinstance(node, dict) else None
    return str(pairs[0][1]) if pairs and pairs[0][0] == _FACTORY else None


def _read(reader: ValueReader, node: Any, where: str) -> Any:
    try:
        return reader.read(node)
    except KeyError as err:
        raise ValueError(f"{where} lacks {err}.") from err
    except (TypeError, ValueError, AttributeError, OverflowError, ArithmeticError, MemoryError) as err:
        raise ValueError(f"{where} is not what appkit writes: {err}") from err


def _rebuild_module(estimator: NeuralEstimator | InteractionRecommender, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Build the networks anew from the encoder's layout and fill in their weights."""
    weights = {key.removeprefix(_WEIGHTS): value for key, value in tensors.items() if key.startswith(_WEIGHTS)}
    n_networks = len({key.split(".")[1] for key in weights if key.startswith("networks.")})
    try:
        estimator._check_params()
        if isinstance(estimator, InteractionRecommender):
            return estimator.module_from(weights)
        _check_size(estimator, sum(value.numel() for value in weights.values()))
        with torch.random.fork_rng(devices=[]):  # initial weights are drawn, then overwritten
            module = MultiNetwork([_empty_network(estimator, estimator.head_) for _ in range(n_networks)])
        module.load_state_dict(weights)
    except (RuntimeError, ValueError, TypeError, MemoryError) as err:
        raise ValueError(f"the weights do not fit the parameters: {' '.join(str(err).split())}") from err
    return module


def _check_size(estimator: NeuralEstimator, n_weights: int) -> None:
    """Refuse parameters that would fill the memory with networks the file holds no weights for."""
    least = estimator._least_weights()
    if isinstance(estimator.network, str) and least > n_weights:
        raise ValueError(f"they ask for at least {least:,} weights, and there are {n_weights:,}.")


def _empty_network(estimator: NeuralEstimator, head: Head) -> nn.Module:
    one_row = torch.zeros(1), torch.ones(1)  # a head's own starting values are overwritten too
    return head.wrap(estimator._build_network(head.n_free_outputs), *one_row)
