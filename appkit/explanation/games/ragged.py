"""Rows with different numbers of players: one game per number, one explanation for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.games.tensor import TensorGame
from appkit.explanation.layouts import Layout

__all__ = ["RaggedGame", "explain_parts"]


@dataclass(frozen=True)
class RaggedGame:
    """Rows whose number of players differs (superpixels, histories), sorted into games of equal number.

    Parameters
    ----------
    rows
        int64 ``(n_own,)`` for each game: which of all rows its rows are.
    games
        One per number of players.
    names
        object ``(n_rows, most_players)``: each row's own names, ``None`` past its last player.
    layout
        Of all rows together.
    note
        What the reader of any explanation should know of the players.
    """

    rows: tuple[np.ndarray, ...]
    games: tuple[Game, ...]
    names: np.ndarray
    layout: Layout | None = None
    note: str = ""

    def with_network(self, network: Any) -> "RaggedGame":
        """Return the same games of another network; they must be of tensors."""
        games = tuple(cast(TensorGame, game).with_network(network) for game in self.games)
        return replace(self, games=games)

    def __getattr__(self, name: str) -> Any:
        if name in _OF_A_GAME:
            raise AttributeError(
                f"A game whose rows have players of their own has no {name}. "
                "Use explain_game(game, method=...), which explains it part by part."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}.")


_OF_A_GAME = (
    "player_names",
    "output_names",
    "n_rows",
    "n_references",
    "n_members",
    "n_evaluations",
    "values",
    "device",
)


def explain_parts(ragged: RaggedGame, explainer: Callable[[Game], Explanation]) -> Explanation:
    """Return one explanation of all rows, players a row does not have being NaN.

    Players at the same place mean different things in different rows, so there is no global importance (NaN). Where
    games of different size are explained by different methods, all are named.
    """
    parts = [explainer(game) for game in ragged.games]
    n_rows, n_players = ragged.names.shape
    first = parts[0]
    shape = (n_rows, n_players, len(first.output_names))
    spent = np.concatenate([_spent(part) for part in parts])[np.argsort(np.concatenate(ragged.rows))]
    return replace(
        first,
        values=_padded([part.values for part in parts], ragged.rows, shape),
        standard_error=_padded([part.standard_error for part in parts], ragged.rows, shape),
        base_value=_in_order([part.base_value for part in parts], ragged.rows),
        output=_in_order([part.output for part in parts], ragged.rows),
        residual=_in_order([part.residual for part in parts], ragged.rows),
        local_fit=_in_order([part.local_fit for part in parts], ragged.rows),
        data=_padded([part.data for part in parts], ragged.rows, shape[:2]),
        method=", ".join(dict.fromkeys(part.method for part in parts)),
        random_state=next((part.random_state for part in parts if part.random_state is not None), None),
        note=" ".join(dict.fromkeys(note for note in (*(part.note for part in parts), ragged.note) if note)),
        player_names=tuple(f"player {i + 1}" for i in range(n_players)),
        n_evaluations=int(np.ceil(spent.mean())),
        row_evaluations=spent,
        global_importance=np.full(shape[1:], np.nan),
        global_standard_error=np.full(shape[1:], np.nan),
        n_effective=float(min(part.n_effective for part in parts)),
        layout=ragged.layout,
        row_player_names=ragged.names,
    )


def _spent(part: Explanation) -> np.ndarray:
    if part.row_evaluations is not None:
        return part.row_evaluations
    return np.full(len(part.values), part.n_evaluations)


def _in_order(parts: Sequence[np.ndarray], rows: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts)[np.argsort(np.concatenate(rows))]


def _padded(parts: Sequence[np.ndarray], rows: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    padded = np.full(shape, np.nan, dtype=np.result_type(*parts))
    for part, own in zip(parts, rows, strict=True):
        padded[own, : part.shape[1]] = part
    return padded
