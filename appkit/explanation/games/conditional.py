"""The conditional game of a table: absent columns take values that real rows like this one have."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.explanation import Explanation
from appkit.explanation.games.batched import BatchedGame
from appkit.explanation.games.model import game_for, tables_for
from appkit.explanation.games.players import TablePlayers
from appkit.explanation.layouts import Layout
from appkit.explanation.ranked_columns import RankedColumns, declared_columns, pooled_table, squared_distances
from appkit.explanation.seeds import RandomState, seed_of
from appkit.model.evaluating import evaluating

__all__ = ["DEFAULT_NEIGHBOURS", "ConditionalGame", "as_conditional", "conditional_game"]

DEFAULT_NEIGHBOURS = 32
_AT_ONCE = 4_000_000  # distances kept at a time; they are exact, so nothing depends on it


def conditional_game(
    model: Any,
    X: Any,
    *,
    background: Any = None,
    outputs: str | int | Sequence[str | int] | None = None,
    units: str | None = None,
    players: Mapping[str, Sequence[str]] | None = None,
    n_neighbours: int = DEFAULT_NEIGHBOURS,
    random_state: RandomState = None,
    batch_size: int | None = None,
) -> "ConditionalGame":
    """Return the conditional game of a table model; every solver takes it in place of :func:`game_for`'s.

    The interventional game, which is the default everywhere, fills absent columns from any background row and so asks
    what the model makes of each column. The conditional one fills them from the background rows nearest to the row
    explained in the columns that are present, and so asks what knowing each column tells about the output. Columns that
    go together then share their effect, *whether the model uses them or not*: of two columns with correlation .995, of
    which the model reads one only, the interventional mean absolute values are .737 and 0, the conditional ones .372
    and .376. So a column that is never read gets half the credit, which is a trap where values are taken for what the
    model does (reason codes, audits), and the point where columns stand for one cause.

    Parameters
    ----------
    model, X, background, outputs, units, players, batch_size
        As in :func:`game_for`: an estimator of appkit, anybody's estimator, or a function of frames.
    n_neighbours
        Background rows behind each coalition. Fewer are nearer, but their mean is less certain; the standard errors
        hold that uncertainty, not the error of neighbours being too far away.
    random_state
        Seed of the order among rows equally near, and of the sample of ``X`` that stands in for a missing background.

    Raises
    ------
    ValueError
        If ``n_neighbours`` is not between 2 and the background rows less one.

    References
    ----------
    Aas, Jullum, Loland (2021). Explaining individual predictions when features are dependent. Artificial Intelligence
    298. Janzing, Minorics, Bloebaum (2020). Feature relevance quantification in explainable AI. AISTATS.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.explanation import exact_shapley
    >>> x = np.arange(-500, 501)
    >>> table = pd.DataFrame({"read": x, "copy": x})
    >>> row = pd.DataFrame({"read": [200], "copy": [200]})
    >>> game = conditional_game(lambda rows: rows["read"], row, background=table, random_state=0)
    >>> exact_shapley(game).values[0, :, 0].round(-1)
    array([100., 100.])
    """
    seed = seed_of(random_state)
    rows, seen, _ = tables_for(model, X, background=background, random_state=seed)
    game = game_for(model, X, background=seen, outputs=outputs, units=units, players=players, batch_size=batch_size)
    columns = list(getattr(model, "player_columns_", rows.columns))
    ranked = RankedColumns.of(pooled_table(rows, seen[columns]), n_rows=len(rows), declared=declared_columns(model))
    player_of_column = TablePlayers.of(columns, players).player_of_column
    return ConditionalGame(
        game,
        ranked,
        player_of_feature=player_of_column[ranked.column_of],
        n_neighbours=n_neighbours,
        random_state=seed,
        batch_size=batch_size,
    )


def as_conditional(explanation: Explanation) -> Explanation:
    """Return an explanation of a conditional game that says so in ``correlated``, ``method`` and ``note``."""
    told = (
        "Conditional: absent columns take the values of the nearest background rows, so columns that go together share "
        "their effect even if the model reads only one of them."
    )
    method, note = f"{explanation.method}, conditional", f"{told} {explanation.note}".strip()
    return replace(explanation, correlated="conditional", method=method, note=note)


class ConditionalGame(BatchedGame):
    """A game whose absent players are filled from the background rows nearest in the players that are present.

    A reference is no background row here but a rank: reference 0 of a row and a coalition is the nearest row, and
    there are ``n_neighbours`` of them. A background row that equals the row explained in every column is taken for the
    row itself and passed over, once. Where no player is present no row is nearer than another: reference ``r`` then
    stands for the ``r``-th of ``n_neighbours`` parts of the shuffled background, all heads together, and all of them
    average to the mean over the whole background. So the base value is that of the interventional game, and values sum
    to output less base as ever.

    Parameters
    ----------
    game
        The interventional game of the same rows and players.
    ranked
        Rows and background as distances are measured.
    player_of_feature
        int64 ``(n_features,)``: player of each feature of ``ranked``.
    n_neighbours
        Background rows behind each coalition.
    random_state
        Seed of the order among rows equally near.
    batch_size
        Model rows per call, a power of two from 64 on; ``None`` chooses by device.
    """

    def __init__(
        self,
        game: BatchedGame,
        ranked: RankedColumns,
        *,
        player_of_feature: np.ndarray,
        n_neighbours: int = DEFAULT_NEIGHBOURS,
        random_state: RandomState = None,
        batch_size: int | None = None,
    ) -> None:
        if not 2 <= n_neighbours < game.n_references:
            raise ValueError(
                f"n_neighbours must lie between 2 and {game.n_references - 1}, the background rows less one, "
                f"got {n_neighbours!r}."
            )
        super().__init__(
            player_names=game.player_names,
            output_names=game.output_names,
            units=game.units,
            n_rows=game.n_rows,
            n_references=n_neighbours,
            n_members=game.n_members,
            device=game.device,
            batch_size=batch_size,
        )
        self._game = game
        self._own = ranked.features[: ranked.n_rows].to(self.device)
        self._background = ranked.background.to(self.device)
        self._products = torch.cat([self._background.square().T, self._background.T])
        self._player_of_feature = torch.as_tensor(player_of_feature, device=self.device)
        shuffled = np.random.default_rng(seed_of(random_state)).permutation(game.n_references)
        self._turn = torch.as_tensor(np.argsort(shuffled), device=self.device)  # of each background row, where tied
        self._twin = self._twins()
        self._said_of_parts: Tensor | None = None  # (n_neighbours, n_outputs), once asked

    def data(self) -> np.ndarray:
        """Return what the players show, object ``(n_rows, n_players)``."""
        return self._game.data()

    def layout(self) -> Layout | None:
        """Return the layout of the interventional game."""
        return self._game.layout()

    @torch.no_grad()
    def values(
        self,
        coalitions: Tensor,
        *,
        rows: Tensor | None = None,
        references: Tensor | None = None,
        members: Tensor | None = None,
    ) -> Tensor:
        """Return outputs, float64 ``(n_rows, n_coalitions, n_outputs)``; references are ranks, see the class."""
        rows = torch.arange(self.n_rows, device=self.device) if rows is None else rows
        is_empty = ~coalitions.any(dim=1)
        asked = [None if given is None else given[~is_empty] for given in (references, members)]
        shape = (len(rows), len(coalitions), len(self.output_names))
        values = torch.empty(shape, dtype=torch.float64, device=self.device)
        parts = []
        for some in rows.split(getattr(self._game, "rows_at_once", self.n_rows)):
            self._game.values(coalitions[:0], rows=some)  # a game that keeps few rows at hand takes these to hand
            with evaluating(getattr(getattr(self._game, "_model", None), "module_", None)):
                parts.append(super().values(coalitions[~is_empty], rows=some, references=asked[0], members=asked[1]))
        values[:, ~is_empty] = torch.cat(parts)
        if is_empty.any():
            said = self._parts()
            values[:, is_empty] = said.mean(0) if references is None else said[references[is_empty]]
        return values

    def neighbours(self, rows: Tensor, present: Tensor) -> Tensor:
        """Return background rows by nearness, int64 ``(n, n_neighbours)``.

        Parameters
        ----------
        rows
            int64 ``(n,)``.
        present
            bool ``(n, n_players)``: the players whose columns count.
        """
        at_once = max(1, _AT_ONCE // len(self._background))
        parts = [self._nearest(*part) for part in zip(rows.split(at_once), present.split(at_once), strict=True)]
        return torch.cat(parts)

    def _nearest(self, rows: Tensor, present: Tensor) -> Tensor:
        counts = present[:, self._player_of_feature].double()
        own = self._own[rows] * counts
        # the row's own square is the same for all of the background
        squared = torch.cat([counts, -2 * own], dim=1) @ self._products
        # whole numbers all through, so that ties are ties, and go by turn
        order = squared.mul_(len(self._background)).add_(self._turn)
        has_twin = (self._twin[rows] >= 0).nonzero()[:, 0]
        order[has_twin, self._twin[rows[has_twin]]] = torch.inf
        return _places_of_least(order, self.n_references)

    def _twins(self) -> Tensor:
        """Return for each row the first background row that equals it in every column, -1 where none does."""
        twins = []
        for own in self._own.split(max(1, _AT_ONCE // len(self._background))):
            is_same = squared_distances(own, self._background) == 0
            twins.append(torch.where(is_same.any(1), is_same.int().argmax(1), -1))
        return torch.cat(twins)

    def _parts(self) -> Tensor:
        """Return the mean output of each part of the background, so moved that they average to its whole mean."""
        if self._said_of_parts is None:
            before = self._game.n_evaluations
            n_background = self._game.n_references
            nobody = torch.zeros(n_background, len(self.player_names), dtype=torch.bool, device=self.device)
            everyone = torch.arange(n_background, device=self.device)
            said = self._game.values(nobody, rows=everyone[:1] * 0, references=everyone)[0]
            self.n_evaluations += self._game.n_evaluations - before
            part = self._turn % self.n_references
            means = torch.stack([said[part == i].mean(0) for i in range(self.n_references)])
            self._said_of_parts = means + (said.mean(0) - means.mean(0))
        return self._said_of_parts

    def _outputs(self, rows: Tensor, references: Tensor, *, present: Tensor, members: Tensor | None) -> Tensor:
        asked, place = torch.unique(torch.cat([rows[:, None], present.long()], dim=1), dim=0, return_inverse=True)
        nearest = self.neighbours(asked[:, 0], asked[:, 1:].bool())
        return self._game._outputs(rows, nearest[place, references], present=present, members=members)


def _places_of_least(order: Tensor, n: int) -> Tensor:
    """Return where the ``n`` least of each row stand, least first, int64 ``(n_rows, n)``; no two are equal."""
    if order.device.type != "cpu":
        return order.topk(n, dim=1, largest=False).indices
    # numpy's selection takes a third of the time of torch's
    places = np.argpartition(order.numpy(), n - 1, axis=1)[:, :n]
    ranked = np.take_along_axis(order.numpy(), places, axis=1).argsort(axis=1)
    return torch.as_tensor(np.take_along_axis(places, ranked, axis=1))
