"""A column is one player, whatever it becomes inside the model; masked rows hold what rows held, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from appkit.explanation import explain
from tests.explanation.guarantees.problem import enumerated
from tests.explanation.guarantees.tables import CLASSIFIERS, TOWNS, fitted, make_credit, masked, rows_for

METHODS = ["exact", "permutation", "regression", "lime", "occlusion"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_column_of_forty_levels_is_one_player_beside_the_others(kind, method):
    X = rows_for(kind, make_credit(60, seed=4)[0])
    explanation = explain(fitted(kind), X[:4], method, background=X[4:], random_state=0)
    assert explanation.player_names == ("income", "age", "town", "job", "owner")
    assert explanation.values.shape == (4, 5, 1)
    assert explanation.data[:, 2].tolist() == X["town"][:4].tolist()


@pytest.mark.parametrize("method", ["exact", "permutation"])
def test_a_column_that_alone_counts_gets_the_whole_difference_however_many_levels_it_has(method):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"code": [f"level {i}" for i in rng.permutation(300)], "other": rng.normal(size=300)})
    weight = dict(zip(sorted(X["code"]), rng.normal(size=300), strict=True))

    def predict(rows):
        one_hot = pd.get_dummies(rows["code"]).reindex(columns=list(weight), fill_value=False).to_numpy(dtype=float)
        return one_hot @ np.array(list(weight.values()))

    explanation = explain(predict, X[:5], method, background=X[5:], random_state=0)
    expected = X["code"][:5].map(weight) - X["code"][5:].map(weight).mean()
    np.testing.assert_allclose(explanation.values[:, 0, 0], expected, atol=1e-9)
    assert (explanation.values[:, 1] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_masked_row_is_put_together_from_values_that_were_seen(method):
    X, _ = make_credit(40, seed=4)
    seen = []

    def predict(rows):
        seen.append(rows)
        return rows["income"].to_numpy() * rows["owner"]

    explain(predict, X[:3], method, background=X[3:], random_state=0)
    asked = pd.concat(seen)
    assert (asked.dtypes == X.dtypes).all()
    for column in X:
        own = set(X[column].astype(object).where(X[column].notna(), None))
        assert set(asked[column].astype(object).where(asked[column].notna(), None)) <= own


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_group_of_columns_is_one_player_too(kind):
    X = rows_for(kind, make_credit(12, seed=4)[0])
    groups = {"person": ["age", "job", "town"]}
    explanation = explain(fitted(kind), X[:2], "exact", background=X[6:], players=groups)
    assert explanation.player_names == ("income", "person", "owner")

    def said(present):
        every = present[[0, 1, 1, 1, 2]]
        return fitted(kind).predict_proba(masked(X[:1], X[6:], every))[:, 1:].mean(0)

    np.testing.assert_allclose(explanation.values[0], enumerated(said, 3), atol=1e-6)


@pytest.mark.parametrize("kind", ["tabm", "own network", "pipeline"])
def test_levels_never_seen_in_training_are_explained_as_any_other(kind):
    X, _ = make_credit(30, seed=4)
    X.loc[0, "town"] = "a town nobody knows"
    assert "a town nobody knows" not in TOWNS
    explanation = explain(fitted(kind), X[:2], "permutation", background=X[2:], random_state=0)
    assert explanation.data[0, 2] == "a town nobody knows"
    np.testing.assert_allclose(explanation.output[:, 0], fitted(kind).predict_proba(X[:2])[:, 1], atol=1e-6)
