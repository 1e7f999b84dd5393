"""Grad-CAM by hand, the layer it picks, and the maps too coarse to say where."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from appkit.explanation import TensorGame
from appkit.explanation.gradients import grad_cam
from tests.explanation.fakes import game_of, make_numbers


class Block(nn.Module):
    """A residual block whose activation is one module, used twice and in place."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_in, n_out, 3, stride, 1)
        self.second = nn.Conv2d(n_out, n_out, 3, 1, 1)
        self.short, self.act = nn.Conv2d(n_in, n_out, 1, stride), nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(self.second(self.act(self.first(x))) + self.short(x))


def _resnet() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [Block(3, 4, 1), nn.Sequential(Block(4, 6, 2), Block(6, 6, 1)), Block(6, 8, 4)]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))


def _images(n: int, side: int = 16) -> torch.Tensor:
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(0))


def _game(network, images, **options) -> TensorGame:
    """Each of 4 x 4 patches is a player."""
    cell = torch.arange(images.shape[-1]) * 4 // images.shape[-1]
    options = {"output_names": ["first", "second"], **options}
    players = cell[:, None] * 4 + cell
    names = [f"patch {i}" for i in range(16)]
    return TensorGame(network, images, images[:1] * 0, players=players, player_names=names, **options)


def test_the_last_map_of_seven_cells_a_side_is_taken():
    assert grad_cam(_game(_resnet(), _images(2))).method == "grad-cam (1.1, 8x8)"


def test_values_are_the_weighted_map_averaged_over_each_patch():
    network, images = _resnet(), _images(3)
    for parameter in network.parameters():
        parameter.data.abs_()  # no dead unit, and all speak for the outputs
    found = grad_cam(_game(network, images))
    with torch.no_grad():
        activation = network[:2](images)
    activation.requires_grad_()
    network[2:](activation.clone())[:, 1].sum().backward()
    cam = (activation.grad.mean((2, 3), keepdim=True) * activation).sum(1, keepdim=True).relu()
    over_image = F.interpolate(cam, size=(16, 16), mode="bilinear")
    expected = F.avg_pool2d(over_image, 4).flatten(1).detach()
    np.testing.assert_allclose(found.values[..., 1], expected, rtol=1e-5)
    assert found.values.min() < found.values.max()


@pytest.mark.parametrize("layer", ["0", "1.0.second"])
def test_a_layer_may_be_named(layer):
    assert grad_cam(_game(_resnet(), _images(2)), layer=layer).method.startswith(f"grad-cam ({layer}, ")


def test_the_module_itself_will_do_and_serves_a_function_around_a_network():
    network, images = _resnet(), _images(3)
    named = grad_cam(_game(network, images), layer="1.1")
    wrapped = grad_cam(_game(lambda x: network(x), images), layer=network[1][1])
    np.testing.assert_array_equal(named.values, wrapped.values)


def test_a_function_without_a_module_is_refused():
    network = _resnet()
    with pytest.raises(TypeError, match="Pass its module as layer="):
        grad_cam(_game(lambda x: network(x), _images(1)))


def test_a_coarse_layer_is_refused_with_its_size():
    with pytest.raises(ValueError, match=r"at least 7x7 .*last of the layer is \(2, 2x2\)"):
        grad_cam(_game(_resnet(), _images(1)), layer="2")


def test_an_image_too_small_for_the_network_is_refused_with_the_last_maps():
    with pytest.raises(ValueError, match=r"last of the network are .*\(2, 1x1\).*permutation"):
        grad_cam(_game(_resnet(), _images(1, side=4)))


def test_a_network_without_feature_maps_is_refused():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 2))
    with pytest.raises(ValueError, match="last of the network are none"):
        grad_cam(_game(network, _images(1, side=8)))


def test_a_map_that_is_no_shrunken_image_is_passed_over():
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maps, self.turned = nn.Conv2d(3, 9, 1), nn.Identity()

        def forward(self, x):
            turned = self.turned(self.maps(x).permute(0, 2, 3, 1))  # (n, 16, 16, 9)
            return turned.mean((1, 2))[:, :2]

    assert grad_cam(_game(Tokens(), _images(1))).method == "grad-cam (maps, 16x16)"


def test_an_unknown_layer_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"\['0', '0.first', .*got 'layer4'"):
        grad_cam(_game(_resnet(), _images(1)), layer="layer4")


def test_a_table_is_refused():
    X = make_numbers(3, n_columns=2)
    with pytest.raises(TypeError, match="images, got FrameGame"):
        grad_cam(game_of(lambda x: x[:, 0], X, X))


def test_nothing_is_promised_of_sums_and_errors():
    found = grad_cam(_game(_resnet(), _images(2)))
    assert not found.is_additive
    assert np.isnan(found.standard_error).all()
    np.testing.assert_allclose(found.output, _resnet()(_images(2)).detach(), atol=1e-6)


@pytest.mark.parametrize("fails", [False, True])
def test_hooks_and_modes_are_gone_whatever_happens(fails):
    network = _resnet().train()
    calls = []

    def broken(module, inputs, output):
        calls.append(output)
        if fails and len(calls) == 2:
            raise RuntimeError("broken")

    handle = network[5].register_forward_hook(broken)
    if fails:
        with pytest.raises(RuntimeError, match="broken"):
            grad_cam(_game(network, _images(2)))
    else:
        grad_cam(_game(network, _images(2)))
    handle.remove()
    assert not any(part._forward_hooks for part in network.modules())
    assert all(part.training for part in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_each_image_is_explained_by_itself():
    network, images = _resnet(), _images(5)
    every, one = grad_cam(_game(network, images)), grad_cam(_game(network, images[3:4]))
    assert every.values[3].tobytes() == one.values[0].tobytes()
