import numpy as np
import pytest

from domains.medical.prediction.worst_errors import worst_errors


def test_the_most_confident_errors_come_first_and_ties_by_place():
    y = [1, 1, 1, 0, 0, 0, 1]
    p = [0.4, 0.1, 0.4, 0.6, 0.9, 0.6, 0.8]
    found = worst_errors(y, p, threshold=0.5)
    assert found.false_negatives.tolist() == [1, 0, 2]
    assert found.false_positives.tolist() == [4, 3, 5]


def test_at_most_k_are_shown_and_all_are_counted():
    rng = np.random.default_rng(0)
    y, p = rng.random(200) < 0.5, rng.random(200)
    found = worst_errors(y, p, threshold=0.5, k=3)
    assert (len(found.false_negatives), found.n_false_negatives) == (3, (y & (p < 0.5)).sum())
    assert (len(found.false_positives), found.n_false_positives) == (3, (~y & (p >= 0.5)).sum())


def test_each_patient_shows_its_worst_image_only():
    found = worst_errors([1, 1, 1, 0], [0.3, 0.1, 0.2, 0.0], threshold=0.5, groups=["a", "a", "b", "c"])
    assert found.false_negatives.tolist() == [1, 2]
    assert found.n_false_negatives == 3


def test_a_threshold_at_the_output_flags_it():
    assert worst_errors([1, 0], [0.5, 0.5], threshold=0.5).false_negatives.tolist() == []


def test_a_gallery_of_nothing_is_refused():
    with pytest.raises(ValueError, match="k must be a number of rows"):
        worst_errors([0, 1], [0.1, 0.2], threshold=0.5, k=0)
