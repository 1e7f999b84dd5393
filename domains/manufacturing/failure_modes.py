"""Which sensors each failure mode shows in: what an engineer knows and no label says."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["FailureModes", "check_failure_modes"]

FailureModes = Mapping[str, Sequence[str]]
"""Sensors, or columns, that each failure mode shows in, by the name of the mode; modes may share sensors."""


def check_failure_modes(modes: FailureModes | None, sensors: Iterable[str]) -> None:
    """Refuse modes that name no known sensor.

    Parameters
    ----------
    modes
        Sensors by mode; ``None`` passes. A mode without sensors passes too: it is known, and shows nowhere.
    sensors
        Names that may be used.

    Raises
    ------
    TypeError
        If ``modes`` is no mapping from names to sequences of names.
    ValueError
        If a sensor is unknown, naming it and its mode.

    Examples
    --------
    >>> check_failure_modes({"bearing": ["vibration", "heat"]}, ["heat", "vibration", "flow"])
    >>> check_failure_modes({"bearing": ["vibratoin"]}, ["heat", "vibration"])
    Traceback (most recent call last):
    ...
    ValueError: failure_modes must name sensors, 'bearing' names 'vibratoin' (is it 'vibration'?), which is none.
    """
    if modes is None:
        return
    if not isinstance(modes, Mapping) or any(isinstance(names, str) for names in modes.values()):
        raise TypeError(f"failure_modes must map each mode to a list of sensors, got {modes!r}.")
    known = tuple(sensors)
    for mode, names in modes.items():
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                hint = f" (is it {close[0]!r}?)" if close else ""
                raise ValueError(f"failure_modes must name sensors, {mode!r} names {name!r}{hint}, which is none.")
