"""What of an explanation is drawn: one output, all rows or one, without the players a row does not have."""

from dataclasses import dataclass

import numpy as np

from appkit.explanation import Explanation

__all__ = ["RowValues", "output_position", "row_values", "shared_values"]


@dataclass(frozen=True)
class RowValues:
    """One row's own players.

    Parameters
    ----------
    names
        Of each player.
    players
        int64 ``(n_own,)``: their positions among all players.
    values, standard_error
        float64 ``(n_own,)``; errors are NaN where the method gives none.
    data
        object ``(n_own,)``: what they showed.
    base_value, output
        Where the row starts and ends.
    """

    names: tuple[str, ...]
    players: np.ndarray
    values: np.ndarray
    standard_error: np.ndarray
    data: np.ndarray
    base_value: float
    output: float

    def is_told_from_zero(self) -> np.ndarray:
        """Return bool ``(n_own,)``: values beyond two standard errors; any but 0 where there are no errors."""
        return np.abs(self.values) > 2 * np.nan_to_num(self.standard_error)


def output_position(explanation: Explanation, output: int | str | None) -> int:
    """Return which output is meant: ``None`` the only one there is, else a name or a position.

    Raises
    ------
    ValueError
        If there are several outputs and none was named, or none has that name or position.
    """
    names = explanation.output_names
    if output is None and len(names) == 1:
        return 0
    if isinstance(output, str) and output in names:
        return names.index(output)
    if isinstance(output, int | np.integer) and 0 <= output < len(names):
        return int(output)
    raise ValueError(f"output must be one of {list(names)} or its position, got {output!r}.")


def shared_values(explanation: Explanation, output: int | str | None) -> tuple[np.ndarray, int]:
    """Return the values of all rows, float64 ``(n_rows, n_players)``, and the position of the output.

    Raises
    ------
    ValueError
        If rows have players of their own, which no plot over rows can bring together.
    """
    if explanation.row_player_names is not None:
        raise ValueError(
            "explanation must have the same players in every row, got players that differ from row to row. "
            "Draw one row: waterfall, image_map or history."
        )
    position = output_position(explanation, output)
    return explanation.values[..., position], position


def row_values(explanation: Explanation, row: int, output: int | str | None) -> RowValues:
    """Return the players that ``row``, counted from 0, has."""
    n_rows = len(explanation.values)
    if not -n_rows <= row < n_rows:
        raise ValueError(f"row must be the position of one of {n_rows} rows, got {row!r}.")
    position = output_position(explanation, output)
    values = explanation.values[row, :, position]
    own = np.flatnonzero(~np.isnan(values))
    names = explanation.player_names if explanation.row_player_names is None else explanation.row_player_names[row]
    return RowValues(
        names=tuple(str(names[player]) for player in own),
        players=own,
        values=values[own],
        standard_error=explanation.standard_error[row, own, position],
        data=explanation.data[row, own],
        base_value=float(explanation.base_value[row, position]),
        output=float(explanation.output[row, position]),
    )
