"""Every problem the guarantees are tested on, by name."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import pytest

from appkit.explanation import explainers
from tests.explanation.guarantees import networks, tables, tensors
from tests.explanation.guarantees.problem import Problem

__all__ = ["ADDITIVE", "METHODS", "PROBLEMS", "SEEDS", "cases"]

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))]

# no network here keeps a feature map of 7x7 cells, and no output is a sum
METHODS = sorted(set(explainers()) - {"grad_cam", "linear"})
ADDITIVE = [name for name in METHODS if name not in ("lime", "occlusion")]

PROBLEMS: dict[str, Callable[[int], Problem]] = {
    **{f"columns, {name}": partial(tensors.vectors, make) for name, make in networks.VECTORS.items()},
    **{f"codes, {name}": partial(tensors.codes, make) for name, make in networks.CODES.items()},
    **{f"series, {name}": partial(tensors.series, make) for name, make in networks.SERIES.items()},
    **{
        f"image, {fill}": partial(tensors.images, networks.image_network(1), fill=fill)
        for fill in ("blur", "mean", "background")
    },
    "image in colour, blur": partial(tensors.images, networks.image_network(3), fill="blur", n_channels=3),
    **{
        f"columns in bfloat16, {name}": partial(tensors.vectors, networks.VECTORS[name], precision="bfloat16")
        for name in ("residual and batch norm", "attention")
    },
    **{f"history, {name}": partial(tensors.histories, make) for name, make in networks.HISTORIES.items()},
    **{
        f"table, {kind}, {units}": partial(tables.table, kind, units=units)
        for kind in tables.CLASSIFIERS
        for units in ("probability", "log-odds")
    },
    "table, regressor": partial(tables.table, "regressor", units="value"),
    **{
        f"table, disagreeing members, {units}": partial(tables.disagreeing_members, units=units)
        for units in ("probability", "log-odds", "value")
    },
}


def cases(methods: Sequence[str], names: Iterable[str] = tuple(PROBLEMS)) -> list[tuple[str, str]]:
    """Return every problem with every method that takes it: gradients ask for tensors of real numbers."""
    return [
        (name, method)
        for name in names
        for method in methods
        if method != "expected_gradients" or name.startswith(("columns", "series", "image"))
    ]
