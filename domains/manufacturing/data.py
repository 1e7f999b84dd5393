"""Machines that fail: NASA's turbofan engines, AI4I's milling machines and faulty steel plates, found on disk."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from appkit.data import Dataset, Source, find_file
from appkit.exceptions import SchemaError
from domains.manufacturing.degradation import make_degradation
from domains.manufacturing.milling import MILLING_DRIVERS, MILLING_MODES, MillingDataset, make_milling_machines
from domains.manufacturing.targets import remaining_life

__all__ = [
    "CMAPSS_SENSORS",
    "CmapssSensor",
    "load_ai4i",
    "load_cmapss",
    "load_steel_plates",
    "make_degradation",
    "make_milling_machines",
]


@dataclass(frozen=True)
class CmapssSensor:
    """What a sensor of the simulated engine measures, and in which unit (empty for a ratio)."""

    meaning: str
    unit: str


CMAPSS_SENSORS: Mapping[str, CmapssSensor] = {
    "T2": CmapssSensor("total temperature at fan inlet", "°R"),
    "T24": CmapssSensor("total temperature at low-pressure compressor outlet", "°R"),
    "T30": CmapssSensor("total temperature at high-pressure compressor outlet", "°R"),
    "T50": CmapssSensor("total temperature at low-pressure turbine outlet", "°R"),
    "P2": CmapssSensor("pressure at fan inlet", "psia"),
    "P15": CmapssSensor("total pressure in bypass duct", "psia"),
    "P30": CmapssSensor("total pressure at high-pressure compressor outlet", "psia"),
    "Nf": CmapssSensor("physical fan speed", "rpm"),
    "Nc": CmapssSensor("physical core speed", "rpm"),
    "epr": CmapssSensor("engine pressure ratio (P50/P2)", ""),
    "Ps30": CmapssSensor("static pressure at high-pressure compressor outlet", "psia"),
    "phi": CmapssSensor("ratio of fuel flow to Ps30", "pps/psi"),
    "NRf": CmapssSensor("corrected fan speed", "rpm"),
    "NRc": CmapssSensor("corrected core speed", "rpm"),
    "BPR": CmapssSensor("bypass ratio", ""),
    "farB": CmapssSensor("burner fuel-air ratio", ""),
    "htBleed": CmapssSensor("bleed enthalpy", ""),
    "Nf_dmd": CmapssSensor("demanded fan speed", "rpm"),
    "PCNfR_dmd": CmapssSensor("demanded corrected fan speed", "rpm"),
    "W31": CmapssSensor("high-pressure turbine coolant bleed", "lbm/s"),
    "W32": CmapssSensor("low-pressure turbine coolant bleed", "lbm/s"),
}

_CMAPSS_FACTS = {
    "FD001": "one operating condition, one fault mode",
    "FD002": "six operating conditions, one fault mode",
    "FD003": "one operating condition, two fault modes",
    "FD004": "six operating conditions, two fault modes",
}


def load_cmapss(subset: str = "FD001", *, cap: float | None = None) -> Dataset:
    """Return C-MAPSS: simulated turbofan engines, one row per flight, with the published test engines.

    Training engines (``"train 1"``, ``"train 2"``, ...) run until they fail; test engines (``"test 1"``, ...) stop some
    time before, and the target of their rows comes from the published remaining lives. FD001 has 100 of each, 20,631
    and 13,096 rows. ``X`` holds ``engine``, ``cycle``, the three settings (altitude, Mach number, throttle) and 21
    sensors under their published names: :data:`CMAPSS_SENSORS` says what they measure.

    Parameters
    ----------
    subset
        ``"FD001"`` to ``"FD004"``: one or six operating conditions, one or two fault modes.
    cap
        Bound of the remaining life in cycles, as is usual (125); ``None`` for none.

    Raises
    ------
    DatasetNotFoundError
        Where the files are not on disk, saying where to get them.
    SchemaError
        For files of another layout.
    ValueError
        For another subset, or a cap that is not positive.

    References
    ----------
    Saxena, A., Goebel, K., Simon, D. & Eklund, N. (2008). Damage propagation modeling for aircraft engine
    run-to-failure simulation. PHM 2008.
    """
    if subset not in _CMAPSS_FACTS:
        raise ValueError(f"subset must be one of {', '.join(_CMAPSS_FACTS)}, got {subset!r}.")
    if cap is not None and not 0 < cap < np.inf:
        raise ValueError(f"cap must be a positive number of cycles, or None for none, got {cap!r}.")
    train, test = (_read_engines(subset, part) for part in ("train", "test"))
    X = pd.concat([train, test], ignore_index=True)
    return Dataset(
        name=f"cmapss_{subset.lower()}",
        description=f"Simulated turbofan engines with 21 sensors ({_CMAPSS_FACTS[subset]}).",
        X=X,
        y=_cycles_left(X, _read_lives_left(subset, test["engine"]), cap=cap),
        target="cycles until failure" if cap is None else f"cycles until failure, at most {cap:g}",
        event=None,
        licence="US Government work (public domain)",
        citation="Saxena, A. & Goebel, K. (2008). Turbofan Engine Degradation Simulation Data Set. NASA.",
        source=_CMAPSS_ADDRESS,
        protocol="published",
        given_test=np.arange(len(X)) >= len(train),
        unit="engine",
        time_column="cycle",
    )


def load_ai4i() -> MillingDataset:
    """Return AI4I 2020: 10,000 products milled, 6 columns, 339 failures in five modes. Synthetic, says its publisher.

    The five mode flags are consequences of the target: they are ``modes``, never columns of ``X``. As published, 9
    failures have no mode, and 18 of the 19 random failures are not counted as failures.

    Raises
    ------
    DatasetNotFoundError
        Where the file is not on disk, saying where to get it.
    """
    table = pd.read_csv(find_file(_AI4I_SOURCE), encoding="utf-8-sig")  # opens with a byte order mark
    flags = list(MILLING_MODES)
    return MillingDataset(
        name="ai4i2020",
        description="Milling machines, failing in five modes by published rules.",
        X=table.drop(columns=["UDI", "Product ID", "Machine failure", *flags]),
        y=table["Machine failure"],
        target="whether the machine failed while milling this product",
        event=1,
        licence="CC BY 4.0",
        citation="Matzka, S. (2020). AI4I 2020 Predictive Maintenance. UCI ML Repository. doi:10.24432/C5HS5C.",
        source=_AI4I_SOURCE.address,
        modes=table[flags].astype(bool),
        mode_drivers=MILLING_DRIVERS,
    )


def load_steel_plates() -> Dataset:
    """Return Steel Plates Faults: 1,941 faults, 27 columns of shape and light, 7 kinds of fault.

    Raises
    ------
    DatasetNotFoundError
        Where the file is not on disk, saying where to get it.
    """
    table = pd.read_csv(find_file(_STEEL_SOURCE))
    return Dataset(
        name="steel_plates",
        description="Faults on the surface of steel plates, seen by a camera.",
        # the column target (a named fault, or another) tells the fault: neither is an input
        X=table.drop(columns=["failure.type", "target"]),
        y=table["failure.type"].map(dict(enumerate(_STEEL_FAULTS))).rename("fault"),
        target="which fault the plate has",
        event=None,
        licence="CC BY 4.0",
        citation="Buscema, M., Terzi, S. & Tastle, W. (2010). Steel Plates Faults. UCI ML Repository. "
        "doi:10.24432/C5J88N.",
        source=_STEEL_SOURCE.address,
    )


def _read_engines(subset: str, part: str) -> pd.DataFrame:
    """Return one file of readings, its engines labelled by part, so that train and test cannot be mistaken."""
    path = find_file(_cmapss_source(subset, f"{part}_{subset}.txt.gz"))
    table = pd.read_csv(path, sep=r"\s+", header=None)
    names = ["engine", "cycle", "setting_1", "setting_2", "setting_3", *CMAPSS_SENSORS]
    if table.shape[1] != len(names):
        raise SchemaError(f"{path.name} must have {len(names)} columns without a header, got {table.shape[1]}.")
    table = table.set_axis(names, axis=1).astype(dict.fromkeys(names[2:], np.float64))
    return table.assign(engine=f"{part} " + table["engine"].astype(str))


def _read_lives_left(subset: str, test_engines: pd.Series) -> pd.Series:
    """Return the cycles each test engine has left after its last reading, indexed by engine."""
    path = find_file(_cmapss_source(subset, f"RUL_{subset}.txt"))
    left = pd.read_csv(path, sep=r"\s+", header=None)[0]
    engines = test_engines.unique()
    if len(left) != len(engines):
        raise SchemaError(f"{path.name} must have one life per test engine, {len(engines)} rows, got {len(left)}.")
    return left.set_axis(engines)


def _cycles_left(X: pd.DataFrame, after_last: pd.Series, *, cap: float | None) -> pd.Series:
    """Count to the last reading, and on from there where an engine was stopped before it failed."""
    seen = remaining_life(X, unit="engine", time="cycle")
    return (seen + X["engine"].map(after_last).fillna(0.0)).clip(upper=cap).rename("remaining_life")


_CMAPSS_ADDRESS = (
    "https://www.nasa.gov/intelligent-systems-division/discovery-and-systems-health/pcoe/pcoe-data-set-repository/"
)


def _cmapss_source(subset: str, name: str) -> Source:
    return Source(f"manufacturing/cmapss_{subset.lower()}/{name}", address=_CMAPSS_ADDRESS)


_AI4I_SOURCE = Source(
    "manufacturing/ai4i2020/ai4i2020.csv",
    address="https://archive.ics.uci.edu/dataset/601/ai4i+2020+predictive+maintenance+dataset",
)

_STEEL_SOURCE = Source(
    "manufacturing/steel_plates/faults.csv", address="https://archive.ics.uci.edu/dataset/198/steel+plates+faults"
)
_STEEL_FAULTS = ("Other", "Bumps", "K_Scratch", "Z_Scratch", "Pastry", "Stains", "Dirtiness")  # by number in the file
