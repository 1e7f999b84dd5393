"""What whole sensors do to a prediction, and which failure mode they point to, only as far as it is settled."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from appkit.explanation import Explanation, WindowLayout
from domains.manufacturing.failure_modes import FailureModes, check_failure_modes

__all__ = ["PointedModes", "SensorEffects", "point_to_modes", "sensor_effects"]

_SETTLED = 2.0  # standard errors
_NOTHING = 1e-7  # of the output: a float32 network cannot tell such an effect from none


@dataclass(frozen=True, eq=False)
class SensorEffects:
    """Effects of whole sensors, or of the columns of a table.

    Parameters
    ----------
    sensors
        Names.
    values, standard_error
        float64 ``(n_rows, n_sensors)``, in ``units``.
    units
        As in :class:`~appkit.explanation.Explanation`.
    is_bound
        Whether standard errors are upper bounds, because a sensor's effect is a sum over stretches of time.
    """

    sensors: tuple[str, ...]
    values: np.ndarray
    standard_error: np.ndarray
    units: str
    is_bound: bool

    @property
    def is_settled(self) -> np.ndarray:
        """Whether the sign of each effect lies beyond two standard errors, bool ``(n_rows, n_sensors)``."""
        return np.abs(self.values) > _SETTLED * self.standard_error

    def to_frame(self) -> pd.DataFrame:
        """Return one line per row and sensor: row, sensor, effect, standard_error, is_settled."""
        row, sensor = (axis.ravel() for axis in np.indices(self.values.shape))
        return pd.DataFrame(
            {
                "row": row,
                "sensor": np.array(self.sensors)[sensor],
                "effect": self.values.ravel(),
                "standard_error": self.standard_error.ravel(),
                "is_settled": self.is_settled.ravel(),
            }
        )


def sensor_effects(explanation: Explanation, *, output: str | int | None = None) -> SensorEffects:
    """Return the effects of whole sensors from an explanation of windows; columns of a table come as they are.

    Effects of a sensor over stretches of time are added. Their errors go together (all stretches are asked with the
    same background windows and permutations), nobody knows how; so the standard error of a sum is the sum of the
    standard errors, which it cannot exceed. For a smaller error explain whole sensors from the start, with
    ``series_game(..., n_segments=1)``: that is another game, in which a sensor is absent as a whole or not at all, and
    its answer may differ from the sum where stretches of one sensor interact.

    Parameters
    ----------
    explanation
        Shapley values of windows or of a table.
    output
        Name or position of the output; may be left out where there is one.

    Raises
    ------
    ValueError
        If values do not add up to the prediction or have no standard errors.

    Examples
    --------
    >>> from appkit.explanation import exact_shapley, window_game
    >>> game = window_game(
    ...     lambda Z: Z.sum((1, 2)), np.ones((1, 4, 2)), background=np.zeros((1, 4, 2)), sensors=["heat", "flow"],
    ...     n_segments=2,
    ... )
    >>> effects = sensor_effects(exact_shapley(game))
    >>> effects.sensors, effects.values.tolist(), effects.is_bound
    (('heat', 'flow'), [[4.0, 4.0]], True)
    """
    position = _output_position(explanation, output)
    values, errors = explanation.values[..., position], explanation.standard_error[..., position]
    if not explanation.is_additive or np.isnan(errors).any():
        raise ValueError(
            f"Effects of sensors need values that add up, with standard errors; {explanation.method!r} gives none. "
            "Explain with method='shapley'."
        )
    layout = explanation.layout
    if not isinstance(layout, WindowLayout):
        return SensorEffects(explanation.player_names, values, errors, explanation.units, is_bound=False)
    shape = (len(values), len(layout.sensors), layout.n_segments)
    return SensorEffects(
        sensors=layout.sensors,
        values=values.reshape(shape).sum(axis=2),
        standard_error=errors.reshape(shape).sum(axis=2),
        units=explanation.units,
        is_bound=layout.n_segments > 1,
    )


@dataclass(frozen=True, eq=False)
class PointedModes:
    """Which failure mode the drivers of each row point to.

    Standard errors are upper bounds: nothing is assumed of how the errors of sensors go together.

    Parameters
    ----------
    modes
        Names of the modes.
    direction
        End of the output at which failure lies, ``"low"`` or ``"high"``.
    harm, harm_error
        Effects towards failure of all sensors together, in the units of the explanation, float64 ``(n_rows,)``.
    share, share_error
        Share of the harm that the sensors of each mode carry, float64 ``(n_rows, n_modes)``; a sensor of two modes
        counts for both, so that shares may add up to more than 1. NaN in rows without harm.
    outside, outside_error
        Share that sensors of no mode carry, float64 ``(n_rows,)``.
    sensors_outside
        Sensors of no mode.
    is_shared
        Whether some sensor is of several modes.
    pointed
        The mode pointed to, one a row; ``None`` where that is not settled.
    reason
        Why it is not settled; empty where it is.
    """

    modes: tuple[str, ...]
    direction: Literal["low", "high"]
    harm: np.ndarray
    harm_error: np.ndarray
    share: np.ndarray
    share_error: np.ndarray
    outside: np.ndarray
    outside_error: np.ndarray
    sensors_outside: tuple[str, ...]
    is_shared: bool
    pointed: tuple[str | None, ...]
    reason: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one line per row and mode: row, mode, share, standard_error, is_pointed_to."""
        row, mode = (axis.ravel() for axis in np.indices(self.share.shape))
        names = np.array(self.modes)[mode]
        return pd.DataFrame(
            {
                "row": row,
                "mode": names,
                "share": self.share.ravel(),
                "standard_error": self.share_error.ravel(),
                "is_pointed_to": [self.pointed[i] == name for i, name in zip(row, names, strict=True)],
            }
        )


