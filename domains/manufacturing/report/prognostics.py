"""How far predicted remaining life is from the truth, and from when on it can be trusted."""

from dataclasses import replace
from typing import Any

import numpy as np

from appkit.prediction import Estimate
from appkit.prediction.resampling import totals_estimate, undefined_estimate
from appkit.prediction.target_range import within_range
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import capital, first_that_fits, measure_or_gap, verdict_or_gap
from appkit.reporting.facts import Axis, Block, Cell, Curve, CurveFigure, DataTable, Measure, NotFilled, Tile, verdict
from appkit.reporting.numbers import count_text, limit_text, long_text, value_text
from appkit.reporting.words import settle_phrase
from domains.manufacturing.prediction import remaining_life
from domains.manufacturing.prediction.horizon import alpha_lambda_accuracy, median_prognostic_horizon
from domains.manufacturing.report.record import LEVEL, Lives, Record
from domains.manufacturing.report.rivals import rivals_block

__all__ = ["Judged", "lean_title", "nasa_score", "prognostics_section"]

_ALPHA, _FRACTION = 0.2, 0.5
_HORIZON_ALPHA = 0.1
_FRACTIONS = tuple(round(share / 20, 2) for share in range(2, 20))
_SHARES = ("Coverage", "Alpha-lambda")
_TIMES = ("RMSE", "MAE", "Bias", "Prognostic horizon", "Interval width")


class Judged:
    """Predictions and truth of the judged windows, the truth cut as the model's target is.

    Parameters
    ----------
    context, record
        What is reported on.
    """

    def __init__(self, context: ReportContext, record: Record) -> None:
        self.cap: float | None = getattr(context.model, "cap", None)
        self.truth = within_range(context.model, np.asarray(context.y, dtype=np.float64))
        self.predicted = record.output[record.judged]
        self.interval = None if record.interval is None else record.interval[record.judged]
        self.units = context.units


def prognostics_section(context: ReportContext, record: Record) -> DomainSection:
    """Return figures of remaining life with their limits, accuracy along life, and baselines beside the model.

    Limits are read by ``"RMSE"``, ``"MAE"``, ``"Bias"``, ``"NASA score"``, ``"Alpha-lambda"``, ``"Prognostic
    horizon"``, ``"Coverage"`` and ``"Interval width"``.
    """
    question = "How far off is the predicted remaining life, and how early in life can it be trusted?"
    if np.isnan(np.asarray(context.y, dtype=np.float64)).any() or (np.asarray(context.y) < 0).any():
        gap = NotFilled(
            item="Prognostics", why="Some labels are no remaining life", fill="labels that are not negative"
        )
        return DomainSection(key="prognostics", title="Prognostics", question=question, blocks=(gap,), after="fleet")
    judged = Judged(context, record)
    estimates = _estimates(context, record, judged)
    blocks: list[Block] = [_table(context, judged, estimates)]
    if isinstance(record.lives, NotFilled):
        blocks.append(replace(record.lives, item="Accuracy along life"))
    else:
        blocks.append(_along_life(context, record, record.lives))
    blocks.append(rivals_block(context, record, judged.truth, cap=judged.cap))
    return DomainSection(
        key="prognostics",
        title="Prognostics",
        question=question,
        blocks=tuple(blocks),
        tiles=_tiles(context, estimates),
        after="fleet",
    )


def nasa_score(
    truth: np.ndarray, predicted: np.ndarray, *, units: np.ndarray, random_state: int | None = 0
) -> Estimate:
    """Return the NASA score of one moment per machine, each of its judged rows as likely.

    With one row per machine this is the sum that the PHM08 challenge counts; with many it is what that sum is on
    average, so that scores of records of any length compare.

    Examples
    --------
    >>> truth, units = np.array([50.0, 50.0, 50.0]), np.array([0, 1, 1])
    >>> round(nasa_score(truth, np.array([60.0, 37.0, 50.0]), units=units).value, 3)  # 1.718 + (1.718 + 0) / 2
    2.577
    """
    try:
        scores = remaining_life.nasa_scores(truth, predicted)
    except ValueError:  # its scales are cycles: errors of thousands overflow
        return undefined_estimate("NASA score", "errors too large for scales of 10 and 13", n=len(truth))
    share = 1 / np.bincount(units)[units]
    totals = (scores * share)[:, None]
    return totals_estimate("NASA score", lambda sums: sums[:, 0], totals, groups=units, random_state=random_state)


