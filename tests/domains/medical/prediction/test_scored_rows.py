import numpy as np
import pytest

from domains.medical.prediction.scored_rows import scored_rows, validation_rows


def test_patients_are_numbered_and_counted():
    rows = scored_rows([0, 1, 1], [0.1, 0.2, 0.3], groups=["b", "a", "b"])
    patients = rows.patients(rows.y)
    assert patients is not None
    assert patients.tolist() == [1, 0]
    assert rows.n_patients == 2


def test_without_patients_rows_are_independent():
    rows = scored_rows([0, 1], [0.1, 0.2])
    assert rows.patients(rows.y) is None
    assert rows.n_patients is None


@pytest.mark.parametrize("p", [[0.1, 1.2], [-0.1, 0.5], [0.1, np.inf]])
def test_probabilities_are_asked_for_where_needed(p):
    with pytest.raises(ValueError, match="p_val must"):
        validation_rows([0, 1], p, probabilities=True)
