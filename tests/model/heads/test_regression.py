"""Numbers and quantiles in units of the target, within its range."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from appkit.model.heads import QuantileHead, RegressionHead


def test_regression_works_in_units_of_the_target():
    head = RegressionHead(centre=10.0, scale=2.0)
    assert head.means(torch.tensor([[[1.5]]])).item() == 13.0
    assert head.loss(torch.tensor([[[1.5]]]), torch.tensor([12.0])).item() == pytest.approx(0.25)
    assert head.score(torch.tensor([[13.0]]), torch.tensor([12.0])).item() == pytest.approx(0.25)


def test_members_stay_within_the_range_of_the_target():
    head = RegressionHead(centre=10.0, scale=2.0, low=0.0, high=12.0)
    logits = torch.tensor([[[-9.0], [0.5], [4.0]]])
    assert head.means(logits).flatten().tolist() == [0.0, 11.0, 12.0]
    assert head.score(head.means(logits).mean(dim=1), torch.tensor([10.0])).item() == pytest.approx(
        ((23 / 3 - 10) / 2) ** 2
    )


def test_a_logit_beyond_the_range_still_learns():
    head = RegressionHead(centre=10.0, scale=2.0, high=12.0)
    logits = torch.tensor([[[4.0]]], requires_grad=True)
    head.loss(logits, torch.tensor([12.0])).sum().backward()
    assert logits.grad.item() == pytest.approx(2 * (4 - 1))


def test_pinball_loss_is_that_of_scikit_learn():
    head = QuantileHead(centre=1.0, scale=2.0, levels=(0.1, 0.5, 0.8))
    rng = np.random.default_rng(0)
    target, quantiles = rng.normal(size=40), rng.normal(size=(40, 3))
    expected = [mean_pinball_loss(target, quantiles[:, k], alpha=level) / 2 for k, level in enumerate(head.levels)]
    score = head.score(torch.from_numpy(quantiles), torch.from_numpy(target))
    assert score.shape == (40,)
    assert score.mean().item() == pytest.approx(np.mean(expected))


def test_quantile_loss_counts_in_standard_units():
    head = QuantileHead(centre=10.0, scale=2.0, levels=(0.1, 0.5, 0.9))
    loss = head.loss(torch.tensor([[[-1.0, 0.0, 2.0], [1.0, 1.0, 1.0]]]), torch.tensor([12.0]))
    assert loss.tolist() == [[pytest.approx((0.1 * 2 + 0.5 * 1 + 0.1 * 1) / 3), 0.0]]


def test_quantiles_never_cross_and_sorting_never_costs():
    head = QuantileHead(centre=0.0, scale=1.0, levels=(0.05, 0.25, 0.5, 0.75, 0.95))
    generator = torch.Generator().manual_seed(0)
    logits, target = torch.randn(200, 3, 5, generator=generator), torch.randn(200, generator=generator)
    means = head.means(logits)
    assert torch.all(means.diff(dim=-1) >= 0)
    assert torch.all(means.mean(dim=1).diff(dim=-1) >= 0)
    assert torch.all(head.loss(means.float(), target) <= head.loss(logits, target) + 1e-6)


def test_quantiles_stay_within_the_range_and_the_median_is_the_point_prediction():
    head = QuantileHead(centre=10.0, scale=2.0, low=9.0, high=11.0)
    means = head.means(torch.tensor([[[-5.0, 0.25, 5.0]]]))
    assert means.flatten().tolist() == [9.0, 10.5, 11.0]
    assert means[0, 0, head.median].item() == 10.5


@pytest.mark.parametrize("levels", [(0.05, 0.95), (0.5, 0.1), (0.5, 0.5), (0.0, 0.5), (0.5, 1.0), ()])
def test_levels_that_do_not_rise_through_the_median_are_refused(levels):
    with pytest.raises(ValueError, match=r"levels must rise strictly between 0 and 1 and include 0\.5"):
        QuantileHead(0.0, 1.0, levels=levels)


CENSORED = QuantileHead(centre=0.0, scale=1.0, levels=(0.1, 0.5, 0.9), low=0.0)


def test_a_quantile_above_a_censored_value_is_not_punished():
    logits = torch.tensor([[[2.0, 3.0, 4.0]]])
    seen, sold_out = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0]])
    assert CENSORED.loss(logits, seen).item() == pytest.approx((0.9 * 1 + 0.5 * 2 + 0.1 * 3) / 3)
    assert CENSORED.loss(logits, sold_out).item() == 0
    assert CENSORED.score(logits[:, 0], sold_out).item() == 0


def test_a_quantile_below_a_censored_value_pays_as_any_other():
    logits = torch.tensor([[[0.0, 1.0, 2.0]]])
    expected = (0.1 * 5 + 0.5 * 4 + 0.9 * 3) / 3
    for is_censored in (0.0, 1.0):
        target = torch.tensor([[5.0, is_censored]])
        assert CENSORED.loss(logits, target).item() == pytest.approx(expected)
        assert CENSORED.score(logits[:, 0], target).item() == pytest.approx(expected)


def test_what_lies_beyond_a_censored_value_pulls_by_the_share_that_ends_below():
    # half way between the quantiles of 0.1 and 0.5, so that 0.3 end below the bound
    logits = torch.tensor([[[1.0, 3.0, 7.0]]], requires_grad=True)
    CENSORED.loss(logits, torch.tensor([[2.0, 1.0]])).sum().backward()
    expected = np.array([-0.1, -0.3 * 0.5 / 0.7, -0.3 * 0.1 / 0.7]) / 3
    np.testing.assert_allclose(logits.grad.flatten(), expected, rtol=1e-5)


def test_nothing_ends_below_the_least_value_there_is():
    logits = torch.tensor([[[-2.0, -1.0, 1.0]]], requires_grad=True)
    CENSORED.loss(logits, torch.tensor([[0.0, 1.0]])).sum().backward()
    np.testing.assert_allclose(logits.grad.flatten(), np.array([-0.1, -0.5, 0.0]) / 3, rtol=1e-5)


def test_quantiles_learnt_from_censored_values_are_those_of_the_truth():
    rng = np.random.default_rng(0)
    truth, bound = rng.exponential(size=(2, 10_000)) * [[1.0], [2.0]]
    target = torch.from_numpy(np.column_stack([np.minimum(truth, bound), truth > bound]))
    head = QuantileHead(centre=0.0, scale=1.0, levels=(0.1, 0.3, 0.5, 0.7, 0.9), low=0.0)
    quantiles = torch.ones(5, requires_grad=True)
    optimizer = torch.optim.Adam([quantiles], lr=0.03)
    for _ in range(300):
        optimizer.zero_grad()
        head.loss(quantiles.expand(len(target), 1, 5), target).mean().backward()
        optimizer.step()
    np.testing.assert_allclose(quantiles.detach(), -np.log(1 - np.array(head.levels)), rtol=0.06)
