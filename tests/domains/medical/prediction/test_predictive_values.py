import numpy as np
import pytest
from scipy import stats

from domains.medical.prediction.predictive_values import likelihood_ratios, predictive_values


def counted(caught, missed, false, passed):
    """Return events and flags of a table of four counts."""
    return np.repeat([1, 1, 0, 0], [caught, missed, false, passed]), np.repeat(
        [1, 0, 1, 0], [caught, missed, false, passed]
    )


def test_likelihood_ratios_are_those_of_simel_by_hand():
    positive, negative = likelihood_ratios(*counted(45, 5, 20, 80))
    error = np.sqrt(1 / 45 - 1 / 50 + 1 / 20 - 1 / 100)
    assert (positive.value, positive.high) == pytest.approx((4.5, 4.5 * np.exp(1.959964 * error)))
    error = np.sqrt(1 / 5 - 1 / 50 + 1 / 80 - 1 / 100)
    assert (negative.value, negative.low) == pytest.approx((0.125, 0.125 * np.exp(-1.959964 * error)))


def test_predictive_values_are_bayes_rule_with_mercaldos_logit_interval():
    ppv, npv = predictive_values(*counted(45, 5, 20, 80), prevalence=0.02)
    assert ppv.value == pytest.approx(0.9 * 0.02 / (0.9 * 0.02 + 0.2 * 0.98))
    assert npv.value == pytest.approx(0.8 * 0.98 / (0.8 * 0.98 + 0.1 * 0.02))
    centre, error = np.log(0.9 * 0.02 / (0.2 * 0.98)), np.sqrt(0.1 / (0.9 * 50) + 0.8 / (0.2 * 100))
    assert ppv.low == pytest.approx(1 / (1 + np.exp(-(centre - 1.959964 * error))))
    centre, error = np.log(0.8 * 0.98 / (0.1 * 0.02)), np.sqrt(0.9 / (0.1 * 50) + 0.2 / (0.8 * 100))
    assert npv.high == pytest.approx(1 / (1 + np.exp(-(centre + 1.959964 * error))))


def test_at_the_prevalence_of_the_rows_the_value_is_the_share_counted():
    stated, _ = predictive_values(*counted(45, 5, 20, 80), prevalence=50 / 150)
    counts, npv = predictive_values(*counted(45, 5, 20, 80), prevalence=None)
    oracle = stats.binomtest(45, 65).proportion_ci(method="exact")
    assert stated.value == pytest.approx(counts.value)
    assert (counts.low, counts.high) == pytest.approx((oracle.low, oracle.high))
    assert npv.value == pytest.approx(80 / 85)


@pytest.mark.parametrize(
    ("n_events", "n_rest", "sensitivity", "specificity"),
    [(20, 80, 0.95, 0.9), (50, 200, 0.95, 0.98), (30, 30, 0.98, 0.98)],  # the last hits 0 or 1 in four of five samples
)
def test_predictive_values_cover_the_truth(n_events, n_rest, sensitivity, specificity):
    rng, covered = np.random.default_rng(0), []
    truth = np.array([sensitivity * 0.1, specificity * 0.9])
    truth = truth / (truth + [(1 - specificity) * 0.9, (1 - sensitivity) * 0.1])
    for _ in range(1000):
        caught, passed = rng.binomial(n_events, sensitivity), rng.binomial(n_rest, specificity)
        table = counted(caught, n_events - caught, n_rest - passed, passed)
        found = predictive_values(*table, prevalence=0.1)
        covered.append([v.low <= t <= v.high for v, t in zip(found, truth, strict=True)])
    assert (np.mean(covered, axis=0) > 0.92).all()


def test_values_clustered_by_patient_cover_where_plain_ones_do_not():
    rng, covered = np.random.default_rng(1), []
    truth = 0.9 * 0.1 / (0.9 * 0.1 + 0.2 * 0.9)
    for _ in range(400):
        groups = np.repeat(np.arange(60), 5)
        y = groups < 30  # all images of a patient share the outcome, and mostly the reading
        rate = np.where(np.arange(60) < 30, rng.beta(0.9, 0.1, 60), rng.beta(0.2, 0.8, 60))
        alarm = rng.random(300) < rate[groups]
        found = [predictive_values(y, alarm, prevalence=0.1, groups=given)[0] for given in (groups, None)]
        covered.append([value.low <= truth <= value.high for value in found])
    clustered, plain = np.mean(covered, axis=0)
    assert clustered > 0.92
    assert plain < 0.8


def test_a_flag_never_wrong_keeps_an_honest_lower_end():
    positive, _ = likelihood_ratios(*counted(18, 2, 0, 100))
    ppv, _ = predictive_values(*counted(18, 2, 0, 100), prevalence=0.1)
    assert (positive.value, positive.high, ppv.value, ppv.high) == (np.inf, np.inf, 1.0, 1.0)
    assert ppv.low == pytest.approx(positive.low * 0.1 / (positive.low * 0.1 + 0.9))
    assert 0.3 < ppv.low < 0.9


def test_an_absent_flag_never_wrong_keeps_an_honest_end_too():
    _, negative = likelihood_ratios(*counted(20, 0, 30, 70))
    _, npv = predictive_values(*counted(20, 0, 30, 70), prevalence=0.1)
    assert (negative.value, negative.low, npv.value) == (0.0, 0.0, 1.0)
    assert 0.9 < npv.low < 1


def test_without_a_flag_its_value_is_undefined():
    ppv, npv = predictive_values(*counted(0, 20, 0, 80), prevalence=0.1)
    assert np.isnan([ppv.value, ppv.low, ppv.high]).all()
    assert npv.value == pytest.approx(0.9)


@pytest.mark.parametrize("prevalence", [0, 1, 10, -0.1, np.nan])
def test_a_prevalence_that_is_no_share_is_refused(prevalence):
    with pytest.raises(ValueError, match="prevalence must be a share strictly between 0 and 1"):
        predictive_values([0, 1], [0, 1], prevalence=prevalence)


def test_flags_and_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match="alarm must have one entry per row of y, got 3 for 2"):
        likelihood_ratios([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match="groups must have one entry per row, got 1 for 2"):
        likelihood_ratios([0, 1], [0, 1], groups=["a"])
