"""A model of images as a report sees it: an image is judged, the patches of a grid over it are its players."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike

from appkit.data.images import Images
from appkit.explanation.games.image_estimator import image_estimator_game
from appkit.explanation.games.patches import grid_patches
from appkit.explanation.games.ragged import RaggedGame
from appkit.explanation.games.tensor import TensorGame
from appkit.reporting.content.file_names import short_names
from appkit.reporting.content.reported_output import reported_output

__all__ = ["COMMON_PATCHES", "NAMED", "ImageSubject", "Showing", "image_subject", "patch_names"]

Showing = bool | Literal["named"]
"""Whether images are shown on the page; ``"named"``: with the names of their files."""

NAMED = "named by the caller"
COMMON_PATCHES = 25  # of the grid all images share: fewer than for one image, so that many images can be asked
_AT_ONCE = 2**22  # pixels held at once as numbers


@dataclass(frozen=True, eq=False)
class ImageSubject:
    """The one output of a model of images that a report is about; see ``Subject`` for what it offers.

    Parameters
    ----------
    model
        Fitted image estimator: has ``images``, ``encode_images`` and ``output_module``.
    task, output, position
        As in ``ReportedOutput``; ``output`` is its label.
    images
        The images as the model sees them, in the order in which the caller gave them.
    given
        The frame the caller gave, with its other columns; ``None`` where it was none.
    shows
        Whether images may stand on the page.
    """

    model: Any
    task: str
    output: Any
    position: int
    images: Images
    given: pd.DataFrame | None = None
    shows: Showing = False

    def __call__(self, X: pd.DataFrame) -> np.ndarray:
        """Return the output of rows of the table, float64 ``(n_rows,)``."""
        return self.outputs[self.places_of(X)]

    @cached_property
    def outputs(self) -> np.ndarray:
        """Output of every image, float64 ``(n_images,)``."""
        if self.task == "regression":
            return np.asarray(self.model.predict(self.images.pixels), dtype=np.float64)
        return np.asarray(self.model.predict_proba(self.images.pixels), dtype=np.float64)[:, self.position]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per image, known by its name; one column per patch of the common grid: its mean brightness."""
        owner, n = self.patches.ravel(), len(self.players)
        area = np.bincount(owner, minlength=n)
        means = np.empty((len(self.images), n))
        step = max(1, _AT_ONCE // self.images.pixels[0].size)
        for start in range(0, len(self.images), step):
            grey = self.images.pixels[start : start + step].astype(np.float64).mean(axis=3)
            sums = [np.bincount(owner, weights=image.ravel(), minlength=n) for image in grey]
            means[start : start + step] = np.stack(sums) / area
        return pd.DataFrame(means, columns=list(self.players), index=self._names)

    @property
    def data(self) -> Images:
        """What the report hashes: the pixels, and names of files only where they are shown."""
        names = self.images.names if self.shows == "named" else np.full(len(self.images), "")
        return Images(self.images.pixels, names)

    @property
    def words(self) -> Mapping[str, str]:
        """What rows and columns are called where the domain has no words for them."""
        group = "patient" if self._patient_column is not None else "group"
        return {
            "row": "image",
            "rows": "images",
            "case": "image",
            "a_row": "an image",
            "a_case": "an image",
            "column": "patch",
            "columns": "patches",
            "group": group,
            "groups": f"{group}s",
        }

    @property
    def is_probability(self) -> bool:
        """Whether outputs are probabilities, printed as percentages, their differences as points."""
        return self.task != "regression"

    @property
    def is_named(self) -> bool:
        """Whether names of files may stand on the page."""
        return self.shows == "named"

    @cached_property
    def patches(self) -> np.ndarray:
        """Patch of each pixel on the grid all images share, int64 ``(height, width)``."""
        return self.grid(COMMON_PATCHES)

    def grid(self, n_patches: int) -> np.ndarray:
        """Return the patch of each pixel on a grid of about ``n_patches``, int64 ``(height, width)``."""
        return grid_patches(self.images.shape.height, self.images.shape.width, n_patches=n_patches)

    @property
    def players(self) -> tuple[str, ...]:
        """Names of the patches of the common grid: ``"patch 2, 3"``, row and column from the top left."""
        return patch_names(self.patches)

    @property
    def n_players(self) -> int:
        """Players of :meth:`game`."""
        return len(self.players)

    @property
    def units(self) -> np.ndarray | None:
        """Patient of each image where the model knows their column, else ``None``, ``(n_images,)``."""
        column = self._patient_column
        return None if column is None or self.given is None else self.given[column].to_numpy(dtype=object)

    def labels(self) -> np.ndarray:
        """Return the label predicted for each row of ``table``."""
        return np.asarray(self.model.predict(self.images.pixels))

    def of_rows(self, values: ArrayLike | None) -> Any:
        """Return what the caller gave per row of ``X`` per row of ``table``: the same."""
        return values

    def named(self, case: Any) -> tuple[pd.DataFrame, str]:
        """Return the row that ``case`` means, as a frame of one row, and how it was chosen.

        Parameters
        ----------
        case
            ``"image 3"``; the name of a file; a label of the index of a frame ``X``; or, where ``X`` is none, the
            position of the image from 0.

        Raises
        ------
        ValueError
            If none or several images are meant.
        """
        places = self._meant(case)
        if len(places) != 1:
            found = "none" if not len(places) else f"{len(places)} of them"
            raise ValueError(
                f"case must name one image, such as {self._names[0]!r}, its file, or its place in X, "
                f"got {case!r}, which is {found}."
            )
        return self.table.iloc[places], NAMED

    def places_of(self, X: pd.DataFrame) -> np.ndarray:
        """Return the position in ``images`` of each table row, int64 ``(n_rows,)``."""
        places = self._names.get_indexer(X.index)
        if (places < 0).any():
            raise ValueError(f"rows must be images of this report, got {X.index[int((places < 0).argmax())]!r}.")
        return places.astype(np.int64)

    def shown(self, X: pd.DataFrame) -> np.ndarray:
        """Return what players of these rows show, object ``(n_rows, n_players)``: mean brightness."""
        return X[list(self.players)].to_numpy(dtype=object)

    def game(self, X: pd.DataFrame, background: np.ndarray | None = None) -> TensorGame:
        """Return the game of this output whose players are the patches of the common grid.

        Parameters
        ----------
        X
            Rows of the table.
        background
            Images that fill absent patches, like ``images.pixels``; ``None``: what the model kept, the mean of its
            training images.
        """
        return self.patch_game(X, self.patches, background=background)

    def patch_game(
        self,
        X: pd.DataFrame,
        patches: np.ndarray,
        *,
        background: np.ndarray | None = None,
        network: torch.nn.Module | None = None,
    ) -> TensorGame:
        """Return the game over the patches of any grid, int64 ``(height, width)``; see :meth:`game`.

        ``network`` answers instead of the model: a copy of :meth:`network` with other weights.
        """
        game = self._game(X, patches, background=background, network=network)
        assert isinstance(game, TensorGame), "all images share the grid"
        game.player_names = patch_names(patches)
        return game

    def superpixel_game(
        self,
        X: pd.DataFrame,
        *,
        n_superpixels: int,
        background: np.ndarray | None = None,
        network: torch.nn.Module | None = None,
    ) -> RaggedGame:
        """Return the game over each image's own superpixels, about ``n_superpixels``; see :meth:`patch_game`."""
        game = self._game(X, "superpixels", n_players=n_superpixels, background=background, network=network)
        assert isinstance(game, RaggedGame), "superpixels differ from image to image"
        return game

    def _game(
        self,
        X: pd.DataFrame,
        players: Literal["superpixels"] | np.ndarray,
        *,
        background: np.ndarray | None,
        network: torch.nn.Module | None,
        n_players: int | None = None,
    ) -> TensorGame | RaggedGame:
        return image_estimator_game(
            _Answering(self.model, self.network() if network is None else network),
            self.images[self.places_of(X)],
            players=players,
            n_players=n_players,
            background=None if background is None else Images(background, np.full(len(background), "")),
            outputs=[self.position] if self.task == "multiclass" else None,
            units=self._unit,
        )

    def network(self) -> torch.nn.Module:
        """Return the model's whole answer as one module of tensors."""
        module: torch.nn.Module = self.model.output_module(self._unit)
        return module

    @property
    def _unit(self) -> str:
        return "probability" if self.is_probability else "value"

    @property
    def _patient_column(self) -> str | None:
        """Return the column of patients where the model names one and the caller's frame has it."""
        column = getattr(self.model, "patient", None)
        return column if column is not None and self.given is not None and column in self.given else None

    def _meant(self, case: Any) -> np.ndarray:
        """Return the positions of all images that ``case`` may mean."""
        if isinstance(case, str) and case in self._names:
            return self._names.get_indexer(pd.Index([case]))
        if self.given is not None and np.any(is_case := np.asarray(self.given.index == case)):
            return np.flatnonzero(is_case)
        if isinstance(case, int | np.integer) and not isinstance(case, bool) and self.given is None:
            return np.arange(len(self.images))[case : case + 1] if case >= 0 else np.empty(0, dtype=np.int64)
        names = self.images.names.astype(str)
        is_file = (names == str(case)) | (short_names(names) == str(case))
        return np.flatnonzero(is_file)

    @cached_property
    def _names(self) -> pd.Index:
        """Name of each image on the page."""
        if self.is_named:
            return pd.Index(short_names(self.images.names.astype(str)))
        return pd.Index([f"image {i}" for i in range(len(self.images))])


@dataclass(frozen=True, eq=False)
class _Answering:
    """A fitted image model asked about decoded images, whose answer a network of the same kind may give instead."""

    model: Any
    network: torch.nn.Module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def images(self, X: Images) -> Images:
        return X

    def output_module(self, units: str) -> torch.nn.Module:
        return self.network


def patch_names(patches: np.ndarray) -> tuple[str, ...]:
    """Return where each patch of a grid, int64 ``(height, width)``, lies: row and column, from 1 at the top left.

    Examples
    --------
    >>> patch_names(grid_patches(2, 4, n_patches=2))
    ('patch 1, 1', 'patch 1, 2')
    """
    n_rows, n_columns = (len(np.unique(line)) for line in (patches[:, 0], patches[0]))
    return tuple(f"patch {row + 1}, {column + 1}" for row in range(n_rows) for column in range(n_columns))


def image_subject(model: Any, X: Any, *, output: Any = None, shows: Showing = False) -> ImageSubject:
    """Return what a report on an image model is about.

    Parameters
    ----------
    model
        Fitted image estimator.
    X
        Arrays, paths or a frame, as the model takes them; read once, here.
    output
        Class to report on where there are more than two; the last one by default.
    shows
        Whether images may stand on the page: ``False``, ``True``, or ``"named"``, with the names of their files.
    """
    if not (isinstance(shows, bool) or shows == "named"):
        raise ValueError(f"show_images must be True, False or 'named', got {shows!r}.")
    asked = reported_output(model, output=output)
    given = X if isinstance(X, pd.DataFrame) else None
    return ImageSubject(model, asked.task, asked.label, asked.position, model.images(X), given, shows)
