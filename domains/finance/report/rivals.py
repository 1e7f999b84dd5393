"""The model beside challengers on the same rows, and beside the rule in force."""

from typing import Any

import numpy as np

from appkit.prediction import auc, auc_difference
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import first_that_fits, measure_or_gap
from appkit.reporting.content.table_subject import TableSubject
from appkit.reporting.facts import (
    Block,
    Challenger,
    ChallengerTable,
    DataTable,
    Measure,
    NotFilled,
)
from appkit.reporting.numbers import count_text, long_text, value_text
from appkit.reporting.words import compare_phrase, list_text
from domains.finance.report.grades import share
from domains.finance.swap import Segment, SwapSet, swap_set

__all__ = ["challengers_title", "rivals_section", "swap_title"]


def rivals_section(context: ReportContext) -> DomainSection:
    blocks = (_challenger_block(context), _swap_block(context))
    question = "Would another model, or the rule in force, do as well?"
    if isinstance(blocks[0], ChallengerTable):
        question = f"{challengers_title(blocks[0].challengers)}."
    return DomainSection(key="challengers", title="Challengers", question=question, blocks=blocks, after="fairness")


def _challenger_block(context: ReportContext) -> Block:
    item = "Challengers on the same rows"
    if context.challengers is None:
        return NotFilled(
            item=item,
            why="None were given",
            fill="with training rows as reference=(X, y)",
            argument='challengers="auto"',
        )
    if context.challengers == "auto" and context.reference_y is None:
        return NotFilled(item=item, why="They need training rows to fit on", argument="reference=(X_train, y_train)")
    from domains.finance.challengers import compare_challengers  # imports XGBoost, which only this table needs

    others, notes = _fitted(context)
    assert isinstance(context.subject, TableSubject), "credit models judge tables"
    results = compare_challengers(
        {"This model": context.model, **others},
        context.subject.as_given(context.X),
        context.y,
        costs=context.costs,
        random_state=context.random_state,
    )
    has_costs = context.costs is not None
    currency = context.evaluation.currency
    rows = tuple(
        Challenger(
            result.name,
            notes.get(result.name, type(context.model).__name__ if place == 0 else "as given"),
            Measure.of(result.auc, decimals=3),
            None if result.auc_difference is None else Measure.of(result.auc_difference, decimals=3),
            (
                measure_or_gap(result.log_loss, decimals=3),
                measure_or_gap(result.brier, decimals=3),
                measure_or_gap(result.calibration_slope, decimals=2),
                *([measure_or_gap(result.cost, unit=currency, decimals=2)] if result.cost is not None else []),
            ),
            is_own=place == 0,
        )
        for place, result in enumerate(results)
    )
    rows += _incumbent_row(context, n_cells=3 + has_costs)
    return ChallengerTable(
        caption=f"Difference in AUC to this model, paired on the same {count_text(context.n)} loans, 95 % interval.",
        metric="AUC",
        challengers=rows,
        columns=("Log-loss", "Brier score", "Calibration slope", *(["Cost per applicant"] if has_costs else [])),
    )


def _fitted(context: ReportContext) -> tuple[dict[str, Any], dict[str, str]]:
    """Return fitted challengers by name, and how each was made."""
    if context.challengers != "auto":
        return dict(context.challengers), {}
    from domains.finance.challengers import WoEScorecard, xgboost_challenger

    assert context.reference is not None
    event = context.subject.output
    features = [name for name in context.reference.columns if name in context.explanation.shapley.player_names]
    models = {
        "Logistic scorecard": WoEScorecard(event=event),
        "XGBoost": xgboost_challenger(event=event, n_jobs=1, random_state=context.random_state),
    }
    fitted = {name: _OnColumns(model, features) for name, model in models.items()}
    for model in fitted.values():
        model.fit(context.reference, context.reference_y)
    notes = {
        "Logistic scorecard": f"weight of evidence, {len(features)} columns",
        "XGBoost": "400 trees, not tuned",
    }
    return fitted, notes


class _OnColumns:
    """A classifier that sees the columns our model sees, so that protected ones help nobody."""

    def __init__(self, model: Any, columns: list[str]) -> None:
        self.model = model
        self.columns = columns

    def fit(self, X: Any, y: Any) -> "_OnColumns":
        self.model.fit(X[self.columns], y)
        self.classes_ = self.model.classes_
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return self.model.predict_proba(X[self.columns])


