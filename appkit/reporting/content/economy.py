"""A game asked as cheaply as its answers allow: its endpoints once."""

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.game import Game
from appkit.explanation.layouts import Layout

__all__ = ["SharedEnds"]


class SharedEnds(Game):
    """A game whose two endpoints are evaluated once for all methods that ask.

    Parameters
    ----------
    game
        The game itself.
    shown
        object ``(n_rows, n_players)``: what players show instead of what the game says; ``None`` leaves that.
    """

    def __init__(self, game: Game, *, shown: np.ndarray | None = None) -> None:
        self.game = game
        self._shown = shown
        self.player_names, self.output_names, self.units = game.player_names, game.output_names, game.units
        self.n_rows, self.n_references, self.n_members = game.n_rows, game.n_references, game.n_members
        self._ends: Tensor | None = None

    @property
    def n_evaluations(self) -> int:  # type: ignore[override]
        """Model evaluations so far, of all rows together."""
        return self.game.n_evaluations

    @property
    def device(self) -> str:
        """Device of the tensors."""
        return self.game.device

    def data(self) -> np.ndarray:
        """Return what the players show."""
        return self.game.data() if self._shown is None else self._shown

    def layout(self) -> Layout | None:
        """Return where the players lie."""
        return self.game.layout()

    def reference_features(self) -> Tensor | None:
        """Return the control variates of the game."""
        return self.game.reference_features()

    def values(
        self,
        coalitions: Tensor,
        *,
        rows: Tensor | None = None,
        references: Tensor | None = None,
        members: Tensor | None = None,
    ) -> Tensor:
        """Return outputs; the pair of endpoints over the whole background comes from memory after the first time."""
        is_ends = rows is None and references is None and members is None
        if is_ends and len(coalitions) == 2 and not coalitions[0].any() and coalitions[1].all():
            return self.ends()
        return self.game.values(coalitions, rows=rows, references=references, members=members)

    def ends(self) -> Tensor:
        """Return outputs of the empty and the full coalition, float64 ``(n_rows, 2, n_outputs)``."""
        if self._ends is None:
            both = torch.zeros(2, len(self.player_names), dtype=torch.bool, device=self.device)
            both[1] = True
            self._ends = self.game.values(both)
        return self._ends
