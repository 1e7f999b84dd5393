"""A table model of ours as a game: encoded once, masked in the encoded space, column by column."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from appkit.explanation.games.batched import BatchedGame
from appkit.explanation.games.players import TablePlayers
from appkit.model.evaluating import evaluating

__all__ = ["EncodedTableGame", "ExplainableTable"]


class ExplainableTable(Protocol):
    """What an estimator must offer to be explained without going through its DataFrame door again and again."""

    player_columns_: tuple[str, ...]
    encoded_player_: np.ndarray  # (width,) position in player_columns_ of each encoded feature
    output_names_: tuple[str, ...]
    n_members_: int
    background_: pd.DataFrame

    def encode(self, X: pd.DataFrame) -> Tensor:
        """Return the encoded rows, ``(n_rows, width)``, on the model's device."""

    def encoded_outputs(self, Z: Tensor, *, units: str, members: Tensor | None = None) -> Tensor:
        """Return outputs, ``(n_rows, n_outputs)``; with ``members`` ``(n_rows,)``, of one head per row."""


class MixingTable(ExplainableTable, Protocol):
    """What it may offer besides: answers about mixed rows that look the first layer up."""

    def mixer(self, Z: Tensor) -> Any | None:
        """Return what knows the encoded rows ``Z``; ``None`` where there is nothing to gain."""

    def mixed_outputs(self, mixer: Any, sources: Tensor, *, units: str, members: Tensor | None = None) -> Tensor:
        """Return outputs of rows whose columns come from the rows ``sources``, int64 ``(n_rows, n_columns)``."""


class EncodedTableGame(BatchedGame):
    """Rows of a table, each raw column a player, absent ones filled from background rows.

    Rows and background are encoded once; a coalition then swaps encoded slices on the device. A column's one-hot block
    or embedding is never split, because every encoded feature belongs to one raw column. A model that can look up the
    first layer of mixed rows (:class:`MixingTable`) is asked that way, which takes a fraction of the time; where rows
    are too many to keep their maps, they are taken part by part.

    Parameters
    ----------
    model
        Fitted estimator, see :class:`ExplainableTable`.
    X, background
        Rows to explain, and rows that say what an unknown column may hold.
    units
        ``"probability"``, ``"log-odds"`` or ``"value"``.
    outputs
        Positions of the outputs to explain; ``None`` means all.
    players
        Groups of columns to treat as one player each.
    batch_size
        Model rows per call; ``None`` chooses by device.
    """

    def __init__(
        self,
        model: ExplainableTable,
        X: pd.DataFrame,
        background: pd.DataFrame,
        *,
        units: str,
        outputs: Sequence[int] | None = None,
        players: Mapping[str, Sequence[str]] | None = None,
        batch_size: int | None = None,
    ) -> None:
        self._model = model
        self._rows = model.encode(X)
        self._background = model.encode(background)
        self._players = TablePlayers.of(model.player_columns_, players)
        self._shown = self._players.shown(X)
        self._chosen = list(range(len(model.output_names_))) if outputs is None else list(outputs)
        super().__init__(
            player_names=self._players.names,
            output_names=[model.output_names_[i] for i in self._chosen],
            units=units,
            n_rows=len(self._rows),
            n_references=len(self._background),
            # log-odds of the averaged probability are no average of the members' log-odds
            n_members=1 if units == "log-odds" else model.n_members_,
            device=str(self._rows.device),
            batch_size=batch_size,
        )
        player_of_feature = self._players.player_of_column[np.asarray(model.encoded_player_)]
        self._player_of_feature = torch.as_tensor(player_of_feature, device=self.device)
        self._player_of_column = torch.as_tensor(self._players.player_of_column, device=self.device)
        self._mixing = _Mixing.of(model, self._rows, self._background)

    @property
    def rows_at_once(self) -> int:
        """Most rows that are ready together; asking :meth:`values` about rows makes these ready."""
        return self.n_rows if self._mixing is None else self._mixing.rows_at_once

    def data(self) -> np.ndarray:
        """Return what the players show, object ``(n_rows, n_players)``."""
        return self._shown

    def reference_features(self) -> Tensor:
        """Return each player's most spread encoded feature, float64 ``(n_references, n_players)``; 0 if it has none."""
        features = torch.zeros(self.n_references, len(self.player_names), dtype=torch.float64, device=self.device)
        background = self._background.double()
        for player in range(len(self.player_names)):
            own = background[:, self._player_of_feature == player]
            if own.shape[1]:
                features[:, player] = own[:, own.var(0, correction=0).argmax()]
        return features

    def values(
        self,
        coalitions: Tensor,
        *,
        rows: Tensor | None = None,
        references: Tensor | None = None,
        members: Tensor | None = None,
    ) -> Tensor:
        """Return outputs, float64 ``(n_rows, n_coalitions, n_outputs)``; see :meth:`Game.values`."""
        rows = torch.arange(self.n_rows, device=self.device) if rows is None else rows
        parts = []
        with evaluating(getattr(self._model, "module_", None)):
            for some in rows.split(self.rows_at_once):
                if self._mixing is not None:
                    self._mixing.know(some)
                parts.append(super().values(coalitions, rows=some, references=references, members=members))
        return torch.cat(parts)

    def _outputs(self, rows: Tensor, references: Tensor, *, present: Tensor, members: Tensor | None) -> Tensor:
        if self._mixing is not None:
            sources = self._mixing.sources(rows, references, present[:, self._player_of_column])
            mixer = self._mixing.mixer
            outputs = cast(MixingTable, self._model).mixed_outputs(mixer, sources, units=self.units, members=members)
        else:
            Z = torch.where(present[:, self._player_of_feature], self._rows[rows], self._background[references])
            outputs = self._model.encoded_outputs(Z, units=self.units, members=members)
        return outputs[:, self._chosen].double()


