import pytest

from appkit.reporting.facts import Limit, Measure, Verdict
from appkit.reporting.words import (
    compare_phrase,
    lead_sentence,
    limit_phrase,
    list_text,
    more_rows_needed,
    settle_phrase,
    share_phrase,
    sign_phrase,
)

LIMIT = Limit(low=0.8)
BANNED = ("significant", "trend toward", "slightly better", "proves", "safe", "fair")


@pytest.mark.parametrize(
    ("measure", "phrase"),
    [
        (Measure(0.84, 0.81, 0.87), "Ratio 0.840 (0.810 to 0.870) passes the limit, at least 0.80"),
        (Measure(0.70, 0.67, 0.73), "Ratio 0.700 (0.670 to 0.730) fails the limit, at least 0.80"),
        (Measure(0.84, 0.78, 0.89), "Whether Ratio 0.84 (0.78 to 0.89) meets the limit, at least 0.80, is not settled"),
    ],
)
def test_a_title_claims_only_what_the_interval_supports(measure, phrase):
    assert limit_phrase("Ratio", measure, LIMIT) == phrase


def test_no_limit_no_verdict():
    assert limit_phrase("Ratio", Measure(0.84, 0.81, 0.87), None).endswith("no limit was set")


def test_four_times_the_rows_halve_the_interval():
    assert more_rows_needed(Measure(0.9, 0.7, 1.1), LIMIT, n=100) == 300


@pytest.mark.parametrize("measure", [Measure(0.84, 0.81, 0.87), Measure(0.8, 0.7, 0.9), Measure(0.84)])
def test_no_number_of_rows_is_named_where_none_follows(measure):
    assert more_rows_needed(measure, LIMIT, n=100) is None


def test_settled_verdicts_ask_for_nothing():
    assert settle_phrase(Measure(0.84, 0.81, 0.87), LIMIT, n=100, rows="loans") == ""


def test_an_estimate_on_the_limit_may_never_settle():
    assert "may not settle" in settle_phrase(Measure(0.8, 0.7, 0.9), LIMIT, n=100, rows="loans")


def test_an_unknown_interval_is_said_to_be_unknown():
    assert settle_phrase(Measure(0.9), LIMIT, n=100, rows="loans").startswith("No interval is known")


@pytest.mark.parametrize(
    ("difference", "higher_is_better", "words"),
    [
        (Measure(-0.002, -0.007, 0.003), True, "cannot be told apart from"),
        (Measure(-0.012, -0.019, -0.005), True, "is behind"),
        (Measure(0.012, 0.005, 0.019), True, "is ahead of"),
        (Measure(0.012, 0.005, 0.019), False, "is behind"),
        (Measure(0.0, 0.0, 0.0), True, "cannot be told apart from"),
        (Measure(0.05), True, "cannot be told apart from"),
    ],
)
def test_a_difference_across_zero_cannot_be_told_apart(difference, higher_is_better, words):
    assert f"XGBoost {words} this model" in compare_phrase("XGBoost", difference, higher_is_better=higher_is_better)


@pytest.mark.parametrize(
    ("effect", "phrase"),
    [
        (Measure(0.07, 0.06, 0.08), "Debt raised the prediction"),
        (Measure(-0.07, -0.08, -0.06), "Debt lowered the prediction"),
        (Measure(0.01, -0.01, 0.03), "The effect of Debt cannot be told apart from zero"),
    ],
)
def test_effects_raise_or_lower_or_are_not_told_from_zero(effect, phrase):
    assert sign_phrase("Debt", effect) == phrase


def test_shares_name_their_ends():
    assert [share_phrase(k, 10, "groups") for k in (0, 9, 10)] == [
        "none of 10 groups",
        "9 of 10 groups",
        "all 10 groups",
    ]


def test_lists_of_any_length_read_as_words():
    assert [list_text(items) for items in ((), ("a",), ("a", "b"), ("a", "b", "c"))] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_the_lead_names_failures_first_and_every_open_point():
    verdicts = (
        ("ranking", Verdict("pass", "passes")),
        ("drift", Verdict("fail", "fails")),
        ("approval", Verdict("open", "not settled")),
        ("swap set", Verdict("unfilled", "not filled")),
    )
    assert lead_sentence(verdicts) == (
        "Drift fails its limit. Approval is not settled. Swap set is not filled. Ranking passes."
    )


def test_no_phrase_uses_a_banned_word():
    phrases = [limit_phrase("AUC", Measure(v, v - 0.03, v + 0.03), LIMIT) for v in (0.7, 0.8, 0.9)]
    phrases += [compare_phrase("A", Measure(v, v - 0.01, v + 0.01)) for v in (-0.1, 0.0, 0.1)]
    assert not [word for word in BANNED for phrase in phrases if word in phrase]
