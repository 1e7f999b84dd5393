"""Values as a model can predict them: a target that was capped in training is judged capped."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["target_range", "within_range"]


def target_range(model: Any) -> tuple[float, float]:
    """Return the least and greatest value that a model can predict: its ``target_range_``, infinite without one."""
    low, high = getattr(model, "target_range_", (-math.inf, math.inf))
    return float(low), float(high)


def within_range(model: Any, y: ArrayLike) -> Any:
    """Return values cut to what ``model`` can predict; as they are where it has no bounds.

    Examples
    --------
    >>> class Capped:
    ...     target_range_ = (0.0, 125.0)
    >>> within_range(Capped(), [30.0, 200.0])
    array([ 30., 125.])
    """
    low, high = target_range(model)
    return np.clip(np.asarray(y, dtype=np.float64), low, high) if math.isfinite(low) or math.isfinite(high) else y
