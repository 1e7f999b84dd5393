"""Tensors of any shape as a game: each element belongs to a player, absent ones are filled from other tensors."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.batched_game import BatchedGame
from appkit.explanation.layouts import Layout
from appkit.model.evaluating import evaluating

__all__ = ["TensorGame", "on_arrays"]

Network = Callable[[Tensor], Tensor]


def on_arrays(predict: Callable[[np.ndarray], np.ndarray]) -> Network:
    """Return a function of arrays as one of tensors, float64 out.

    Examples
    --------
    >>> on_arrays(lambda images: images.mean((1, 2)))(torch.ones(2, 3, 3)).tolist()
    [1.0, 1.0]
    """
    return lambda rows: torch.as_tensor(np.asarray(predict(rows.cpu().numpy()), dtype=np.float64), device=rows.device)


class TensorGame(BatchedGame):
    """Rows of one shape, masked element by element on their device.

    The base of images, sensor windows and plain matrices: a kind of data says which player each element belongs to and
    what fills an absent one.

    Parameters
    ----------
    network
        A module, or a function of tensors ``(n, *shape)``, that answers ``(n,)`` or ``(n, n_outputs)``. A module is
        asked in evaluation mode and left as it was found.
    rows
        ``(n_rows, *shape)``: what is explained, on the network's device.
    fills
        ``(n_references, *shape)``: what absent elements are filled with, one reference each; or, with
        ``fills_per_row``, ``(n_rows, *shape)``: each row's own fill, the only reference it has.
    players
        int64 player of each element: of a shape that broadcasts to ``shape``, or, where rows differ,
        ``(n_rows, ...)`` with ``players_per_row``.
    player_names, output_names, units
        See :class:`~appkit.explanation.game.Game`.
    outputs
        Positions of the outputs to explain; ``None`` means all.
    shown
        object ``(n_rows, n_players)`` for the reader; ``None`` shows each player's mean.
    layout
        Where the players lie.
    features
        float64 ``(n_references, n_players)``; ``None`` takes each player's mean over its elements.
    batch_size
        Model rows per call; ``None`` chooses by device.

    Examples
    --------
    >>> rows, background = torch.tensor([[2.0, 3.0]]), torch.tensor([[0.0, 1.0]])
    >>> game = TensorGame(lambda x: x.prod(1), rows, background, players=torch.arange(2), player_names=["a", "b"])
    >>> game.values(torch.tensor([[True, False]])).item()
    2.0
    """

    def __init__(
        self,
        network: Network,
        rows: Tensor,
        fills: Tensor,
        *,
        players: Tensor,
        player_names: Sequence[str],
        output_names: Sequence[str] = ("output",),
        units: str = "value",
        outputs: Sequence[int] | None = None,
        fills_per_row: bool = False,
        players_per_row: bool = False,
        shown: np.ndarray | None = None,
        layout: Layout | None = None,
        features: Tensor | None = None,
        batch_size: int | None = None,
    ) -> None:
        _check_shapes(rows, fills, players, fills_per_row=fills_per_row, players_per_row=players_per_row)
        self.network = network
        self._rows = rows
        self._fills = fills
        self._owner = players.to(rows.device)
        self._players_per_row = players_per_row
        self._chosen = None if outputs is None else list(outputs)
        self._layout = layout
        super().__init__(
            player_names=player_names,
            output_names=output_names,
            units=units,
            n_rows=len(rows),
            n_references=1 if fills_per_row else len(fills),
            device=str(rows.device),
            batch_size=batch_size,
        )
        self._fills_are_shared = not fills_per_row
        self._shown = shown
        self._features = features

    def data(self) -> np.ndarray:
        """Return what the players show, object ``(n_rows, n_players)``."""
        if self._shown is not None:
            return self._shown
        return self.player_means(self._rows).cpu().numpy().astype(object)

    def layout(self) -> Layout | None:
        """Return where the players lie."""
        return self._layout

    def reference_features(self) -> Tensor | None:
        """Return each player's mean in each reference; ``None`` where rows have fills or players of their own."""
        if self._features is not None:
            return self._features
        if self._players_per_row or not self._fills_are_shared:
            return None
        return self.player_means(self._fills)

    def player_means(self, elements: Tensor) -> Tensor:
        """Return the mean over each player's elements of ``(n, *shape)``, float64 ``(n, n_players)``."""
        return self.player_sums(elements) / self.player_sums(torch.ones_like(elements)).clamp(min=1)

    def player_sums(self, elements: Tensor) -> Tensor:
        """Return the sum over each player's elements of ``(n, *shape)``, float64 ``(n, n_players)``.

        With players of each row's own, ``elements`` are those of all rows, in their order.
        """
        owner = self._owner if self._players_per_row else self._owner[None]
        owner = owner.expand(elements.shape).flatten(1)
        sums = torch.zeros(len(elements), len(self.player_names), dtype=torch.float64, device=elements.device)
        return sums.scatter_add_(1, owner, elements.flatten(1).double())

    def mixed(self, rows: Tensor, references: Tensor, present: Tensor) -> Tensor:
        """Return ``(n, *shape)``: rows, with the absent players' elements from their references."""
        own = self._rows[rows]
        fill = self._fills[references if self._fills_are_shared else rows]
        if not self._players_per_row:
            return torch.where(present[:, self._owner], own, fill)
        owner = self._owner[rows]
        return torch.where(present.gather(1, owner.flatten(1)).view(owner.shape), own, fill)

    def ask(self, elements: Tensor) -> Tensor:
        """Return the chosen outputs of ``(n, *shape)``, ``(n, n_outputs)``, in the network's own dtype."""
        answer = self.network(elements)
        answer = answer[:, None] if answer.ndim == 1 else answer
        if self._chosen is not None:
            answer = answer[:, self._chosen]
        if answer.shape != (len(elements), len(self.output_names)):
            raise ValueError(
                f"The network must answer {len(elements)} rows with shape {(len(elements), len(self.output_names))}, "
                f"one column per output name, got shape {tuple(answer.shape)}."
            )
        return answer

    def values(
        self,
        coalitions: Tensor,
        *,
        rows: Tensor | None = None,
        references: Tensor | None = None,
        members: Tensor | None = None,
    ) -> Tensor:
        """Return outputs, float64 ``(n_rows, n_coalitions, n_outputs)``; see :meth:`Game.values`."""
        with evaluating(self.network):
            return super().values(coalitions, rows=rows, references=references, members=members)

    def _outputs(self, rows: Tensor, references: Tensor, *, present: Tensor, members: Tensor | None) -> Tensor:
        if members is not None:
            raise ValueError("A network known by its outputs only has no members to choose from.")
        return self.ask(self.mixed(rows, references, present)).double()


def _check_shapes(rows: Tensor, fills: Tensor, players: Tensor, *, fills_per_row: bool, players_per_row: bool) -> None:
    shape = rows.shape[1:]
    if fills.shape[1:] != shape or (fills_per_row and len(fills) != len(rows)):
        raise ValueError(f"fills must have the shape of the rows, {tuple(rows.shape)}, got {tuple(fills.shape)}.")
    own = players.shape[1:] if players_per_row else players.shape
    try:
        fits = torch.broadcast_shapes(own, shape) == shape
    except RuntimeError:
        fits = False
    if not fits or (players_per_row and len(players) != len(rows)):
        raise ValueError(
            f"players must name the player of every element of {tuple(shape)}, got {tuple(players.shape)}."
        )
