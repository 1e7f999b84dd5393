"""What customers took after the fit, and whether lists could hold it and did."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from appkit.reporting.advice.context import AdviceContext

__all__ = ["Later"]


@dataclass(frozen=True, eq=False)
class Later:
    """Later purchases as distinct pairs of customer and item, arrays of shape (n_pairs,).

    Parameters
    ----------
    users, items
        Raw ids, object.
    was_taken
        Whether the customer had taken the item before, bool.
    is_advised
        Whether it is on the customer's list, bool.
    may_be_met
        Whether a list could hold it: not where lists leave out what was taken before, bool.
    """

    users: np.ndarray
    items: np.ndarray
    was_taken: np.ndarray
    is_advised: np.ndarray
    may_be_met: np.ndarray

    @classmethod
    def of(cls, context: AdviceContext) -> Self:
        """Return the later purchases that a report is about."""
        model, measured = context.model, context.measured
        taken = measured.later.rename(columns={model.user: "user", model.item: "item"})[["user", "item"]]
        taken = taken.drop_duplicates(ignore_index=True)
        was_taken = _is_among(taken, measured.before)
        return cls(
            users=taken["user"].to_numpy(dtype=object),
            items=taken["item"].to_numpy(dtype=object),
            was_taken=was_taken,
            is_advised=_is_among(taken, measured.advice),
            may_be_met=~was_taken if model.filter_seen else np.ones(len(taken), dtype=bool),
        )

    @property
    def n_users(self) -> int:
        """Customers with a later purchase."""
        return len(pd.unique(self.users))


def _is_among(pairs: pd.DataFrame, known: pd.DataFrame) -> np.ndarray:
    """Return which pairs of user and item stand in another table, bool ``(n_pairs,)``."""
    listed = pd.MultiIndex.from_frame(known[["user", "item"]].drop_duplicates())
    return pd.MultiIndex.from_frame(pairs).isin(listed)
