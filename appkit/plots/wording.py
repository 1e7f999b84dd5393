"""Words and numbers of the plots: units of axes, what the colours say, effects with their errors."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from appkit.explanation import Explanation

__all__ = ["EffectUnit", "effect_unit", "method_name", "shown", "signed", "tick_text", "whisker_note"]

_MINUS = "−"
_DIGITS = 2


@dataclass(frozen=True)
class EffectUnit:
    """How effects and outputs of one explanation are written.

    Parameters
    ----------
    scale
        What values are multiplied with on the page: 100 for probabilities.
    effect, output
        Labels of an axis of effects and of an axis of outputs.
    name
        Name of the output.
    short
        The unit in a word or two, for ends of a legend; may be empty.
    """

    scale: float
    effect: str
    output: str
    name: str
    short: str


def effect_unit(explanation: Explanation, position: int) -> EffectUnit:
    """Return the units of one output; probabilities are drawn in percent, effects on them in percentage points."""
    name = explanation.output_names[position]
    if explanation.method.startswith("grad-cam"):
        return EffectUnit(1.0, f"strength of the map for {name} (no unit)", name, name, "")
    if explanation.units == "probability":
        effect, output = f"effect on probability of {name} (percentage points)", f"probability of {name} (%)"
        return EffectUnit(100.0, effect, output, name, "points")
    unit = "" if explanation.units == "value" else f" ({explanation.units})"
    short = explanation.units if unit else ""
    return EffectUnit(1.0, f"effect on {name}{unit}", f"{name}{unit}", name, short)


def method_name(explanation: Explanation) -> str:
    """Return the method as a sentence begins: ``"Shapley (permutation)"``, ``"LIME"``, ``"Grad-CAM (6, 8x8)"``."""
    method = explanation.method.replace("grad-cam", "Grad-CAM", 1)
    return method.upper() if method == "lime" else method[:1].upper() + method[1:]


def whisker_note(standard_error: np.ndarray) -> str:
    """Return what whiskers say of these errors, or why there are none.

    Examples
    --------
    >>> whisker_note(np.array([0.1, 0.0])), whisker_note(np.zeros(2))
    ('whisker: ± 2 standard errors', 'no whiskers: the standard errors are 0')
    """
    if np.isnan(standard_error).all():
        return "no whiskers: the method gives no standard errors"
    return "whisker: ± 2 standard errors" if standard_error.any() else "no whiskers: the standard errors are 0"


def signed(value: float, half_width: float = 0.0) -> str:
    """Return a signed number with the digits its half-width supports, ``± half-width`` behind it where there is one.

    Examples
    --------
    >>> signed(7.42, 0.83), signed(-0.2917), signed(0.0)
    ('+7.42 ± 0.83', '−0.29', '0')
    """
    if not half_width > 0:  # NaN, too
        return tick_text(float(f"{value:.{_DIGITS}g}"))
    digits = max(_DIGITS - 1 - math.floor(math.log10(half_width)), 0)
    return f"{value:+.{digits}f} ± {half_width:.{digits}f}".replace("-", _MINUS)


def tick_text(value: float, _place: float | None = None) -> str:
    """Return a signed axis number; takes the position matplotlib hands its formatters.

    Examples
    --------
    >>> tick_text(2.5), tick_text(-4.0), tick_text(0.0)
    ('+2.5', '−4', '0')
    """
    return "0" if abs(value) < 1e-12 else f"{value:+g}".replace("-", _MINUS)


def shown(value: object) -> str:
    """Return what a player showed, in few characters; empty where it showed nothing.

    Examples
    --------
    >>> shown(1234.5678), shown("rent"), shown(None), shown(np.nan)
    ('1,235', 'rent', '', 'missing')
    """
    if value is None:
        return ""
    if value is pd.NaT or (isinstance(value, float | np.floating) and math.isnan(value)):
        return "missing"
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, int | float | np.number):
        number = float(value)
        return (f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}").replace("-", _MINUS)
    return str(value)
