"""Pumps that run until they fail, whose onset of wear, failure mode and true driver sensors are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.data import Dataset
from domains.manufacturing.targets import remaining_life

__all__ = ["DegradationDataset", "make_degradation"]

UNIT, TIME = "machine", "hour"
LOAD, SPEED, SERVICED = "load_percent", "speed_rpm", "serviced"
# load and speed of each way of running; the machines' readings are centred on the second
CONDITIONS = ((60.0, 1200.0), (80.0, 1500.0), (100.0, 1800.0), (100.0, 1200.0), (60.0, 1800.0), (80.0, 1800.0))
STAY = 0.95  # chance that the next hour is run like this one
MODE_DRIVERS: Mapping[str, tuple[str, ...]] = {
    "bearing": ("bearing_vibration_mm_s", "bearing_temperature_c", "acoustic_emission_db"),
    "seal": ("seal_leakage_ml_h", "seal_temperature_c"),
    "impeller": ("flow_m3_h", "discharge_pressure_bar"),
}
MEMORY = {"mechanical": 0.9, "thermal": 0.97, "hydraulic": 0.9}  # of what sways several healthy sensors, hour to hour

LEAST_HEALTHY_HOURS, MEAN_EXTRA_HOURS, MOST_EXTRA_HOURS = 30, 60.0, 240.0
MEAN_WEARING_HOURS, SPREAD_OF_WEARING_HOURS, STEADINESS = 70.0, 0.25, 2.0
ACCELERATION = 2.0
RELIEF = (0.2, 0.5)  # share of the wear that a service takes away
RISE = 6.0  # healthy standard deviations that a driver has moved at failure, on average over its mode's drivers
EVENNESS = 20.0  # how alike the drivers of a mode share the wear
MACHINE_OFFSET, SWAY, NOISE, DECOY_NOISE = 0.3, 0.75, 0.6, 0.35  # in spreads, as is what settings shift


@dataclass(frozen=True)
class _Sensor:
    """How a healthy sensor reads: its centre and spread, what sways it, and how settings shift it (in spreads)."""

    centre: float
    spread: float
    swayed_by: str | None
    load: float
    speed: float
    wear: int = 0  # sign of the change with wear
    digits: int = 2


SENSORS = {
    "bearing_vibration_mm_s": _Sensor(2.5, 0.2, "mechanical", load=2.0, speed=4.0, wear=1, digits=3),
    "bearing_temperature_c": _Sensor(62, 1.5, "thermal", load=4.0, speed=2.0, wear=1),
    "acoustic_emission_db": _Sensor(48, 1.2, "mechanical", load=3.0, speed=3.0, wear=1),
    "seal_leakage_ml_h": _Sensor(40, 2.5, "hydraulic", load=3.0, speed=1.0, wear=1),
    "seal_temperature_c": _Sensor(55, 1.4, "thermal", load=3.0, speed=3.0, wear=1),
    "flow_m3_h": _Sensor(120, 2.0, "hydraulic", load=4.0, speed=5.0, wear=-1),
    "discharge_pressure_bar": _Sensor(16, 0.25, "hydraulic", load=-3.0, speed=5.0, wear=-1, digits=3),
    "casing_vibration_mm_s": _Sensor(1.8, 0.15, "mechanical", load=2.0, speed=4.0, digits=3),
    "oil_temperature_c": _Sensor(58, 1.3, "thermal", load=4.0, speed=2.0),
    "ambient_temperature_c": _Sensor(21, 1.5, "thermal", load=0.0, speed=0.0),
    "suction_pressure_bar": _Sensor(2.2, 0.06, "hydraulic", load=-2.0, speed=-3.0, digits=3),
    "motor_power_kw": _Sensor(75, 1.5, None, load=6.0, speed=5.0),
}
DRIVERS = tuple(name for name, sensor in SENSORS.items() if sensor.wear)
DECOYS = tuple(name for name, sensor in SENSORS.items() if not sensor.wear)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DegradationDataset(Dataset):
    """Run-to-failure series whose truth is known, to hold models and explanations against.

    Parameters
    ----------
    wear
        True wear at each reading, 0 healthy and 1 failed, on the index of ``X``. Never an input.
    onset
        Hour from which each machine wears, indexed by machine; NaN where it was stopped before.
    failed
        Whether each machine was seen to fail, bool; the others were stopped while they still ran.
    mode
        Mode in which each machine fails, or would have.
    rises
        How far each driver sensor of each machine has moved when the machine fails, in standard deviations of its
        healthy readings under one operating condition, float64 (n_machines, n_drivers); 0 for other modes' drivers.
    mode_drivers
        The sensors that show each mode's wear. All of them together give the wear: each shows a part of its own.
    decoys
        Sensors that go with the drivers while they are healthy, or with the operating condition, and show no wear.
    conditions
        Columns that say how the machine is run.
    """

    wear: pd.Series
    onset: pd.Series
    failed: pd.Series
    mode: pd.Series
    rises: pd.DataFrame
    mode_drivers: Mapping[str, tuple[str, ...]]
    decoys: tuple[str, ...]
    conditions: tuple[str, ...]

    def drivers_of(self, machine: Any) -> tuple[str, ...]:
        """Return the sensors that truly show the wear of one machine."""
        return self.mode_drivers[self.mode[machine]]


def make_degradation(
    n_units: int = 100,
    *,
    n_conditions: int = 3,
    censored: float = 0.2,
    missing: float = 0.0,
    service_every: float | None = 90.0,
    cap: float | None = None,
    random_state: int | None = 0,
) -> DegradationDataset:
    """Return hourly readings of pumps that wear in one of three modes until they fail.

    A machine is healthy for 30 hours and an exponential time after them, so that its age tells nothing of the onset.
    Then it ages by a gamma process over about 70 hours; its wear is that ageing squared, and it fails when the wear
    reaches 1: the last reading is that of the failure. A service (``serviced`` is 1 in the first reading after it)
    takes away 20 to 50 % of the wear there is. Services follow a calendar, not the state of the machine.

    Each mode has two or three driver sensors. Each shows its own part of the wear (the parts differ from machine to
    machine and sum to the wear), so none of them can be spared; at failure they have moved by six healthy standard
    deviations on average. Load and speed shift and spread every sensor but do no wear. Five decoys sway with the
    drivers' healthy variation or follow the load, and show no wear: :class:`DegradationDataset` holds the whole truth.

    The first machines are the same however many are drawn.

    Parameters
    ----------
    n_units
        Number of machines, at least 2.
    n_conditions
        Ways of running, combinations of load and speed, 1 to 6.
    censored
        Chance that a machine is stopped before it fails, at a moment that has nothing to do with its state.
    missing
        Share of sensor readings lost at random.
    service_every
        Mean hours between services; ``None`` for none.
    cap
        Bound of the remaining life, in hours.
    random_state
        Seed; the same seed gives the same series.

    References
    ----------
    van Noortwijk, J. M. (2009). A survey of the application of gamma processes in maintenance. Reliability Engineering
    and System Safety, 94(1), 2-21.

    Examples
    --------
    >>> pumps = make_degradation(10)
    >>> pumps.mode[1], pumps.drivers_of(1)
    ('impeller', ('flow_m3_h', 'discharge_pressure_bar'))
    >>> float(pumps.wear.max())
    1.0
    """
    _check_plan(n_units, n_conditions, shares={"censored": censored, "missing": missing}, service_every=service_every)
    seeds = np.random.SeedSequence(random_state).spawn(n_units)
    machines = [
        _machine(
            np.random.default_rng(seed), n_conditions, censored=censored, service_every=service_every, lost=missing
        )
        for seed in seeds
    ]
    labels = pd.RangeIndex(1, n_units + 1, name=UNIT)
    lengths = [len(machine.wear) for machine in machines]
    X = pd.concat([machine.readings for machine in machines], ignore_index=True)
    X.insert(0, UNIT, np.repeat(labels.to_numpy(), lengths))
    failed = pd.Series([machine.failed for machine in machines], index=labels, name="failed")
    return DegradationDataset(
        name="degradation",
        description="Generated pumps that run until they fail, with known onset, mode and drivers, and decoy sensors.",
        X=X,
        y=remaining_life(X, unit=UNIT, time=TIME, failed=failed, cap=cap),
        target="hours until failure" if cap is None else f"hours until failure, at most {cap:g}",
        event=None,
        licence="BSD-3-Clause, as this package",
        citation="none needed: generated data",
        source="domains.manufacturing.make_degradation",
        protocol="group",
        unit=UNIT,
        time_column=TIME,
        wear=pd.Series(np.concatenate([machine.wear for machine in machines]), index=X.index, name="wear"),
        onset=pd.Series([machine.onset for machine in machines], index=labels, name="onset"),
        failed=failed,
        mode=pd.Series([machine.mode for machine in machines], index=labels, name="mode"),
        rises=pd.DataFrame([machine.rises for machine in machines], index=labels, columns=list(DRIVERS)).fillna(0.0),
        mode_drivers=MODE_DRIVERS,
        decoys=DECOYS,
        conditions=(LOAD, SPEED),
    )


@dataclass(frozen=True, eq=False)
class _Machine:
    readings: pd.DataFrame
    wear: np.ndarray  # (n_hours,)
    onset: float
    failed: bool
    mode: str
    rises: dict[str, float]  # by driver of the mode


def _machine(
    rng: np.random.Generator, n_conditions: int, *, censored: float, service_every: float | None, lost: float
) -> _Machine:
    mode = str(rng.choice(list(MODE_DRIVERS)))
    rises = _rises(rng, mode)
    onset = LEAST_HEALTHY_HOURS + round(min(rng.exponential(MEAN_EXTRA_HOURS), MOST_EXTRA_HOURS))
    wear, serviced = _life(rng, onset, service_every)
    failed = bool(rng.random() >= censored)
    # drawn whether used or not, so that a machine's readings do not hang on the share that is stopped
    stop = int(rng.integers(LEAST_HEALTHY_HOURS, len(wear)))
    settings = _settings(rng, n_conditions, len(wear))
    sensors = _sensors(rng, settings, wear, rises)
    sensors = sensors.mask(rng.random(sensors.shape) < lost)
    hours = pd.DataFrame({TIME: np.arange(len(wear)), LOAD: settings[0], SPEED: settings[1], SERVICED: serviced})
    seen = len(wear) if failed else stop
    return _Machine(
        readings=hours.join(sensors).head(seen),
        wear=wear[:seen],
        onset=float(onset) if onset < seen else np.nan,
        failed=failed,
        mode=mode,
        rises=rises,
    )


def _rises(rng: np.random.Generator, mode: str) -> dict[str, float]:
    """Share the wear among the drivers of a mode."""
    drivers = MODE_DRIVERS[mode]
    parts = rng.dirichlet(np.full(len(drivers), EVENNESS))
    return {name: float(RISE * len(drivers) * part) for name, part in zip(drivers, parts, strict=True)}


def _life(rng: np.random.Generator, onset: int, service_every: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the wear of each hour until it reaches 1, and 1 where a service took some of it away."""
    span = MEAN_WEARING_HOURS * rng.lognormal(0, SPREAD_OF_WEARING_HOURS)
    due = np.inf if service_every is None else service_every * rng.uniform(0.8, 1.2)
    wear, serviced = [0.0], [0]
    age = 0.0
    while wear[-1] < 1:
        hour = len(wear)
        if hour >= onset:
            age += rng.gamma(STEADINESS, 1 / (STEADINESS * span))
        is_due = hour >= due and age < 1  # a machine that fails in this hour is not serviced
        if is_due:
            age *= (1 - rng.uniform(*RELIEF)) ** (1 / ACCELERATION)
            assert service_every is not None
            due += service_every * rng.uniform(0.8, 1.2)
        wear.append(min(age**ACCELERATION, 1.0))
        serviced.append(int(is_due))
    return np.array(wear), np.array(serviced)


