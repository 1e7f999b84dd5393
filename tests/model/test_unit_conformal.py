"""Intervals cover new units, whatever the number of rows each calibration unit brought."""

import json

import numpy as np
import pytest

from appkit.model.codec import ValueReader, ValueWriter
from appkit.model.unit_conformal import UnitIntervals

CAP = 60.0


def make_units(n_units, *, seed):
    """Run-to-failure units of unequal length, each with an error of its own that grows with the life left."""
    rng = np.random.default_rng(seed)
    length = rng.integers(20, 150, n_units)
    unit = np.repeat(np.arange(n_units), length)
    age = np.concatenate([np.arange(n) for n in length]).astype(float)
    truth = np.minimum(length[unit] - 1 - age, CAP)
    error = (rng.normal(size=n_units)[unit] + 0.5 * rng.normal(size=len(unit))) * (1 + truth / 6)
    return np.clip(truth + error, 0, CAP), truth, unit, age


def fit(n_units=40, *, seed=0, **options):
    prediction, truth, unit, _ = make_units(n_units, seed=seed)
    return UnitIntervals.fit(prediction, truth, unit, low=0.0, high=CAP, **options)


def unit_coverage(intervals, *, seed, alpha):
    """Return the probability to cover a new unit at a random moment."""
    prediction, truth, unit, _ = make_units(300, seed=seed)
    low, high = intervals.interval(prediction, alpha=alpha).T
    covered = (low <= truth) & (truth <= high)
    return np.mean(np.bincount(unit, covered) / np.bincount(unit))


@pytest.mark.parametrize("alpha", [0.1, 0.3])
def test_new_units_are_covered_at_a_random_moment(alpha):
    coverage = [unit_coverage(fit(seed=seed), seed=1000 + seed, alpha=alpha) for seed in range(12)]
    assert np.mean(coverage) >= 1 - alpha - 0.01
    assert np.mean(coverage) <= 1 - alpha + 0.05


def test_long_units_weigh_no_more_than_short_ones():
    prediction, truth, unit, _ = make_units(30, seed=0)
    copies = np.where(unit < 3, 10, 1)
    once = UnitIntervals.fit(prediction, truth, unit, low=0.0, high=CAP)
    repeated = UnitIntervals.fit(*(np.repeat(part, copies) for part in (prediction, truth, unit)), low=0.0, high=CAP)
    at = np.linspace(0, CAP, 13)
    assert repeated.interval(at, alpha=0.2) == pytest.approx(once.interval(at, alpha=0.2))


def test_order_of_rows_and_labels_of_units_change_nothing():
    prediction, truth, unit, _ = make_units(20, seed=0)
    order = np.random.default_rng(0).permutation(len(unit))
    labels = np.array([f"engine {number:03d}" for number in unit])
    expected = UnitIntervals.fit(prediction, truth, unit).interval(prediction[:9], alpha=0.2)
    shuffled = UnitIntervals.fit(prediction[order], truth[order], labels[order])
    assert shuffled.interval(prediction[:9], alpha=0.2) == pytest.approx(expected)


def test_width_follows_the_prediction():
    width = np.diff(fit(80).interval(np.array([1.0, 30.0]), alpha=0.1))[:, 0]
    assert width[0] < 0.4 * width[1]


def test_intervals_stay_in_the_range_and_nest():
    intervals, at = fit(80), np.linspace(-5, CAP + 5, 40)
    narrow, wide = intervals.interval(at, alpha=0.4), intervals.interval(at, alpha=0.05)
    assert wide.min() >= 0.0
    assert wide.max() <= CAP
    assert np.all((wide[:, 0] <= narrow[:, 0]) & (narrow[:, 0] <= narrow[:, 1]) & (narrow[:, 1] <= wide[:, 1]))


def test_a_sure_prediction_at_the_cap_gets_a_short_interval():
    rng = np.random.default_rng(0)
    unit, truth = np.repeat(np.arange(60), 80), np.tile(np.minimum(np.arange(80.0), 40.0), 60)
    prediction = np.clip(truth + rng.normal(size=len(truth)) * np.where(truth == 40, 0.1, 8.0), 0, 40)
    ends = UnitIntervals.fit(prediction, truth, unit, low=0.0, high=40.0).interval(np.array([25.0, 40.0]), alpha=0.2)
    assert np.diff(ends)[0, 0] > 10
    assert ends[1, 1] == 40
    assert np.diff(ends)[1, 0] < 2


