"""From runs to the tables a reader compares: curves, costs at equal error, and the targets."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.explanations.measures import Cost, cost_at, error_at, jaccard
from benchmarks.explanations.records import Run

__all__ = ["Curve", "Point", "curves_of", "render"]

_ERRORS = (0.05, 0.02)
_REFERENCES = ("shap.Permutation", "shap.Kernel")
_POPULATION_EVALUATIONS = 5000
_QUESTIONS = {
    "shapley": "Shapley values",
    "path": "Gradients: Aumann-Shapley values, another question",
    "surrogate": "LIME: distance to the method's own converged weights",
}


@dataclass(frozen=True)
class Point:
    """One method at one budget over all rounds: means of what is right, medians of what it costs per row."""

    budget: int
    n_rounds: int
    error: float
    scores: Mapping[str, float]
    evaluations: float
    seconds: float
    passes: float
    jaccard: float

    @property
    def share_of_limit(self) -> float:
        return self.evaluations / self.passes


@dataclass(frozen=True)
class Curve:
    """One method on one problem: a point per budget, and what failed."""

    problem: str
    method: str
    question: str
    points: tuple[Point, ...]
    failures: Mapping[int, str]  # by budget
    is_stale: bool
    truth: str
    truth_error: float

    def cost(self, error: float, of: Callable[[Point], float]) -> Cost:
        """Return what the error costs, interpolated between budgets."""
        return cost_at(error, errors=[point.error for point in self.points], costs=[of(point) for point in self.points])


def curves_of(runs: Iterable[Run], *, fingerprints: Mapping[str, str]) -> list[Curve]:
    """Return one curve per problem and method, of the present sources and versions or else of the last ones.

    Only the last network of each problem counts: runs on other weights or rows do not compare.
    """
    by_problem: dict[str, list[Run]] = {}
    for run in runs:
        by_problem.setdefault(run.problem, []).append(run)
    curves = []
    for found in by_problem.values():
        by_method: dict[str, list[Run]] = {}
        for run in found:
            if run.problem_hash == found[-1].problem_hash:
                by_method.setdefault(run.method, []).append(run)
        curves += [_curve(of_method, fingerprints.get(method)) for method, of_method in by_method.items()]
    return curves


def render(runs: Iterable[Run], *, fingerprints: Mapping[str, str], absent: Mapping[str, str]) -> str:
    """Return all tables as markdown."""
    curves = curves_of(runs, fingerprints=fingerprints)
    parts = []
    for problem in dict.fromkeys(curve.problem for curve in curves):
        own = [curve for curve in curves if curve.problem == problem]
        parts.append(f"## {problem}")
        parts += [_curve_table(own, question) for question in _QUESTIONS if _of(own, question)]
        parts += [_cost_table(own, error) for error in _ERRORS if _of(own, "shapley")]
    parts.append(_targets(curves))
    if absent:
        parts.append("Absent: " + "; ".join(f"{method}: {reason}" for method, reason in absent.items()))
    if any(curve.is_stale for curve in curves):
        parts.append("\\* runs of earlier sources or versions, not of the present ones")
    return "\n\n".join(part for part in parts if part)


def _curve(runs: Sequence[Run], wanted: str | None) -> Curve:
    current = [run for run in runs if run.fingerprint == wanted]
    chosen = current or [run for run in runs if run.fingerprint == runs[-1].fingerprint]
    budgets = sorted({run.budget for run in chosen})
    answered = {b: [run for run in chosen if run.budget == b and not run.failure] for b in budgets}
    return Curve(
        problem=chosen[-1].problem,
        method=chosen[-1].method,
        question=chosen[-1].question,
        points=tuple(_point(budget, found) for budget, found in answered.items() if found),
        failures={run.budget: run.failure for run in chosen if run.failure},
        is_stale=not current,
        truth=chosen[-1].truth,
        truth_error=chosen[-1].truth_error,
    )


def _point(budget: int, runs: Sequence[Run]) -> Point:
    scores = {name: float(np.mean([run.scores[name] for run in runs])) for name in runs[0].scores}
    return Point(
        budget=budget,
        n_rounds=len(runs),
        error=scores["error"],
        scores=scores,
        evaluations=float(np.mean([run.evaluations for run in runs])),
        seconds=float(np.median([run.seconds for run in runs])),
        passes=float(np.median([run.passes for run in runs])),
        jaccard=_stability(runs),
    )


def _stability(runs: Sequence[Run]) -> float:
    """Return the top-five Jaccard index between rounds."""
    answers = []
    for run in runs:
        chosen = np.zeros((len(run.top), 1 + max(max(row) for row in run.top)))
        np.put_along_axis(chosen, np.array(run.top), 1.0, axis=1)
        answers.append(chosen)
    width = max(answer.shape[1] for answer in answers)
    padded = [np.pad(answer, ((0, 0), (0, width - answer.shape[1]))) for answer in answers]
    return jaccard(padded, k=len(runs[0].top[0]))


def _of(curves: Sequence[Curve], question: str) -> list[Curve]:
    return [curve for curve in curves if curve.question == question]


def _curve_table(curves: Sequence[Curve], question: str) -> str:
    chosen = _of(curves, question)
    told = {f"{curve.truth}, error {curve.truth_error:.4f}" for curve in chosen}
    header = ["method", "budget", "rounds", "evaluations/row", "it says", "error", "top 3", "s/100 rows", "of limit"]
    header += {"shapley": ["2 SE cover"], "path": ["to Shapley"], "surrogate": ["top-5 Jaccard"]}[question]
    rows = []
    for curve in chosen:
        rows += [_point_cells(curve, point) for point in curve.points]
        rows += [_failure_cells(curve, budget, len(header)) for budget in curve.failures]
    title = f"{_QUESTIONS[question]} (truth: {'; '.join(sorted(told))})"
    return title + "\n\n" + _markdown(header, rows)


def _point_cells(curve: Curve, point: Point) -> list[str]:
    last = {
        "shapley": point.scores.get("coverage", math.nan),
        "path": point.scores.get("shapley_error", math.nan),
        "surrogate": point.jaccard,
    }[curve.question]
    return [
        _name(curve),
        str(point.budget),
        str(point.n_rounds),
        f"{point.evaluations:.0f}",
        f"{point.scores['asked']:.0f}" if "asked" in point.scores else "",
        f"{point.error:.4f}",
        f"{point.scores['top3']:.2f}",
        f"{100 * point.seconds:.3g}",
        f"{point.share_of_limit:.2f}",
        _number(last),
    ]


def _failure_cells(curve: Curve, budget: int, n_columns: int) -> list[str]:
    message = curve.failures[budget].replace("|", "/")
    return [_name(curve), str(budget), f"failed: {message}", *[""] * (n_columns - 3)]


def _cost_table(curves: Sequence[Curve], error: float) -> str:
    """Return what an error costs every method, as ratios to shap where shap was run."""
    shapley = [curve for curve in _of(curves, "shapley") if len(curve.points) > 1]
    anchors = [curve for name in _REFERENCES for curve in shapley if curve.method == name]
    header = ["method", "evaluations/row", "s/100 rows", "network passes/row", "rows/s"]
    header += [f"{what} / {curve.method}" for curve in anchors for what in ("evaluations", "seconds", "passes")]
    rows = []
    for curve in shapley:
        costs = [curve.cost(error, of) for of in (_evaluations, _seconds, _passes)]
        ratios = [
            str(cost.over(anchor.cost(error, of)))
            for anchor in anchors
            for cost, of in zip(costs, (_evaluations, _seconds, _passes), strict=True)
        ]
        rate = "" if costs[1].bound else f"{1 / costs[1].value:.3g}"
        hundred = Cost(100 * costs[1].value, costs[1].bound)
        rows.append([_name(curve), str(costs[0]), str(hundred), str(costs[2]), rate, *ratios])
    title = f"Cost at {error:.0%} error, interpolated (< or >: every budget was better or worse)"
    return title + "\n\n" + _markdown(header, rows) if rows else ""


def _targets(curves: Sequence[Curve]) -> str:
    """Return the figures that the project's targets name, as far as the runs tell them."""
    by_name = {(curve.problem, curve.method): curve for curve in curves}
    rows = [*_ratio_rows(by_name), *_population_rows(by_name), *_limit_rows(by_name)]
    rows += [*_surrogate_rows(by_name), *_gradient_rows(by_name), *_coverage_rows(by_name)]
    return "## Targets\n\n" + _markdown(["what", "measured", "floor", "goal"], rows) if rows else ""


