import numpy as np
import pytest

from appkit.prediction.kaplan_meier import censoring_curve, kaplan_meier
from appkit.prediction.survival import brier_at, harrell_concordance, integrated_brier, uno_concordance

CONCORDANCE_BEFORE_2 = 0.7273  # of two million uncensored rows: lives exponential with rate exp(risk), risk normal


def tied_sample(seed, n=40):
    """Return events, durations and risks with ties among all of them."""
    rng = np.random.default_rng(seed)
    duration = rng.integers(1, 12, size=n).astype(float)
    event = rng.random(n) < 0.6
    event[duration == duration.max()] = True  # the last is seen to fail, so that all times can be asked
    risk = np.round(-duration + rng.normal(scale=4, size=n))
    return event, duration, risk


def censoring_by_hand(event, duration, time, *, strictly):
    """Return the chance of not being censored by (or strictly before) a time, product over censored durations."""
    chance = 1.0
    for moment in sorted(set(duration[~event])):
        if moment < time or (moment == time and not strictly):
            at_risk = sum((duration > moment) | ((duration == moment) & ~event))
            chance *= 1 - sum((duration == moment) & ~event) / at_risk
    return chance


def concordance_by_hand(event, duration, risk, *, weighted, until=np.inf):
    concordant = pairs = 0.0
    for i in range(len(event)):
        if not event[i] or duration[i] >= until:
            continue
        weight = censoring_by_hand(event, duration, duration[i], strictly=True) ** -2 if weighted else 1.0
        for j in range(len(event)):
            if duration[j] > duration[i] or (duration[j] == duration[i] and not event[j]):
                pairs += weight
                concordant += weight * (0.5 * (risk[j] == risk[i]) + (risk[j] < risk[i]))
    return concordant / pairs


def brier_by_hand(event, duration, survival, time):
    score = 0.0
    for i in range(len(event)):
        if duration[i] <= time and event[i]:
            score += survival[i] ** 2 / censoring_by_hand(event, duration, duration[i], strictly=True)
        if duration[i] > time:
            score += (1 - survival[i]) ** 2 / censoring_by_hand(event, duration, time, strictly=False)
    return score / len(event)


def test_kaplan_meier_of_freireichs_leukaemia_patients():
    # the 21 patients given 6-mercaptopurine; the published curve (Freireich et al., 1963; Cox and Oakes, 1984)
    duration = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    event = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    published = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    curve = kaplan_meier(event, duration)
    np.testing.assert_allclose(curve.at([6, 7, 10, 13, 16, 22, 23]), published, atol=6e-4)


def test_greenwood_interval_on_the_log_minus_log_scale_by_hand():
    curve = kaplan_meier([1, 1, 0, 0], [1.0, 2.0, 3.0, 4.0])
    error = np.sqrt(1 / (4 * 3) + 1 / (3 * 2)) / abs(np.log(0.5))
    expected = 0.5 ** np.exp(np.array([1.959964, -1.959964]) * error)
    np.testing.assert_allclose([curve.low[1], curve.high[1]], expected, rtol=1e-5)


