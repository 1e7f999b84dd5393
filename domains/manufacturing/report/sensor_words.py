"""Sensors and their readings in words: name and physical unit, as far as the column's name says them."""

import math
import re

import numpy as np

from appkit.reporting.content.phrasing import label_of, shown_value
from appkit.reporting.numbers import number_text

__all__ = ["reading_text", "sensor_words"]

# endings that can mean nothing else; a lone letter or "min" may be a phase, an axis or a minimum
_ENDINGS = {
    "mm_s": "mm/s",
    "m_s": "m/s",
    "ml_h": "ml/h",
    "m3_h": "m³/h",
    "l_min": "l/min",
    "l_h": "l/h",
    "kg_h": "kg/h",
    "kg_s": "kg/s",
    "degc": "°C",
    "celsius": "°C",
    "kelvin": "K",
    "db": "dB",
    "mbar": "mbar",
    "bar": "bar",
    "kpa": "kPa",
    "mpa": "MPa",
    "psi": "psi",
    "kw": "kW",
    "kwh": "kWh",
    "rpm": "rpm",
    "khz": "kHz",
    "hz": "Hz",
    "mm": "mm",
    "percent": "%",
}
_LETTERS = {("temperature", "c"): "°C", ("temperature", "k"): "K", ("temp", "c"): "°C", ("torque", "nm"): "Nm"}
_BRACKETS = re.compile(r"(.*\S)\s*[\[(]([^\[\]()]+)[\])]")


def sensor_words(name: str) -> tuple[str, str]:
    """Return what a sensor is called and its unit, empty where the name does not say it.

    Examples
    --------
    >>> sensor_words("bearing_vibration_mm_s"), sensor_words("Air temperature [K]")
    (('Bearing vibration', 'mm/s'), ('Air temperature', 'K'))
    >>> sensor_words("seal_temperature_c"), sensor_words("phase_c"), sensor_words("T24")
    (('Seal temperature', '°C'), ('Phase c', ''), ('T24', ''))
    """
    if bracketed := _BRACKETS.fullmatch(name):
        return label_of(bracketed[1]), bracketed[2]
    for ending, unit in _ENDINGS.items():
        if name.endswith(f"_{ending}") and len(name) > len(ending) + 1:
            return label_of(name[: -len(ending) - 1]), unit
    *stem, last = name.split("_")
    if stem and (unit := _LETTERS.get((stem[-1], last), "")):
        return label_of("_".join(stem)), unit
    return label_of(name), ""


def reading_text(name: str, reading: object, usual: object, *, unit: str | None = None) -> str:
    """Return a sensor with its reading beside the usual one: ``"Bearing vibration 3.41 mm/s (usual 2.52)"``.

    Parameters
    ----------
    name
        Name of the sensor.
    reading, usual
        Numbers, NaN where unknown, or categories.
    unit
        Unit where the name does not say it.

    Examples
    --------
    >>> reading_text("bearing_vibration_mm_s", 3.412, 2.52)
    'Bearing vibration 3.41 mm/s (usual 2.52)'
    >>> reading_text("flow", float("nan"), 120.0), reading_text("age", 212.0, 60.0, unit="hours")
    ('Flow not measured (usual 120)', 'Age 212 hours (usual 60)')
    >>> reading_text("discharge_pressure_bar", 15.1, 16.0)
    'Discharge pressure 15.1 bar (usual 16.0)'
    """
    label, known = sensor_words(name)
    shown, beside = _alike(reading, usual)
    text = "not measured" if _is_missing(reading) else f"{shown} {known or unit or ''}".strip()
    return f"{label} {text}" + ("" if _is_missing(usual) else f" (usual {beside})")


def _alike(reading: object, usual: object) -> tuple[str, str]:
    """Return two readings with as many decimals each, three digits of the larger one in all."""
    numbers = (reading, usual)
    if not all(isinstance(number, float | np.floating) for number in numbers):
        return shown_value(reading), shown_value(usual)
    sizes = [abs(float(number)) for number in numbers if not _is_missing(number)]  # type: ignore[arg-type]
    largest = max(sizes, default=0.0)
    if not 1e-4 <= largest < 1e6:
        return shown_value(reading), shown_value(usual)
    decimals = min(max(2 - math.floor(math.log10(largest)), 0), 6)
    texts = [number_text(0.0 if _is_missing(number) else float(number), decimals) for number in numbers]  # type: ignore[arg-type]
    return texts[0], texts[1]


def _is_missing(number: object) -> bool:
    return isinstance(number, float | np.floating) and bool(np.isnan(number))
