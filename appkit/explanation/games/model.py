"""Turn a model, ours or anybody's, into what explanations ask: one function in chosen units, or a game."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted

from appkit.exceptions import DataWarning, SchemaError
from appkit.explanation.games.batched import BatchedGame
from appkit.explanation.games.frame import FrameGame
from appkit.explanation.games.image_estimator import image_estimator_game
from appkit.explanation.games.ragged import RaggedGame
from appkit.explanation.games.recommender import recommender_game
from appkit.explanation.games.series import series_game
from appkit.explanation.games.table import EncodedTableGame
from appkit.explanation.seeds import RandomState, seed_of

__all__ = [
    "ModelOutputs",
    "PROBABILITY_FLOOR",
    "Players",
    "game_for",
    "is_of_histories",
    "is_of_images",
    "is_of_series",
    "model_outputs",
    "require_fitted",
    "tables_for",
]

PROBABILITY_FLOOR = 1e-12
_SAMPLED_BACKGROUND = 200
_CLASSIFIER_UNITS = ("probability", "log-odds")

Predict = Callable[[pd.DataFrame], np.ndarray]
Players = Mapping[str, Sequence[str]] | str | np.ndarray | None
"""Groups of columns or sensors by name; of images, how they are cut."""


@dataclass(frozen=True)
class ModelOutputs:
    """What a model says, in one unit.

    Parameters
    ----------
    predict
        From a frame to float64 ``(n_rows, n_outputs)``, the chosen outputs only.
    names
        Names of the chosen outputs.
    positions
        Their positions among all outputs of the model.
    units
        ``"probability"``, ``"log-odds"`` or ``"value"``.
    """

    predict: Predict
    names: tuple[str, ...]
    positions: tuple[int, ...]
    units: str


@overload
def game_for(
    model: Any,
    X: Any,
    *,
    background: Any = None,
    outputs: str | int | Sequence[str | int] | None = None,
    units: str | None = None,
    players: Mapping[str, Sequence[str]] | None = None,
    n_players: int | None = None,
    fill: str | None = None,
    k: int | None = None,
    filter_seen: bool | None = None,
    candidates: Iterable[Any] | None = None,
    exclude: Iterable[Any] | None = None,
    random_state: RandomState = None,
    batch_size: int | None = None,
) -> BatchedGame: ...
@overload
def game_for(
    model: Any,
    X: Any,
    *,
    background: Any = None,
    outputs: str | int | Sequence[str | int] | None = None,
    units: str | None = None,
    players: str | np.ndarray,
    n_players: int | None = None,
    fill: str | None = None,
    k: int | None = None,
    filter_seen: bool | None = None,
    candidates: Iterable[Any] | None = None,
    exclude: Iterable[Any] | None = None,
    random_state: RandomState = None,
    batch_size: int | None = None,
) -> BatchedGame | RaggedGame: ...
def game_for(
    model: Any,
    X: Any,
    *,
    background: Any = None,
    outputs: str | int | Sequence[str | int] | None = None,
    units: str | None = None,
    players: Players = None,
    n_players: int | None = None,
    fill: str | None = None,
    k: int | None = None,
    filter_seen: bool | None = None,
    candidates: Iterable[Any] | None = None,
    exclude: Iterable[Any] | None = None,
    random_state: RandomState = None,
    batch_size: int | None = None,
) -> BatchedGame | RaggedGame:
    """Return the game of a model: its rows, its raw columns as players, its chosen outputs.

    A series estimator of ours is asked about windows, each unit's newest where ``X`` holds readings, and its players
    are sensors over stretches of time, see :func:`~appkit.explanation.games.series.series_game`. The players of an
    image estimator of ours are segments of each image, see
    :func:`~appkit.explanation.games.image_estimator.image_estimator_game`; those of a recommender of ours are the items
    of each user's history, see :func:`~appkit.explanation.games.recommender.recommender_game`.

    Parameters
    ----------
    model
        A fitted estimator of appkit (encoded once, masked on its device), any fitted estimator with ``predict_proba``
        or ``predict``, or a function from a DataFrame to numbers.
    X
        Rows to explain: DataFrame, or array ``(n_rows, n_columns)`` whose columns are then called x0, x1, ...; images
        as an image estimator takes them.
    background
        Rows, readings or images that say what an unknown player may hold. ``None`` takes the training sample that a
        model of ours keeps; any other model gets a sample of ``X`` itself, with a warning.
    outputs
        Names or positions of the outputs to explain; ``None`` means all. Two classes have one output, the event: the
        second of ``classes_``.
    units
        ``"probability"`` or ``"log-odds"`` for classifiers, ``"value"`` for everything else; ``None`` means the first
        that fits. Log-odds of a model known by its probabilities are the logit of the probability, clipped at 1e-12
        from 0 and 1; several classes have the log-odds of each against the others.
    players
        Groups of columns, or sensors, to treat as one player each, by name; of images ``"patches"``,
        ``"superpixels"`` or integers, the segment of each pixel.
    n_players, fill
        Of images: how many segments to aim at, and what an absent one shows. Of histories: how many of the latest items
        are explained.
    k, filter_seen, candidates, exclude
        Of advice: which list it is one of.
    random_state
        Seed of the sample of ``X`` that stands in for a missing background.
    batch_size
        Model rows per call; ``None`` chooses by device.

    Examples
    --------
    >>> X = pd.DataFrame({"income": [1.0, 2.0], "debt": [0.0, 1.0]})
    >>> game = game_for(lambda rows: rows["income"] - rows["debt"], X, background=X)
    >>> game.player_names, game.output_names, game.units
    (('income', 'debt'), ('output',), 'value')
    """
    of_list: dict[str, Any] = {"k": k, "filter_seen": filter_seen, "candidates": candidates, "exclude": exclude}
    if is_of_histories(model):
        _refuse_for_histories(background=background, outputs=outputs, players=players, fill=fill)
        _checked_units(model, units)
        given = {name: value for name, value in of_list.items() if value is not None}
        return recommender_game(model, X, **given, n_recent=n_players, batch_size=batch_size)
    _refuse_for_others(**of_list)
    if is_of_images(model) or is_of_series(model):
        require_fitted(model)
        positions = None if outputs is None else _positions(outputs, tuple(model.output_names_))
        options: dict[str, Any] = {"background": background, "outputs": positions, "batch_size": batch_size}
        options["units"] = _checked_units(model, units)
    if is_of_images(model):
        return image_estimator_game(model, X, players=_segments_of(players), n_players=n_players, fill=fill, **options)
    groups = _groups_of(players, n_players=n_players, fill=fill)
    if is_of_series(model):
        return series_game(model, X, sensor_groups=groups, **options)
    X = model.as_rows(X) if hasattr(model, "as_rows") else X  # of events the rows that a model judges
    X, background, as_given = tables_for(model, X, background=background, random_state=random_state)
    said = model_outputs(model, X, outputs=outputs, units=units, as_given=as_given)
    if _is_ours(model):
        return EncodedTableGame(
            model,
            X,
            background,
            units=said.units,
            outputs=said.positions,
            players=groups,
            batch_size=batch_size,
        )
    return FrameGame(
        said.predict,
        X,
        background,
        output_names=said.names,
        units=said.units,
        players=groups,
        batch_size=batch_size,
    )


def _refuse_for_histories(**options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            raise ValueError(
                f"{name} is not for recommenders, got {value!r}: an item of the history was bought or never was, and "
                "the output is the margin of the item advised."
            )


def _refuse_for_others(**options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            raise ValueError(f"{name} is for recommenders, got {value!r} for another model.")


def _segments_of(players: Players) -> str | np.ndarray | None:
    """Return what names the segments of images; refuse groups of columns."""
    if isinstance(players, Mapping):
        raise ValueError(
            "players of images must be 'patches', 'superpixels' or an array of integers, got groups by name "
            f"{list(players)}."
        )
    return players


def _groups_of(players: Players, *, n_players: int | None, fill: str | None) -> Mapping[str, Sequence[str]] | None:
    """Return groups of columns or sensors; refuse what only images have."""
    for name, value in (("n_players", n_players), ("fill", fill)):
        if value is not None:
            raise ValueError(f"{name} is for images, got {value!r} for a model of columns or series.")
    if players is not None and not isinstance(players, Mapping):
        raise ValueError(f"players must map names to lists of columns or sensors, got {players!r}: that is for images.")
    return players


def tables_for(
    model: Any, X: Any, *, background: Any, random_state: RandomState = None
) -> tuple[pd.DataFrame, pd.DataFrame, Predict]:
    """Return rows and background as frames of the same columns, and how to turn a frame back into what the model takes.

    Raises
    ------
    SchemaError
        If ``X`` is empty, or the background lacks a column of ``X``.
    """
    require_fitted(model)
    frame = _as_frame(X, columns=getattr(model, "feature_names_in_", None))
    if frame.empty:
        raise SchemaError(f"X must have at least one row and one column, got shape {frame.shape}.")
    if not frame.columns.is_unique:
        name = frame.columns[frame.columns.duplicated()][0]
        raise SchemaError(f"Column {name!r} appears more than once. Keep one, or rename the others.")
    if background is None:
        background = model.background_ if _is_ours(model) else _sampled(frame, random_state)
    else:
        background = _as_frame(background, columns=list(frame.columns))
    needed = [column for column in frame.columns if not _is_ours(model) or column in model.player_columns_]
    if not background.columns.is_unique:
        name = background.columns[background.columns.duplicated()][0]
        raise SchemaError(f"Column {name!r} appears more than once in background. Keep one, or rename the others.")
    missing = [column for column in needed if column not in background.columns]
    if missing:
        raise SchemaError(f"background must have every column of X, {missing} are missing.")
    as_given = _unchanged if isinstance(X, pd.DataFrame) else pd.DataFrame.to_numpy
    return frame, background if _is_ours(model) else background[frame.columns], as_given


def require_fitted(model: Any) -> None:
    """Raise ``NotFittedError`` for an estimator that was not fitted; anything that is no estimator passes."""
    is_ours = hasattr(model, "encoded_outputs")
    is_classifier = hasattr(model, "predict_proba") and not hasattr(model, "classes_")
    if hasattr(model, "fit") and (is_ours or is_classifier):
        check_is_fitted(model)


def model_outputs(
    model: Any,
    X: pd.DataFrame,
    *,
    outputs: str | int | Sequence[str | int] | None,
    units: str | None,
    as_given: Predict | None = None,
) -> ModelOutputs:
    """Return the chosen outputs of a model, in ``units``, as a function of frames; see :func:`game_for`."""
    as_given = as_given or _unchanged
    units = _checked_units(model, units)
    if _is_ours(model):
        names, predict = tuple(model.output_names_), _encoded_predict(model, units)
    elif hasattr(model, "predict_proba"):
        names, predict = _class_outputs(model, units, as_given)
    else:
        names, predict = _value_outputs(model, X, as_given)
    positions = _positions(outputs, names)

    def chosen(frame: pd.DataFrame) -> np.ndarray:
        answer = predict(frame)
        # a wrong shape is the game's to refuse, with all its columns in view
        return answer[:, positions] if answer.ndim == 2 and answer.shape[1] == len(names) else answer

    return ModelOutputs(chosen, tuple(names[i] for i in positions), positions, units)


def is_of_series(model: Any) -> bool:
    """Return whether ``model`` is a series estimator of ours, which is explained by windows."""
    return all(hasattr(model, name) for name in ("encode_windows", "output_module", "readings"))


def is_of_histories(model: Any) -> bool:
    """Return whether ``model`` is a recommender of ours, which is explained by the items of each user's history.

    Examples
    --------
    >>> is_of_histories(len)
    False
    """
    return all(hasattr(model, name) for name in ("item_scorer", "histories"))


def is_of_images(model: Any) -> bool:
    """Return whether ``model`` is an image estimator of ours, which is explained by segments.

    Examples
    --------
    >>> is_of_images(len)
    False
    """
    return all(hasattr(model, name) for name in ("encode_images", "output_module"))


def _is_ours(model: Any) -> bool:
    return all(hasattr(model, name) for name in ("encode", "encoded_outputs", "player_columns_", "encoded_player_"))


def _unchanged(frame: pd.DataFrame) -> Any:
    return frame


def _as_frame(table: Any, *, columns: Sequence[str] | None) -> pd.DataFrame:
    if isinstance(table, pd.DataFrame):
        return table
    table = np.asarray(table)
    if table.ndim != 2:
        raise SchemaError(
            f"X must be a DataFrame or a two-dimensional array, got shape {table.shape}. For images, windows "
            "and histories use image_game, window_game or history_game with explain_game."
        )
    names = [f"x{i}" for i in range(table.shape[1])] if columns is None else list(columns)
    if len(names) != table.shape[1]:
        raise SchemaError(f"X must have {len(names)} columns, got {table.shape[1]}.")
    return pd.DataFrame(table, columns=names)


def _sampled(X: pd.DataFrame, random_state: RandomState) -> pd.DataFrame:
    n_rows = min(len(X), _SAMPLED_BACKGROUND)
    warnings.warn(
        f"No background given: {n_rows} of the {len(X)} rows to explain stand for what an unknown column may hold. "
        "Pass training rows as background=.",
        DataWarning,
        stacklevel=2,
    )
    return X.sample(n_rows, random_state=np.random.default_rng(seed_of(random_state)))


def _checked_units(model: Any, units: str | None) -> str:
    allowed = _CLASSIFIER_UNITS if hasattr(model, "predict_proba") else ("value",)
    if units is None:
        return allowed[0]
    if units not in allowed:
        raise ValueError(f"units must be one of {allowed} for {type(model).__name__}, got {units!r}.")
    return units


def _positions(outputs: str | int | Sequence[str | int] | None, names: tuple[str, ...]) -> tuple[int, ...]:
    if outputs is None:
        return tuple(range(len(names)))
    asked = list(outputs) if isinstance(outputs, (list, tuple, np.ndarray)) else [outputs]
    positions = [_position(output, names) for output in asked]
    known = tuple(position for position in positions if position is not None)
    if not asked or len(known) < len(asked):
        raise ValueError(
            f"outputs must be names among {names} or positions below {len(names)}, got {outputs!r}. "
            "A model of two classes has one output, the second class."
        )
    return known


def _position(output: object, names: tuple[str, ...]) -> int | None:
    if isinstance(output, str):
        return names.index(output) if output in names else None
    if isinstance(output, bool) or not isinstance(output, (int, np.integer)):
        return None
    return int(output) if 0 <= output < len(names) else None


def _encoded_predict(model: Any, units: str) -> Predict:
    def predict(frame: pd.DataFrame) -> np.ndarray:
        with torch.no_grad():
            return model.encoded_outputs(model.encode(frame), units=units).double().cpu().numpy()

    return predict


def _class_outputs(model: Any, units: str, as_given: Predict) -> tuple[tuple[str, ...], Predict]:
    names = tuple(str(label) for label in model.classes_)
    first = 1 if len(names) == 2 else 0

    def predict(frame: pd.DataFrame) -> np.ndarray:
        probability = np.asarray(model.predict_proba(as_given(frame)), dtype=np.float64)[:, first:]
        return probability if units == "probability" else _logit(probability)

    return names[first:], predict


def _logit(probability: np.ndarray) -> np.ndarray:
    if (probability < PROBABILITY_FLOOR).any() or (probability > 1 - PROBABILITY_FLOOR).any():
        warnings.warn(
            f"Probabilities of 0 or 1 have no log-odds: clipped at {PROBABILITY_FLOOR:g}. "
            "units='probability' needs no clipping.",
            DataWarning,
            stacklevel=2,
        )
    clipped = probability.clip(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return np.log(clipped) - np.log1p(-clipped)


def _value_outputs(model: Any, X: pd.DataFrame, as_given: Predict) -> tuple[tuple[str, ...], Predict]:
    if isinstance(model, torch.nn.Module):
        raise TypeError(
            "model is a torch module and takes tensors, not tables: use TensorGame, image_game or window_game with "
            "explain_game, or pass a function from a DataFrame to numbers."
        )
    function = model.predict if hasattr(model, "predict") else model
    if not callable(function) or hasattr(model, "classes_"):
        raise TypeError(
            f"model must have predict_proba (classifiers), predict (regressors) or be a function, got {model!r}."
        )

    def predict(frame: pd.DataFrame) -> np.ndarray:
        answer = np.asarray(function(as_given(frame)), dtype=np.float64)
        return answer[:, None] if answer.ndim == 1 else answer

    n_outputs = predict(X.iloc[:1]).shape[1]
    return ("output",) if n_outputs == 1 else tuple(f"output {i}" for i in range(n_outputs)), predict
