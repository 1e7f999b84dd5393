"""PurchaseClassifier knows a purchase by its label, and makes its own tables from transactions."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from appkit import persistence
from appkit.checks import estimator_checks
from appkit.exceptions import SchemaError
from appkit.model import Costs
from domains.retail.purchase_classifier import PurchaseClassifier
from domains.retail.purchase_table import purchase_table

QUICK = {"n_networks": 1, "max_epochs": 3, "width": 16, "n_members": 4, "random_state": 0, "progress": False}
COLUMNS = {"user": "user", "item": "item", "time": "time"}


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """Return lines of customers who order every 5 to 60 days, in the first 250 days of 2024."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(60), 50)
    gaps = rng.exponential(5 + users)
    days = pd.Series(gaps).groupby(users).cumsum().to_numpy()
    X = pd.DataFrame({"user": users, "item": rng.integers(0, 9, len(users)), "day": days})
    X = X[X["day"] < 250]
    return X.assign(time=pd.Timestamp("2024-01-01") + pd.to_timedelta(X.pop("day"), "D")).reset_index(drop=True)


@pytest.fixture(scope="module")
def table(orders):
    return purchase_table(orders, horizon="14D")


@pytest.fixture(scope="module")
def of_table(table):
    return PurchaseClassifier(**QUICK).fit(table.X, table.y, groups=table.groups)


