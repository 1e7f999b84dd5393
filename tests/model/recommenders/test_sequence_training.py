"""Hold the fit of the Transformer to what it must learn, find and repeat."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders.gain import advice_gain
from appkit.model.recommenders.holdout import hold_out
from appkit.model.recommenders.sequence_training import SequenceTraining, fit_sequential
from appkit.model.recommenders.sequential import SequentialScorer

SMALL: dict[str, Any] = {"width": 16, "n_heads": 1, "length": 8, "dropout": 0.1}
QUICK = SequenceTraining(learning_rate=1e-2, batch_events=256, max_epochs=12, patience=3)


def chains(*, n_users: int = 60, length: int = 6, n_items: int = 12, seed: int = 0) -> Interactions:
    """Return users who go round the items in one order, each from somewhere else."""
    starts = np.random.default_rng(seed).integers(0, n_items, size=n_users)
    items = (starts[:, None] + np.arange(length)) % n_items
    return read_interactions(pd.DataFrame({"user": np.repeat(np.arange(n_users), length), "item": items.ravel()}))


def share_foreseen(scorer: SequentialScorer) -> float:
    last = torch.arange(12)
    histories = torch.stack([(last - 2) % 12, (last - 1) % 12, last], dim=1)
    return float((scorer(histories).argmax(dim=1) == (last + 1) % 12).float().mean())


def test_what_always_follows_is_foreseen():
    scorer = fit_sequential(chains(), n_epochs=30, training=QUICK, random_state=0, **SMALL)
    assert share_foreseen(scorer) > 0.9


def test_a_sampled_loss_learns_the_same():
    training = SequenceTraining(learning_rate=1e-2, batch_events=256, n_drawn=4)
    scorer = fit_sequential(chains(), n_epochs=50, training=training, random_state=0, **SMALL)
    assert share_foreseen(scorer) > 0.9


def test_an_empty_history_is_answered_by_what_users_begin_with():
    X = pd.DataFrame({"user": np.repeat(np.arange(40), 2), "item": ["bed", "sheet"] * 40})
    scorer = fit_sequential(read_interactions(X), n_epochs=20, training=QUICK, random_state=0, **SMALL)
    assert scorer(torch.tensor([[2, 2]])).argmax() == 0


def test_equal_seeds_give_equal_weights_and_leave_the_generators_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    fits = [fit_sequential(chains(), n_epochs=2, random_state=seed, **SMALL).item_vectors() for seed in (0, 0, 1)]
    assert torch.equal(fits[0], fits[1])
    assert not torch.equal(fits[0], fits[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_the_best_epoch_by_later_events_is_returned():
    fitted, judged = hold_out(chains(), "last")
    scorer = fit_sequential(fitted, validation=judged, training=QUICK, random_state=0, **SMALL)
    gains = {
        n: advice_gain(
            fit_sequential(fitted, n_epochs=n, training=QUICK, random_state=0, **SMALL), fitted, judged
        ).mean()
        for n in range(1, scorer.n_epochs + 2)
    }
    assert gains[scorer.n_epochs] == max(gains.values())


def test_without_later_events_all_are_learnt_for_the_epochs_found():
    data = chains()
    found = fit_sequential(
        *hold_out(data, "last")[:1], validation=hold_out(data, "last")[1], training=QUICK, random_state=0, **SMALL
    )
    scorer = fit_sequential(data, training=QUICK, random_state=0, **SMALL)
    again = fit_sequential(data, n_epochs=found.n_epochs, training=QUICK, random_state=0, **SMALL)
    assert torch.equal(scorer.item_vectors(), again.item_vectors())


def test_users_with_one_event_each_can_be_learnt_from():
    data = read_interactions(pd.DataFrame({"user": range(8), "item": list("aaaaaabc")}))
    scorer = fit_sequential(data, training=QUICK, random_state=0, **SMALL)
    assert scorer(torch.tensor([[3]])).argmax() == 0


def test_no_epoch_starts_after_the_time_is_up():
    seen: list[tuple[int, int]] = []
    fit_sequential(
        chains(), n_epochs=50, max_seconds=0.0, random_state=0, progress=lambda *step: seen.append(step), **SMALL
    )
    assert seen == [(1, 50)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_epochs": 0}, "n_epochs must be 'auto' or 1 or more, got 0"),
        ({"n_epochs": "many"}, "n_epochs must be 'auto' or 1 or more, got 'many'"),
        ({"length": 0}, "length must be 1 or more, got 0"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        fit_sequential(chains(), **settings)


def test_training_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"average_decay must be below 1, got 1\.0"):
        SequenceTraining(average_decay=1.0)
    with pytest.raises(ValueError, match="batch_events must be above 0, got 0"):
        SequenceTraining(batch_events=0)


def test_no_events_at_all_are_named():
    with pytest.raises(ValueError, match="data must have one event or more, got none"):
        fit_sequential(chains().take(np.zeros(360, dtype=bool)))
