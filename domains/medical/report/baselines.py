"""What anybody would try first on images: a logistic regression on a few numbers of each picture."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from appkit.reporting.content.image_statistics import image_statistics

__all__ = ["PooledPixels", "WholeImageStatistics"]


class _Baseline(ClassifierMixin, BaseEstimator):
    """Logistic regression on numbers of each image; subclasses say which."""

    def __init__(self, *, C: float = 1.0) -> None:
        self.C = C

    def fit(self, X: np.ndarray, y: ArrayLike) -> "_Baseline":
        """Fit on images ``(n_images, height, width, n_channels)`` and their labels."""
        regression = LogisticRegression(C=self.C, max_iter=2_000)
        self.pipeline_ = make_pipeline(StandardScaler(), regression).fit(self._numbers(X), y)
        self.classes_ = self.pipeline_.classes_
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probability of each class, float64 ``(n_images, n_classes)``."""
        check_is_fitted(self)
        return np.asarray(self.pipeline_.predict_proba(self._numbers(X)))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable class of each image."""
        winners = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[winners])

    def _numbers(self, X: Any) -> np.ndarray:
        raise NotImplementedError


class WholeImageStatistics(_Baseline):
    """Logistic regression on brightness, contrast, sharpness and noise of the whole image: no place, no shape.

    A network that is not ahead of it may have learnt the device, not the disease.

    Parameters
    ----------
    C
        Inverse of the penalty, as in scikit-learn.

    Examples
    --------
    >>> dark = np.random.default_rng(0).integers(0, 90, (40, 8, 8, 1)).astype(np.uint8)
    >>> X, y = np.concatenate([dark, dark + 100]), np.repeat(["dark", "bright"], 40)
    >>> float((WholeImageStatistics().fit(X, y).predict(X) == y).mean())
    1.0
    """

    def _numbers(self, X: np.ndarray) -> np.ndarray:
        return np.column_stack(list(image_statistics(X).values()))


class PooledPixels(_Baseline):
    """Logistic regression on the mean of each cell of an 8 by 8 grid: a blurred picture, one weight a cell.

    Parameters
    ----------
    C
        Inverse of the penalty, as in scikit-learn.

    Examples
    --------
    >>> X = np.random.default_rng(0).integers(0, 90, (60, 16, 16, 1)).astype(np.uint8)
    >>> X[30:, :4, :4] += 60
    >>> y = np.repeat(["clear", "lesion"], 30)
    >>> float((PooledPixels().fit(X, y).predict(X) == y).mean())
    1.0
    """

    _SIDE = 8

    def __init__(self, *, C: float = 0.1) -> None:
        super().__init__(C=C)

    def _numbers(self, X: np.ndarray) -> np.ndarray:
        rows, columns = (np.arange(n) * min(self._SIDE, n) // n for n in X.shape[1:3])
        cell = (rows[:, None] * (columns[-1] + 1) + columns).ravel()
        n_cells = int(cell[-1]) + 1
        share = np.zeros((len(cell), n_cells))
        share[np.arange(len(cell)), cell] = 1 / np.bincount(cell)[cell]
        parts = []
        for start in range(0, len(X), 512):  # bounds the memory
            flat = X[start : start + 512].reshape(len(X[start : start + 512]), len(cell), -1).astype(np.float64)
            parts.append(np.einsum("npc,pk->nkc", flat, share, optimize=True).reshape(len(flat), -1))
        return np.concatenate(parts)
