"""Games and models small enough to know the answer."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from appkit.explanation import game_from_callable
from appkit.explanation.games.frame import FrameGame


class FakeEnsemble:
    """Three perceptrons on the columns a, b (one-hot, three levels) and c; the column "unused" is not read."""

    player_columns_ = ("a", "b", "c", "d")
    encoded_player_ = np.array([0, 1, 1, 1, 2, 3])
    n_members_ = 3
    classes_ = np.array(["no", "yes"])

    def __init__(self, *, n_outputs: int = 1, seed: int = 0, memory: int | None = None) -> None:
        generator = torch.Generator().manual_seed(seed)
        self._hidden = torch.randn(3, 6, 32, generator=generator)
        self._hidden[:, 5] = 0.0  # nobody looks at d
        self._head = torch.randn(3, 32, n_outputs, generator=generator) / 3
        self._memory = memory
        self.output_names_ = tuple(f"grade {i}" for i in range(n_outputs)) if n_outputs > 1 else ("yes",)
        self.background_ = make_table(40, seed=9)

    def encode(self, X: pd.DataFrame) -> torch.Tensor:
        level = X["b"].map({"x": 0, "y": 1, "z": 2}).to_numpy()
        encoded = np.column_stack([X["a"], np.eye(3)[level], X["c"], X["d"]])
        return torch.as_tensor(encoded, dtype=torch.float32)

    def encoded_outputs(self, Z, *, units, members=None):
        if self._memory is not None and len(Z) > self._memory:
            raise torch.OutOfMemoryError("too many rows")
        logits = torch.einsum("nkh,kho->nko", torch.einsum("nw,kwh->nkh", Z, self._hidden).relu(), self._head)
        if members is not None:
            logits = logits[torch.arange(len(Z)), members][:, None]
        if units == "value":
            return logits.mean(1)
        probability = logits.sigmoid().mean(1)
        return probability if units == "probability" else probability.logit()

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        event = self.encoded_outputs(self.encode(X), units="probability").numpy()
        return np.column_stack([1 - event, event])


def make_table(n_rows: int, *, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "a": rng.normal(size=n_rows),
            "b": rng.choice(["x", "y", "z"], size=n_rows),
            "c": rng.normal(size=n_rows),
            "d": rng.normal(size=n_rows),
        }
    )


def make_numbers(n_rows: int, *, n_columns: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(n_rows, n_columns)), columns=[f"x{i}" for i in range(n_columns)])


def game_of(
    function: Callable[[np.ndarray], np.ndarray], X: pd.DataFrame, background: pd.DataFrame, **options: object
) -> FrameGame:
    """Return the game of a function of the bare numbers."""
    return game_from_callable(
        lambda rows: function(rows.to_numpy()), X, background, **{"output_names": ["output"], **options}
    )


def tangled(x: np.ndarray) -> np.ndarray:
    """Interactions of two and of three players, one nonlinearity."""
    return x[:, 0] * x[:, 1] - 2 * x[:, 1] * x[:, 2] * x[:, 0] + np.tanh(3 * x[:, 2]) + 0.5 * x[:, -1]


def brute_force(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return Shapley values of one row, averaged over all orders of all players."""
    n_players = len(x)
    values = np.zeros(n_players)
    for order in itertools.permutations(range(n_players)):
        masked = background.copy()
        before = function(masked).mean()
        for player in order:
            masked[:, player] = x[player]
            after = function(masked).mean()
            values[player] += after - before
            before = after
    return values / math.factorial(n_players)