def _incumbent_row(context: ReportContext, *, n_cells: int) -> tuple[Challenger, ...]:
    if context.incumbent_score is None or np.asarray(context.incumbent_score).dtype == bool:
        return ()
    risk = -np.asarray(context.incumbent_score, dtype=np.float64)
    gap = NotFilled(item="Incumbent’s probabilities", why="It is a score, not a probability", fill="a mapping")
    return (
        Challenger(
            "Incumbent score",
            "as recorded",
            Measure.of(auc(context.events, risk), decimals=3),
            Measure.of(auc_difference(context.events, risk, context.output), decimals=3),
            (gap,) * n_cells,
        ),
    )


def challengers_title(rows: tuple[Challenger, ...]) -> str:
    """Return who is ahead, behind, or cannot be told apart, from the intervals of the differences."""
    others = [(row.name, row.difference) for row in rows if row.difference is not None]
    if len(others) == 1:
        return compare_phrase(others[0][0], others[0][1])
    told = {"ahead of": [], "behind": [], "level": []}  # type: dict[str, list[str]]
    for name, difference in others:
        assert difference.low is not None
        assert difference.high is not None
        key = "level" if difference.low <= 0 <= difference.high else "ahead of" if difference.value > 0 else "behind"
        told[key].append(name)
    parts = []
    if told["ahead of"]:
        names = told["ahead of"]
        parts.append(f"{list_text(tuple(names))} {'is' if len(names) == 1 else 'are'} ahead of this model")
    if told["level"]:
        parts.append(f"{list_text(tuple(told['level']))} cannot be told apart from {'it' if parts else 'this model'}")
    if told["behind"]:
        names = told["behind"]
        parts.append(
            f"{list_text(tuple(names))} {'is' if len(names) == 1 else 'are'} behind{'' if parts else ' this model'}"
        )
    counts = f"Of {len(others)} challengers {len(told['ahead of'])} are ahead and {len(told['behind'])} behind"
    return first_that_fits("; ".join(parts), counts)


def _swap_block(context: ReportContext) -> Block:
    item = "Swap set against the incumbent"
    if context.incumbent_score is None:
        return NotFilled(item=item, why="No incumbent score was given", argument="incumbent_score=")
    assert context.flagged is not None
    score = np.asarray(context.incumbent_score)
    rate = float((~context.flagged).mean())
    if score.dtype != bool and rate == 0:
        return NotFilled(item=item, why="The model declines everyone at its threshold", argument="threshold=")
    swaps = swap_set(
        score,
        context.output,
        context.events,
        approval_rate=None if score.dtype == bool else rate,
        costs=context.costs,
        random_state=context.random_state,
    )
    segments = (
        ("Approved by both", swaps.both_approved),
        ("Approved by this model only", swaps.swap_ins),
        ("Approved by the incumbent only", swaps.swap_outs),
        ("Declined by both", swaps.both_declined),
    )
    return DataTable(
        title=swap_title(swaps),
        caption=f"Both approve {value_text(Measure(swaps.approval_rate, unit='%', decimals=0))} of applicants. Default "
        f"rates with 95 % Wilson intervals; outcomes of the declined must be known. {_cost_words(swaps)}".strip(),
        columns=("Segment", "Loans", "Defaults", "Default rate"),
        rows=tuple((name, part.n, part.n_events, _segment_rate(name, part)) for name, part in segments),
    )


def swap_title(swaps: SwapSet) -> str:
    """Return whether those the model approves instead default less often, by their intervals."""
    ins, outs = swaps.swap_ins.default_rate, swaps.swap_outs.default_rate
    if ins is None or outs is None:
        return "The model and the incumbent approve the same applicants"
    shown = tuple(value_text(Measure(rate.value, unit="%", decimals=0)) for rate in (ins, outs))
    if ins.high < outs.low:
        return f"Those approved instead default less often, {shown[0]} against {shown[1]}"
    if ins.low > outs.high:
        return f"Those approved instead default more often, {shown[0]} against {shown[1]}"
    return f"Default rates of swap-ins and swap-outs, {shown[0]} and {shown[1]}, cannot be told apart"


def _cost_words(swaps: SwapSet) -> str:
    if swaps.cost_difference is None:
        return ""
    shown = long_text(Measure.of(swaps.cost_difference, unit=swaps.currency))
    return f"Cost per applicant, this model minus incumbent: {shown}."


def _segment_rate(name: str, segment: Segment) -> Measure | NotFilled:
    if segment.default_rate is None:
        return NotFilled(item=f"Default rate, {name.lower()}", why="No applicant is in it")
    return share(segment.default_rate)