def point_to_modes(
    explanation: Explanation,
    modes: FailureModes,
    *,
    direction: Literal["low", "high"],
    output: str | int | None = None,
) -> PointedModes:
    """Return which failure mode the drivers of each row point to, and how surely.

    A sensor does harm as far as it pushes the prediction towards failure; what speaks for health is left aside. A mode
    is pointed to if its sensors carry the largest share of the harm, the lead over the next mode exceeds two standard
    errors, and so does the harm itself. It says where the model sees trouble: a mode whose sensors are among those of
    another can never lead it, and a mode that shows in no sensor is never pointed to.

    Parameters
    ----------
    explanation
        Shapley values of windows or of a table.
    modes
        Sensors, or columns, that each mode shows in.
    direction
        At which end of the output failure lies: ``"low"`` of a remaining life, ``"high"`` of a probability.
    output
        Name or position of the output; may be left out where there is one.

    Raises
    ------
    ValueError
        If a mode names what the explanation does not know, or there is no mode.

    Examples
    --------
    >>> from appkit.explanation import exact_shapley, game_from_callable
    >>> X = pd.DataFrame({"vibration": [5.0], "leakage": [1.0], "age": [2.0]})
    >>> game = game_from_callable(lambda rows: rows.sum(axis=1), X, 0 * X, output_names=["risk"])
    >>> found = point_to_modes(
    ...     exact_shapley(game), {"bearing": ["vibration"], "seal": ["leakage"]}, direction="high"
    ... )
    >>> found.pointed, found.share.tolist(), found.sensors_outside, found.outside.tolist()
    (('bearing',), [[0.625, 0.125]], ('age',), [0.25])
    """
    if direction not in ("low", "high"):
        raise ValueError(f"direction must be 'low' or 'high', the end at which failure lies, got {direction!r}.")
    effects = sensor_effects(explanation, output=output)
    check_failure_modes(modes, effects.sensors)
    if not modes:
        raise ValueError("modes must hold at least one failure mode, got none.")
    position = _output_position(explanation, output)
    size = np.maximum(np.abs(explanation.output), np.abs(explanation.base_value))[:, [position]]
    towards = (1 if direction == "high" else -1) * effects.values
    towards = np.where(np.abs(towards) > _NOTHING * size, towards, 0.0)
    belongs = np.array([[sensor in names for sensor in effects.sensors] for names in modes.values()], dtype=bool)
    is_outside = np.asarray(belongs.sum(axis=0) == 0)
    harm = _Harm.of(towards, effects.standard_error)
    outside, outside_error = harm.shares(is_outside[None].astype(np.float64))
    share, share_error = harm.shares(belongs.astype(np.float64))
    verdicts = [_verdict(harm, row, belongs, modes=tuple(modes)) for row in range(len(towards))]
    return PointedModes(
        modes=tuple(modes),
        direction=direction,
        harm=harm.total,
        harm_error=harm.total_error,
        share=share,
        share_error=share_error,
        outside=outside[:, 0],
        outside_error=outside_error[:, 0],
        sensors_outside=tuple(name for name, out in zip(effects.sensors, is_outside, strict=True) if out),
        is_shared=bool((belongs.sum(axis=0) > 1).any()),
        pointed=tuple(mode for mode, _ in verdicts),
        reason=tuple(reason for _, reason in verdicts),
    )


