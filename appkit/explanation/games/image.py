"""Images as a game: patches, superpixels or the user's own segments, shown or filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.games.fills import Filling, filling_of
from appkit.explanation.games.inputs import ModelInput, ToTensor, model_input
from appkit.explanation.games.ragged import RaggedGame
from appkit.explanation.games.segments import Segments, segments_of, superpixel_names
from appkit.explanation.games.tensor import TensorGame
from appkit.explanation.layouts import ImageLayout

__all__ = ["image_game"]


def image_game(
    network: Any,
    images: np.ndarray,
    *,
    players: Literal["patches", "superpixels"] | np.ndarray = "patches",
    n_players: int | None = None,
    fill: Literal["blur", "mean", "background"] = "blur",
    background: np.ndarray | None = None,
    output_names: Sequence[str] = ("output",),
    outputs: Sequence[int] | np.ndarray | None = None,
    units: str = "value",
    channels: Literal["last", "first"] = "last",
    to_tensor: ToTensor | None = None,
    n_members: int = 1,
    precision: str = "auto",
    batch_size: int | None = None,
) -> TensorGame | RaggedGame:
    """Return the game of an image model whose players are segments of each image.

    Parameters
    ----------
    network
        A ``torch.nn.Module`` that takes float32 ``(n, n_channels, height, width)`` on its own device, or anything else
        that can be called: it is asked with arrays of the layout and dtype of ``images``. Both answer ``(n,)`` or
        ``(n, n_outputs)``. A function of tensors is no module: put it in one
        (``nn.Sequential(network, nn.Softmax(1))``), and its mode is looked after as well.
    images
        ``(n_images, height, width)`` or, with channels, ``(n_images, height, width, n_channels)``; any numeric dtype.
    players
        ``"patches"``: a grid, the same for every image. ``"superpixels"``: SLIC segments, whose number differs from
        image to image, so the game is ragged. Or integers ``(height, width)``, or ``(n_images, height, width)`` for
        segments of each image's own: a label means the same in all images (an organ), weighs 0 in an image that lacks
        it, and pixels of negative labels belong to no player and are always shown.
    n_players
        Patches or superpixels to aim at, two at least; ``None`` means 49.
    fill
        What an absent segment shows. ``"blur"``: the image itself, smoothed by a Gaussian as wide (standard deviation)
        as a segment, which takes about 85 % of the contrast of anything of that size. ``"mean"``: the mean colour of
        ``background`` if given, else of the image itself. ``"background"``: each of the background images in turn,
        averaged over. With the first two the empty coalition, and so the base value, differs from image to image.
    background
        Images of the shape and dtype of ``images``, any number of them; for ``"mean"`` and ``"background"``.
    output_names
        One per output explained.
    outputs
        Positions of the outputs to explain, or int ``(n_images, n_outputs)`` for each image's own, such as its
        predicted class; ``None`` means all.
    units
        What the outputs are measured in.
    channels
        Which axis of four holds the channels: ``(n, height, width, n_channels)`` or ``(n, n_channels, height, width)``.
    to_tensor
        For a module: from a batch of arrays like ``images`` (scaling, normalisation) to the tensor
        ``(n, n_channels, height, width)`` it takes. It is called once on the images and once on what fills them,
        before anything is masked, so each pixel must stay in its place: resizing belongs in the network. ``None`` means
        float32, the values as they are.
    n_members
        Networks whose plain average a module answers with, where it can be asked for one of them; see
        :class:`~appkit.explanation.games.tensor.TensorGame`.
    precision
        In which sampled coalitions are asked, see :class:`~appkit.explanation.games.tensor.TensorGame`.
    batch_size
        Model rows per call, a power of two from 64 on; ``None`` chooses by device and by the size of an image.

    Raises
    ------
    ValueError
        If images, players or background have the wrong shape or dtype, a pixel is not finite, there is no second
        segment, or a parameter is not one of the above.
    MissingDependencyError
        If superpixels are asked for and scikit-image is absent.

    Notes
    -----
    The same images and parameters give the same bytes whatever ``batch_size``, as far as the network's own kernels do.
    A module is asked in evaluation mode; its mode, its gradients and the random state are left as found.

    Examples
    --------
    >>> images = np.zeros((1, 4, 4)); images[0, 0, 0] = 1.0
    >>> game = image_game(lambda x: x.max((1, 2)), images, n_players=4, fill="mean")
    >>> game.player_names[0]
    'rows 0-1, columns 0-1'
    >>> game.values(torch.eye(4, dtype=torch.bool)).flatten().tolist()
    [1.0, 0.0625, 0.0625, 0.0625]
    """
    pixels = _checked_pixels(images, channels=channels)
    others = None if background is None else _checked_pixels(background, channels=channels, called="background")
    segments = segments_of(pixels, players, n_players=n_players)
    board = _Board(
        model_input(network, pixels.dtype, to_tensor=to_tensor, default=_float_tensor(channels)),
        pixels=pixels,
        segments=segments,
        filling=filling_of(pixels, fill, others, n_segments=segments.n_aimed_at),
        channels=channels,
        outputs=None if outputs is None else np.asarray(outputs),
        answers={
            "output_names": output_names,
            "units": units,
            "n_members": n_members,
            "precision": precision,
            "batch_size": batch_size,
        },
    )
    if segments.names is None:
        return board.ragged_game()
    return board.game(np.arange(len(pixels)), segments.names)


@dataclass(frozen=True)
class _Board:
    """Images with their segments and fills, from which games of some of the images are made."""

    given: ModelInput
    pixels: np.ndarray  # (n_images, height, width[, n_channels])
    segments: Segments
    filling: Filling
    channels: str
    outputs: np.ndarray | None
    answers: dict[str, Any]

    def game(self, rows: np.ndarray, names: Sequence[str]) -> TensorGame:
        """Return the game of some images, whose players have these names."""
        segments = self.segments.of_pixels[rows] if self.segments.per_row else self.segments.of_pixels
        by_image = np.broadcast_to(segments, (len(rows), *segments.shape[-2:]))
        return TensorGame(
            self.given.network,
            self._tensor(self.pixels[rows]),
            self._tensor(self.filling.images[rows] if self.filling.per_row else self.filling.images),
            players=self._players(segments),
            player_names=names,
            outputs=_of_rows(self.outputs, rows),
            fills_per_row=self.filling.per_row,
            players_per_row=self.segments.per_row,
            shown=_mean_intensity(self.pixels[rows], by_image, n_players=len(names)),
            layout=ImageLayout(images=self.pixels[rows], segments=by_image),
            **self.answers,
        )

    def ragged_game(self) -> RaggedGame:
        """Return one game per number of superpixels."""
        segments = self.segments.of_pixels
        count = segments.max((1, 2)) + 1
        names = np.full((len(segments), count.max()), None, dtype=object)
        for own, of_pixels in zip(names, segments, strict=True):
            own[: of_pixels.max() + 1] = superpixel_names(of_pixels)
        rows = [np.flatnonzero(count == n) for n in np.unique(count)]
        return RaggedGame(
            rows=tuple(rows),
            games=tuple(self.game(own, [f"segment {i + 1}" for i in range(count[own[0]])]) for own in rows),
            names=names,
            layout=ImageLayout(images=self.pixels, segments=segments),
        )

    def _tensor(self, pixels: np.ndarray) -> Tensor:
        as_given = np.moveaxis(pixels, -1, 1) if self.channels == "first" and pixels.ndim == 4 else pixels
        tensor = self.given.as_tensor(as_given)
        n_images, height, width = pixels.shape[:3]
        if not self.given.takes_arrays and (
            tensor.ndim != 4 or len(tensor) != n_images or tuple(tensor.shape[2:]) != (height, width)
        ):
            raise ValueError(
                f"to_tensor must return shape ({n_images}, n_channels, {height}, {width}), each pixel in its place, "
                f"got {tuple(tensor.shape)}. Resize in the network, or before."
            )
        return tensor

    def _players(self, segments: np.ndarray) -> Tensor:
        """Return segments in line with the last axes of what the network takes."""
        channels_come_last = self.given.takes_arrays and self.pixels.ndim == 4 and self.channels == "last"
        return torch.tensor(segments[..., None] if channels_come_last else segments)


def _of_rows(outputs: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return outputs[rows] if outputs is not None and outputs.ndim == 2 else outputs


def _float_tensor(channels: str) -> ToTensor:
    def to_tensor(images: np.ndarray) -> Tensor:
        if images.ndim == 3:
            images = images[:, None]
        elif channels == "last":
            images = np.moveaxis(images, -1, 1)
        return torch.from_numpy(np.array(images, dtype=np.float32, order="C"))

    return to_tensor


def _checked_pixels(images: Any, *, channels: str, called: str = "images") -> np.ndarray:
    """Return images with channels, if any, on the last axis."""
    if channels not in ("last", "first"):
        raise ValueError(f"channels must be 'last' or 'first', got {channels!r}.")
    pixels = np.asarray(images)
    if pixels.ndim not in (3, 4) or 0 in pixels.shape:
        raise ValueError(
            f"{called} must have shape (n, height, width) or, with channels, four axes, none empty, got {pixels.shape}."
            " A single image needs a first axis: image[None]."
        )
    if pixels.dtype.kind not in "buif":
        raise ValueError(f"{called} must hold numbers, got dtype {pixels.dtype}.")
    finite = np.isfinite(pixels).reshape(len(pixels), -1).all(1)
    if not finite.all():
        raise ValueError(
            f"{called} must be finite, got NaN or infinity in {(~finite).sum()} of {len(pixels)} "
            f"(first: image {finite.argmin()}). Fill such pixels in first."
        )
    return np.moveaxis(pixels, 1, -1) if channels == "first" and pixels.ndim == 4 else pixels


def _mean_intensity(pixels: np.ndarray, segments: np.ndarray, *, n_players: int) -> np.ndarray:
    """Return the mean over each segment's pixels and channels, object ``(n_images, n_players)``; NaN where none."""
    shown = np.full((len(pixels), n_players), np.nan, dtype=object)
    for row, (image, owner) in enumerate(zip(pixels, segments, strict=True)):
        intensity = image.astype(np.float64).reshape(*owner.shape, -1).mean(2)
        owned = owner >= 0
        area = np.bincount(owner[owned], minlength=n_players)
        total = np.bincount(owner[owned], weights=intensity[owned], minlength=n_players)
        shown[row, area > 0] = (total[area > 0] / area[area > 0]).tolist()
    return shown
