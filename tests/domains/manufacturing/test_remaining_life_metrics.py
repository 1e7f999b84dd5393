import numpy as np
import pytest

from domains.manufacturing.prediction import horizon, remaining_life


def fleet(n_units=8, seed=0):
    """Return truth, prediction, unit and age of units that run to failure, rows shuffled."""
    rng = np.random.default_rng(seed)
    lives = rng.integers(20, 60, size=n_units)
    units = np.repeat(np.arange(n_units), lives)
    ages = np.concatenate([np.arange(life, dtype=float) for life in lives])
    truth = np.repeat(lives, lives) - ages
    predicted = truth + rng.normal(scale=0.25, size=len(truth)) * np.repeat(lives, lives)
    shuffle = rng.permutation(len(truth))
    return truth[shuffle], predicted[shuffle], units[shuffle], ages[shuffle]


def test_errors_by_hand():
    truth, predicted = [10.0, 20.0, 30.0], [13.0, 16.0, 30.0]
    assert remaining_life.rmse(truth, predicted).value == pytest.approx(np.sqrt(25 / 3))
    assert remaining_life.mae(truth, predicted).value == pytest.approx(7 / 3)
    assert remaining_life.bias(truth, predicted).value == pytest.approx(-1 / 3)


def test_nasa_score_punishes_late_more_than_early():
    # d = 10 late: e^1 - 1; d = -13 early: e^1 - 1; d = 20 late: e^2 - 1
    scores = remaining_life.nasa_scores([50.0, 50.0, 50.0], [60.0, 37.0, 70.0])
    np.testing.assert_allclose(scores, [1.718282, 1.718282, 6.389056], rtol=1e-6)
    assert remaining_life.nasa_score([50.0, 50.0, 50.0], [60.0, 37.0, 70.0]).value == pytest.approx(9.825620)


def test_nasa_score_takes_other_scales():
    scores = remaining_life.nasa_scores([5.0, 5.0], [6.0, 3.0], early_scale=2.0, late_scale=1.0)
    np.testing.assert_allclose(scores, np.e - 1)


def test_nasa_score_of_errors_beyond_any_cycle_is_refused():
    with pytest.raises(ValueError, match="errors in cycles, got 9000 in row 1"):
        remaining_life.nasa_scores([0.0, 0.0], [1.0, 9000.0])


def test_share_within_counts_the_ends():
    estimate = remaining_life.share_within([50.0] * 4, [60.0, 60.1, 37.0, 36.9])
    assert estimate.value == 0.5
    assert estimate.name == "Share within -13 and +10"


def test_interval_score_by_hand():
    # inside: 10; below by 2: 4 + 20 * 2; above by 1: 6 + 20 * 1
    estimate = remaining_life.interval_score([5.0, 8.0, 7.0], [0.0, 10.0, 0.0], [10.0, 14.0, 6.0], level=0.9)
    assert estimate.value == pytest.approx((10 + 44 + 26) / 3)


def test_true_quantiles_have_the_best_interval_score():
    y = np.random.default_rng(0).exponential(100.0, size=4000)
    low, high = -100 * np.log(0.95), -100 * np.log(0.05)
    scores = [
        remaining_life.interval_score(y, np.full(4000, a * low), np.full(4000, b * high), level=0.9).value
        for a, b in [(1.0, 1.0), (0.0, 1.0), (3.0, 1.0), (1.0, 0.7), (1.0, 1.4)]
    ]
    assert scores[0] == min(scores)


def test_coverage_of_one_row_per_unit_has_the_exact_interval():
    truth = np.arange(20.0)
    low, high = np.zeros(20), np.full(20, 17.0)
    estimate = remaining_life.interval_coverage(truth, low, high, units=np.arange(20))
    assert estimate.value == 0.9
    assert (estimate.low, estimate.high) == pytest.approx((0.6830, 0.9877), abs=1e-4)
    assert remaining_life.interval_width(truth, low, high).value == 17.0


def test_intervals_redraw_units_not_rows():
    rng = np.random.default_rng(0)
    errors, units = np.repeat(rng.normal(size=30), 50), np.repeat(np.arange(30), 50)
    truth = np.full(1500, 10.0)
    by_unit = remaining_life.bias(truth, truth + errors, units=units)
    expected = 2 * 1.96 * errors.std() / np.sqrt(30)
    assert by_unit.high - by_unit.low == pytest.approx(expected, rel=0.1)
    by_row = remaining_life.bias(truth, truth + errors)
    assert by_row.high - by_row.low < expected / 5


def test_one_unit_has_figures_but_no_interval():
    estimate = remaining_life.rmse([3.0, 2.0], [4.0, 4.0], units=["pump", "pump"])
    assert estimate.value == pytest.approx(np.sqrt(2.5))
    assert np.isnan([estimate.low, estimate.high]).all()


def alpha_lambda_by_hand(truth, predicted, units, ages, *, alpha, fraction):
    hits = []
    for unit in set(units):
        rows = sorted(np.flatnonzero(units == unit), key=lambda row: ages[row])
        moment = fraction * (ages[rows[0]] + truth[rows[0]])
        before = [row for row in rows if ages[row] <= moment]
        if before and ages[rows[-1]] >= moment:
            hits.append(abs(predicted[before[-1]] - truth[before[-1]]) <= alpha * truth[before[-1]])
    return np.mean(hits)


