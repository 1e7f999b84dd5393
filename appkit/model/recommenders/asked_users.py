"""Users asked about: what is known of each, and which model answers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from appkit.model.recommenders.advice import Histories, best_items, pair_scores
from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["AskedUsers"]


@dataclass(frozen=True, eq=False)
class AskedUsers:
    """Users in the order they were asked about.

    Parameters
    ----------
    codes
        int64 ``(n,)``: their places in ``histories``; -1 for none.
    histories
        What users took.
    scorer, popular
        What answers users of whom something is known, and what answers the others.
    features
        float32 ``(n, width)`` of the users asked, where the scorer looks at them; ``None`` otherwise.
    has_features
        bool ``(n,)``: whether a user has features.
    device
        Where the scorers are.
    """

    codes: np.ndarray
    histories: Histories
    scorer: ItemScorer
    popular: ItemScorer
    features: np.ndarray | None
    has_features: np.ndarray
    device: str

    @property
    def basis(self) -> np.ndarray:
        """What each user is advised by, text as objects ``(n,)``."""
        known = np.where(self.has_features, "features", "popularity")
        return np.where(self.histories.lengths(self.codes) > 0, "history", known).astype(object)

    def best(self, k: int, *, filter_seen: bool, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Return items and scores of each list, as :func:`~appkit.model.recommenders.advice.best_items`."""
        items = np.full((len(self.codes), k), -1, dtype=np.int64)
        scores = np.full((len(self.codes), k), np.nan, dtype=np.float32)
        for part, scorer, features in self._parts():
            items[part], scores[part] = best_items(
                scorer,
                self.histories,
                self.codes[part],
                k=k,
                filter_seen=filter_seen,
                allowed=allowed,
                device=self.device,
                features=features,
            )
        return items, scores

    def scores(self, place_of: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the score of each pair, float64 ``(n_pairs,)``, NaN for item -1; ``place_of`` says which user."""
        answers = np.full(len(items), np.nan)
        place_in_part = np.full(len(self.codes), -1)
        for part, scorer, features in self._parts():
            place_in_part[:] = -1
            place_in_part[part] = np.arange(len(part))
            pairs = np.flatnonzero((place_in_part[place_of] >= 0) & (items >= 0))
            answers[pairs] = pair_scores(
                scorer,
                self.histories,
                self.codes[part],
                place_in_part[place_of[pairs]],
                items[pairs],
                device=self.device,
                features=features,
            )
        return answers

    def _parts(self) -> Iterator[tuple[np.ndarray, ItemScorer, np.ndarray | None]]:
        """Yield places of users, the scorer that answers them, and their features."""
        is_unknown = self.basis == "popularity"
        if not is_unknown.all():
            part = np.flatnonzero(~is_unknown)
            yield part, self.scorer, None if self.features is None else self.features[part]
        if is_unknown.any():
            yield np.flatnonzero(is_unknown), self.popular, None
