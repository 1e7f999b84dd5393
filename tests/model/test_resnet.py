"""Residual networks hold, name by name, what published weights hold."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from appkit.model.resnet import RESNET_DEPTHS, ResNet

PUBLISHED_SIZES = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032}  # parameters of torchvision's models


def unfilled(depth):
    with torch.device("meta"):  # names and shapes, no numbers
        return ResNet(depth)


@pytest.mark.parametrize("depth", RESNET_DEPTHS)
def test_a_network_has_as_many_parameters_as_the_published_one(depth):
    assert sum(p.numel() for p in unfilled(depth).parameters()) == PUBLISHED_SIZES[depth]


@pytest.mark.parametrize(
    ("depth", "name", "shape"),
    [
        (18, "conv1.weight", (64, 3, 7, 7)),
        (18, "layer2.0.downsample.0.weight", (128, 64, 1, 1)),
        (34, "layer3.5.bn2.running_var", (256,)),
        (50, "layer1.0.downsample.1.weight", (256,)),
        (50, "layer4.2.conv3.weight", (2048, 512, 1, 1)),
        (50, "fc.weight", (1000, 2048)),
    ],
)
def test_parameters_bear_their_published_names_and_shapes(depth, name, shape):
    assert tuple(unfilled(depth).state_dict()[name].shape) == shape


def test_resnet_50_halves_in_its_wide_convolution():
    assert unfilled(50).get_submodule("layer2.0.conv2").stride == (2, 2)


def test_each_map_has_half_the_resolution_of_the_one_before():
    sides = [h.shape[-1] for h in ResNet(18).eval().maps(torch.zeros(1, 3, 64, 64))]
    assert sides == [16, 8, 4, 2]


def test_a_block_adds_to_its_input():
    torch.manual_seed(0)
    block = ResNet(18).layer1[0].eval()
    x = torch.randn(2, 64, 5, 5)
    assert torch.equal(block(x), functional.relu(x))  # its last normalisation starts at 0
    nn.init.ones_(block.bn2.weight)
    inner = block.bn2(block.conv2(functional.relu(block.bn1(block.conv1(x)))))
    assert torch.allclose(block(x), functional.relu(x + inner))


def test_another_depth_is_refused():
    with pytest.raises(ValueError, match="depth must be one of 18, 34, 50, got 101"):
        ResNet(101)
