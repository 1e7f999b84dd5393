"""Explaining leaves everything as found: modes, gradients, buffers, random states, also when the network raises."""

import copy
import logging
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from appkit.explanation import TensorGame, explain, explain_game
from appkit.explanation.games import history_game, image_game, window_game
from tests.explanation.guarantees.catalogue import METHODS
from tests.explanation.guarantees.networks import HISTORIES, SERIES, VECTORS, drawn, image_network
from tests.explanation.guarantees.tables import fitted, make_credit
from tests.explanation.guarantees.tensors import normal


class GivesWay(nn.Module):
    """A network that breaks when it is asked for the last time it can."""

    def __init__(self, network: nn.Module, n_answers: int | None = None) -> None:
        super().__init__()
        self.network, self.n_left = network, n_answers

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.rand(1)  # a network may draw, even in evaluation mode
        if self.n_left is not None:
            self.n_left -= 1
            if self.n_left < 0:
                raise RuntimeError("the network broke")
        return self.network(x)


def tangle(module):
    """Put every other part into training mode, freeze every other parameter, give some a gradient."""
    for i, part in enumerate(module.modules()):
        part.training = i % 2 == 0
    for i, parameter in enumerate(module.parameters()):
        parameter.requires_grad_(i % 2 == 0)
        parameter.grad = torch.full_like(parameter, i) if i % 3 == 0 else None
    return module


def state_of(module):
    """Return everything about a module and about the process that explaining could change."""
    return {
        "modes": [part.training for part in module.modules()],
        "gradients": [
            (p.requires_grad, None if p.grad is None else p.grad.numpy().tobytes()) for p in module.parameters()
        ],
        "weights": [part.detach().numpy().tobytes() for part in (*module.parameters(), *module.buffers())],
        "hooks": [(len(part._forward_hooks), len(part._backward_hooks)) for part in module.modules()],
        **state_of_process(),
    }


def state_of_process():
    return {
        "torch": torch.random.get_rng_state().numpy().tobytes(),
        "numpy": repr(np.random.get_state()),  # noqa: NPY002, the global generator is what must stay
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")),
        "threads": torch.get_num_threads(),
        "cudnn": torch.backends.cudnn.enabled,
    }


def columns(network):
    rows, fills = torch.as_tensor(normal(3, 5, seed=1)), torch.as_tensor(normal(8, 5, seed=2))
    return TensorGame(network, rows, fills, players=torch.arange(5), player_names="abcde", output_names=["p", "q"])


def windows(network):
    return window_game(network, normal(3, 6, 2, seed=1), normal(8, 6, 2, seed=2), n_segments=3, output_names=["p", "q"])


def images(network, *, fill, players="patches"):
    return image_game(
        network, normal(3, 12, 12, seed=1), players=players, n_players=4, fill=fill, output_names=["p", "q"]
    )


def histories(network):
    return history_game(network, [[1, 2, 3, 4], [5, 6, 7]], output_names=["p", "q"])


KINDS = {
    **{f"columns, {name}": (make, columns) for name, make in VECTORS.items()},
    **{f"series, {name}": (make, windows) for name, make in SERIES.items()},
    "image, blur": (image_network(1), partial(images, fill="blur")),
    "image, mean": (image_network(1), partial(images, fill="mean")),
    **{f"history, {name}": (make, histories) for name, make in HISTORIES.items()},
}
CASES = [
    (name, method)
    for name in KINDS
    for method in METHODS
    if method != "expected_gradients" or not name.startswith("history")
]


@pytest.mark.parametrize(("name", "method"), CASES)
def test_a_network_is_left_as_found(name, method):
    make, game_of = KINDS[name]
    network = tangle(GivesWay(drawn(make, 0)))
    before = state_of(network)
    explain_game(game_of(network), method, random_state=0)
    assert state_of(network) == before


@pytest.mark.parametrize(("name", "method"), CASES)
@pytest.mark.parametrize("n_answers", [0, 2])
def test_a_network_that_raises_is_left_as_found(name, method, n_answers):
    make, game_of = KINDS[name]
    network = tangle(GivesWay(drawn(make, 0)))
    before = state_of(network)
    with pytest.raises(RuntimeError, match="the network broke"):  # histories are asked about once to begin with
        _asked_until_it_breaks(network, game_of, method, n_answers=n_answers)
    assert state_of(network) == before


