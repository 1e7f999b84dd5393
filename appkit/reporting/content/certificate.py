"""The proof an explanation carries: every check it went through, with limit and verdict, those it failed included."""

import numpy as np
from scipy.stats import rankdata

from appkit.explanation import Explanation
from appkit.prediction import Estimate, mean_estimate
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.phrasing import measure_or_gap
from appkit.reporting.content.removal import RemovalTest
from appkit.reporting.facts import (
    Axis,
    Certificate,
    Check,
    Curve,
    CurveFigure,
    Limit,
    Measure,
    NotFilled,
    Verdict,
)
from appkit.reporting.numbers import count_text, number_text

__all__ = ["CHECK_LIMITS", "certificate", "rank_agreement", "removal_figure", "top_five_kept"]

CHECK_LIMITS = {
    "Additivity gap": Limit(high=1e-5),
    "Sampling error": Limit(high=0.25),
    "Second seed": Limit(low=0.8),
    "Deletion": Limit(low=1.5),
    "Insertion": Limit(low=1.5),
    "SHAP and LIME": Limit(low=0.8),
}
"""What each check must meet unless the caller's ``limits`` say otherwise."""

_TOP = 5
_N_RESAMPLES = 500
_HALF_WIDTH = 1.96


def certificate(context: ReportContext) -> Certificate:
    """Return the table of checks."""
    explanation = context.explanation
    n = count_text(explanation.n_explained)
    checks = (
        _additivity(context),
        _sampling(context),
        _second_seed(context),
        *_removal_checks(context),
        _agreement(context),
        _order(context),
    )
    n_open = sum(1 for check in checks if check is not None and check.verdict.status != "pass")
    return Certificate(
        title=certificate_title(n_open, sum(1 for check in checks if check is not None)),
        caption=f"Explanation certificate, {n} {context.words['rows']}. 95 % intervals in brackets.",
        checks=tuple(check for check in checks if check is not None),
    )


def certificate_title(n_open: int, n_checks: int) -> str:
    """Return how many checks did not pass.

    Examples
    --------
    >>> certificate_title(0, 7), certificate_title(1, 7)
    ('The explanation passed all 7 of its checks', 'The explanation passed 6 of its 7 checks')
    """
    if n_open == 0:
        return f"The explanation passed all {n_checks} of its checks"
    return f"The explanation passed {n_checks - n_open} of its {n_checks} checks"


def removal_figure(context: ReportContext) -> CurveFigure | NotFilled | None:
    """Return the curves of deletion, insertion and random orders; ``None`` with too few columns."""
    test, words = context.explanation.removal, context.words
    if test is None:
        return None
    unit = "points" if context.subject.is_probability else ""
    means = np.concatenate([test.deletion, test.insertion, test.random])
    return CurveFigure(
        key="removal",
        finding=removal_finding(test.deletion_ratio, columns=words["columns"]),
        caption=f"Mean move of the output over {test.n_rows} {words['rows']} when {words['columns']} are removed, or "
        f"added to background {words['rows']}, in the order of their Shapley values or in random order. Bands: 95 % "
        "intervals.",
        how_to_read="A curve that rises early means the explanation puts first what the model leans on. Above the "
        "curve of random orders is better; all end at the same place.",
        x_axis=Axis(f"{words['columns'].capitalize()} removed or added", "%", 0.0, 1.0),
        y_axis=Axis(
            "Move of the output" + (" (percentage points)" if unit else ""), unit, 0.0 if means.min() >= 0 else None
        ),
        curves=(
            _curve("Removed in order", test, test.deletion, test.deletion_error),
            _curve("Random order", test, test.random, test.random_error),
            _curve("Added in order", test, test.insertion, None),
        ),
    )


def removal_finding(ratio: Estimate | None, *, columns: str = "columns") -> str:
    """Return what removal shows, by where the interval of the ratio lies.

    Examples
    --------
    >>> removal_finding(Estimate("Deletion", 3.1, 2.8, 3.4, method="bootstrap", n=30))
    'Removing the columns ranked first moves the output 3.1 times as far as removing at random'
    >>> removal_finding(Estimate("Deletion", 1.1, 0.8, 1.4, method="bootstrap", n=30))
    'Removing the columns ranked first cannot be told apart from removing at random'
    """
    if ratio is None or ratio.low <= 1 <= ratio.high:
        return f"Removing the {columns} ranked first cannot be told apart from removing at random"
    times = number_text(ratio.value, 1)
    if ratio.value < 1:
        return f"Removing the {columns} ranked first moves the output only {times} times as far as random removal"
    return f"Removing the {columns} ranked first moves the output {times} times as far as removing at random"


def top_five_kept(first: Explanation, second: Explanation) -> Estimate:
    """Return the share of each row's five largest values that a second seed keeps, mean over rows."""
    k = min(_TOP, first.values.shape[1])
    tops = [np.argsort(-np.abs(e.values[..., 0]), axis=1, kind="stable")[:, :k] for e in (first, second)]
    kept = (tops[0][:, :, None] == tops[1][:, None, :]).any(2).mean(1)
    return mean_estimate("Second seed", kept, bounds=(0.0, 1.0))


