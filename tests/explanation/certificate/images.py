"""Images of crosses among squares of equal contrast, and networks small enough to train in a second."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from appkit.explanation import Explanation, ImageLayout, TensorGame, permutation_shapley

__all__ = ["CELLS", "CrossImages", "SmallNet", "explain_images", "image_game", "trained"]

SIDE, CELL = 16, 4
CELLS = torch.arange(SIDE)[:, None] // CELL * (SIDE // CELL) + torch.arange(SIDE) // CELL
_CROSS = torch.tensor([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=torch.float32)
_CORNERS = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1]], dtype=torch.float32)


@dataclass(frozen=True)
class CrossImages:
    """Images ``(n, 16, 16)``, where the cross is, where the other shapes are, and whether there is a cross."""

    pixels: Tensor
    masks: np.ndarray
    distractors: np.ndarray
    has_cross: np.ndarray

    @classmethod
    def drawn(cls, n: int, *, n_distractors: int = 3, seed: int = 0) -> "CrossImages":
        rng = np.random.default_rng(seed)
        pixels = torch.as_tensor(rng.normal(scale=0.05, size=(n, SIDE, SIDE)), dtype=torch.float32)
        masks, others = np.zeros((2, n, SIDE, SIDE), dtype=bool)
        for image in range(n):
            cells = rng.permutation((SIDE // CELL) ** 2)[: n_distractors + 1]
            for i, cell in enumerate(cells):
                is_cross = i == 0 and image % 2 == 0
                row, column = (CELL * int(place) for place in divmod(int(cell), SIDE // CELL))
                pixels[image, row : row + 3, column : column + 3] += _CROSS if is_cross else _CORNERS
                (masks if is_cross else others)[image, row : row + 3, column : column + 3] = True
        return cls(pixels, masks, others, np.arange(n) % 2 == 0)

    @property
    def crosses(self) -> "CrossImages":
        """The images that hold a cross."""
        own = self.has_cross
        return CrossImages(self.pixels[torch.as_tensor(own)], self.masks[own], self.distractors[own], own[own])


class SmallNet(nn.Module):
    """One convolution, the strongest answer anywhere, a probability."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.look = nn.Conv2d(1, 8, 3)
            self.say = nn.Linear(8, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.say(self.look(images[:, None]).relu().amax((2, 3))).sigmoid()


def trained(images: CrossImages, *, seed: int = 0) -> SmallNet:
    network = SmallNet(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.05)
    target = torch.as_tensor(images.has_cross, dtype=torch.float32)[:, None]
    for _ in range(40):
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy(network(images.pixels), target).backward()
        optimiser.step()
    return network.requires_grad_(False)


def image_game(network: nn.Module, images: CrossImages, *, segments: Tensor = CELLS) -> TensorGame:
    pixels = images.pixels
    n_players = int(segments.max()) + 1
    return TensorGame(
        network,
        pixels,
        torch.zeros(1, SIDE, SIDE),
        players=segments,
        player_names=[f"cell {i}" for i in range(n_players)],
        layout=ImageLayout(pixels.numpy(), segments.expand(len(pixels), SIDE, SIDE).numpy()),
    )


def explain_images(network: nn.Module, images: CrossImages) -> Explanation:
    return permutation_shapley(image_game(network, images), max_evaluations=602, random_state=0)
