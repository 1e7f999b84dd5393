"""The smallest change that turns a decision: never an immutable cell, never an unseen value, never a promise unkept."""

import itertools

import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from appkit.exceptions import DataWarning
from appkit.explanation.counterfactuals import counterfactuals
from appkit.explanation.counterfactuals.search import _rank_within
from appkit.explanation.ranked_columns import mid_ranks
from appkit.model import Costs, TabularClassifier
from tests.explanation.fakes import FakeEnsemble, make_numbers, make_table


def make_grid(n_rows=200, *, seed=0, n_levels=5, columns="abcd"):
    """Return rows that fill a small grid, so that nothing on it is implausible."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: rng.integers(n_levels, size=n_rows) for name in columns})


def event_of(score):
    """Return a classifier that says "yes" where ``score`` of a frame is positive."""

    class Scored:
        classes_ = np.array(["no", "yes"])

        def predict_proba(self, X):
            p = 1 / (1 + np.exp(-np.asarray(score(X), dtype=np.float64)))
            return np.column_stack([1 - p, p])

    return Scored()


@pytest.fixture(scope="module")
def pipeline():
    X = make_table(150)
    encode = make_column_transformer((OneHotEncoder(), ["b"]), remainder="passthrough")
    y = np.where(X["a"] + X["c"] + (X["b"] == "x") > 0.3, "bad", "good")
    return make_pipeline(encode, LogisticRegression()).fit(X, y), X


# the smallest change


def test_a_linear_model_is_turned_by_the_smallest_step_of_its_strongest_column():
    background = make_numbers(400, n_columns=2)
    background["x0"] = np.arange(400) / 100
    row = background.iloc[[200]]
    target = 3 * 2.0 + row["x1"].item() + 0.1
    found = counterfactuals(
        lambda rows: 3 * rows["x0"] + rows["x1"], row, desired=(target, None), background=background
    )
    assert found.rows[["column", "from", "to"]].to_numpy().tolist() == [["x0", 2.0, 2.04]]
    assert found.rows["change"].item() == pytest.approx(4 / 400)
    assert found.before[0, 0] == pytest.approx(target - 0.1)
    assert found.after[0, 0, 0] == pytest.approx(target + 0.02)


def tangled_score(X):
    return X["a"] * X["b"] - 2 * X["c"] * (X["a"] > 2) + 0.5 * X["d"] - 3


def smallest_by_brute_force(row, background, *, wants_event, limit):
    """Return the number of columns and the cost of the smallest plausible change of one or two columns."""
    ranks = {name: pd.Series(mid_ranks(np.arange(5.0), background[name].to_numpy(float))) for name in row.index}
    seen = np.column_stack([ranks[name][background[name]] for name in row.index])
    for size in (1, 2):
        costs = []
        for columns in map(list, itertools.combinations(row.index, size)):
            for values in itertools.product(*(background[name].unique() for name in columns)):
                changed = row.copy()
                changed[columns] = values
                place = [ranks[name][changed[name]] for name in row.index]
                is_near = np.sqrt(((seen - place) ** 2).mean(axis=1)).min() <= limit + 2e-4  # ranks are kept to 1/4096
                if (changed != row)[columns].all() and (tangled_score(changed) > 0) == wants_event and is_near:
                    costs.append(sum(abs(ranks[name][changed[name]] - ranks[name][row[name]]) for name in columns))
        if costs:
            return size, pytest.approx(min(costs))
    return None


@pytest.mark.parametrize("n_background", [16, 200])
def test_up_to_two_changes_on_a_small_grid_equal_brute_force(n_background):
    background, X = make_grid(n_background), make_grid(16, seed=1)
    found = counterfactuals(event_of(tangled_score), X, background=background, max_changes=2)
    for i in range(len(X)):
        own = found.changes(i)
        answer = (len(own), own["change"].abs().sum()) if found.found[i] else None
        limits = {"wants_event": tangled_score(X.iloc[i]) <= 0, "limit": found.distance_limit[i]}
        assert answer == smallest_by_brute_force(X.iloc[i], background, **limits)


def test_each_change_is_drawn_back_to_the_least_value_that_does():
    background = make_numbers(600, n_columns=4)
    row = pd.DataFrame({"x0": [-0.5], "x1": [-0.4], "x2": [0.0], "x3": [0.0]})
    found = counterfactuals(lambda X: X[["x0", "x1"]].min(axis=1), row, desired=(0.5, None), background=background)
    least = {name: background[name][background[name] >= 0.5].min() for name in ("x0", "x1")}
    assert found.rows.set_index("column")["to"].to_dict() == least


def test_three_changes_are_found_where_two_do_not_suffice():
    background = make_grid(500, n_levels=3)
    row = pd.DataFrame({"a": [0], "b": [0], "c": [0], "d": [1]})
    found = counterfactuals(lambda X: X[["a", "b", "c"]].min(axis=1), row, desired=(1, None), background=background)
    assert found.rows["column"].tolist() == ["a", "b", "c"]
    assert found.rows["to"].tolist() == [1, 1, 1]


def test_alternatives_change_other_columns_the_smallest_first():
    background = make_grid(400)
    row = pd.DataFrame({"a": [0], "b": [0], "c": [0], "d": [0]})
    model = event_of(lambda X: 2 * X["a"] + X["b"] + X["c"] - 4.5)
    found = counterfactuals(model, row, background=background, n_alternatives=3)
    ways = [tuple(lines["column"]) for _, lines in found.rows.groupby("alternative")]
    assert ways == [("a",), ("b", "c")]
    assert np.isnan(found.after[0, 2]).all()
    assert "There is no alternative 2." in found.describe(0, alternative=2)


# what may change


@pytest.mark.parametrize("seed", range(4))
def test_immutable_columns_never_change(pipeline, seed):
    model, background = pipeline
    X = make_table(30, seed=seed + 50)
    found = counterfactuals(model, X, fixed=["b", "d"], background=background)
    assert found.found.mean() > 0.5
    assert set(found.rows["column"]) <= {"a", "c"}
    same = X.iloc[found.changed.index.get_level_values("row")][["b", "d"]]
    assert (found.changed[["b", "d"]].to_numpy() == same.to_numpy()).all()


def test_only_changeable_columns_change(pipeline):
    model, background = pipeline
    found = counterfactuals(model, background[:30], changeable=["b"], background=background)
    assert found.changeable == ("b",)
    assert set(found.rows["column"]) == {"b"}


def test_directions_are_respected(pipeline):
    model, background = pipeline
    ways = {"a": "up", "c": "down"}
    found = counterfactuals(model, background[:40], directions=ways, background=background, n_alternatives=2)
    for name, sign in (("a", 1), ("c", -1)):
        moves = found.rows[found.rows["column"] == name]
        assert len(moves) > 3
        assert (sign * (moves["to"] - moves["from"]) > 0).all()
        assert (sign * moves["change"] > 0).all()


def test_new_values_are_values_seen_in_their_own_type():
    X = make_table(120)
    X = X.assign(n=np.arange(120) % 7, b=X["b"].astype("category"))
    y = (X["a"] + X["n"] + 2 * (X["b"] == "x") > 4).astype(int)
    model = xgboost.XGBClassifier(n_estimators=10, max_depth=3, enable_categorical=True, n_jobs=1).fit(X, y)
    found = counterfactuals(model, X[:30], background=X, n_alternatives=2)
    assert (found.changed.dtypes == X.dtypes).all()
    for name, lines in found.rows.groupby("column"):
        assert set(lines["to"]) <= set(X[name])


def test_missing_cells_stay_missing_and_none_becomes_missing():
    background = make_numbers(200, n_columns=2)
    background.loc[::3, "x0"] = np.nan
    model = event_of(lambda X: X["x0"].fillna(9.0) + X["x1"] - 1)
    found = counterfactuals(model, background[:40], background=background)
    assert not found.rows[["from", "to"]].isna().any(axis=None)
    holes = found.changed["x0"].isna().to_numpy()
    assert (holes == background["x0"].isna().to_numpy()[found.changed.index.get_level_values("row")]).all()


def test_special_codes_are_neither_left_nor_entered():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(5, 1, 200).round(2), "z": rng.normal(size=200)})
    X.loc[::4, "x"] = -9.0
    y = np.where((X["x"] > 5) | (X["z"] > 1), "yes", "no")
    options = {"width": 16, "n_networks": 1, "max_epochs": 12, "random_state": 0, "special_codes": {"x": (-9,)}}
    found = counterfactuals(TabularClassifier(**options).fit(X, y), X[:40])
    moves = found.rows[found.rows["column"] == "x"]
    assert len(moves) > 3
    assert -9.0 not in set(moves["from"]) | set(moves["to"])


def test_monotone_columns_move_only_the_way_that_helps():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"debt": rng.random(200), "income": rng.random(200)})
    y = np.where(X["debt"] - X["income"] + rng.normal(0, 0.2, 200) > 0, "bad", "good")
    model = TabularClassifier(width=16, n_networks=1, max_epochs=20, monotone={"debt": -1}, random_state=0)
    found = counterfactuals(model.fit(X, y), X[:30], background=X)
    wants_good = found.decision_before[found.rows["row"]] == "bad"
    debt = (found.rows["column"] == "debt").to_numpy()
    assert debt.sum() > 3
    assert ((found.rows["change"] < 0).to_numpy() == wants_good)[debt].all()


# what counts as the decision


def test_every_answer_is_what_the_model_itself_decides(pipeline):
    model, background = pipeline
    X = make_table(40, seed=3)
    found = counterfactuals(model, X, background=background)
    rows = found.changed.index.get_level_values("row")
    assert found.found.all()
    assert (model.predict(found.changed) != model.predict(X)[rows]).all()
    np.testing.assert_allclose(found.after[rows, 0, 0], model.predict_proba(found.changed)[:, 1])
    np.testing.assert_allclose(found.before[:, 0], model.predict_proba(X)[:, 1])
    assert found.output_names == ("good",)


def test_a_model_of_ours_is_turned_at_its_own_threshold():
    X = make_table(240)
    y = np.where(X["a"] + (X["b"] == "x") > 0.5, "bad", "good")
    options = {"width": 16, "n_networks": 1, "max_epochs": 20, "random_state": 0}
    model = TabularClassifier(**options, costs=Costs(missed_event=5, false_alarm=1)).fit(X, y)
    found = counterfactuals(model, X[:20], fixed=["d"])
    rows = found.changed.index.get_level_values("row")
    assert found.found.mean() > 0.8
    assert (model.predict(found.changed) != model.predict(X[:20])[rows]).all()
    np.testing.assert_allclose(found.after[rows, 0, 0], model.predict_proba(found.changed)[:, 1], rtol=1e-6)
    alone = counterfactuals(model, X[7:8], fixed=["d"])
    assert alone.changes(0)["to"].tolist() == found.changes(7)["to"].tolist()
    assert (alone.after[0] == found.after[7]).all()


def test_a_threshold_that_is_given_counts(pipeline):
    model, background = pipeline
    found = counterfactuals(model, background[:30], desired="good", threshold=0.9, background=background)
    later = found.found & (found.before[:, 0] < 0.9)
    assert later.sum() > 3
    assert (found.after[later, 0, 0] >= 0.9).all()


def test_one_class_among_several_is_reached():
    X = make_table(150)
    model = LogisticRegression().fit(X[["a", "c", "d"]], np.select([X["a"] > 0.5, X["c"] > 0], ["x", "y"], "z"))
    found = counterfactuals(model, X[["a", "c", "d"]][:30], desired="y", background=X[["a", "c", "d"]])
    assert found.after.shape == (30, 1, 3)
    assert (model.predict(found.changed) == "y").all()
    assert (found.decision_after[found.found, 0] == "y").all()


def test_any_other_class_will_do_where_none_is_named():
    X = make_table(150)
    model = LogisticRegression().fit(X[["a", "c"]], np.select([X["a"] > 0.5, X["c"] > 0], ["x", "y"], "z"))
    found = counterfactuals(model, X[["a", "c"]][:20], background=X[["a", "c"]])
    assert found.found.all()
    assert (found.decision_after[:, 0] != found.decision_before).all()


def test_a_regressor_reaches_a_value_from_either_side():
    X = make_numbers(300, n_columns=3)
    model = LinearRegression().fit(X, 2 * X["x0"] + X["x1"])
    found = counterfactuals(model, X[:20], desired=0.5, background=X)
    above = found.before[:, 0] > 0.5
    assert (found.after[above, 0, 0] <= 0.5).all()
    assert (found.after[~above, 0, 0] >= 0.5).all()


def test_a_row_that_is_there_needs_no_change():
    X = make_numbers(50, n_columns=2)
    found = counterfactuals(lambda rows: rows["x0"], X[:5], desired=(-9, 9), background=X)
    assert found.found.all()
    assert found.rows.empty
    assert found.changed.to_numpy() == pytest.approx(X[:5].to_numpy())
    assert "Nothing has to change" in found.describe(0)


# what is plausible


def test_changed_rows_are_no_farther_from_the_data_than_its_own_rows():
    rng = np.random.default_rng(0)
    a = rng.normal(size=400)
    background = pd.DataFrame({"a": a, "b": a + 0.05 * rng.normal(size=400)})
    row = background.iloc[[int(np.argmin(np.abs(a + 1)))]]
    found = counterfactuals(lambda X: X["a"], row, desired=(1, None), background=background)
    assert set(found.rows["column"]) == {"a", "b"}  # a alone would leave the line that the data lie on
    assert found.distance[0, 0] <= found.distance_limit[0] < 0.1


def test_an_answer_that_would_leave_the_data_is_refused_with_the_reason():
    rng = np.random.default_rng(0)
    a = rng.normal(size=400)
    background = pd.DataFrame({"a": a, "b": a + 0.05 * rng.normal(size=400)})
    row = background.iloc[[int(np.argmin(np.abs(a + 1)))]]
    found = counterfactuals(lambda X: X["a"], row, desired=(1, None), changeable=["a"], background=background)
    assert not found.found[0]
    assert "farther from real rows" in found.reasons[0]


# where there is none


def test_the_number_of_changes_is_named_where_it_binds():
    background = make_grid(500, n_levels=3)
    row = pd.DataFrame({"a": [0], "b": [0], "c": [0], "d": [1]})
    found = counterfactuals(
        lambda X: X[["a", "b", "c"]].min(axis=1), row, desired=(1, None), max_changes=2, background=background
    )
    assert not found.found[0]
    assert np.isnan(found.after).all()
    assert "max_changes=2 binds, 3 columns changed at once would get there" in found.reasons[0]


def test_values_that_were_not_seen_are_named_as_the_limit():
    background = make_grid(100)
    found = counterfactuals(lambda X: X["a"], background[:3], desired=(7, None), background=background)
    assert not found.found.any()
    assert "no values seen in the columns that may change (4) get there, the nearest misses it by 3" in found.reasons[0]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"changeable": []}, "no column may change"),
        ({"changeable": ["a"], "directions": {"a": "down"}}, "no other value this row may take"),
    ],
)
def test_a_row_with_nowhere_to_go_says_so(limits, reason):
    background = make_grid(100)
    lowest = background[background["a"] == 0][:2]
    found = counterfactuals(lambda X: X["a"], lowest, desired=(2, None), background=background, **limits)
    assert not found.found.any()
    assert reason in found.describe(1)


# promises


def test_inputs_are_not_modified(pipeline):
    model, background = pipeline
    X = make_table(10, seed=8)
    kept, kept_background = X.copy(), background.copy()
    counterfactuals(model, X, background=background)
    pd.testing.assert_frame_equal(X, kept)
    pd.testing.assert_frame_equal(background, kept_background)


def test_the_same_seed_gives_the_same_answers(pipeline):
    model, _ = pipeline
    X, many = make_table(5, seed=8), make_table(6000, seed=2)
    first, again, other = (counterfactuals(model, X, background=many, random_state=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first.rows, again.rows)
    assert (first.after == again.after).all()
    assert (first.random_state, other.random_state) == (0, 1)


def test_answers_do_not_depend_on_the_other_rows_or_their_order():
    X = make_table(80, seed=8)
    model = FakeEnsemble()
    whole = counterfactuals(model, X)
    turned = counterfactuals(model, X[::-1])
    assert (whole.after == turned.after[::-1]).all()
    pd.testing.assert_frame_equal(counterfactuals(model, X[:1]).changes(0), whole.changes(0))


def test_arrays_are_taken_and_their_columns_named():
    X = make_numbers(100, n_columns=2).to_numpy()
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    found = counterfactuals(model, X[:5], background=X)
    assert set(found.rows["column"]) <= {"x0", "x1"}
    assert (model.predict(found.changed.to_numpy()) != model.predict(X[:5])).all()


def test_a_model_without_a_background_warns(pipeline):
    with pytest.warns(DataWarning, match="No background given"):
        counterfactuals(pipeline[0], make_table(60, seed=1), random_state=0)


def test_the_answer_reads_as_a_sentence(pipeline):
    background = make_grid(100)
    model = event_of(lambda X: X["a"] - 2.5)
    row = pd.DataFrame({"a": [4], "b": [1], "c": [1], "d": [1]})
    found = counterfactuals(model, row, background=background)
    assert found.describe(0) == (
        "Today the model says 'yes' (81.8%). With a at 2 instead of 4 it would say 'no' (62.2%). "
        "Describes the model, not a promise."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_changes": 0}, "max_changes must be a whole number from 1 on, got 0"),
        ({"n_alternatives": 1.5}, "n_alternatives must be a whole number"),
        ({"changeable": ["e"]}, r"columns that the model uses, \['e'\] are not"),
        ({"changeable": "a"}, "must be a list of columns, got the text 'a'"),
        ({"changeable": ["a"], "fixed": ["a"]}, "changeable or fixed, not both"),
        ({"directions": {"a": "left"}}, "'up' or 'down', got 'a': 'left'"),
        ({"desired": "maybe"}, r"one of the classes \('no', 'yes'\), got 'maybe'"),
        ({"threshold": 1.0}, "strictly between 0 and 1, got 1.0"),
        ({"background": make_grid(1)}, "at least 2 rows"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        counterfactuals(event_of(tangled_score), make_grid(3), **{"background": make_grid(20), **options})


@pytest.mark.parametrize("desired", [None, (None, None), (3, 1), (1, 2, 3), "high"])
def test_a_value_to_reach_must_be_one(desired):
    with pytest.raises(ValueError, match="desired must"):
        counterfactuals(tangled_score, make_grid(3), desired=desired, background=make_grid(20))


def test_words_have_no_direction(pipeline):
    model, background = pipeline
    with pytest.raises(ValueError, match=r"directions\['b'\] needs a column with an order"):
        counterfactuals(model, background[:2], directions={"b": "up"}, background=background)


def test_labels_that_do_not_follow_from_probabilities_need_a_threshold(pipeline):
    model, background = pipeline

    class Strict:
        classes_ = model.classes_
        predict_proba = model.predict_proba

        def predict(self, X):
            return np.where(model.predict_proba(X)[:, 1] > 0.9, "good", "bad")

    with pytest.raises(ValueError, match="Pass threshold="):
        counterfactuals(Strict(), background[:20], background=background)
    assert counterfactuals(Strict(), background[:20], threshold=0.9, background=background).found.any()


def test_places_are_counted_within_groups():
    assert _rank_within(np.array([4, 4, 7, 7, 7])).tolist() == [0, 1, 0, 1, 2]
    assert _rank_within(np.array([], dtype=int)).tolist() == []
