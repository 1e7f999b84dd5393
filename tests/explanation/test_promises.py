"""What every explainer promises, over all that can be discovered."""

import dataclasses

import numpy as np
import pytest

from appkit.explanation import EncodedTableGame, explain, explainers
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table, tangled

# those need gradients, see gradients/, or outputs that are sums, see solvers/test_linear.py
ALL = sorted(set(explainers()) - {"expected_gradients", "grad_cam", "linear"})
ADDITIVE = [name for name in ALL if name not in ("lime", "occlusion")]


@pytest.fixture(scope="module")
def X():
    return make_numbers(6, n_columns=5)


@pytest.fixture(scope="module")
def background():
    return make_numbers(30, n_columns=5, seed=1)


def run(name, game, *, seed=0):
    return explainers()[name](game, random_state=seed)


def bytes_of(explanation):
    facts = dataclasses.asdict(explanation)
    del facts["n_evaluations"]  # shared evaluations are shared out over the rows
    return {name: repr(fact.tolist() if isinstance(fact, np.ndarray) else fact) for name, fact in facts.items()}


def test_every_method_is_discovered():
    assert ALL == ["exact", "lime", "occlusion", "permutation", "regression", "shapley"]


@pytest.mark.parametrize("name", ADDITIVE)
@pytest.mark.parametrize("units", ["probability", "log-odds", "value"])
def test_values_sum_to_the_output_less_the_base(name, units):
    model, X = FakeEnsemble(n_outputs=3), make_table(5)
    explanation = run(name, EncodedTableGame(model, X, model.background_, units=units))
    np.testing.assert_allclose(
        explanation.values.sum(axis=1), explanation.output - explanation.base_value, rtol=1e-5, atol=1e-12
    )
    assert np.abs(explanation.gap).max() < 1e-12


@pytest.mark.parametrize("name", ALL)
def test_the_ends_are_the_model_and_its_mean_over_the_background(name, X, background):
    explanation = run(name, game_of(tangled, X, background))
    np.testing.assert_allclose(explanation.output[:, 0], tangled(X.to_numpy()))
    np.testing.assert_allclose(explanation.base_value[:, 0], tangled(background.to_numpy()).mean())


@pytest.mark.parametrize("name", ADDITIVE)
def test_a_player_nobody_asks_gets_exactly_nothing(name):
    model, X = FakeEnsemble(), make_table(8)
    explanation = run(name, EncodedTableGame(model, X, model.background_, units="probability"))
    assert (explanation.values[:, 3] == 0).all()
    assert (explanation.standard_error[:, 3] == 0).all()
    assert (explanation.values[:, :3] != 0).all()


@pytest.mark.parametrize("name", ADDITIVE)
def test_players_in_the_same_place_get_the_same(name, background):
    X = make_numbers(3, n_columns=5)
    X["x1"], background = X["x0"], background.assign(x1=background["x0"])
    explanation = run(name, game_of(lambda x: np.tanh(x[:, 0] + x[:, 1]) * x[:, 2], X, background))
    np.testing.assert_allclose(
        explanation.values[:, 0], explanation.values[:, 1], atol=1e-9 + 4 * explanation.standard_error.max()
    )


@pytest.mark.parametrize("name", ALL)
def test_a_seed_gives_the_same_bytes_again(name, X, background):
    once, again = (run(name, game_of(tangled, X, background), seed=5) for _ in range(2))
    assert bytes_of(once) == bytes_of(again)


@pytest.mark.parametrize("name", ["permutation", "lime"])
def test_the_recorded_seed_gives_the_same_bytes_again(name, X, background):
    once = run(name, game_of(tangled, X, background), seed=None)
    again = run(name, game_of(tangled, X, background), seed=once.random_state)
    assert bytes_of(once) == bytes_of(again)


@pytest.mark.parametrize("name", ["permutation", "lime"])
def test_another_seed_gives_another_answer(name, X, background):
    once, other = (run(name, game_of(tangled, X, background), seed=seed) for seed in (0, 1))
    assert (once.values != other.values).any()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("batch_size", [64, 512, 4096])
def test_the_batch_size_does_not_show_in_the_bytes(name, batch_size):
    model, X = FakeEnsemble(), make_table(7)
    games = [
        EncodedTableGame(model, X, model.background_, units="probability", batch_size=n) for n in (1024, batch_size)
    ]
    assert bytes_of(run(name, games[0])) == bytes_of(run(name, games[1]))


@pytest.mark.parametrize("name", ALL)
def test_running_out_of_memory_does_not_show_in_the_bytes(name):
    X = make_table(7)
    models = FakeEnsemble(), FakeEnsemble(memory=300)
    games = [EncodedTableGame(model, X, model.background_, units="probability") for model in models]
    assert bytes_of(run(name, games[0])) == bytes_of(run(name, games[1]))


@pytest.mark.parametrize("name", ALL)
def test_a_row_alone_is_explained_as_among_others(name):
    model, X = FakeEnsemble(), make_table(9)
    among = run(name, EncodedTableGame(model, X, model.background_, units="probability"))
    alone = run(name, EncodedTableGame(model, X[4:5], model.background_, units="probability"))
    assert alone.values[0].tobytes() == among.values[4].tobytes()
    assert alone.standard_error[0].tobytes() == among.standard_error[4].tobytes()


@pytest.mark.parametrize("name", ALL)
def test_the_global_generator_is_left_as_found(name, X, background):
    before = np.random.get_state()[1].copy()  # noqa: NPY002, the global generator is what is tested
    explain(tangled_frame, X, name, background=background)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002, as above


@pytest.mark.parametrize("name", ALL)
def test_inputs_are_left_as_found(name, X, background):
    before = X.copy(), background.copy()
    explain(tangled_frame, X, name, background=background, random_state=0)
    assert X.equals(before[0])
    assert background.equals(before[1])


@pytest.mark.parametrize("name", ALL)
def test_the_importance_of_a_player_is_its_mean_absolute_value(name, X, background):
    explanation = run(name, game_of(tangled, X, background))
    np.testing.assert_allclose(explanation.global_importance, np.abs(explanation.values).mean(axis=0))
    assert explanation.global_standard_error.shape == explanation.global_importance.shape


@pytest.mark.parametrize("name", ADDITIVE)
def test_one_column_takes_the_whole_difference(name):
    X, background = make_numbers(3, n_columns=1), make_numbers(25, n_columns=1, seed=1)
    explanation = run(name, game_of(lambda x: x[:, 0] ** 2, X, background))
    np.testing.assert_allclose(explanation.values[:, 0], explanation.output - explanation.base_value)


@pytest.mark.parametrize("name", ALL)
def test_each_output_is_explained_as_if_alone(name):
    model, X = FakeEnsemble(n_outputs=3), make_table(4)
    together = explain(model, X, name, random_state=0, max_evaluations=2048)
    alone = explain(model, X, name, random_state=0, max_evaluations=2048, outputs="grade 1")
    assert alone.output_names == ("grade 1",)
    np.testing.assert_allclose(together.values[..., 1:2], alone.values, atol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_progress_is_silent_unless_asked(name, X, background, capsys):
    run(name, game_of(tangled, X, background))
    assert capsys.readouterr() == ("", "")


def tangled_frame(rows):
    return tangled(rows.to_numpy())