def test_interval_of_the_curve_is_unknown_where_all_or_none_are_left():
    curve = kaplan_meier([0, 1, 1], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(np.isnan(curve.low), [True, False, True])


@pytest.mark.parametrize("seed", range(4))
def test_censoring_curve_agrees_with_the_product_over_censored_durations(seed):
    event, duration, _ = tied_sample(seed)
    curve = censoring_curve(event, duration)
    for time in (0.5, 3.0, 7.0, 11.0):
        expected = censoring_by_hand(event, duration, time, strictly=True)
        assert curve.at(time, just_before=True) == pytest.approx(expected)
        assert curve.at(time) == pytest.approx(censoring_by_hand(event, duration, time, strictly=False))


@pytest.mark.parametrize("n", [2, 3, 16, 37])
@pytest.mark.parametrize("seed", range(4))
def test_concordances_agree_with_the_loop_over_pairs(seed, n):
    event, duration, risk = tied_sample(seed, n=n)
    event[0], duration[0] = True, 0.0
    harrell, uno = harrell_concordance(event, duration, risk), uno_concordance(event, duration, risk)
    assert harrell.value == pytest.approx(concordance_by_hand(event, duration, risk, weighted=False))
    assert uno.value == pytest.approx(concordance_by_hand(event, duration, risk, weighted=True))


def test_concordance_until_a_time_counts_only_failures_before_it():
    event, duration, risk = tied_sample(1)
    expected = concordance_by_hand(event, duration, risk, weighted=True, until=6.0)
    assert uno_concordance(event, duration, risk, until=6.0).value == pytest.approx(expected)


def test_resampled_concordance_is_that_of_the_rows_drawn():
    event, duration, risk = tied_sample(2, n=30)
    rows = np.random.default_rng(0).integers(30, size=30)
    drawn = uno_concordance(event[rows], duration[rows], risk[rows]).value
    assert drawn == pytest.approx(concordance_by_hand(event[rows], duration[rows], risk[rows], weighted=True))
    spread = [
        concordance_by_hand(*(values[draw] for values in (event, duration, risk)), weighted=True)
        for draw in np.random.default_rng(1).integers(30, size=(200, 30))
    ]
    estimate = uno_concordance(event, duration, risk)
    np.testing.assert_allclose([estimate.low, estimate.high], np.quantile(spread, [0.025, 0.975]), atol=0.06)


def test_concordances_agree_where_nothing_is_censored():
    _, duration, risk = tied_sample(3)
    event = np.ones(40, dtype=bool)
    assert uno_concordance(event, duration, risk).value == harrell_concordance(event, duration, risk).value


def test_uno_does_not_depend_on_censoring_and_harrell_does():
    rng = np.random.default_rng(0)
    risk = rng.normal(size=4000)
    life = rng.weibull(1.5, size=4000) * np.exp(-risk * rng.choice([0.2, 1.5], size=4000))
    end = rng.exponential(0.7, size=4000)
    event, duration = life <= end, np.minimum(life, end)
    everyone = np.ones(4000, dtype=bool)
    until = float(np.quantile(life, 0.7))
    truth = uno_concordance(everyone, life, risk, until=until, n_resamples=2).value
    assert uno_concordance(event, duration, risk, until=until, n_resamples=2).value == pytest.approx(truth, abs=0.01)
    assert abs(harrell_concordance(event, duration, risk, n_resamples=2).value - truth) > 0.01


def test_interval_of_the_concordance_covers_the_truth():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(60):
        risk = rng.normal(size=80)
        life, end = rng.exponential(size=80) * np.exp(-risk), rng.exponential(3.0, size=80)
        estimate = uno_concordance(life <= end, np.minimum(life, end), risk, until=2.0, n_resamples=200)
        covered += estimate.low <= CONCORDANCE_BEFORE_2 <= estimate.high
    assert covered >= 52


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("time", [0.5, 4.0, 6.5, 11.0])
def test_brier_score_agrees_with_the_loop_over_rows(seed, time):
    event, duration, _ = tied_sample(seed)
    survival = np.random.default_rng(seed).random(40)
    expected = brier_by_hand(event, duration, survival, time)
    assert brier_at(event, duration, survival, time=time).value == pytest.approx(expected)


def test_integrated_brier_score_is_the_mean_over_time():
    event, duration, _ = tied_sample(0)
    times, survival = np.array([2.0, 3.0, 7.0]), np.random.default_rng(0).random((40, 3))
    scores = [brier_by_hand(event, duration, survival[:, place], time) for place, time in enumerate(times)]
    expected = (0.5 * (scores[0] + scores[1]) * 1 + 0.5 * (scores[1] + scores[2]) * 4) / 5
    assert integrated_brier(event, duration, survival, times=times).value == pytest.approx(expected)


def test_brier_score_of_what_is_certain_and_right_is_zero():
    event, duration = [1, 1, 0], [1.0, 3.0, 5.0]
    assert brier_at(event, duration, [0.0, 1.0, 1.0], time=2.0).value == 0.0


def test_rows_of_a_unit_are_redrawn_together():
    event, duration, risk = (np.repeat(values, 3) for values in tied_sample(0))
    units = np.repeat(np.arange(40), 3)
    clustered = harrell_concordance(event, duration, risk, groups=units)
    alone = harrell_concordance(*tied_sample(0))
    assert clustered.method == "bootstrap, 1000 resamples of 40 groups"
    assert clustered.high - clustered.low == pytest.approx(alone.high - alone.low, rel=0.05)


@pytest.mark.parametrize(
    ("event", "duration", "reason"),
    [
        ([0, 0, 0], [1.0, 2.0, 3.0], "no event among 3 rows"),
        ([0, 0, 1], [1.0, 2.0, 3.0], "no row outlives an event among 3 rows"),
        ([1], [1.0], "no row outlives an event among 1 rows"),
    ],
)
def test_concordance_without_pairs_is_undefined_and_says_why(event, duration, reason):
    estimate = uno_concordance(event, duration, np.arange(len(event)))
    assert np.isnan([estimate.value, estimate.low, estimate.high]).all()
    assert estimate.method == f"undefined: {reason}"


def test_concordance_without_events_in_time_is_undefined():
    assert uno_concordance([1, 1], [3.0, 4.0], [1, 2], until=3.0).method == "undefined: no event before 3"


@pytest.mark.parametrize(
    ("event", "duration", "message"),
    [
        ([1, 0], [3.0, -2.0], "duration must not be negative, got -2 in row 1"),
        ([0, 1], [3.0, np.nan], r"an event without a duration \(row 1; 1 in all\)"),
        ([0, 1], [np.inf, 1.0], r"a censored row without a duration \(row 0"),
        ([0, 1, 1], [3.0, 1.0], "duration must have one entry for each of 3 events"),
        ([0, 2], [3.0, 1.0], "boolean or 0 and 1"),
        ([], [], "not empty"),
    ],
)
def test_outcomes_that_make_no_sense_are_refused(event, duration, message):
    with pytest.raises(ValueError, match=message):
        kaplan_meier(event, duration)


def test_brier_score_beyond_what_is_known_is_refused():
    with pytest.raises(ValueError, match="times must lie before 3, the longest duration, which is censored"):
        brier_at([1, 0], [1.0, 3.0], [0.5, 0.5], time=3.0)


def test_survival_that_is_no_probability_is_refused_by_row():
    with pytest.raises(ValueError, match=r"got \[1.5\] in row 1"):
        brier_at([1, 1], [1.0, 3.0], [0.5, 1.5], time=2.0)


def test_survival_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"must have shape \(2, 3\): rows and times, got \(2, 2\)"):
        integrated_brier([1, 1], [1.0, 3.0], [[0.5, 0.5], [0.1, 0.2]], times=[1, 2, 3])


def test_times_out_of_order_are_refused():
    with pytest.raises(ValueError, match="at least two ascending numbers"):
        integrated_brier([1, 1], [1.0, 3.0], [[0.5, 0.5], [0.1, 0.2]], times=[2, 1])
