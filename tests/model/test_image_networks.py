"""Networks for images take any size, decide by every pixel and name their layers from input to output."""

import pytest
import torch
from torch import nn

from appkit.data.images import ImageShape
from appkit.model.image_networks import IMAGE_NETWORKS, image_network


def network(name="resnet", *, side=28, height=None, n_channels=1, n_outputs=2, width=8, dropout=0.2):
    torch.manual_seed(0)
    shape = ImageShape(n_channels=n_channels, height=height or side, width=side)
    return image_network(name, shape, n_outputs, width=width, dropout=dropout).eval()


def images(n, *, side=28, height=None, n_channels=1):
    return torch.randn(n, n_channels, height or side, side, generator=torch.Generator().manual_seed(0))


every_network = pytest.mark.parametrize("name", IMAGE_NETWORKS)


@every_network
@pytest.mark.parametrize("side", [1, 8, 9, 28, 33, 64, 128, 224, 512])
def test_any_size_gives_one_logit_per_output(name, side):
    assert network(name, side=side, n_channels=3)(images(1, side=side, n_channels=3)).shape == (1, 2)


@every_network
def test_long_images_are_taken_by_their_shorter_side(name):
    assert network(name, side=100, height=12)(images(2, side=100, height=12)).shape == (2, 2)


@pytest.mark.parametrize(
    ("side", "maps"), [(8, [8, 4]), (28, [14, 7, 4]), (128, [32, 16, 8, 4]), (224, [56, 28, 14, 7])]
)
def test_stages_start_from_a_small_map_and_halve_it(side, maps):
    module, seen = network(side=side), []
    for stage in module.stages[1:-1]:
        module.get_submodule(stage).register_forward_hook(lambda *call: seen.append(call[-1].shape[-1]))
    module(images(1, side=side))
    assert seen == maps


@every_network
def test_the_output_layer_reads_the_features(name):
    module, Z = network(name), images(3)
    assert isinstance(module.output, nn.Linear)
    assert module.features(Z).shape == (3, 32)
    torch.testing.assert_close(module.output(module.features(Z)), module(Z))


@every_network
def test_every_parameter_belongs_to_one_stage_in_order(name):
    module = network(name)
    owners = [
        [k for k, stage in enumerate(module.stages) if parameter.startswith(stage + ".")]
        for parameter, _ in module.named_parameters()
    ]
    assert all(len(owner) == 1 for owner in owners)
    assert owners == sorted(owners)


@every_network
@pytest.mark.parametrize("side", [8, 29, 128])
def test_every_pixel_has_an_influence(name, side):
    Z = images(1, side=side).requires_grad_()
    network(name, side=side)(Z)[:, 0].sum().backward()
    assert (Z.grad != 0).all()


@every_network
def test_every_parameter_is_trained(name):
    module = network(name).train()
    nn.functional.cross_entropy(module(images(16)), torch.arange(16) % 2).backward()
    still = {n for n, p in module.named_parameters() if p.grad is None or not p.grad.isfinite().all()}
    assert still == set()


@every_network
def test_channels_last_in_bfloat16_answers_nearly_alike(name):
    module, Z = network(name), images(4)
    exact = module(Z)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = module(Z.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(rounded.float(), exact, atol=0.03, rtol=0.03)


def test_a_module_in_bfloat16_takes_bfloat16():
    assert network("convnext").bfloat16()(images(2).bfloat16()).dtype == torch.bfloat16


def test_a_step_down_repeats_edges_and_weighs_one_two_one():
    blur = network().stage2[0][:2]
    ramp = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0]).expand(1, 8, 5, 5)
    assert blur(ramp)[0, 0, 0].tolist() == [(1 + 2 + 2) / 4, (2 + 8 + 8) / 4, (8 + 32 + 16) / 4]


def test_blocks_start_by_passing_their_input_on():
    block, x = network().stage1[0], images(2, n_channels=8).relu()
    assert torch.equal(block(x), x)


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="network must be one of resnet, convnext, got 'vgg'"):
        network("vgg")
