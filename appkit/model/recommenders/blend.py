"""Several scorers heard together: each row of scores standardised, weighted and summed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from appkit.model.recommenders.scorer import ItemScorer
from appkit.model.recommenders.scorers import build_scorer, describe_scorer

__all__ = ["BlendedScorer"]

_LEAST_SPREAD = 1e-12


class BlendedScorer(ItemScorer):
    """Weighs scorers whose scores have units of their own.

    The scores of a user are brought to mean 0 and standard deviation 1 over all items, scorer by scorer; where a scorer
    says the same of all items, it has no say. Standardising depends on the whole history, so a blend is not additive
    even where its parts are.

    Parameters
    ----------
    n_items
        Number of items.
    scorers
        Scorers of these items; or, as ``config`` gives them, descriptions of scorers to be built empty.
    weights
        One for each scorer, above 0; brought to sum to 1.

    Raises
    ------
    ValueError
        If there are no scorers, one is for another number of items or cannot be built, or weights do not match or are
        not above 0.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> from appkit.model.recommenders.als import fit_als
    >>> from appkit.model.recommenders.popularity import fit_popularity
    >>> data = read_interactions(pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["tea", "cup", "tea", "cup", "saw"]}))
    >>> parts = [fit_als(data, n_factors=2, random_state=0), fit_popularity(data)]
    >>> blend = BlendedScorer(3, parts, weights=[3, 1])
    >>> data.items.values[blend(torch.tensor([[1]])).argmax()]  # of someone with a saw
    'saw'
    """

    def __init__(
        self, n_items: int, scorers: Sequence[ItemScorer | Mapping[str, Any]], weights: Sequence[float]
    ) -> None:
        super().__init__(n_items)
        parts = [
            scorer if isinstance(scorer, ItemScorer) else build_scorer(scorer, n_items=n_items) for scorer in scorers
        ]
        _check(parts, weights, n_items=n_items)
        self.scorers = nn.ModuleList(parts)
        self.weights = tuple(float(weight) / sum(weights) for weight in weights)

    def forward(self, histories: Tensor) -> Tensor:
        """Return weighted means of standardised scores, ``(n, n_items)``."""
        scores = histories.new_zeros(len(histories), self.n_items, dtype=torch.float32)
        for scorer, weight in self._parts():
            scores.add_(standardised(scorer(histories)), alpha=weight)
        return scores

    def config(self) -> dict[str, Any]:
        """Return what the constructor takes, the parts by name."""
        parts = [describe_scorer(scorer) for scorer, _ in self._parts()]
        return {"n_items": self.n_items, "scorers": parts, "weights": list(self.weights)}

    def item_vectors(self) -> Tensor:
        """Return the parts' vectors side by side, such that the cosine of two items is the weighted mean of theirs."""
        vectors = [
            nn.functional.normalize(scorer.item_vectors(), dim=1) * weight**0.5 for scorer, weight in self._parts()
        ]
        return torch.cat(vectors, dim=1)

    def _parts(self) -> Iterator[tuple[ItemScorer, float]]:
        for scorer, weight in zip(self.scorers, self.weights, strict=True):
            assert isinstance(scorer, ItemScorer)
            yield scorer, weight


def standardised(scores: Tensor) -> Tensor:
    """Return each row with mean 0 and standard deviation 1; rows that say the same of all items become 0.

    Examples
    --------
    >>> standardised(torch.tensor([[1.0, 3.0], [5.0, 5.0]]))
    tensor([[-1.,  1.],
            [ 0.,  0.]])
    """
    centred = scores - scores.mean(dim=1, keepdim=True)
    spread = centred.square().mean(dim=1, keepdim=True).sqrt()
    least = _LEAST_SPREAD + 1e-6 * scores.abs().amax(dim=1, keepdim=True)  # below it, what differs is rounding
    return torch.where(spread > least, centred / spread.clamp(min=_LEAST_SPREAD), 0.0)


def _check(parts: Sequence[ItemScorer], weights: Sequence[float], *, n_items: int) -> None:
    if not parts:
        raise ValueError("scorers must hold one or more, got none.")
    for part in parts:
        if part.n_items != n_items:
            raise ValueError(
                f"scorers must score the same {n_items} items, got a {type(part).__name__} of {part.n_items}."
            )
    if len(weights) != len(parts):
        raise ValueError(f"weights must hold one for each of {len(parts)} scorers, got {len(weights)}.")
    if not all(weight > 0 for weight in weights):
        raise ValueError(f"weights must be above 0, got {list(weights)!r}. Leave the scorer out instead.")
