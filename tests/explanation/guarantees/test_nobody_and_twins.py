"""A player that is not used gets exactly 0; players that do the same get the same."""

import copy
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
import xgboost

from appkit.explanation import explain, explain_game
from appkit.model import TabularClassifier
from tests.explanation.guarantees import networks, tables, tensors
from tests.explanation.guarantees.catalogue import cases
from tests.explanation.guarantees.networks import N_COLUMNS, N_SENSORS, N_TIMES, SERIES, VECTORS, Alike, Blind, ItemBag
from tests.explanation.guarantees.problem import explained
from tests.explanation.guarantees.set_functions import SetFunctionGame, random_tables

SHARING = ["exact", "permutation", "regression", "shapley", "occlusion", "expected_gradients"]


def blind_to(sight, network):
    return Blind(network, sight)


COLUMNS_SEEN = torch.tensor([1, 1, 1, 0, 1])  # not the fourth
SENSORS_SEEN = torch.tensor([1.0, 0.0])  # not the second
PIXELS_SEEN = torch.ones(12, 12)
PIXELS_SEEN[6:, :6] = 0.0  # not the third quarter

UNUSED = {
    **{
        f"columns, {name}": (partial(tensors.vectors, make, change=partial(blind_to, COLUMNS_SEEN.float())), [3])
        for name, make in VECTORS.items()
    },
    "columns in bfloat16, attention": (
        partial(
            tensors.vectors,
            VECTORS["attention"],
            change=partial(blind_to, COLUMNS_SEEN.float()),
            precision="bfloat16",
        ),
        [3],
    ),
    "codes": (partial(tensors.codes, networks.CODES["embedding"], change=partial(blind_to, COLUMNS_SEEN)), [3]),
    **{
        f"series, {name}": (partial(tensors.series, make, change=partial(blind_to, SENSORS_SEEN)), [3, 4, 5])
        for name, make in SERIES.items()
    },
    **{
        f"image, {fill}": (
            partial(tensors.images, networks.image_network(1), fill=fill, change=partial(blind_to, PIXELS_SEEN)),
            [2],
        )
        for fill in ("blur", "mean", "background")
    },
}


@pytest.mark.parametrize(("name", "method"), cases(SHARING, UNUSED))
def test_what_a_network_does_not_see_gets_exactly_nothing(name, method):
    make, unused = UNUSED[name]
    explanation = explained(make(0), method)
    used = [i for i in range(explanation.values.shape[1]) if i not in unused]
    assert (explanation.values[:, unused] == 0).all()
    assert (explanation.standard_error[:, unused] == 0).all()
    assert (explanation.values[:, used] != 0).all()


@pytest.mark.parametrize("method", ["exact", "permutation", "regression", "occlusion"])
def test_items_a_recommender_does_not_read_get_exactly_nothing(method):
    explanation = explained(tensors.histories(ItemBag, 0), method)
    items = explanation.data
    is_read = np.array([[item is not None and item % 2 == 1 for item in row] for row in items])
    is_unread = np.array([[item is not None and item % 2 == 0 for item in row] for row in items])
    assert is_unread.any()
    assert (explanation.values[is_unread] == 0).all()
    assert (explanation.values[is_read] != 0).all()


def _without_owner(kind):
    """Return a fitted model that does not look at the column "owner"."""
    X, y = tables.make_credit(300)
    X = tables.rows_for(kind, X)
    if kind == "xgboost":
        constant = X.assign(owner=True)
        return xgboost.XGBClassifier(n_estimators=15, enable_categorical=True, n_jobs=1).fit(constant, y == "good")
    if kind == "pipeline":
        return tables.pipeline().set_params(columns__flags="drop").fit(X, y)
    short = {"n_networks": 3, "max_epochs": 3, "random_state": 0, "device": "cpu"}
    if kind == "own network":
        return TabularClassifier(network=_factory, **short).fit(X, y)
    model = copy.deepcopy(tables.fitted("tabm"))
    for network in model.module_.networks:
        network.columns.weight.data[model.player_columns_.index("owner")] = 0.0
    return model