def lean_title(bias: Measure | NotFilled) -> str:
    """Return to which side predictions lean, where the interval says so.

    Examples
    --------
    >>> lean_title(Measure(3.2, 1.1, 5.3, unit="hours"))
    'Predictions come late: failures arrive 3.2 hours (1.1 to 5.3) sooner than predicted, on average'
    >>> lean_title(Measure(-1.0, -3.0, 1.0, unit="hours"))
    'No lean of predictions to early or late can be told'
    """
    if isinstance(bias, NotFilled) or bias.low is None or bias.high is None:
        return "Figures of remaining life with their intervals"
    if bias.low > 0:
        return f"Predictions come late: failures arrive {long_text(bias)} sooner than predicted, on average"
    if bias.high < 0:
        shown = long_text(replace(bias, value=-bias.value, low=-bias.high, high=-bias.low))
        return f"Predictions come early: failures arrive {shown} later than predicted, on average"
    return "No lean of predictions to early or late can be told"


def _estimates(context: ReportContext, record: Record, judged: Judged) -> dict[str, Estimate]:
    """Return the estimates by the names of their limits; those the evaluation has are its own."""
    draws: dict[str, Any] = {"units": judged.units, "random_state": context.random_state}
    assert judged.units is not None
    found = {
        "RMSE": remaining_life.rmse(judged.truth, judged.predicted, **draws),
        "MAE": remaining_life.mae(judged.truth, judged.predicted, **draws),
        "Bias": remaining_life.bias(judged.truth, judged.predicted, **draws),
        "NASA score": nasa_score(judged.truth, judged.predicted, **draws),
    }
    found |= _along(record)
    if judged.interval is not None:
        low, high = judged.interval.T
        found["Coverage"] = remaining_life.interval_coverage(judged.truth, low, high, **draws)
        found["Interval width"] = remaining_life.interval_width(judged.truth, low, high, **draws)
    known = {estimate.name: estimate for estimate in context.evaluation}
    same = {
        "RMSE": "Root mean squared error",
        "MAE": "Mean absolute error",
        "Coverage": "Interval coverage",
        "Interval width": "Interval width",
    }
    # one number, one interval on the page
    return found | {name: known[other] for name, other in same.items() if name in found and other in known}


def _along(record: Record) -> dict[str, Estimate]:
    """Return what is measured along the life of machines whose failure is known; nothing where there are none."""
    lives = record.lives
    if isinstance(lives, NotFilled):
        return {}
    found = {}
    known = _rows_of(record, ~np.isnan(lives.ends))
    if len(known):
        found["Alpha-lambda"] = alpha_lambda_accuracy(**_lives(record, lives, known), alpha=_ALPHA, fraction=_FRACTION)
    watched = _rows_of(record, lives.is_watched)
    if len(watched):
        found["Prognostic horizon"] = median_prognostic_horizon(
            **_lives(record, lives, watched), alpha=_HORIZON_ALPHA, random_state=0
        )
    return found


def _table(context: ReportContext, judged: Judged, estimates: dict[str, Estimate]) -> DataTable:
    words, unit = context.words, context.words["unit"]
    rows: list[tuple[Cell, ...]] = []
    for name in _MEANINGS:
        limit = context.limits.get(name)
        measure = _shown(name, estimates.get(name), context)
        like = measure if isinstance(measure, Measure) else Measure.exact(0.0)
        rows.append(
            (
                f"{name} ({unit})" if name in _TIMES and unit else name,
                measure,
                limit_text(limit, like) if limit else "none",
                verdict_or_gap(measure, verdict(like, limit)),
                _MEANINGS[name],
            )
        )
    cut = "" if judged.cap is None else f" True lives are cut at {_time(judged.cap, unit)}, as in training."
    n_units = len(np.unique(judged.units)) if judged.units is not None else context.n
    return DataTable(
        title=first_that_fits(lean_title(_shown("Bias", estimates["Bias"], context)), _plain_lean(estimates["Bias"])),
        caption=f"{count_text(context.n)} {words['rows']} of {count_text(n_units)} {words['groups']}.{cut} 95 % "
        f"interval below each value, from redrawing whole {words['groups']}",
        columns=("Measure", "Value", "Limit", "Verdict", "What it says"),
        rows=tuple(rows),
    )


def _plain_lean(bias: Estimate) -> str:
    return "Predictions come late on average" if bias.value > 0 else "Predictions come early on average"


_MEANINGS = {
    "RMSE": "typical size of an error; large errors weigh more",
    "MAE": "mean size of an error",
    "Bias": "predicted minus true: above 0 predictions are too long, and warnings late",
    "NASA score": "penalty summed over one moment a machine, exponential and higher for late; 0 is perfect",
    "Alpha-lambda": f"machines whose prediction at half their life is within {round(100 * _ALPHA)} % of what is left",
    "Prognostic horizon": "median time before failure from which predictions are, and stay, within a tenth of the life",
    "Coverage": f"true lives inside their {round(100 * LEVEL)} % interval",
    "Interval width": f"mean width of the {round(100 * LEVEL)} % intervals",
}


def _shown(name: str, estimate: Estimate | None, context: ReportContext) -> Measure | NotFilled:
    if estimate is None:
        return _GAPS[name]
    unit = "%" if name in _SHARES else context.words["unit"] if name in _TIMES else ""
    return measure_or_gap(estimate, unit=unit, decimals=1 if unit == "%" else None)


