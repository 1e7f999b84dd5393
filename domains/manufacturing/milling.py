"""Milling machines that fail by the published rules of AI4I 2020: the true drivers of each failure are known."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from appkit.data import Dataset

__all__ = ["MILLING_DRIVERS", "MILLING_MODES", "MillingDataset", "make_milling_machines", "milling_rules"]

MILLING_MODES = {
    "TWF": "tool wear failure",
    "HDF": "heat dissipation failure",
    "PWF": "power failure",
    "OSF": "overstrain failure",
    "RNF": "random failure",
}

KIND, AIR, PROCESS = "Type", "Air temperature [K]", "Process temperature [K]"
SPEED, TORQUE, WEAR = "Rotational speed [rpm]", "Torque [Nm]", "Tool wear [min]"

MILLING_DRIVERS: Mapping[str, tuple[str, ...]] = {
    "TWF": (WEAR,),
    "HDF": (AIR, PROCESS, SPEED),
    "PWF": (TORQUE, SPEED),
    "OSF": (WEAR, TORQUE, KIND),
    "RNF": (),
}

OVERSTRAIN_LIMIT = {"L": 11_000.0, "M": 12_000.0, "H": 13_000.0}  # min Nm
MINUTES_OF_WEAR = {"L": 2, "M": 3, "H": 5}  # a better product takes longer to mill
KIND_SHARES = {"L": 0.6, "M": 0.3, "H": 0.1}  # as in the published file; its page says 50, 30 and 20 %
TOOL_LIFE = (200.0, 240.0)  # min
SHARE_OF_WORN_TOOLS_THAT_FAIL = 51 / 120
RANDOM_FAILURES = 0.001
TEMPERATURE_MEMORY = (
    0.99  # from one row to the next: the published walk, held to its mean so that short tables are alike
)
LEAST_TORQUE = 3.8  # Nm, the least of the published file, which has no negative ones
# speed against torque, fitted to the published file (residual 56 rpm): its page gives a constant power and noise
SLOWEST, SPEED_PER_ROOT_TORQUE, FASTEST, SPEED_NOISE = 415.0, 6917.0, 2800.0, 55.0


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MillingDataset(Dataset):
    """Milling machines with the modes in which each row failed, and what truly drives each mode.

    Parameters
    ----------
    modes
        Whether each row failed in each mode, bool (n_rows, 5), on the index of ``X``. Consequences of the target:
        never an input.
    mode_drivers
        Columns of ``X`` that the rule of each mode reads.
    decoys
        Columns that go with a driver but have no effect.
    """

    modes: pd.DataFrame
    mode_drivers: Mapping[str, tuple[str, ...]]
    decoys: tuple[str, ...] = ()


def make_milling_machines(n_rows: int = 10_000, *, random_state: int | None = 0) -> MillingDataset:
    """Return milling machines that fail by the published rules of AI4I 2020.

    ====  ==============================================================================================
    mode  fails where
    ====  ==============================================================================================
    TWF   the tool reaches its life, drawn between 200 and 240 min, and breaks (51 of 120 tools) rather
          than being changed in time
    HDF   process and air temperature differ by less than 8.6 K and the speed is below 1380 rpm
    PWF   the power, torque times angular speed, is below 3500 W or above 9000 W
    OSF   tool wear times torque exceeds 11,000 (L), 12,000 (M) or 13,000 (H) min Nm
    RNF   one row in a thousand, whatever its readings
    ====  ==============================================================================================

    The target is 1 where any mode failed. Five decoys, one per driver, measure it with noise of their own (correlation
    above 0.9) and have no effect: hall temperature (air), coolant temperature (process), noise level (speed), spindle
    current (torque) and surface roughness (tool wear).

    Parameters
    ----------
    n_rows
        Products milled, one a row, in order; at least 2.
    random_state
        Seed; the same seed gives the same table.

    References
    ----------
    Matzka, S. (2020). Explainable Artificial Intelligence for Predictive Maintenance Applications. AI4I, 69-74.

    Examples
    --------
    >>> machines = make_milling_machines(2_000)
    >>> machines
    <MillingDataset milling_machines: 2,000 rows x 11 columns, event 1>
    >>> machines.mode_drivers["PWF"]
    ('Torque [Nm]', 'Rotational speed [rpm]')
    """
    if n_rows < 2:
        raise ValueError(f"n_rows must be at least 2, got {n_rows!r}.")
    rng = np.random.default_rng(random_state)
    readings, tool_failed = _readings(rng, n_rows)
    random = pd.DataFrame({"TWF": tool_failed, "RNF": rng.random(n_rows) < RANDOM_FAILURES})
    modes = random.join(milling_rules(readings))[list(MILLING_MODES)]
    decoys = _decoys(rng, readings)
    return MillingDataset(
        name="milling_machines",
        description="Generated milling machines that fail by the rules of AI4I 2020, with decoy sensors.",
        X=readings.join(decoys),
        y=modes.any(axis=1).astype(np.int64).rename("Machine failure"),
        target="whether the machine failed while milling this product",
        event=1,
        licence="BSD-3-Clause, as this package",
        citation="none needed: generated data; rules of Matzka, S. (2020). doi:10.1109/AI4I49448.2020.00023",
        source="domains.manufacturing.make_milling_machines",
        modes=modes,
        mode_drivers=MILLING_DRIVERS,
        decoys=tuple(map(str, decoys.columns)),
    )


def milling_rules(X: pd.DataFrame) -> pd.DataFrame:
    """Return where the modes without chance fail, HDF, PWF and OSF: bool (n_rows, 3), on the index of ``X``.

    On the published file these are its own flags, in every row.

    Parameters
    ----------
    X
        Table with the six columns of AI4I under their published names.
    """
    power = X[TORQUE] * X[SPEED] * (2 * np.pi / 60)
    return pd.DataFrame(
        {
            # as published: in floating point, where 8.6 between two rounded readings may come out a little less
            "HDF": (X[PROCESS] - X[AIR] < 8.6) & (X[SPEED] < 1380),
            "PWF": (power < 3500) | (power > 9000),
            "OSF": X[WEAR] * X[TORQUE] > X[KIND].map(OVERSTRAIN_LIMIT),
        }
    )


def _readings(rng: np.random.Generator, n_rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the published columns, and where a worn tool broke."""
    kind = rng.choice(list(KIND_SHARES), n_rows, p=list(KIND_SHARES.values()))
    air = 300 + 2 * _wandering(rng, n_rows)
    process = air + 10 + _wandering(rng, n_rows)
    torque = np.maximum(np.round(rng.normal(40, 10, n_rows), 1), LEAST_TORQUE)
    speed = np.minimum(SLOWEST + SPEED_PER_ROOT_TORQUE / np.sqrt(torque), FASTEST) + rng.normal(0, SPEED_NOISE, n_rows)
    wear, tool_failed = _tool_wear(rng, pd.Series(kind).map(MINUTES_OF_WEAR).to_numpy(dtype=np.int64))
    columns = {
        KIND: kind,
        AIR: np.round(air, 1),
        PROCESS: np.round(process, 1),
        SPEED: np.round(speed).astype(np.int64),
        TORQUE: torque,
        WEAR: wear,
    }
    return pd.DataFrame(columns), tool_failed


