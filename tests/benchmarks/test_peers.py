from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appkit.exceptions import MissingDependencyError
from benchmarks.encodings import NativeCategories, imputed_categories, one_hot
from benchmarks.peers import MODELS, model_named, variant_of_ours
from benchmarks.search import SearchedXGBoost

FRAME = pd.DataFrame({"a [K]": [1.0, np.nan, 3.0, 4.0], "b": ["u", "v", None, "u"]})


def test_a_category_not_seen_in_training_becomes_missing():
    encoder = NativeCategories().fit(FRAME)
    assert encoder.transform(pd.DataFrame({"a [K]": [1.0], "b": ["w"]}))["c1"].isna().all()


def test_networks_get_no_missing_cell():
    assert not imputed_categories().fit_transform(FRAME).isna().any(axis=None)


def test_one_hot_marks_imputed_cells_and_gives_missing_categories_a_column():
    # number, its indicator, u, v, missing
    assert one_hot().fit_transform(FRAME).shape == (4, 5)


def test_an_absent_package_is_named_with_the_command_that_installs_it():
    absent = replace(MODELS["tabm"], packages=("no-such-package",))
    with pytest.raises(MissingDependencyError, match=r"pip install 'industry-appkit\[bench\]'"):
        absent.make(seed=0, threads=1)


def test_an_unknown_model_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="xgboost_light"):
        model_named("catboost")


def test_variants_of_ours_have_results_of_their_own():
    wide, narrow = variant_of_ours("wide", {"width": 512}), variant_of_ours("narrow", {"width": 64})
    assert len({MODELS["ours"].fingerprint(), wide.fingerprint(), narrow.fingerprint()}) == 3


def test_the_search_stops_when_its_time_is_spent():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(120, 3)))
    searched = SearchedXGBoost(n_trials=50, max_cpu_seconds=0.0).fit(X, (X[0] > 0).to_numpy(dtype=int))
    assert searched.n_trials_ == 1
    assert searched.predict_proba(X).shape == (120, 2)


def test_the_search_keeps_the_trial_with_the_lowest_inner_loss(monkeypatch):
    losses = iter([0.5, 0.3, 0.4])
    monkeypatch.setattr(SearchedXGBoost, "_try", lambda self, parameters, X, y, **_: ([next(losses)] * 3, [7, 8, 9]))
    X = pd.DataFrame(np.arange(20.0))
    searched = SearchedXGBoost(n_trials=3).fit(X, np.arange(20) % 2)
    assert searched.best_loss_ == 0.3
    assert searched.best_parameters_["n_estimators"] == 8
