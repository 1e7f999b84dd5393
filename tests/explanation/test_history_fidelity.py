"""Explanations of advice held against single removals, other methods and removal sets."""

import numpy as np
import pandas as pd
import pytest

from appkit.explanation import explain
from appkit.explanation.history_drivers import driving_items
from appkit.explanation.history_fidelity import history_fidelity
from tests.explanation.recommenders import Linear, Shop, linear_shop, saturating_shop
from tests.plots.samples import table_explanation


def customers(*users):
    return pd.DataFrame({"customer": list(users)})


def test_where_scores_add_up_the_top_item_matters_most_by_construction():
    shop = linear_shop(n_users=12)
    found = history_fidelity(shop, customers(*shop.users_.values), k=3, random_state=0)
    assert (found.top_matters_most.value, found.top_matters_most.n, found.method) == (1, 12, "shapley (linear)")
    assert found.top_matters_most.low == pytest.approx(0.025 ** (1 / 12))  # Clopper and Pearson, no failure
    assert found.leave_one_out.value == pytest.approx(1)
    assert found.lime.value > 0.95
    assert found.removal.deletion_ratio.low > 1


def test_cases_of_one_user_go_together():
    shop = linear_shop(n_users=4)
    once = customers(*shop.users_.values)
    thrice = pd.concat([once] * 3, ignore_index=True)
    found = history_fidelity(shop, thrice, k=3, random_state=0)
    assert found.top_matters_most.method == "Clopper-Pearson of 4 groups"
    assert found.top_matters_most.low == history_fidelity(shop, once, k=3, random_state=0).top_matters_most.low
    assert found.set_size.method.endswith(
        "clustered by 3 groups"
    )  # nothing takes the advice to the fourth off its list


def test_redundant_purchases_are_what_leaving_one_out_cannot_see():
    class Either(Linear):
        is_additive = False

        def forward(self, histories):
            return super().forward(histories).clamp(max=1.0)

    weights = np.zeros((6, 6))
    weights[0, 5], weights[1, 5], weights[2, 5] = 1.0, 0.9, 0.2
    shop = Shop(Either(weights), {"a": [0, 1, 2], "b": [2, 1, 0]})
    found = history_fidelity(shop, customers("a", "b"), k=1, random_state=0)
    assert np.isnan(found.leave_one_out.value)  # alone, none of the three lowers the margin
    assert found.top_matters_most.value == 1  # of equal losses each is the largest
    assert (found.set_size.value, found.verified_sets.value) == (3, 1)


def test_sampled_explanations_are_measured_too():
    shop = saturating_shop(n_users=12, longest=9)
    found = history_fidelity(
        shop, customers(*shop.users_.values), k=3, method="permutation", max_evaluations=400, random_state=0
    )
    assert found.method == "shapley (permutation)"
    assert found.top_matters_most.value >= 0.75
    assert 0.5 < found.leave_one_out.value <= 1
    assert found.smallest_sets.value == 1


def test_figures_are_a_table():
    shop = linear_shop()
    frame = history_fidelity(shop, customers(*shop.users_.values), k=3, random_state=0).to_frame()
    assert frame.columns.tolist() == ["figure", "value", "low", "high", "n", "interval"]
    assert frame["figure"].tolist() == [
        "The top item matters most",
        "Shapley and leave-one-out",
        "Shapley and LIME",
        "Deletion",
        "Insertion",
        "Removal set verified",
        "Proven smallest",
        "Items in a set",
    ]
    assert frame["value"].between(frame["low"], frame["high"]).all()


def test_a_history_of_one_item_has_no_order_to_compare():
    weights = np.zeros((4, 4))
    weights[0, 2] = 1.0
    found = history_fidelity(Shop(Linear(weights), {"u": [0, 0]}), customers("u"), k=1, random_state=0)
    assert (found.n_cases, found.n_compared, found.removal) == (1, 0, None)
    assert np.isnan(found.lime.value)
    assert (found.set_size.value, found.set_size.method) == (1, "no interval: one user only")


def test_items_that_drive_advice_are_averaged_over_the_histories_that_hold_them():
    weights = np.zeros((5, 5))
    weights[0, 3], weights[1, 3] = 2.0, -1.0
    shop = Shop(Linear(weights), {"a": [0, 1], "b": [0, 2]}, names=["tea", "cup", "jam", "pot", "egg"])
    table = driving_items(explain(shop, pd.DataFrame({"customer": ["a", "b"], "article": ["i003"] * 2}), k=1))
    assert table["item"].tolist() == ["i000", "i001", "i002"]
    assert table["name"].tolist() == ["tea", "cup", "jam"]
    assert table["n_users"].tolist() == [2, 1, 1]
    assert table["mean"].tolist() == [2, -1, 0]
    assert table["share"].tolist() == [0.8, 0.2, 0]
    assert table["standard_error"].iloc[0] == 0
    assert np.isnan(table["standard_error"].iloc[1])


def test_several_advices_to_a_user_are_one_user():
    shop = linear_shop(n_users=2)
    cases = pd.concat([customers("u0", "u1")] * 2)
    table = driving_items(explain(shop, cases, k=3))
    assert (table["n_cases"] == 2 * table["n_users"]).all()


def test_columns_of_a_table_drive_no_advice():
    with pytest.raises(ValueError, match="explanation must have a HistoryLayout, got NoneType"):
        driving_items(table_explanation(5, 3))
