import datetime

import pytest

from appkit.reporting.facts import Limit, Measure
from appkit.reporting.numbers import (
    count_text,
    date_text,
    decimals_for,
    effect_text,
    hash_text,
    interval_text,
    limit_text,
    long_text,
    number_text,
    one_in_text,
    rank_text,
    rate_text,
    too_few_text,
    value_text,
)


@pytest.mark.parametrize(
    ("error", "decimals"),
    [(0.015, 3), (0.049, 3), (0.05, 2), (0.07, 2), (0.1, 2), (0.5, 1), (3.0, 1), (6.0, 0), (120.0, 0), (1e-9, 6)],
)
def test_digits_follow_the_half_width(error, decimals):
    assert decimals_for(error) == decimals


def test_an_error_of_zero_decides_nothing():
    with pytest.raises(ValueError, match="error must be positive"):
        decimals_for(0.0)


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        (Measure(0.8164, 0.8012, 0.8309), "0.816 (0.801 to 0.831)"),
        (Measure(0.064, 0.037, 0.091, decimals=2), "0.06 (0.04 to 0.09)"),
        (Measure(-15.2, -21.3, -9.1, unit="EUR"), "EUR −15 (−21 to −9)"),
        (Measure(0.1333, 0.125, 0.142, unit="%"), "13.3\u202f% (12.5 to 14.2)"),
        (Measure(0.012, -0.014, 0.038, unit="points"), "1.2 points (−1.4 to 3.8)"),
        (Measure(12345.0, 12245.0, 12445.0, unit="cycles"), "12\u202f345 cycles (12\u202f245 to 12\u202f445)"),
        (Measure.exact(18240, unit="count"), "18\u202f240"),
        (Measure(0.5), "0.5"),
    ],
)
def test_value_and_interval_share_decimals_and_name_the_unit_once(measure, text):
    assert long_text(measure) == text


def test_an_exact_number_has_no_interval_to_print():
    assert interval_text(Measure.exact(0.3)) == ""


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (-1.0, 1, "−1.0"),
        (1234567.0, 0, "1\u202f234\u202f567"),
        (999.4, 0, "999"),
        (-0.04, 1, "0.0"),
        (0.0, 2, "0.00"),
    ],
)
def test_numbers_use_a_true_minus_and_narrow_spaces(value, decimals, text):
    assert number_text(value, decimals) == text


def test_only_signed_numbers_carry_a_plus():
    assert (number_text(1.0, 1, is_signed=True), number_text(1.0, 1)) == ("+1.0", "1.0")


@pytest.mark.parametrize(
    ("effect", "error", "unit", "texts"),
    [
        (0.074, 0.004, "points", ("+7.4", "± 0.8")),
        (-0.010, 0.003, "points", ("−1.0", "± 0.6")),
        (0.0004, 0.0007, "points", ("+0.04", "± 0.14")),
        (1.234, 0.05, "log-odds", ("+1.23", "± 0.10")),
        (0.02, 0.0, "points", ("+2", "± 0")),
    ],
)
def test_effects_print_two_standard_errors(effect, error, unit, texts):
    assert effect_text(effect, error, unit=unit) == texts


def test_cents_vanish_above_a_hundred():
    assert value_text(Measure(1900.25, 1900.0, 1900.5, unit="EUR")) == "EUR 1\u202f900"
    assert value_text(Measure(19.256, 19.2, 19.3, unit="EUR")) == "EUR 19.26"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.133, "13.3\u202f%"),
        (0.01, "1.0\u202f%"),
        (0.0025, "0.25\u202f% (1 in 400)"),
        (0.00013, "0.013\u202f% (1 in 7\u202f700)"),
        (0.0, "0.0\u202f%"),
    ],
)
def test_rates_under_one_percent_are_told_as_one_in_n(rate, text):
    assert rate_text(rate) == text


def test_one_in_n_has_two_digits():
    assert one_in_text(1 / 7342) == "1 in 7\u202f300"


def test_counts_are_exact_up_to_a_million():
    assert (count_text(1_000_000), count_text(1_000_001)) == ("1\u202f000\u202f000", "1.00 million")


def test_small_groups_get_no_rate():
    assert too_few_text(14) == "too few (n = 14)"


def test_places_that_cannot_be_told_apart_are_a_range():
    assert (rank_text(3, 3), rank_text(8, 10)) == ("3", "8–10")


def test_dates_are_iso():
    assert date_text(datetime.date(2026, 1, 5)) == "2026-01-05"


def test_hashes_show_sixteen_digits():
    assert hash_text("7c1e4fa092b3" + "0" * 48 + "e18d") == "sha256 7c1e4fa0 92b3 … e18d"


@pytest.mark.parametrize(
    ("limit", "like", "text"),
    [
        (Limit(low=0.75), Measure(0.8, 0.79, 0.81), "at least 0.75"),
        (Limit(high=0.1), Measure(0.06, 0.04, 0.09), "at most 0.10"),
        (Limit(0.9, 1.1), Measure(1.0, 0.92, 1.06), "0.90 to 1.10"),
        (Limit(low=0.9), Measure(0.94, 0.92, 0.96, unit="%"), "at least 90\u202f%"),
        (Limit(high=0.0, label="no change"), Measure(-15, -21, -9), "no change"),
        (Limit(high=1e-5), Measure.exact(2e-7), "at most 10⁻⁵"),
        (None, Measure(1.0), "no limit set"),
    ],
)
def test_limits_are_told_in_words(limit, like, text):
    assert limit_text(limit, like) == text


def test_tiny_numbers_are_powers_of_ten():
    assert long_text(Measure.exact(2e-7)) == "2 × 10⁻⁷"
