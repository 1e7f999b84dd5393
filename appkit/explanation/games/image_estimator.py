"""Images of a fitted image model as a game: patches, superpixels or segments of the user's, shown or filled."""

from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from appkit.data.images import Images, ImageShape
from appkit.explanation.games.image import image_game
from appkit.explanation.games.ragged import RaggedGame
from appkit.explanation.games.tensor import TensorGame
from appkit.model.device import place_images

__all__ = ["ExplainableImages", "image_estimator_game"]


class ExplainableImages(Protocol):
    """What a fitted image estimator offers to be explained."""

    n_members_: int
    background_: np.ndarray  # (n_background, height, width, n_channels), as decoded

    @property
    def shape_(self) -> ImageShape:
        """Channels, height and width of the images the network sees."""

    @property
    def output_names_(self) -> tuple[str, ...]:
        """Names of the outputs."""

    def images(self, X: Any) -> Images:
        """Return images of one size and depth, read as those the model was fitted on."""

    def encode_images(self, pixels: np.ndarray) -> Tensor:
        """Return pixels as the network sees them, ``(n, n_channels, height, width)``, each in its place."""

    def output_module(self, units: str) -> nn.Module:
        """Return the outputs as a module of encoded images, and of the member asked in each row."""


def image_estimator_game(
    model: ExplainableImages,
    X: Any,
    *,
    players: str | np.ndarray | None = None,
    n_players: int | None = None,
    fill: str | None = None,
    background: Any = None,
    outputs: Sequence[int] | None = None,
    units: str = "value",
    precision: str = "auto",
    batch_size: int | None = None,
) -> TensorGame | RaggedGame:
    """Return the game of a fitted image model whose players are segments of each image.

    Parameters
    ----------
    model
        Fitted ``ImageClassifier``, or estimator of a domain built on it.
    X
        Images as the model takes them: arrays, paths, a DataFrame of paths.
    players, n_players
        ``"patches"`` (also for ``None``), ``"superpixels"`` or labels, and how many, as in
        :func:`~appkit.explanation.games.image.image_game`.
    fill
        ``"background"``: absent segments show the same place in the background. ``"mean"``: its mean colour.
        ``"blur"``: the image itself, smoothed. ``None`` means ``"background"``.
    background
        Images that stand for "nothing to see", as the model takes them; ``None`` takes what the model kept, which is
        the mean of its training images.
    outputs
        Positions of the outputs to explain; ``None`` means all.
    units
        ``"probability"``, ``"log-odds"`` or ``"value"``.
    precision
        As in :class:`~appkit.explanation.games.tensor.TensorGame`; ``"auto"`` also takes bfloat16 on a CPU whose matrix
        units know it, unless the model itself was told to compute in float32.
    batch_size
        Model rows per call; ``None`` chooses by device and by the size of an image.

    Raises
    ------
    ValueError
        If players, fill, background or units do not fit.
    SchemaError
        If images cannot be read.

    Notes
    -----
    A blur keeps what is large and smooth. A finding that looks like haze is still there in a blurred image: on chest
    films a network gave blurred normal lungs a probability of pneumonia above .99, from where no patch can raise it.
    The mean image is what every film shows, and the base value is what the model says to it.
    """
    fill = "background" if fill is None else fill
    if fill == "blur" and background is None:
        others = None
    else:
        others = model.background_ if background is None else model.images(background).pixels
    names, network = model.output_names_, model.output_module(units)
    return image_game(
        network,
        model.images(X).pixels,
        players=cast(Any, "patches" if players is None else players),
        n_players=n_players,
        fill=cast(Any, fill),
        background=others,
        output_names=names if outputs is None else [names[i] for i in outputs],
        outputs=None if outputs is None else list(outputs),
        units=units,
        to_tensor=model.encode_images,
        # log-odds of the averaged probability are no average of the members' log-odds
        n_members=1 if units == "log-odds" else model.n_members_,
        precision=_precision(model, network, precision),
        batch_size=batch_size,
    )


def _precision(model: Any, network: nn.Module, precision: str) -> str:
    """Return what ``"auto"`` means where the network is: bfloat16 also on a CPU whose matrix units know it."""
    if precision != "auto":
        return precision
    device = next((part.device for part in network.parameters()), torch.device("cpu"))
    return place_images(str(device), getattr(model, "precision", "auto")).precision
