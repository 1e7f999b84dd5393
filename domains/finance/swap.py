"""Against the incumbent: who is approved instead of whom, and what it saves."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from appkit.model.costs import Costs
from appkit.prediction import Estimate, cost_difference, expected_cost, proportion
from appkit.prediction.inputs import as_outcomes, as_probabilities, as_values

__all__ = ["OutcomesPerHundred", "Segment", "SwapSet", "outcomes_per_hundred", "per_hundred", "swap_set"]


@dataclass(frozen=True)
class Segment:
    """Applicants treated alike by both rules.

    Parameters
    ----------
    n, n_events
        Applicants and defaults.
    default_rate
        With its Wilson interval; ``None`` without applicants.
    """

    n: int
    n_events: int
    default_rate: Estimate | None


@dataclass(frozen=True)
class SwapSet:
    """The model beside the incumbent at one approval rate.

    Parameters
    ----------
    approval_rate
        Share approved by either.
    both_approved, swap_ins, swap_outs, both_declined
        Approved by both, by the model only, by the incumbent only, by neither.
    cost, incumbent_cost, cost_difference
        Cost per applicant of the model, of the incumbent, and the difference with its paired interval; ``None`` where
        no costs were given.
    currency
        Unit of the costs.
    """

    approval_rate: float
    both_approved: Segment
    swap_ins: Segment
    swap_outs: Segment
    both_declined: Segment
    cost: Estimate | None = None
    incumbent_cost: Estimate | None = None
    cost_difference: Estimate | None = None
    currency: str = ""


def swap_set(
    incumbent: ArrayLike,
    p: ArrayLike,
    y: ArrayLike,
    *,
    approval_rate: float | None = None,
    higher_is_riskier: bool = False,
    costs: Costs | None = None,
    random_state: int | None = 0,
) -> SwapSet:
    """Compare whom the model and the incumbent approve, both approving equally many.

    Only where the outcome of declined applicants is known (a test data set, a trial) do the rates of swap-ins mean
    anything.

    Parameters
    ----------
    incumbent
        Score of the incumbent, or its approvals as bool, shape (n_rows,).
    p
        Probabilities of default of the model, shape (n_rows,).
    y
        Defaults, bool or 0/1, shape (n_rows,).
    approval_rate
        Share to approve. May be left out where ``incumbent`` holds approvals: theirs is taken.
    higher_is_riskier
        Whether a higher incumbent score means more risk; usual scores fall with risk.
    costs
        Of a missed default and of a good applicant declined.
    random_state
        Seed of the bootstrap.

    Examples
    --------
    >>> swaps = swap_set([700, 650, 600, 550], [0.1, 0.4, 0.2, 0.6], [0, 1, 0, 1], approval_rate=0.5)
    >>> swaps.swap_ins.n_events, swaps.swap_outs.n_events
    (0, 1)
    """
    outcomes = as_outcomes(y, both=False)
    p = as_probabilities(p, len(outcomes))
    old = _incumbent_approvals(incumbent, len(outcomes), approval_rate, higher_is_riskier=higher_is_riskier)
    new = _approve_safest(p, int(old.sum()))
    swaps = SwapSet(
        approval_rate=float(old.mean()),
        both_approved=_segment("approved by both", outcomes[new & old]),
        swap_ins=_segment("swap-ins", outcomes[new & ~old]),
        swap_outs=_segment("swap-outs", outcomes[~new & old]),
        both_declined=_segment("declined by both", outcomes[~new & ~old]),
    )
    if costs is None:
        return swaps
    return replace(
        swaps,
        cost=expected_cost(outcomes, ~new, costs, random_state=random_state),
        incumbent_cost=expected_cost(outcomes, ~old, costs, random_state=random_state),
        cost_difference=cost_difference(outcomes, ~new, ~old, costs=costs, random_state=random_state),
        currency=costs.currency,
    )


@dataclass(frozen=True)
class OutcomesPerHundred:
    """What happens to 100 applicants; the four counts sum to 100."""

    accepted_repaid: int
    accepted_defaulted: int
    declined_would_repay: int
    declined_would_default: int


def outcomes_per_hundred(y: ArrayLike, declined: ArrayLike) -> OutcomesPerHundred:
    """Return decisions and outcomes scaled to 100 applicants.

    Examples
    --------
    >>> outcomes_per_hundred([0, 0, 1], [False, True, True])
    OutcomesPerHundred(accepted_repaid=34, accepted_defaulted=0, declined_would_repay=33, declined_would_default=33)
    """
    y, declined = as_outcomes(y, both=False), as_outcomes(declined, both=False)
    counts = [np.sum(~declined & ~y), np.sum(~declined & y), np.sum(declined & ~y), np.sum(declined & y)]
    return OutcomesPerHundred(*(int(share) for share in per_hundred(counts)))


def per_hundred(counts: ArrayLike, *, total: int = 100) -> np.ndarray:
    """Scale counts to whole numbers that sum to ``total`` by largest remainder.

    Of equal remainders the larger count is served first, then the one that comes first.

    Examples
    --------
    >>> per_hundred([1, 1, 1])
    array([34, 33, 33])
    """
    counts = np.asarray(counts, dtype=np.float64)
    if counts.ndim != 1 or counts.sum() <= 0 or counts.min() < 0:
        raise ValueError(f"counts must be one-dimensional, not negative and not all 0, got {counts}.")
    exact = counts / counts.sum() * total
    whole = np.floor(exact + 1e-9).astype(int)
    order = np.lexsort((np.arange(len(counts)), -counts, -np.round(exact - whole, 9)))
    whole[order[: total - whole.sum()]] += 1
    return whole


def _incumbent_approvals(
    incumbent: ArrayLike, n: int, approval_rate: float | None, *, higher_is_riskier: bool
) -> np.ndarray:
    given = np.asarray(incumbent)
    if given.dtype == bool:
        if given.shape != (n,) or not given.any():
            raise ValueError(f"incumbent must hold {n} decisions with at least one approval, got shape {given.shape}.")
        if approval_rate is not None:
            raise ValueError("approval_rate must be left out where incumbent holds approvals: theirs is taken.")
        return given
    if approval_rate is None or not 0 < approval_rate <= 1:
        raise ValueError(f"approval_rate must lie in (0, 1] where incumbent is a score, got {approval_rate!r}.")
    score = as_values(incumbent, n, name="incumbent")
    return _approve_safest(score if higher_is_riskier else -score, max(1, round(approval_rate * n)))


def _approve_safest(risk: np.ndarray, n_approved: int) -> np.ndarray:
    """Approve the lowest risks; of equal risks at the cut, those that come first."""
    approved = np.zeros(len(risk), dtype=bool)
    approved[np.argsort(risk, kind="stable")[:n_approved]] = True
    return approved


def _segment(name: str, y: np.ndarray) -> Segment:
    n, n_events = len(y), int(y.sum())
    return Segment(n, n_events, proportion(f"Default rate, {name}", n_events, n) if n else None)
