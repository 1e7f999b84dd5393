import numpy as np
import pytest
from scipy import stats

from appkit.model.costs import Costs
from domains.medical.prediction.operating_points import (
    ChosenPoint,
    diagnostic_accuracy,
    operating_points,
    operating_table,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)


def study(n=400, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 2, size=n)
    return rng.random(n) < p, p


def test_chosen_thresholds_reach_their_aim_on_validation_rows_and_no_higher_one_does():
    y, p = study()
    by_name = {point.name: point.threshold for point in operating_points(y, p)}
    assert np.mean(p[y] >= by_name["sensitivity 95 %"]) >= 0.95
    assert np.mean(p[y] > by_name["sensitivity 95 %"]) < 0.95
    assert np.mean(p[~y] < by_name["specificity 90 %"]) >= 0.9
    assert list(by_name) == ["sensitivity 90 %", "sensitivity 95 %", "specificity 90 %", "specificity 95 %", "Youden"]


def test_costs_decide_where_the_expected_cost_is_least():
    (point,) = operating_points(
        *study(), sensitivities=(), specificities=(), youden=False, costs=Costs(missed_event=9, false_alarm=1)
    )
    assert (point.name, point.threshold) == ("least cost", pytest.approx(0.1))


def test_costs_ask_for_probabilities():
    with pytest.raises(ValueError, match=r"p_val must lie in \[0, 1\]"):
        operating_points([0, 1], [-3.0, 2.0], costs=Costs(missed_event=9, false_alarm=1))


@pytest.mark.parametrize(("y", "words"), [([0, 0], "2 non-events and no event"), ([1, 1], "2 events and no non-event")])
def test_validation_rows_of_one_class_are_refused(y, words):
    with pytest.raises(ValueError, match=f"y_val must hold events and non-events .* got {words}"):
        operating_points(y, [0.1, 0.2])


def test_table_counts_are_exact_where_images_are_independent():
    y, p = study()
    row = operating_table([ChosenPoint("as fitted", 0.3)], y, p)["as fitted"]
    oracle = stats.binomtest(int((p[y] >= 0.3).sum()), int(y.sum())).proportion_ci(method="exact")
    assert (row.sensitivity.low, row.sensitivity.high) == pytest.approx((oracle.low, oracle.high))
    oracle = stats.binomtest(int((p >= 0.3).sum()), 400).proportion_ci(method="exact")
    assert (row.flagged.low, row.flagged.high) == pytest.approx((oracle.low, oracle.high))
    assert row.prevalence == y.mean()
    assert not row.is_stated


def test_table_holds_every_point_in_order_and_frames_each_figure():
    y, p = study()
    points = operating_points(*study(seed=1))
    table = operating_table(points, y, p, prevalence=0.05)
    frame = table.to_frame()
    assert [row.point for row in table.rows] == list(points)
    assert len(frame) == 5 * 7
    assert frame.loc[("Youden", "PPV"), "value"] == table["Youden"].ppv.value


def test_shares_at_a_stated_prevalence_fit_together():
    found = diagnostic_accuracy(*study(), threshold=0.3, prevalence=0.02)
    caught = 0.02 * found.sensitivity.value
    assert found.flagged.value == pytest.approx(caught + 0.98 * (1 - found.specificity.value))
    assert found.ppv.value == pytest.approx(caught / found.flagged.value)
    assert found.is_stated


def test_flagged_at_a_prevalence_covers_the_truth():
    y, p = study(400_000, seed=9)
    truth = 0.1 * np.mean(p[y] >= 0.3) + 0.9 * np.mean(p[~y] >= 0.3)
    found = [diagnostic_accuracy(*study(150, seed), threshold=0.3, prevalence=0.1).flagged for seed in range(300)]
    assert 0.93 <= np.mean([f.low <= truth <= f.high for f in found]) <= 1


def test_ten_copies_of_each_image_are_no_more_certain_than_one():
    y, p = study(60)
    single = diagnostic_accuracy(y, p, threshold=0.3, prevalence=0.1)
    copied = diagnostic_accuracy(
        np.repeat(y, 10), np.repeat(p, 10), threshold=0.3, prevalence=0.1, groups=np.repeat(np.arange(60), 10)
    )
    for one, ten in zip(single.estimates, copied.estimates, strict=True):
        assert ten.value == pytest.approx(one.value)
        assert ten.high - ten.low > 0.9 * (one.high - one.low)


def test_sensitivity_at_a_specificity_owes_its_threshold_to_validation_rows():
    y, p = study()
    y_val, p_val = study(seed=1)
    estimate = sensitivity_at_specificity(y, p, specificity=0.9, y_val=y_val, p_val=p_val)
    threshold = {x.name: x.threshold for x in operating_points(y_val, p_val)}["specificity 90 %"]
    oracle = stats.binomtest(int((p[y] >= threshold).sum()), int(y.sum())).proportion_ci(method="exact")
    assert (estimate.low, estimate.high) == pytest.approx((oracle.low, oracle.high))


def test_specificity_at_a_sensitivity_mirrors_it():
    y, p = study()
    estimate = specificity_at_sensitivity(y, p, sensitivity=0.8, y_val=y, p_val=p)
    # the mirrored study swaps outcomes and turns scores around
    mirrored = sensitivity_at_specificity(~y, -p, specificity=0.8, y_val=~y, p_val=-p)
    assert (estimate.value, estimate.low) == pytest.approx((mirrored.value, mirrored.low))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (([0, 0], [0.1, 0.2]), "events and non-events"),
        (([0, 1], [0.1, np.nan]), "p must be finite, got nan in row 1"),
        (([0, np.nan], [0.1, 0.2]), "y must be boolean or 0 and 1"),
        (([0, 1], [0.1]), "p must have shape"),
    ],
)
def test_rows_that_cannot_be_measured_are_refused(rows, words):
    with pytest.raises(ValueError, match=words):
        diagnostic_accuracy(*rows, threshold=0.5)


def test_a_patient_for_each_image_is_asked_for():
    with pytest.raises(ValueError, match="groups must have one entry per row, got 3 for 2"):
        diagnostic_accuracy([0, 1], [0.1, 0.2], threshold=0.5, groups=["a", "b", "c"])
    with pytest.raises(ValueError, match="groups must have no missing entry"):
        diagnostic_accuracy([0, 1], [0.1, 0.2], threshold=0.5, groups=np.array(["a", None], dtype=object))