@pytest.fixture(scope="module")
def of_orders(orders):
    return PurchaseClassifier(**COLUMNS, horizon="14D", **QUICK).fit(orders)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Let the classifier be saved whether or not its domain is installed."""
    known = persistence.savable_estimators() | {"retail.PurchaseClassifier": PurchaseClassifier}
    monkeypatch.setattr(persistence, "savable_estimators", lambda: known)


@pytest.mark.parametrize("check", estimator_checks(), ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", ["table", "transactions"])
def test_promises_are_kept_on_tables_and_on_transactions(kind, check, table, orders):
    if kind == "table":
        check(PurchaseClassifier(**QUICK), table.X, table.y)
    else:
        check(PurchaseClassifier(**COLUMNS, horizon="14D", **QUICK), orders, None)


def test_transactions_are_fitted_as_the_table_made_of_them(of_table, of_orders, table):
    assert of_orders.feature_names_in_.tolist() == list(table.X.columns)
    assert np.array_equal(of_orders.predict_proba(table.X), of_table.predict_proba(table.X))


def test_the_purchase_is_buys_wherever_it_stands(of_table, table):
    assert of_table.classes_.tolist() == ["buys", "stays away"]
    assert (of_table.event_, of_table.event_index_, of_table.output_names_) == ("buys", 0, ("buys",))
    assert roc_auc_score(table.y == "buys", of_table.purchase_probability(table.X)) > 0.7


def test_labels_of_unknown_meaning_must_say_which_is_the_purchase(table):
    words = table.y.map({"buys": "ja", "stays away": "nein"})
    with pytest.raises(ValueError, match="event must name the label of a purchase: which of"):
        PurchaseClassifier(**QUICK).fit(table.X, words)
    with pytest.raises(ValueError, match=r"event must be one of the labels \['ja', 'nein'\], got 'Ja'"):
        PurchaseClassifier(event="Ja", **QUICK).fit(table.X, words)
    assert PurchaseClassifier(event="ja", **QUICK).fit(table.X, words).event_ == "ja"


def test_of_numbers_the_larger_is_the_purchase(of_table, table):
    model = PurchaseClassifier(**QUICK).fit(table.X, (table.y == "buys").astype(int), groups=table.groups)
    assert model.event_ == 1
    correlation = np.corrcoef(model.purchase_probability(table.X), of_table.purchase_probability(table.X))[0, 1]
    assert correlation > 0.5


def test_customers_of_transactions_are_judged_as_of_their_end(of_orders, orders):
    now = of_orders.behaviour(orders)
    probability = of_orders.purchase_probability(orders)
    assert probability.index.tolist() == sorted(orders["user"].unique())
    assert np.array_equal(probability, of_orders.predict_proba(now)[:, 0])
    assert np.array_equal(of_orders.predict_proba(orders), of_orders.predict_proba(now))
    assert set(of_orders.predict(orders)) <= {"buys", "stays away"}


def test_customers_are_judged_as_of_any_moment_by_what_was_known_then(of_orders, orders):
    at = pd.Timestamp("2024-06-01")
    then = of_orders.purchase_probability(orders, at=at)
    pd.testing.assert_series_equal(then, of_orders.purchase_probability(orders[orders["time"] < at], at=at))


def test_folds_never_part_the_rows_of_one_customer(orders, table, monkeypatch):
    seen = []
    original = PurchaseClassifier._training_examples

    def spy(self, X, y, sample_weight, groups):
        seen.append(groups)
        return original(self, X, y, sample_weight, groups)

    monkeypatch.setattr(PurchaseClassifier, "_training_examples", spy)
    PurchaseClassifier(**COLUMNS, horizon="14D", **QUICK).fit(orders)
    assert seen[0].tolist() == table.groups.tolist()


def test_what_goes_with_a_table_does_not_go_with_transactions(orders, table):
    model = PurchaseClassifier(**COLUMNS, **QUICK)
    with pytest.raises(ValueError, match="groups goes with a table of behaviour and y"):
        model.fit(orders, groups=orders["user"])
    with pytest.raises(ValueError, match="requires y to be passed"):
        PurchaseClassifier(**QUICK).fit(table.X)
    with pytest.raises(SchemaError, match="give user=, item= and time="):
        PurchaseClassifier(user="user", **QUICK).fit(orders)
    with pytest.raises(ValueError, match="target='spend' asks for a number"):
        PurchaseClassifier(**COLUMNS, target="spend", **QUICK).fit(orders)


def test_a_model_of_transactions_takes_tables_of_behaviour_too(orders, table):
    model = PurchaseClassifier(**COLUMNS, **QUICK).fit(table.X, table.y, groups=table.groups)
    assert len(model.purchase_probability(orders)) == 60


def test_the_category_bought_next_has_one_probability_each(orders):
    kinds = {item: "tea" if item < 3 else "ware" for item in range(9)}
    model = PurchaseClassifier(**COLUMNS, horizon="14D", target="category", categories=kinds, **QUICK).fit(orders)
    assert model.classes_.tolist() == ["nothing", "tea", "ware"]
    assert model.event_ is None
    assert model.predict_proba(orders).sum(axis=1) == pytest.approx(np.ones(60))
    with pytest.raises(ValueError, match="purchase_probability needs two classes"):
        model.purchase_probability(orders)
    with pytest.raises(ValueError, match="event needs two classes, got 3"):
        clone(model).set_params(event="tea").fit(orders)


def test_costs_move_the_threshold_and_not_the_probabilities(of_table, table):
    model = PurchaseClassifier(costs=Costs(missed_event=9, false_alarm=1), **QUICK)
    model.fit(table.X, table.y, groups=table.groups)
    assert np.array_equal(model.predict_proba(table.X), of_table.predict_proba(table.X))
    assert np.array_equal(model.predict(table.X) == "buys", model.purchase_probability(table.X) >= 0.1)


def test_monotone_signs_speak_of_the_purchase(table):
    model = PurchaseClassifier(monotone={"days_since_last": -1}, **QUICK).fit(table.X, table.y)
    rows = pd.concat([table.X.iloc[[0]]] * 30).assign(days_since_last=np.arange(30.0) * 4)
    assert (np.diff(model.purchase_probability(rows)) <= 1e-12).all()


def test_effects_are_told_of_customers_of_transactions(of_orders, orders):
    told = of_orders.explain(orders, max_evaluations=500, random_state=0)
    assert told.player_names == tuple(of_orders.feature_names_in_)
    assert told.output[:, 0] == pytest.approx(of_orders.purchase_probability(orders))
    assert told.gap == pytest.approx(0, abs=1e-6)


def test_a_report_is_made_of_the_last_cut_off(table):
    X_train, X_test, y_train, y_test = table.split()
    model = PurchaseClassifier(**QUICK).fit(X_train, y_train, groups=table.groups[X_train.index])
    page = model.report(X_test, y_test, n_explained=10, progress=False)
    assert any("AUC" in tile.name for tile in page.tiles)


def test_a_saved_model_still_reads_transactions(of_orders, orders, tmp_path):
    again = persistence.load(persistence.save(of_orders, tmp_path / "shop.appkit"))
    pd.testing.assert_series_equal(again.purchase_probability(orders), of_orders.purchase_probability(orders))
    assert again.event_ == "buys"
