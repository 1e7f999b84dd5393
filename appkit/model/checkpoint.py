"""Keep a fit in progress on disk, so that a killed one goes on where it was."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from appkit.model.training import TrainingState

__all__ = ["Checkpoint", "fingerprint"]


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds one fit in progress, bound to its data and parameters by ``key``.

    A file with another key, or of a fit that was finished, is ignored. Writing goes to a temporary name first. The
    file holds tensors and plain values and is read without running code from it.
    """

    path: Path
    key: str

    def write(self, done: list[dict[str, Any]], state: TrainingState) -> None:
        """Keep the networks that are done (weights and history) and the state of the one in training."""
        self._write({"key": self.key, "finished": False, "done": done, "state": asdict(state)})

    def finish(self) -> None:
        """Mark the fit as finished: the next fit starts anew."""
        self._write({"key": self.key, "finished": True, "done": [], "state": {}})

    def read(self) -> tuple[list[dict[str, Any]], TrainingState | None]:
        """Return the finished networks and the state to resume, ``([], None)`` where there is nothing to go on from."""
        if not self.path.exists():
            return [], None
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as err:
            message = f"checkpoint {str(self.path)!r} cannot be read ({err}): delete it or give another path."
            raise ValueError(message) from err
        if not isinstance(content, dict) or set(content) != {"key", "finished", "done", "state"}:
            raise ValueError(f"checkpoint {str(self.path)!r} is no fit in progress: give another path.")
        if content["key"] != self.key or content["finished"]:
            return [], None
        return content["done"], TrainingState(**content["state"]) if content["state"] else None

    def _write(self, content: Mapping[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(self.path.name + ".tmp")
        torch.save(dict(content), temporary)
        os.replace(temporary, self.path)


def fingerprint(arrays: Mapping[str, np.ndarray | None], parameters: Mapping[str, Any]) -> str:
    """Return the sha256 of arrays and parameters: equal only for the same fit."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True, default=repr).encode())
    for name, values in arrays.items():
        digest.update(name.encode())
        if values is not None:
            digest.update(str((values.dtype, values.shape)).encode())
            # byte by byte in place: images may fill the memory once, not twice
            digest.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