def _settings(rng: np.random.Generator, n_conditions: int, n_hours: int) -> np.ndarray:
    """Run in stretches of one condition after the other; load and speed, each hour a little off."""
    changes = rng.random(n_hours) >= STAY
    changes[0] = True
    drawn = rng.integers(0, n_conditions, n_hours)
    condition = drawn[np.maximum.accumulate(np.where(changes, np.arange(n_hours), 0))]
    load, speed = np.array(CONDITIONS)[condition].T
    return np.stack([np.round(load + rng.normal(0, 0.3, n_hours), 1), np.round(speed + rng.normal(0, 5.0, n_hours), 0)])


def _sensors(rng: np.random.Generator, settings: np.ndarray, wear: np.ndarray, rises: dict[str, float]) -> pd.DataFrame:
    load, speed = (settings[0] - 80) / 20, (settings[1] - 1500) / 300
    sways = {name: _swaying(rng, memory, len(wear)) for name, memory in MEMORY.items()}
    columns = {}
    for name, sensor in SENSORS.items():
        noise = NOISE if sensor.wear else DECOY_NOISE
        state = rng.normal(0, MACHINE_OFFSET) + rng.normal(0, noise, len(wear))
        if sensor.swayed_by is not None:
            state += SWAY * sways[sensor.swayed_by]
        state += sensor.wear * rises.get(name, 0.0) * wear
        shift = sensor.load * load + sensor.speed * speed
        columns[name] = np.round(sensor.centre + sensor.spread * (shift + (1 + 0.25 * load) * state), sensor.digits)
    return pd.DataFrame(columns)


def _swaying(rng: np.random.Generator, memory: float, n_hours: int) -> np.ndarray:
    """Return a walk held to 0 with standard deviation 1."""
    steps = rng.normal(0, np.sqrt(1 - memory**2), n_hours)
    steps[0] = rng.normal()
    for hour in range(1, n_hours):
        steps[hour] += memory * steps[hour - 1]
    return steps


def _check_plan(n_units: int, n_conditions: int, *, shares: Mapping[str, float], service_every: float | None) -> None:
    if n_units < 2:
        raise ValueError(f"n_units must be at least 2, got {n_units!r}.")
    if not 1 <= n_conditions <= len(CONDITIONS):
        raise ValueError(f"n_conditions must be 1 to {len(CONDITIONS)}, got {n_conditions!r}.")
    for name, share in shares.items():
        if not 0 <= share < 1:
            raise ValueError(f"{name} must be a share, at least 0 and below 1, got {share!r}.")
    if service_every is not None and not service_every >= 10:
        raise ValueError(f"service_every must be at least 10 hours, or None for no services, got {service_every!r}.")
