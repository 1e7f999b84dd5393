"""Does the strongest player of an image lie where the truth is known to be."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from appkit.explanation.explanation import Explanation
from appkit.explanation.layouts import ImageLayout
from appkit.prediction import Estimate, proportion

__all__ = ["Pointing", "PointingAt", "pointing_accuracy"]

PointingAt = Literal["player", "peak"]

_HALF = 0.5


@dataclass(frozen=True)
class Pointing:
    """How often the strongest player, or the peak of the map, lies in the known mask, and how often it would by chance.

    Parameters
    ----------
    accuracy
        Share of the rows with a mask, with Wilson's interval.
    chance
        What a player (or pixel) drawn at random would reach: the mean share of those that lie in the mask, among all
        or, where distractors are known, among those that lie in the mask or in a distractor.
    hits
        bool ``(n_rows_with_mask,)``.
    """

    accuracy: Estimate
    chance: float
    hits: np.ndarray

    @property
    def beats_chance(self) -> bool:
        """Whether the whole interval lies above chance."""
        return self.accuracy.low > self.chance

    @property
    def can_beat_chance(self) -> bool:
        """Whether there are images enough: with every one a hit, would the whole interval lie above chance?"""
        return proportion("Pointing", len(self.hits), len(self.hits)).low > self.chance


def pointing_accuracy(
    explanation: Explanation,
    masks: np.ndarray,
    *,
    distractors: np.ndarray | None = None,
    output: int = 0,
    at: PointingAt = "player",
) -> Pointing:
    """Return the share of images whose strongest player lies in the mask of what is known to matter.

    The strongest player is the one with the largest absolute value. It lies in the mask if it holds at least half as
    many of the mask's pixels as the player that holds most of them: a lesion across the corner of four patches lies in
    each of the four. Chance is counted by the same rule.

    A high share proves little by itself. A bright lesion on an empty ground moves the output of *any* network, trained
    or not, so the map of random weights points to it as well. Use images with distractors of the same contrast, of
    which only the shape or the place makes a lesion, and say where they are: a network that merely sees that something
    is there picks among lesion and distractors, and that is the chance to beat. Hand the same masks to
    :func:`~appkit.explanation.certificate.randomisation_test`: with random weights the share must fall to chance.

    Parameters
    ----------
    explanation
        Of images: its layout says which pixels each player holds.
    masks
        bool ``(n_rows, height, width)``; rows whose mask is empty do not count.
    distractors
        bool ``(n_rows, height, width)``: what catches the eye as the mask does, and does not matter.
    output
        Position of the output.
    at
        ``"player"``: the strongest player, as above. ``"peak"``: the pixel where the map is highest, which must lie in
        the mask (the pointing game). The map shows absolute values per pixel, smoothed by a Gaussian as wide as a
        player, for one that only touches a finding while its neighbours hold the rest should not outweigh them all; a
        grid does not know where findings lie.

    Raises
    ------
    ValueError
        If the explanation has no image layout, the masks have another shape, all of them are empty, or ``at`` is
        neither word.

    References
    ----------
    Zhang, Bargal, Lin, Brandt, Shen, Sclaroff (2018), Top-down neural attention by excitation backprop. IJCV 126: the
    pointing game.
    """
    if at not in ("player", "peak"):
        raise ValueError(f"at must be 'player' or 'peak', got {at!r}.")
    segments = _segments(explanation, masks)
    others = np.zeros_like(masks) if distractors is None else distractors
    if others.shape != masks.shape or others.dtype != bool:
        raise ValueError(f"distractors must be bool of shape {masks.shape}, got {others.dtype} of {others.shape}.")
    rows = np.flatnonzero(masks.any((1, 2)))
    if not len(rows):
        raise ValueError("masks must hold at least one pixel of at least one image, all are empty.")
    sizes = np.abs(explanation.values[rows, :, output])
    found = _of_players if at == "player" else _of_peaks
    hits, shares = found(sizes, segments[rows], masks=masks[rows], others=None if distractors is None else others[rows])
    return Pointing(
        accuracy=proportion("Pointing", int(hits.sum()), len(hits)), chance=float(np.mean(shares)), hits=hits
    )


def _of_players(
    sizes: np.ndarray, segments: np.ndarray, *, masks: np.ndarray, others: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether the strongest player of each row lies in the mask, and the share of players that do."""
    n_players, own = sizes.shape[1], ~np.isnan(sizes)

    def lying(where: np.ndarray) -> np.ndarray:
        return np.stack([_lying_in(one, cut, n_players) for one, cut in zip(where, segments, strict=True)]) & own

    inside = lying(masks)
    candidates = own if others is None else inside | lying(others)
    hits = inside[np.arange(len(sizes)), np.nanargmax(sizes, axis=1)]
    return hits, inside.sum(1) / candidates.sum(1)


def _of_peaks(
    sizes: np.ndarray, segments: np.ndarray, *, masks: np.ndarray, others: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether the highest pixel of each row's map lies in the mask, and the share of pixels that do."""
    maps = [_smooth_map(own, cut) for own, cut in zip(sizes, segments, strict=True)]
    hits = np.array([mask.flat[found.argmax()] for mask, found in zip(masks, maps, strict=True)])
    candidates = np.ones_like(masks) if others is None else masks | others
    return hits, masks.sum((1, 2)) / candidates.sum((1, 2))


def _smooth_map(sizes: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Return absolute values per pixel, ``(height, width)``, smoothed by a Gaussian as wide as a player."""
    n_own = int((~np.isnan(sizes)).sum())
    areas = np.bincount(segments[segments >= 0], minlength=len(sizes)).clip(min=1)
    per_pixel = np.append(np.nan_to_num(sizes) / areas, 0.0)[segments]  # -1, nobody's, meets the last entry
    # nothing lies beyond the border: mirrored there, peaks of players at the border would slide onto it
    return gaussian_filter(per_pixel, sigma=np.sqrt(segments.size / n_own), mode="constant")


def _lying_in(mask: np.ndarray, segments: np.ndarray, n_players: int) -> np.ndarray:
    """Return which players hold at least half as many pixels of a mask as the one that holds most, ``(n_players,)``."""
    pixels = np.bincount(segments[mask], minlength=n_players)
    return (pixels > 0) & (pixels >= _HALF * pixels.max())


def _segments(explanation: Explanation, masks: np.ndarray) -> np.ndarray:
    if not isinstance(explanation.layout, ImageLayout):
        raise ValueError(
            f"Pointing needs the explanation of images, with an ImageLayout, got layout={explanation.layout!r}."
        )
    segments = explanation.layout.segments
    if masks.shape != segments.shape or masks.dtype != bool:
        raise ValueError(
            f"masks must be bool of shape {segments.shape}, one per image, got {masks.dtype} of {masks.shape}."
        )
    return segments
