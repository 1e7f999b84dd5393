"""How alike two items are, from categories, vectors or a table: what diversity is measured and made with."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.data.cells import shown
from appkit.data.ids import Ids, read_ids
from appkit.exceptions import SchemaError

__all__ = ["ItemSimilarity"]


@dataclass(frozen=True, eq=False)
class ItemSimilarity:
    """Similarity of items: 1 for the same, 0 for items that have nothing in common, -1 at least.

    Parameters
    ----------
    items
        Raw ids; codes are places in them.
    vectors
        float32 ``(n_items, d)``, of length 1 or 0: the similarity is the cosine; ``None`` where there are none.
    categories
        int64 ``(n_items,)``: items of one category are alike, all others are not; ``None`` where there are none.
    table
        float32 ``(n_items, n_items)``, symmetric; ``None`` where there is none.

    Examples
    --------
    >>> alike = ItemSimilarity.of_categories({"cup": "kitchen", "tea": "food", "mug": "kitchen"})
    >>> alike.between(alike.items.codes(["cup"]), alike.items.codes(["mug", "tea"])[None, :])
    array([[1., 0.]], dtype=float32)
    """

    items: Ids
    vectors: np.ndarray | None = None
    categories: np.ndarray | None = None
    table: np.ndarray | None = None

    @classmethod
    def of_categories(cls, categories: pd.Series | dict[Any, Any]) -> "ItemSimilarity":
        """Return the similarity of one category per item, by item id; an item without one is like no other."""
        given = categories if isinstance(categories, pd.Series) else pd.Series(categories, dtype=object)
        items, order = _indexed(given.index)
        codes = pd.factorize(given.iloc[order])[0]
        alone = codes < 0
        codes[alone] = codes.max(initial=0) + 1 + np.arange(alone.sum())
        return cls(items, categories=codes.astype(np.int64))

    @classmethod
    def of_vectors(cls, items: Iterable[Any], vectors: np.ndarray) -> "ItemSimilarity":
        """Return the cosine of vectors, float ``(n_items, d)``, one per item; a vector of zeros is like no other."""
        found, order = _indexed(items)
        rows = np.asarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or len(rows) != len(found) or not np.isfinite(rows).all():
            raise ValueError(f"vectors must be finite, one row for each of {len(found)} items, got shape {rows.shape}.")
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        unit = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
        return cls(found, vectors=unit[order])

    @classmethod
    def of_table(cls, table: pd.DataFrame) -> "ItemSimilarity":
        """Return the similarity of a square table: index and columns are item ids, cells lie in [-1, 1]."""
        items, order = _indexed(table.index)
        columns = items.codes(table.columns, column="columns of the table")
        cells = table.to_numpy(dtype=np.float32)
        if cells.shape != (len(items), len(items)) or (np.sort(columns) != np.arange(len(items))).any():
            raise ValueError(f"table must have the same items as index and as columns, got shape {cells.shape}.")
        cells = cells[np.ix_(order, np.argsort(columns))]
        if not (np.abs(cells) <= 1).all() or not np.allclose(cells, cells.T, atol=1e-5):
            raise ValueError("table must be symmetric with cells in [-1, 1]: scale it, or take the mean with its T.")
        return cls(items, table=cells)

    def known(self, raw: Iterable[Any]) -> np.ndarray:
        """Return the code of each item, int64 ``(n,)``; ``SchemaError`` naming the first that is unknown."""
        asked = read_ids(raw, column="item")
        codes = self.items.codes(asked, column="item")
        if (codes < 0).any():
            unknown = np.unique(asked[codes < 0])
            raise SchemaError(
                f"The similarity must know every item listed, got {len(unknown)} others (first: {shown(unknown[0])}). "
                "Give a category or vector for each item of the catalogue."
            )
        return codes

    def between(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the similarity of each item ``(n,)`` to each of its row ``(n, m)``, codes in, float32 ``(n, m)``."""
        if self.vectors is not None:
            return np.einsum("nd,nmd->nm", self.vectors[left], self.vectors[right])
        if self.table is not None:
            return self.table[left[:, None], right]
        assert self.categories is not None
        return (self.categories[left][:, None] == self.categories[right]).astype(np.float32)


def _indexed(raw: Iterable[Any]) -> tuple[Ids, np.ndarray]:
    """Return the ids and where each, in their order, was given; ``SchemaError`` if one comes twice."""
    given = read_ids(raw, column="item")
    items = Ids(np.unique(given))
    order = np.argsort(given, kind="stable")
    if len(items) < len(given):
        twice = given[order][:-1][given[order][1:] == given[order][:-1]]
        raise SchemaError(f"Each item must come once, got {shown(twice[0])} again. Drop the duplicates.")
    return items, order
