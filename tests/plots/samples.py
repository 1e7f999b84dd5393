"""Explanations with known numbers, of each layout."""

from typing import Any

import numpy as np

from appkit.explanation import Explanation
from appkit.explanation.layouts import HistoryLayout, ImageLayout, WindowLayout

LONG_NAME = "number_of_months_since_last_missed_paymen"  # 40 characters and one


def explanation_of(
    values: np.ndarray,
    error: float | np.ndarray = 0.1,
    *,
    names: tuple[str, ...] | None = None,
    data: np.ndarray | None = None,
    units: str = "value",
    **fields: Any,
) -> Explanation:
    """Return an additive explanation with these values ``(n_rows, n_players)`` of one output."""
    n_rows, n_players = values.shape
    errors = np.broadcast_to(np.asarray(error, dtype=np.float64), values.shape)
    base = np.full((n_rows, 1), 0.25)
    facts: dict[str, Any] = {
        "values": values[..., None],
        "standard_error": np.where(np.isnan(values), np.nan, errors)[..., None],
        "base_value": base,
        "output": base + np.nansum(values, axis=1, keepdims=True),
        "residual": np.zeros((n_rows, 1)),
        "data": np.array(values, dtype=object) if data is None else data,
        "player_names": names or tuple(f"c{i}" for i in range(n_players)),
        "output_names": ("Bad",),
        "method": "shapley (permutation)",
        "units": units,
        "n_evaluations": 100,
        "is_additive": True,
        "random_state": 0,
        "global_importance": np.abs(values).mean(0)[:, None],
        "global_standard_error": errors.mean(0)[:, None] / n_rows**0.5,
        "local_fit": np.full((n_rows, 1), np.nan),
    }
    return Explanation(**(facts | fields))


def table_explanation(n_rows: int = 200, n_players: int = 12, *, units: str = "probability") -> Explanation:
    """Return effects that fall from player to player, numbers and words and gaps among the data."""
    rng = np.random.default_rng(0)
    names = (LONG_NAME, "age", "purpose", *(f"column_{i}" for i in range(n_players)))[:n_players]
    x = rng.normal(size=(n_rows, n_players))
    data = x.round(2).astype(object)
    if n_players > 2:
        data[:, 2] = rng.choice(["car", "furniture and equipment", "repairs", "business"], n_rows)
    data[::9, 0] = np.nan
    sizes = 0.08 / np.maximum(np.arange(n_players) - n_players // 2, 1) / (1 + np.arange(n_players))
    values = sizes * (x + 0.3 * rng.normal(size=x.shape))
    return explanation_of(values, 0.004, names=names, data=data, units=units)


def image_explanation(size: int = 64, n_patches: int = 8, *, n_channels: int = 0) -> Explanation:
    """Return one image with a bright lesion, patches over it toward the event and one patch away."""
    y, x = np.mgrid[:size, :size] / size
    image = 0.2 + 0.3 * np.sin(3 * x) ** 2 + 0.5 * np.exp(-(((x - 0.31) / 0.06) ** 2 + ((y - 0.6) / 0.07) ** 2))
    cell = (y * n_patches).astype(int) * n_patches + (x * n_patches).astype(int)
    values = np.full((1, n_patches**2), 0.001)
    values[0, [34, 42]] = 0.106, 0.099
    values[0, [35, 33, 41]] = 0.033, 0.029, -0.05
    images = np.repeat(image[None, ..., None], n_channels, axis=3) if n_channels else image[None]
    names = tuple(f"row {i // n_patches + 1}, column {i % n_patches + 1}" for i in range(n_patches**2))
    layout = ImageLayout(images, cell[None])
    return explanation_of(values, 0.004, names=names, units="probability", layout=layout, output_names=("finding",))


def superpixel_explanation() -> Explanation:
    """Return two images of three and two segments, padded with NaN."""
    segments = np.zeros((2, 6, 8), dtype=np.int64)
    segments[0, :, 3:] = 1
    segments[0, 4:, 5:] = 2
    segments[1, 2:, :] = 1
    values = np.array([[0.3, -0.2, 0.01], [0.1, 0.2, np.nan]])
    names = np.array([["left", "right", "corner"], ["top", "bottom", None]], dtype=object)
    return explanation_of(
        values, 0.02, layout=ImageLayout(np.random.default_rng(0).random((2, 6, 8)), segments), row_player_names=names,
        global_importance=np.full((3, 1), np.nan), global_standard_error=np.full((3, 1), np.nan),
    )  # fmt: skip


def window_explanation(sensors: tuple[str, ...] = ("Bearing temperature (°C)", "Vibration (mm/s)", LONG_NAME)):
    """Return one window of 30 steps and 15 segments; the last ten steps of two sensors shorten the life."""
    rng = np.random.default_rng(1)
    n = len(sensors)
    rise = np.exp((np.arange(30) - 30) / 6)
    series = np.stack([60 + 5 * (i < 2) * rise + rng.normal(0, 0.3, 30) for i in range(n)], axis=1)
    series[3:6, 0] = np.nan
    values = np.zeros((n, 15))
    values[0, 9:], values[1, 8:] = -np.linspace(0.3, 2.2, 6), -np.linspace(0.3, 2.6, 7)
    values[-1] = 0.05
    layout = WindowLayout(series[None], sensors, np.arange(0, 31, 2))
    names = tuple(f"{sensor} {2 * i}" for sensor in sensors for i in range(15))
    return explanation_of(
        values.reshape(1, -1), 0.12, names=names, units="cycles", layout=layout, output_names=("remaining life",)
    )


def history_explanation() -> Explanation:
    """Return two customers with five and two purchases."""
    values = np.array([[-0.05, 0.12, 0.34, -0.29, 0.86], [0.4, 0.0, np.nan, np.nan, np.nan]])
    items = np.array(
        [["Phone case", "Napkins", "Bamboo tray", "Espresso beans", LONG_NAME], ["Cups", "Tray", None, None, None]],
        dtype=object,
    )
    return explanation_of(
        values, 0.05, layout=HistoryLayout(items), row_player_names=items, units="score", output_names=("teapot",),
        global_importance=np.full((5, 1), np.nan), global_standard_error=np.full((5, 1), np.nan),
    )  # fmt: skip
