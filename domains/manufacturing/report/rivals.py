"""The model beside what a practitioner would try first, on the same windows of the same machines."""

from typing import Any

import numpy as np

from appkit.reporting import ReportContext
from appkit.reporting.content.phrasing import first_that_fits, measure_or_gap
from appkit.reporting.facts import Block, Challenger, ChallengerTable, Measure, NotFilled
from appkit.reporting.numbers import count_text
from appkit.reporting.words import compare_phrase, list_text
from domains.manufacturing.prediction.remaining_life import rmse, rmse_difference
from domains.manufacturing.report.record import Record, reference_record

__all__ = ["rivals_block", "rivals_title"]

_ITEM = "Baselines on the same machines"
_BASELINE_WINDOW = 30  # what trees and ridges are given: on longer windows their statistics tell less of the present
_NOTES = {
    "Mean life": "what the age alone tells",
    "Ridge": "linear, on statistics of the window",
    "XGBoost": "on statistics of the window, default settings",
    "XGBoost, light tune": "the same, 400 slow trees",
}


def rivals_block(context: ReportContext, record: Record, truth: np.ndarray, *, cap: float | None) -> Block:
    """Return the table of baselines, or what it takes to fill it.

    Parameters
    ----------
    context, record
        What is reported on.
    truth
        True remaining life of the judged windows, cut as the target is.
    cap
        Where it is cut; predictions of all models are.
    """
    if context.challengers is None:
        fill = "with training readings as reference=(X_train, y_train)"
        return NotFilled(item=_ITEM, why="None were asked for", fill=fill, argument='challengers="auto"')
    if context.challengers == "auto" and reference_record(context) is None:
        why = "They need training readings and lives to fit on"
        return NotFilled(item=_ITEM, why=why, argument="reference=(X_train, y_train)")
    models = _fitted(context, cap=cap) if context.challengers == "auto" else dict(context.challengers)
    notes = _NOTES if context.challengers == "auto" else {}
    predicted = {name: _predicted(model, record, cap=cap) for name, model in models.items()}
    own = record.output[record.judged]
    unit = context.words["unit"]
    draws: dict[str, Any] = {"units": context.units, "random_state": context.random_state}
    rows = [Challenger("This model", type(context.model).__name__, _rmse(truth, own, unit, draws), None, is_own=True)]
    for name, values in predicted.items():
        difference = Measure.of(rmse_difference(truth, values, own, **draws), unit=unit)
        rows.append(Challenger(name, notes.get(name, "as given"), _rmse(truth, values, unit, draws), difference))
    groups = context.words["groups"]
    n_groups = len(np.unique(context.units)) if context.units is not None else context.n
    return ChallengerTable(
        title=rivals_title(tuple(rows)),
        caption=f"Root mean squared error{f' in {unit}' if unit else ''} on the same {count_text(context.n)} "
        f"{context.words['rows']} of {count_text(n_groups)} {groups}. Difference: baseline minus this model, paired by "
        f"{context.words['group']}; below 0 the baseline is nearer to the truth. 95 % intervals."
        f"{_window_words(context)}",
        metric="RMSE",
        challengers=tuple(rows),
        how_to_read="A bar that touches the solid line at zero means the difference may be chance. "
        "Right of the line this model is nearer to the truth.",
    )


def rivals_title(rows: tuple[Challenger, ...]) -> str:
    """Return which baselines are behind, level or ahead, by the intervals of the differences in error.

    Examples
    --------
    >>> own = Challenger("This model", "", Measure(9.0, 8.0, 10.0), None, is_own=True)
    >>> behind = Challenger("Ridge", "", Measure(12.0, 11.0, 13.0), Measure(3.0, 2.0, 4.0))
    >>> level = Challenger("XGBoost", "", Measure(9.5, 8.0, 11.0), Measure(0.5, -0.5, 1.5))
    >>> rivals_title((own, behind)), rivals_title((own, behind, level))
    ('Ridge is behind this model by 3.0 (2.0 to 4.0)', 'XGBoost cannot be told apart from this model; Ridge is behind')
    """
    others = [(row.name, row.difference) for row in rows if row.difference is not None]
    if len(others) == 1:
        return compare_phrase(others[0][0], others[0][1], higher_is_better=False)
    told: dict[str, list[str]] = {"ahead": [], "level": [], "behind": []}
    for name, difference in others:
        if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
            told["level"].append(name)
        else:
            told["behind" if difference.value > 0 else "ahead"].append(name)
    parts = [
        f"{list_text(tuple(names))} {words[len(names) > 1]}"
        for names, words in (
            (told["ahead"], ("is ahead of this model", "are ahead of this model")),
            (told["level"], ("cannot be told apart from this model",) * 2),
            (told["behind"], ("is behind", "are behind")),
        )
        if names
    ]
    if told["behind"] and len(parts) == 1:
        parts[0] += " this model"
    n = len(others)
    counts = f"Of {n} baselines {len(told['behind'])} are behind, {len(told['ahead'])} ahead of this model"
    return first_that_fits("; ".join(parts), counts)


def _window_words(context: ReportContext) -> str:
    n_steps = context.model.window
    if context.challengers != "auto" or n_steps <= _BASELINE_WINDOW:
        return ""
    steps = context.words["steps"]
    return f" Baselines look back on {_BASELINE_WINDOW} {steps}, this model on {n_steps}."


def _fitted(context: ReportContext, *, cap: float | None) -> dict[str, Any]:
    from domains.manufacturing.prediction.baselines import remaining_life_baselines  # XGBoost is for this table alone

    reference = reference_record(context)
    assert reference is not None
    subject, model = reference.subject, context.model
    lives = np.full(len(subject.data), np.nan)
    lives[subject.rows] = np.asarray(reference.y, dtype=np.float64)
    cut = lives if cap is None else np.minimum(lives, cap)
    baselines = remaining_life_baselines(
        unit=model.unit,
        time=model.time,
        sensors=list(model.sensors_),
        window=min(model.window, _BASELINE_WINDOW),
        cap=cap,
        n_jobs=1,
        random_state=context.random_state,
    )
    # the mean life cuts by itself, after it has learnt when machines failed
    return {
        name: baseline.fit(subject.data, lives if name == "Mean life" else cut) for name, baseline in baselines.items()
    }


def _predicted(model: Any, record: Record, *, cap: float | None) -> np.ndarray:
    values = np.asarray(model.predict(record.subject.data), dtype=np.float64)[record.subject.rows]
    return np.clip(values, 0.0, np.inf if cap is None else cap)


def _rmse(truth: np.ndarray, predicted: np.ndarray, unit: str, draws: dict[str, Any]) -> Measure:
    shown = measure_or_gap(rmse(truth, predicted, **draws), unit=unit)
    assert isinstance(shown, Measure), "truth and predictions are finite"
    return shown
