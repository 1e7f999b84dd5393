"""One seed, one answer to the last bit: whatever the batches, the order of the rows and the company they come in."""

import numpy as np
import pytest
import torch

from appkit.explanation import TensorGame, explain, explain_game
from tests.explanation.guarantees.catalogue import METHODS, PROBLEMS, cases
from tests.explanation.guarantees.networks import VECTORS, drawn
from tests.explanation.guarantees.problem import explained
from tests.explanation.guarantees.set_functions import SetFunctionGame, random_tables
from tests.explanation.guarantees.tables import fitted, make_credit
from tests.explanation.guarantees.tensors import normal

OF_ROWS = ("values", "standard_error", "base_value", "output", "residual", "local_fit")
SHUFFLED = [3, 0, 4, 2, 1]

ALL = list(cases([name for name in METHODS if name != "shapley"]))  # shapley is exact here, by test_exactness


def bytes_of(explanation, *, rows=None):
    """Return the bytes of what is said of each of ``rows``, players a row does not have left out."""
    spent = explanation.row_evaluations if "permutation" in explanation.method else None
    said = []
    for row in range(len(explanation.values)) if rows is None else rows:
        own = [getattr(explanation, name)[row] for name in OF_ROWS]
        has = ~np.isnan(own[0]).all(axis=1)
        said.append([part[has].tobytes() if part.ndim == 2 else part.tobytes() for part in own])
        said[-1].append(None if spent is None else spent[row])
    return said


@pytest.mark.parametrize(("name", "method"), ALL)
def test_neither_batches_nor_order_nor_company_show(name, method):
    problem = PROBLEMS[name](0)
    plain = explained(problem, method)
    assert bytes_of(explained(problem, method, batch_size=64)) == bytes_of(plain)
    shuffled = explained(problem, method, rows=SHUFFLED, batch_size=256)
    assert bytes_of(shuffled) == bytes_of(plain, rows=SHUFFLED)
    assert bytes_of(explained(problem, method, rows=[2], batch_size=1024)) == bytes_of(plain, rows=[2])


@pytest.mark.parametrize(
    "name", ["columns, residual and layer norm", "series, gru", "history, attention", "table, pipeline, probability"]
)
def test_rows_that_stop_at_a_target_stop_alike_everywhere(name):
    problem = PROBLEMS[name](1)
    limits = {"target_error": 0.1}
    plain = explained(problem, "permutation", **limits)
    assert bytes_of(explained(problem, "permutation", batch_size=64, **limits)) == bytes_of(plain)
    shuffled = explained(problem, "permutation", rows=SHUFFLED, batch_size=1024, **limits)
    assert bytes_of(shuffled) == bytes_of(plain, rows=SHUFFLED)
    assert bytes_of(explained(problem, "permutation", rows=[4], **limits)) == bytes_of(plain, rows=[4])


@pytest.mark.parametrize("method", ["exact", "permutation", "regression", "lime", "occlusion"])
@pytest.mark.parametrize("n_members", [1, 3])
def test_set_functions_are_explained_alike_in_batches_of_any_size(method, n_members):
    said = random_tables(40, 20, n_members, n_players=5, seed=0)
    small, large = (explain_game(SetFunctionGame(said, batch_size=n), method, random_state=4) for n in (64, 1024))
    assert bytes_of(small) == bytes_of(large)
    assert small.global_importance.tobytes() == large.global_importance.tobytes()
    assert small.global_standard_error.tobytes() == large.global_standard_error.tobytes()


@pytest.mark.parametrize("method", ["permutation", "regression", "lime"])
def test_blocks_of_rows_do_not_show(method):
    """So many rows that solvers take them block by block, against the same rows a few at a time."""
    network, rows = drawn(VECTORS["layer norm"], 0), torch.as_tensor(normal(600, 5, seed=1))
    fills = torch.as_tensor(normal(40, 5, seed=2))

    def explanation(some):
        game = TensorGame(
            network, some, fills, players=torch.arange(5), player_names="abcde", output_names=["one", "two"]
        )
        return explain_game(game, method, random_state=0, max_evaluations=2500)

    everyone = explanation(rows)
    assert bytes_of(explanation(rows[590:])) == bytes_of(everyone, rows=range(590, 600))


def test_low_precision_is_at_work_where_it_is_tested():
    for name in ("columns in bfloat16, residual and batch norm", "columns in bfloat16, attention"):
        assert PROBLEMS[name](0).game(range(5), None).precision == "bfloat16"


def test_company_does_not_decide_the_precision_where_rows_have_fills_of_their_own():
    network, rows = drawn(VECTORS["residual and batch norm"], 0), torch.as_tensor(normal(40, 5, seed=1))

    def explanation(some):
        game = TensorGame(
            network, some, some.flip(1), players=torch.arange(5), player_names="abcde", output_names=["one", "two"],
            fills_per_row=True, precision="bfloat16",
        )  # fmt: skip
        return explain_game(game, "permutation", random_state=0, max_evaluations=400)

    assert bytes_of(explanation(rows[39:])) == bytes_of(explanation(rows), rows=[39])


def test_the_number_of_threads_does_not_show():
    X, _ = make_credit(40, seed=5)
    before = torch.get_num_threads()
    told = []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            told.append(explain(fitted("tabm"), X[:5], "permutation", background=X[5:], random_state=0))
    finally:
        torch.set_num_threads(before)
    assert bytes_of(told[0]) == bytes_of(told[1])


@pytest.mark.parametrize("method", ["permutation", "regression", "lime"])
def test_another_seed_tells_another_story(method):
    problem = PROBLEMS["columns, attention"](0)
    assert bytes_of(explained(problem, method, seed=1)) != bytes_of(explained(problem, method, seed=2))
