"""A table model of ours as a game: encoded once, masked in the encoded space, column by column."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from appkit.explanation.batched_game import BatchedGame
from appkit.explanation.players import TablePlayers

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


class EncodedTableGame(BatchedGame):
    """Rows of a table, each raw column a player, absent ones filled from background rows.

    Rows and background are encoded once; a coalition then swaps encoded slices on the device. A column's one-hot block
    or embedding is never split, because every encoded feature belongs to one raw column.

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

    def _outputs(self, rows: Tensor, references: Tensor, *, present: Tensor, members: Tensor | None) -> Tensor:
        Z = torch.where(present[:, self._player_of_feature], self._rows[rows], self._background[references])
        outputs = self._model.encoded_outputs(Z, units=self.units, members=members)
        return outputs[:, self._chosen].double()
