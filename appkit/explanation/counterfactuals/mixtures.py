"""Rows put together from cells of real rows, and what the model says of them."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from appkit.explanation.games.model import Predict
from appkit.explanation.ranked_columns import RankedColumns, squared_distances

__all__ = ["Mixtures", "in_whole_batches"]

_BATCH = 1024


class Mixtures:
    """Rows whose every cell comes from one of the rows to change or of the background, laid end to end.

    A mixture is int64 ``(n_columns,)``: for each column the row its cell is taken from. A model of ours is encoded once
    and mixed in its encoding, any other gets frames.

    Parameters
    ----------
    model
        Fitted estimator or function.
    predict
        From a frame to float64 ``(n, n_outputs)``.
    pooled
        Rows and background, the columns the model uses.
    ranked
        The same rows as distances are measured.
    """

    def __init__(self, model: Any, predict: Predict, *, pooled: pd.DataFrame, ranked: RankedColumns) -> None:
        self._predict = predict
        self._model = model
        self._pooled = pooled
        self._ranked = ranked
        self.columns = tuple(pooled.columns)
        self.n_rows = ranked.n_rows
        self.n_evaluations = 0
        self._encoded: Tensor | None = None
        self._mixer: Any = None  # of a model that looks up the first layer of mixed rows
        if hasattr(model, "encoded_outputs") and set(pooled.columns) == set(model.player_columns_):
            self._encoded = model.encode(pooled)
            position = [list(pooled.columns).index(name) for name in model.player_columns_]
            self._position = np.asarray(position)
            self._column_of = self._position[np.asarray(model.encoded_player_)]

    def take_to_hand(self, rows: np.ndarray) -> None:
        """Get ready for mixtures of ``rows``, int64 ``(n,)``, with the background; others are not asked about next."""
        if self._encoded is None or not hasattr(self._model, "mixer"):
            return
        known = np.concatenate([np.arange(self.n_rows, len(self._pooled)), rows])
        self._mixer = self._model.mixer(self._encoded[torch.as_tensor(known, device=self._encoded.device)])
        self._place = np.full(len(self._pooled), -1)
        self._place[known] = np.arange(len(known))

    def sources(self, rows: np.ndarray, columns: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Return mixtures: ``rows`` ``(n,)`` with some columns taken from background rows.

        ``columns`` and ``cells``, int64 ``(n, n_changes)``, say which columns and which background rows; a column of -1
        stands for no change.
        """
        sources = np.repeat(rows[:, None], len(self.columns), axis=1)
        for column, cell in zip(columns.T, cells.T, strict=True):
            changed = np.flatnonzero(column >= 0)
            sources[changed, column[changed]] = self.n_rows + cell[changed]
        return sources

    def outputs(self, sources: np.ndarray) -> np.ndarray:
        """Return what the model says of mixtures ``(n, n_columns)``, float64 ``(n, n_outputs)``."""
        self.n_evaluations += len(sources)
        return in_whole_batches(self._outputs, sources)

    def frame(self, sources: np.ndarray) -> pd.DataFrame:
        """Return mixtures as a frame."""
        return pd.DataFrame(
            {name: self._pooled[name].array.take(sources[:, i]) for i, name in enumerate(self._pooled.columns)}
        )

    def distances(self, sources: np.ndarray) -> np.ndarray:
        """Return how far each mixture is from the nearest background row, float64 ``(n,)``."""
        ranked = self._ranked
        nearest = []
        for start in range(0, len(sources), _BATCH):
            part = torch.as_tensor(sources[start : start + _BATCH])
            features = ranked.features.gather(0, part[:, ranked.column_of])
            nearest.append(squared_distances(features, ranked.background).amin(1))
        return ranked.in_units(torch.cat(nearest)).numpy() if nearest else np.empty(0)

    def usual_distance(self, share: float) -> float:
        """Return the distance to the nearest other background row that ``share`` of the background rows keep."""
        background = self._ranked.background
        nearest = []
        for start in range(0, len(background), _BATCH):
            part = background[start : start + _BATCH]
            squared = squared_distances(part, background)
            own = torch.arange(len(part))
            squared[own, start + own] = torch.inf
            nearest.append(squared.amin(1))
        return float(np.quantile(self._ranked.in_units(torch.cat(nearest)).numpy(), share))

    def _outputs(self, sources: np.ndarray) -> np.ndarray:
        if self._encoded is None:
            return self._predict(self.frame(sources))
        device = self._encoded.device
        with torch.no_grad():
            if self._mixer is not None:
                known = torch.as_tensor(self._place[sources[:, self._position]], device=device)
                outputs = self._model.mixed_outputs(self._mixer, known, units=self._units)
            else:
                index = torch.as_tensor(sources[:, self._column_of], device=device)
                outputs = self._model.encoded_outputs(self._encoded.gather(0, index), units=self._units)
        return outputs.double().cpu().numpy()

    @property
    def _units(self) -> str:
        return "probability" if hasattr(self._model, "classes_") else "value"


def in_whole_batches(ask: Any, rows: Any) -> np.ndarray:
    """Return answers to ``rows``, an array or a frame, asked in batches of one size, the last one filled up.

    Matrix kernels round by the shape they are given, so a ragged batch would answer otherwise than a whole one.
    """
    answers = []
    for start in range(0, len(rows), _BATCH):
        taken = np.arange(start, start + _BATCH).clip(max=len(rows) - 1)
        part = rows.iloc[taken] if isinstance(rows, pd.DataFrame) else rows[taken]
        answers.append(np.asarray(ask(part))[: len(rows) - start])
    return np.concatenate(answers)
