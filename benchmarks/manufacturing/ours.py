"""Our models as the benchmark keeps them: what the records of their fits depend on."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.peers import Model

__all__ = ["our_model"]

_PACKAGES = ("torch", "scikit-learn", "pandas", "tabm", "rtdl_num_embeddings")
_SOURCES = ("data", "model", "explanation", "../domains/manufacturing")  # as seen from the package


def our_model(build: Callable[[int, int, Mapping[str, Any]], Any] | None = None, **parameters: Any) -> Model:
    """Return ours as a competitor whose records are those of the present sources and of these parameters.

    Without ``build`` whoever measures also makes it.
    """
    return Model("ours", build or _not_built_here, _PACKAGES, parameters, sources=_SOURCES)


def _not_built_here(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
    raise NotImplementedError("This model is made where it is fitted.")
