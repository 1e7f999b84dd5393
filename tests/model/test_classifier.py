"""What a table classifier promises its user."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score
from torch import nn

from appkit.exceptions import DataWarning, SchemaError
from appkit.model import Costs, TabularClassifier, cost_threshold
from appkit.model.networks import TableEmbedding

from .conftest import make_table


def test_fit_leaves_input_and_parameters_as_they_were(table, quick):
    X, y = table
    X_before, y_before = X.copy(), y.copy()
    model = TabularClassifier(**quick)
    before = model.get_params()
    model.fit(X, y)
    pd.testing.assert_frame_equal(X, X_before)
    assert np.array_equal(y, y_before)
    assert model.get_params() == before


def test_equal_seeds_give_equal_bits_and_others_do_not(table, quick):
    X, y = table
    first, again = (TabularClassifier(**quick).fit(X, y).predict_proba(X) for _ in range(2))
    other = TabularClassifier(**quick | {"random_state": 1}).fit(X, y).predict_proba(X)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_signal_is_found_through_gaps_text_and_booleans():
    X, y = make_table(800)
    X_test, y_test = make_table(800, seed=1)
    model = TabularClassifier(width=32, n_networks=2, max_epochs=40, random_state=0).fit(X, y)
    assert roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]) > 0.85


@pytest.mark.parametrize(
    ("dtype", "plain"), [("Int64", "int64"), ("boolean", "bool"), ("UInt8", "uint8"), ("string", object)]
)
def test_labels_of_nullable_dtypes_stay_what_they_are(dtype, plain, table, quick):
    X, y = table
    labels = pd.Series(y if dtype == "string" else y == "yes").astype(dtype)
    model = TabularClassifier(**quick).fit(X, labels, X_val=X, y_val=labels.to_frame())
    assert model.classes_.dtype == plain
    assert set(model.predict(X)) <= set(labels)


@pytest.mark.parametrize("lost", [None, np.nan])
def test_a_missing_validation_label_is_named_with_its_row(lost, table, quick):
    X, y = table
    y_val = [*y[:4], lost]
    with pytest.raises(ValueError, match=r"got (None|nan) in row 4 and 0 more\. Drop these rows"):
        TabularClassifier(**quick).fit(X, y, X_val=X[:5], y_val=np.array(y_val, dtype=object))


def test_calibration_lowers_the_log_loss_of_a_timid_network():
    X, y = make_table(400)
    X_test, y_test = make_table(2000, seed=1)
    options = {"width": 16, "n_networks": 3, "max_epochs": 3, "random_state": 0}
    raw = TabularClassifier(**options, calibrate=False).fit(X, y)
    calibrated = TabularClassifier(**options).fit(X, y)
    assert calibrated.calibration_.slope > 1.05  # three epochs leave a network too timid
    assert log_loss(y_test, calibrated.predict_proba(X_test)) < log_loss(y_test, raw.predict_proba(X_test))


def test_probabilities_match_the_weighted_population():
    X, y = make_table(1200)
    weight = np.where(y == "yes", 4.0, 1.0)
    model = TabularClassifier(width=32, n_networks=3, max_epochs=30, random_state=0).fit(X, y, sample_weight=weight)
    share = np.average(y == "yes", weights=weight)
    assert np.average(model.predict_proba(X)[:, 1], weights=weight) == pytest.approx(share, abs=0.04)


def test_class_weight_multiplies_row_weights(table, quick):
    X, y = table
    by_class = TabularClassifier(**quick, class_weight={"no": 1, "yes": 3}).fit(X, y).predict_proba(X)
    by_row = TabularClassifier(**quick).fit(X, y, sample_weight=np.where(y == "yes", 3, 1)).predict_proba(X)
    assert np.allclose(by_class, by_row)


def test_rows_of_one_group_are_never_on_both_sides(table, quick, monkeypatch):
    X, y = table
    groups = np.arange(len(X)) // 4
    seen = []
    from appkit.model import neural_estimator

    whole = neural_estimator.fit_ensemble

    def spy(recipe, data, folds, **options):
        seen.extend(folds)
        return whole(recipe, data, folds, **options)

    monkeypatch.setattr(neural_estimator, "fit_ensemble", spy)
    TabularClassifier(**quick | {"n_networks": 3}).fit(X, y, groups=groups)
    assert len(seen) == 3
    assert all(not set(groups[a]) & set(groups[b]) for a, b in seen)


def test_validation_rows_given_are_the_ones_stopped_on(table, quick):
    X, y = table
    X_val, y_val = make_table(100, seed=5)
    model = TabularClassifier(**quick).fit(X, y, X_val=X_val, y_val=y_val)
    assert sum(len(scores) for scores in model.conformal_scores_) == 100


def test_costs_set_the_threshold_and_predict_follows(table, quick):
    X, y = table
    model = TabularClassifier(**quick, costs=Costs(missed_event=9, false_alarm=1)).fit(X, y)
    p = model.predict_proba(X)[:, 1]
    assert model.threshold_ == pytest.approx(0.1)
    assert np.array_equal(model.predict(X), np.where(p >= 0.1, "yes", "no"))


def test_costs_by_row_decide_row_by_row(table, quick):
    X, y = table
    model = TabularClassifier(**quick).fit(X, y)
    dear = cost_threshold(missed_event=np.full(len(X), 1e6), false_alarm=1)
    assert set(model.decide(X, dear)) == {"yes"}


def test_prediction_sets_cover_each_class():
    X, y = make_table(1500)
    X_test, y_test = make_table(3000, seed=1)
    model = TabularClassifier(width=32, n_networks=4, max_epochs=25, random_state=0).fit(X, y)
    sets = model.predict_set(X_test, alpha=0.1)
    for position, label in enumerate(model.classes_):
        assert sets[y_test == label, position].mean() == pytest.approx(0.9, abs=0.05)


def test_three_classes_sum_to_one_and_are_learnt():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=600)})
    y = np.digitize(X["x"], [-0.5, 0.5])
    model = TabularClassifier(width=32, n_networks=1, max_epochs=40, random_state=0).fit(X, y)
    p = model.predict_proba(X)
    assert np.allclose(p.sum(axis=1), 1)
    assert model.score(X, y) > 0.9
    assert model.output_names_ == ("0", "1", "2")


def test_outputs_are_what_predict_proba_says(table, quick):
    X, y = table
    model = TabularClassifier(**quick).fit(X, y)
    Z, p = model.encode(X), model.predict_proba(X)[:, 1]
    assert np.allclose(model.encoded_outputs(Z, units="probability")[:, 0], p)
    assert np.allclose(model.encoded_outputs(Z, units="log-odds")[:, 0], np.log(p / (1 - p)))
    with pytest.raises(ValueError, match="units must be one of probability, log-odds"):
        model.encoded_outputs(Z, units="cycles")


def test_members_average_to_the_whole(table, quick):
    X, y = table
    model = TabularClassifier(**quick | {"n_networks": 2}).fit(X, y)
    Z = model.encode(X[:5])
    one_by_one = [
        model.encoded_outputs(Z, units="probability", members=torch.full((5,), m)) for m in range(model.n_members_)
    ]
    assert torch.allclose(torch.stack(one_by_one).mean(dim=0), model.encoded_outputs(Z, units="probability"), atol=1e-6)


def test_own_network_factory_is_trained(table, quick):
    class Linear(nn.Module):
        def __init__(self, layout, n_outputs):
            super().__init__()
            self.embedding = TableEmbedding(layout)
            self.output = nn.Linear(self.embedding.width, n_outputs)

        def forward(self, Z):
            return self.output(self.embedding(Z))

    X, y = table
    model = TabularClassifier(**quick | {"max_epochs": 40, "learning_rate": 1e-2}, network=Linear).fit(X, y)
    assert model.n_members_ == 1
    assert model.score(X, y) > 0.7


def test_rows_without_names_are_read_by_position_with_a_warning(quick):
    X, y = make_table()
    X, y = X[["x", "noise"]], y
    named, plain = TabularClassifier(**quick).fit(X, y), TabularClassifier(**quick).fit(X.to_numpy(), y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert np.array_equal(named.predict_proba(X.to_numpy()), named.predict_proba(X))
    with pytest.warns(UserWarning, match="fitted without feature names"):
        assert np.array_equal(plain.predict_proba(X), plain.predict_proba(X.to_numpy()))


def test_rows_of_weight_zero_are_as_good_as_absent(table, quick):
    X, y = table
    weight = np.where(np.arange(len(X)) % 4 == 0, 0.0, 2.0)
    groups = np.arange(len(X)) // 2
    counts = weight > 0
    weighted = TabularClassifier(**quick).fit(X, y, sample_weight=weight, groups=groups)
    without = TabularClassifier(**quick).fit(X[counts], y[counts], groups=groups[counts])
    assert np.array_equal(weighted.predict_proba(X), without.predict_proba(X))
    assert list(map(len, weighted.conformal_scores_)) == list(map(len, without.conformal_scores_))


def test_few_rows_that_weigh_are_learnt_from(table, quick):
    X, y = table
    weight = np.zeros(len(X))
    weight[[*np.flatnonzero(y == "yes")[:3], *np.flatnonzero(y == "no")[:3]]] = 1.0
    model = TabularClassifier(**quick).fit(X, y, sample_weight=weight)
    assert np.isfinite(model.history_["validation_loss"]).all()


def test_validation_rows_weigh_by_the_classes_of_the_training_rows(table, quick):
    X, y = table
    of_event = y == "yes"
    balanced = TabularClassifier(**quick, class_weight="balanced")
    balanced.fit(X, y, X_val=X[of_event], y_val=y[of_event])
    expected = len(y) / (2 * np.array([(~of_event).sum(), of_event.sum()]))
    assert balanced.class_weight_ == pytest.approx(expected)
    named = TabularClassifier(**quick, class_weight=dict(zip(["no", "yes"], expected, strict=True)))
    X_val, y_val = make_table(50, seed=3)
    again = TabularClassifier(**quick, class_weight="balanced").fit(X, y, X_val=X_val, y_val=y_val)
    assert np.array_equal(again.predict_proba(X), named.fit(X, y, X_val=X_val, y_val=y_val).predict_proba(X))


def test_validation_rows_that_all_weigh_nothing_are_refused(table, quick):
    X, y = table
    with pytest.raises(ValueError, match="must leave a row of X_val that counts"):
        TabularClassifier(**quick, class_weight={"yes": 0.0, "no": 1.0}).fit(
            X, y, X_val=X[y == "yes"], y_val=y[y == "yes"]
        )


def test_warm_start_keeps_the_number_of_networks(quick):
    X, y = make_table(100)
    model = TabularClassifier(**quick | {"n_networks": "auto"}, warm_start=True).fit(X, y)
    assert len(model.fit(*make_table(400)).module_.networks) == 1  # a first fit on 400 rows takes eight


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"n_networks": 3}, "n_networks must stay 1 under warm_start, got 3"), ({"width": 8}, "set its parameters back")],
)
def test_warm_start_with_other_networks_is_refused(changed, message, table, quick):
    X, y = table
    model = TabularClassifier(**quick, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=message):
        model.set_params(**changed).fit(X, y)


def test_warm_start_goes_on_from_the_weights(table, quick):
    X, y = table
    model = TabularClassifier(**quick | {"max_epochs": 1}, warm_start=True).fit(X, y)
    first = model.history_["validation_loss"].iloc[-1]
    for _ in range(5):
        model.fit(X, y)
    assert model.history_["validation_loss"].iloc[-1] < first


def test_max_seconds_stops_between_epochs(table, quick):
    X, y = table
    model = TabularClassifier(**quick | {"max_epochs": 10_000, "patience": 10_000}, max_seconds=0.5).fit(X, y)
    assert len(model.history_) < 10_000
    assert model.training_["seconds"] < 10


def test_history_is_a_frame_with_one_line_per_epoch(table, quick):
    X, y = table
    history = TabularClassifier(**quick).fit(X, y).history_
    assert list(history.columns) == ["network", "epoch", "training_loss", "validation_loss", "seconds"]
    assert history["epoch"].tolist() == [1, 2, 3, 4]


def test_columns_may_come_in_any_order_and_protected_ones_may_be_absent(table, quick):
    X, y = table
    model = TabularClassifier(**quick, protected=["owner"]).fit(X, y)
    expected = model.predict_proba(X)
    assert "owner" not in model.player_columns_
    assert np.array_equal(model.predict_proba(X[["job", "noise", "x"]]), expected)


def test_unseen_categories_and_all_missing_rows_get_a_probability(table, quick):
    X, y = table
    model = TabularClassifier(**quick).fit(X, y)
    row = pd.DataFrame({"x": [np.nan], "noise": [np.nan], "job": ["astronaut"], "owner": [True]})
    assert 0 < model.predict_proba(row)[0, 1] < 1


def test_all_missing_and_constant_columns_are_named_and_do_no_harm(table, quick):
    X, y = table
    with pytest.warns(DataWarning, match="'empty'.*'same'"):
        model = TabularClassifier(**quick).fit(X.assign(empty=np.nan, same=1), y)
    assert np.isfinite(model.predict_proba(X.assign(empty=np.nan, same=2))).all()


def test_too_few_rows_to_hold_any_out_say_so(quick):
    X, _ = make_table(12)
    model = TabularClassifier(**quick).fit(X, np.tile(["no", "yes"], 6))
    assert "too few to hold any out" in model.training_["fall_backs"][0]
    with pytest.raises(ValueError, match="too few to hold any out"):
        model.predict_set(X)


def test_clone_is_unfitted_and_alike(table, quick):
    X, y = table
    model = TabularClassifier(**quick, kinds={"owner": "category"}).fit(X, y)
    copy = clone(model)
    assert not hasattr(copy, "module_")
    assert np.array_equal(copy.fit(X, y).predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"network": "resnet"}, "network must be 'tabm', 'mlp' or a factory, got 'resnet'"),
        ({"width": 0}, "width must be a positive whole number, got 0"),
        ({"n_networks": "many"}, "n_networks must be 'auto' or a positive whole number"),
        ({"dropout": 1.0}, "dropout must be at least 0 and under 1, got 1.0"),
        ({"numeric": "log"}, "numeric must be 'robust' or 'quantile', got 'log'"),
        ({"validation_fraction": 0}, "validation_fraction must lie between 0 and 1, got 0"),
        ({"threshold": 1.5}, "threshold must lie strictly between 0 and 1, got 1.5"),
        ({"costs": Costs(1, 1), "threshold": 0.5}, "costs or threshold, not both"),
        ({"max_seconds": -1}, "max_seconds must be positive or None, got -1"),
        ({"network": "mlp", "monotone": {"x": 1}}, "monotone needs network='tabm'"),
    ],
)
def test_wrong_parameters_are_named_with_their_value(table, quick, parameters, message):
    X, y = table
    with pytest.raises(ValueError, match=message):
        TabularClassifier(**quick | parameters).fit(X, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.drop(columns="x"), "'x'"),
        (lambda X: X.assign(extra=1), "'extra'"),
        (lambda X: X.assign(x="much"), "'x' must be numeric"),
        (lambda X: X.assign(x=np.inf), "'x'"),
        (lambda X: X[:0], "at least one row, got none"),
    ],
)
def test_wrong_tables_at_predict_are_explained(table, quick, change, message):
    X, y = table
    model = TabularClassifier(**quick).fit(X, y)
    with pytest.raises(SchemaError, match=message):
        model.predict(change(X))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": np.full(240, "yes")}, "one class"),
        ({"y": np.array([None] + ["yes", "no"] * 119 + ["no"], dtype=object)}, "NaN"),
        ({"sample_weight": np.full(240, -1.0)}, "not negative"),
        ({"groups": [1, 2]}, "groups must have one entry per row"),
        ({"X_val": make_table(10)[0]}, "X_val and y_val go together"),
        ({"sample_weight_val": [1.0]}, "needs X_val and y_val"),
        ({"X_val": make_table(3)[0], "y_val": ["yes", "no", "maybe"]}, r"y_val must hold .*, got 'maybe' in row 2"),
    ],
)
def test_wrong_targets_and_companions_are_explained(table, quick, arguments, message):
    X, y = table
    with pytest.raises(ValueError, match=message):
        TabularClassifier(**quick).fit(X, **({"y": y} | arguments))


def test_few_rows_with_validation_rows_of_their_own_fall_back_on_nothing(quick):
    X, _ = make_table(12)
    X_val, y_val = make_table(60, seed=1)
    model = TabularClassifier(**quick).fit(X, np.tile(["no", "yes"], 6), X_val=X_val, y_val=y_val)
    assert model.training_["fall_backs"] == ()
    assert model.predict_set(X_val).shape == (60, 2)