def _factory(layout, n_outputs):
    sight = torch.as_tensor(layout.column_of != layout.columns.index("owner"), dtype=torch.float32)
    return Blind(tables.attentive(layout, n_outputs), sight)


@pytest.mark.parametrize(
    ("kind", "method", "units"),
    [
        (kind, method, units)
        for kind in tables.CLASSIFIERS
        for method in ("exact", "permutation", "regression", "occlusion")
        for units in ("probability", "log-odds")
    ],
)
def test_a_column_a_table_model_does_not_use_gets_exactly_nothing(kind, method, units):
    X = tables.rows_for(kind, tables.make_credit(30, seed=3)[0])
    explanation = explain(_without_owner(kind), X[:5], method, background=X[5:], units=units, random_state=0)
    assert (explanation.values[:, 4] == 0).all()
    assert (explanation.standard_error[:, 4] == 0).all()
    assert (np.abs(explanation.values[:, :4]).max(axis=0) > 0).all()


@pytest.mark.parametrize("method", ["exact", "permutation", "regression"])
@pytest.mark.parametrize("n_members", [1, 3])
def test_a_player_that_never_changes_a_random_set_function_gets_exactly_nothing(method, n_members):
    said = random_tables(4, 12, n_members, n_players=5, seed=0)
    with_idle = np.concatenate([said, said], axis=-1)  # the sixth player doubles every coalition
    with_idle[..., 32] = with_idle[..., 0]
    explanation = explain_game(SetFunctionGame(with_idle), method, random_state=0)
    assert (explanation.values[:, 5] == 0).all()
    assert (explanation.values[:, :5] != 0).all()


FIRST, SECOND = torch.tensor([0]), torch.tensor([1])
LEFT_SENSOR, RIGHT_SENSOR = torch.arange(0, N_TIMES * N_SENSORS, 2), torch.arange(1, N_TIMES * N_SENSORS, 2)


def alike(first, second, network):
    return Alike(network, first, second)


def assert_twins(values, pairs):
    for one, other in pairs:
        np.testing.assert_allclose(values[:, one], values[:, other], rtol=1e-9, atol=1e-12)
    assert np.ptp(values, axis=1).min() > 1e-4  # the others differ


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", VECTORS)
def test_columns_a_network_treats_alike_get_the_same(name, seed):
    problem = tensors.vectors(VECTORS[name], seed, change=partial(alike, FIRST, SECOND), alike=[0, 1])
    assert_twins(explained(problem, "exact").values, [(0, 1)])
    all_coalitions = {"max_evaluations": 2**N_COLUMNS * 6 + 4}
    assert_twins(explained(problem, "regression", **all_coalitions).values, [(0, 1)])


@pytest.mark.parametrize("name", SERIES)
def test_sensors_a_network_treats_alike_get_the_same_at_every_time(name):
    problem = tensors.series(SERIES[name], 0, change=partial(alike, LEFT_SENSOR, RIGHT_SENSOR), alike=[0, 1])
    assert_twins(explained(problem, "exact").values, [(0, 3), (1, 4), (2, 5)])


def test_columns_a_boosted_tree_treats_alike_get_the_same():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd"))
    X["b"] = X["a"]
    model = xgboost.XGBRegressor(n_estimators=20, n_jobs=1).fit(X.assign(a=X["a"] + X["b"], b=0.0), X["a"] * X["c"])
    explanation = explain(
        lambda rows: model.predict(rows.assign(a=rows["a"] + rows["b"], b=0.0)), X[:5], "exact", background=X[150:]
    )
    assert_twins(explanation.values, [(0, 1)])


@pytest.mark.parametrize("n_members", [1, 3])
def test_players_a_random_set_function_treats_alike_get_the_same(n_members):
    said = random_tables(4, 6, n_members, n_players=5, seed=1)
    code = np.arange(32)
    swapped = (code & ~3) | ((code & 1) << 1) | ((code >> 1) & 1)  # the first two change places
    explanation = explain_game(SetFunctionGame((said + said[..., swapped]) / 2), "exact")
    assert_twins(explanation.values, [(0, 1)])
