"""Tensors of any shape as a game: each element belongs to a player, absent ones are filled from other tensors."""

import copy
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from appkit.explanation.games.batched import BatchedGame
from appkit.explanation.layouts import Layout
from appkit.model.evaluating import evaluating

__all__ = ["TensorGame", "on_arrays"]

Network = Callable[..., Tensor]

# numbers per call beyond which a batch is made smaller: activations of convolutions are many times as large
_CPU_ELEMENTS, _GPU_ELEMENTS = 2**18, 2**24
_LEAST_BATCH, _CPU_BATCH, _GPU_BATCH = 64, 1024, 16384
_PRECISIONS = ("auto", "float32", "bfloat16")
_PROBES = 256
_ROW_PROBES = 32  # of each row, where rows are judged on their own
_PARITY = 0.01  # of the spread of the outputs: far below the sampling error of any target
_ROW_PARITY = (
    0.02  # it differs from coalition to coalition, so standard errors count it: 2 to 3 % at 32 pairs of images
)


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
        ``(n_rows, ...)`` with ``players_per_row``. Elements of -1 belong to no player and are always the row's own.
    player_names, units
        See :class:`~appkit.explanation.game.Game`.
    output_names
        One per output explained.
    outputs
        Positions of the outputs to explain, ``(n_outputs,)``, or of each row's own (its predicted class, the item it
        was advised), int ``(n_rows, n_outputs)``; ``None`` means all.
    shown
        object ``(n_rows, n_players)`` for the reader; ``None`` shows each player's mean.
    layout
        Where the players lie.
    features
        float64 ``(n_references, n_players)``; ``None`` takes each player's mean over its elements.
    n_members
        Networks whose plain average is the output; more than one only for a network that takes, beside the tensors,
        the member asked in each row, int64 ``(n,)``.
    precision
        In which sampled coalitions are asked: ``"float32"``, ``"bfloat16"``, or ``"auto"``, which is bfloat16 on GPUs
        that have it. bfloat16 is used only where it gives the same answers: 256 fills within a hundredth of their
        spread where all rows share several fills, else 32 coalitions of each row within a fiftieth, for that row alone.
        :attr:`precision` says what was used. Both endpoints and exact enumeration always use float32. On a CPU with AMX
        a network of three layers of 256 units answered 3.4 times as fast, a residual network of images 4 times.
    batch_size
        Model rows per call; ``None`` chooses by device and by the size of a row.

    Raises
    ------
    ValueError
        If shapes do not fit, or ``precision`` is none of the three words.

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
        outputs: Sequence[int] | np.ndarray | None = None,
        fills_per_row: bool = False,
        players_per_row: bool = False,
        shown: np.ndarray | None = None,
        layout: Layout | None = None,
        features: Tensor | None = None,
        n_members: int = 1,
        precision: str = "auto",
        batch_size: int | None = None,
    ) -> None:
        if precision not in _PRECISIONS:
            raise ValueError(f"precision must be one of {_PRECISIONS}, got {precision!r}.")
        _check_shapes(rows, fills, players, fills_per_row=fills_per_row, players_per_row=players_per_row)
        super().__init__(
            player_names=player_names,
            output_names=output_names,
            units=units,
            n_rows=len(rows),
            n_references=1 if fills_per_row else len(fills),
            n_members=n_members,
            device=str(rows.device),
            batch_size=_fitting_batch(rows) if batch_size is None else batch_size,
        )
        self.network = network
        self._rows = rows
        self._fills = fills
        self._fills_per_row = fills_per_row
        _check_owners(players, n_players=len(self.player_names))
        owner = _aligned(players.to(rows.device), rows.ndim, players_per_row=players_per_row)
        self._owner = owner.where(owner >= 0, len(self.player_names))  # nobody comes after the last player
        self._players_per_row = players_per_row
        everyone = torch.arange(len(self.player_names), device=rows.device)
        self._is_plain = rows.ndim == 2 and torch.equal(self._owner, everyone[None])  # column i is player i
        self._chosen = _chosen_outputs(outputs, n_rows=len(rows), n_outputs=len(self.output_names), device=rows.device)
        self._last_chosen = -1 if self._chosen is None else int(self._chosen.max())
        has_own_outputs = self._chosen is not None and len(self._chosen) > 1
        self._fills_are_shared = not (fills_per_row or bool((owner < 0).any()) or has_own_outputs)
        self._shown = shown
        self._layout = layout
        self._features = features
        self._wanted_precision = precision
        self._rough_rows: Tensor | None = None  # bool (n_rows,), known once the network was asked

    @property
    def precision(self) -> str:
        """In which sampled coalitions are asked: ``"float32"``, ``"bfloat16"``, or ``"mixed"``, row by row."""
        rough = self._rows_that_may_be_rough()
        if rough.all():
            return "bfloat16"
        return "mixed" if rough.any() else "float32"

    @torch.no_grad()
    def _rows_that_may_be_rough(self) -> Tensor:
        """Return for which rows bfloat16 is wanted, to be had, and answers as float32 does, bool ``(n_rows,)``."""
        if self._rough_rows is None:
            has_it = self.device != "cpu" and torch.cuda.is_bf16_supported()
            is_wanted = self._wanted_precision == "bfloat16" or (self._wanted_precision == "auto" and has_it)
            if not is_wanted or not self._rows.is_floating_point():
                self._rough_rows = torch.zeros(self.n_rows, dtype=torch.bool, device=self.device)
            elif self._fills_are_shared and self.n_references > 1:
                anyone = torch.zeros(min(_PROBES, len(self._fills)), dtype=torch.int64, device=self.device)
                agrees = self._answers_alike(self._fills[:_PROBES], anyone, parity=_PARITY)
                self._rough_rows = torch.full((self.n_rows,), agrees, device=self.device)
            else:  # row by row: judged together, a row would get other bytes in other company
                alike = [self._answers_alike(*self._probes_of(row), parity=_ROW_PARITY) for row in range(self.n_rows)]
                self._rough_rows = torch.tensor(alike, device=self.device)
        return self._rough_rows

    def _probes_of(self, row: int) -> tuple[Tensor, Tensor]:
        """Return the row with players absent at random, ``(n, *shape)``, and the row as often."""
        rng = np.random.default_rng(0)
        share = rng.random((_ROW_PROBES, 1))
        present = torch.as_tensor(rng.random((_ROW_PROBES, len(self.player_names))) < share, device=self.device)
        rows = torch.full((_ROW_PROBES,), row, device=self.device)
        references = torch.arange(_ROW_PROBES, device=self.device) % self.n_references
        return self.mixed(rows, references, present), rows

    def _answers_alike(self, elements: Tensor, rows: Tensor, *, parity: float) -> bool:
        exact = self.ask(elements, rows).double()
        with self._low_precision():
            rough = self.ask(elements, rows).double()
        misses = (rough - exact).square().mean(0).sqrt()
        return bool((misses <= parity * exact.std(0, correction=0)).all())

    def _low_precision(self) -> torch.autocast:
        return torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16)

    def with_network(self, network: Network) -> Self:
        """Return the same game of another network: rows, players and fills are shared, nothing asked is remembered.

        Examples
        --------
        >>> rows = torch.tensor([[2.0, 3.0]])
        >>> game = TensorGame(lambda x: x.sum(1), rows, rows * 0, players=torch.arange(2), player_names=["a", "b"])
        >>> game.with_network(lambda x: x.prod(1)).values(torch.ones(1, 2, dtype=torch.bool)).item()
        6.0
        """
        other = copy.copy(self)
        other.network = network
        other.n_evaluations = 0
        other._said_of_references = {}
        other._rough_rows = None
        return other

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
        if self._players_per_row or self._fills_per_row:
            return None
        return self.player_means(self._fills)

    @property
    def elements(self) -> Tensor:
        """What is explained, ``(n_rows, *shape)``."""
        return self._rows

    def player_means(self, elements: Tensor, *, rows: Tensor | None = None) -> Tensor:
        """Return the mean over each player's elements of ``(n, *shape)``, float64 ``(n, n_players)``."""
        counts = self.player_sums(torch.ones_like(elements), rows=rows)
        return self.player_sums(elements, rows=rows) / counts.clamp(min=1)

    def player_sums(self, elements: Tensor, *, rows: Tensor | None = None) -> Tensor:
        """Return the sum over each player's elements of ``(n, *shape)``, float64 ``(n, n_players)``.

        With players of each row's own, ``rows`` says whose the elements are; ``None`` means all rows in their order.
        """
        n_players = len(self.player_names)
        owner = self._owner if rows is None or not self._players_per_row else self._owner[rows]
        owner = owner.expand(elements.shape).flatten(1)
        sums = torch.zeros(len(elements), n_players + 1, dtype=torch.float64, device=elements.device)
        return sums.scatter_add_(1, owner, elements.flatten(1).double())[:, :n_players]

    def path_ends(self, rows: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows and what they look like with every player absent, ``(n, *shape)`` each."""
        nobody = torch.zeros(len(rows), len(self.player_names), dtype=torch.bool, device=self.device)
        return self._rows[rows], self.mixed(rows, references, nobody)

    def mixed(self, rows: Tensor, references: Tensor, present: Tensor) -> Tensor:
        """Return ``(n, *shape)``: rows, with the absent players' elements from their references."""
        own = self._rows.index_select(0, rows)
        fill = self._fills.index_select(0, rows if self._fills_per_row else references)
        if self._is_plain:
            return torch.where(present, own, fill)
        owner = self._owner[rows] if self._players_per_row else self._owner.expand(len(rows), *self._owner.shape[1:])
        present = F.pad(present, (0, 1), value=True)  # nobody, after the last player, is always there
        return torch.where(present.gather(1, owner.flatten(1)).view(owner.shape), own, fill)

    def ask(self, elements: Tensor, rows: Tensor, members: Tensor | None = None) -> Tensor:
        """Return the chosen outputs of ``(n, *shape)``, made of ``rows``, ``(n, n_outputs)`` in the network's dtype.

        ``members``, int64 ``(n,)``, asks one member in each row; ``None`` averages over all.
        """
        answer = self.network(elements) if members is None else self.network(elements, members)
        answer = answer[:, None] if answer.ndim == 1 else answer
        self._check_answer(answer, n_rows=len(elements))
        if self._chosen is None:
            return answer
        chosen = self._chosen[rows] if len(self._chosen) > 1 else self._chosen
        return answer.gather(1, chosen.expand(len(elements), -1))

    def _check_answer(self, answer: Tensor, *, n_rows: int) -> None:
        least = len(self.output_names) if self._chosen is None else self._last_chosen + 1
        fits = answer.ndim == 2 and len(answer) == n_rows and answer.shape[1] >= least
        if not fits or (self._chosen is None and answer.shape[1] > least):
            why = "one column per output name" if self._chosen is None else f"column {least - 1} being explained"
            raise ValueError(
                f"The network must answer {n_rows} rows with shape ({n_rows}, {least}), {why}, "
                f"got shape {tuple(answer.shape)}."
            )

    def values(
        self,
        coalitions: Tensor,
        *,
        rows: Tensor | None = None,
        references: Tensor | None = None,
        members: Tensor | None = None,
    ) -> Tensor:
        """Return outputs, float64 ``(n_rows, n_coalitions, n_outputs)``; see :meth:`Game.values`."""
        if members is not None and self.n_members == 1:
            raise ValueError("A network known by its outputs only has no members to choose from.")
        with evaluating(self.network):
            if references is None or self._is_exact:
                return super().values(coalitions, rows=rows, references=references, members=members)
            rows = torch.arange(self.n_rows, device=self.device) if rows is None else rows
            rough = self._rows_that_may_be_rough()[rows]
            if rough.all():
                return super().values(coalitions, rows=rows, references=references, members=members)
            shape = (len(rows), len(coalitions), len(self.output_names))
            values = torch.empty(shape, dtype=torch.float64, device=self.device)
            if rough.any():
                values[rough] = super().values(coalitions, rows=rows[rough], references=references, members=members)
            with self.exactly():
                values[~rough] = super().values(coalitions, rows=rows[~rough], references=references, members=members)
            return values

    def _outputs(self, rows: Tensor, references: Tensor, *, present: Tensor, members: Tensor | None) -> Tensor:
        elements = self.mixed(rows, references, present)
        with self._low_precision() if self._is_rough else nullcontext():
            return self.ask(elements, rows, members).double()


def _fitting_batch(rows: Tensor) -> int:
    """Return the model rows per call, a power of two, that keep a call's numbers within bounds."""
    on_cpu = rows.device.type == "cpu"
    fitting = (_CPU_ELEMENTS if on_cpu else _GPU_ELEMENTS) // max(1, math.prod(rows.shape[1:]))
    power = 1 << max(fitting, 1).bit_length() - 1
    return min(max(power, _LEAST_BATCH), _CPU_BATCH if on_cpu else _GPU_BATCH)


def _aligned(players: Tensor, n_axes: int, *, players_per_row: bool) -> Tensor:
    """Return players ``(1 or n_rows, ...)`` with an axis for each of the rows', so that masks line up with them."""
    players = players if players_per_row else players[None]
    missing = (1,) * (n_axes - players.ndim)
    return players.reshape(len(players), *missing, *players.shape[1:])


def _chosen_outputs(
    outputs: Sequence[int] | np.ndarray | None, *, n_rows: int, n_outputs: int, device: torch.device
) -> Tensor | None:
    """Return positions, int64 ``(1, n_outputs)``, or ``(n_rows, n_outputs)`` where rows have their own."""
    if outputs is None:
        return None
    chosen = np.asarray(outputs)
    is_whole = np.issubdtype(chosen.dtype, np.integer) and chosen.size > 0 and (chosen >= 0).all()
    if not is_whole or chosen.shape not in ((n_outputs,), (n_rows, n_outputs)):
        raise ValueError(
            f"outputs must be positions from 0 on, one per output name ({n_outputs}) or a row of them for each of "
            f"{n_rows} rows, got {outputs!r}."
        )
    return torch.as_tensor(np.atleast_2d(chosen).astype(np.int64), device=device)


def _check_owners(players: Tensor, *, n_players: int) -> None:
    least, most = int(players.min()), int(players.max())
    if least < -1 or most >= n_players:
        raise ValueError(
            f"players must be below {n_players}, the number of player names, or -1 for none, got {least} to {most}."
        )


def _check_shapes(rows: Tensor, fills: Tensor, players: Tensor, *, fills_per_row: bool, players_per_row: bool) -> None:
    shape = rows.shape[1:]
    if fills.shape[1:] != shape or (fills_per_row and len(fills) != len(rows)):
        raise ValueError(f"fills must have the shape of the rows, {tuple(rows.shape)}, got {tuple(fills.shape)}.")
    own = players.shape[1:] if players_per_row else players.shape
    try:
        fits = np.broadcast_shapes(tuple(own), tuple(shape)) == tuple(shape)  # torch's own loads its compiler
    except ValueError:
        fits = False
    if not fits or (players_per_row and len(players) != len(rows)):
        raise ValueError(
            f"players must name the player of every element of {tuple(shape)}, got {tuple(players.shape)}."
        )
