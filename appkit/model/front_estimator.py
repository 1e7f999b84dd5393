"""An estimator whose parameters decide which other one does the work."""

from abc import abstractmethod
from typing import ClassVar

from sklearn.base import BaseEstimator

from appkit.model.neural_estimator import NeuralEstimator

__all__ = ["FrontEstimator"]


class FrontEstimator(BaseEstimator):
    """An estimator in front of another that does the work, ``estimator_``, and whose kind depends on parameters.

    A model of this class is saved as the one behind it, with ``own_attributes`` and parameters of its own.
    """

    own_attributes: ClassVar[tuple[str, ...]]
    """Fitted attributes set before ``estimator_`` is made."""

    estimator_: NeuralEstimator

    @abstractmethod
    def make_estimator(self) -> NeuralEstimator:
        """Return the estimator that does the work, not fitted."""
