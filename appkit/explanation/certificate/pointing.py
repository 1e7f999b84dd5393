"""Does the strongest player of an image lie where the truth is known to be."""

from dataclasses import dataclass

import numpy as np

from appkit.explanation.explanation import Explanation
from appkit.explanation.layouts import ImageLayout
from appkit.prediction import Estimate, proportion

__all__ = ["Pointing", "pointing_accuracy"]

_HALF = 0.5


@dataclass(frozen=True)
class Pointing:
    """How often the strongest player lies in the known mask, and how often chance alone would put it there.

    Parameters
    ----------
    accuracy
        Share of the rows with a mask, with Wilson's interval.
    chance
        What a player drawn at random would reach: the mean share of players that lie in the mask, among all or, where
        distractors are known, among those that lie in the mask or in a distractor.
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


def pointing_accuracy(
    explanation: Explanation, masks: np.ndarray, *, distractors: np.ndarray | None = None, output: int = 0
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

    Raises
    ------
    ValueError
        If the explanation has no image layout, the masks have another shape, or all of them are empty.
    """
    segments = _segments(explanation, masks)
    others = np.zeros_like(masks) if distractors is None else distractors
    if others.shape != masks.shape or others.dtype != bool:
        raise ValueError(f"distractors must be bool of shape {masks.shape}, got {others.dtype} of {others.shape}.")
    rows = np.flatnonzero(masks.any((1, 2)))
    if not len(rows):
        raise ValueError("masks must hold at least one pixel of at least one image, all are empty.")
    sizes = np.abs(explanation.values[rows, :, output])
    own = ~np.isnan(sizes)
    inside = np.stack([_lying_in(masks[row], segments[row], sizes.shape[1]) for row in rows]) & own
    beside = np.stack([_lying_in(others[row], segments[row], sizes.shape[1]) for row in rows]) & own
    candidates = own if distractors is None else inside | beside
    hits = inside[np.arange(len(rows)), np.nanargmax(sizes, axis=1)]
    chance = float(np.mean(inside.sum(1) / candidates.sum(1)))
    return Pointing(accuracy=proportion("Pointing", int(hits.sum()), len(hits)), chance=chance, hits=hits)


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
