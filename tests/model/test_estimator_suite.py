"""scikit-learn's own checks, on every tabular estimator."""

import warnings

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from appkit.exceptions import DataWarning
from appkit.model import TabularClassifier, TabularQuantileRegressor, TabularRegressor
from domains.finance import CreditRatingClassifier, CreditRiskClassifier
from domains.manufacturing import FailureClassifier
from domains.retail import PurchaseClassifier

QUICK = {"width": 32, "n_members": 4, "n_networks": 1, "random_state": 0, "progress": False}
ESTIMATORS = [
    TabularClassifier(**QUICK),
    TabularRegressor(**QUICK),
    TabularQuantileRegressor(**QUICK),
    CreditRiskClassifier(**QUICK),
    CreditRatingClassifier(**QUICK),
    PurchaseClassifier(**QUICK),
    FailureClassifier(**{name: value for name, value in QUICK.items() if name != "n_members"}),
]
EXCEPTIONS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a weight of two and a row given twice fall into other minibatches and other folds"
    ),
}
OF_EVENTS = {
    "check_classifiers_classes": "of two texts whose meaning is not plain, event= must name the event",
}


def exceptions_of(estimator):
    return EXCEPTIONS | (
        OF_EVENTS if isinstance(estimator, CreditRiskClassifier | FailureClassifier | PurchaseClassifier) else {}
    )


@pytest.fixture(autouse=True)
def tolerate_constant_columns():
    """The suite feeds constant columns on purpose; ours says so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        yield


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=exceptions_of)
def test_estimator_keeps_the_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_the_suite_is_really_run(estimator):
    names = [check.func.__name__ for _, check in estimator_checks_generator(estimator)]
    assert len(names) >= 40
    assert {"check_fit_idempotent", "check_estimators_pickle", "check_n_features_in"} <= set(names)


def test_exceptions_are_few():
    assert max(len(exceptions_of(estimator)) for estimator in ESTIMATORS) <= 3
