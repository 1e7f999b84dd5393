"""Several scorers heard together: each row of scores standardised, weighted and summed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["BlendedScorer"]

_LEAST_SPREAD = 1e-12


class BlendedScorer(ItemScorer):
    """Weighs scorers whose scores have units of their own.

    The scores of a user are brought to mean 0 and standard deviation 1 over all items, scorer by scorer; where a scorer
    says the same of all items, it has no say. Standardising depends on the whole history, so a blend is not additive
    even where its parts are.

    Parameters
    ----------
    scorers
        Scorers of the same items; or, as ``config`` gives them, the name of a class under ``"scorer"`` and what its
        constructor takes.
    weights
        One for each scorer, above 0; brought to sum to 1.

    Raises
    ------
    ValueError
        If there are no scorers, they differ in their items, weights do not match or are not above 0, or a name is not
        that of an ``ItemScorer``.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> from appkit.model.recommenders.als import fit_als
    >>> from appkit.model.recommenders.popularity import fit_popularity
    >>> data = read_interactions(pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["tea", "cup", "tea", "cup", "saw"]}))
    >>> blend = BlendedScorer([fit_als(data, n_factors=2, random_state=0), fit_popularity(data)], weights=[3, 1])
    >>> data.items.values[blend(torch.tensor([[1]])).argmax()]  # of someone with a saw
    'saw'
    """

    def __init__(self, scorers: Sequence[ItemScorer | Mapping[str, Any]], weights: Sequence[float]) -> None:
        parts = [scorer if isinstance(scorer, ItemScorer) else _built(scorer) for scorer in scorers]
        _check(parts, weights)
        super().__init__(parts[0].n_items)
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
        parts = [{"scorer": type(scorer).__name__} | scorer.config() for scorer, _ in self._parts()]
        return {"scorers": parts, "weights": list(self.weights)}

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


def _built(config: Mapping[str, Any]) -> ItemScorer:
    """Return an empty scorer of the class named; nothing but scorers that are already imported is looked up."""
    known = {kind.__name__: kind for kind in _kinds(ItemScorer)}  # type: ignore[type-abstract]
    settings = dict(config)
    name = settings.pop("scorer", None)
    if name not in known:
        raise ValueError(f"scorer must be one of {', '.join(sorted(known))}, got {name!r}.")
    return known[name](**settings)


def _kinds(base: type[ItemScorer]) -> Iterator[type[ItemScorer]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _check(parts: Sequence[ItemScorer], weights: Sequence[float]) -> None:
    if not parts:
        raise ValueError("scorers must hold one or more, got none.")
    counts = sorted({part.n_items for part in parts})
    if len(counts) > 1:
        raise ValueError(f"scorers must score the same items, got {' and '.join(map(str, counts))} of them.")
    if len(weights) != len(parts):
        raise ValueError(f"weights must hold one for each of {len(parts)} scorers, got {len(weights)}.")
    if not all(weight > 0 for weight in weights):
        raise ValueError(f"weights must be above 0, got {list(weights)!r}. Leave the scorer out instead.")
