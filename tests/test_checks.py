"""Every estimator found keeps our promises, and the checks catch one that does not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from appkit.checks import check_equal_seeds_give_equal_models, estimator_checks
from appkit.model import TabularRegressor
from appkit.persistence import savable_estimators

SMALL = {"width": 16, "n_networks": 1, "max_epochs": 2, "n_members": 4}


def small(name: str) -> Any:
    """Return an estimator with those of the small settings that it knows."""
    found = savable_estimators()[name]
    known = found().get_params()
    return found(**{parameter: value for parameter, value in SMALL.items() if parameter in known})


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=60), "word": ["a", "b", None] * 20})


@pytest.fixture(scope="module")
def readings(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"unit": np.arange(60) // 6, "time": np.arange(60) % 6, "x": table["x"]})


@pytest.fixture(scope="module")
def scans(tmp_path_factory) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    paths = [str(tmp_path_factory.getbasetemp() / f"scan {i}.png") for i in range(60)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (12, 12), dtype=np.uint8)).save(path)
    return pd.DataFrame({"path": paths})


@pytest.fixture(scope="module")
def purchases() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"user": np.arange(60) // 5, "item": [f"item {code}" for code in rng.integers(0, 9, 60)]})


@pytest.fixture(scope="module")
def weeks() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    mondays = np.tile(pd.date_range("2024-01-01", periods=24, freq="W-MON"), 5)
    return pd.DataFrame({"item": np.repeat(np.arange(5), 24), "week": mondays, "demand": rng.poisson(5, 120)})


@pytest.mark.parametrize("check", estimator_checks(), ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", savable_estimators())
def test_estimator_keeps_its_promise(check, name, table, readings, scans, purchases, weeks):
    estimator = small(name)
    y = [0, 1] * 30
    if hasattr(estimator, "encode_images"):
        check(estimator, scans, [[0, 1], [1, 1], [1, 0]] * 20 if "MultiLabel" in name else y)
        return
    if hasattr(estimator, "recommend"):
        check(estimator, purchases, None)
        return
    if hasattr(estimator, "holidays"):
        check(estimator, weeks, None)
        return
    is_of_series = getattr(estimator, "unit", None) is not None
    check(estimator, readings if is_of_series else table, y)


def test_estimators_of_every_kind_of_data_are_found():
    found = set(savable_estimators())
    assert {"TabularClassifier", "SequenceRegressor", "manufacturing.FailureClassifier"} <= found
    assert {"ImageClassifier", "MultiLabelImageClassifier", "medical.MedicalImageClassifier"} <= found
    assert {"InteractionRecommender", "retail.ProductRecommender", "retail.DemandForecaster"} <= found


class Moody(TabularRegressor):
    """Draws from the global generator, which no seed of ours governs."""

    def fit(self, X: Any, y: Any, **options: Any) -> "Moody":
        super().fit(X, y, **options)
        self.mood_ = np.random.normal()  # noqa: NPY002  # the fault to be found
        return self


def test_check_of_seeds_catches_a_model_that_ignores_its_seed(table):
    with pytest.raises(AssertionError, match="two fits of Moody with one seed differ"):
        check_equal_seeds_give_equal_models(Moody(**SMALL), table, np.arange(60.0))
