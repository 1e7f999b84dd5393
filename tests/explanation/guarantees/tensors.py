"""Problems of vectors, integer codes, sensor windows, images and histories, each with a random network."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from appkit.explanation import Game, RaggedGame, TensorGame
from appkit.explanation.games import history_game, image_game, window_game
from tests.explanation.guarantees.networks import N_CODES, N_COLUMNS, N_ITEMS, N_SENSORS, N_TIMES, drawn
from tests.explanation.guarantees.problem import OUTPUTS, Problem

__all__ = ["codes", "histories", "images", "normal", "series", "vectors"]

N_ROWS, N_REFERENCES = 5, 6
_SIDE = 12

Make = Callable[[], nn.Module]
Change = Callable[[nn.Module], nn.Module]
"""What is done to a network before it is explained: made blind to an input, say."""


def normal(n_rows: int, *shape: int, seed: int) -> np.ndarray:
    """Return float32 ``(n_rows, *shape)``."""
    return np.random.default_rng(seed).normal(size=(n_rows, *shape)).astype(np.float32)


def vectors(
    make: Make,
    seed: int,
    *,
    change: Change = nn.Module.eval,
    alike: Sequence[int] = (),
    precision: str = "auto",
) -> Problem:
    """Return a problem whose players are columns of numbers; those ``alike`` hold the same everywhere."""
    network = change(drawn(make, seed, torch.as_tensor(normal(64, N_COLUMNS, seed=seed))))
    rows, background = normal(N_ROWS, N_COLUMNS, seed=seed + 1), normal(N_REFERENCES, N_COLUMNS, seed=seed + 2)
    for table in (rows, background):
        table[:, list(alike)] = table[:, list(alike[:1])]
    return _columns(network.eval(), rows, background, precision=precision)


def codes(make: Make, seed: int, *, change: Change = nn.Module.eval) -> Problem:
    """Return a problem whose players are columns of integer codes."""
    rng = np.random.default_rng(seed)
    rows, background = (rng.integers(0, N_CODES, (n, N_COLUMNS)) for n in (N_ROWS, N_REFERENCES))
    return _columns(change(drawn(make, seed)).eval(), rows, background)


def _columns(network: nn.Module, rows: np.ndarray, background: np.ndarray, *, precision: str = "auto") -> Problem:
    def game(chosen: Sequence[int], batch_size: int | None) -> Game:
        return TensorGame(
            network,
            torch.as_tensor(rows[list(chosen)]),
            torch.as_tensor(background),
            players=torch.arange(N_COLUMNS),
            player_names=[f"x{i}" for i in range(N_COLUMNS)],
            output_names=OUTPUTS,
            precision=precision,
            batch_size=batch_size,
        )

    def said(row: int, present: np.ndarray) -> np.ndarray:
        return _answers(network, np.where(present, rows[row], background)).mean(0)

    return Problem(game, said, (N_COLUMNS,) * N_ROWS)


def series(make: Make, seed: int, *, change: Change = nn.Module.eval, alike: Sequence[int] = ()) -> Problem:
    """Return a problem whose players are sensors by stretches of two steps; sensors ``alike`` measure the same."""
    network = change(drawn(make, seed, torch.as_tensor(normal(64, N_TIMES, N_SENSORS, seed=seed)))).eval()
    windows, healthy = (normal(n, N_TIMES, N_SENSORS, seed=seed + i) for i, n in ((1, N_ROWS), (2, N_REFERENCES)))
    for measured in (windows, healthy):
        measured[..., list(alike)] = measured[..., list(alike[:1])]
    n_segments = N_TIMES // 2

    def game(chosen: Sequence[int], batch_size: int | None) -> Game:
        some = windows[list(chosen)]
        return window_game(network, some, healthy, n_segments=n_segments, output_names=OUTPUTS, batch_size=batch_size)

    def said(row: int, present: np.ndarray) -> np.ndarray:
        shown = present.reshape(N_SENSORS, n_segments).T.repeat(2, axis=0)  # (n_times, n_sensors)
        return _answers(network, np.where(shown, windows[row], healthy)).mean(0)

    return Problem(game, said, (N_SENSORS * n_segments,) * N_ROWS)


def images(
    make: Make,
    seed: int,
    *,
    fill: str,
    n_channels: int = 1,
    change: Change = nn.Module.eval,
) -> Problem:
    """Return a problem whose players are the quarters of small images."""
    example = torch.as_tensor(normal(64, n_channels, _SIDE, _SIDE, seed=seed))
    network = change(drawn(make, seed, example)).eval()
    shape = (_SIDE, _SIDE) if n_channels == 1 else (_SIDE, _SIDE, n_channels)
    pixels, others = normal(N_ROWS, *shape, seed=seed + 1), normal(3, *shape, seed=seed + 2)
    quarter = (np.arange(_SIDE) // (_SIDE // 2))[:, None] * 2 + np.arange(_SIDE) // (_SIDE // 2)

    def game(chosen: Sequence[int], batch_size: int | None) -> Game | RaggedGame:
        return image_game(
            network,
            pixels[list(chosen)],
            n_players=4,
            fill=fill,
            background=others if fill == "background" else None,
            output_names=OUTPUTS,
            batch_size=batch_size,
        )

    def said(row: int, present: np.ndarray) -> np.ndarray:
        shown = present[quarter].reshape(_SIDE, _SIDE, *(1,) * (len(shape) - 2))
        mixed = np.where(shown, pixels[row], others if fill == "background" else _own_fill(pixels[row], fill)[None])
        channels_first = mixed[:, None] if len(shape) == 2 else np.moveaxis(mixed, -1, 1)
        return _answers(network, channels_first).mean(0)

    return Problem(game, said, (4,) * N_ROWS)


def _own_fill(image: np.ndarray, fill: str) -> np.ndarray:
    exact = image.astype(np.float64)
    if fill == "mean":
        return np.broadcast_to(exact.mean((0, 1)), image.shape).astype(np.float32)
    half = _SIDE // 2
    return gaussian_filter(exact, (half, half, 0)[: image.ndim]).astype(np.float32)


def histories(make: Make, seed: int, *, change: Change = nn.Module.eval, length: int = 5) -> Problem:
    """Return a problem whose players are the items of histories of different length."""
    network = change(drawn(make, seed)).eval()
    rng = np.random.default_rng(seed)
    items = [rng.integers(1, N_ITEMS, n).tolist() for n in (4, 2, length, 4, length)]

    def game(chosen: Sequence[int], batch_size: int | None) -> RaggedGame:
        some = [items[i] for i in chosen]
        return history_game(network, some, length=length, output_names=OUTPUTS, batch_size=batch_size)

    def said(row: int, present: np.ndarray) -> np.ndarray:
        left = np.array(items[row])[present]
        return _answers(network, np.concatenate([np.zeros(length - len(left), dtype=np.int64), left])[None])[0]

    return Problem(game, said, tuple(map(len, items)))


def _answers(network: nn.Module, rows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network(torch.as_tensor(np.ascontiguousarray(rows))).double().numpy()
