"""Promises every estimator of appkit and of its domains keeps; run them on an estimator of your own.

Each check is a function ``check(estimator, X, y)`` that fits clones of ``estimator`` and raises ``AssertionError``
where a promise is broken. ``estimator_checks()`` lists them all::

    @pytest.mark.parametrize("check", estimator_checks())
    def test_promises(check):
        check(MyClassifier(max_epochs=2), X, y)

Estimators that need no target, such as recommenders, are given ``None``.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from appkit.model.state import model_hash
from appkit.persistence import load, save

__all__ = [
    "EstimatorCheck",
    "check_a_second_fit_equals_the_first",
    "check_an_unfitted_estimator_says_so",
    "check_equal_seeds_give_equal_models",
    "check_fit_leaves_parameters_and_data_alone",
    "check_loaded_model_predicts_the_same",
    "check_saving_changes_nothing",
    "estimator_checks",
]

EstimatorCheck = Callable[[Any, pd.DataFrame, Any], None]


def estimator_checks() -> tuple[EstimatorCheck, ...]:
    """Return every check of an estimator on a DataFrame, of rows or of readings, in the order of the flow.

    scikit-learn's own suite says more of table estimators and next to nothing of those that read series: these are the
    promises that both keep.
    """
    return (
        check_an_unfitted_estimator_says_so,
        check_fit_leaves_parameters_and_data_alone,
        check_a_second_fit_equals_the_first,
        check_equal_seeds_give_equal_models,
        check_loaded_model_predicts_the_same,
        check_saving_changes_nothing,
    )


def check_an_unfitted_estimator_says_so(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """Check that predicting before fitting raises ``NotFittedError``."""
    try:
        clone(estimator).predict(X)
    except NotFittedError:
        return
    raise AssertionError(f"{_name(estimator)} predicts without having been fitted.")


def check_fit_leaves_parameters_and_data_alone(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """Check that ``fit`` returns the estimator itself and changes neither parameters nor what it was given."""
    model = _seeded(estimator)
    before, rows, target = model.get_params(), X.copy(deep=True), pd.DataFrame(y).copy(deep=True)
    assert model.fit(X, y) is model, f"fit of {_name(estimator)} returns another object."
    assert model.get_params() == before, f"fit of {_name(estimator)} changes its parameters."
    pd.testing.assert_frame_equal(X, rows)
    pd.testing.assert_frame_equal(pd.DataFrame(y), target)


def check_a_second_fit_equals_the_first(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """Check that a fitted estimator, fitted again, is what it was: nothing of the first fit is left over."""
    model = _seeded(estimator).fit(X, y)
    first = model_hash(model)
    assert model_hash(model.fit(X, y)) == first, f"a second fit of {_name(estimator)} differs from the first."


def check_equal_seeds_give_equal_models(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """Check that two fits with one seed are the same to the last bit."""
    first, second = (_seeded(estimator).fit(X, y) for _ in range(2))
    assert model_hash(first) == model_hash(second), f"two fits of {_name(estimator)} with one seed differ."


def check_loaded_model_predicts_the_same(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """Check that every output of a loaded model equals that of the saved one to the last bit, on the CPU."""
    model = _seeded(estimator).set_params(device="cpu").fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(save(model, Path(folder) / "model.appkit"))
    for method in ("predict", "predict_proba"):
        if hasattr(model, method):
            before, after = getattr(model, method)(X), getattr(loaded, method)(X)
            assert np.array_equal(before, after), f"{method} of {_name(estimator)} differs after save and load."
    assert loaded.get_params() == model.get_params(), f"parameters of {_name(estimator)} differ after save and load."


def check_saving_changes_nothing(estimator: Any, X: pd.DataFrame, y: Any) -> None:
    """Check that a saved model is left as it was, and that a loaded one is saved as the same bytes."""
    model = _seeded(estimator).fit(X, y)
    with tempfile.TemporaryDirectory() as folder:
        first = save(model, Path(folder) / "first.appkit").read_bytes()
        again = save(model, Path(folder) / "again.appkit").read_bytes()
        third = save(load(Path(folder) / "first.appkit"), Path(folder) / "third.appkit").read_bytes()
    assert first == again == third, f"{_name(estimator)} is not saved as the same bytes each time."


def _seeded(estimator: Any) -> Any:
    return clone(estimator).set_params(random_state=0)


def _name(estimator: Any) -> str:
    return type(estimator).__name__