def _wandering(rng: np.random.Generator, n_rows: int) -> np.ndarray:
    """Return a slow walk around 0 with standard deviation 1."""
    steps = rng.normal(0, np.sqrt(1 - TEMPERATURE_MEMORY**2), n_rows)
    steps[0] = rng.normal()
    for row in range(1, n_rows):
        steps[row] += TEMPERATURE_MEMORY * steps[row - 1]
    return steps


def _tool_wear(rng: np.random.Generator, minutes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wear one tool after the other; each ends at the first row that reaches its life, broken or changed."""
    milled = np.concatenate([[0], np.cumsum(minutes)[:-1]])
    wear, failed = milled.copy(), np.zeros(len(minutes), dtype=bool)
    first = 0
    while first < len(minutes):
        wear[first:] = milled[first:] - milled[first]
        last = first + int(np.searchsorted(wear[first:], rng.uniform(*TOOL_LIFE)))
        if last < len(minutes):
            failed[last] = rng.random() < SHARE_OF_WORN_TOOLS_THAT_FAIL
        first = last + 1
    return wear, failed


def _decoys(rng: np.random.Generator, readings: pd.DataFrame) -> pd.DataFrame:
    """Measure each driver once more, with an instrument that has noise and plays no part in any rule."""
    noise = rng.normal(size=(len(readings), 5)).T
    return pd.DataFrame(
        {
            "Hall temperature [K]": np.round(readings[AIR] - 1.5 + 0.7 * noise[0], 1),
            "Coolant temperature [K]": np.round(readings[PROCESS] - 12 + 0.7 * noise[1], 1),
            "Noise level [dB]": np.round(60 + 0.012 * readings[SPEED] + 0.8 * noise[2], 1),
            "Spindle current [A]": np.round(4 + 0.35 * readings[TORQUE] + 1.3 * noise[3], 1),
            "Surface roughness [um]": np.round(0.8 + 0.006 * readings[WEAR] + 0.14 * noise[4], 2),
        }
    )
