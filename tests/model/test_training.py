"""The training loop stops, restores and resumes as it says."""

import copy
import time

import pytest
import torch
from torch import nn

from appkit.model.device import place
from appkit.model.heads import BinaryHead
from appkit.model.training import TrainingData, TrainingSettings, _one_cycle, member_logits, train


def rows(n, seed):
    generator = torch.Generator().manual_seed(seed)
    Z = torch.randn(n, 3, generator=generator)
    y = (torch.rand(n, generator=generator) < torch.sigmoid(2 * Z[:, 0])).float()
    return TrainingData(Z, y, torch.ones(n))


def fresh_module():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))


def fit(module, *, max_epochs=6, patience=3, learning_rate=1e-2, **options):
    settings = TrainingSettings(learning_rate, 0.0, 32, max_epochs, patience)
    return train(
        module,
        rows(200, 0),
        rows(100, 1),
        head=BinaryHead(),
        settings=settings,
        placement=place("cpu"),
        seed=7,
        **options,
    )


def test_best_epoch_is_restored():
    module = fresh_module()
    history = fit(module, max_epochs=40, learning_rate=0.3)
    held = rows(100, 1)
    mean = BinaryHead().means(member_logits(module, held.Z)).mean(dim=1)
    loss = float(BinaryHead().score(mean, held.target).mean())
    assert abs(loss - min(line.validation_loss for line in history)) < 1e-5
    assert loss < history[-1].validation_loss


def test_training_stops_after_patience_epochs_without_gain():
    history = fit(fresh_module(), max_epochs=200, patience=2, learning_rate=0.3)
    best = min(range(len(history)), key=lambda i: history[i].validation_loss)
    assert len(history) < 200
    assert len(history) - 1 - best >= 2


def test_resuming_gives_the_bits_of_the_run_that_was_never_stopped():
    whole, kept = fresh_module(), []
    fit(whole, on_epoch=lambda line, state: kept.append(copy.deepcopy(state)))
    resumed = fresh_module()
    fit(resumed, resume=kept[2])
    assert all(
        torch.equal(a, b) for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True)
    )


def test_global_generator_is_left_as_found():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    fit(fresh_module(), max_epochs=1)
    assert torch.equal(torch.rand(1), expected)


def test_deadline_in_the_past_still_trains_one_epoch():
    assert len(fit(fresh_module(), deadline=time.monotonic() - 1)) == 1


def test_weights_of_zero_take_a_row_out():
    data = rows(200, 0)
    poisoned = TrainingData(data.Z, torch.where(torch.arange(200) < 100, data.target, 1 - data.target), data.weight)
    weight = torch.where(torch.arange(200) < 100, 2.0, 0.0)
    module = fresh_module()
    settings = TrainingSettings(1e-2, 0.0, 200, 30, 30)
    train(
        module, TrainingData(poisoned.Z, poisoned.target, weight), rows(100, 1),
        head=BinaryHead(), settings=settings, placement=place("cpu"), seed=0,
    )  # fmt: skip
    held = rows(100, 1)
    said = member_logits(module, held.Z)[:, 0, 0] > 0
    assert (said == (held.target > 0.5)).float().mean() > 0.7


def test_member_logits_do_not_depend_on_the_chunk(monkeypatch):
    module, Z = fresh_module(), rows(50, 2).Z
    whole = member_logits(module, Z)
    monkeypatch.setattr("appkit.model.training.PREDICT_ROWS", 7)
    assert torch.allclose(member_logits(module, Z), whole, atol=1e-6)
    assert whole.shape == (50, 1, 1)


def test_wide_tables_pass_in_smaller_blocks_that_divide_a_batch():
    seen = []

    class Spy(nn.Module):
        def forward(self, Z):
            seen.append(len(Z))
            return Z[:, :1]

    member_logits(Spy(), torch.zeros(2048, 3000))
    member_logits(Spy(), torch.zeros(5000, 200))
    assert seen == [256] * 8 + [4096, 904]


def fit_with(module, *, resume=None, on_epoch=None, max_epochs=6, **settings):
    return train(
        module,
        rows(65, 0),
        rows(100, 1),
        head=BinaryHead(),
        settings=TrainingSettings(1e-2, 0.0, 32, max_epochs, max_epochs, **settings),
        placement=place("cpu"),
        seed=7,
        resume=resume,
        on_epoch=on_epoch,
    )


def test_an_average_of_weights_is_what_is_judged_and_kept():
    module, plain = fresh_module(), fresh_module()
    history = fit_with(module, average_decay=0.99)
    fit_with(plain)
    held = rows(100, 1)
    mean = BinaryHead().means(member_logits(module, held.Z)).mean(dim=1)
    assert float(BinaryHead().score(mean, held.target).mean()) == pytest.approx(
        min(line.validation_loss for line in history), abs=1e-5
    )
    assert not torch.equal(module[0].weight, plain[0].weight)


def test_resuming_keeps_average_schedule_and_mixing():
    whole, kept, options = fresh_module(), [], {"average_decay": 0.9, "schedule": "one-cycle", "mixup": 0.5}
    fit_with(whole, on_epoch=lambda line, state: kept.append(copy.deepcopy(state)), **options)
    resumed = fresh_module()
    fit_with(resumed, resume=kept[2], **options)
    assert torch.equal(resumed[0].weight, whole[0].weight)


def test_a_last_batch_of_one_row_is_left_out_where_two_are_needed():
    norm = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))  # which refuses a single row
    assert len(fit_with(norm, least_batch=2, max_epochs=1)) == 1


def test_the_rate_of_one_cycle_rises_and_falls_to_nothing():
    shares = [_one_cycle(step, n_steps=100) for step in (0, 9, 19, 59, 99)]
    assert shares == pytest.approx([0.05, 0.5, 1.0, 0.5, 0.0])


def test_a_factor_of_zero_freezes_a_parameter():
    module = fresh_module()
    before = module[0].weight.detach().clone()
    fit_with(module, rates=lambda made: {name: 0.0 for name, _ in made[0].named_parameters(prefix="0")})
    assert torch.equal(module[0].weight, before)


def test_batches_are_augmented_while_learning_only():
    seen = []
    fit_with(fresh_module(), augment=lambda Z: seen.append(len(Z)) or Z, max_epochs=1)
    assert seen == [32, 32, 1]
