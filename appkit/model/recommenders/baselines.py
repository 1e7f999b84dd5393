"""What any recommender must beat, fitted on the events it was fitted on."""

from collections.abc import Callable, Mapping

from appkit.data.interactions import Interactions
from appkit.model.recommenders.item_knn import fit_item_knn
from appkit.model.recommenders.popularity import fit_popularity, fit_recency
from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["fit_baselines"]


def fit_baselines(data: Interactions) -> Mapping[str, ItemScorer]:
    """Return popularity, recency (where there are times) and item nearest neighbours, by name.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> sorted(fit_baselines(read_interactions(pd.DataFrame({"user": [1, 2], "item": [1, 1]}))))
    ['item-knn', 'popularity']
    """
    fits: dict[str, Callable[[Interactions], ItemScorer]] = {"popularity": fit_popularity}
    if data.time is not None:
        fits["recency"] = fit_recency
    fits["item-knn"] = fit_item_knn
    return {name: fit(data).eval() for name, fit in fits.items()}
