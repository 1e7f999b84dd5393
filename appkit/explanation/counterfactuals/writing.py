"""From changes found to the result: changed rows, what the model says of them, and the reason where there are none."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from appkit.explanation.counterfactuals.candidates import Answers
from appkit.explanation.counterfactuals.goal import Goal
from appkit.explanation.counterfactuals.mixtures import Mixtures, in_whole_batches
from appkit.explanation.counterfactuals.result import Counterfactuals
from appkit.explanation.games.model import Predict

__all__ = ["written"]


def written(
    answers: Answers,
    X: pd.DataFrame,
    *,
    predict: Predict,
    mixtures: Mixtures,
    goal: Goal,
    before: np.ndarray,
    own_distance: np.ndarray,
    limit: np.ndarray,
    free: Sequence[str],
    output_names: tuple[str, ...],
    units: str,
    random_state: int,
) -> Counterfactuals:
    """Return the result; every changed row goes through the model's own door once more.

    Parameters
    ----------
    answers
        Changes found for the rows of ``X``.
    X, before, own_distance, limit
        Rows as they are: what the model says of them, how far they are from the data, and how far they may be.
    predict, mixtures, goal
        The model, its rows put together from cells, and what was to be reached.
    free
        Columns that could change.
    output_names, units, random_state
        Kept in the result.
    """
    is_there = goal.is_reached(before, np.arange(len(X)))
    shape = answers.columns.shape[:2]
    rows, alternative = np.nonzero((answers.columns >= 0).any(axis=2))
    sources = mixtures.sources(rows, answers.columns[rows, alternative], answers.cells[rows, alternative])
    changed = _changed(X.iloc[rows], mixtures, sources)
    outputs = in_whole_batches(predict, changed) if len(rows) else before[:0]
    # scored once more, so a row that only rounding took across is no answer
    holds = goal.is_reached(outputs, rows)
    rows, alternative, sources, outputs = (part[holds] for part in (rows, alternative, sources, outputs))
    changed = changed[holds]
    after = np.full((*shape, before.shape[1]), np.nan)
    after[rows, alternative], after[is_there, 0] = outputs, before[is_there]
    distance = np.full(shape, np.nan)
    distance[rows, alternative], distance[is_there, 0] = mixtures.distances(sources), own_distance[is_there]
    decision = np.full(shape, None, dtype=object)
    decision[rows, alternative], decision[is_there, 0] = goal.decisions(outputs), goal.decisions(before[is_there])
    found = np.isfinite(distance).any(axis=1)
    return Counterfactuals(
        rows=_lines(answers, rows, alternative, X=X, changed=changed, columns=mixtures.columns),
        changed=_with_unchanged(X, changed, rows, alternative, is_there=is_there),
        before=before,
        after=after,
        decision_before=goal.decisions(before),
        decision_after=decision,
        found=found,
        reasons=_reasons(answers, goal, before, found=found, is_there=is_there, limit=limit, free=free),
        wanted=tuple(goal.words(row) for row in range(len(X))),
        distance=distance,
        distance_limit=limit,
        changeable=tuple(free),
        output_names=output_names,
        units=units,
        n_evaluations=mixtures.n_evaluations,
        random_state=random_state,
    )


def _changed(X: pd.DataFrame, mixtures: Mixtures, sources: np.ndarray) -> pd.DataFrame:
    """Return ``X`` with the cells of its mixtures; columns in which nothing changed stay as they are."""
    mixed, table = mixtures.frame(sources), X.reset_index(drop=True)
    moved = np.flatnonzero((sources >= mixtures.n_rows).any(axis=0))
    return table.assign(**{mixtures.columns[i]: mixed[mixtures.columns[i]] for i in moved})


def _with_unchanged(
    X: pd.DataFrame, changed: pd.DataFrame, rows: np.ndarray, alternative: np.ndarray, *, is_there: np.ndarray
) -> pd.DataFrame:
    there = np.flatnonzero(is_there)
    table = pd.concat([changed, X.iloc[there]]) if len(there) and len(rows) else changed if len(rows) else X.iloc[there]
    pairs = [np.concatenate([rows, there]), np.concatenate([alternative, np.zeros_like(there)])]
    return table.set_axis(pd.MultiIndex.from_arrays(pairs, names=["row", "alternative"])).sort_index()


def _lines(
    answers: Answers,
    rows: np.ndarray,
    alternative: np.ndarray,
    *,
    X: pd.DataFrame,
    changed: pd.DataFrame,
    columns: Sequence[str],
) -> pd.DataFrame:
    """Return one line per changed cell."""
    own, place = (answers.columns[rows, alternative] >= 0).nonzero()
    column = answers.columns[rows, alternative][own, place]
    names = np.array(list(columns), dtype=object)[column]
    return pd.DataFrame(
        {
            "row": rows[own],
            "alternative": alternative[own],
            "column": names,
            "from": _cells(X, rows[own], names),
            "to": _cells(changed, own, names),
            "change": answers.steps[rows, alternative][own, place],
        }
    )


def _cells(table: pd.DataFrame, rows: np.ndarray, names: np.ndarray) -> np.ndarray:
    cells = np.empty(len(rows), dtype=object)
    for name in dict.fromkeys(names):
        own = names == name
        cells[own] = table[name].astype(object).to_numpy()[rows[own]]
    return cells


def _reasons(
    answers: Answers,
    goal: Goal,
    before: np.ndarray,
    *,
    found: np.ndarray,
    is_there: np.ndarray,
    limit: np.ndarray,
    free: Sequence[str],
) -> tuple[str, ...]:
    """Return for each row which limit keeps it from an answer, or that it needs none; empty where it has one."""
    reasons = []
    for row in range(len(before)):
        if is_there[row]:
            reasons.append("Nothing has to change: that is the wanted decision.")
        elif found[row]:
            reasons.append("")
        else:
            reasons.append(f"No change was found to {goal.words(row)}: {_binding(answers, row, limit[row], free)}")
    return tuple(reasons)


def _binding(answers: Answers, row: int, limit: float, free: Sequence[str]) -> str:
    n_most = answers.columns.shape[2]
    if not free:
        return "no column may change."
    if np.isneginf(answers.best_margin[row]):
        return "the columns that may change show no other value this row may take (directions, monotone, missing)."
    if np.isfinite(answers.nearest[row]):
        return (
            f"every change of up to {n_most} column{'s' * (n_most > 1)} that gets there is farther from real rows "
            f"({answers.nearest[row]:.3f} or more) than real rows are from each other (limit {limit:.3f})."
        )
    if answers.n_beyond[row]:
        return f"max_changes={n_most} binds, {answers.n_beyond[row]} columns changed at once would get there."
    return (
        f"no values seen in the columns that may change ({len(free)}) get there, the nearest misses it by "
        f"{-answers.best_margin[row]:.3g}."
    )
