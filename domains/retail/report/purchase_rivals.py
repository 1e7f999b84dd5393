"""The purchase model beside what a shop would use instead, on the same customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.prediction import Estimate, auc, auc_difference
from appkit.reporting import ReportContext
from appkit.reporting.content.phrasing import capital, first_that_fits
from appkit.reporting.facts import Block, Challenger, ChallengerTable, Measure, NotFilled
from appkit.reporting.numbers import count_text
from appkit.reporting.words import compare_phrase, list_text
from domains.retail.purchase_baselines import fit_beta_geometric, purchase_baselines
from domains.retail.report.gain_curve import GainCurve, gain_curve

__all__ = ["rivals_block", "rivals_title"]

_ITEM = "Simple rules on the same customers"
_SHARE = 0.2
_NEEDS = {
    "recency": ("days_since_last",),
    "frequency": ("n_orders",),
    "overdue": ("overdue_ratio",),
    "RFM logistic": ("days_since_last", "n_orders"),
}
_NOTES = {
    "recency": "days since the last order alone",
    "frequency": "number of orders alone",
    "overdue": "time since the last order over the usual time",
}
_HISTORY = ("n_orders", "days_since_last", "days_since_first")
_BUY_TILL_YOU_DIE = "BG/NBD"


@dataclass(frozen=True, eq=False)
class _Rival:
    """Scores of another way to rank customers, ``(n_rows,)``, and how it was made."""

    score: np.ndarray
    note: str


def rivals_block(context: ReportContext, own: GainCurve) -> Block:
    """Return paired differences to each rule, or what it takes to have them."""
    if context.challengers is None:
        fill = "with training rows as reference=(X_train, y_train)"
        return NotFilled(item=_ITEM, why="None were asked for", fill=fill, argument='challengers="auto"')
    if context.challengers == "auto":
        if context.reference is None or context.reference_y is None:
            why = "They need training rows and labels to fit on"
            return NotFilled(item=_ITEM, why=why, argument="reference=(X_train, y_train)")
        rivals = _shop_rules(context)
    else:
        rivals = {name: _Rival(_scored(context, model), "as given") for name, model in context.challengers.items()}
    if not rivals:
        why = "These columns hold neither days since the last order nor a number of orders"
        return NotFilled(item=_ITEM, why=why, fill="columns of behaviour_features")
    rows = (
        Challenger(
            "This model", type(context.model).__name__, _auc(context, context.output), None, (_reach(own),), True
        ),
        *(_row(context, name, rival) for name, rival in rivals.items()),
    )
    clustered = "" if context.units is None else ", clustered by customer"
    return ChallengerTable(
        title=rivals_title(rows),
        caption=f"AUC on the same {count_text(context.n)} {context.words['rows']}. Difference: rule minus this model, "
        f"paired (DeLong{clustered}), 95 % intervals, each for itself. Last column: share of the buyers among the "
        "20 % that each ranks first.",
        metric="AUC",
        challengers=rows,
        columns=("Buyers reached by 20 %",),
    )


def rivals_title(rows: tuple[Challenger, ...]) -> str:
    """Return which rules are behind, level or ahead, by the intervals of the differences.

    Examples
    --------
    >>> own = Challenger("This model", "", Measure(0.8, 0.7, 0.9), None, is_own=True)
    >>> behind = Challenger("recency", "", Measure(0.7, 0.6, 0.8), Measure(-0.1, -0.15, -0.05))
    >>> level = Challenger("frequency", "", Measure(0.79, 0.7, 0.9), Measure(-0.01, -0.05, 0.03))
    >>> rivals_title((own, behind, level))
    'frequency cannot be told apart from this model; recency is behind'
    """
    others = [(row.name, row.difference) for row in rows if row.difference is not None]
    if len(others) == 1:
        return compare_phrase(others[0][0], others[0][1])
    told: dict[str, list[str]] = {"ahead": [], "level": [], "behind": []}
    for name, difference in others:
        low, high = difference.low, difference.high
        if low is None or high is None or low <= 0 <= high:
            told["level"].append(name)
        else:
            told["ahead" if difference.value > 0 else "behind"].append(name)
    words = {
        "ahead": ("is ahead of this model", "are ahead of this model"),
        "level": ("cannot be told apart from this model",) * 2,
        "behind": ("is behind", "are behind"),
    }
    parts = [f"{list_text(tuple(names))} {words[place][len(names) > 1]}" for place, names in told.items() if names]
    if len(told["behind"]) == len(others):
        parts = [f"{parts[0]} this model"]
    counts = f"Of {len(others)} rules {len(told['behind'])} are behind, {len(told['ahead'])} ahead of this model"
    return first_that_fits("; ".join(parts), counts)


def _shop_rules(context: ReportContext) -> dict[str, _Rival]:
    """Return the rules that these columns allow, fitted on the training rows."""
    reference, labels = context.reference, context.reference_y
    assert reference is not None
    assert labels is not None
    rivals = {}
    for name, rule in purchase_baselines().items():
        if set(_NEEDS[name]) <= set(context.X):
            model = rule.fit(reference, labels)
            rivals[capital(name)] = _Rival(_scored(context, model), _NOTES.get(name, _rfm_words(context)))
    if set(_HISTORY) <= set(context.X) and getattr(context.model, "lookback", None) is None:
        rivals[_BUY_TILL_YOU_DIE] = _Rival(_beta_geometric(context, reference), "buy till you die, on dates of orders")
    return rivals


def _rfm_words(context: ReportContext) -> str:
    return "recency, frequency and money" if "spend" in context.X else "recency and frequency"


def _beta_geometric(context: ReportContext, reference: pd.DataFrame) -> np.ndarray:
    """Return the probability of a purchase within the horizon by BG/NBD; orders stand for days with orders."""
    horizon = pd.Timedelta(getattr(context.model, "horizon", "28D")) / pd.Timedelta("1D")
    return fit_beta_geometric(**_history(reference)).purchase_probability(horizon, **_history(context.X))


def _history(X: pd.DataFrame) -> Mapping[str, np.ndarray]:
    n_orders, since_last, since_first = (X[name].to_numpy(dtype=np.float64) for name in _HISTORY)
    last = np.maximum(since_first - since_last, 0.0)
    return {"n_repeats": np.where(last > 0, n_orders - 1, 0.0), "last": last, "age": np.maximum(since_first, 1e-6)}


def _scored(context: ReportContext, model: Any) -> np.ndarray:
    """Return the probability of the purchase by another classifier."""
    column = int(np.flatnonzero(np.asarray(model.classes_) == context.subject.output)[0])
    return np.asarray(model.predict_proba(context.X), dtype=np.float64)[:, column]


def _row(context: ReportContext, name: str, rival: _Rival) -> Challenger:
    difference = auc_difference(context.events, rival.score, context.output, groups=context.units)
    curve = gain_curve(context.events, rival.score, groups=context.units, random_state=context.random_state)
    return Challenger(
        name, rival.note, _auc(context, rival.score), Measure.of(difference, decimals=3), (_reach(curve),)
    )


def _auc(context: ReportContext, score: np.ndarray) -> Measure:
    found: Estimate = auc(context.events, score, groups=context.units)
    return Measure.of(found, decimals=3)


def _reach(curve: GainCurve) -> Measure:
    return Measure.of(curve.at(_SHARE), unit="%", decimals=1)
