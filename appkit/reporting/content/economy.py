"""A game asked as cheaply as its answers allow: endpoints once, and one member a perturbation."""

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.game import Game

__all__ = ["SharedEnds", "OneMember"]


class SharedEnds(Game):
    """A game whose two endpoints are evaluated once for all methods that ask.

    Parameters
    ----------
    game
        The game itself.
    """

    def __init__(self, game: Game) -> None:
        self.game = game
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
        return self.game.data()

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


class OneMember(SharedEnds):
    """A game that asks one ensemble member a coalition where the output is the members' average.

    Right in expectation, at the cost of noise that a solver counts in its standard errors. Coalitions that share a
    reference one after the other (a perturbation and its opposite) share the member.
    """

    def __init__(self, shared: SharedEnds, *, seed: int) -> None:
        super().__init__(shared.game)
        self._ends = shared.ends()
        self._seed = seed

    def values(
        self,
        coalitions: Tensor,
        *,
        rows: Tensor | None = None,
        references: Tensor | None = None,
        members: Tensor | None = None,
    ) -> Tensor:
        """Return outputs of one member a coalition, each member equally often; endpoints average over all."""
        if members is None and references is not None and self.n_members > 1:
            members = self._balanced(references)
        return super().values(coalitions, rows=rows, references=references, members=members)

    def _balanced(self, references: Tensor) -> Tensor:
        drawn = (references.diff(prepend=references[:1] - 1) != 0).cumsum(0) - 1  # the draw of each coalition
        rng = np.random.default_rng(self._seed)
        n_rounds = -(-(int(drawn.max()) + 1) // self.n_members)
        order = np.concatenate([rng.permutation(self.n_members) for _ in range(n_rounds)])
        return torch.as_tensor(order, device=references.device)[drawn]
