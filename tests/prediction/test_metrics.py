import numpy as np
import pytest
from sklearn import metrics as oracle

from appkit.prediction import metrics


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(0)
    p = np.round(rng.beta(1, 3, size=300), 2)
    return rng.random(300) < p, p, rng.exponential(size=300)


@pytest.fixture(scope="module")
def labels():
    rng = np.random.default_rng(1)
    true = rng.integers(0, 3, size=200)
    p = rng.dirichlet([1, 1, 1], size=200) + 0.5 * np.eye(3)[true]
    return true, p / p.sum(axis=1, keepdims=True), rng.exponential(size=200)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.average_precision, oracle.average_precision_score),
        (metrics.log_loss, oracle.log_loss),
        (metrics.brier, oracle.brier_score_loss),
    ],
)
def test_probability_metrics_agree_with_scikit_learn(events, ours, theirs):
    y, p, weights = events
    assert ours(y, p).value == pytest.approx(theirs(y, p))
    assert ours(y, p, sample_weight=weights).value == pytest.approx(theirs(y, p, sample_weight=weights))


def test_label_metrics_agree_with_scikit_learn(labels):
    true, p, weights = labels
    said = p.argmax(axis=1)
    f1 = oracle.f1_score(true, said, average="macro", sample_weight=weights)
    balanced = oracle.balanced_accuracy_score(true, said, sample_weight=weights)
    assert metrics.macro_f1(true, said, sample_weight=weights).value == pytest.approx(f1)
    assert metrics.balanced_accuracy(true, said, sample_weight=weights).value == pytest.approx(balanced)
    assert metrics.accuracy(true, said).value == pytest.approx(oracle.accuracy_score(true, said))


def test_class_probability_metrics_agree_with_scikit_learn(labels):
    true, p, _ = labels
    assert metrics.macro_auc(true, p).value == pytest.approx(oracle.roc_auc_score(true, p, multi_class="ovr"))
    assert metrics.multiclass_log_loss(true, p).value == pytest.approx(oracle.log_loss(true, p))


def jackknife_error(statistic, *arrays):
    n = len(arrays[0])
    left_out = [statistic(*(np.delete(array, row, axis=0) for array in arrays)) for row in range(n)]
    return np.sqrt((n - 1) / n * np.sum((left_out - np.mean(left_out)) ** 2))


@pytest.mark.parametrize("metric", [metrics.macro_f1, metrics.balanced_accuracy])
def test_linearised_errors_of_labels_agree_with_the_jackknife(labels, metric):
    true, said = labels[0], labels[1].argmax(axis=1)
    estimate = metric(true, said)
    expected = jackknife_error(lambda *pair: metric(*pair).value, true, said)
    assert (estimate.high - estimate.low) / 3.92 == pytest.approx(expected, rel=0.03)


def test_linearised_error_of_average_precision_agrees_with_the_jackknife(events):
    y, p, _ = events
    estimate = metrics.average_precision(y, p)
    on_logit = np.log(estimate.high / (1 - estimate.high)) - np.log(estimate.low / (1 - estimate.low))
    error = on_logit / 3.92 * estimate.value * (1 - estimate.value)
    assert error == pytest.approx(jackknife_error(oracle.average_precision_score, y, p), rel=0.03)


def test_rates_at_a_threshold_are_counts_of_the_confusion_table():
    y = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    alarm = np.array([1, 1, 0, 1, 0, 0, 0, 0])
    found = [metric(y, alarm).value for metric in (metrics.sensitivity, metrics.specificity, metrics.precision)]
    assert found == pytest.approx([2 / 3, 4 / 5, 2 / 3])


def test_precision_without_an_alarm_is_not_a_number():
    estimate = metrics.precision([1, 0], [0, 0])
    assert np.isnan(estimate.value)
    assert estimate.n == 0


def test_brier_parts_add_up_and_a_constant_forecast_discriminates_nothing(events):
    y, p, _ = events
    parts = metrics.brier_parts(y, p)
    assert parts.miscalibration - parts.discrimination + parts.uncertainty == pytest.approx(metrics.brier(y, p).value)
    assert metrics.brier_parts(y, np.full(len(y), 0.3)).discrimination == 0.0


def test_perfect_labels_of_ten_rows_leave_room_for_doubt():
    labels = np.array([0, 1] * 5)
    assert metrics.balanced_accuracy(labels, labels).low == pytest.approx(0.025**0.1)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        (["good", "bad"], [0.1, 0.2], "boolean or 0 and 1"),
        ([0, 1], [0.1, 1.2], "must lie in"),
        ([0, 1], [0.1, np.nan], "must be finite"),
        ([0, 1], [0.1], "must have shape"),
        ([], [], "not empty"),
    ],
)
def test_bad_input_is_named(y, p, message):
    with pytest.raises(ValueError, match=message):
        metrics.log_loss(y, p)


def test_negative_weights_are_refused():
    with pytest.raises(ValueError, match="sample_weight must not be negative"):
        metrics.brier([0, 1], [0.1, 0.9], sample_weight=[1, -1])
