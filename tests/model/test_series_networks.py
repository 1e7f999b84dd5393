"""Networks for windows read real steps, the age at the last of them, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from appkit.data.series_layout import SeriesLayout
from appkit.model.series_networks import SERIES_NETWORKS, WindowStatistics, series_network

N_TIMES = 12
AGE = 4


LAYOUT = SeriesLayout(
    N_TIMES, ("heat", "load", "flow", "age"), (0, 1, 2, 0, 3, -1), readings=(0, 1, 2), indicators=(3,), age=AGE
)


def windows(n_real, *, seed=0):
    """Windows of ``n_real`` real steps each, padded by zeros at the start."""
    Z = torch.randn(len(n_real), N_TIMES, 6, generator=torch.Generator().manual_seed(seed))
    real = torch.arange(N_TIMES) >= N_TIMES - torch.tensor(n_real)[:, None]
    Z[..., 3], Z[..., 5] = (Z[..., 3] > 1).float(), 1.0
    return Z * real[..., None]


def network(name, *, n_outputs=2, layout=LAYOUT, dropout=0.1):
    """A network whose path over the steps has a say, as it has after training."""
    torch.manual_seed(0)
    module = series_network(name, layout, n_outputs, width=32, depth=3, dropout=dropout).eval()
    if module.steps is not None:
        torch.nn.init.normal_(module.steps_output.weight)
    return module


every_network = pytest.mark.parametrize("name", SERIES_NETWORKS)


@every_network
def test_a_window_gives_one_logit_per_output(name):
    assert network(name)(windows([12, 5, 1])).shape == (3, 2)


@every_network
def test_padded_steps_have_no_influence_whatever_they_hold(name):
    Z = windows([7, 1])
    before = network(name)(Z)
    padded = Z[..., 5] == 0
    Z[..., :5][padded] = torch.randn(int(padded.sum()), 5, generator=torch.Generator().manual_seed(1)) * 9
    assert torch.equal(network(name)(Z), before)


@every_network
def test_padded_steps_have_no_influence_when_they_hold_no_number(name):
    Z = windows([7, 1])
    before = network(name)(Z)
    Z[..., :5][Z[..., 5] == 0] = torch.nan
    assert torch.equal(network(name)(Z), before)


@every_network
def test_the_age_is_read_at_the_last_step_only(name):
    Z = windows([12, 5])
    before = network(name)(Z)
    Z[:, :-1, AGE] += 3.0
    assert torch.equal(network(name)(Z), before)
    Z[:, -1, AGE] += 3.0
    assert not torch.allclose(network(name)(Z), before)


@every_network
def test_every_real_reading_has_an_influence(name):
    Z = windows([12, 6]).requires_grad_()
    network(name, dropout=0.0)(Z).square().sum().backward()
    read = Z[..., :4].detach() * 0 + (Z[..., 5:] > 0)
    assert torch.equal(Z.grad[..., :4] != 0, read > 0)


@every_network
def test_gradients_are_finite_where_readings_are_constant_and_steps_few(name):
    Z = windows([1, 2, 12]) * 0
    Z[:, -1, 5] = 1.0
    Z.requires_grad_()
    net = network(name)
    net(Z).sum().backward()
    assert torch.isfinite(Z.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


@every_network
def test_a_window_without_a_real_step_gives_a_number(name):
    assert torch.isfinite(network(name)(torch.zeros(2, N_TIMES, 6))).all()


@every_network
def test_a_window_is_answered_alike_in_any_batch(name):
    Z = windows([12] * 200 + [5] * 56)
    net = network(name)
    whole = net(Z)
    assert torch.equal(torch.cat([net(part) for part in Z.split(64)]), whole)
    order = torch.randperm(256, generator=torch.Generator().manual_seed(2))
    assert torch.equal(net(Z[order]), whole[order])


@every_network
def test_networks_do_without_age_and_indicators(name):
    layout = replace(LAYOUT, indicators=(), age=None)
    Z = windows([12, 5])
    before = network(name, layout=layout)(Z)
    Z[..., 3:5] += 1.0
    assert torch.equal(network(name, layout=layout)(Z), before)


@pytest.mark.parametrize("name", ["tcn", "gru", "lstm"])
def test_causal_paths_look_back_only(name):
    net = network(name, dropout=0.0)
    x, real = torch.randn(2, N_TIMES, 4, generator=torch.Generator().manual_seed(3)), torch.ones(2, N_TIMES).bool()
    before = net.steps(x, real)
    x[:, 6:] += 1.0
    assert torch.equal(net.steps(x, real)[:, :6], before[:, :6])


@pytest.mark.parametrize("name", ["tcn", "gru", "lstm"])
def test_a_short_window_gives_the_same_however_far_it_is_padded(name):
    net = network(name)
    Z = windows([5])
    real = Z[..., 5] > 0
    short, whole = Z[:, -5:, :4], Z[..., :4]
    assert torch.allclose(net.steps(short, real[:, -5:]), net.steps(whole, real)[:, -5:], atol=1e-6)


@pytest.mark.parametrize("n_real", [1, 2, 3, 7, 12])
def test_statistics_are_those_of_the_real_steps(n_real):
    Z = windows([n_real])
    x = Z[0, N_TIMES - n_real :, 0].double().numpy()
    expected = [x[-1:].mean(), x[-2:].mean(), x.mean()]
    for steps in (min(6, n_real), n_real):
        expected.append(1.5 * np.polyfit(np.arange(steps), x[-steps:], 1)[0] * steps if steps > 1 else 0.0)
    expected.append(Z[0, N_TIMES - n_real :, 3].mean())
    got = WindowStatistics(1, 1)(Z[..., [0, 3]], Z[..., 5] > 0)[0]
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["tcn", "gru", "lstm", "transformer"])
def test_an_untrained_path_over_the_steps_says_nothing(name):
    Z = windows([12, 5])
    module = series_network(name, LAYOUT, 2).eval()
    before = module(Z)
    torch.nn.init.normal_(next(module.steps.parameters()))
    assert torch.equal(module(Z), before)


@pytest.mark.parametrize("name", ["tcn", "gru", "lstm", "transformer"])
def test_the_path_over_the_steps_tells_courses_of_equal_statistics(name):
    """Up, down, down, up by the same: no mean and no slope changes."""
    Z = windows([12])
    course = Z.clone()
    course[0, 6:10, 0] += torch.tensor([5.0, -5.0, -5.0, 5.0])
    statistics = WindowStatistics(1, 1)
    real = Z[..., 5] > 0
    assert torch.allclose(statistics(Z[..., [0, 3]], real), statistics(course[..., [0, 3]], real), atol=1e-5)
    assert (network(name)(Z) - network(name)(course)).abs().max() > 1e-2


@every_network
def test_the_same_seed_gives_the_same_network(name):
    Z = windows([12, 3])
    assert torch.equal(network(name)(Z), network(name)(Z))


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError, match=r"network must be one of tcn, gru, .*, got 'rnn'"):
        series_network("rnn", LAYOUT, 1)
