"""Are groups approved at comparable rates, and is the model as right for each of them."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from appkit.prediction import Estimate, auc, mean_estimate, proportion
from appkit.prediction.inputs import as_outcomes, as_probabilities

__all__ = ["GroupFairness", "GroupOutcome", "bin_protected", "fairness_by_column", "group_fairness"]

_AGE_BINS = (
    (-math.inf, 26.0, "under 26"),
    (26.0, 41.0, "26 to 40"),
    (41.0, 61.0, "41 to 60"),
    (61.0, math.inf, "over 60"),
)


@dataclass(frozen=True)
class GroupOutcome:
    """How one group fared. Estimates are ``None`` where the group has too few rows, or none that bear on them.

    Parameters
    ----------
    group
        Label of the group.
    n, n_events
        Applicants and defaults.
    is_reference
        Whether the others are compared with this group.
    too_few
        Below the minimum of rows: nothing is reported.
    approval_rate
        Share approved.
    approval_ratio
        Adverse impact ratio: approval rate over that of the reference; 1 without interval for the reference itself.
    opportunity
        Share approved of those who repaid (equal opportunity compares it between groups).
    opportunity_ratio
        Opportunity over that of the reference.
    auc
        Ranking within the group.
    calibration
        Observed minus predicted default rate: above 0, the group's risk is underestimated.
    """

    group: str
    n: int
    n_events: int
    is_reference: bool = False
    too_few: bool = False
    approval_rate: Estimate | None = None
    approval_ratio: Estimate | None = None
    opportunity: Estimate | None = None
    opportunity_ratio: Estimate | None = None
    auc: Estimate | None = None
    calibration: Estimate | None = None


@dataclass(frozen=True)
class GroupFairness:
    """Outcomes of the groups of one protected column.

    Parameters
    ----------
    column
        Its name.
    groups
        In order of the labels; rows without a value are the group ``"missing"``.
    reference
        Label of the group the others are compared with.
    min_group
        Fewest rows reported.
    """

    column: str
    groups: tuple[GroupOutcome, ...]
    reference: str
    min_group: int

    def __getitem__(self, group: str) -> GroupOutcome:
        for outcome in self.groups:
            if outcome.group == group:
                return outcome
        raise KeyError(f"{group!r} is not among {[outcome.group for outcome in self.groups]}.")


def group_fairness(
    y: ArrayLike,
    approved: ArrayLike,
    group: ArrayLike,
    *,
    pd_default: ArrayLike | None = None,
    reference: str | None = None,
    min_group: int = 30,
    column: str = "",
) -> GroupFairness:
    """Compare approval, opportunity, ranking and calibration between groups.

    Parameters
    ----------
    y
        Defaults, bool or 0/1, shape (n_rows,).
    approved
        Decisions, bool or 0/1, shape (n_rows,).
    group
        Label of each row's group, shape (n_rows,); numbers with many values are binned by :func:`bin_protected`.
    pd_default
        Probabilities of default, shape (n_rows,); without them there is no ranking and no calibration.
    reference
        Group the others are compared with. Default: the group approved most often, as the four-fifths rule of the
        US Uniform Guidelines (29 CFR 1607.4 D) has it. Naming it beforehand is better: the best of several groups is
        best partly by chance.
    min_group
        Fewest rows a group must have to be reported.
    column
        Name of the protected column.

    Examples
    --------
    >>> sex = ["f"] * 40 + ["m"] * 40
    >>> approved = [True] * 20 + [False] * 20 + [True] * 25 + [False] * 15
    >>> print(group_fairness([0, 1] * 40, approved, sex)["f"].approval_ratio)
    Approval ratio 0.800 (0.541 to 1.184)
    """
    outcomes, decisions = as_outcomes(y, both=False), as_outcomes(approved, both=False)
    labels = bin_protected(group, name=column)
    if not len(outcomes) == len(decisions) == len(labels):
        raise ValueError(
            f"y, approved and group must be equally long, got {len(outcomes)}, {len(decisions)} and {len(labels)}."
        )
    p = None if pd_default is None else as_probabilities(pd_default, len(outcomes), name="pd_default")
    members = {label: labels == label for label in _ordered(labels)}
    reference = _reference(members, decisions, reference, min_group=min_group)
    outcomes_of = tuple(
        _group_outcome(label, rows, members[reference], y=outcomes, approved=decisions, p=p, min_group=min_group)
        for label, rows in members.items()
    )
    return GroupFairness(column, outcomes_of, reference, min_group)


def fairness_by_column(
    y: ArrayLike,
    approved: ArrayLike,
    protected: pd.DataFrame,
    *,
    pd_default: ArrayLike | None = None,
    references: dict[str, str] | None = None,
    min_group: int = 30,
) -> tuple[GroupFairness, ...]:
    """Return :func:`group_fairness` of each column; ``references`` names reference groups by column."""
    chosen = references or {}
    return tuple(
        group_fairness(
            y,
            approved,
            protected[name],
            pd_default=pd_default,
            reference=chosen.get(str(name)),
            min_group=min_group,
            column=str(name),
        )
        for name in protected.columns
    )


def bin_protected(values: ArrayLike, *, name: str = "", n_bins: int = 4) -> np.ndarray:
    """Return group labels, str objects ``(n_rows,)``; missing values are ``"missing"``.

    Numbers with more than ten distinct values are binned: at 26, 41 and 61 where ``name`` says they are ages, else at
    the quantiles.

    Examples
    --------
    >>> bin_protected(list(range(20, 70, 4)), name="age")[:4]
    array(['under 26', 'under 26', '26 to 40', '26 to 40'], dtype=object)
    """
    series = pd.Series(values).reset_index(drop=True)
    numeric = pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)
    if not numeric or series.nunique() <= 10:
        return np.where(series.isna(), "missing", series.astype(str)).astype(object)
    numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
    labels = np.full(len(numbers), "missing", dtype=object)
    bins = _AGE_BINS if "age" in name.lower().replace("-", "_").split("_") else _quantile_bins(numbers, n_bins)
    for low, high, label in bins:
        labels[(low <= numbers) & (numbers < high)] = label
    return labels


def _quantile_bins(numbers: np.ndarray, n_bins: int) -> list[tuple[float, float, str]]:
    cuts = np.unique(np.nanquantile(numbers, np.arange(1, n_bins) / n_bins))
    edges = [-math.inf, *(float(cut) for cut in cuts), math.inf]
    names = [
        f"under {high:g}"
        if low == -math.inf
        else f"{low:g} or more"
        if high == math.inf
        else f"{low:g} to under {high:g}"
        for low, high in pairwise(edges)
    ]
    return list(zip(edges, edges[1:], names, strict=False))


def _ordered(labels: np.ndarray) -> list[str]:
    """Return the labels present: age bins by age, others by name, "missing" last."""
    rank = {label: place for place, (_, _, label) in enumerate(_AGE_BINS)}
    present = list(pd.unique(labels))
    return sorted(present, key=lambda label: (label == "missing", rank.get(label, 0), str(label)))


def _reference(members: dict[str, np.ndarray], approved: np.ndarray, wanted: str | None, *, min_group: int) -> str:
    if wanted is not None:
        if wanted not in members:
            raise ValueError(f"reference must be one of {list(members)}, got {wanted!r}.")
        return wanted
    large = [label for label, rows in members.items() if rows.sum() >= min_group and label != "missing"]
    # where no group is large enough, nothing is compared and any name will do
    return max(large or members, key=lambda label: float(approved[members[label]].mean()))


def _group_outcome(
    label: str,
    rows: np.ndarray,
    reference: np.ndarray,
    *,
    y: np.ndarray,
    approved: np.ndarray,
    p: np.ndarray | None,
    min_group: int,
) -> GroupOutcome:
    n, n_events = int(rows.sum()), int(y[rows].sum())
    is_reference = bool((rows == reference).all())
    if n < min_group:
        return GroupOutcome(label, n, n_events, is_reference=is_reference, too_few=True)
    rank_known = p is not None and 0 < n_events < n
    return GroupOutcome(
        label,
        n,
        n_events,
        is_reference=is_reference,
        approval_rate=proportion("Approval rate", int(approved[rows].sum()), n),
        approval_ratio=_rate_ratio("Approval ratio", approved, rows, reference=reference, min_group=min_group),
        opportunity=_rate("Opportunity", approved[rows & ~y]),
        opportunity_ratio=_rate_ratio(
            "Opportunity ratio", approved, rows & ~y, reference=reference & ~y, min_group=min_group
        ),
        auc=auc(y[rows], p[rows]) if p is not None and rank_known else None,
        calibration=None if p is None else mean_estimate("Observed minus predicted", y[rows] - p[rows]),
    )


def _rate(name: str, approved: np.ndarray) -> Estimate | None:
    return proportion(name, int(approved.sum()), len(approved)) if len(approved) else None


def _rate_ratio(
    name: str, approved: np.ndarray, rows: np.ndarray, *, reference: np.ndarray, min_group: int
) -> Estimate | None:
    """Return the ratio of two independent approval rates with the interval of its logarithm (Katz et al., 1978)."""
    n, m = int(rows.sum()), int(reference.sum())
    a, b = int(approved[rows].sum()), int(approved[reference].sum())
    if n == 0 or m < min_group or b == 0:
        return None
    if np.array_equal(rows, reference):
        return Estimate(name, 1.0, 1.0, 1.0, method="reference", n=n)
    value = (a / n) / (b / m)
    # where a count is at its end the plain formula claims certainty: half an approval and half a refusal are added
    shift = 0.5 if a in (0, n) or b == m else 0.0
    a_shifted, n_shifted, b_shifted, m_shifted = a + shift, n + 2 * shift, b + shift, m + 2 * shift
    centre = math.log(a_shifted / n_shifted) - math.log(b_shifted / m_shifted)
    error = math.sqrt(1 / a_shifted - 1 / n_shifted + 1 / b_shifted - 1 / m_shifted)
    half = float(stats.norm.ppf(0.975)) * error
    low, high = min(math.exp(centre - half), value), max(math.exp(centre + half), value)
    return Estimate(name, value, low, high, method="log ratio", n=n + m)
