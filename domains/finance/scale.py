"""From probability of default to grades and points, and whether the grades come true."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from appkit.prediction import Estimate, proportion
from appkit.prediction.inputs import as_outcomes, as_probabilities

__all__ = [
    "GradeCalibration",
    "MasterScale",
    "ScaleCalibration",
    "calibration_by_grade",
    "pd_from_points",
    "score_points",
]


@dataclass(frozen=True)
class MasterScale:
    """Grades of risk and the probability of default at which each ends.

    Parameters
    ----------
    names
        Grades, safest first.
    upper
        Probability of default below which a grade ends; the last must be 1 and includes it.

    Examples
    --------
    >>> MasterScale().grade([0.01, 0.02, 0.9])
    array(['A', 'B', 'G'], dtype='<U1')
    """

    names: tuple[str, ...] = ("A", "B", "C", "D", "E", "F", "G")
    upper: tuple[float, ...] = (0.02, 0.04, 0.08, 0.14, 0.22, 0.35, 1.0)

    def __post_init__(self) -> None:
        if len(self.names) != len(self.upper) or len(set(self.names)) != len(self.names):
            raise ValueError(f"names must be distinct and as many as upper, got {self.names!r} for {self.upper!r}.")
        rising = all(low < high for low, high in zip((0.0, *self.upper), self.upper, strict=False))
        if not rising or self.upper[-1] != 1:
            raise ValueError(f"upper must rise from above 0 to 1, got {self.upper!r}.")

    def positions(self, pd: ArrayLike) -> np.ndarray:
        """Return the place of each row's grade in ``names``, int ``(n_rows,)``."""
        pd = as_probabilities(pd, np.size(pd), name="pd")
        return np.searchsorted(self.upper[:-1], pd, side="right")

    def grade(self, pd: ArrayLike) -> np.ndarray:
        """Return the grade of each row, str ``(n_rows,)``."""
        return np.asarray(self.names)[self.positions(pd)]

    def bounds(self, name: str) -> tuple[float, float]:
        """Return where a grade begins and ends."""
        place = self.names.index(name)
        return (0.0, *self.upper)[place], self.upper[place]


@dataclass(frozen=True)
class GradeCalibration:
    """Predicted against observed defaults of one grade, or of the portfolio.

    Parameters
    ----------
    name
        Grade, or ``"portfolio"``.
    n, n_events
        Loans and defaults.
    predicted
        Mean probability of default; NaN without loans.
    observed
        Default rate with its Jeffreys interval; ``None`` without loans.
    p_value
        Posterior probability that the true rate is at most ``predicted``; small means risk is underestimated.
    verdict
        ``"holds"``, ``"underestimated"``, ``"overestimated"`` or ``"no loans"``.
    """

    name: str
    n: int
    n_events: int
    predicted: float
    observed: Estimate | None
    p_value: float
    verdict: str


@dataclass(frozen=True)
class ScaleCalibration:
    """Jeffreys tests of the portfolio and of each grade.

    Parameters
    ----------
    portfolio
        All loans; read first.
    grades
        One per grade, safest first.
    alpha
        Level of each one-sided test.
    note
        How to read grades beside the portfolio.
    """

    portfolio: GradeCalibration
    grades: tuple[GradeCalibration, ...]
    alpha: float
    note: str


def calibration_by_grade(
    y: ArrayLike, pd: ArrayLike, *, scale: MasterScale | None = None, alpha: float = 0.05
) -> ScaleCalibration:
    """Test predicted default rates by grade with Jeffreys' test, as European supervisors ask of validations.

    With ``d`` defaults among ``n`` loans the true rate has the posterior Beta(d + 1/2, n - d + 1/2); the p-value is
    its mass up to the predicted rate (ECB, Instructions for reporting the validation results of internal models, 2019).

    Parameters
    ----------
    y
        Defaults, bool or 0/1, shape (n_rows,).
    pd
        Predicted probabilities of default, shape (n_rows,).
    scale
        Grades; :class:`MasterScale` as it comes if not given.
    alpha
        Level of each one-sided test.

    Examples
    --------
    >>> result = calibration_by_grade([0] * 97 + [1] * 3, [0.03] * 100)
    >>> result.grades[1].verdict, round(result.grades[1].p_value, 3)
    ('holds', 0.462)
    """
    scale = scale or MasterScale()
    outcomes = as_outcomes(y, both=False)
    pd = as_probabilities(pd, len(outcomes), name="pd")
    place = scale.positions(pd)
    grades = tuple(
        _test_grade(name, outcomes[place == position], pd[place == position], alpha=alpha)
        for position, name in enumerate(scale.names)
    )
    n_tested = sum(grade.n > 0 for grade in grades)
    note = (
        f"The portfolio is tested first; where it holds, a single failing grade may be chance: of {n_tested} grades "
        f"that are right, {n_tested * 2 * alpha:.1f} are expected to fail at {alpha:.0%} on either side."
    )
    return ScaleCalibration(_test_grade("portfolio", outcomes, pd, alpha=alpha), grades, alpha, note)


def score_points(pd: ArrayLike, *, pdo: float = 20.0, base_score: float = 600.0, base_odds: float = 50.0) -> np.ndarray:
    """Return score points, float64 ``(n_rows,)``: higher is safer.

    Parameters
    ----------
    pd
        Probabilities of default; held inside [1e-9, 1 - 1e-9].
    pdo
        Points that double the odds of repaying.
    base_score, base_odds
        Points given to odds of ``base_odds`` repaid loans to one default.

    Examples
    --------
    >>> score_points([1 / 51, 1 / 101]).round(6)
    array([600., 620.])
    """
    held = np.clip(as_probabilities(pd, np.size(pd), name="pd"), 1e-9, 1 - 1e-9)
    return base_score + _points_per_log_odds(pdo) * (np.log((1 - held) / held) - math.log(base_odds))


def pd_from_points(
    points: ArrayLike, *, pdo: float = 20.0, base_score: float = 600.0, base_odds: float = 50.0
) -> np.ndarray:
    """Return the probability of default of score points: the way back from :func:`score_points`."""
    points = np.asarray(points, dtype=np.float64)
    log_odds = (points - base_score) / _points_per_log_odds(pdo) + math.log(base_odds)
    return 1 / (1 + np.exp(log_odds))


def _points_per_log_odds(pdo: float) -> float:
    if pdo <= 0:
        raise ValueError(f"pdo must be positive, got {pdo!r}.")
    return pdo / math.log(2)


def _test_grade(name: str, y: np.ndarray, pd: np.ndarray, *, alpha: float) -> GradeCalibration:
    n, n_events = len(y), int(y.sum())
    if n == 0:
        return GradeCalibration(name, 0, 0, math.nan, None, math.nan, "no loans")
    predicted = float(pd.mean())
    p_value = float(stats.beta.cdf(predicted, n_events + 0.5, n - n_events + 0.5))
    verdict = "underestimated" if p_value < alpha else "overestimated" if p_value > 1 - alpha else "holds"
    observed = proportion(f"Default rate, {name}", n_events, n, method="Jeffreys")
    return GradeCalibration(name, n, n_events, predicted, observed, p_value, verdict)
