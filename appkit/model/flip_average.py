"""A network that looks at an image and at its mirror image, and answers with the mean."""

from torch import Tensor, nn

__all__ = ["FlipAverage"]


class FlipAverage(nn.Module):
    """Logits averaged over an image and its mirror image, outside training.

    Parameters
    ----------
    network
        From float32 ``(n, n_channels, height, width)`` to logits ``(n, n_outputs)``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, Z: Tensor) -> Tensor:
        """Return logits ``(n, n_outputs)``; while training of the images as they are, which augmentation mirrors."""
        if self.training:
            return self.network(Z)
        return (self.network(Z) + self.network(Z.flip(-1))) / 2
