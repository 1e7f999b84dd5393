"""Each stage learns at its own rate, and what does not learn holds still."""

import copy

import pytest
import torch
from torch import nn

from appkit.data.images import ImageShape
from appkit.model.flip_average import FlipAverage
from appkit.model.image_networks import image_network
from appkit.model.layer_rates import frozen, layer_rates


@pytest.fixture
def network():
    torch.manual_seed(0)
    return image_network("resnet", ImageShape(n_channels=1, height=16, width=16), 1, width=8)


class Staged(nn.Module):
    """Stages with several prefixes, one of which begins like another; and a parameter of no stage."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(1, 1, bias=False) for _ in range(11))
        self.output = nn.Linear(1, 1, bias=False)
        self.token = nn.Parameter(torch.zeros(1))
        self.stages = (("blocks.0", "blocks.1"), ("blocks.2", "blocks.10"), "output")


def batch(n=8):
    return torch.randn(n, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def test_rates_fall_by_stage_towards_the_input(network):
    rates = layer_rates(network, fine_tune="full", decay=0.5)
    n_stages = len(network.stages)
    assert rates["output.bias"] == 1.0
    assert rates["stem.0.weight"] == 0.5 ** (n_stages - 1)
    assert rates.keys() == dict(network.named_parameters()).keys()


def test_the_last_stage_alone_learns_beside_the_output(network):
    rates = layer_rates(network, fine_tune="last-stage")
    assert {name.split(".")[0] for name, rate in rates.items() if rate} == {network.stages[-2], "output"}


def test_nothing_but_the_output_learns(network):
    rates = layer_rates(network, fine_tune="none")
    assert {name for name, rate in rates.items() if rate} == {"output.weight", "output.bias"}


def test_a_prefix_means_whole_parts_of_a_name():
    rates = layer_rates(Staged(), fine_tune="full", decay=0.1)
    assert rates["blocks.1.weight"] == pytest.approx(0.01)
    assert rates["blocks.10.weight"] == pytest.approx(0.1)


def test_a_parameter_of_no_stage_learns_like_the_first():
    assert layer_rates(Staged(), fine_tune="full", decay=0.1)["token"] == pytest.approx(0.01)
    assert layer_rates(Staged(), fine_tune="last-stage")["token"] == 0.0


def test_what_is_around_a_network_learns_at_the_full_rate(network):
    around = nn.ModuleDict({"inner": FlipAverage(network), "cuts": nn.Linear(1, 1)})
    rates = layer_rates(around, fine_tune="none")
    assert {name for name, rate in rates.items() if rate} == {
        "inner.network.output.weight",
        "inner.network.output.bias",
        "cuts.weight",
        "cuts.bias",
    }


def test_every_network_of_several_has_its_own_stages(network):
    rates = layer_rates(nn.ModuleList([network, copy.deepcopy(network)]), fine_tune="none")
    assert sorted(name for name, rate in rates.items() if rate)[::2] == ["0.output.bias", "1.output.bias"]


def test_stages_inside_a_staged_network_are_its_own_business():
    outer = Staged()
    outer.blocks[0] = Staged()
    assert layer_rates(outer, fine_tune="full", decay=0.1)["blocks.0.output.weight"] == pytest.approx(0.01)


def test_a_network_without_stages_learns_as_a_whole_or_not_at_all():
    assert layer_rates(nn.Linear(1, 1), fine_tune="full") == {"weight": 1.0, "bias": 1.0}
    with pytest.raises(ValueError, match="needs a network with stages, Linear names none"):
        layer_rates(nn.Linear(1, 1), fine_tune="last-stage")


@pytest.mark.parametrize(("wrong", "message"), [({"fine_tune": "all"}, "got 'all'"), ({"decay": 0.0}, "got 0.0")])
def test_wrong_arguments_are_named(network, wrong, message):
    with pytest.raises(ValueError, match=message):
        layer_rates(network, **({"fine_tune": "full"} | wrong))


def test_frozen_parts_keep_their_weights_and_statistics(network):
    before = copy.deepcopy(network.state_dict())
    rates = layer_rates(network, fine_tune="last-stage")
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    with frozen(network, rates):
        network.train()(batch()).sum().backward()
        optimizer.step()
    after = network.state_dict()
    changed = {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])}
    assert changed == {network.stages[-2], "output"}


def test_dropout_of_a_frozen_part_drops_nothing():
    module = nn.Sequential(nn.Sequential(nn.Linear(4, 64), nn.Dropout(0.5)), nn.Linear(64, 1))
    x = torch.ones(3, 4)
    with frozen(module, {"0.0.weight": 0.0, "0.0.bias": 0.0}):
        assert (module.train()[0](x) != 0).all()
    assert (module.train()[0](x) == 0).any()


def test_afterwards_all_parameters_ask_for_gradients_again(network):
    first = next(network.parameters()).requires_grad_(False)  # the user's own wish
    with frozen(network, layer_rates(network, fine_tune="none")):
        assert [name for name, p in network.named_parameters() if p.requires_grad] == ["output.weight", "output.bias"]
    assert [p for p in network.parameters() if not p.requires_grad] == [first]
    assert not any(part._forward_pre_hooks for part in network.modules())


def test_parts_thaw_even_after_an_error(network):
    with pytest.raises(RuntimeError, match="stopped"), frozen(network, layer_rates(network, fine_tune="none")):
        raise RuntimeError("stopped")
    assert all(p.requires_grad for p in network.parameters())
