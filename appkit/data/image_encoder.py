"""Turn pixels into channels for a network: first axis after the image, centred and scaled."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from appkit.data.images import Images, ImageShape
from appkit.exceptions import DataWarning, SchemaError

__all__ = ["ImageEncoder"]

_BLOCK_VALUES = 1 << 22  # turned into 64-bit floats in one go


class ImageEncoder:
    """Standardise pixels channel by channel, all images and places alike.

    Parameters
    ----------
    mean, std
        One number, or one per channel, where they are given with pretrained weights: of pixels between 0 and 1, that is
        divided by 255 (uint8) or 65535 (uint16); of pixels as they are for floats. ``None``: both are learnt.

    Attributes
    ----------
    shape
        Channels, height and width of the images learnt from.
    dtype
        Their depth: uint8, uint16 or float32.
    centre, scale
        Subtracted from pixels, and then divided by: a number per channel, in units of raw pixels.

    Examples
    --------
    >>> images = Images(np.array([[[[0], [100]]], [[[200], [100]]]], dtype=np.uint8), np.array(["a.png", "b.png"]))
    >>> encoder = ImageEncoder().fit(images)
    >>> encoder.shape, encoder.centre
    (ImageShape(n_channels=1, height=1, width=2), (100.0,))
    >>> encoder.encode(images.pixels).round(2)
    array([[[[-1.41,  0.  ]]],
           [[[ 1.41,  0.  ]]]], dtype=float32)
    """

    shape: ImageShape
    dtype: np.dtype
    centre: tuple[float, ...]
    scale: tuple[float, ...]

    def __init__(
        self, *, mean: float | Sequence[float] | None = None, std: float | Sequence[float] | None = None
    ) -> None:
        self.mean = mean
        self.std = std

    def fit(self, images: Images, *, rows: np.ndarray | None = None) -> "ImageEncoder":
        """Learn shape and depth, and mean and standard deviation unless these were given.

        Parameters
        ----------
        images
            At least one. They are read block by block: a memory map is never held whole.
        rows
            Images to learn from, those of training: a bool mask or positions; ``None`` means all.

        Raises
        ------
        SchemaError
            If there is no image.
        ValueError
            If ``mean`` or ``std`` is given without the other, for other channels, or a ``std`` is not positive.

        Warns
        -----
        DataWarning
            Naming channels with one value throughout; they are centred and not scaled.
        """
        chosen = np.arange(len(images))[slice(None) if rows is None else rows]
        if not len(chosen):
            raise SchemaError("At least one image is needed to learn mean and standard deviation, got none.")
        self.shape, self.dtype = images.shape, images.pixels.dtype
        if self.mean is None and self.std is None:
            centre, spread = _mean_and_std(images.pixels, chosen)
            self.centre, self.scale = centre, _without_zeros(spread, centre)
        else:
            self.centre, self.scale = self._given(images.shape.n_channels)
        return self

    def check(self, images: Images) -> None:
        """Raise a SchemaError unless images have the size, channels and depth of those learnt from."""
        problems = _shape_problems(images.shape, self.shape)
        if images.pixels.dtype != self.dtype:
            problems.append(
                f"Images must have the depth {self.dtype} they had at fit, got {images.pixels.dtype}. Read them with "
                f"dtype={self.dtype.name!r}."
            )
        if problems:
            raise SchemaError(problems)

    def encode(self, pixels: np.ndarray) -> np.ndarray:
        """Return what a network is given: each pixel in its place, channels before height and width.

        Parameters
        ----------
        pixels
            ``(n_images, height, width, n_channels)`` in units of the images learnt from; any dtype, so that blends of
            images can be encoded too.

        Returns
        -------
        numpy.ndarray
            float32 ``(n_images, n_channels, height, width)``.
        """
        shape = self.shape
        if pixels.shape[1:] != (shape.height, shape.width, shape.n_channels):
            wanted = f"(n_images, {shape.height}, {shape.width}, {shape.n_channels})"
            raise SchemaError(f"Pixels must have the shape {wanted}, got {pixels.shape}. Read them with read_images.")
        encoded = pixels.transpose(0, 3, 1, 2).astype(np.float32, order="C")
        encoded -= np.array(self.centre, dtype=np.float32)[:, None, None]
        encoded /= np.array(self.scale, dtype=np.float32)[:, None, None]
        return encoded

    def to_dict(self) -> dict[str, Any]:
        """Return parameters and what was learnt as JSON values."""
        return {
            "settings": {"mean": _plain(self.mean), "std": _plain(self.std)},
            "shape": asdict(self.shape),
            "dtype": self.dtype.name,
            "centre": list(self.centre),
            "scale": list(self.scale),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "ImageEncoder":
        """Rebuild a fitted encoder from :meth:`to_dict`."""
        encoder = cls(**state["settings"])
        encoder.shape, encoder.dtype = ImageShape(**state["shape"]), np.dtype(state["dtype"])
        encoder.centre, encoder.scale = tuple(state["centre"]), tuple(state["scale"])
        return encoder

    def _given(self, n_channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the given mean and standard deviation in units of raw pixels."""
        white = np.iinfo(self.dtype).max if self.dtype.kind == "u" else 1
        mean = _per_channel(self.mean, n_channels, name="mean")
        std = _per_channel(self.std, n_channels, name="std")
        if min(std) <= 0:
            raise ValueError(f"std must be positive, got {self.std!r}.")
        return tuple(value * white for value in mean), tuple(value * white for value in std)


