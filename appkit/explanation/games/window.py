"""Sensor windows as a game: one sensor over one stretch of time, as measured or as in healthy windows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.games.inputs import ToTensor, model_input
from appkit.explanation.games.tensor import TensorGame
from appkit.explanation.games.window_players import WindowPlayers

__all__ = ["window_game"]


def window_game(
    network: Any,
    windows: np.ndarray,
    background: np.ndarray,
    *,
    n_segments: int | None = None,
    segment_bounds: Sequence[int] | None = None,
    sensors: Sequence[str] | None = None,
    sensor_groups: Mapping[str, Sequence[str]] | None = None,
    padding: np.ndarray | None = None,
    output_names: Sequence[str] = ("output",),
    outputs: Sequence[int] | np.ndarray | None = None,
    units: str = "value",
    to_tensor: ToTensor | None = None,
    precision: str = "auto",
    batch_size: int | None = None,
) -> TensorGame:
    """Return the game of a series model whose players are sensors over stretches of time.

    An absent player shows what a healthy window measured with the same sensor at the same steps. Player
    ``sensor * n_segments + segment`` is called ``"temperature, steps 0-4"``.

    Parameters
    ----------
    network
        A ``torch.nn.Module`` that takes float32 ``(n, n_times, n_sensors)`` on its own device, or anything else that
        can be called: it is asked with arrays like ``windows``. Both answer ``(n,)`` or ``(n, n_outputs)``.
    windows
        ``(n_windows, n_times, n_sensors)``, oldest step first, any numeric dtype.
    background
        Healthy windows, ``(n_background, n_times, n_sensors)``, whole ones: their steps are all real.
    n_segments
        Stretches of time of equal length, or lengths that differ by one; ``None`` means 6, or one per step where there
        are fewer.
    segment_bounds
        Instead, the first step of each stretch and the end of the last: ``(0, 20, 28, 30)``.
    sensors
        Names along the last axis; ``None`` calls them sensor 0, sensor 1, ...
    sensor_groups
        Groups of sensors to treat as one, by name: ``{"vibration": ["x", "y", "z"]}``. The explanation then shows the
        plain mean of the group's sensors.
    padding
        bool ``(n_windows, n_times)``, true where a step is no measurement but fills a short window up. Padded steps
        belong to no player: they never change, and a stretch of nothing else weighs exactly 0.
    output_names
        One per output explained.
    outputs
        Positions of the outputs to explain, or int ``(n_windows, n_outputs)`` for each window's own; ``None`` means
        all.
    units
        What the outputs are measured in.
    to_tensor
        For a module: from a batch of arrays like ``windows`` to the tensor ``(n, n_times, n_sensors)`` it takes
        (scaling; ``torch.as_tensor`` for a network that embeds integer codes). It is called once on the windows and
        once on the background, so each reading must stay in its place. ``None`` means float32, the values as they are.
    precision
        In which sampled coalitions are asked, see :class:`~appkit.explanation.games.tensor.TensorGame`.
    batch_size
        Model rows per call, a power of two from 64 on; ``None`` chooses by device and by the size of a window.

    Raises
    ------
    ValueError
        If shapes, names, bounds or groups do not fit, or a module would be given a missing reading.

    Notes
    -----
    Missing readings (NaN) go to a function of arrays as they are: a missing reading is then what the sensor shows, and
    absence replaces it like any other. A module gets none: fill them in within ``to_tensor``, or, where the module
    knows what to do with NaN, pass a function that calls it.

    Examples
    --------
    >>> windows, healthy = np.full((1, 4, 2), 3.0), np.zeros((5, 4, 2))
    >>> game = window_game(lambda x: x[:, -1, 0], windows, healthy, n_segments=2, sensors=["heat", "speed"])
    >>> game.player_names
    ('heat, steps 0-1', 'heat, steps 2-3', 'speed, steps 0-1', 'speed, steps 2-3')
    >>> game.values(torch.eye(4, dtype=torch.bool)).flatten().tolist()
    [0.0, 3.0, 0.0, 0.0]
    """
    windows, background = _checked_series(windows, background)
    n_times, n_sensors = windows.shape[1:]
    players = WindowPlayers.of(
        n_times,
        _checked_sensors(sensors, n_sensors=n_sensors),
        n_segments=n_segments,
        segment_bounds=segment_bounds,
        groups=sensor_groups,
    )
    padding = _checked_padding(padding, windows)
    given = model_input(network, windows.dtype, to_tensor=to_tensor, default=_float_tensor)
    return TensorGame(
        given.network,
        _checked_tensor(given.as_tensor(windows), windows, "windows", is_module=not given.takes_arrays),
        _checked_tensor(given.as_tensor(background), background, "background", is_module=not given.takes_arrays),
        players=torch.tensor(players.owner if padding is None else players.owners(padding)),
        player_names=players.names,
        output_names=output_names,
        units=units,
        outputs=outputs,
        players_per_row=padding is not None,
        shown=players.shown(windows, padding),
        layout=players.layout(windows),
        features=players.reference_features(background),
        precision=precision,
        batch_size=batch_size,
    )


def _checked_series(windows: Any, background: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both in a dtype they share."""
    windows, background = np.asarray(windows), np.asarray(background)
    for called, series in (("windows", windows), ("background", background)):
        if series.ndim != 3 or 0 in series.shape:
            raise ValueError(
                f"{called} must have shape (n, n_times, n_sensors), none of them 0, got {series.shape}. "
                "A single window needs a first axis: window[None]."
            )
        if series.dtype.kind not in "buif":
            raise ValueError(f"{called} must hold numbers, got dtype {series.dtype}.")
    if background.shape[1:] != windows.shape[1:]:
        raise ValueError(
            f"background must have the steps and sensors of windows, {windows.shape[1:]}, got {background.shape[1:]}."
        )
    shared = np.result_type(windows, background)
    return windows.astype(shared, copy=False), background.astype(shared, copy=False)


def _checked_sensors(sensors: Sequence[str] | None, *, n_sensors: int) -> list[str]:
    names = [f"sensor {i}" for i in range(n_sensors)] if sensors is None else list(sensors)
    if isinstance(sensors, str) or len(names) != n_sensors or len(set(names)) < n_sensors:
        raise ValueError(f"sensors must be {n_sensors} different names, one per sensor, got {sensors!r}.")
    return names


def _checked_padding(padding: Any, windows: np.ndarray) -> np.ndarray | None:
    if padding is None:
        return None
    padding = np.asarray(padding)
    if padding.shape != windows.shape[:2] or padding.dtype != bool:
        raise ValueError(
            f"padding must be bool of shape {windows.shape[:2]}, true where a step is none, "
            f"got {padding.dtype} of shape {padding.shape}."
        )
    if padding.all(1).any():
        raise ValueError(f"Each window must have a real step, window {padding.all(1).argmax()} is padding only.")
    return padding


def _checked_tensor(tensor: Tensor, series: np.ndarray, called: str, *, is_module: bool) -> Tensor:
    if tensor.shape != series.shape:
        raise ValueError(
            f"to_tensor must return the shape it is given, {series.shape}, each reading in its place, "
            f"got {tuple(tensor.shape)}. Reshape in the network."
        )
    if is_module and tensor.is_floating_point() and tensor.isnan().any():
        window, step, sensor = tensor.isnan().nonzero()[0].tolist()
        raise ValueError(
            f"A module must get no missing reading, got NaN in {called} (first: window {window}, step {step}, sensor "
            f"{sensor}). Fill them in within to_tensor=, or pass a function of arrays that takes NaN."
        )
    return tensor


def _float_tensor(series: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(series, dtype=np.float32, order="C"))