@dataclass(frozen=True, eq=False)
class _Harm:
    """What each sensor adds towards failure, and shares of it."""

    by_sensor: np.ndarray  # (n_rows, n_sensors), 0 where a sensor speaks for health
    error: np.ndarray  # the same; 0 where that is beyond doubt

    @classmethod
    def of(cls, towards: np.ndarray, errors: np.ndarray) -> "_Harm":
        # the positive part varies no more than the effect itself, and not at all where the sign is settled
        return cls(np.maximum(towards, 0.0), np.where(towards > -_SETTLED * errors, errors, 0.0))

    @property
    def total(self) -> np.ndarray:
        return self.by_sensor.sum(axis=1)

    @property
    def total_error(self) -> np.ndarray:
        return self.error.sum(axis=1)

    def shares(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the sums of harm under ``weights`` ``(n, n_sensors)`` over the total, and bounds of their errors.

        The share's slope in one sensor's harm is (weight - share) / total; slopes times errors are added in size, as
        if all errors worked together.
        """
        total = self.total[:, None]
        sums = self.by_sensor @ weights.T
        share = np.divide(sums, total, out=np.full(sums.shape, np.nan), where=total > 0)
        slopes = np.abs(weights[None] - share[..., None])
        moved = (slopes * self.error[:, None]).sum(axis=2)
        return share, np.divide(moved, total, out=np.full(moved.shape, np.nan), where=total > 0)


def _verdict(harm: _Harm, row: int, belongs: np.ndarray, *, modes: tuple[str, ...]) -> tuple[str | None, str]:
    """Return the mode pointed to in one row, or why it is not settled."""
    own = _Harm(harm.by_sensor[[row]], harm.error[[row]])
    if own.total[0] <= _SETTLED * own.total_error[0]:
        return None, "no effect towards failure can be told from zero"
    share = own.shares(belongs.astype(np.float64))[0][0]
    order = np.argsort(-share, kind="stable")
    first = order[0]
    if share[first] == 0:
        return None, "only sensors of no mode point towards failure"
    rival = belongs[order[1]] if len(modes) > 1 else np.zeros(belongs.shape[1], dtype=bool)
    lead, lead_error = own.shares((belongs[first].astype(np.float64) - rival)[None])
    if lead[0, 0] > _SETTLED * lead_error[0, 0]:
        return modes[first], ""
    if len(modes) == 1:
        return None, f"the share of {modes[first]} cannot be told from zero"
    return None, f"{modes[first]} and {modes[order[1]]} cannot be told apart"


def _output_position(explanation: Explanation, output: str | int | None) -> int:
    names = explanation.output_names
    if output is None and len(names) == 1:
        return 0
    if isinstance(output, str) and output in names:
        return names.index(output)
    if isinstance(output, int) and not isinstance(output, bool) and 0 <= output < len(names):
        return output
    raise ValueError(f"output must be one of {names} or its position, got {output!r}.")
