"""Grad-CAM of ensembles and of networks that also look at the mirror image."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from appkit.data.images import ImageShape
from appkit.explanation import TensorGame
from appkit.explanation.gradients import grad_cam
from appkit.model.flip_average import FlipAverage
from appkit.model.image_networks import image_network
from appkit.model.networks import MultiNetwork
from appkit.model.output_module import OutputModule


class Look(nn.Module):
    """One convolution, then the mean of its map."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.conv, self.output = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4, 1)

    def forward(self, images):
        return self.output(self.conv(images).relu().mean((2, 3)))


def images(n: int = 2) -> torch.Tensor:
    return torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(3))


def probability(*networks: nn.Module) -> OutputModule:
    return OutputModule(MultiNetwork(list(networks)), lambda logits: logits.double().sigmoid().mean(1))


def game_of(network: nn.Module) -> TensorGame:
    names = [f"pixel {i}" for i in range(64)]
    pixels = images()
    return TensorGame(network, pixels, pixels[:1] * 0, players=torch.arange(64).view(8, 8), player_names=names)


def by_hand(network: Look, asked) -> np.ndarray:
    """Return the map of one network, ``(n, 64)``, of images as ``asked`` shows them."""
    shown = asked(images())
    activation = network.conv(shown).detach().requires_grad_()
    network.output(activation.relu().mean((2, 3))).sigmoid().sum().backward()
    cam = (activation.grad.mean((2, 3), keepdim=True) * activation.detach()).sum(1).relu()
    return asked(cam).flatten(1).numpy()


def test_the_map_of_an_ensemble_is_the_mean_of_its_networks():
    first, second = Look(0), Look(1)
    found = grad_cam(game_of(probability(first, second)), layer="conv")
    same = lambda shown: shown  # noqa: E731, a name for doing nothing
    expected = (by_hand(first, same) + by_hand(second, same)) / 2
    assert expected.max() > 0
    np.testing.assert_allclose(found.values[..., 0], expected, rtol=1e-4, atol=1e-8)
    assert found.method == "grad-cam (conv, 8x8)"


def test_a_map_of_the_mirror_image_is_mirrored_back():
    class MirrorOnly(FlipAverage):
        def forward(self, Z):
            return self.network(Z.flip(-1))

    network = Look(0)
    found = grad_cam(game_of(probability(MirrorOnly(network))))
    np.testing.assert_allclose(found.values[..., 0], by_hand(network, lambda shown: shown.flip(-1)), rtol=1e-4)


def test_both_looks_of_an_average_over_flips_count():
    class Left(nn.Module):
        """Sees only what lies in the left half of what it is shown."""

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1, bias=False)
            nn.init.ones_(self.conv.weight)

        def forward(self, shown):
            return self.conv(F.pad(shown[..., :4], (0, 4))).mean((1, 2, 3))[:, None]

    pixels = torch.zeros(1, 1, 8, 8)
    pixels[..., 2, 1], pixels[..., 5, 6] = 1.0, 1.0
    game = TensorGame(
        OutputModule(FlipAverage(Left()), lambda logits: logits.double()[:, 0]),
        pixels,
        pixels * 0,
        players=torch.arange(64).view(8, 8),
        player_names=[str(i) for i in range(64)],
    )
    values = grad_cam(game).values[0, :, 0]
    assert np.flatnonzero(values).tolist() == [2 * 8 + 1, 5 * 8 + 6]
    assert values[17] == pytest.approx(values[46])


def test_a_layer_of_another_name_is_refused_by_the_names_of_one_network():
    with pytest.raises(ValueError, match=r"layer must be one of \['conv', 'output'\], got 'stage9'"):
        grad_cam(game_of(probability(Look(0), Look(1))), layer="stage9")


def test_the_map_of_our_networks_is_that_of_a_block_and_not_of_a_blur_beyond_the_border():
    network = image_network("resnet", ImageShape(1, 28, 28), 1, width=4)
    pixels = torch.randn(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    cell = torch.arange(28) // 7
    names = [str(i) for i in range(16)]
    game = TensorGame(network, pixels, pixels * 0, players=cell[:, None] * 4 + cell, player_names=names)
    assert grad_cam(game).method == "grad-cam (stage2.2, 7x7)"
