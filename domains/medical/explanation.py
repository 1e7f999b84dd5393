"""Where a classifier of scans looks, by several methods, and whether they point to the finding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation import Explanation, explain
from appkit.explanation.comparison import IMAGE_METHODS, MethodComparison, compare_methods
from appkit.explanation.layouts import ImageLayout

__all__ = ["WhereItLooks", "explain_image", "pointing_table", "where_it_looks"]


@dataclass(frozen=True, eq=False)
class WhereItLooks:
    """How far each patch moves the output, on average over images.

    Parameters
    ----------
    patches
        Names of the patches.
    importance, standard_error
        float64 ``(n_patches,)``: mean absolute effect over images, in ``units``, and its error.
    segments
        int64 ``(height, width)``: the patch of each pixel.
    n_images
        Images behind it.
    units
        As in :class:`~appkit.explanation.Explanation`.
    explanation
        What the means were taken of.
    """

    patches: tuple[str, ...]
    importance: np.ndarray
    standard_error: np.ndarray
    segments: np.ndarray
    n_images: int
    units: str
    explanation: Explanation

    @property
    def map(self) -> np.ndarray:
        """Importance of each pixel's patch, float64 ``(height, width)``."""
        return self.importance[self.segments]

    @property
    def share_at_border(self) -> float:
        """Share of all importance that lies in patches at the border of the image, where no finding should be."""
        at_border = np.unique(np.concatenate([self.segments[[0, -1]].ravel(), self.segments[:, [0, -1]].ravel()]))
        total = self.importance.sum()
        return float(self.importance[at_border].sum() / total) if total > 0 else 0.0

    def to_frame(self) -> pd.DataFrame:
        """Return one line per patch, the most important first: patch, importance, standard_error."""
        lines = {"patch": self.patches, "importance": self.importance, "standard_error": self.standard_error}
        return pd.DataFrame(lines).sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def where_it_looks(
    model: Any,
    images: Any,
    *,
    n_players: int | None = None,
    fill: str | None = None,
    background: Any = None,
    output: str | int | None = None,
    units: str | None = None,
    max_evaluations: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> WhereItLooks:
    """Return the mean absolute Shapley value of each patch over many images.

    Says which part of the field of view a model draws on: a network that looks at the border reads labels, tubes or the
    frame. Patches lie at the same place in every image, so images should be taken alike.

    Parameters
    ----------
    model
        Fitted image classifier.
    images
        As the model takes them, two at least.
    n_players, fill, background, units, max_evaluations, random_state
        As in :func:`appkit.explain`. One set of permutations serves all images.
    output
        Name or position of the output; may be left out where there is one.

    Raises
    ------
    ValueError
        If there are fewer than two images, or several outputs and none is named.
    """
    if output is None and len(model.output_names_) > 1:
        raise ValueError(f"output must be one of {tuple(model.output_names_)} or its position, got None.")
    explanation = explain(
        model,
        images,
        "shapley",
        outputs=output,
        players="patches",
        n_players=n_players,
        fill=fill,
        background=background,
        units=units,
        max_evaluations=max_evaluations,
        random_state=random_state,
    )
    n_images = len(explanation.values)
    if n_images < 2:
        raise ValueError(f"images must be two or more to take a mean over, got {n_images}. Use explain_image for one.")
    assert isinstance(explanation.layout, ImageLayout)
    sizes = np.abs(explanation.values[..., 0])
    drawn = sizes.std(axis=0, ddof=1) / np.sqrt(n_images)  # images are a sample, as permutations are
    return WhereItLooks(
        patches=explanation.player_names,
        importance=sizes.mean(axis=0),
        standard_error=np.hypot(drawn, explanation.global_standard_error[:, 0]),
        segments=explanation.layout.segments[0],
        n_images=n_images,
        units=explanation.units,
        explanation=explanation,
    )


def explain_image(
    model: Any,
    image: Any,
    *,
    methods: Sequence[str] = IMAGE_METHODS,
    mask: np.ndarray | None = None,
    distractors: np.ndarray | None = None,
    n_random: int = 0,
    random_state: int | np.random.RandomState | None = None,
    **options: Any,
) -> MethodComparison:
    """Explain one image by several methods, each with its certificate; see :func:`compare_methods`.

    Parameters
    ----------
    model
        Fitted image classifier.
    image
        One image: an array ``(height, width)`` or ``(height, width, n_channels)``, a path, a line of a table of paths,
        or anything of length one that the model takes.
    methods, n_random, random_state, options
        As in :func:`~appkit.explanation.comparison.compare_methods`.
    mask, distractors
        bool ``(height, width)``: where the finding lies, and what resembles it.

    Raises
    ------
    ValueError
        If there is more than one image.
    """
    one = _as_batch(image)
    if len(one) != 1:
        raise ValueError(f"image must be a single one, got {len(one)}. Use compare_methods for several.")
    return compare_methods(
        model,
        one,
        methods=methods,
        masks=None if mask is None else np.asarray(mask)[None],
        distractors=None if distractors is None else np.asarray(distractors)[None],
        n_random=n_random,
        random_state=random_state,
        **options,
    )


def pointing_table(
    model: Any,
    images: Any,
    masks: np.ndarray,
    *,
    distractors: np.ndarray | None = None,
    methods: Sequence[str] = IMAGE_METHODS,
    n_random: int = 5,
    max_evaluations: Mapping[str, int] | None = None,
    random_state: int | np.random.RandomState | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Return how often each method's strongest segment lies on the finding, beside chance and random weights.

    One line per method: accuracy with its interval (Wilson), the chance to beat, and the same after all weights of the
    model were drawn anew (``random``, mean over networks), which should be chance. ``similarity`` is the rank
    correlation with the map of the trained model.

    Parameters
    ----------
    model
        Fitted image classifier.
    images
        As the model takes them; images whose mask is empty do not count, so leave them out.
    masks, distractors
        bool ``(n_images, height, width)``, as in :func:`appkit.explanation.pointing_accuracy`.
    methods, n_random, max_evaluations, random_state, options
        As in :func:`~appkit.explanation.comparison.compare_methods`.
    """
    compared = compare_methods(
        model,
        images,
        methods=methods,
        masks=masks,
        distractors=distractors,
        n_random=n_random,
        max_evaluations=max_evaluations,
        is_certified=False,
        random_state=random_state,
        **options,
    )
    columns = {
        "method": "method",
        "pointing": "accuracy",
        "pointing_low": "low",
        "pointing_high": "high",
        "chance": "chance",
        "random_pointing": "random",
        "random_pointing_low": "random_low",
        "random_pointing_high": "random_high",
        "random_weights": "similarity",
        "relative_error": "relative_error",
        "evaluations": "evaluations",
    }
    table = compared.to_frame()[list(columns)].rename(columns=columns)
    counted = [0 if method.pointing is None else len(method.pointing.hits) for method in compared]
    return table.assign(n_images=counted)


def _as_batch(image: Any) -> Any:
    """Return one image as a set of one."""
    if isinstance(image, pd.Series) and image.index.is_unique and image.name is not None and len(image) > 1:
        return image.to_frame().T  # a line of a table
    if isinstance(image, np.ndarray) and (image.ndim == 2 or (image.ndim == 3 and image.shape[-1] in (3, 4))):
        return image[None]
    return image if isinstance(image, np.ndarray | pd.DataFrame | pd.Series | list | tuple) else [image]
