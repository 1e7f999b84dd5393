"""Advise customers what to buy next, within the rules of the shop, and say because of which purchases."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from appkit import explanation as _explanation
from appkit import reporting as _reporting
from appkit.explanation import Explanation
from appkit.model import InteractionRecommender
from appkit.model.recommenders.asked import listed
from appkit.prediction.ranking import ItemSimilarity
from appkit.reporting import Report
from domains.retail.rules import Rules, recommend_by_rules

__all__ = ["ProductRecommender"]

_TABLE_ITEMS = 4_096  # so many and fewer are compared in a table, 64 MiB of float32
_WIDTH = 512  # longer vectors of larger catalogues are projected to so many numbers


class ProductRecommender(InteractionRecommender):
    """What to offer to each customer, learnt from who bought what.

    An ``InteractionRecommender`` whose lists keep to the rules of a shop: items kept out, what is in stock, at most so
    many of a category, variety, a push for some. Every model scores the catalogue from a customer's purchases, so new
    customers are advised as soon as they have bought something, and every advice can be traced to purchases.

    Parameters
    ----------
    user, item, time, value, item_name
        Columns of customers, articles, moments, quantities or spend, and descriptions.
    model, settings, split, max_seconds
        What is tried, and what it is chosen by, as in ``appkit.model.InteractionRecommender``.
    filter_seen
        Whether articles a customer has bought are left out. Pass False where buying again is the right answer: for
        groceries and supplies, say.
    device, random_state, progress
        As in ``appkit.model.InteractionRecommender``.

    Examples
    --------
    >>> from domains.retail.purchases import make_purchases
    >>> shop = make_purchases(60)
    >>> model = ProductRecommender(**shop.columns, model="als", random_state=0).fit(shop.X)
    >>> customer = shop.X["customer"].iloc[0]
    >>> model.recommend([customer], k=3).columns.tolist()
    ['user', 'item', 'rank', 'score', 'basis']
    >>> first = model.recommend([customer], k=1)["item"].item()
    >>> first in set(model.recommend([customer], k=3, rules=Rules(exclude=[first], diversity=0.3))["item"])
    False
    """

    def recommend(
        self,
        users: Iterable[Any] | None = None,
        k: int = 10,
        *,
        filter_seen: bool | None = None,
        candidates: Iterable[Any] | None = None,
        exclude: Iterable[Any] | None = None,
        interactions: pd.DataFrame | None = None,
        rules: Rules | None = None,
    ) -> pd.DataFrame:
        """Return the best items for each customer that keep to the rules, best first.

        Parameters
        ----------
        users, k, filter_seen, candidates, exclude, interactions
            As in ``InteractionRecommender.recommend``.
        rules
            What the lists must keep to. Longer lists are drawn up until enough items on them do. How alike two items
            are, for ``diversity``, is the cosine of the model's own item vectors. Items in stock that nobody has bought
            yet cannot be scored and are passed over.

        Returns
        -------
        DataFrame
            ``user``, ``item``, ``rank`` from 1, ``score``, ``basis``; with rules also ``moved_from``, the rank by score
            alone. Where the rules leave fewer items, a list is shorter.

        Raises
        ------
        SchemaError
            If rules name items to exclude or to push that were never seen at fit.
        """
        best = partial(
            super().recommend,
            filter_seen=filter_seen,
            candidates=candidates,
            exclude=exclude,
            interactions=interactions,
        )
        if rules is None:
            return best(users, k)
        check_is_fitted(self)
        known, histories = self._histories(interactions)
        asked = known.values if users is None else listed(users, "users")
        ruled = recommend_by_rules(
            best,
            asked,
            k,
            rules=self._with_known_stock(rules),
            similarity=self._similarity() if rules.diversity else None,
            catalogue=self.items_.values,
        )
        lists = _in_order(ruled.lists, asked)
        basis = dict(zip(asked, self._asked(asked, known, histories).basis, strict=True))
        lists.insert(4, "basis", lists["user"].map(basis))
        return lists

    def explain(self, X: pd.DataFrame, **options: Any) -> Explanation:
        """Return ``appkit.explain(self, X, **options)``: because of which purchases an item is on the list."""
        return _explanation.explain(self, X, **options)

    def report(self, later: pd.DataFrame, **options: Any) -> Report:
        """Return ``appkit.report(self, later, **options)``: what the advice was worth by what was bought later."""
        return _reporting.report(self, later, **options)

    def _with_known_stock(self, rules: Rules) -> Rules:
        """Return the rules with those items in stock that can be scored: a shop has goods nobody bought yet."""
        if rules.in_stock is None or not len(rules.in_stock):
            return rules
        codes = self.items_.codes(list(rules.in_stock), column="in_stock")
        return replace(rules, in_stock=self.items_.values[codes[codes >= 0]].tolist())

    @torch.no_grad()
    def _similarity(self) -> ItemSimilarity:
        """Return the cosine of the model's item vectors."""
        vectors = self.item_scorer().item_vectors().float()
        if len(self.items_) <= _TABLE_ITEMS:
            unit = nn.functional.normalize(vectors, dim=1)
            return ItemSimilarity(self.items_, table=(unit @ unit.T).clamp(-1, 1).cpu().numpy())
        if vectors.shape[1] > _WIDTH:  # Johnson and Lindenstrauss (1984): cosines change by about 1 / sqrt(_WIDTH)
            draws = torch.randn(vectors.shape[1], _WIDTH, generator=torch.Generator().manual_seed(0))
            vectors = vectors @ draws.to(vectors.device)
        return ItemSimilarity.of_vectors(self.items_.values, vectors.cpu().numpy())


def _in_order(lists: pd.DataFrame, users: np.ndarray) -> pd.DataFrame:
    """Return the lists in the order in which users were asked for."""
    place = pd.Index(users).get_indexer(lists["user"])
    return lists.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)
