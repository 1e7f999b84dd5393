"""Small series for tests: pumps whose heat rises with age until they fail, and whose noise means nothing."""

import numpy as np
import pandas as pd

TINY = {"window": 6, "n_networks": 1, "max_epochs": 3, "width": 8, "random_state": 0, "progress": False}
NAMED = {"unit": "pump", "time": "hour", **TINY}


def pumps(n_units: int = 14, n_hours: int = 20) -> tuple[pd.DataFrame, pd.Series]:
    """Return readings, and the hours each pump has left: the last reading is that of the failure."""
    rng = np.random.default_rng(0)
    hour = np.tile(np.arange(n_hours), n_units)
    X = pd.DataFrame({"pump": np.repeat([f"p{i}" for i in range(n_units)], n_hours), "hour": hour})
    X["heat"] = hour + rng.normal(0, 0.5, len(X))
    X["noise"] = rng.normal(0, 1, len(X))
    return X, pd.Series(n_hours - 1.0 - hour, index=X.index, name="left")
