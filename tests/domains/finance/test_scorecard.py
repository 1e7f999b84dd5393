import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from domains.finance.binning import bin_categories, bin_numbers
from domains.finance.scorecard import WoEScorecard

SETTINGS = {"max_bins": 20, "min_share": 0.05, "min_events": 5, "smoothing": 1e-9}


@parametrize_with_checks([WoEScorecard()])
def test_scorecard_keeps_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


def true_risk(table):
    return -0.5 * (table["income"].fillna(3000) / 3000) + (table["purpose"] == "car") - 0.02 * table["months"]


@pytest.fixture(scope="module")
def loans():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "income": rng.lognormal(8, 0.5, size=2000),
            "purpose": rng.choice(["car", "home", "boat"], p=[0.5, 0.48, 0.02], size=2000),
            "months": np.where(rng.random(2000) < 0.1, -9.0, rng.integers(0, 60, size=2000)),
        }
    )
    table.loc[::17, "income"] = np.nan
    table.loc[::23, "purpose"] = None
    return table, np.where(rng.random(2000) < 1 / (1 + np.exp(-true_risk(table))), "bad", "good")


def test_evidence_is_the_log_ratio_of_shares_by_hand():
    values = np.array(["a"] * 6 + ["b"] * 4, dtype=object)
    is_event = np.array([1, 0, 0, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    bins = bin_categories(values, is_event, np.ones(10), min_share=0.0, smoothing=1e-9)
    # 5 of 6 goods and 1 of 4 bads in a; 1 of 6 and 3 of 4 in b
    assert bins.woe == pytest.approx(np.log([(5 / 6) / (1 / 4), (1 / 6) / (3 / 4)]))


def test_event_rates_rise_through_the_bins_of_a_monotone_column():
    rng = np.random.default_rng(0)
    values = rng.random(3000)
    bins = bin_numbers(values, rng.random(3000) < values, np.ones(3000), **SETTINGS)
    assert len(bins.labels) > 5
    assert (np.diff(bins.event_weight / bins.weight) > 0).all()
    assert (bins.weight >= 0.05 * 3000).all()


def test_a_strong_valley_is_kept_and_a_weak_one_is_noise():
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, size=3000)
    deep, flat = ((rng.random(3000) < 0.2 + depth * values**2) for depth in (0.6, 0.0))
    turns = [np.diff(np.sign(np.diff(bin_numbers(values, y, np.ones(3000), **SETTINGS).woe))) for y in (deep, flat)]
    assert np.count_nonzero(turns[0]) == 1
    assert np.count_nonzero(turns[1]) == 0


def test_a_column_that_separates_keeps_its_pure_bins():
    values = np.arange(200.0)
    bins = bin_numbers(values, values >= 100, np.ones(200), **SETTINGS)
    assert len(bins.labels) == 2
    assert list(bins.edges) == [99.0]


def test_upper_ends_belong_to_their_bin():
    values = np.arange(200.0)
    bins = bin_numbers(values, values >= 100, np.ones(200), **SETTINGS)
    assert list(bins.place(np.array([99.0, 99.5, -5.0, 1e9]))) == [0, 1, 0, 1]


def test_missing_and_special_values_have_bins_of_their_own(loans):
    card = WoEScorecard(event="bad", special_values={"months": [-9.0]}).fit(*loans)
    assert "code -9" in card.bins_["months"].labels
    assert card.bins_["income"].labels[-1] == card.bins_["purpose"].labels[-1] == "missing"


def test_rare_categories_share_a_bin(loans):
    card = WoEScorecard(event="bad").fit(*loans)
    assert "rare: boat" in card.bins_["purpose"].labels


def test_a_category_never_seen_counts_as_average(loans):
    card = WoEScorecard(event="bad").fit(*loans)
    evidence = card.bins_["purpose"].evidence(np.array(["rocket"], dtype=object))
    assert evidence == pytest.approx([0.0])


def test_missing_where_training_had_none_counts_as_average(loans):
    table, y = loans
    card = WoEScorecard(event="bad").fit(table.dropna(), y[table.notna().all(axis=1)])
    assert card.bins_["income"].evidence(np.array([np.nan])) == pytest.approx([0.0])


def test_points_of_the_bins_sum_to_the_score(loans):
    table, y = loans
    card = WoEScorecard(event="bad").fit(table, y)
    points = card.points_table().set_index(["column", "bin"])["points"]
    row = table.iloc[[17]]  # income is missing there
    total = 0.0
    for name, bins in card.bins_.items():
        values = row[name].to_numpy(dtype=object if name == "purpose" else float)
        total += points[name, bins.labels[int(bins.place(values)[0])]]
    assert total == pytest.approx(card.points(row)[0])


def test_points_fall_as_the_probability_rises(loans):
    card = WoEScorecard(event="bad").fit(*loans)
    p, points = card.predict_proba(loans[0])[:, 0], card.points(loans[0])
    assert points == pytest.approx(600 + 20 / np.log(2) * (np.log((1 - p) / p) - np.log(50)))


def test_event_turns_the_probabilities_and_not_the_order_of_columns(loans):
    bad, good = (WoEScorecard(event=event).fit(*loans) for event in ("bad", "good"))
    assert bad.predict_proba(loans[0]) == pytest.approx(good.predict_proba(loans[0]), abs=1e-4)


def test_scorecard_ranks_close_to_the_truth_that_made_the_data(loans):
    table, y = loans
    card = WoEScorecard(event="bad", special_values={"months": [-9.0]}).fit(table[:1000], y[:1000])
    reached = roc_auc_score(y[1000:] == "bad", card.predict_proba(table[1000:])[:, 0])
    possible = roc_auc_score(y[1000:] == "bad", true_risk(table[1000:]))
    assert reached > possible - 0.03


def test_rows_of_weight_zero_change_nothing(loans):
    table, y = loans
    weights = (np.arange(2000) < 1500).astype(float)
    weighted = WoEScorecard(event="bad").fit(table, y, sample_weight=weights)
    fewer = WoEScorecard(event="bad").fit(table[:1500], y[:1500])
    assert weighted.predict_proba(table) == pytest.approx(fewer.predict_proba(table), abs=1e-6)


def test_unknown_event_is_named(loans):
    with pytest.raises(ValueError, match="event must be one of"):
        WoEScorecard(event="Bad").fit(*loans)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"max_bins": 1}, "max_bins"), ({"min_share": 0.5}, "min_share"), ({"smoothing": 0}, "smoothing")],
)
def test_parameters_are_checked_in_fit(loans, parameters, message):
    card = clone(WoEScorecard(**parameters))
    with pytest.raises(ValueError, match=message):
        card.fit(*loans)
