"""Implicit matrix factorisation by alternating least squares; a user is what their history solves to."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from appkit.data.interactions import Interactions
from appkit.model.recommenders.normal_equations import WeightedLists, diagonal_basis, solve_lists
from appkit.model.recommenders.scorer import ItemScorer, distinct_items

__all__ = ["ALSScorer", "fit_als"]

_START_SPREAD = 0.1
_UNOBSERVED_TO_TAKEN = 8.0


class ALSScorer(ItemScorer):
    """Scores items by their factors; the user's come from the history, by one ridge regression.

    Parameters
    ----------
    n_items
        Number of items.
    n_factors
        Width of the factors.
    regularisation, unobserved_weight, scaled_regularisation
        As in :func:`fit_als`.
    """

    item_factors: Tensor
    spectrum: Tensor

    def __init__(
        self,
        n_items: int,
        n_factors: int,
        *,
        regularisation: float,
        unobserved_weight: float,
        scaled_regularisation: bool = True,
    ) -> None:
        super().__init__(n_items)
        self.n_factors = n_factors
        self.regularisation = regularisation
        self.unobserved_weight = unobserved_weight
        self.scaled_regularisation = scaled_regularisation
        self.register_buffer("item_factors", torch.zeros(n_items, n_factors))
        self.register_buffer("spectrum", torch.zeros(n_factors))  # of the item factors, which lie along its axes

    def forward(self, histories: Tensor) -> Tensor:
        """Return the scores of all items, ``(n, n_items)``; without a history they are 0."""
        return self.user_vectors(histories) @ self.item_factors.T

    def user_vectors(self, histories: Tensor) -> Tensor:
        """Return the factors of the users with these histories, ``(n, n_factors)``; repeats count once."""
        distinct = distinct_items(histories, pad=self.n_items)
        is_item = distinct != self.n_items
        lengths = is_item.sum(dim=1)
        offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(dim=0)])
        ids = distinct[is_item]
        lists = WeightedLists(offsets, ids, self.item_factors.new_ones(len(ids)))
        shared = self.unobserved_weight * self.spectrum
        return solve_lists(lists, self.item_factors, shared, self._penalties(lengths, self.n_items))

    def config(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        return {
            "n_items": self.n_items,
            "n_factors": self.n_factors,
            "regularisation": self.regularisation,
            "unobserved_weight": self.unobserved_weight,
            "scaled_regularisation": self.scaled_regularisation,
        }

    def item_vectors(self) -> Tensor:
        """Return the factors of the items, ``(n_items, n_factors)``."""
        return self.item_factors

    def _penalties(self, lengths: Tensor, n_others: int) -> Tensor:
        """Return the ridge penalty of users (``n_others`` items) or items (``n_others`` users), one per list."""
        if not self.scaled_regularisation:
            return torch.full_like(lengths, 1, dtype=torch.float32) * self.regularisation
        return self.regularisation * (lengths.float() + self.unobserved_weight * n_others)


def fit_als(
    data: Interactions,
    *,
    n_factors: int = 128,
    regularisation: float = 0.015,
    unobserved_weight: float | None = None,
    n_iterations: int = 12,
    scaled_regularisation: bool = True,
    random_state: int | None = None,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> ALSScorer:
    r"""Return a scorer that minimises the squared error over all pairs of users and items.

    The loss is :math:`\sum_{(u,i) \in S} (1 - \hat y_{ui})^2 + \alpha \sum_{u,i} \hat y_{ui}^2 + \lambda (\sum_u c_u
    |x_u|^2 + \sum_i c_i |h_i|^2)`: taken pairs should score 1, all pairs are drawn to 0, and the penalty of a factor
    grows with how much data it explains, :math:`c_u = |S_u| + \alpha\, n_{items}` and :math:`c_i = |S_i| + \alpha\,
    n_{users}`.

    Parameters
    ----------
    data
        Events; an item a user took several times counts once.
    n_factors
        Width of the factors.
    regularisation
        The :math:`\lambda`, above 0.
    unobserved_weight
        The :math:`\alpha`, above 0: how much a pair that was not taken counts. ``None`` lets all pairs together weigh
        eight times what the taken ones do, so that sparse data need no search of their own.
    n_iterations
        Passes; each solves for all users, then for all items.
    scaled_regularisation
        ``False`` sets all :math:`c` to 1.
    random_state
        Seed of the first item factors; ``None`` draws anew.
    device
        Where to compute; the scorer stays there.
    progress
        Called after each pass with the number done and the number in all.

    References
    ----------
    Hu, Koren and Volinsky (2008), "Collaborative Filtering for Implicit Feedback Datasets"; Rendle, Krichene, Zhang and
    Koren (2022), "Revisiting the Performance of iALS on Item Recommendation Benchmarks".

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2, 3, 3], "item": ["tea", "cup", "tea", "cup", "saw", "nail"]})
    >>> scorer = fit_als(read_interactions(X), n_factors=2, unobserved_weight=0.1, random_state=0)
    >>> scorer(torch.tensor([[0]])).round(decimals=1)  # of someone with a cup: cup, nail, saw, tea
    tensor([[0.8000, 0.0000, 0.0000, 0.8000]])
    """
    taken = data.matrix()
    if unobserved_weight is None:
        unobserved_weight = _UNOBSERVED_TO_TAKEN * taken.nnz / (data.n_users * data.n_items)
    _check(n_factors, regularisation, unobserved_weight, n_iterations)
    scorer = ALSScorer(
        data.n_items,
        n_factors,
        regularisation=regularisation,
        unobserved_weight=unobserved_weight,
        scaled_regularisation=scaled_regularisation,
    ).to(device)
    by_user, by_item = (WeightedLists.of(side, device=device) for side in (taken, taken.T.tocsr()))
    user_penalties = scorer._penalties(by_user.lengths, data.n_items)
    item_penalties = scorer._penalties(by_item.lengths, data.n_users)
    items = _first_factors(data.n_items, n_factors, random_state).to(device)
    for done in range(n_iterations):
        users = alternate(by_user, items, user_penalties, unobserved_weight=unobserved_weight)
        items = alternate(by_item, users, item_penalties, unobserved_weight=unobserved_weight)
        if progress is not None:
            progress(done + 1, n_iterations)
    factors, spectrum = diagonal_basis(items)
    scorer.item_factors.copy_(factors)
    scorer.spectrum.copy_(spectrum)
    return scorer.eval()


def alternate(lists: WeightedLists, fixed: Tensor, penalties: Tensor, *, unobserved_weight: float) -> Tensor:
    """Return the best factors of one side where those of the other are fixed, in a basis of their own."""
    fixed, spectrum = diagonal_basis(fixed)
    return solve_lists(lists, fixed, unobserved_weight * spectrum, penalties)


def _first_factors(n_items: int, n_factors: int, random_state: int | None) -> Tensor:
    generator = torch.Generator()
    if random_state is None:
        generator.seed()
    else:
        generator.manual_seed(random_state)
    return torch.randn(n_items, n_factors, generator=generator) * (_START_SPREAD / np.sqrt(n_factors))


def _check(n_factors: int, regularisation: float, unobserved_weight: float, n_iterations: int) -> None:
    for name, count in (("n_factors", n_factors), ("n_iterations", n_iterations)):
        if count < 1:
            raise ValueError(f"{name} must be 1 or more, got {count!r}.")
    for name, value in (("regularisation", regularisation), ("unobserved_weight", unobserved_weight)):
        if not value > 0:
            raise ValueError(f"{name} must be above 0, got {value!r}. Try 0.01.")
