"""Because of which purchases an item is advised: of a sample of users, and of one user's whole list."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation import Explanation
from appkit.explanation.certificate import Certificate, certify
from appkit.explanation.counterfactuals.histories import RemovalSets, removal_sets
from appkit.explanation.explain import explain
from appkit.explanation.games.recommender import recommender_game

__all__ = ["EXPLAINED_USERS", "AdviceTold", "explain_advice"]

EXPLAINED_USERS = 12
_CASE_ADVICE = 3
_MOST_REMOVED = 5
_MOST_SETS = 300  # scored by the model, for each advice


@dataclass(frozen=True, eq=False)
class AdviceTold:
    """Explanations of advice, each with what shows how far it holds.

    Parameters
    ----------
    sample
        First advice of a sample of users.
    certificate
        Of the sample.
    removals
        Of the sample: the fewest purchases without which the item leaves the list.
    case, case_removals
        The first advice of one user, in order.
    case_user
        Who that is.
    rule
        How the user was chosen, in words.
    n_users
        Users the sample was drawn from.
    """

    sample: Explanation
    certificate: Certificate
    removals: RemovalSets
    case: Explanation
    case_removals: RemovalSets
    case_user: Any
    rule: str
    n_users: int


def explain_advice(
    model: Any, advice: pd.DataFrame, *, k: int, case: Any = None, n_explained: int = EXPLAINED_USERS, random_state: int
) -> AdviceTold:
    """Explain the first advice of a sample of users with a history, and the first few of one of them.

    Reasons hold an advice against the item that is next after the list: users with nothing left behind it are passed
    over.

    Parameters
    ----------
    model
        Fitted recommender.
    advice
        Its lists, as ``recommend`` returns them.
    k
        Length of a list.
    case
        User to tell of; ``None`` takes the one of the sample with the median number of distinct items.
    n_explained
        Most users of the sample.
    random_state
        Seed of the sample and of everything sampled.

    Raises
    ------
    ValueError
        If nobody among the users has a history, or more than ``k`` items that may be advised, or ``case`` is none of
        them.
    """
    first = advice[(advice["rank"] == 1) & (advice["basis"] == "history")].reset_index(drop=True)
    if first.empty:
        raise ValueError("no user of these events was known at fit: nothing can be explained. Pass users with a past.")
    first = first[_n_open(model, first["user"]) > k].reset_index(drop=True)
    if first.empty:
        raise ValueError(
            f"k must leave an item to hold advice against, got k={k} and {len(model.items_):,} items, of which no user "
            "of these events has more left to be advised. Pass a smaller k=."
        )
    drawn = first
    if len(first) > n_explained:
        rows = np.random.default_rng(random_state).choice(len(first), n_explained, replace=False)
        drawn = first.iloc[np.sort(rows)].reset_index(drop=True)
    user, rule = _case_user(model, first, drawn, case)
    pairs = _pairs(model, drawn)
    sample = explain(model, pairs, k=k, random_state=random_state)
    own = advice[(advice["user"] == user) & (advice["rank"] <= _CASE_ADVICE)]
    return AdviceTold(
        sample=sample,
        certificate=certify(recommender_game(model, pairs, k=k), sample, n_population=len(first)),
        removals=removal_sets(model, pairs, k=k, max_size=_MOST_REMOVED, max_sets=_MOST_SETS),
        case=explain(model, _pairs(model, own), k=k, random_state=random_state),
        case_removals=removal_sets(model, _pairs(model, own), k=k, max_size=_MOST_REMOVED, max_sets=_MOST_SETS),
        case_user=user,
        rule=rule,
        n_users=len(first),
    )


def _n_open(model: Any, users: pd.Series) -> np.ndarray:
    """Return how many items may be advised to each user, int64 ``(n_users,)``."""
    taken = [len(np.unique(own)) if model.filter_seen else 0 for own in model.histories(users)]
    return len(model.items_) - np.array(taken)


def _pairs(model: Any, advice: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({model.user: advice["user"].to_numpy(), model.item: advice["item"].to_numpy()})


def _case_user(model: Any, first: pd.DataFrame, drawn: pd.DataFrame, case: Any) -> tuple[Any, str]:
    if case is not None:
        if not (first["user"] == case).any():
            raise ValueError(
                f"case must be a user of these events who was known at fit, with items left, got {case!r}."
            )
        return case, "named by the caller"
    sizes = np.array([len(np.unique(own)) for own in model.histories(drawn["user"])])
    middle = np.argsort(sizes, kind="stable")[(len(sizes) - 1) // 2]
    return drawn["user"].iloc[middle], "the one of the sample with the median number of distinct items"