_ByName = Mapping[tuple[str, str], Curve]


def _ratio_rows(by_name: _ByName) -> list[list[str]]:
    rows = []
    for problem in ("table_24", "table_60", "ensemble_24"):
        wall = ("1/10", "1/15") if problem.startswith("ensemble") else ("1/6", "1/8")
        for reference, wanted in (("shap.Permutation", ("1/8", "1/10")), ("shap.Kernel", ("1/3", "1/4"))):
            for method in ("permutation", "permutation_many_rows", "regression"):
                ours, theirs = by_name.get((problem, f"appkit.{method}")), by_name.get((problem, reference))
                if ours is None or theirs is None or not ours.points or not theirs.points:
                    continue
                for what, of, target in (("evaluations", _evaluations, wanted), ("seconds", _seconds, wall)):
                    ratio = ours.cost(0.05, of).over(theirs.cost(0.05, of))
                    told = "" if math.isnan(ratio.value) else f"{ratio.bound}1/{1 / ratio.value:.1f}"
                    rows.append([f"{problem}: {what} at 5 %, {method} / {reference}", told, *target])
    return rows


def _population_rows(by_name: _ByName) -> list[list[str]]:
    rows = []
    for (problem, method), curve in by_name.items():
        if not problem.startswith("population") or curve.question != "shapley" or len(curve.points) < 2:
            continue
        what = f"{problem}: error at {_POPULATION_EVALUATIONS} evaluations, {method}"
        rows.append([what, _population_error(curve, _evaluations)])
        if method.startswith("appkit."):  # what all rows share, answers for the whole background, is less of more rows
            rows.append([f"{what}, shared ones left out", _population_error(curve, _budget)])
    return [[*row, "0.08", "0.05"] for row in rows]


