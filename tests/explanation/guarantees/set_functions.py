"""Games with no model behind them: every coalition, background row and member says something else."""

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.games.batched import BatchedGame

__all__ = ["SetFunctionGame", "random_tables"]


class SetFunctionGame(BatchedGame):
    """Outputs looked up in a table by row, background row, member and coalition.

    Interactions of every order are as strong as single effects, which no network shows: the hardest game there is.

    Parameters
    ----------
    said
        float64 ``(n_rows, n_references, n_members, 2 ** n_players)``, see :func:`random_tables`.
    features
        float64 ``(n_references, n_players)`` that tell background rows apart, or ``None``.
    """

    def __init__(self, said: np.ndarray, *, features: np.ndarray | None = None, batch_size: int | None = None) -> None:
        n_players = said.shape[-1].bit_length() - 1
        super().__init__(
            player_names=[f"player {i}" for i in range(n_players)],
            output_names=["output"],
            units="value",
            n_rows=len(said),
            n_references=said.shape[1],
            n_members=said.shape[2],
            batch_size=batch_size,
        )
        self._said = torch.as_tensor(said)
        self._features = None if features is None else torch.as_tensor(features)
        self._place = 2 ** torch.arange(n_players)

    def data(self) -> np.ndarray:
        """Return the places of the players."""
        return np.tile(np.arange(len(self.player_names)), (self.n_rows, 1)).astype(object)

    def reference_features(self) -> Tensor | None:
        """Return the features given."""
        return self._features

    def _outputs(self, rows: Tensor, references: Tensor, *, present: Tensor, members: Tensor | None) -> Tensor:
        coalition = (present * self._place).sum(1)
        said = self._said[rows, references]  # (n, n_members, n_coalitions)
        said = said.gather(2, coalition[:, None, None].expand(-1, said.shape[1], 1))[..., 0]
        return said.mean(1, keepdim=True) if members is None else said.gather(1, members[:, None])


def random_tables(n_rows: int, n_references: int, n_members: int, *, n_players: int, seed: int) -> np.ndarray:
    """Return random outputs for :class:`SetFunctionGame`.

    The empty coalition shows nothing of the row and the full one nothing of the background.
    """
    rng = np.random.default_rng(seed)
    said = rng.normal(size=(n_rows, n_references, n_members, 2**n_players))
    said[..., 0] = said[:1, ..., 0]
    said[..., -1] = said[:, :1, :, -1]
    return said
