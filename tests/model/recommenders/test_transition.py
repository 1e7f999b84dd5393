"""Hold the closed form for what comes next to brute force."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders import transition
from appkit.model.recommenders.transition import TransitionScorer, fit_transition

N_ITEMS = 6


def events(*, n_users: int = 20, length: int = 7, seed: int = 0) -> Interactions:
    """Return random events; with six items and seven events each user takes some twice."""
    items = np.random.default_rng(seed).integers(0, N_ITEMS, size=n_users * length)
    items[:N_ITEMS] = np.arange(N_ITEMS)
    users = np.repeat(np.arange(n_users), length)
    return read_interactions(pd.DataFrame({"user": users, "item": items, "time": np.arange(len(users))}), time="time")


def brute_force(data: Interactions, *, penalty: float, decay: float, backward: float) -> np.ndarray:
    """Return the ridge weights from one row per event, written as loops."""
    inputs, targets = [], []
    for user in range(data.n_users):
        history = data.history(user)
        for t, target in enumerate(history):
            x = np.zeros(N_ITEMS)
            lags = [(t - s, item) for s, item in enumerate(history) if s != t]
            for lag, item in lags:
                x[item] += abs(lag) ** -decay * (1.0 if lag > 0 else backward)
            inputs.append(x)
            targets.append(np.eye(N_ITEMS)[target])
    X, Y = np.array(inputs), np.array(targets)
    gram = X.T @ X
    return np.linalg.solve(gram + penalty * gram.diagonal().mean() * np.eye(N_ITEMS), X.T @ Y)


@pytest.mark.parametrize("backward", [0.0, 0.6])
def test_the_weights_are_those_of_a_ridge_regression_of_each_event_on_its_neighbours(backward):
    data = events()
    scorer = fit_transition(data, penalty=2.0, decay=0.75, backward=backward)
    expected = brute_force(data, penalty=2.0, decay=0.75, backward=backward)
    np.testing.assert_allclose(scorer.item_weights, expected, atol=1e-5)


def test_scores_are_sums_of_rows_that_older_events_weigh_less_in():
    scorer = fit_transition(events(), penalty=2.0, decay=0.5)
    weights = scorer.item_weights
    expected = weights[4] + weights[2] / 2**0.5 + weights[4] / 3**0.5
    torch.testing.assert_close(scorer(torch.tensor([[6, 6, 4, 2, 4]])), expected[None])


def test_padding_changes_no_score_and_no_history_scores_nothing():
    scorer = fit_transition(events())
    torch.testing.assert_close(scorer(torch.tensor([[6, 1, 3]])), scorer(torch.tensor([[6, 6, 6, 1, 3]])))
    assert scorer(torch.tensor([[6, 6], [6, 6]])).abs().max() == 0


def test_an_empty_history_between_others_leaves_theirs_alone():
    scorer = fit_transition(events())
    together = scorer(torch.tensor([[1, 3], [6, 6], [6, 2]]))
    torch.testing.assert_close(together[2], scorer(torch.tensor([[2]]))[0])
    assert together[1].abs().max() == 0


def test_what_follows_is_advised_only_forwards_when_nothing_counts_backwards():
    X = pd.DataFrame({"user": np.repeat(np.arange(30), 2), "item": ["bed", "sheet"] * 30})
    scores = fit_transition(read_interactions(X), penalty=0.01, backward=0.0)(torch.tensor([[0], [1]]))
    assert scores[0, 1] > 0.9
    assert scores[1].abs().max() == 0


def test_users_with_one_event_each_teach_nothing():
    data = read_interactions(pd.DataFrame({"user": range(3), "item": list("abc")}))
    assert fit_transition(data)(torch.tensor([[0, 1]])).abs().max() == 0


def test_a_penalty_means_the_same_with_twice_the_events():
    once = fit_transition(events(n_users=10, seed=1))
    items = np.tile(events(n_users=10, seed=1).item, 2)
    frame = pd.DataFrame({"user": np.repeat(np.arange(20), 7), "item": items, "time": np.arange(140)})
    twice = fit_transition(read_interactions(frame, time="time"))
    torch.testing.assert_close(once.item_weights, twice.item_weights)


def test_long_histories_are_learnt_in_pieces(monkeypatch):
    whole = events(n_users=1, length=40)
    halves = events(n_users=2, length=20)
    monkeypatch.setattr(transition, "_LONGEST_PIECE", 20)
    np.testing.assert_array_equal(whole.item, halves.item)
    torch.testing.assert_close(fit_transition(whole).item_weights, fit_transition(halves).item_weights)


def test_a_scorer_is_rebuilt_from_config_and_weights():
    scorer = fit_transition(events(), decay=1.0)
    twin = TransitionScorer(**scorer.config())
    twin.load_state_dict(scorer.state_dict())
    histories = torch.tensor([[6, 0, 2], [1, 2, 3]])
    assert torch.equal(twin(histories), scorer(histories))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"penalty": 0.0}, "penalty must be above 0, got 0.0"),
        ({"decay": -1.0}, "decay must be 0 or more, got -1.0"),
        ({"backward": 2.0}, "backward must be from 0 to 1, got 2.0"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        fit_transition(events(), **settings)
