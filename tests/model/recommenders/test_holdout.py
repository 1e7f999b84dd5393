"""Events held out are those a model is chosen by: nobody's later events are fitted on, by time."""

import numpy as np
import pandas as pd
import pytest

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders.holdout import hold_out


@pytest.fixture
def events() -> Interactions:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"user": rng.integers(0, 20, 400), "item": rng.integers(0, 30, 400), "day": rng.random(400)})
    return read_interactions(X, time="day")


def test_by_time_every_fitted_event_is_before_every_judged_one(events):
    fitted, judged = hold_out(events, "time")
    assert fitted.time.max() <= judged.time.min()
    assert len(judged) == pytest.approx(0.2 * len(events), abs=2)


def test_last_holds_one_event_of_each_user_out(events):
    fitted, judged = hold_out(events, "last")
    assert np.bincount(judged.user).tolist() == [1] * events.n_users
    assert (pd.Series(fitted.time).groupby(fitted.user).max().to_numpy() <= judged.time).all()


def test_random_holds_a_share_of_each_user_out(events):
    _, judged = hold_out(events, "random", share=0.25, random_state=3)
    expected = np.maximum(1, np.floor(0.25 * np.diff(events.offsets)))
    assert np.bincount(judged.user, minlength=events.n_users).tolist() == expected.tolist()


def test_parts_hold_every_event_once(events):
    for by in ("time", "last", "random"):
        fitted, judged = hold_out(events, by)
        assert sorted([*fitted.row, *judged.row]) == sorted(events.row)


def test_seeds_decide_what_is_drawn(events):
    first, again, other = (hold_out(events, "random", random_state=seed)[1].row.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_users_with_one_event_keep_it():
    X = pd.DataFrame({"user": [1, 2, 2], "item": [1, 1, 2], "day": [1, 2, 3]})
    for by in ("last", "random"):
        fitted, _ = hold_out(read_interactions(X, time="day"), by)
        assert 0 in fitted.user


def test_one_moment_cannot_be_parted_by_time():
    X = pd.DataFrame({"user": [1, 2], "item": [1, 2], "day": [5, 5]})
    with pytest.raises(ValueError, match="leaves nothing to choose a model by"):
        hold_out(read_interactions(X, time="day"), "time")


def test_time_needs_times():
    with pytest.raises(ValueError, match="split='time' needs times"):
        hold_out(read_interactions(pd.DataFrame({"user": [1, 1], "item": [1, 2]})), "time")
