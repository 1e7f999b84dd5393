"""What any recommender must beat, fitted on the events it was fitted on."""

from collections.abc import Mapping

from scipy import sparse

from appkit.data.interactions import Interactions
from appkit.model.recommenders.item_knn import fit_item_knn
from appkit.model.recommenders.linear import LinearScorer
from appkit.model.recommenders.popularity import fit_popularity, fit_recency
from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["fit_baselines"]


def fit_baselines(data: Interactions, *, filter_seen: bool = True) -> Mapping[str, ItemScorer]:
    """Return popularity, recency (where there are times) and item nearest neighbours, by name.

    Where items of the history may be advised, neighbours weigh buying again, and what a user took most often stands
    beside them.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> sorted(fit_baselines(read_interactions(pd.DataFrame({"user": [1, 2], "item": [1, 1]}))))
    ['item-knn', 'popularity']
    """
    fitted: dict[str, ItemScorer] = {"popularity": fit_popularity(data)}
    if data.time is not None:
        fitted["recency"] = fit_recency(data)
    fitted["item-knn"] = fit_item_knn(data, rebuy=0.0 if filter_seen else 1.0)
    if not filter_seen:
        nothing = sparse.csr_array((data.n_items, data.n_items))
        fitted["bought before"] = LinearScorer.of_sparse(nothing, rebuy=1.0)
    return {name: scorer.eval() for name, scorer in fitted.items()}
