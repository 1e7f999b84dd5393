"""How far explanations of advice hold: what removing says, and what other methods say."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation.certificate.agreement import rank_correlations
from appkit.explanation.certificate.removal import RemovalTest, removal_test
from appkit.explanation.certificate.rerun import lime_beside
from appkit.explanation.counterfactuals.histories import removal_sets
from appkit.explanation.explain import explain_game
from appkit.explanation.explanation import Explanation
from appkit.explanation.games.recommender import recommender_game
from appkit.explanation.history_advice import ExplainableRecommender
from appkit.explanation.seeds import RandomState, seed_of
from appkit.model.device import on_one_thread
from appkit.prediction import Estimate
from appkit.prediction.intervals import exact_share, mean_estimate

__all__ = ["HistoryFidelity", "history_fidelity"]

_ROUNDING = 1e-6  # of the largest loss: scores are in single precision


@dataclass(frozen=True, eq=False)
class HistoryFidelity:
    """What was found out about explanations of advice, over many users and items.

    Parameters
    ----------
    top_matters_most
        Share of cases in which the item with the largest value is the one whose removal alone lowers the margin most.
        Where the model adds up that is so by construction: the two are one number.
    leave_one_out, lime
        Mean rank correlation of the sizes of values with those of leave-one-out and of LIME.
    removal
        Deletion and insertion against random orders, on at most 30 cases drawn as if independent; ``None`` where no
        history has three items.
    verified_sets
        Share of cases on the list in which a removal set was found and, scored again, takes the item off it.
    smallest_sets
        Share of these sets proven to be smallest.
    set_size
        Mean number of items in them.
    n_cases, n_compared
        Advice explained, and cases of two items or more that orders were compared on.
    method
        Of the explanations.
    """

    top_matters_most: Estimate
    leave_one_out: Estimate
    lime: Estimate
    removal: RemovalTest | None
    verified_sets: Estimate
    smallest_sets: Estimate
    set_size: Estimate
    n_cases: int
    n_compared: int
    method: str

    def to_frame(self) -> pd.DataFrame:
        """Return one line per figure: ``figure``, ``value``, ``low``, ``high``, ``n``, ``interval``."""
        ratios = () if self.removal is None else (self.removal.deletion_ratio, self.removal.insertion_ratio)
        figures = (
            self.top_matters_most,
            self.leave_one_out,
            self.lime,
            *(ratio for ratio in ratios if ratio is not None),
            self.verified_sets,
            self.smallest_sets,
            self.set_size,
        )
        return pd.DataFrame(
            [
                {"figure": f.name, "value": f.value, "low": f.low, "high": f.high, "n": f.n, "interval": f.method}
                for f in figures
            ]
        )


@on_one_thread()
def history_fidelity(
    model: ExplainableRecommender,
    X: pd.DataFrame,
    *,
    k: int = 10,
    filter_seen: bool | None = None,
    candidates: Iterable[Any] | None = None,
    exclude: Iterable[Any] | None = None,
    n_recent: int | None = None,
    max_size: int = 10,
    method: str = "auto",
    max_evaluations: int | None = None,
    random_state: RandomState = None,
) -> HistoryFidelity:
    """Explain advice and hold the explanations against the model and against other methods.

    Shares are of cases; cases of one user go together, and their intervals know it.

    Parameters
    ----------
    model, X, k, filter_seen, candidates, exclude, n_recent
        As in :func:`~appkit.explanation.games.recommender.recommender_game`.
    max_size
        Largest removal set looked for.
    method, max_evaluations
        Of the explanations, as in :func:`~appkit.explanation.explain.explain`.
    random_state
        Seed of what is drawn.

    Raises
    ------
    SchemaError
        Naming users and items that have no explanation.
    ValueError
        If a parameter is out of range.
    """
    seed = seed_of(random_state)
    given: dict[str, Any] = {"k": k, "filter_seen": filter_seen, "candidates": _kept(candidates)}
    given["exclude"] = _kept(exclude)
    game = recommender_game(model, X, **given, n_recent=n_recent)
    explanation = explain_game(game, method, max_evaluations=max_evaluations, random_state=seed)
    alone = explain_game(game, "occlusion")
    lime = lime_beside(game, explanation, random_state=seed)
    sets = removal_sets(model, X, **given, max_size=max_size)
    users = np.array([str(user) for user in sets.advice.users])
    is_compared = (~np.isnan(explanation.values[..., 0])).sum(1) > 1
    is_listed = sets.advice.ranks <= k
    return HistoryFidelity(
        top_matters_most=exact_share(
            "The top item matters most", _top_matters_most(explanation, alone)[is_compared], groups=users[is_compared]
        ),
        leave_one_out=_agreement("Shapley and leave-one-out", explanation, alone, users),
        lime=_agreement("Shapley and LIME", explanation, lime, users),
        removal=removal_test(game, explanation, random_state=seed),
        verified_sets=exact_share("Removal set verified", sets.verified[is_listed], groups=users[is_listed]),
        smallest_sets=exact_share(
            "Proven smallest", np.array(sets.proof)[sets.found] == "smallest", groups=users[sets.found]
        ),
        set_size=_mean(
            "Items in a set", sets.sizes[sets.found].astype(np.float64), users[sets.found], bounds=(1.0, np.inf)
        ),
        n_cases=len(users),
        n_compared=int(is_compared.sum()),
        method=explanation.method,
    )


def _top_matters_most(explanation: Explanation, alone: Explanation) -> np.ndarray:
    """Return whether no single removal lowers the margin more than that of the top item, bool ``(n_rows,)``."""
    losses = np.where(np.isnan(alone.values[..., 0]), -np.inf, alone.values[..., 0])
    values = np.where(np.isnan(explanation.values[..., 0]), -np.inf, explanation.values[..., 0])
    most, rows = losses.max(1), np.arange(len(losses))
    return losses[rows, values.argmax(1)] >= most - _ROUNDING * np.abs(most)


def _agreement(name: str, explanation: Explanation, other: Explanation | None, users: np.ndarray) -> Estimate:
    """Return the mean rank correlation of cases that have one: three items at least, and not all of one size."""
    if other is None:
        return _mean(name, np.empty(0), users[:0])
    found = rank_correlations(explanation, other)
    is_known = ~np.isnan(found)
    return _mean(name, found[is_known], users[is_known], bounds=(-1.0, 1.0))


def _mean(
    name: str, values: np.ndarray, users: np.ndarray, *, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Estimate:
    """Return a mean over cases with its interval; cases of one user go together."""
    n_users = len(np.unique(users))
    if n_users < 2:
        value = float(values.mean()) if len(values) else float("nan")
        why = "no interval: one user only" if len(values) else "none: no such case"
        return Estimate(name, value, float("nan"), float("nan"), method=why, n=len(values))
    return mean_estimate(name, values, groups=users if n_users < len(users) else None, bounds=bounds)


def _kept(ids: Iterable[Any] | None) -> list[Any] | None:
    """Return ids as a list, since they are read twice."""
    return None if ids is None else list(ids)
