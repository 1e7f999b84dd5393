"""The one question a solver may ask: with these players present, what does the model say?"""

import contextlib
from typing import Protocol

import numpy as np
from torch import Tensor

from appkit.explanation.layouts import Layout

__all__ = ["Game"]


class Game(Protocol):
    """Players that are present or absent, and what the model then says.

    Solvers see only this, so each works on every kind of data. A row is one thing to explain; all rows of a game share
    its players. Tensors live on :attr:`device`.

    ``n_members`` counts the heads whose plain average is the output, and is 1 where the output is no such average
    (log-odds of a mean probability): a solver may then ask one head at a time and be right in expectation.
    ``n_evaluations`` counts the model evaluations made so far, of all rows together.
    """

    player_names: tuple[str, ...]
    output_names: tuple[str, ...]
    units: str
    n_rows: int
    n_references: int
    n_members: int
    n_evaluations: int

    @property
    def device(self) -> str:
        """Device of the tensors that go in and come out."""

    def values(
        self,
        coalitions: Tensor,
        *,
        rows: Tensor | None = None,
        references: Tensor | None = None,
        members: Tensor | None = None,
    ) -> Tensor:
        """Return outputs, float64 ``(n_rows, n_coalitions, n_outputs)``.

        Parameters
        ----------
        coalitions
            bool ``(n_coalitions, n_players)``, true where a player is present.
        rows
            int64 ``(n_selected,)``: rows still unfinished; ``None`` means all.
        references
            int64 ``(n_coalitions,)``: the background row that fills the absent players of each coalition; ``None``
            averages over the whole background.
        members
            int64 ``(n_coalitions,)``: the ensemble head asked for each coalition; ``None`` averages over all.
        """

    def exactly(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which every answer is as precise as the model gives it.

        Outside of it a game may answer questions that name references in lower precision, far below the error of
        drawing them; questions about the whole background never.
        """
        return contextlib.nullcontext()

    def data(self) -> np.ndarray:
        """Return what the players show, object ``(n_rows, n_players)``, for the reader of the explanation."""

    def layout(self) -> Layout | None:
        """Return where players lie in an image, a window or a history; ``None`` for tables."""
        return None

    def reference_features(self) -> Tensor | None:
        """Return one number per background row and player, float64 ``(n_references, n_players)``, or ``None``.

        A solver that draws references may use them as control variates; any number that tells how a player differs
        between references is right, a good one is merely more useful. Games that inherit give none.
        """
        return None
