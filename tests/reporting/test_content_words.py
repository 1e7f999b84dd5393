"""Each title by its case and its negation; names, values and hashes as printed."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from appkit.prediction import Estimate
from appkit.reporting.content.case import choose_case
from appkit.reporting.content.certificate import certificate_title, removal_finding
from appkit.reporting.content.context import Limits
from appkit.reporting.content.drivers import beeswarm_finding, importance_finding
from appkit.reporting.content.gathering import lead_text
from appkit.reporting.content.hashing import data_hash, model_hash
from appkit.reporting.content.metrics import metrics_title
from appkit.reporting.content.performance import calibration_finding, hundred_finding
from appkit.reporting.content.phrasing import Words, label_of, measure_or_gap, percent, shown_value
from appkit.reporting.content.table_subject import table_subject
from appkit.reporting.facts import BeeswarmRow, Limit, Measure, NotFilled, RankTile, Tile

LABELS = ("Checking status", "Duration months", "Savings", "Housing")


def estimate(low: float, value: float, high: float) -> Estimate:
    return Estimate("x", value, low, high, method="test", n=30)


@pytest.mark.parametrize(
    ("reliable", "expected"),
    [
        (0, "Which of 4 columns matters most is not settled"),
        (1, "Checking status matters most; the order of the other 3 columns is not settled"),
        (3, "Checking status matters most; the first 3 of 4 places are settled"),
        (4, "Checking status and Duration months matter most; all 4 places are settled"),
    ],
)
def test_importance_claims_the_places_that_are_settled(reliable, expected):
    assert importance_finding(LABELS, reliable) == expected


def test_importance_with_long_names_counts_places_only():
    labels = tuple(f"A rather long name of a column number {i}" for i in range(4))
    assert importance_finding(labels, 2) == "The first 2 of 4 places are settled"


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (estimate(2.0, 3.0, 4.0), "3.0 times as far as removing at random"),
        (estimate(0.8, 1.1, 1.4), "cannot be told apart"),
        (estimate(0.2, 0.5, 0.8), "only 0.5 times as far"),
        (None, "cannot be told apart"),
    ],
)
def test_removal_claims_only_what_lies_clear_of_one(ratio, words):
    assert words in removal_finding(ratio)


@pytest.mark.parametrize(
    ("inside", "bins", "expected"),
    [
        (10, 10, "match the observed default rate in all 10 groups"),
        (9, 10, "match the observed default rate in 9 of 10 groups"),
        (2, 2, "match the observed default rate in both groups"),
        (0, 2, "miss the observed default rate in both groups"),
    ],
)
def test_calibration_counts_the_groups_that_hold(inside, bins, expected):
    assert calibration_finding(inside, bins, rate="default rate") == f"Predicted probabilities {expected}"


@pytest.mark.parametrize(
    ("flagged", "missed", "expected"),
    [
        (24, 5, "Of 100 rows, 24 are flagged and 5 of the 76 passed had the event"),
        (1, 0, "Of 100 rows, 1 is flagged and none of the 99 passed had the event"),
        (0, 30, "Of 100 rows, none is flagged, and 30 had the event"),
        (100, 0, "All of 100 rows are flagged"),
    ],
)
def test_a_hundred_are_counted_by_case(flagged, missed, expected):
    assert hundred_finding(flagged, missed, words=Words()) == expected


def test_certificate_title_counts_what_passed():
    assert certificate_title(0, 7) == "The explanation passed all 7 of its checks"
    assert certificate_title(2, 7) == "The explanation passed 5 of its 7 checks"


def test_metrics_title_names_what_does_not_pass():
    assert metrics_title(("AUC", "Brier score"), 3) == "AUC and Brier score do not pass"
    assert metrics_title((), 1) == "The one metric with a limit passes"
    assert metrics_title((), 0) == "All metrics with their intervals"


def test_beeswarm_finding_gives_the_range_of_the_first_column():
    row = BeeswarmRow("Savings", tuple(np.linspace(-0.101, 0.101, 100)), (None,) * 100)
    assert beeswarm_finding((row,)) == "Savings moved predictions by −9.9 to +9.9 points"


def test_lead_names_failures_first_and_what_has_no_limit():
    tiles = (
        Tile(name="Ranking (AUC)", measure=Measure(0.8, 0.7, 0.9), limit=Limit(low=0.95)),
        Tile(name="Brier score", measure=Measure(0.2, 0.1, 0.3)),
        RankTile(name="Explanation ranking", reliable=1, total=3),
    )
    expected = "Ranking (AUC) fails its limit. Explanation ranking is not settled. No limit was set for one measure."
    assert lead_text(tiles) == expected


def test_lead_counts_failed_checks_of_the_explanation():
    tiles = (RankTile(name="Explanation ranking", reliable=3, total=3),)
    assert lead_text(tiles, n_failed=1) == "One check of the explanation failed. Explanation ranking passes."
    assert lead_text(tiles) == "Explanation ranking passes."


def test_a_lead_over_45_words_is_counted_instead():
    name = "a measure with a name of eleven words that goes on"
    tiles = tuple(Tile(name=f"{name} {i}", measure=Measure(0.8, 0.7, 0.9), limit=Limit(low=0.75)) for i in range(5))
    assert lead_text(tiles) == "Of 5 measures 0 fail, 5 are not settled and 0 pass."


def test_labels_are_words_and_names_that_are_no_code_stay():
    assert [label_of(name) for name in ("credit_amount", "x0", "LTV", "Loan amount", "age")] == [
        "Credit amount",
        "x0",
        "LTV",
        "Loan amount",
        "Age",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "not given"),
        (float("nan"), "not given"),
        (pd.NaT, "not given"),
        (True, "yes"),
        (14500, "14\u202f500"),
        (14500.4, "14\u202f500"),
        (0.5, "0.5"),
        (0.123456, "0.123"),
        (-2.0, "−2"),
        (0.00001, "0.000010"),
        (pd.Timestamp("2020-02-03"), "2020-02-03"),
        ("own", "own"),
    ],
)
def test_values_are_shown_as_a_reader_writes_them(value, expected):
    assert shown_value(value) == expected


def test_a_share_that_is_not_zero_is_not_printed_as_zero():
    assert percent(0.004) == "0.4\u202f%"
    assert percent(0.0) == "0\u202f%"


def test_an_estimate_without_a_number_is_a_gap():
    gap = measure_or_gap(Estimate("Calibration slope", float("nan"), float("nan"), float("nan"), "none", n=3))
    assert isinstance(gap, NotFilled)


@pytest.mark.parametrize("limit", [0.7, (0.7,), [0.7, 0.8]])
def test_a_limit_that_is_no_pair_is_refused(limit):
    with pytest.raises(TypeError, match=r"limits\['AUC'\] must be a Limit or a pair"):
        Limits({"AUC": limit})


def test_the_case_is_the_median_of_the_flagged():
    X = pd.DataFrame({"a": range(6)})
    output = np.array([0.1, 0.9, 0.4, 0.7, 0.2, 0.8])
    row, rule = choose_case(X, output, output >= 0.4, flagged_word="declined")
    assert row.index.tolist() == [5]
    assert rule == "the median by predicted probability of those declined"


def test_the_case_is_the_highest_where_none_is_flagged():
    X = pd.DataFrame({"a": range(3)})
    row, rule = choose_case(X, np.array([0.1, 0.3, 0.2]), np.zeros(3, dtype=bool))
    assert row.index.tolist() == [1]
    assert rule == "the highest output, none being flagged"


def test_a_case_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="case must be a label"):
        table_subject(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), pd.DataFrame({"a": [1]})).named(9)


def test_the_case_of_values_lies_a_tenth_from_the_end_of_the_loss():
    X, output = pd.DataFrame({"a": range(11)}), np.arange(11.0)
    high, low = (choose_case(X, output, None, loss_at=end) for end in ("high", "low"))
    assert (high[0].index[0], low[0].index[0]) == (9, 1)
    assert low[1] == "at the 10 % quantile of predictions"


def test_data_hash_sees_values_order_and_names_but_not_the_index():
    X = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]})
    assert data_hash(X) == data_hash(X.set_axis([7, 8]))
    others = [X[::-1], X.rename(columns={"a": "c"}), X[["b", "a"]], X.assign(b=["x", "None"])]
    assert len({data_hash(table) for table in [X, *others]}) == 5


def test_a_foreign_model_is_known_by_its_outputs():
    hashed, first = model_hash(object(), np.array([0.1, 0.2]))
    assert hashed == "outputs on these rows"
    assert first != model_hash(object(), np.array([0.1, 0.3]))[1]