def rank_agreement(shapley: Explanation, lime: Explanation, *, random_state: int) -> Estimate:
    """Return Spearman's correlation of the two orders of columns, with a bootstrap interval over rows."""
    sizes = [np.abs(e.values[..., 0]) for e in (shapley, lime)]
    n = len(sizes[0])
    drawn = np.random.default_rng(random_state).multinomial(n, np.full(n, 1 / n), size=_N_RESAMPLES)
    values = _spearman(*(drawn @ size for size in sizes))
    value = float(_spearman(*(size.sum(0)[None] for size in sizes))[0])
    low, high = np.quantile(values, [0.025, 0.975])
    method = f"bootstrap over rows, {_N_RESAMPLES} resamples"
    return Estimate("SHAP and LIME", value, min(float(low), value), max(float(high), value), method=method, n=n)


def _limit(context: ReportContext, name: str) -> Limit:
    return context.limits.get(name) or CHECK_LIMITS[name]


def _additivity(context: ReportContext) -> Check:
    explanation = context.explanation.shapley
    scale = np.maximum(np.abs(explanation.output), np.abs(explanation.base_value)).max()
    gap = float(np.abs(explanation.gap).max() / scale) if scale > 0 else 0.0
    return Check(
        "Additivity gap",
        "Do the effects add up to the prediction? Largest gap relative to the largest output",
        Measure.exact(gap),
        _limit(context, "Additivity gap"),
    )


def _sampling(context: ReportContext) -> Check:
    explanation = context.explanation.shapley
    size = float(np.abs(explanation.values).mean())
    relative = float(explanation.standard_error.mean()) / size if size > 0 else 0.0
    return Check(
        "Sampling error",
        "How large is the mean standard error of a value, relative to the mean size of values?",
        Measure(relative, relative, relative, unit="%", decimals=0 if relative > 0.02 else 2),
        _limit(context, "Sampling error"),
    )


def _second_seed(context: ReportContext) -> Check:
    kept = top_five_kept(context.explanation.shapley, context.explanation.second)
    return Check(
        "Second seed",
        f"Share of each {context.words['row']}’s top five that a second seed keeps",
        Measure.of(kept, unit="%", decimals=0),
        _limit(context, "Second seed"),
    )


def _removal_checks(context: ReportContext) -> tuple[Check, ...]:
    test = context.explanation.removal
    if test is None:
        return ()
    asks = {
        "Deletion": "Does removing what ranks first move the output more than removing at random?",
        "Insertion": "Does adding what ranks first move the background more than adding at random?",
    }
    ratios = {"Deletion": test.deletion_ratio, "Insertion": test.insertion_ratio}
    return tuple(_ratio_check(name, asks[name], ratio, _limit(context, name)) for name, ratio in ratios.items())


def _ratio_check(name: str, question: str, ratio: Estimate | None, limit: Limit) -> Check:
    if ratio is None:
        outcome = Verdict("open", "not settled")
        return Check(name, question, result="random orders move nothing", limit=limit, outcome=outcome)
    return Check(name, question, Measure.of(ratio, unit="times", decimals=1), limit)


def _agreement(context: ReportContext) -> Check | None:
    lime, shapley = context.explanation.lime, context.explanation.shapley
    if lime is None or len(shapley.player_names) < 3:
        return None
    agreement = measure_or_gap(rank_agreement(shapley, lime, random_state=context.random_state), decimals=2)
    question = (
        f"Rank correlation of Shapley values and LIME, all {len(shapley.player_names)} {context.words['columns']}"
    )
    limit = _limit(context, "SHAP and LIME")
    if isinstance(agreement, NotFilled):
        outcome = Verdict("open", "not settled")
        return Check("SHAP and LIME", question, result=agreement.why, limit=limit, outcome=outcome)
    return Check("SHAP and LIME", question, agreement, limit)


def _order(context: ReportContext) -> Check:
    ranking = context.explanation.ranking
    n, k = len(ranking.order), ranking.reliable
    outcome = (
        Verdict("pass", "passed") if k == n else Verdict("open", "limited") if k else Verdict("fail", "not reliable")
    )
    result = "no place" if k == 0 else "place 1" if k == 1 else f"places 1 to {k}"
    question = "Are neighbours separated by two standard errors, and in the same order by a second seed?"
    return Check("Order of places", question, result=result, limit_text=f"all {n}", outcome=outcome)


def _curve(name: str, test: RemovalTest, values: np.ndarray, errors: np.ndarray | None) -> Curve:
    half = None if errors is None else _HALF_WIDTH * errors
    return Curve(
        name,
        _floats(test.share),
        _floats(values),
        None if half is None else _floats(values - half),
        None if half is None else _floats(values + half),
    )


def _spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the rank correlation of each row of two arrays ``(n, n_columns)``."""
    ranks = [rankdata(values, axis=1) for values in (first, second)]
    centred = [rank - rank.mean(1, keepdims=True) for rank in ranks]
    spread = np.sqrt((centred[0] ** 2).sum(1) * (centred[1] ** 2).sum(1))
    with np.errstate(invalid="ignore"):
        return (centred[0] * centred[1]).sum(1) / spread


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
