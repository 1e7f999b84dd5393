"""Neural regressor for tables."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from appkit.model.conformal import interval_half_width
from appkit.model.neural_regressor import NeuralRegressor
from appkit.model.table_estimator import TableEstimator

__all__ = ["TabularRegressor"]


class TabularRegressor(NeuralRegressor, TableEstimator):
    """Neural regressor for tables: a TabM ensemble with piecewise-linear embeddings, on squared error.

    Takes a DataFrame as it is: numbers, text, categories, booleans, dates, missing values, categories never seen
    before. Networks are trained over folds, each stopped on the squared error of rows it never saw; what they said of
    those rows gives the intervals. The target is scaled inside, whatever its unit.

    Parameters
    ----------
    network, n_members, n_networks, width, depth, dropout
        The ensemble, as in ``TabularClassifier``.
    numeric, n_bins, kinds, special_codes, protected
        How columns are read, as in ``TabularClassifier``.
    learning_rate, weight_decay, batch_size, max_epochs, patience, validation_fraction
        Training and early stopping, as in ``TabularClassifier``.
    monotone
        ``{"column": 1 or -1}``: the predicted value never falls, or never rises, in it. Holds by construction; missing
        values and special codes are excepted.
    max_seconds, warm_start, checkpoint, device, precision, random_state, progress
        How a fit runs, as in ``TabularClassifier``.

    Attributes
    ----------
    target_centre_, target_scale_ : float
        (Weighted) mean and standard deviation of ``y``, in which the networks count.
    conformal_residuals_ : ndarray
        Absolute residuals of rows held out, sorted, behind ``predict_interval``; empty where none could be spared.
    schema_, module_, history_, training_, background_
        As in ``TabularClassifier``.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 200)})
    >>> model = TabularRegressor(width=32, random_state=0).fit(X, 3 * X["x"])
    >>> bool(abs(model.predict(pd.DataFrame({"x": [0.5]}))[0] - 1.5) < 0.1)
    True
    """

    def predict_interval(self, X: Any, *, alpha: float = 0.1) -> np.ndarray:
        """Return lower and upper ends, float64 ``(n_rows, 2)``, that hold the truth with probability ``1 - alpha``.

        Constant width from absolute held-out residuals (split or cross-conformal). With several networks the residuals
        are those of single networks, so the intervals of their average are somewhat wide.
        """
        check_is_fitted(self)
        width = interval_half_width(self.conformal_residuals_, alpha=alpha)
        centre = self.predict(X)
        return np.column_stack([centre - width, centre + width])
