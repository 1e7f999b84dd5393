"""A public or generated set of images with all that is known about it: labels, patients, masks, splits, licence."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from appkit.data.splits import check_units_apart, split_by_group, split_stratified
from appkit.exceptions import SchemaError

__all__ = ["ImageDataset"]

Pictures = np.ndarray | pd.DataFrame


@dataclass(frozen=True, eq=False, repr=False)
class ImageDataset:
    """Images, their labels, and what their publisher says about them.

    Images are numbered from 0, and so are the rows of ``y``, ``groups`` and ``metadata``. A split keeps these numbers
    in the index of its labels: ``data.metadata.loc[y_test.index]`` and ``data.masks[y_test.index]`` belong to the test
    part.

    Parameters
    ----------
    name, description
        Short name as in ``$APPKIT_DATA``, and one sentence.
    X
        What ``fit`` takes: pixels, shape (n_images, height, width) or (n_images, height, width, n_channels), or a table
        whose column ``path`` says where each image lies.
    y
        Label of each image, shape (n_images,).
    target
        What ``y`` means.
    event
        The label whose probability is wanted; ``None`` for several classes alike.
    licence, citation, source
        Terms of use, whom to cite, and the publisher's address.
    protocol
        How the parts are made: as published (``given_test``), by whole ``groups``, or stratified by ``y``. Wherever
        groups are known they stay whole, and where images are drawn the labels are kept in proportion.
    given_test, given_validation
        True for the images of the published test and validation part, bool (n_images,).
    groups
        Patient of each image, or one label for images that are nearly the same.
    metadata
        What else is known of each image (sex, age, site, device), shape (n_images, n_columns).
    masks
        Where the lesion is, bool (n_images, height, width); all False in an image without one.
    distractors
        What catches the eye as the lesion does and is none, bool like ``masks``.
    """

    name: str
    description: str
    X: Pictures
    y: pd.Series
    target: str
    event: str | None
    licence: str
    citation: str
    source: str
    protocol: Literal["published", "group", "stratified"] = "stratified"
    given_test: np.ndarray | None = None
    given_validation: np.ndarray | None = None
    groups: pd.Series | None = None
    metadata: pd.DataFrame | None = None
    masks: np.ndarray | None = None
    distractors: np.ndarray | None = None

    def __post_init__(self) -> None:
        if isinstance(self.X, pd.DataFrame) and "path" not in self.X:
            raise SchemaError(f"X of {self.name} must hold a column 'path', got {', '.join(map(str, self.X.columns))}.")
        self._check_lengths()
        needed = {"published": self.given_test, "group": self.groups, "stratified": self.y}
        if needed.get(self.protocol) is None:
            raise ValueError(f"protocol {self.protocol!r} of {self.name} lacks what it splits by, or is unknown.")

    def split(
        self, *, test_size: float = 0.25, random_state: int | None = 0
    ) -> tuple[Pictures, Pictures, pd.Series, pd.Series]:
        """Return ``X_train, X_test, y_train, y_test`` by the data set's own protocol.

        A published validation part belongs to the training images: an estimator holds some of them out by itself. To
        train without it, see :meth:`split_three`.

        Parameters
        ----------
        test_size
            Share of images to test on, met as closely as whole groups allow; a published test part has its own size.
        random_state
            Seed of a drawn split; a published one draws nothing.

        Raises
        ------
        LeakageError
            Where a group would be on both sides.
        """
        train, test = self._test_rows(test_size, random_state)
        self._check_groups_apart(train, test)
        return (*self._pictures(train, test), *self._labels(train, test))

    def split_three(
        self, *, validation_size: float = 0.15, test_size: float = 0.25, random_state: int | None = 0
    ) -> tuple[Pictures, Pictures, Pictures, pd.Series, pd.Series, pd.Series]:
        """Return ``X_train, X_validation, X_test, y_train, y_validation, y_test``, published parts as published.

        Parameters
        ----------
        validation_size, test_size
            Share of all images in each part; a published part has its own size.
        random_state
            Seed of what is drawn.

        Raises
        ------
        LeakageError
            Where a group would be in two parts.
        """
        rest, test = self._test_rows(test_size, random_state)
        if self.given_validation is not None:
            held_out = self.given_validation[rest]
            train, validation = rest[~held_out], rest[held_out]
        else:
            share = validation_size * len(self.y) / len(rest)
            inner, outer = self._draw(rest, share, random_state)
            train, validation = rest[inner], rest[outer]
        self._check_groups_apart(rest, test)
        self._check_groups_apart(train, validation)
        return (*self._pictures(train, validation, test), *self._labels(train, validation, test))

    def describe(self) -> str:
        """Return what a reader should know before using the images, as plain text."""
        facts = {
            "images": f"{len(self.y):,}, {self._describe_pixels()}",
            "target": f"{self.target}; {self._describe_labels()}",
            **self._describe_groups(),
            **self._describe_truth(),
            "split": self._describe_split(),
            "licence": self.licence,
            "citation": self.citation,
            "source": self.source,
        }
        return "\n".join([f"{self.name}: {self.description}", *(f"  {name}: {fact}" for name, fact in facts.items())])

    def __repr__(self) -> str:
        subject = f"{self.y.nunique()} classes" if self.event is None else f"event {self.event!r}"
        return f"<{type(self).__name__} {self.name}: {len(self.y):,} images, {self._describe_pixels()}, {subject}>"

    def _check_lengths(self) -> None:
        """Everything is about the same images in the same order, and the index says which."""
        n_images = len(self.X)
        numbers = pd.RangeIndex(n_images)
        frames = {"X": self.X, "y": self.y, "groups": self.groups, "metadata": self.metadata}
        for name, values in frames.items():
            if isinstance(values, pd.DataFrame | pd.Series) and not values.index.equals(numbers):
                raise ValueError(f"{name} of {self.name} must be indexed 0 to {n_images - 1}, one row per image.")
        arrays = {name: getattr(self, name) for name in ("given_test", "given_validation", "masks", "distractors")}
        for name, array in arrays.items():
            if array is not None and (array.dtype != bool or len(array) != n_images):
                raise ValueError(
                    f"{name} of {self.name} must be bool, one entry for each of {n_images} images, "
                    f"got {array.dtype} of shape {array.shape}."
                )

    def _test_rows(self, test_size: float, random_state: int | None) -> tuple[np.ndarray, np.ndarray]:
        if self.protocol == "published":
            assert self.given_test is not None
            return np.flatnonzero(~self.given_test), np.flatnonzero(self.given_test)
        return self._draw(np.arange(len(self.y)), test_size, random_state)

    def _draw(self, rows: np.ndarray, share: float, random_state: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Return positions within ``rows`` to keep and to hold out, groups whole and labels in proportion."""
        labels = self.y.iloc[rows].to_numpy()
        if self.groups is not None:
            groups = self.groups.iloc[rows].to_numpy()
            return split_by_group(groups, test_size=share, random_state=random_state, y=labels)
        kept, held_out = split_stratified(labels, test_size=share, random_state=random_state)
        return np.sort(kept), np.sort(held_out)

    def _check_groups_apart(self, train: np.ndarray, test: np.ndarray) -> None:
        if self.groups is not None:
            check_units_apart(self.groups.iloc[train], self.groups.iloc[test])

    def _pictures(self, *parts: np.ndarray) -> tuple[Any, ...]:
        return tuple(self.X.iloc[rows] if isinstance(self.X, pd.DataFrame) else self.X[rows] for rows in parts)

    def _labels(self, *parts: np.ndarray) -> tuple[Any, ...]:
        return tuple(self.y.iloc[rows] for rows in parts)

    def _describe_pixels(self) -> str:
        if isinstance(self.X, pd.DataFrame):
            return "as files"
        height, width, *channels = self.X.shape[1:]
        depth = f"{channels[0]} channels" if channels else "grey"
        return f"{height} x {width} {depth}"

    def _describe_labels(self) -> str:
        if self.event is not None:
            return f"event {self.event!r} in {(self.y == self.event).mean():.1%} of images"
        return ", ".join(f"{name} {share:.1%}" for name, share in self.y.value_counts(normalize=True).items())

    def _describe_groups(self) -> dict[str, str]:
        facts = {}
        if self.groups is not None:
            sizes = self.groups.value_counts()
            facts["groups"] = f"{len(sizes):,} ({self.groups.name}), {sizes.min()} to {sizes.max()} images each"
        if self.metadata is not None and len(self.metadata.columns):
            facts["metadata"] = ", ".join(map(str, self.metadata.columns))
        return facts

    def _describe_truth(self) -> dict[str, str]:
        if self.masks is None:
            return {}
        known = f"masks of the lesion in {self.masks.any((1, 2)).sum():,} images"
        return {"truth": known if self.distractors is None else f"{known}, and of what is none in all"}

    def _describe_split(self) -> str:
        if self.given_test is None:
            return self.protocol
        validation = 0 if self.given_validation is None else int(self.given_validation.sum())
        test = int(self.given_test.sum())
        train = len(self.y) - validation - test
        return f"{self.protocol}: {train:,} to train, {validation:,} to validate, {test:,} to test"
