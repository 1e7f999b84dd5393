"""shap and lime through our door, and ours against them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from appkit.explanation import explain, permutation_shapley
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table, tangled


@pytest.fixture(scope="module")
def awkward():
    """Text, categories, missing values and constants: everything the packages stumble over."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": rng.normal(size=80),
            "gaps": np.where(rng.random(80) < 0.3, np.nan, rng.normal(size=80)),
            "word": rng.choice(["p", "q", None], size=80),
            "level": pd.Categorical(rng.choice(["u", "v"], size=80)),
            "flag": rng.random(80) < 0.5,
            "same": 1.0,
            "same word": "k",
        }
    )


@pytest.fixture(scope="module")
def pipeline(awkward):
    y = awkward["number"] + awkward["gaps"].fillna(1) + (awkward["word"] == "p") + awkward["flag"] > 1
    words = make_column_transformer((OneHotEncoder(), ["word", "level", "same word"]), remainder="passthrough")
    return make_pipeline(words, HistGradientBoostingClassifier(max_iter=10, random_state=0)).fit(awkward, y)


def frame_tangled(rows):
    return tangled(rows.to_numpy())


@pytest.mark.parametrize("units", ["probability", "log-odds"])
def test_exact_values_are_those_of_shap(units):
    model, X = FakeEnsemble(n_outputs=2), make_table(3)
    ours, theirs = (explain(model, X, units=units, backend=backend) for backend in ("appkit", "shap"))
    assert (ours.method, theirs.method) == ("shapley (exact)", "shapley (shap package, exact)")
    np.testing.assert_allclose(ours.values, theirs.values, atol=1e-6)
    np.testing.assert_allclose(ours.base_value, theirs.base_value, atol=1e-6)


def test_permutations_agree_with_those_of_shap_within_the_error():
    X, background = make_numbers(4, n_columns=11), make_numbers(60, n_columns=11, seed=1)
    ours = permutation_shapley(game_of(tangled, X, background), random_state=0, max_evaluations=20_000)
    theirs = explain(frame_tangled, X, background=background, backend="shap", random_state=0, max_evaluations=60_000)
    assert theirs.method == "shapley (shap package, permutation)"
    assert theirs.n_evaluations <= 60_000
    used = ours.standard_error > 0
    assert np.abs((ours.values - theirs.values)[used] / ours.standard_error[used]).max() < 5
    assert np.abs(theirs.values[~used]).max() < 1e-9


def test_shap_explains_text_categories_and_missing_values(awkward, pipeline):
    theirs = explain(pipeline, awkward[:3], background=awkward[:30], backend="shap")
    ours = explain(pipeline, awkward[:3], "exact", background=awkward[:30])
    np.testing.assert_allclose(theirs.values, ours.values, atol=1e-9)
    assert np.isnan(theirs.standard_error).all()
    np.testing.assert_allclose(theirs.residual, theirs.gap)


def test_lime_explains_text_categories_and_missing_values(awkward, pipeline):
    theirs = explain(pipeline, awkward[:3], background=awkward, backend="lime", max_evaluations=500, random_state=0)
    assert theirs.method == "lime (lime package)"
    assert np.isfinite(theirs.values).all()
    assert (theirs.values[:, 5:] == 0).all()  # constant columns
    np.testing.assert_allclose(theirs.output[:, 0], pipeline.predict_proba(awkward[:3])[:, 1])
    np.testing.assert_allclose(theirs.base_value[0, 0], pipeline.predict_proba(awkward)[:, 1].mean())


def test_lime_finds_the_column_that_decides():
    X, background = make_numbers(5, n_columns=4), make_numbers(200, n_columns=4, seed=1)
    theirs = explain(lambda rows: 5 * rows["x2"] + rows["x0"], X, background=background, backend="lime", random_state=0)
    assert (np.abs(theirs.values[..., 0]).argmax(axis=1) == 2).all()


def test_lime_gives_each_output_its_own_weights_and_fit():
    model, X = FakeEnsemble(n_outputs=3), make_table(2)
    together = explain(model, X, backend="lime", max_evaluations=300, random_state=0)
    alone = explain(model, X, backend="lime", max_evaluations=300, random_state=0, outputs=1)
    np.testing.assert_allclose(together.values[..., 1:2], alone.values)
    np.testing.assert_allclose(together.local_fit[:, 1:2], alone.local_fit)
    assert len(np.unique(together.local_fit)) == 6


@pytest.mark.parametrize("backend", ["shap", "lime"])
def test_a_seed_gives_the_same_answer_and_the_global_generator_is_left_as_found(backend):
    X, background = make_numbers(2, n_columns=11), make_numbers(30, n_columns=11, seed=1)
    before = np.random.get_state()[1].copy()  # noqa: NPY002, the global generator is what is tested
    once, again = (
        explain(frame_tangled, X, background=background, backend=backend, random_state=3, max_evaluations=2000)
        for _ in range(2)
    )
    assert once.values.tobytes() == again.values.tobytes()
    assert once.random_state == 3
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002, as above


@pytest.mark.parametrize("backend", ["shap", "lime"])
def test_columns_a_model_of_ours_does_not_use_are_no_players(backend):
    model, X = FakeEnsemble(), make_table(3).assign(note="nobody reads this")
    explanation = explain(model, X, backend=backend, max_evaluations=4000, random_state=0)
    assert explanation.player_names == ("a", "b", "c", "d")


@pytest.mark.parametrize("backend", ["shap", "lime"])
def test_the_packages_keep_quiet(backend, capfd):
    X = make_numbers(2, n_columns=3)
    explain(frame_tangled, X, background=X, backend=backend, random_state=0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("backend", ["shap", "lime"])
def test_the_count_of_evaluations_is_what_the_model_was_asked(backend):
    X, asked = make_numbers(2, n_columns=3), []

    def predict(rows):
        asked.append(len(rows))
        return frame_tangled(rows)

    explanation = explain(predict, X, background=X, backend=backend, random_state=0)
    ends = 1 + 2 + (2 if backend == "lime" else 0)  # probing for the shape, outputs, lime's base value
    assert explanation.n_evaluations == -(-(sum(asked) - ends) // 2)


def test_one_row_and_one_column_pass_through_shap():
    X, background = make_numbers(1, n_columns=1), make_numbers(9, n_columns=1, seed=1)
    explanation = explain(lambda rows: rows["x0"] ** 2, X, background=background, backend="shap")
    np.testing.assert_allclose(explanation.values[:, 0], explanation.output - explanation.base_value)


def test_lime_refuses_one_column():
    X = make_numbers(3, n_columns=1)
    with pytest.raises(ValueError, match="LIME needs two columns at least"):
        explain(lambda rows: rows["x0"], X, background=X, backend="lime")


def test_shap_refuses_a_budget_below_one_pass():
    X = make_numbers(5, n_columns=3)
    with pytest.raises(ValueError, match="at least 35 for shap"):
        explain(frame_tangled, X, background=X, backend="shap", max_evaluations=34)