def horizon_by_hand(truth, predicted, units, ages, *, alpha):
    horizons = {}
    for unit in set(units):
        rows = sorted(np.flatnonzero(units == unit), key=lambda row: ages[row])
        band = alpha * (ages[rows[0]] + truth[rows[0]])
        horizons[unit] = 0.0
        for place, row in enumerate(rows):
            if all(abs(predicted[later] - truth[later]) <= band for later in rows[place:]):
                horizons[unit] = truth[row]
                break
    return horizons


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_alpha_lambda_accuracy_agrees_with_the_loop_over_units(seed, fraction):
    truth, predicted, units, ages = fleet(seed=seed)
    expected = alpha_lambda_by_hand(truth, predicted, units, ages, alpha=0.4, fraction=fraction)
    estimate = horizon.alpha_lambda_accuracy(truth, predicted, units=units, ages=ages, alpha=0.4, fraction=fraction)
    assert estimate.value == pytest.approx(expected)
    assert estimate.method == "Clopper-Pearson"


def test_alpha_lambda_accuracy_by_hand():
    # lives of 10: at age 5 the truth is 5 and 0.2 of it 1; unit b errs by 1.5 there
    ages, truth = [4.0, 5.0, 6.0, 5.0, 9.0], [6.0, 5.0, 4.0, 5.0, 1.0]
    units, predicted = ["a", "a", "a", "b", "b"], [0.0, 4.0, 0.0, 6.5, 1.0]
    assert horizon.alpha_lambda_accuracy(truth, predicted, units=units, ages=ages).value == 0.5


def test_alpha_lambda_accuracy_leaves_out_units_that_do_not_get_there():
    truth, ages = [9.0, 8.0, 6.0, 4.0], [1.0, 2.0, 4.0, 6.0]
    estimate = horizon.alpha_lambda_accuracy(truth, [0.0, 0.0, 6.0, 4.0], units=[1, 1, 2, 2], ages=ages)
    assert (estimate.value, estimate.n) == (1.0, 1)


def test_alpha_lambda_accuracy_without_such_units_is_undefined():
    estimate = horizon.alpha_lambda_accuracy([9.0], [9.0], units=[1], ages=[1.0])
    assert np.isnan(estimate.value)
    assert estimate.method == "undefined: no unit has rows before and after 0.5 of its life"


@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9])
def test_prognostic_horizons_agree_with_the_loop_over_units(alpha):
    truth, predicted, units, ages = fleet()
    horizons = horizon.prognostic_horizons(truth, predicted, units=units, ages=ages, alpha=alpha)
    assert horizons.to_dict() == horizon_by_hand(truth, predicted, units, ages, alpha=alpha)


def test_a_constant_prediction_has_no_long_horizon():
    truth = np.arange(100.0, 0.0, -1.0)
    horizons = horizon.prognostic_horizons(truth, np.full(100, 50.0), units=np.zeros(100), ages=100 - truth)
    assert horizons.iloc[0] == 0.0


def test_median_prognostic_horizon_is_the_median_over_units():
    truth, predicted, units, ages = fleet()
    horizons = horizon.prognostic_horizons(truth, predicted, units=units, ages=ages, alpha=0.5)
    estimate = horizon.median_prognostic_horizon(truth, predicted, units=units, ages=ages, alpha=0.5)
    assert estimate.value == horizons.median()
    assert horizons.min() <= estimate.low <= estimate.high <= horizons.max()


def test_a_capped_truth_is_refused_where_life_counts():
    with pytest.raises(ValueError, match=r"one time of failure.*got 6 in row 0 and 7 in the last row of unit 3"):
        horizon.prognostic_horizons([5.0, 5.0], [5.0, 5.0], units=[3, 3], ages=[1.0, 2.0])


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([1.0, -2.0], [1.0, 2.0], "must not be negative, got -2 in row 1"),
        ([1.0, np.nan], [1.0, 2.0], "truth must be finite, got nan in row 1. Leave out units"),
        ([1.0, 2.0], [1.0, np.inf], "predicted must be finite, got inf in row 1"),
        ([1.0, 2.0], [1.0], "predicted must have one number for each of 2 rows"),
        ([], [], "not empty"),
    ],
)
def test_rows_that_make_no_sense_are_refused(truth, predicted, message):
    with pytest.raises(ValueError, match=message):
        remaining_life.rmse(truth, predicted)


def test_two_rows_of_a_unit_at_one_age_are_refused():
    with pytest.raises(ValueError, match="rows 0 and 2 of unit b at 4"):
        horizon.prognostic_horizons([5.0, 5.0, 5.0], [5.0] * 3, units=["b", "a", "b"], ages=[4.0, 4.0, 4.0])


def test_a_negative_age_is_refused():
    with pytest.raises(ValueError, match="ages must not be negative, got -1 in row 1"):
        horizon.prognostic_horizons([5.0, 6.0], [5.0] * 2, units=["b", "b"], ages=[0.0, -1.0])


def test_a_row_without_a_unit_is_refused():
    with pytest.raises(ValueError, match="units must be known in every row, got none in row 1"):
        horizon.prognostic_horizons([5.0, 6.0], [5.0] * 2, units=["b", None], ages=[1.0, 0.0])


def test_unbounded_intervals_cover_but_have_no_mean_width():
    truth, low, high = [1.0, 2.0], [0.0, 0.0], [np.inf, 1.0]
    assert remaining_life.interval_coverage(truth, low, high).value == 0.5
    assert remaining_life.interval_width(truth, low, high).method == "undefined: infinite in 1 of 2 rows"


def test_interval_ends_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="low must not exceed high, got 3 and 2 in row 1"):
        remaining_life.interval_width([1.0, 1.0], [0.0, 3.0], [1.0, 2.0])


@pytest.mark.parametrize("level", [0, 1, 90])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(ValueError, match="level must lie strictly between 0 and 1"):
        remaining_life.interval_score([1.0], [0.0], [1.0], level=level)


def test_a_tolerance_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match="alpha must lie strictly between 0 and 1"):
        horizon.prognostic_horizons([5.0], [5.0], units=[1], ages=[1.0], alpha=20)
