"""Machines that run to failure, as the benchmark gives them to every model alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from domains.manufacturing import load_cmapss, make_degradation, remaining_life

__all__ = ["Fleet", "fd001", "random_moments", "small_fleet"]

CAP = 125.0  # cycles, as published results cut the target


@dataclass(frozen=True)
class Fleet:
    """Readings of machines that failed, and of others that were stopped some known time before.

    Parameters
    ----------
    name, unit, time
        What it is called, and its columns of machines and times.
    cap
        Where the target is cut.
    X, life
        Readings of machines that failed, and their remaining life, uncut.
    X_test, life_test
        Readings of further machines, and the remaining life at the last of each, uncut, by machine.
    """

    name: str
    unit: str
    time: str
    cap: float
    X: pd.DataFrame
    life: pd.Series
    X_test: pd.DataFrame
    life_test: pd.Series

    @property
    def columns(self) -> dict[str, Any]:
        """How estimators are told of machines and times."""
        return {"unit": self.unit, "time": self.time}

    @property
    def target(self) -> pd.Series:
        """Remaining life of the machines that failed, cut."""
        return self.life.clip(upper=self.cap)

    @property
    def held_out(self) -> np.ndarray:
        """Rows of a fifth of the machines that failed, bool ``(n_rows,)``: to judge what must not see the test."""
        machines = self.X[self.unit].unique()
        chosen = np.random.default_rng(0).permutation(machines)[: max(2, len(machines) // 5)]
        return self.X[self.unit].isin(chosen).to_numpy()


def fd001() -> Fleet:
    """Return the C-MAPSS engines of FD001 with the published test engines."""
    data = load_cmapss("FD001")
    assert data.given_test is not None
    rows, unit, time = data.given_test, "engine", "cycle"
    X_test, life_test = data.X[rows], data.y[rows]
    newest = X_test.groupby(unit, sort=False)[time].idxmax()
    return Fleet(
        name="C-MAPSS FD001",
        unit=unit,
        time=time,
        cap=CAP,
        X=data.X[~rows],
        life=data.y[~rows],
        X_test=X_test,
        life_test=pd.Series(life_test.loc[newest].to_numpy(), index=newest.index),
    )


def small_fleet(n_units: int = 24, *, seed: int = 0) -> Fleet:
    """Return a few generated pumps, the last third of them stopped at a random moment."""
    data = make_degradation(n_units, censored=0.0, n_conditions=1, random_state=seed)
    is_test = data.X["machine"] > n_units * 2 // 3
    X, X_rest = data.X[~is_test], data.X[is_test]
    life = remaining_life(data.X, unit="machine", time="hour")
    rows = random_moments(X_rest["machine"].to_numpy(), seed=seed)
    stops = X_rest.iloc[rows].set_index("machine")["hour"]
    return Fleet(
        name=f"{n_units} generated pumps",
        unit="machine",
        time="hour",
        cap=CAP,
        X=X,
        life=life[~is_test],
        X_test=X_rest[X_rest["hour"] <= X_rest["machine"].map(stops)],
        life_test=pd.Series(life[is_test].iloc[rows].to_numpy(), index=stops.index),
    )


def random_moments(units: np.ndarray, *, seed: int) -> np.ndarray:
    """Return one row of each unit, drawn evenly from its rows, int64 ``(n_units,)``.

    Examples
    --------
    >>> units = np.array(["a", "a", "b"])
    >>> units[random_moments(units, seed=0)].tolist()
    ['a', 'b']
    """
    shuffled = np.random.default_rng(seed).permutation(len(units))
    return shuffled[np.unique(units[shuffled], return_index=True)[1]]
