"""The smallest plausible change of each row that turns the decision of a model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation.counterfactuals.candidates import Answers
from appkit.explanation.counterfactuals.goal import Goal, goal_of
from appkit.explanation.counterfactuals.levels import observed_levels
from appkit.explanation.counterfactuals.mixtures import Mixtures, in_whole_batches
from appkit.explanation.counterfactuals.result import Counterfactuals
from appkit.explanation.counterfactuals.search import Search
from appkit.explanation.counterfactuals.writing import written
from appkit.explanation.games.model import Predict, model_outputs, tables_for
from appkit.explanation.ranked_columns import RankedColumns, declared_columns, pooled_table
from appkit.explanation.seeds import RandomState, seed_of
from appkit.model.device import on_one_thread

__all__ = ["counterfactuals"]

_BACKGROUND_ROWS = 5_000
_ROWS_AT_ONCE = 64
_USUAL_SHARE = 0.95
_DIRECTIONS = {"up": 1, "down": -1}
_NO_WAY = 2  # neither up nor down: what is declared leaves no way


@on_one_thread()
def counterfactuals(
    model: Any,
    X: Any,
    *,
    desired: Any = None,
    changeable: Iterable[str] | None = None,
    fixed: Iterable[str] = (),
    directions: Mapping[str, str] | None = None,
    max_changes: int = 3,
    n_alternatives: int = 1,
    threshold: float | None = None,
    background: Any = None,
    random_state: RandomState = None,
) -> Counterfactuals:
    """Return for each row the smallest plausible change found that turns the decision of a model.

    Fewest changed columns first, then the least change, counted in quantiles of each column and added up (Ustun et al.
    2019 count an applicant's effort so); a word that changes counts 1. A cell takes only values that its column shows
    in the background. Missing cells and special codes stay as they are, and no cell becomes one. A changed row must be
    no farther from the nearest background row than 95 % of the background rows are from theirs, or than the row itself
    was. Every answer is scored by the model; where there is none, the result says which limit binds.

    Parameters
    ----------
    model
        Fitted classifier with ``predict_proba``, fitted regressor, or a function from a DataFrame to numbers.
    X
        Rows to change, as the model takes them.
    desired
        Class to reach; ``None`` is any other than the present one. Of a regressor or function: the value to reach, from
        whichever side the row lies, or ``(lowest, highest)`` with ``None`` for an open end.
    changeable, fixed
        Columns that may change (``None``: all), and columns that may not.
    directions
        ``{"column": "up"}`` or ``"down"`` for columns that move one way only. Columns a model of ours declares
        ``monotone`` move only the way that helps.
    max_changes
        Most columns changed at once.
    n_alternatives
        Most answers per row; no answer changes all the columns of another one, so each is a way of its own.
    threshold
        Probability from which the event is decided; ``None`` takes ``model.threshold_``, else the more probable class.
    background
        Real rows: where values come from and what plausible means. ``None`` takes the training sample that a model of
        ours keeps, any other model gets a sample of ``X`` with a warning. Of more than 5,000 rows 5,000 are drawn.
    random_state
        Seed of that draw; nothing else is drawn.

    Raises
    ------
    ValueError
        If a parameter is not one of the above or names an unknown column, or if ``model.predict`` decides otherwise
        than by the more probable class and ``threshold`` is not given.
    SchemaError
        If ``X`` is empty or the background lacks a column.

    Notes
    -----
    One column is searched exhaustively: 32 values at even quantiles (words: the 32 commonest), then, where these reach
    the goal, all cheaper ones among 256. Two columns: all pairs of 128 single changes, which is every pair where a row
    has no more. Three and more: a beam of 32 sets of columns. Then changes that are not needed are dropped and the
    others drawn back over all values seen. So up to two columns on few values the answer is the smallest there is;
    otherwise it is the smallest found.

    References
    ----------
    Wachter, Mittelstadt, Russell (2018). Counterfactual explanations without opening the black box. Harvard JOLT 31(2).
    Ustun, Spangher, Liu (2019). Actionable recourse in linear classification. FAT*.
    Mothilal, Sharma, Tan (2020). Explaining machine learning classifiers through diverse counterfactual explanations.
    FAT*.

    Examples
    --------
    >>> X = pd.DataFrame({"income": [1.0, 2.0, 3.0, 4.0], "debt": [2.0, 2.0, 1.0, 1.0]})
    >>> found = counterfactuals(lambda rows: rows["income"] - rows["debt"], X[:1], desired=(1, None), background=X)
    >>> found.rows[["column", "from", "to"]].to_numpy().tolist()
    [['income', 1.0, 3.0]]
    >>> found.describe(0)
    'Today the model says -1. With income at 3 instead of 1 it would say 1. Describes the model, not a promise.'
    """
    _check_counts(max_changes=max_changes, n_alternatives=n_alternatives)
    seed = seed_of(random_state)
    X, background, as_given = _tables(model, X, background, seed)
    said = model_outputs(model, X, outputs=None, units=None, as_given=as_given)
    before = in_whole_batches(said.predict, X)
    goal = goal_of(model, before, desired=desired, threshold=threshold)
    if threshold is None:
        _check_agreement(model, goal, before, X, as_given)
    used = list(background.columns)
    free = _free_columns(used, list(X.columns), changeable=changeable, fixed=fixed)
    signs = _signs(model, directions or {}, goal, used=used, n_rows=len(X))
    pooled, declared = pooled_table(X, background), declared_columns(model)
    ranked = RankedColumns.of(pooled, n_rows=len(X), declared=declared)
    mixtures = Mixtures(model, said.predict, pooled=pooled, ranked=ranked)
    own = np.repeat(np.arange(len(X))[:, None], len(pooled.columns), axis=1)
    own_distance = mixtures.distances(own)
    limit = np.maximum(mixtures.usual_distance(_USUAL_SHARE), own_distance)
    is_there = goal.is_reached(before, np.arange(len(X)))
    blocks = []
    for start in range(0, len(X), _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, len(X)))
        mixtures.take_to_hand(rows)
        levels = observed_levels(pooled, rows, n_rows=len(X), changeable=free, signs=signs, declared=declared)
        search = Search(mixtures, levels, goal, limit=limit, first_row=start)
        blocks.append(search.run(~is_there[rows], max_changes=max_changes, n_alternatives=n_alternatives))
    return written(
        Answers.joined(blocks),
        X,
        predict=said.predict,
        mixtures=mixtures,
        goal=goal,
        before=before,
        own_distance=own_distance,
        limit=limit,
        free=free,
        output_names=said.names,
        units=said.units,
        random_state=seed,
    )


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if not isinstance(count, (int, np.integer)) or count < 1:
            raise ValueError(f"{name} must be a whole number from 1 on, got {count!r}.")


def _tables(model: Any, X: Any, background: Any, random_state: int) -> tuple[pd.DataFrame, pd.DataFrame, Predict]:
    """Return rows, background rows with the columns that the model uses, and the way back to what it takes."""
    X, background, as_given = tables_for(model, X, background=background, random_state=random_state)
    if hasattr(model, "player_columns_"):
        background = background[list(model.player_columns_)]
    if len(background) < 2:
        raise ValueError(f"background must have at least 2 rows to tell what is plausible, got {len(background)}.")
    if len(background) > _BACKGROUND_ROWS:
        background = background.sample(_BACKGROUND_ROWS, random_state=np.random.default_rng(random_state))
    return X, background.reset_index(drop=True), as_given


def _check_agreement(model: Any, goal: Goal, before: np.ndarray, X: pd.DataFrame, as_given: Predict) -> None:
    """Refuse a classifier of others whose labels do not follow from its probabilities."""
    if not hasattr(model, "classes_") or hasattr(model, "encoded_outputs") or not hasattr(model, "predict"):
        return
    said = np.asarray(model.predict(as_given(X)))
    apart = np.flatnonzero(said != goal.decisions(before))
    if len(apart):
        raise ValueError(
            f"model.predict decides otherwise than by the larger of predict_proba (first in row {apart[0]}). "
            "Pass threshold=, the probability from which the event is decided."
        )


def _free_columns(
    used: Sequence[str], given: Sequence[str], *, changeable: Iterable[str] | None, fixed: Iterable[str]
) -> tuple[str, ...]:
    """Return the columns that may change, in the order of the table."""
    for name, columns in (("changeable", changeable), ("fixed", fixed)):
        if isinstance(columns, str):
            raise ValueError(f"{name} must be a list of columns, got the text {columns!r}.")
    wanted = set(used) if changeable is None else set(changeable)
    held = set(fixed)
    unknown = sorted(map(str, (wanted - set(used)) | (held - set(used) - set(given))))
    if unknown:
        raise ValueError(f"changeable and fixed must name columns that the model uses, {unknown} are not.")
    if changeable is not None and wanted & held:
        raise ValueError(f"A column is changeable or fixed, not both: {sorted(map(str, wanted & held))}.")
    return tuple(column for column in used if column in wanted - held)


def _signs(
    model: Any, directions: Mapping[str, str], goal: Goal, *, used: Sequence[str], n_rows: int
) -> dict[str, np.ndarray]:
    """Return the way each row may go in the columns that have one, int64 ``(n_rows,)``; 2 where there is none."""
    signs = {}
    for name, way in directions.items():
        if name not in used or way not in _DIRECTIONS:
            raise ValueError(f"directions must map columns of the model to 'up' or 'down', got {name!r}: {way!r}.")
        signs[name] = np.full(n_rows, _DIRECTIONS[way])
    declared = getattr(model, "monotone", None)
    for name, sign in declared.items() if isinstance(declared, Mapping) else ():
        helpful = goal.helpful_signs(n_rows) * sign
        given = signs.get(name, np.zeros(n_rows, dtype=np.int64))
        signs[name] = np.where(given == 0, helpful, np.where(helpful == -given, _NO_WAY, given))
    return signs
