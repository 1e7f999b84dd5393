"""What a report asks of a model and its data, whatever their kind: one number a row, and the game that explains it."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.explanation import Game
from appkit.explanation.games.model import is_of_images, is_of_series, require_fitted
from appkit.reporting.content.image_subject import ImageSubject, Showing, image_subject
from appkit.reporting.content.series_subject import SeriesSubject, series_subject
from appkit.reporting.content.table_subject import TableSubject, table_subject

__all__ = ["ImageSubject", "SeriesSubject", "Subject", "TableSubject", "subject_of"]


class Subject(Protocol):
    """The one output of a model that a report is about, and the rows it is reported on.

    Whatever a model takes, a report sees a table: one row per thing judged (a loan, a window of readings, an image),
    one column per player of the game. Rows are passed around as rows of this table, known by its index where the model
    takes something else.
    """

    @property
    def model(self) -> Any:
        """The fitted model."""

    @property
    def task(self) -> str:
        """``"binary"``, ``"multiclass"`` or ``"regression"``."""

    @property
    def output(self) -> Any:
        """Label of the event or class whose probability is meant; ``None`` for a value."""

    @property
    def table(self) -> pd.DataFrame:
        """Rows reported on."""

    @property
    def data(self) -> Any:
        """What the caller gave and the report hashes: a frame, or images."""

    @property
    def words(self) -> Mapping[str, str]:
        """What rows and columns are called where the domain has no words for them."""

    @property
    def is_probability(self) -> bool:
        """Whether outputs are probabilities, printed as percentages, their differences as points."""

    @property
    def n_players(self) -> int:
        """Players of :meth:`game`."""

    def __call__(self, X: pd.DataFrame) -> np.ndarray:
        """Return the output of rows of the table, float64 ``(n_rows,)``."""

    def labels(self) -> np.ndarray:
        """Return the label predicted for each row of the table."""

    def of_rows(self, values: ArrayLike | None) -> Any:
        """Return values given one per row of the caller's ``X``, one per row of the table."""

    def named(self, case: Any) -> tuple[pd.DataFrame, str]:
        """Return the row that a caller's ``case`` means, as a frame of one row, and how it was chosen."""

    def shown(self, X: pd.DataFrame) -> np.ndarray | None:
        """Return what players of these rows show, object ``(n_rows, n_players)``; ``None``: as the game has it."""

    def game(self, X: pd.DataFrame, background: Any) -> Game:
        """Return the game of the output on rows of the table; its players are columns of the table."""


def subject_of(model: Any, X: Any, y: ArrayLike, *, output: Any = None, show_images: Showing = False) -> Subject:
    """Return what a report on ``model`` is about.

    Parameters
    ----------
    model
        Fitted; a classifier needs ``predict_proba``.
    X, y
        The rows as the caller gave them, and their labels or values. Of a series, rows without one are history.
    output
        Class to report on where there are more than two; the last one by default.
    show_images
        Of an image model, whether images may stand on the page.
    """
    require_fitted(model)
    if is_of_images(model):
        return image_subject(model, X, output=output, shows=show_images)
    if is_of_series(model):
        return series_subject(model, X, y, output=output)
    return table_subject(model, X, output=output)