def _asked_until_it_breaks(network, game_of, method, *, n_answers):
    network.n_left = n_answers
    explain_game(game_of(network), method, random_state=0, **_many(method))


def _many(method):
    """Return enough evaluations for a third call of the network."""
    return {"max_evaluations": 60_000} if method in ("permutation", "regression", "lime", "expected_gradients") else {}


def test_training_mode_does_not_show_in_the_values():
    network = drawn(VECTORS["dropout"], 0)
    calm = explain_game(columns(network), "exact")
    tangled = explain_game(columns(tangle(network)), "exact")
    assert calm.values.tobytes() == tangled.values.tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_memory_that_ends_leaves_everything_as_found_and_the_same_bytes(method):
    network = drawn(VECTORS["residual and batch norm"], 0)
    plain = explain_game(columns(network), method, random_state=0)
    forward, asked = network.forward, []

    def tight(x):
        asked.append(len(x))
        if len(x) > 64:
            raise torch.OutOfMemoryError("too many rows")
        return forward(x)

    network.forward = tight
    before = state_of(tangle(network))
    tightly = explain_game(columns(network), method, random_state=0)
    assert state_of(network) == before
    assert max(asked) > 64
    assert tightly.values.tobytes() == plain.values.tobytes()


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("method", METHODS)
def test_the_callers_gradient_mode_changes_nothing(method, context):
    network = drawn(VECTORS["silu"], 0)
    plain = explain_game(columns(network), method, random_state=0)
    with context():
        before = state_of_process()
        inside = explain_game(columns(network), method, random_state=0)
        assert state_of_process() == before
    assert inside.values.tobytes() == plain.values.tobytes()


# Tables


@pytest.mark.parametrize("method", ["exact", "permutation", "regression", "lime", "occlusion"])
@pytest.mark.parametrize("kind", ["tabm", "own network", "pipeline"])
def test_the_process_is_left_as_found_by_tables(kind, method):
    X, _ = make_credit(30, seed=5)
    before, rows, background = state_of_process(), X[:3].copy(), X[3:].copy()
    explain(fitted(kind), rows, method, background=background, random_state=0)
    assert state_of_process() == before
    pd.testing.assert_frame_equal(rows, X[:3])
    pd.testing.assert_frame_equal(background, X[3:])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["shap", "lime"])
def test_the_process_is_left_as_found_by_the_packages(backend):
    X, _ = make_credit(12, seed=5)
    fitted("pipeline")
    explain(fitted("pipeline"), X[:1], background=X[3:], backend=backend, random_state=0)  # the import changes more
    before, level = state_of_process(), logging.getLogger("shap").level
    explain(fitted("pipeline"), X[:1], background=X[3:], backend=backend, random_state=0)
    assert state_of_process() == before
    assert logging.getLogger("shap").level == level


@pytest.mark.parametrize("method", ["exact", "permutation", "regression", "lime", "occlusion"])
def test_a_function_that_raises_leaves_the_process_as_found(method):
    X, _ = make_credit(30, seed=5)
    calls = []

    def predict(rows):
        calls.append(len(rows))
        if len(calls) > 2:
            raise RuntimeError("the model broke")
        return rows["income"].to_numpy()

    before = state_of_process()
    with pytest.raises(RuntimeError, match="the model broke"):
        explain(predict, X[:3], method, background=X[3:], random_state=0)
    assert state_of_process() == before


@pytest.mark.parametrize("units", ["probability", "log-odds"])
@pytest.mark.parametrize("kind", ["tabm", "own network"])
def test_a_model_of_ours_keeps_the_modes_of_its_parts(kind, units):
    X, _ = make_credit(30, seed=5)
    model = copy.deepcopy(fitted(kind))
    tangle(model.module_)
    before = state_of(model.module_)
    explain(model, X[:3], "permutation", background=X[3:], units=units, random_state=0)
    assert state_of(model.module_) == before


@pytest.mark.parametrize("kind", ["tabm", "own network"])
def test_a_part_of_ours_in_training_mode_does_not_show_in_the_values(kind):
    X, _ = make_credit(30, seed=5)
    model = copy.deepcopy(fitted(kind))
    for part in model.module_.modules():
        part.training = isinstance(part, nn.Dropout)
    calm, tangled = (explain(m, X[:3], "exact", background=X[3:]) for m in (fitted(kind), model))
    assert calm.values.tobytes() == tangled.values.tobytes()
