"""What drives the model: columns by mean size of effect, how far the order holds, and which way each column pulls."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from appkit.explanation import Explanation
from appkit.explanation.certificate import Ranking
from appkit.reporting.content.certificate import certificate, removal_figure
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.explaining import ModelExplanation
from appkit.reporting.content.phrasing import capital, first_that_fits, label_of
from appkit.reporting.content.players import players_note
from appkit.reporting.content.valuing import effect_axis
from appkit.reporting.facts import (
    Badge,
    BeeswarmFigure,
    BeeswarmRow,
    Block,
    ImportanceFigure,
    ImportanceRow,
    Measure,
    NotFilled,
    RankTile,
    Section,
)
from appkit.reporting.numbers import count_text, effect_text, unit_heading

__all__ = [
    "drivers_section",
    "importance_figure",
    "importance_finding",
    "rank_tile",
    "ranking_badge",
    "sampling_words",
]

_MOST_ROWS = 30
_N_QUANTILES = 100
_HALF_WIDTH = 1.96


def drivers_section(context: ReportContext) -> Section:
    """Return badge, importance, beeswarm, removal curves and certificate."""
    words = context.words
    blocks: tuple[Block | None, ...] = (
        players_note(context),
        ranking_badge(context),
        importance_figure(context, most=_MOST_ROWS),
        _beeswarm(context),
        removal_figure(context),
        certificate(context),
    )
    question = f"Which {words['columns']} matter over all {words['rows']}, how surely, and in which direction?"
    filled = tuple(block for block in blocks if block is not None)
    return Section(key="drivers", title="What drives the model", question=question, blocks=filled)


def rank_tile(context: ReportContext) -> RankTile:
    """Return the tile of how far the ranking holds."""
    explanation, reliable = context.explanation, context.explanation.reliable
    ranking, lime = explanation.ranking, explanation.lime
    n = len(ranking.order)
    k = min(max(reliable, 1), 5, n)
    sentence = "Effects add up to the prediction."
    if lime is not None:
        own = set(ranking.order[:k].tolist())
        other = set(np.argsort(-lime.global_importance[:, 0], kind="stable")[:k].tolist())
        same = f"the same {k}" if k > 1 else f"the same first {context.words['column']}"
        sentence = (
            f"Effects add up to the prediction; Shapley values and LIME name {same}."
            if own == other
            else f"Effects add up to the prediction; Shapley values and LIME share {len(own & other)} of the first {k}."
        )
    return RankTile(name="Explanation ranking", reliable=reliable, total=n, sentence=sentence)


def sampling_words(explanation: ModelExplanation, *, rows: str) -> str:
    """Return how many rows were explained, and how they were drawn."""
    if explanation.n_explained == explanation.n_rows:
        return f"all {count_text(explanation.n_rows)} {rows}"
    return f"{count_text(explanation.n_explained)} of {count_text(explanation.n_rows)} {rows}, drawn by the seed"


def ranking_badge(context: ReportContext) -> Badge:
    """Return how far the order holds and why it ends there."""
    ranking, overall = context.explanation.ranking, context.explanation.certificate.overall
    n, k = len(ranking.order), context.explanation.reliable
    assert overall is not None
    if overall.status == "nothing to rank":
        reason = f"The prediction is the same whatever the {context.words['columns']} say."
        return Badge(level="open", claim=f"Nothing to rank: no {context.words['column']} has an effect.", reason=reason)
    if k < ranking.reliable:
        return Badge(level="fail", claim="Ranking not reliable: a check speaks against it.", reason=overall.reason)
    if k == n:
        reason = "Every gap between neighbours exceeds two standard errors, and a second seed gave the same order."
        return Badge(level="pass", claim=f"Ranking reliable down to the last of {n} places.", reason=reason)
    rule = f"A gap is settled only if a second seed puts the same {context.words['columns']} above it."
    reason = f"{_gap_words(ranking, k, context)} {rule}"
    if k == 0:
        return Badge(level="fail", claim="Ranking not reliable: the first place is not settled.", reason=reason)
    if k > 1:
        reason = f"{_gap_words(ranking, k - 1, context)} {reason}"
    claim = f"Ranking reliable down to place {k} of {n}."
    return Badge(level="open", claim=claim, reason=reason)


def importance_finding(labels: tuple[str, ...], reliable: int, *, columns: str = "columns") -> str:
    """Return what the order supports; ``labels`` are all columns, most important first.

    Examples
    --------
    >>> importance_finding(("Age", "Income", "Debt"), 2)
    'Age and Income matter most, in this order; the first 2 of 3 places are settled'
    >>> importance_finding(("Age", "Income", "Debt"), 0)
    'Which of 3 columns matters most is not settled'
    """
    n = len(labels)
    if reliable == 0:
        return f"Which of {n} {columns} matters most is not settled"
    if n == 1:
        return f"The model uses one column, {labels[0]}"
    if reliable == n:
        return first_that_fits(
            f"{labels[0]} and {labels[1]} matter most; all {n} places are settled", f"All {n} places are settled"
        )
    if reliable == 1:
        return first_that_fits(
            f"{labels[0]} matters most; the order of the other {n - 1} {columns} is not settled",
            f"The first of {n} places is settled, the order of the others is not",
        )
    return first_that_fits(
        f"{labels[0]} and {labels[1]} matter most, in this order; the first {reliable} of {n} places are settled",
        f"{labels[0]} matters most; the first {reliable} of {n} places are settled",
        f"The first {reliable} of {n} places are settled",
    )


def _gap_words(ranking: Ranking, place: int, context: ReportContext) -> str:
    """Return the gap below ``place``, from 0 for the first place, in words."""
    _, unit = effect_axis(context)
    gap, error = float(ranking.gap[place]), float(ranking.gap_error[place])
    shown, _ = effect_text(gap, error, unit=unit)
    size = shown.removeprefix("+")
    twice = effect_text(gap, error, unit=unit)[1].removeprefix("± ")
    unit_word = f" {unit}" if unit else ""
    decided = "settled" if ranking.is_settled[place] else "not settled"
    return (
        f"Places {place + 1} and {place + 2} differ by {size}{unit_word}, two standard errors are {twice}: {decided}."
    )


def importance_figure(context: ReportContext, *, most: int) -> ImportanceFigure:
    """Return the first ``most`` columns by mean size of effect."""
    explanation, words = context.explanation, context.words
    ranking, lime = explanation.ranking, explanation.lime
    axis, _ = effect_axis(context)
    names = explanation.shapley.player_names
    lime_rank = None if lime is None else _ranks(lime.global_importance[:, 0])
    rows = tuple(
        _importance_row(place, int(column), context, lime_rank=lime_rank)
        for place, column in enumerate(ranking.order[:most])
    )
    shown = "" if len(rows) == len(names) else f" {len(rows)} of {len(names)} {words['columns']} shown."
    finding = importance_finding(
        tuple(label_of(names[i]) for i in ranking.order), explanation.reliable, columns=words["columns"]
    )
    beside = "" if lime is None else " (solid) beside the mean absolute LIME weight (outline, its own rank at the end)"
    return ImportanceFigure(
        key="importance",
        finding=finding if context.methods is None else capital(finding),  # places have no capitals of their own
        caption=f"Mean absolute {_value_word(context)} of {_what(context)} over "
        f"{sampling_words(explanation, rows=words['rows'])}{beside}.{shown} Whiskers: 95 % intervals, the error of "
        "sampling coalitions, background and rows together.",
        axis_label=axis,
        rows=rows,
        reliable=explanation.reliable,
        n_columns=len(names),
        how_to_read=_in_words(ImportanceFigure.HOW_TO_READ, context),
    )


def _importance_row(place: int, column: int, context: ReportContext, *, lime_rank: np.ndarray | None) -> ImportanceRow:
    explanation = context.explanation
    ranking, lime = explanation.ranking, explanation.lime
    _, unit = effect_axis(context)
    first, last = ranking.places(place)
    name = explanation.shapley.player_names[column]
    return ImportanceRow(
        column=label_of(name),
        unit=_kind(context.X[name]) if name in context.X and context.methods is None else "",
        rank_low=first,
        rank_high=last,
        shapley=_size(float(ranking.importance[column]), float(ranking.standard_error[column]), unit),
        lime=None if lime is None else _lime_size(lime, column, n_rows=explanation.n_rows, unit=unit),
        lime_rank=None if lime_rank is None else int(lime_rank[column]),
    )


def _lime_size(lime: Explanation, column: int, *, n_rows: int, unit: str) -> Measure:
    sizes = np.abs(lime.values[:, column, 0])
    n = len(sizes)
    drawn = sizes.var(ddof=1) / n * (1 - n / n_rows) if 1 < n < n_rows else 0.0
    error = float(np.sqrt(lime.global_standard_error[column, 0] ** 2 + drawn))
    return _size(float(lime.global_importance[column, 0]), error, unit)


def _size(value: float, error: float, unit: str) -> Measure:
    half = _HALF_WIDTH * error
    return Measure(value, max(value - half, 0.0), value + half, unit=unit, standard_error=error)


def _ranks(importance: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(importance), dtype=int)
    ranks[np.argsort(-importance, kind="stable")] = np.arange(1, len(importance) + 1)
    return ranks


def _what(context: ReportContext) -> str:
    if context.subject.task == "binary":
        return f"the {context.words['event']} probability"
    if context.subject.is_probability:
        return f"the probability of {context.subject.output}"
    return f"the predicted {context.words['value']}"


def _value_word(context: ReportContext) -> str:
    """Return what effects are called: those of gradients are Shapley values of another game."""
    method = context.explanation.shapley.method
    return "Shapley value" if method.startswith("shapley") else "Aumann-Shapley value (expected gradients)"


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column.dtype):
        return "yes or no"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "number"
    return "time" if pd.api.types.is_datetime64_any_dtype(column.dtype) else "category"


def _beeswarm(context: ReportContext) -> BeeswarmFigure | NotFilled:
    explanation, words = context.explanation, context.words
    ranking = explanation.ranking
    k = min(explanation.reliable, _MOST_ROWS)
    if k == 0:
        return NotFilled(
            item=f"Direction of effects by {words['column']}",
            why=f"No {words['column']} has a settled place",
            fill="more rows to explain",
            argument="n_explained=",
        )
    _, unit = effect_axis(context)
    rows = tuple(_swarm(explanation, context.X.iloc[explanation.rows], int(i)) for i in ranking.order[:k])
    return BeeswarmFigure(
        key="beeswarm",
        finding=beeswarm_finding(rows, unit=unit),
        caption=f"Shapley values of {sampling_words(explanation, rows=words['rows'])}, as 100 quantile dots per "
        f"{words['column']}. Only the {words['columns']} with a settled place are shown.",
        axis_label=f"effect on {_what(context)}{_counted_in(unit)}",
        rows=rows,
        unit=unit,
        how_to_read=_in_words(BeeswarmFigure.HOW_TO_READ, context),
    )


def _counted_in(unit: str) -> str:
    return f" ({unit_heading(unit)})" if unit else ""


def _in_words(reading: str, context: ReportContext) -> str:
    """Return how to read a figure where columns have another name; empty, for the figure's own words, where not."""
    word = context.words["column"]
    return "" if word == "column" else reading.replace("column", word)


