import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.data.ids import Ids
from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders import two_tower_training
from appkit.model.recommenders.two_tower import TwoTowerScorer
from appkit.model.recommenders.two_tower_training import _Batch, _handicap, fit_two_tower

SMALL: dict[str, Any] = {
    "n_factors": 8,
    "n_hidden": 16,
    "max_epochs": 12,
    "batch_size": 32,
    "learning_rate": 0.02,
    "random_state": 0,
}
KIND = np.arange(30) % 3  # of items; those from 24 on are never taken
TASTE = np.arange(150) % 3  # of users
ONE_HOT = np.eye(3, dtype=np.float32)


def events() -> Interactions:
    """Users take six of the eight items of their kind, and one of any."""
    rng = np.random.default_rng(0)
    rows = []
    for user, taste in enumerate(TASTE):
        liked = rng.choice(np.flatnonzero(KIND[:24] == taste), size=6, replace=False)
        rows += [(user, item) for item in (*liked, rng.integers(24))]
    frame = pd.DataFrame(rows, columns=["user", "item"])
    return read_interactions(frame, items=Ids(np.arange(30)))


def advised_kinds(scores: torch.Tensor, among: slice) -> np.ndarray:
    """Return the kind of the best item of each row."""
    return KIND[among][scores[:, among].argmax(dim=1).numpy()]


def histories(data: Interactions) -> torch.Tensor:
    return torch.from_numpy(data.padded(np.arange(data.n_users)))


@pytest.mark.parametrize("whole_catalogue", [4_096, 0])
def test_cold_items_find_the_users_of_their_kind(monkeypatch, whole_catalogue):
    monkeypatch.setattr(two_tower_training, "_WHOLE_CATALOGUE", whole_catalogue)
    data = events()
    towers = fit_two_tower(data, item_features=ONE_HOT[KIND], **SMALL)
    assert np.mean(advised_kinds(towers(histories(data)), slice(24, 30)) == TASTE) > 0.95


def test_cold_users_are_advised_by_their_features():
    data = events()
    towers = fit_two_tower(data, user_features=ONE_HOT[TASTE], **SMALL)
    scores = towers(torch.full((3, 1), 30), torch.from_numpy(ONE_HOT))
    assert advised_kinds(scores, slice(0, 24)).tolist() == [0, 1, 2]


def test_without_features_histories_alone_tell_the_taste():
    data = events()
    towers = fit_two_tower(data, **SMALL)
    scores = towers(histories(data)).masked_fill(torch.from_numpy(data.matrix().toarray() > 0), -torch.inf)
    assert np.mean(advised_kinds(scores, slice(0, 24)) == TASTE) > 0.9


def test_the_loss_is_the_softmax_over_what_was_not_shown():
    towers = TwoTowerScorer(4, n_factors=2, dropout=0.0)
    towers.has_events.fill_(1.0)
    batch = _Batch(torch.arange(4), torch.tensor([[4, 0]]), torch.tensor([[1, 3]]), torch.zeros(4), torch.zeros(1, 0))
    scores = towers(torch.tensor([[0]]))[0].detach().double().numpy()
    odds = np.exp(scores[1:]) / np.exp(scores[1:]).sum()
    assert batch.loss(towers).item() == pytest.approx(-np.log(odds[[0, 2]]).mean(), abs=1e-5)


def test_the_handicap_is_the_chance_to_be_met_and_bars_those_who_were_not():
    handicap = _handicap(torch.tensor([0.5, 0.25, 0.25]), torch.tensor([True, True, False]), n_draws=2)
    assert handicap.exp().tolist() == pytest.approx([0.75, 0.4375, np.inf])


def test_equal_seeds_give_equal_bits_and_leave_the_global_generator_alone():
    data, settings = events(), SMALL | {"max_epochs": 2}
    before = torch.get_rng_state()
    first, second = (fit_two_tower(data, **settings) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first(histories(data)), second(histories(data)))


def test_a_deadline_that_has_passed_leaves_one_epoch():
    told = []
    fit_two_tower(events(), deadline=time.monotonic(), progress=lambda *done: told.append(done), **SMALL)
    assert told == [(1, 12)]


def test_it_stops_where_held_out_events_get_no_better():
    told = []
    settings = SMALL | {"learning_rate": 0.2, "max_epochs": 100, "patience": 2}
    fit_two_tower(events(), progress=lambda *done: told.append(done), **settings)
    assert len(told) < 100


def test_it_stops_on_the_events_given_and_says_after_how_many_epochs():
    data = events()
    is_held = np.random.default_rng(1).random(len(data)) < 0.2
    rebuys = data.take(np.arange(len(data)) < 5)  # known pairs cannot be told and are left out
    settings = SMALL | {"learning_rate": 0.2, "patience": 2, "max_epochs": 50}
    towers = fit_two_tower(data.take(~is_held), held_out=data.take(is_held), **settings)
    assert 1 <= towers.n_epochs < 48
    assert fit_two_tower(data, held_out=rebuys, **SMALL).n_epochs >= 1


def test_a_number_of_epochs_is_run_to_the_end_on_all_events():
    data, told = events(), []
    settings = SMALL | {"n_epochs": 3, "patience": 1, "learning_rate": 0.5}
    towers = fit_two_tower(data, progress=lambda *done: told.append(done), **settings)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert towers.has_events.tolist() == np.isin(np.arange(30), data.item).tolist()


def test_one_user_with_one_item_can_be_fitted():
    data = read_interactions(pd.DataFrame({"user": ["a"], "item": ["tea"]}))
    scores = fit_two_tower(data, **SMALL)(torch.tensor([[0]]))
    assert torch.isfinite(scores).all()


@pytest.mark.parametrize(
    ("features", "match"),
    [(np.ones((3, 2)), r"shape \(30, width\), got \(3, 2\)"), (np.full((30, 1), np.nan), "NaN or infinity in row 0")],
)
def test_features_that_do_not_fit_are_named(features, match):
    with pytest.raises(ValueError, match=f"item_features.*{match}"):
        fit_two_tower(events(), item_features=features)
