"""What would turn the decision on the case: the smallest plausible change of the columns declared changeable."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from appkit.explanation.counterfactuals import Counterfactuals, counterfactuals
from appkit.reporting.content.phrasing import Words, capital, label_of, shown_value
from appkit.reporting.content.subject import ImageSubject, Subject, TableSubject
from appkit.reporting.facts import Change, Counterfactual, Measure, NotFilled
from appkit.reporting.numbers import count_text, number_text, value_text

__all__ = ["Changeable", "smallest_change"]

Changeable = Sequence[str] | Mapping[str, str]

_ITEM = "Smallest change that would turn the decision"


def smallest_change(
    subject: Subject,
    row: pd.DataFrame,
    background: pd.DataFrame,
    *,
    changeable: Changeable | None,
    threshold: float | None,
    words: Words,
    random_state: int,
) -> Counterfactual | NotFilled:
    """Return the smallest change found, or the gap with what it would take.

    Parameters
    ----------
    subject, row
        The model, and the case as a frame of one row.
    background
        Real rows: where values come from, and what plausible means.
    changeable
        Columns that could change, or a mapping to the way each goes: ``"up"``, ``"down"`` or ``"either"``.
    threshold
        Probability from which the event is predicted; ``None`` where nothing is decided.
    words
        The domain's.
    random_state
        Seed of a sample of a large background.
    """
    if not isinstance(subject, TableSubject):
        why = "The report searches it in tables only: "
        why += (
            "what one patch shows cannot change alone"
            if isinstance(subject, ImageSubject)
            else "a reading cannot change alone, others follow"
        )
        return NotFilled(item=_ITEM, why=why, argument="counterfactual=")
    if changeable is None:
        why = f"No {words['column']} was declared changeable"
        return NotFilled(item=_ITEM, why=why, argument="changeable=")
    if isinstance(changeable, str) or not changeable:
        raise ValueError(f"changeable must name columns, in a list or a mapping, got {changeable!r}.")
    if threshold is None:
        return NotFilled(item=_ITEM, why="The report searches it for decisions by a threshold only")
    found = _searched(subject, row, background, changeable, threshold=threshold, random_state=random_state)
    if not found.found[0]:
        return NotFilled(item=_ITEM, why=found.reasons[0].rstrip("."), argument="changeable=")
    return _block(found, row, changeable, threshold=threshold, words=words, n_background=len(background))


def _searched(
    subject: TableSubject,
    row: pd.DataFrame,
    background: pd.DataFrame,
    changeable: Changeable,
    *,
    threshold: float,
    random_state: int,
) -> Counterfactuals:
    ways = dict(changeable) if isinstance(changeable, Mapping) else {}
    directions = {name: way for name, way in ways.items() if way != "either"}
    if subject.is_ours:
        return counterfactuals(
            subject.model,
            row,
            changeable=changeable,
            directions=directions,
            threshold=threshold,
            background=background,
            random_state=random_state,
        )
    # the report may speak of the first class, which only the subject knows
    is_flagged = bool(subject(row)[0] >= threshold)
    return counterfactuals(
        subject,
        row,
        desired=(None, float(np.nextafter(threshold, 0))) if is_flagged else (threshold, None),
        changeable=changeable,
        directions=directions,
        background=background[row.columns],
        random_state=random_state,
    )


def _block(
    found: Counterfactuals,
    row: pd.DataFrame,
    changeable: Changeable,
    *,
    threshold: float,
    words: Words,
    n_background: int,
) -> Counterfactual:
    before, after = float(found.before[0, 0]), float(found.after[0, 0, 0])
    changed = found.changed.iloc[[0]]
    columns = [name for name in found.changeable if name in row]
    limit = value_text(Measure.exact(threshold, unit="%"))
    return Counterfactual(
        title=f"The smallest change found that would be {words['passed' if before >= threshold else 'flagged']}",
        note=f"Only {words['columns']} declared changeable; all others held. Checked by scoring the changed row.",
        before=Measure(before, decimals=1, unit="%"),
        after=Measure(after, decimals=1, unit="%"),
        changes=tuple(Change(label_of(name), _cell(row, name), _cell(changed, name)) for name in columns),
        sentence=f"{capital(words['flagged'])} from {limit} on. The changed row is "
        f"{number_text(found.distance[0, 0], 3)} from the nearest of {count_text(n_background)} real {words['rows']}, "
        f"where up to {number_text(found.distance_limit[0], 3)} counts as plausible: 95 % of them are that near to "
        "another. It describes the model, not a promise.",
    )


def _cell(table: pd.DataFrame, name: str) -> str:
    return shown_value(table[name].astype(object).iloc[0])