def beeswarm_finding(rows: tuple[BeeswarmRow, ...], *, unit: str = "points") -> str:
    """Return how far the first column moved predictions: the range of its middle 98 quantile dots."""
    row = rows[0]
    low, high = row.effects[1], row.effects[-2]
    error = max(abs(low), abs(high)) / 20
    start, end = (effect_text(effect, error, unit=unit)[0] for effect in (low, high))
    unit_word = f" {unit}" if unit else ""
    return first_that_fits(
        f"{row.column} moved predictions by {start} to {end}{unit_word}",
        f"The first column moved predictions by {start} to {end}{unit_word}",
    )


def _swarm(explanation: ModelExplanation, X: pd.DataFrame, column: int) -> BeeswarmRow:
    name = explanation.shapley.player_names[column]
    effects = explanation.shapley.values[:, column, 0]
    levels = _levels(X[name]) if name in X else np.full(len(effects), np.nan)
    order = np.argsort(effects, kind="stable")
    n = len(effects)
    hundredths = [
        order[i * n // _N_QUANTILES : max((i + 1) * n // _N_QUANTILES, i * n // _N_QUANTILES + 1)]
        for i in range(_N_QUANTILES)
    ]
    return BeeswarmRow(
        label_of(name),
        tuple(float(v) for v in np.quantile(effects, (np.arange(_N_QUANTILES) + 0.5) / _N_QUANTILES)),
        tuple(_mean_level(levels[part]) for part in hundredths),
        mean_highest=_mean_or_none(effects[levels >= 0.8]),
        mean_lowest=_mean_or_none(effects[levels <= 0.2]),
    )


def _levels(column: pd.Series) -> np.ndarray:
    """Return the quantile of each value among those present, NaN where missing or without order."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        values = column.astype("int64").to_numpy(dtype=np.float64)
        values[column.isna().to_numpy()] = np.nan
    elif pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        return np.full(len(column), np.nan)
    levels = np.full(len(values), np.nan)
    known = ~np.isnan(values)
    if known.any():
        levels[known] = (rankdata(values[known]) - 0.5) / known.sum()
    return levels


def _mean_level(levels: np.ndarray) -> float | None:
    known = levels[~np.isnan(levels)]
    return float(known.mean()) if 2 * len(known) > len(levels) else None


def _mean_or_none(effects: np.ndarray) -> float | None:
    return float(effects.mean()) if len(effects) else None
