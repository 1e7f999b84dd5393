"""Hold the sampled loss to the full one."""

import pytest
import torch

from appkit.model.device import Placement
from appkit.model.recommenders.sequence_loss import sampled_softmax_loss, softmax_loss

EXACT = Placement("cpu", "float32")


def problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    states, items = (torch.randn(n, 4, generator=generator) for n in (6, 300))
    return states, items, torch.randint(300, (6,), generator=generator)


def test_softmax_loss_is_the_mean_surprise_at_what_followed():
    states, items, following = problem()
    surprise = [-(state @ items.T).softmax(dim=0)[item].log() for state, item in zip(states, following, strict=True)]
    torch.testing.assert_close(softmax_loss(states, items, following, placement=EXACT), torch.stack(surprise).mean())


def test_sampled_loss_over_all_items_is_the_full_one():
    states, items, following = problem()
    sampled = sampled_softmax_loss(states, items, following, drawn=torch.arange(300), placement=EXACT)
    torch.testing.assert_close(sampled, softmax_loss(states, items, following, placement=EXACT))


def test_sampled_loss_comes_near_the_full_one_with_many_draws():
    states, items, following = problem()
    drawn = torch.randint(300, (20_000,), generator=torch.Generator().manual_seed(1))
    sampled = sampled_softmax_loss(states, items, following, drawn=drawn, placement=EXACT)
    full = softmax_loss(states, items, following, placement=EXACT)
    assert float(sampled) == pytest.approx(float(full), abs=0.02)
