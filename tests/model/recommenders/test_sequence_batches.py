"""Hold batches to: every event once, each after what came before it."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders.sequence_batches import sequence_batches

LENGTHS = (1, 2, 5, 6, 11, 40)


def events() -> Interactions:
    users = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    return read_interactions(pd.DataFrame({"user": users, "item": np.arange(len(users))}))


@pytest.mark.parametrize("seed", range(5))
def test_every_event_is_learnt_once_after_the_one_before_it(seed):
    data, learnt = events(), Counter[tuple[int, int]]()
    for batch in sequence_batches(data, length=5, n_events=30, rng=np.random.default_rng(seed)):
        places = batch.is_learnt
        learnt.update(zip(batch.histories[places].tolist(), batch.following[places].tolist(), strict=True))
    firsts = set(data.offsets[:-1])
    expected = Counter((data.n_items if item in firsts else item - 1, item) for item in range(len(data)))
    assert learnt == expected


def test_pieces_are_no_longer_than_asked_and_batches_no_larger():
    for batch in sequence_batches(events(), length=5, n_events=12, rng=np.random.default_rng(0)):
        assert batch.histories.shape[1] <= 5
        assert batch.histories.numel() <= 12


def test_padding_is_on_the_left_and_not_learnt_from():
    for batch in sequence_batches(events(), length=5, n_events=30, rng=np.random.default_rng(1)):
        ordered = batch.is_learnt.int()
        assert (ordered.diff(dim=1) >= 0).all()
        assert (batch.histories[~batch.is_learnt] == events().n_items).all()


def test_long_histories_are_cut_elsewhere_in_another_epoch():
    rng = np.random.default_rng(0)
    starts = set()
    for _ in range(10):
        for batch in sequence_batches(events(), length=5, n_events=5, rng=rng):
            starts.add(int(batch.histories[0][batch.is_learnt[0]][0]))
    assert len(starts & set(range(25, 65))) > 10  # of the user with 40 events


def test_users_without_events_are_passed_over():
    data = events().take(events().user != 2)
    batches = sequence_batches(data, length=50, n_events=1_000, rng=np.random.default_rng(0))
    assert sum(int(batch.is_learnt.sum()) for batch in batches) == len(data)