def _per_channel(given: float | Sequence[float] | None, n_channels: int, *, name: str) -> tuple[float, ...]:
    if given is None:
        raise ValueError(f"mean and std must be given together, got no {name}.")
    values = np.atleast_1d(np.asarray(given, dtype=np.float64))
    if values.shape not in ((1,), (n_channels,)) or not np.isfinite(values).all():
        raise ValueError(f"{name} must be a number or one for each of {n_channels} channels, got {given!r}.")
    return tuple(float(value) for value in np.broadcast_to(values, n_channels))


def _mean_and_std(pixels: np.ndarray, rows: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, block by block (Chan, Golub, LeVeque 1979)."""
    n_channels = pixels.shape[3]
    count, mean, squares = 0, np.zeros(n_channels), np.zeros(n_channels)
    for block in _blocks(pixels, rows):
        values = block.reshape(-1, n_channels).astype(np.float64)
        block_mean = values.mean(axis=0)
        difference = block_mean - mean
        total = count + len(values)
        squares += ((values - block_mean) ** 2).sum(axis=0) + difference**2 * (count * len(values) / total)
        mean += difference * (len(values) / total)
        count = total
    return tuple(mean.tolist()), tuple(np.sqrt(squares / count).tolist())


def _blocks(pixels: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    step = max(1, _BLOCK_VALUES // int(np.prod(pixels.shape[1:])))
    yield from (pixels[rows[start : start + step]] for start in range(0, len(rows), step))


def _without_zeros(spread: tuple[float, ...], centre: tuple[float, ...]) -> tuple[float, ...]:
    """Return scales, 1 for channels that do not vary by more than the last digits of 32-bit floats."""
    least = 8 * float(np.finfo(np.float32).eps)
    is_constant = [std <= least * abs(mean) for std, mean in zip(spread, centre, strict=True)]
    if any(is_constant):
        names = ", ".join(str(channel) for channel, constant in enumerate(is_constant) if constant)
        warnings.warn(
            f"Pixels should vary, got one value throughout in channel {names}. It says nothing, and is not scaled.",
            DataWarning,
            stacklevel=3,
        )
    return tuple(1.0 if constant else std for std, constant in zip(spread, is_constant, strict=True))


def _shape_problems(given: ImageShape, wanted: ImageShape) -> list[str]:
    problems = []
    if (given.height, given.width) != (wanted.height, wanted.width):
        problems.append(
            f"Images must have the {wanted.height} x {wanted.width} pixels (height x width) they had at fit, got "
            f"{given.height} x {given.width}. Read them with size=({wanted.height}, {wanted.width})."
        )
    if given.n_channels != wanted.n_channels:
        problems.append(
            f"Images must have as many channels as at fit, {wanted.n_channels}, got {given.n_channels}. Read them with "
            f"channels={wanted.n_channels}."
        )
    return problems


def _plain(given: float | Sequence[float] | None) -> float | list[float] | None:
    if given is None or np.ndim(given) == 0:
        return None if given is None else float(given)  # type: ignore[arg-type]  # a number, as its ndim says
    return [float(value) for value in given]  # type: ignore[union-attr]
