"""What a shop demands of its advice: items kept out, stock, at most so many of a category, variety, a push for some."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.data.ids import Ids, read_ids
from appkit.exceptions import SchemaError
from appkit.prediction.ranking import ItemSimilarity
from appkit.prediction.ranking.lists import check_cutoff, read_catalogue
from domains.retail.reranking import Candidates, Choice

__all__ = ["RuledLists", "Rules", "apply_rules", "recommend_by_rules"]


@dataclass(frozen=True, eq=False)
class Rules:
    """What lists of advice must keep to.

    Parameters
    ----------
    exclude
        Ids of items never to advise.
    in_stock
        Ids of items that can be had; ``None``: all can.
    max_per_category
        Items of one category on a list, at most; it needs ``categories``.
    categories
        Category by item id; an item without one shares it with no other.
    diversity
        Between 0 (by score alone) and 1 (as unlike as can be): each place goes to the item with the highest
        ``(1 - diversity) * relevance - diversity * similarity`` to the nearest item already on the list, the maximal
        marginal relevance of Carbonell and Goldstein (1998). Relevance is the score brought to 0 to 1 over the user's
        candidates.
    boost
        What is added to the relevance by item id: 0.1 lifts an item by a tenth of the spread of the user's candidates,
        whatever unit the model's scores have; negative values push back.

    Examples
    --------
    >>> Rules(exclude=["gift voucher"], max_per_category=2, categories={"cup": "kitchen", "mug": "kitchen"})
    Rules(exclude=['gift voucher'], in_stock=None, max_per_category=2, categories=2 items, diversity=0.0, boost=0 items)
    """

    exclude: Collection[Any] = ()
    in_stock: Collection[Any] | None = None
    max_per_category: int | None = None
    categories: pd.Series | Mapping[Any, Any] | None = None
    diversity: float = 0.0
    boost: Mapping[Any, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.diversity <= 1:
            raise ValueError(f"diversity must lie between 0 and 1, got {self.diversity!r}.")
        if self.max_per_category is not None and self.max_per_category not in range(1, 2**31):
            raise ValueError(f"max_per_category must be a whole number of at least 1, got {self.max_per_category!r}.")
        if self.max_per_category is not None and self.categories is None:
            raise ValueError("max_per_category needs categories, the category of each item by id.")
        for item, lift in self.boost.items():
            if not np.isfinite(lift):
                raise ValueError(f"boost must be finite, got {lift!r} for item {shown(item)}.")

    def __repr__(self) -> str:
        categories = None if self.categories is None else f"{len(self.categories)} items"
        return (
            f"Rules(exclude={list(self.exclude)!r}, in_stock={None if self.in_stock is None else len(self.in_stock)}, "
            f"max_per_category={self.max_per_category}, categories={categories}, diversity={self.diversity}, "
            f"boost={len(self.boost)} items)"
        )

    def check(self, catalogue: Iterable[Any]) -> None:
        """Raise ``SchemaError`` naming the items of these rules that the catalogue does not know: a slip of the pen."""
        items = read_catalogue(catalogue)
        named = {"exclude": self.exclude, "in_stock": self.in_stock or (), "boost": self.boost}
        problems = [problem for name, given in named.items() for problem in _unknown(name, list(given), items)]
        if problems:
            raise SchemaError(problems)


@dataclass(frozen=True, eq=False)
class RuledLists:
    """Lists that keep to rules.

    Parameters
    ----------
    lists
        Columns user, item, rank, score and ``moved_from``: the rank the item had among the user's candidates by score.
    short
        Raw ids of the users whose lists have fewer than the places asked for, those with none included.
    n_removed
        Candidates that each rule took out: ``"exclude"``, ``"in_stock"``.
    """

    lists: pd.DataFrame
    short: np.ndarray
    n_removed: dict[str, int]

    @property
    def n_short(self) -> int:
        """Users who got fewer items than asked for."""
        return len(self.short)


def apply_rules(
    candidates: pd.DataFrame,
    k: int,
    rules: Rules,
    *,
    similarity: ItemSimilarity | None = None,
    catalogue: Iterable[Any] | None = None,
) -> RuledLists:
    """Return the best ``k`` of each user's candidates that keep to the rules.

    Give more candidates than places: what the rules take out is not replaced. :func:`recommend_by_rules` asks for as
    many as are needed. Equal candidates give equal lists, whatever the order of their rows: ties go to the smaller id.

    Parameters
    ----------
    candidates
        Columns user, item and score, raw ids; a long list for each user.
    k
        Places.
    rules
        What to keep to.
    similarity
        Of items, for ``diversity``; by default items of one category are alike.
    catalogue
        Raw ids of all items; with it, ids in the rules that are none of them are an error.

    Raises
    ------
    SchemaError
        If a column is missing, a user has a candidate twice, or the rules name items that are not in the catalogue.
    ValueError
        If a score is not finite, or diversity is asked for and nothing says how alike items are.

    Examples
    --------
    >>> candidates = pd.DataFrame({"user": 1, "item": ["cup", "mug", "tea"], "score": [3.0, 2.0, 1.0]})
    >>> kinds = {"cup": "kitchen", "mug": "kitchen", "tea": "food"}
    >>> apply_rules(candidates, 2, Rules(max_per_category=1, categories=kinds)).lists
       user item  rank  score  moved_from
    0     1  cup     1    3.0           1
    1     1  tea     2    1.0           3
    """
    check_cutoff(k)
    if catalogue is not None:
        rules.check(catalogue)
    table = Candidates.read(candidates)
    allowed, n_removed = _allowed(table, rules)
    left = table.take(allowed)
    chosen = _choice(left, rules, similarity).places(k)
    return RuledLists(left.lists(chosen), table.users[(chosen < 0).any(axis=1)], n_removed)


def recommend_by_rules(
    recommend: Callable[[np.ndarray, int], pd.DataFrame],
    users: Iterable[Any],
    k: int = 10,
    *,
    rules: Rules,
    similarity: ItemSimilarity | None = None,
    catalogue: Iterable[Any] | None = None,
    n_candidates: int | None = None,
) -> RuledLists:
    """Return ``k`` items for each user that keep to the rules, from candidate lists that are made longer until they do.

    Parameters
    ----------
    recommend
        From raw ids and a length to columns user, item and score: ``lambda users, n: model.recommend(users, n)``.
    users
        Raw ids.
    k, rules, similarity, catalogue
        As in :func:`apply_rules`.
    n_candidates
        Length of the first lists, ``5 * k`` by default; users who come out short are asked for again, four times as
        long each time, until their lists grow no more.

    Examples
    --------
    >>> def recommend(users, n):
    ...     items = np.arange(100)[:n]
    ...     lists = {"user": np.repeat(users, len(items)), "item": np.tile(items, len(users))}
    ...     return pd.DataFrame(lists).assign(score=1.0)
    >>> ruled = recommend_by_rules(recommend, [7], 2, rules=Rules(in_stock=[98, 99]), n_candidates=10)
    >>> ruled.lists["item"].tolist(), ruled.n_short
    ([98, 99], 0)
    """
    asked, n = pd.unique(read_ids(users, column="users")), n_candidates or 5 * k
    table = _by_id(recommend(asked, n))
    while True:
        ruled = apply_rules(table, k, rules, similarity=similarity, catalogue=catalogue)
        counts = table["user"].value_counts()
        could_grow = ruled.short[counts.reindex(ruled.short).to_numpy() >= n]
        if not len(could_grow):
            silent = asked[~np.isin(asked, table["user"].to_numpy())]
            return replace(ruled, short=np.concatenate([ruled.short, silent]))
        n *= 4
        table = pd.concat([table[~table["user"].isin(could_grow)], _by_id(recommend(could_grow, n))])


def _allowed(table: Candidates, rules: Rules) -> tuple[np.ndarray, dict[str, int]]:
    """Return which rows may be advised, bool ``(n_rows,)``, and how many each rule took out."""
    out = np.zeros(len(table.items), dtype=bool)
    excluded = table.items.codes(list(rules.exclude), column="exclude")
    out[excluded[excluded >= 0]] = True
    n_removed = {"exclude": int(out[table.item].sum())}
    if rules.in_stock is not None:
        can_be_had = np.zeros(len(table.items), dtype=bool)
        stocked = table.items.codes(list(rules.in_stock), column="in_stock")
        can_be_had[stocked[stocked >= 0]] = True
        n_removed["in_stock"] = int((~can_be_had & ~out)[table.item].sum())
        out |= ~can_be_had
    return ~out[table.item], n_removed


def _choice(left: Candidates, rules: Rules, similarity: ItemSimilarity | None) -> Choice:
    """Return how places are given under these rules."""
    lift = np.zeros(len(left.items))
    code = left.items.codes(list(rules.boost), column="boost")
    lift[code[code >= 0]] = np.array(list(rules.boost.values()), dtype=np.float64)[code >= 0]
    kinds = None if rules.categories is None else _categories(rules.categories, left.items)
    alike = similarity or kinds
    if not rules.diversity:
        alike = None
    elif alike is None:
        raise ValueError("diversity needs to know how alike items are. Give categories in the rules, or similarity.")
    category = None if kinds is None or rules.max_per_category is None else kinds.categories
    return Choice(
        left,
        lift=lift,
        category=category,
        max_per_category=rules.max_per_category,
        diversity=rules.diversity,
        similarity=alike,
    )


def _categories(categories: pd.Series | Mapping[Any, Any], items: Ids) -> ItemSimilarity:
    """Return the similarity by category of exactly these items."""
    given = categories if isinstance(categories, pd.Series) else pd.Series(categories, dtype=object)
    known = ItemSimilarity.of_categories(given)
    assert known.categories is not None
    codes = known.items.codes(items.values, column="categories")
    alone = known.categories.max(initial=-1) + 1 + np.arange(len(items))
    return ItemSimilarity(items, categories=np.where(codes >= 0, np.append(known.categories, -1)[codes], alone))


def _unknown(name: str, given: list[Any], items: Ids) -> list[str]:
    """Return a sentence on the ids given that are not among ``items``; none where all are."""
    if not given:
        return []
    try:
        ids = read_ids(given, column=name)
        unknown = ids[items.codes(ids, column=name) < 0]
    except SchemaError as error:
        return list(error.problems)
    if not len(unknown):
        return []
    first = ", ".join(map(shown, unknown[:5])) + (", ..." if len(unknown) > 5 else "")
    return [f"Rules must name items of the catalogue, got {len(unknown):,} others in {name}: {first}. Correct the ids."]


def _by_id(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(user=read_ids(table["user"], column="user"))
