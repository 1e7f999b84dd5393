"""What auto tries follows from the data; what it keeps can be fitted again."""

import numpy as np
import pandas as pd
import pytest

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders.candidates import (
    Candidate,
    Trial,
    blends_of,
    candidates_for,
    fit_candidate,
    try_candidates,
)
from appkit.model.recommenders.families import FAMILIES, FitContext
from appkit.model.recommenders.gain import advice_gain
from appkit.model.recommenders.holdout import hold_out


@pytest.fixture(scope="module")
def events() -> Interactions:
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(60), 5)
    item = (rng.integers(0, 8, 300) + 8 * (user % 2)).astype(np.int64)
    return read_interactions(pd.DataFrame({"user": user, "item": item, "day": np.arange(300)}), time="day")


def families(events, **options):
    asked = {"is_ordered": False, "filter_seen": True, "has_features": False} | options
    return [candidate.family for candidate in candidates_for(events, **asked)]


def test_order_and_features_bring_their_models(events):
    assert {"transition", "sequential"} <= set(families(events, is_ordered=True))
    assert not {"transition", "sequential", "two-tower"} & set(families(events))
    assert "two-tower" in families(events, has_features=True)


def test_a_large_catalogue_gets_no_dense_model():
    wide = read_interactions(pd.DataFrame({"user": 1, "item": np.arange(16_000)}))
    assert {"ease", "transition"}.isdisjoint(families(wide, is_ordered=True))
    assert "graph-filter" in families(wide)


def test_buying_again_is_weighed_where_it_may_be_advised(events):
    found = candidates_for(events, is_ordered=False, filter_seen=False, has_features=False)
    assert all(candidate.settings["rebuy"] > 0 for candidate in found if candidate.family in ("ease", "item-knn"))


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "blend"])
def test_every_family_is_fitted_alike_and_again(events, family):
    settings = {"max_epochs": 2} if family == "two-tower" else {"n_epochs": 2} if family == "sequential" else {}
    if family == "graph-filter":
        settings = {"n_factors": 4}
    context = FitContext(seed=1)
    first, found = fit_candidate(Candidate(family, settings), events, context=context)
    second, _ = fit_candidate(found, events, context=context)
    assert first.n_items == second.n_items == events.n_items


def test_trials_are_blended_by_the_two_best_families(events):
    fitted, judged = hold_out(events, "last")
    context = FitContext(seed=0)
    candidates = [Candidate("popularity"), Candidate("ease", {"penalty": 5.0}), Candidate("ease", {"penalty": 50.0})]
    trials = list(try_candidates(candidates, fitted, judged, context=context, filter_seen=False))
    blends = list(blends_of(trials, fitted, judged, context=context, filter_seen=False))
    assert {family for family, *_ in blends[0].candidate.settings["parts"]} == {"ease", "popularity"}
    scorer, _ = fit_candidate(blends[0].candidate, events, context=context)
    assert scorer.n_items == events.n_items


def test_no_time_left_ends_the_trials(events):
    fitted, judged = hold_out(events, "last")
    candidates = [Candidate("popularity"), Candidate("recency")]
    trials = list(try_candidates(candidates, fitted, judged, context=FitContext(deadline=0.0), filter_seen=True))
    assert [trial.candidate.family for trial in trials] == ["popularity"]


def test_a_blend_says_what_it_is_of():
    parts = (("ease", {"penalty": 400.0}, 0.75), ("als", {"n_factors": 32}, 0.25))
    assert Candidate("blend", {"parts": parts}).label == "blend of 75% (ease, penalty 400) and 25% (als, n factors 32)"


def test_one_family_alone_is_not_blended(events):
    trial = Trial(
        Candidate("ease"), np.ones(3), 0.0, fit_candidate(Candidate("popularity"), events, context=FitContext())[0]
    )
    assert list(blends_of([trial], events, events, context=FitContext(), filter_seen=True)) == []


def test_towers_are_judged_with_the_features_they_advise_by(events):
    fitted, judged = hold_out(events, "last")
    features = np.random.default_rng(0).normal(size=(events.n_users, 4)).astype(np.float32)
    tried = [Candidate("two-tower", {"max_epochs": 2, "n_factors": 8})]
    (trial,) = try_candidates(tried, fitted, judged, context=FitContext(user_features=features), filter_seen=True)
    with_them = advice_gain(trial.scorer, fitted, judged, features=features)
    np.testing.assert_array_equal(trial.gains, with_them)
    assert not np.array_equal(with_them, advice_gain(trial.scorer, fitted, judged))
