"""Any callable on DataFrames as a game: a pipeline, a boosted tree, a function."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from pandas.api.types import is_numeric_dtype
from torch import Tensor

from appkit.explanation.games.batched import BatchedGame
from appkit.explanation.games.players import TablePlayers

__all__ = ["FrameGame", "game_from_callable", "pooled_column"]


def game_from_callable(
    predict: Callable[[pd.DataFrame], np.ndarray],
    X: pd.DataFrame,
    background: pd.DataFrame,
    *,
    output_names: Sequence[str],
    units: str = "value",
    players: Mapping[str, Sequence[str]] | None = None,
    batch_size: int | None = None,
) -> "FrameGame":
    """Return the game of any function from a DataFrame to one or several numbers per row.

    Parameters
    ----------
    predict
        Takes a frame with the columns and dtypes of ``X``; returns ``(n_rows,)`` or ``(n_rows, n_outputs)``.
    X, background
        Rows to explain, and rows that say what an unknown column may hold.
    output_names
        One name per output of ``predict``.
    units
        What the outputs are measured in.
    players
        Groups of columns to treat as one player each.
    batch_size
        Model rows per call.

    Examples
    --------
    >>> X = pd.DataFrame({"price": [3.0, 1.0], "colour": ["red", "blue"]})
    >>> game = game_from_callable(lambda rows: rows["price"].to_numpy(), X, X, output_names=["price"])
    >>> game.values(torch.tensor([[True, False]])).flatten().tolist()
    [3.0, 1.0]
    """
    return FrameGame(
        predict, X, background, output_names=output_names, units=units, players=players, batch_size=batch_size
    )


class FrameGame(BatchedGame):
    """Rows of a DataFrame, each column a player, absent ones filled from background rows.

    Masked frames are put together column by column, by taking from the rows and the background laid end to end, so
    each column keeps its dtype: numbers stay numbers and categories stay categories. See :func:`game_from_callable`.
    """

    def __init__(
        self,
        predict: Callable[[pd.DataFrame], np.ndarray],
        X: pd.DataFrame,
        background: pd.DataFrame,
        *,
        output_names: Sequence[str],
        units: str,
        players: Mapping[str, Sequence[str]] | None = None,
        batch_size: int | None = None,
    ) -> None:
        self._predict = predict
        self._players = TablePlayers.of(list(X.columns), players)
        self._shown = self._players.shown(X)
        self._pooled = {column: pooled_column(X[column], background[column]) for column in X.columns}
        super().__init__(
            player_names=self._players.names,
            output_names=output_names,
            units=units,
            n_rows=len(X),
            n_references=len(background),
            batch_size=batch_size,
        )

    def data(self) -> np.ndarray:
        """Return what the players show, object ``(n_rows, n_players)``."""
        return self._shown

    def reference_features(self) -> Tensor:
        """Return the first column of each player as a number, float64 ``(n_references, n_players)``."""
        _, first = np.unique(self._players.player_of_column, return_index=True)
        columns = [self._pooled[self._players.columns[i]].iloc[self.n_rows :] for i in first]
        return torch.as_tensor(np.column_stack([_as_number(column) for column in columns]))

    def _outputs(self, rows: Tensor, references: Tensor, *, present: Tensor, members: Tensor | None) -> Tensor:
        if members is not None:
            raise ValueError("A model known by its predictions only has no members to choose from.")
        source = torch.where(present, rows[:, None], self.n_rows + references[:, None]).numpy()
        frame = pd.DataFrame(
            {
                column: self._pooled[column].array.take(source[:, player])
                for column, player in zip(self._players.columns, self._players.player_of_column, strict=True)
            }
        )
        return torch.as_tensor(self._checked(self._predict(frame), n_rows=len(frame)))

    def _checked(self, answer: np.ndarray, *, n_rows: int) -> np.ndarray:
        outputs = np.array(answer, dtype=np.float64)
        outputs = outputs[:, None] if outputs.ndim == 1 else outputs
        if outputs.shape != (n_rows, len(self.output_names)):
            raise ValueError(
                f"The model must answer {n_rows} rows with shape {(n_rows, len(self.output_names))}, "
                f"one column per output name, got shape {np.shape(answer)}."
            )
        return outputs


def pooled_column(own: pd.Series, background: pd.Series) -> pd.Series:
    """Return a column and its background end to end, in a dtype that both share."""
    if isinstance(own.dtype, pd.CategoricalDtype) and isinstance(background.dtype, pd.CategoricalDtype):
        shared = _shared_categories(own, background)
        # astype takes equal sets in another order for the same and does nothing
        both = [part.cat.set_categories(shared.categories, ordered=shared.ordered) for part in (own, background)]
        return pd.concat(both, ignore_index=True)
    if own.dtype == background.dtype:
        return pd.concat([own, background], ignore_index=True)
    if is_numeric_dtype(own.dtype) and is_numeric_dtype(background.dtype):
        number = np.result_type(own.to_numpy(), background.to_numpy())
        return pd.concat([own.astype(number), background.astype(number)], ignore_index=True)
    raise ValueError(
        f"Column {own.name!r} must have one dtype in X and background, got {own.dtype} and {background.dtype}. "
        "Convert the rows: X.astype(background.dtypes)."
    )


def _shared_categories(own: pd.Series, background: pd.Series) -> pd.CategoricalDtype:
    """Return a dtype of the categories of both, those of the background first: the model learned them in that order."""
    is_ordered = own.cat.ordered and background.cat.ordered
    added = own.cat.categories.difference(background.cat.categories, sort=False)
    if is_ordered and len(added):
        raise ValueError(
            f"Ordered column {own.name!r} must have the categories of the background, got {list(added)} besides: "
            "their place in the order is not known."
        )
    return pd.CategoricalDtype(background.cat.categories.append(added), ordered=is_ordered)


def _as_number(column: pd.Series) -> np.ndarray:
    """Return float64 ``(n_rows,)``: the number, missing ones at the mean, or whether a word is the commonest one."""
    if not is_numeric_dtype(column.dtype):
        commonest = column.value_counts().index[:1]
        return column.isin(commonest).to_numpy(dtype=np.float64)
    number = column.to_numpy(dtype=np.float64, na_value=np.nan)
    missing = ~np.isfinite(number)
    return np.where(missing, number[~missing].mean() if not missing.all() else 0.0, number)