_NO_LIFE = "No machine’s time of failure is known"
_NO_INTERVAL = "Too few machines were held out in training"
_GAPS = {
    "Alpha-lambda": NotFilled(item="Alpha-lambda", why=_NO_LIFE, fill="readings up to failures", argument="y="),
    "Prognostic horizon": NotFilled(
        item="Prognostic horizon", why="No machine was watched until it failed", fill="readings up to failures"
    ),
    "Coverage": NotFilled(item="Coverage", why=_NO_INTERVAL, fill="more machines to train on"),
    "Interval width": NotFilled(item="Interval width", why=_NO_INTERVAL, fill="more machines to train on"),
}


def _along_life(context: ReportContext, record: Record, lives: Lives) -> Block:
    """Return the share of machines predicted well at each share of their life."""
    item = "Accuracy along life"
    rows = _rows_of(record, ~np.isnan(lives.ends))
    if not len(rows):
        return NotFilled(item=item, why=_NO_LIFE, fill="readings up to failures", argument="y=")
    known = _lives(record, lives, rows)
    found = {share: alpha_lambda_accuracy(**known, alpha=_ALPHA, fraction=share) for share in _FRACTIONS}
    found = {share: estimate for share, estimate in found.items() if np.isfinite(estimate.value)}
    if len(found) < 2:
        why = "No machine has readings before and after the same shares of its life"
        return NotFilled(item=item, why=why, fill="readings up to failures")
    words = context.words
    n = max(estimate.n for estimate in found.values())
    half = min(found, key=lambda share: abs(share - _FRACTION))
    cap = getattr(context.model, "cap", None)
    early = "" if cap is None else f" No more than {_time(cap, words['unit'])} is ever predicted."
    return CurveFigure(
        key="along-life",
        finding=_along_finding(found[half], half, words["groups"]),
        caption=f"Share of {words['groups']} whose prediction is within {round(100 * _ALPHA)} % of the true remaining "
        f"life, by the share of life that has passed; up to {count_text(n)} {words['groups']} that are known to have "
        f"failed. Band: 95 % Clopper-Pearson interval.{early}",
        x_axis=Axis("Life passed", "%"),
        y_axis=Axis(f"{capital(words['groups'])} predicted within {round(100 * _ALPHA)} %", "%", 0.0, 1.0),
        curves=(
            Curve(
                "This model",
                tuple(found),
                tuple(estimate.value for estimate in found.values()),
                tuple(estimate.low for estimate in found.values()),
                tuple(estimate.high for estimate in found.values()),
            ),
        ),
        how_to_read="Further right, failure is nearer and the tolerance tighter. A curve that rises says that "
        "predictions can be trusted more as failure comes near.",
    )


def _along_finding(there: Estimate, share: float, machines: str) -> str:
    shown = value_text(Measure(there.value, unit="%", decimals=0))
    passed = value_text(Measure(share, unit="%", decimals=0))
    return f"With {passed} of life passed, {shown} of {machines} are predicted within {round(100 * _ALPHA)} %"


def _tiles(context: ReportContext, estimates: dict[str, Estimate]) -> tuple[Tile | NotFilled, ...]:
    groups, unit = context.words["groups"], context.words["unit"]
    n = len(np.unique(context.units)) if context.units is not None else context.n
    sentences = {
        "Coverage": f"{round(100 * LEVEL)} % of true remaining lives should lie inside their interval.",
        "Prognostic horizon": f"From this many {unit or 'units of time'} before failure on, half of the {groups} are "
        "predicted well and stay so.",
    }
    tiles: list[Tile | NotFilled] = []
    for name, title in (("Coverage", "Intervals that hold the truth"), ("Prognostic horizon", "Prognostic horizon")):
        measure, limit = _shown(name, estimates.get(name), context), context.limits.get(name)
        if isinstance(measure, NotFilled):
            tiles.append(measure)
            continue
        settle = settle_phrase(measure, limit, n=n, rows=groups) if limit else ""
        tiles.append(Tile(name=title, measure=measure, limit=limit, sentence=settle or sentences[name]))
    return tuple(tiles)


def _time(time: float, unit: str) -> str:
    return f"{time:g} {unit}".strip()


def _rows_of(record: Record, is_wanted: np.ndarray) -> np.ndarray:
    """Return the rows of the series that are of these units, up to their failure."""
    return np.flatnonzero(is_wanted[record.series.unit_of_row])


def _lives(record: Record, lives: Lives, rows: np.ndarray) -> dict[str, Any]:
    units = record.series.units_at(rows)
    return {
        "truth": np.maximum(lives.ends[units] - record.series.time[rows], 0.0),
        "predicted": record.output[rows],
        "units": units,
        "ages": record.series.age[rows],
    }
