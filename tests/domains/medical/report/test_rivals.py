"""Challengers are compared on the same images, paired and by patient; what anybody may hand over."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from appkit.prediction import auc_difference, brier
from appkit.reporting.facts import ChallengerTable, NotFilled
from domains.medical.report.baselines import PooledPixels, WholeImageStatistics
from domains.medical.report.rivals import rivals_section
from tests.domains.medical.report.study import SpotReader, context_of, pictures, study


def rows_of(context):
    (block,) = rivals_section(context).blocks
    assert isinstance(block, ChallengerTable)
    return {row.name: row for row in block.challengers}


def test_auto_fits_two_baselines_on_the_training_images(full):
    rows = rows_of(full)
    assert list(rows) == ["This model", "Image statistics", "Pooled pixels"]
    learnt = PooledPixels().fit(full.reference_images.images.pixels, full.reference_y == "lesion")
    score = learnt.predict_proba(full.subject.images.pixels)[:, 1]
    difference = auc_difference(full.events, score, full.output, groups=full.units)
    assert rows["Pooled pixels"].difference.value == pytest.approx(difference.value)
    assert rows["Pooled pixels"].difference.low == pytest.approx(difference.low)


def test_scores_of_a_reader_are_a_challenger():
    score = np.random.default_rng(0).normal(size=300)
    rows = rows_of(study(challengers={"A reader": score}))
    assert rows["A reader"].measure.value < rows["This model"].measure.value
    assert isinstance(rows["A reader"].cells[0], NotFilled)


def test_probabilities_given_as_scores_have_a_brier_score():
    context = study(challengers={"Always a third": np.full(300, 1 / 3)})
    expected = brier(context.events, np.full(300, 1 / 3)).value
    assert rows_of(context)["Always a third"].cells[0].value == pytest.approx(expected)


def test_a_fitted_image_model_reads_the_frame_itself():
    rows = rows_of(study(challengers={"The same": SpotReader()}))
    assert rows["The same"].difference.value == 0.0


def test_scores_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"challengers\['short'\] must be a fitted classifier or one finite score"):
        rivals_section(study(challengers={"short": np.zeros(7)}))


def test_a_model_of_other_labels_is_refused():
    other = LogisticRegression().fit([[0.0], [1.0]], ["cat", "dog"])
    with pytest.raises(ValueError, match=r"must know the label 'lesion', its classes are \['cat', 'dog'\]"):
        rivals_section(study(challengers={"pets": other}))


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"challengers": None}, 'challengers="auto"'),
        ({"reference": None}, "reference=(X_train, y_train)"),
        ({"reference": pictures(30)[0]}, "reference=(X_train, y_train)"),
    ],
)
def test_what_is_missing_is_named(given, argument):
    (gap,) = rivals_section(study(**given)).blocks
    assert isinstance(gap, NotFilled)
    assert gap.argument == argument


def test_statistics_of_the_whole_image_do_not_see_a_place():
    X = np.random.default_rng(0).integers(0, 90, (80, 16, 16, 1)).astype(np.uint8)
    X[:40, :4, :4] += 60
    X[40:, -4:, -4:] += 60
    y = np.repeat([False, True], 40)
    by_place = PooledPixels().fit(X[::2], y[::2]).predict(X[1::2])
    by_grey = WholeImageStatistics().fit(X[::2], y[::2]).predict(X[1::2])
    assert (by_place == y[1::2]).mean() == 1.0
    assert (by_grey == y[1::2]).mean() < 0.8


def test_cells_of_pooled_pixels_are_means():
    X = np.random.default_rng(0).integers(0, 255, (3, 16, 24, 3)).astype(np.uint8)
    cells = PooledPixels()._numbers(X)
    assert cells.shape == (3, 64 * 3)
    assert cells[1, 9] == pytest.approx(X[1, :2, 9:12, 0].mean())


def test_without_patients_nothing_is_clustered():
    context = context_of(SpotReader(patient=None), *pictures(90), challengers={"Half": np.full(90, 0.5)})
    (block,) = rivals_section(context).blocks
    assert "clustered" not in block.caption
