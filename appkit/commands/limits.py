"""Accepted ranges as written on a command line: AUC>=0.75, PSI<=0.1, "Calibration slope=0.7..1.3"."""

import math
import re
from collections.abc import Iterable

import typer

__all__ = ["parse_limits"]

_FORM = re.compile(
    r"\s*(?P<name>[^<>=]+?)\s*(?:>=\s*(?P<least>[^<>=]+)|<=\s*(?P<most>[^<>=]+)|=(?P<low>[^<>=]+?)\.\.(?P<high>[^<>=]+))"
)


def parse_limits(texts: Iterable[str]) -> dict[str, tuple[float | None, float | None]]:
    """Return lowest and highest accepted value by the name of what is measured.

    Parameters
    ----------
    texts
        ``"NAME>=x"``, ``"NAME<=x"`` or ``"NAME=low..high"``, each name once.

    Raises
    ------
    typer.BadParameter
        For another form, an end that is no finite number, low above high, or a name given twice.

    Examples
    --------
    >>> parse_limits(["AUC>=0.75", "Calibration slope=0.7..1.3"])
    {'AUC': (0.75, None), 'Calibration slope': (0.7, 1.3)}
    """
    limits: dict[str, tuple[float | None, float | None]] = {}
    for text in texts:
        name, low, high = _parse(text)
        if name in limits:
            raise typer.BadParameter(f"--limit names {name!r} twice; write both ends at once: '{name}=0.7..0.9'.")
        limits[name] = low, high
    return limits


def _parse(text: str) -> tuple[str, float | None, float | None]:
    found = _FORM.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"--limit must be 'NAME>=x', 'NAME<=x' or 'NAME=low..high', got {text!r}.")
    low, high = found["least"] or found["low"], found["most"] or found["high"]
    ends = tuple(None if end is None else _number(end, text) for end in (low, high))
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise typer.BadParameter(f"--limit must not go from high to low, got {text!r}.")
    return found["name"], ends[0], ends[1]


def _number(end: str, text: str) -> float:
    try:
        number = float(end)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise typer.BadParameter(f"--limit must have a number where {text!r} has {end.strip()!r}.")
    return number