class _Mixing:
    """Which rows the model's mixer knows: the background always, of the others those asked about now."""

    def __init__(self, model: MixingTable, rows: Tensor, background: Tensor, *, rows_at_once: int) -> None:
        self.rows_at_once = rows_at_once
        self.mixer: Any = None
        self._model, self._rows, self._background = model, rows, background
        self._known: Tensor | None = None
        self._place = torch.zeros(len(rows), dtype=torch.int64, device=rows.device)

    @classmethod
    def of(cls, model: ExplainableTable, rows: Tensor, background: Tensor) -> "_Mixing | None":
        """Return what keeps the mixer, or ``None`` where the model has none or the background alone is too large."""
        if not hasattr(model, "mixer"):
            return None
        rows_at_once = len(rows)
        while rows_at_once:
            mixer = model.mixer(torch.cat([background, rows[:rows_at_once]]))
            if mixer is not None:
                found = cls(cast(MixingTable, model), rows, background, rows_at_once=rows_at_once)
                found._adopt(mixer, torch.arange(rows_at_once, device=rows.device))
                return found
            rows_at_once //= 2
        return None

    def know(self, rows: Tensor) -> None:
        """Make the mixer know ``rows``, int64 ``(n,)``, unless it does."""
        wanted = torch.arange(len(self._rows), device=rows.device) if self.rows_at_once >= len(self._rows) else rows
        if self._known is not None and torch.equal(self._known, wanted):
            return
        self._adopt(self._model.mixer(torch.cat([self._background, self._rows[wanted]])), wanted)

    def _adopt(self, mixer: Any, rows: Tensor) -> None:
        self.mixer, self._known = mixer, rows
        self._place[rows] = torch.arange(len(rows), device=rows.device) + len(self._background)

    def sources(self, rows: Tensor, references: Tensor, present: Tensor) -> Tensor:
        """Return the mixer's row of each column, ``(n, n_columns)``."""
        return torch.where(present, self._place[rows][:, None], references[:, None])
