"""An image estimator as explanations see one: two small networks, trained to tell crosses from corners."""

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from appkit.data.images import Images, ImageShape
from appkit.model.networks import MultiNetwork
from appkit.model.output_module import OutputModule
from tests.explanation.certificate.images import CrossImages

__all__ = ["FakeImageModel", "cross_pixels", "fitted"]

SIDE = 16


class SmallCnn(nn.Module):
    """One convolution with BatchNorm and a scale of its own, the strongest answer anywhere, a logit."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.look, self.norm = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
            self.scale, self.output = nn.Parameter(torch.linspace(0.5, 1.5, 8)), nn.Linear(8, 1)

    def forward(self, Z: Tensor) -> Tensor:
        return self.output(self.scale * self.norm(self.look(Z)).relu().amax((2, 3)))


class FakeImageModel:
    """What ``ImageClassifier`` offers to be explained, and no more."""

    def __init__(self, networks: list[nn.Module]) -> None:
        self.module_ = MultiNetwork(networks)
        self.output_names_: tuple[str, ...] = ("cross",)
        self.classes_ = np.array(["corners", "cross"])
        self.n_members_ = len(networks)
        self.background_ = np.full((1, SIDE, SIDE, 1), 20, dtype=np.uint8)
        self.shape_ = ImageShape(n_channels=1, height=SIDE, width=SIDE)

    def fit(self, X: Any, y: Any) -> "FakeImageModel":
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        with torch.no_grad():
            event = self.output_module("probability").eval()(self.encode_images(self.images(X).pixels)).numpy()
        return np.hstack([1 - event, event])

    def images(self, X: Any) -> Images:
        pixels = np.asarray(X)
        pixels = pixels[..., None] if pixels.ndim == 3 else pixels
        return Images(pixels, np.array([f"image {i}" for i in range(len(pixels))]))

    def encode_images(self, pixels: np.ndarray) -> Tensor:
        return torch.tensor(np.moveaxis(pixels, -1, 1).astype(np.float32)) / 100

    def output_module(self, units: str) -> OutputModule:
        if units == "probability":
            return OutputModule(self.module_, lambda logits: logits.double().sigmoid().mean(1))
        return OutputModule(self.module_, lambda logits: logits.double().sigmoid().mean(1).logit())


def cross_pixels(images: CrossImages) -> np.ndarray:
    """Return the images in bytes, ``(n, 16, 16)``."""
    return (images.pixels.numpy() * 100 + 20).round().clip(0, 255).astype(np.uint8)


@cache
def fitted() -> FakeImageModel:
    """Return a model of two networks, each trained on 100 images."""
    networks = []
    for seed in range(2):
        known = CrossImages.drawn(100, seed=seed + 1)
        network, pixels = SmallCnn(seed), torch.tensor(cross_pixels(known))[:, None].float() / 100
        target = torch.as_tensor(known.has_cross, dtype=torch.float32)[:, None]
        optimiser = torch.optim.Adam(network.parameters(), lr=0.05)
        for _ in range(40):
            optimiser.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(network(pixels), target).backward()
            optimiser.step()
        networks.append(network.eval().requires_grad_(False))
    return FakeImageModel(networks)
