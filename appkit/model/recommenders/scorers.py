"""Describe a fitted scorer in JSON values, and build an empty one from such a description."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from appkit.model.recommenders.popularity import PopularityScorer
from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["build_scorer", "describe_scorer", "rebuilt_scorers"]

_HOME = {
    "ALSScorer": "als",
    "BlendedScorer": "blend",
    "LinearScorer": "linear",
    "PopularityScorer": "popularity",
    "SequentialScorer": "sequential",
    "TransitionScorer": "transition",
    "TwoTowerScorer": "two_tower",
}


def describe_scorer(scorer: ItemScorer) -> dict[str, Any]:
    """Return the class of a scorer and what its constructor takes.

    Examples
    --------
    >>> from appkit.model.recommenders.popularity import PopularityScorer
    >>> describe_scorer(PopularityScorer(3))
    {'class': 'PopularityScorer', 'config': {'n_items': 3}}
    """
    return {"class": type(scorer).__name__, "config": scorer.config()}


def build_scorer(description: Mapping[str, Any], *, n_items: int) -> ItemScorer:
    """Return the empty scorer a description tells of; only scorers of appkit are ever built.

    Raises
    ------
    ValueError
        If the class is unknown, the constructor takes no such values, or it is for another number of items.
    """
    name, config = description.get("class"), description.get("config")
    if name not in _HOME or not isinstance(config, Mapping):
        raise ValueError(f"a scorer must be one of {', '.join(_HOME)} with its config, got {name!r}.")
    kind = getattr(import_module(f"appkit.model.recommenders.{_HOME[str(name)]}"), str(name))
    try:
        scorer: ItemScorer = kind(**config)
    except (TypeError, KeyError, RuntimeError, MemoryError) as err:
        raise ValueError(f"{name} cannot be built from its config: {err}") from err
    if scorer.n_items != n_items:
        raise ValueError(f"the scorer is for {scorer.n_items} items, and {n_items} are known.")
    return scorer


def rebuilt_scorers(description: Mapping[str, Any], weights: Mapping[str, Tensor], *, n_items: int) -> nn.ModuleDict:
    """Return the scorer described and ``"popular"``, filled with ``weights``, on the processor.

    What a file asks for is held against what it holds before there is room made for it; nothing is drawn.

    Raises
    ------
    ValueError
        As :func:`build_scorer`, or if weights are missing, unknown or of another shape.
    """
    with torch.device("meta"):
        scorer = build_scorer(description, n_items=n_items)
        module = nn.ModuleDict({"scorer": scorer, "popular": PopularityScorer(n_items)})
    asked = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    held = {name: tuple(value.shape) for name, value in weights.items()}
    for name in sorted(asked.keys() | held.keys()):
        if asked.get(name) != held.get(name):
            shapes = f"{asked.get(name, 'no such weights')}, and there are {held.get(name, 'none')}"
            raise ValueError(f"the scorer asks for {name} of shape {shapes}.")
    module.to_empty(device="cpu").load_state_dict(dict(weights))
    return module
