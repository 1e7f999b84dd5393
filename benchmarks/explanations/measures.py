"""Numbers that compare answers: distance, agreement, coverage, and what a given error costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

__all__ = ["Cost", "coverage", "jaccard", "cost_at", "error_at", "relative_error", "top_agreement"]


@dataclass(frozen=True)
class Cost:
    """What an error costs; ``bound`` is ``"<"`` or ``">"`` where every budget was on one side of it."""

    value: float
    bound: str = ""

    def over(self, other: "Cost") -> "Cost":
        """Return the ratio of two costs, a bound where one of them is; NaN where their bounds contradict."""
        if self.bound and other.bound and self.bound == other.bound:
            return Cost(math.nan)
        turned = {"<": ">", ">": "<", "": ""}[other.bound]
        return Cost(self.value / other.value, self.bound or turned)

    def __str__(self) -> str:
        return "" if math.isnan(self.value) else f"{self.bound}{self.value:.3g}"


def relative_error(values: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean over rows of the distance to the truth over the length of the truth.

    Examples
    --------
    >>> relative_error(np.array([[3.0, 5.0]]), np.array([[3.0, 4.0]]))
    0.2
    """
    return float(np.mean(np.linalg.norm(values - truth, axis=1) / np.linalg.norm(truth, axis=1)))


def top_agreement(values: np.ndarray, truth: np.ndarray, *, k: int) -> float:
    """Return the share of the ``k`` largest values, regardless of sign, that are among the ``k`` largest true ones.

    Examples
    --------
    >>> top_agreement(np.array([[3.0, -2.0, 0.0]]), np.array([[3.0, 0.0, 1.0]]), k=2)
    0.5
    """
    pairs = zip(_top(values, k), _top(truth, k), strict=True)
    return float(np.mean([len(found & wanted) / k for found, wanted in pairs]))


def jaccard(answers: Sequence[np.ndarray], *, k: int) -> float:
    """Return the mean Jaccard index of the top ``k`` players over all pairs of answers and all rows.

    Parameters
    ----------
    answers
        Values of several seeds, ``(n_rows, n_players)`` each.
    k
        Players looked at.
    """
    tops = [_top(values, k) for values in answers]
    shares = [
        len(a & b) / len(a | b) for left, right in combinations(tops, 2) for a, b in zip(left, right, strict=True)
    ]
    return float(np.mean(shares)) if shares else math.nan


def coverage(values: np.ndarray, standard_error: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of values that lie within two standard errors of the truth."""
    return float(np.mean(np.abs(values - truth) <= 2 * standard_error))


def cost_at(error: float, *, errors: Sequence[float], costs: Sequence[float]) -> Cost:
    """Return the cost at which the error is first reached, interpolated in the logarithms of both.

    Parameters
    ----------
    error
        Error wanted.
    errors, costs
        A curve, in any order.

    Examples
    --------
    >>> cost_at(0.05, errors=[0.1, 0.025], costs=[100.0, 1600.0]).value
    400.0
    """
    curve = sorted((cost, found) for cost, found in zip(costs, errors, strict=True) if found > 0 and cost > 0)
    if not curve:
        return Cost(math.nan)
    if curve[0][1] <= error:
        return Cost(curve[0][0], "<")
    for (low, above), (high, below) in pairwise(curve):
        if below <= error:
            share = math.log(above / error) / math.log(above / below)
            return Cost(float(round(low * (high / low) ** share, 9)))
    return Cost(curve[-1][0], ">")


def error_at(cost: float, *, errors: Sequence[float], costs: Sequence[float]) -> float:
    """Return the error at a cost, interpolated in the logarithms of both; NaN outside the curve.

    Examples
    --------
    >>> round(error_at(400.0, errors=[0.1, 0.025], costs=[100.0, 1600.0]), 3)
    0.05
    """
    curve = sorted((known, found) for known, found in zip(costs, errors, strict=True) if found > 0 and known > 0)
    if not curve or not curve[0][0] <= cost <= curve[-1][0]:
        return math.nan
    logs = np.log(np.array(curve))
    return float(np.exp(np.interp(math.log(cost), logs[:, 0], logs[:, 1])))


def _top(values: np.ndarray, k: int) -> list[set[int]]:
    return [set(np.argsort(-np.abs(row), kind="stable")[:k].tolist()) for row in values]
