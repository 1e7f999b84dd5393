"""The one door: which method runs, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.explanation import explain
from tests.explanation.fakes import make_numbers, tangled


def frame_wide(rows):
    return rows.to_numpy().sum(axis=1)


def frame_tangled(rows):
    return tangled(rows.to_numpy())


@pytest.mark.parametrize(
    ("n_columns", "n_references", "budget", "method"),
    [
        (4, 50, None, "shapley (exact)"),
        (8, 100, None, "shapley (exact)"),
        (8, 200, None, "shapley (permutation)"),
        (13, 2, None, "shapley (exact)"),
        (15, 2, None, "shapley (permutation)"),
        (4, 50, 700, "shapley (exact)"),
        (4, 50, 699, "shapley (permutation)"),
    ],
)
def test_auto_enumerates_what_is_affordable_and_says_which_method_ran(n_columns, n_references, budget, method):
    X, background = make_numbers(1, n_columns=n_columns), make_numbers(n_references, n_columns=n_columns, seed=1)
    explanation = explain(frame_tangled, X, background=background, random_state=0, max_evaluations=budget)
    assert explanation.method == method


def test_a_method_can_be_insisted_on():
    X = make_numbers(2, n_columns=3)
    for method, ran in (("permutation", "shapley (permutation)"), ("exact", "shapley (exact)"), ("lime", "lime")):
        assert explain(frame_tangled, X, method, background=X, random_state=0).method == ran


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "method must be one of .* got 'magic'"),
        ({"backend": "captum"}, "backend must be one of .* got 'captum'"),
        ({"units": "euros"}, "units must be one of .* got 'euros'"),
        ({"outputs": "loss"}, "outputs must be names among .* got 'loss'"),
        ({"random_state": "x"}, "random_state must be None, an integer"),
        ({"random_state": -1}, "random_state must be None, an integer"),
        ({"backend": "shap", "method": "lime"}, "backend='shap' answers method='shapley', got 'lime'"),
        ({"backend": "lime", "method": "exact"}, "backend='lime' answers method='lime', got 'exact'"),
        ({"backend": "shap", "players": {"x": ["x0", "x1"]}}, "backend='shap' knows no players"),
        ({"method": "lime", "target_error": 0.1}, "method='lime' knows no target_error"),
        ({"method": "exact", "max_seconds": 1.0}, "method='exact' knows no max_seconds"),
        ({"method": "tree", "units": "value"}, "method='tree' knows no units"),
        ({"correlated": "observational"}, "correlated must be one of"),
        ({"backend": "shap", "correlated": "conditional"}, "backend='shap' knows no correlated"),
        ({"max_evaluations": 3}, "max_evaluations must be at least 81"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    X = make_numbers(10, n_columns=3)
    with pytest.raises(ValueError, match=message):
        explain(frame_tangled, X, background=X, **{"method": "permutation" if len(options) == 1 else "auto"} | options)


def test_any_numpy_generator_is_a_random_state():
    X = make_numbers(3, n_columns=3)
    for make in (np.random.default_rng, np.random.RandomState):
        once, again = (explain(frame_tangled, X, "permutation", background=X, random_state=make(4)) for _ in range(2))
        assert once.random_state == again.random_state
        assert once.values.tobytes() == again.values.tobytes()


@pytest.mark.filterwarnings("ignore:No background given")
def test_the_recorded_seed_reproduces_the_sampled_background_too():
    X = make_numbers(300, n_columns=3)
    once = explain(frame_tangled, X, "permutation", random_state=np.random.default_rng(1))
    again = explain(frame_tangled, X, "permutation", random_state=once.random_state)
    assert once.values.tobytes() == again.values.tobytes()


def test_progress_is_shown_when_asked(capsys):
    X = make_numbers(3, n_columns=3)
    explain(frame_tangled, X, "permutation", background=X, progress=True)
    assert "Explaining" in capsys.readouterr().out


def test_the_note_says_which_solver_was_picked_and_why():
    X = make_numbers(3, n_columns=2)
    picked = explain(frame_wide, X, background=X, random_state=0)
    assert picked.note.startswith("Exact values, for 2 players on 3 background rows take 6 evaluations a row.")
    background = make_numbers(30, n_columns=2, seed=1)
    chosen = explain(frame_wide, X, "permutation", background=background, max_evaluations=100, random_state=0)
    assert chosen.note == ""


def test_limits_reach_the_permutations():
    numbers, background = make_numbers(4, n_columns=13), make_numbers(200, n_columns=13, seed=1)
    found = explain(frame_tangled, numbers, background=background, target_error=0.3, random_state=0)
    assert found.method == "shapley (permutation)"
    assert found.note.startswith("Permutations: exact values of 13 players on 200 background rows would take 1.6e+06")
    assert found.row_evaluations.max() < 5_000


def test_a_budget_that_covers_the_background_well_is_spent_on_regression():
    numbers, background = make_numbers(2, n_columns=13), make_numbers(20, n_columns=13, seed=1)
    found = explain(frame_tangled, numbers, background=background, max_evaluations=3_000, random_state=0)
    assert found.method == "shapley (regression)"
    assert found.note == "Regression, for 3000 evaluations cover 13 players on 20 background rows well."


def test_the_conditional_game_shares_the_effect_with_a_copy():
    rng = np.random.default_rng(0)
    read = rng.normal(size=300)
    table = pd.DataFrame({"read": read, "copy": read + 0.05 * rng.normal(size=300)})
    alone = explain(lambda rows: rows["read"], table[:20], background=table, random_state=0)
    shared = explain(lambda rows: rows["read"], table[:20], background=table, correlated="conditional", random_state=0)
    assert alone.global_importance[1, 0] == 0
    assert shared.global_importance[1, 0] > 0.3 * alone.global_importance[0, 0]
    assert "conditional" in shared.method
    assert (alone.correlated, shared.correlated) == ("interventional", "conditional")


def test_trees_are_explained_by_their_own_contributions():
    xgboost = pytest.importorskip("xgboost")
    numbers = make_numbers(60, n_columns=3)
    model = xgboost.XGBRegressor(n_estimators=5, max_depth=2).fit(numbers, numbers["x0"])
    found = explain(model, numbers, "tree")
    assert found.method == "shapley (tree, path-dependent)"
    assert found.correlated == "path-dependent"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"target_error": -1}, "target_error must be a positive number"),
        ({"target_error": "0.1"}, "target_error must be a positive number"),
        ({"max_seconds": 0}, "max_seconds must be a positive number"),
        ({"max_evaluations": "1000"}, "max_evaluations must be a positive number"),
        ({"max_evaluations": True}, "max_evaluations must be a positive number"),
        ({"max_evaluations": 10.5}, "max_evaluations must be a whole number"),
    ],
)
def test_limits_are_checked_whatever_method_runs(limits, message):
    X = make_numbers(2, n_columns=2)
    with pytest.raises(ValueError, match=message):
        explain(frame_wide, X, background=X, **limits)


def test_a_whole_float_is_a_budget():
    X, background = make_numbers(2, n_columns=5), make_numbers(50, n_columns=5, seed=1)
    found = explain(frame_wide, X, "permutation", background=background, max_evaluations=1e3, random_state=0)
    assert found.row_evaluations.max() <= 1000


def test_a_clock_rules_enumeration_out():
    X, background = make_numbers(2, n_columns=4), make_numbers(50, n_columns=4, seed=1)
    assert explain(frame_tangled, X, background=background, max_seconds=0.2, random_state=0).method == (
        "shapley (permutation)"
    )


def test_a_torch_module_is_shown_the_other_doors():
    X = make_numbers(2, n_columns=2)
    with pytest.raises(TypeError, match="takes tensors, not tables: use TensorGame"):
        explain(torch.nn.Linear(2, 1), X, background=X)


def test_a_column_twice_in_the_background_is_named():
    X = make_numbers(2, n_columns=2)
    with pytest.raises(ValueError, match="appears more than once in background"):
        explain(frame_wide, X, background=pd.concat([X, X], axis=1))
