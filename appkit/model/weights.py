"""Load weights that somebody saved into a module, and say exactly what fitted: no code of the file is run."""

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from appkit.exceptions import ArtefactError

__all__ = ["WeightReport", "load_weights"]

_WRAPPED = ("state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "weights")
_PREFIXES = ("module.", "model.", "state_dict.", "net.", "network.", "_orig_mod.", "backbone.", "encoder.")
_COUNTER = re.compile(r"(^|\.)num_batches_tracked$")  # absent from old files; read only where there is no momentum
_SHOWN = 10


@dataclass(frozen=True)
class WeightReport:
    """What a file of weights brought.

    Parameters
    ----------
    source
        Where the weights came from.
    loaded
        Names in the module that were filled.
    dropped
        Names in the file that were left out: a last layer for other classes.
    kept
        Names in the module that stay as they were, because the file had nothing for them.
    """

    source: str
    loaded: tuple[str, ...]
    dropped: tuple[str, ...]
    kept: tuple[str, ...]

    def __str__(self) -> str:
        remarks = [f"{len(self.loaded)} tensors loaded from {self.source}."]
        if self.dropped:
            remarks.append(f"Left out, for other classes: {', '.join(self.dropped)}.")
        if self.kept:
            remarks.append(f"Still as they were: {', '.join(self.kept)}.")
        return " ".join(remarks)


def load_weights(module: nn.Module, source: str | Path | Mapping[str, Any]) -> WeightReport:
    """Fill a module with weights from a file; all of it must fit, but for the last layer.

    What wraps the weights (``"state_dict"``, ``"model"``) and what all names begin with (``module.``, ``model.``) is
    taken off. A last layer for another number of classes is left out, and the module keeps its own.

    Parameters
    ----------
    module
        To be filled in place, on whatever device it is. One with ``own_name`` is asked to translate published names,
        and what it lists as ``unpublished`` may be absent. Its last layer is ``output``, or else its last
        ``torch.nn.Linear``.
    source
        A ``.safetensors`` file, a file of ``torch.save`` (read with ``weights_only=True``: tensors and plain values
        alone, nothing is run), or a state dict. Tensors saved on a GPU are opened on the CPU.

    Returns
    -------
    WeightReport
        What was loaded, left out and kept.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ArtefactError
        If the file is no file of weights, or its weights are not those of the module: missing, unexpected or of another
        shape, named and counted; or if they hold NaN or infinities. The module is then as it was.

    Examples
    --------
    >>> saved = {"module.0.weight": torch.ones(3, 2), "module.0.bias": torch.zeros(3)}
    >>> print(load_weights(nn.Sequential(nn.Linear(2, 3)), saved))
    2 tensors loaded from a mapping.
    """
    called = "a mapping" if isinstance(source, Mapping) else str(source)
    given = _named_tensors(source if isinstance(source, Mapping) else _read(Path(source)), called)
    expected = module.state_dict()
    own = _translated(given, expected, getattr(module, "own_name", None))
    classifier = _classifier_of(module, expected)
    new = tuple(f"{prefix}." for prefix in getattr(module, "unpublished", ()))
    dropped = [k for k, name in own.items() if name in classifier and given[k].shape != expected[name].shape]
    if dropped:  # a weight of another size comes with a bias that means other classes
        dropped = [k for k, name in own.items() if name in classifier]
    fitting = {name: given[k] for k, name in own.items() if k not in dropped}
    problems = _problems(fitting, expected, optional=classifier | {name for name in expected if name.startswith(new)})
    if problems:
        raise ArtefactError(f"The weights of {called} are not those of this network. {' '.join(problems)}")
    module.load_state_dict(fitting, strict=False)
    kept = tuple(name for name in expected if name not in fitting and not _COUNTER.search(name))
    return WeightReport(called, tuple(fitting), tuple(dropped), kept)


def _read(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"weights must be a file, there is none at {str(path)!r}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path, device="cpu")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")  # said again where it matters
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as err:  # a foreign file may make its reader fail in any way
        if type(err).__name__ == "UnpicklingError":
            raise ArtefactError(
                f"{path} holds more than tensors and plain values, or is damaged, and is not opened: it might run "
                "code. Where it came from, save the state_dict alone, best as .safetensors."
            ) from err
        reason = " ".join(str(err).split())[:200]
        raise ArtefactError(f"{path} is not a file of weights, or is damaged: {reason}") from err


def _named_tensors(saved: Any, called: str) -> dict[str, Tensor]:
    """Return the tensors by name, whatever they were wrapped in."""
    while isinstance(saved, Mapping) and not _is_state_dict(saved):
        inner = next((saved[key] for key in _WRAPPED if isinstance(saved.get(key), Mapping)), None)
        if inner is None:
            break
        saved = inner
    if not isinstance(saved, Mapping) or not _is_state_dict(saved):
        raise ArtefactError(f"{called} must hold a state dict, names with tensors, got {_described(saved)}.")
    return {str(name): tensor for name, tensor in saved.items()}


def _is_state_dict(saved: Mapping[Any, Any]) -> bool:
    return bool(saved) and all(isinstance(value, Tensor) for value in saved.values())


def _described(saved: Any) -> str:
    if not isinstance(saved, Mapping):
        return f"a {type(saved).__name__}"
    return f"a mapping of {_listed(map(str, saved))}" if saved else "an empty mapping"


def _translated(
    given: Mapping[str, Tensor], expected: Mapping[str, Tensor], own_name: Callable[[str], str] | None
) -> dict[str, str]:
    """Return the name in the module for each name in the file, by whatever reading of the names fits most."""
    readings: list[dict[str, str]] = []
    bare = {name: name for name in given}
    while bare:
        readings.append(bare)
        if own_name is not None:
            readings.append({name: own_name(inner) for name, inner in bare.items()})
        shared = next((p for p in _PREFIXES if all(inner.startswith(p) for inner in bare.values())), None)
        bare = {name: inner.removeprefix(shared) for name, inner in bare.items()} if shared else {}
    return max(readings, key=lambda names: sum(inner in expected for inner in names.values()))


def _classifier_of(module: nn.Module, expected: Mapping[str, Tensor]) -> set[str]:
    """Return the names of the last layer's weight and bias."""
    linear = [name for name, part in module.named_modules() if isinstance(part, nn.Linear)]
    last = "output" if "output" in linear else linear[-1] if linear else None
    return {name for name in expected if last is not None and name in (f"{last}.weight", f"{last}.bias")}


def _problems(given: Mapping[str, Tensor], expected: Mapping[str, Tensor], *, optional: set[str]) -> list[str]:
    missing = [k for k in expected if k not in given and k not in optional and not _COUNTER.search(k)]
    unexpected = [name for name in given if name not in expected]
    shared = [name for name in given if name in expected]
    shapes = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in shared
        if given[name].shape != expected[name].shape
    ]
    broken = [name for name in shared if given[name].is_floating_point() and not given[name].isfinite().all()]
    n = len(expected)
    kinds = (
        (missing, f"{len(missing)} of {n} missing"),
        (unexpected, f"{len(unexpected)} unexpected"),
        (shapes, f"{len(shapes)} of another shape"),
        (broken, f"{len(broken)} with NaN or infinite values"),
    )
    return [f"{text}: {_listed(names)}." for names, text in kinds if names]


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