def test_context_tells_sure_rows_from_unsure_ones():
    rng = np.random.default_rng(0)
    unit, context = np.repeat(np.arange(60), 50), np.tile(np.linspace(0, 1, 50), 60)
    truth = rng.uniform(0, 100, len(unit))
    prediction = truth + rng.normal(size=len(unit)) * (1 + 10 * context)
    intervals = UnitIntervals.fit(prediction, truth, unit, context=context)
    young, old = np.diff(intervals.interval(np.array([50.0, 50.0]), alpha=0.1, context=np.array([0.1, 0.9])))[:, 0]
    assert young == pytest.approx(2 * 1.645 * 2, rel=0.3)
    assert old == pytest.approx(2 * 1.645 * 10, rel=0.3)


def test_truth_beyond_all_quantiles_learnt_is_reached_with_few_units():
    prediction, truth, unit, _ = make_units(9, seed=3)
    ends = UnitIntervals.fit(prediction, truth, unit, n_folds=9).interval(prediction, alpha=0.1)
    assert np.all((ends[:, 0] <= truth) & (truth <= ends[:, 1]))  # nine units promise 90 % only by holding them all


def test_predictions_that_were_all_right_get_intervals_of_no_width():
    truth, unit = np.tile(np.arange(10.0), 12), np.repeat(np.arange(12), 10)
    assert UnitIntervals.fit(truth, truth, unit).interval(np.array([4.5]), alpha=0.1) == pytest.approx(4.5)


def test_the_same_everywhere_is_a_prediction_too():
    truth, unit = np.tile(np.arange(10.0), 30), np.repeat(np.arange(30), 10)
    ends = UnitIntervals.fit(np.full(300, 4.0), truth, unit).interval(np.array([4.0]), alpha=0.2)
    assert ends.tolist() == [[pytest.approx(0.0, abs=1.01), pytest.approx(9.0, abs=1.01)]]


@pytest.mark.parametrize(("n_units", "alpha", "needed"), [(8, 0.1, 9), (9, 0.05, 19), (5, 0.15, 6)])
def test_too_few_units_say_how_many_are_needed(n_units, alpha, needed):
    with pytest.raises(ValueError, match=f"needs at least {needed} held-out units, the model has {n_units}"):
        fit(n_units).interval(np.array([1.0]), alpha=alpha)
    assert fit(needed).interval(np.array([1.0]), alpha=alpha).shape == (1, 2)


def test_many_rows_are_thinned_evenly(monkeypatch):
    monkeypatch.setattr("appkit.model.unit_conformal._MOST_ROWS", 1000)
    thinned = fit(40, random_state=1)
    assert thinned.n_units == 40
    assert unit_coverage(thinned, seed=7, alpha=0.2) == pytest.approx(0.8, abs=0.08)


def test_intervals_are_kept_as_plain_values():
    prediction, truth, unit, age = make_units(20, seed=0)
    intervals = UnitIntervals.fit(prediction, truth, unit, context=age)
    writer = ValueWriter()
    node = json.loads(json.dumps(writer.write(intervals, at="intervals_"), allow_nan=False))
    again = ValueReader(writer.tensors).read(node)
    expected = intervals.interval(prediction, alpha=0.1, context=age)
    np.testing.assert_array_equal(again.interval(prediction, alpha=0.1, context=age), expected)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"truth": np.array([1.0, np.nan, 3.0])}, "truth must be finite in every row, got nan in row 1"),
        ({"prediction": np.array([1.0, 2.0])}, r"prediction must have one value for each of 3 rows, got shape \(2,\)"),
        ({"truth": np.array([1.0, 2.0, 99.0])}, "truth must lie between low=0 and high=60, got 99 in row 2"),
        ({"unit": np.array([7, 7, 7])}, "at least 2 units to learn from, got 1"),
        ({"n_folds": 1}, "n_folds must be at least 2, got 1"),
        ({"context": np.array([0.0, np.inf, 0.0])}, "context must be finite in every row, got inf in row 1"),
    ],
)
def test_rows_that_teach_nothing_are_refused(changed, message):
    given = {"prediction": np.ones(3), "truth": np.ones(3), "unit": np.array([0, 0, 1])} | changed
    with pytest.raises(ValueError, match=message):
        UnitIntervals.fit(**given, low=0.0, high=CAP)


def test_units_may_have_labels_of_two_types():
    prediction, truth, unit, _ = make_units(20, seed=0)
    labels = np.array([str(label) if label % 2 else label for label in unit.tolist()], dtype=object)
    assert UnitIntervals.fit(prediction, truth, labels, low=0.0, high=CAP).n_units == 20


def test_alpha_and_context_are_checked():
    intervals = fit(20)
    with pytest.raises(ValueError, match="alpha must lie strictly between 0 and 1"):
        intervals.interval(np.array([1.0]), alpha=1.0)
    with pytest.raises(ValueError, match="context must be given only if it was in fit"):
        intervals.interval(np.array([1.0]), alpha=0.2, context=np.array([1.0]))