def _population_error(curve: Curve, cost: Callable[[Point], float]) -> str:
    errors, costs = [point.error for point in curve.points], [cost(point) for point in curve.points]
    return _number(error_at(_POPULATION_EVALUATIONS, errors=errors, costs=costs))


def _limit_rows(by_name: _ByName) -> list[list[str]]:
    rows = []
    for (problem, method), curve in by_name.items():
        if method == "appkit.permutation_many_rows" and curve.points:
            best = max(point.share_of_limit for point in curve.points)
            target = ("0.7", "0.8") if problem == "images" else ("0.8", "0.85")
            rows.append([f"{problem}: share of the forward limit, many rows", _number(best), *target])
    return rows


def _surrogate_rows(by_name: _ByName) -> list[list[str]]:
    rows = []
    for problem in dict.fromkeys(problem for problem, _ in by_name):
        points = {
            method: {point.budget: point for point in by_name[problem, method].points}
            for method in ("appkit.lime", "lime.continuous")
            if (problem, method) in by_name
        }
        ours = points.get("appkit.lime", {}).get(500)
        if ours is None:
            continue
        theirs = [points.get("lime.continuous", {}).get(budget) for budget in (1000, 2000)]
        wanted = ["" if point is None else f"below {point.error:.4f}" for point in theirs]
        rows.append([f"{problem}: LIME distance at 500 samples", _number(ours.error), *wanted])
        rows.append([f"{problem}: LIME top-5 Jaccard, {ours.n_rounds} seeds", _number(ours.jaccard), "0.90", "0.93"])
    return rows


def _gradient_rows(by_name: _ByName) -> list[list[str]]:
    rows = []
    for problem, wanted in (("windows", "3"), ("images", "8")):
        ours, theirs = by_name.get((problem, "appkit.gradients")), by_name.get((problem, "shap.Gradient"))
        if ours is None or theirs is None:
            continue
        seconds = {point.budget: point.seconds for point in theirs.points}
        ratios = [seconds[point.budget] / point.seconds for point in ours.points if point.budget in seconds]
        if ratios:
            told = _number(float(np.median(ratios)))
            rows.append([f"{problem}: times faster than shap.Gradient at equal samples", told, wanted, wanted])
    return rows


def _coverage_rows(by_name: _ByName) -> list[list[str]]:
    rows = []
    for (problem, method), curve in by_name.items():
        shares = [point.scores["coverage"] for point in curve.points if "coverage" in point.scores]
        # standard errors count the background as a sample, so only where the population is known do they tell
        if shares and problem.startswith("population"):
            told = f"{min(shares):.3f} to {max(shares):.3f}"
            rounds = max(point.n_rounds for point in curve.points)
            rows.append([f"{problem}: two standard errors cover, {method}, {rounds} rounds", told, "0.90", "0.93-0.97"])
    return rows


def _evaluations(point: Point) -> float:
    return point.evaluations


def _budget(point: Point) -> float:
    return point.budget


def _seconds(point: Point) -> float:
    return point.seconds


def _passes(point: Point) -> float:
    return point.passes


def _name(curve: Curve) -> str:
    return curve.method + ("*" if curve.is_stale else "")


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3g}"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
