"""Windows of a fitted series model as a game: one sensor over one stretch of time, as measured or as usual."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from appkit.data.series_layout import SeriesLayout
from appkit.data.windows import Windows
from appkit.explanation.games.tensor import TensorGame
from appkit.explanation.games.window_parts import WindowParts
from appkit.explanation.games.window_players import WindowPlayers
from appkit.model.output_module import OutputModule

__all__ = ["ExplainableSeries", "SeriesGame", "series_game"]

_KNOWN_BATCH = 1024  # mixtures per call where all that is mixed are a few statistics


class ExplainableSeries(Protocol):
    """What a fitted series estimator offers to be explained."""

    n_members_: int
    background_: np.ndarray  # float32 (n_background, n_times, n_channels), encoded
    background_readings_: np.ndarray  # float64 (n_background, n_times, n_sensors), physical units

    @property
    def layout_(self) -> SeriesLayout:
        """What the channels of an encoded window are."""

    @property
    def output_names_(self) -> tuple[str, ...]:
        """Names of the outputs."""

    def windows(self, X: Any, *, rows: Any = "last") -> Windows:
        """Return the windows of readings ``X``."""

    def encode_windows(self, windows: Windows) -> Tensor:
        """Return windows as the network sees them, ``(n, n_times, n_channels)``."""

    def readings(self, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
        """Return windows in physical units, and which steps are padding."""

    def output_module(self, units: str) -> OutputModule:
        """Return the outputs as a module of encoded windows, and of the member asked in each row."""


class SeriesGame(TensorGame):
    """A game of encoded windows that can ask one member of the ensemble per coalition; see :func:`series_game`."""

    def __init__(self, network: nn.Module, *args: Any, parts: WindowParts | None, **options: Any) -> None:
        super().__init__(network, *args, **options)
        self._parts = parts

    def _outputs(self, rows: Tensor, references: Tensor, *, present: Tensor, members: Tensor | None) -> Tensor:
        if self._parts is None:
            return super()._outputs(rows, references, present=present, members=members)
        network: Any = self.network
        with self._low_precision() if self._is_rough else nullcontext():
            answer = network.from_known(self._parts.mixed(rows, references, present), members)
        return (answer if self._chosen is None else answer[:, self._chosen[0]]).double()


def series_game(
    model: ExplainableSeries,
    X: Any,
    *,
    background: Any = None,
    n_segments: int | None = None,
    segment_bounds: Sequence[int] | None = None,
    sensor_groups: Mapping[str, Sequence[str]] | None = None,
    outputs: Sequence[int] | None = None,
    units: str = "value",
    precision: str = "auto",
    batch_size: int | None = None,
) -> SeriesGame:
    """Return the game of a fitted series model whose players are sensors over stretches of time.

    An absent player shows what the background measured with the same sensor at the same steps. Padded steps belong to
    no player and never change. The age of a unit is read at the last step alone, so that its last stretch has the whole
    of its effect and the others have none.

    Parameters
    ----------
    model
        Fitted ``SequenceClassifier``, ``SequenceRegressor`` or estimator of a domain built on them.
    X
        ``Windows`` of ``model.windows``, or readings, of which each unit's newest window is taken.
    background
        Windows or readings (then every window of them) that stand for "as usual"; ``None`` takes the windows the model
        kept: typical ones, which a domain makes healthy ones.
    n_segments, segment_bounds
        Stretches of time, as in :func:`~appkit.explanation.games.window.window_game`; one stretch makes whole sensors
        the players.
    sensor_groups
        Groups of sensors to treat as one, by name.
    outputs
        Positions of the outputs to explain; ``None`` means all.
    units
        ``"probability"``, ``"log-odds"`` or ``"value"``.
    precision, batch_size
        As in :class:`~appkit.explanation.games.tensor.TensorGame`.

    Raises
    ------
    ValueError
        If stretches, groups or units do not fit.
    SchemaError
        If readings cannot be read.
    """
    windows = X if isinstance(X, Windows) else model.windows(X)
    readings, padding = model.readings(windows)
    fills, usual = _background(model, background)
    layout = model.layout_
    players = WindowPlayers.of(
        layout.n_times, layout.sensors, n_segments=n_segments, segment_bounds=segment_bounds, groups=sensor_groups
    )
    owner = np.where(np.array(layout.sensor_of) < 0, -1, players.owner[:, np.array(layout.sensor_of)])
    owners = np.where(padding[..., None], -1, owner) if padding.any() else owner
    rows = model.encode_windows(windows)
    fills = fills.to(rows.device)
    names, network = model.output_names_, model.output_module(units)
    parts = _parts_of(network, rows, fills, players=players, sensor_of=np.array(layout.sensor_of))
    return SeriesGame(
        network,
        rows,
        fills,
        players=torch.tensor(owners),
        player_names=players.names,
        output_names=names if outputs is None else [names[i] for i in outputs],
        units=units,
        outputs=None if outputs is None else list(outputs),
        players_per_row=bool(padding.any()),
        shown=players.shown(readings, padding),
        layout=players.layout(readings),
        features=players.reference_features(usual),
        # log-odds of the averaged probability are no average of the members' log-odds
        n_members=1 if units == "log-odds" else model.n_members_,
        parts=parts,
        precision=precision,
        batch_size=_KNOWN_BATCH if batch_size is None and parts is not None and rows.is_cpu else batch_size,
    )


def _parts_of(
    network: Any, rows: Tensor, fills: Tensor, *, players: WindowPlayers, sensor_of: np.ndarray
) -> WindowParts | None:
    """Return what mixed windows are sums of; ``None`` where the network reads more, or fills are padded."""
    if not WindowParts.fits(network, rows, players=players) or not bool((fills[..., -1] == 1).all()):
        return None
    with torch.no_grad():
        return WindowParts(network, rows, fills, players=players, sensor_of=sensor_of)


def _background(model: ExplainableSeries, background: Any) -> tuple[Tensor, np.ndarray]:
    """Return background windows as the network sees them, and in physical units."""
    if background is None:
        return torch.from_numpy(model.background_), model.background_readings_
    windows = background if isinstance(background, Windows) else model.windows(background, rows="all")
    return model.encode_windows(windows), model.readings(windows)[0]
