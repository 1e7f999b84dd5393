"""The training loop stops, restores and resumes as it says."""

import time

import torch
from torch import nn

from appkit.model.device import place
from appkit.model.heads import BinaryHead
from appkit.model.training import TrainingData, TrainingSettings, member_logits, train


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
    import copy

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
