"""The numbers of each row that checks and objections share."""

import numpy as np
import pytest

from appkit.explanation.certificate.checks import CHECK_LIMITS
from appkit.explanation.certificate.evidence import Evidence
from tests.explanation.certificate.values import explanation_of


def evidence_of(values: np.ndarray, *, said: np.ndarray, error: float = 0.0, base: float = 0.0) -> Evidence:
    explanation = explanation_of(values, error, base_value=np.full((len(values), 1), base))
    return Evidence(
        explanation=explanation,
        second=explanation,
        lime=None,
        said=said,
        removal=None,
        randomisation=None,
        pointing=None,
        output=0,
        limits=CHECK_LIMITS,
    )


def test_the_gap_is_relative_to_the_largest_term_of_the_sum():
    evidence = evidence_of(np.array([[3.0, -2.0], [4.0, 0.0]]), said=np.array([1.1, 4.0]))
    assert evidence.gaps == pytest.approx([0.1 / 5.0, 0.0])


def test_a_row_without_a_value_has_no_gap_where_nothing_is_said():
    assert evidence_of(np.zeros((1, 2)), said=np.zeros(1)).gaps == pytest.approx([0.0])


def test_relative_error_is_the_ratio_of_norms():
    evidence = evidence_of(np.array([[3.0, 4.0]]), said=np.array([7.0]), error=0.5)
    assert evidence.relative_errors == pytest.approx([0.5 * 2**0.5 / 5.0])


def test_a_row_near_its_base_value_has_its_error_held_against_the_output():
    evidence = evidence_of(np.array([[0.01, -0.01]]), said=np.array([10.0]), base=10.0, error=0.1)
    assert evidence.relative_errors == pytest.approx([0.1 * 2**0.5 / 0.5])


def test_players_a_row_does_not_have_count_nowhere():
    evidence = evidence_of(np.array([[3.0, 4.0, np.nan]]), said=np.array([7.0]), error=0.5)
    assert evidence.n_own.tolist() == [2]
    assert evidence.gaps == pytest.approx([0.0])
    assert evidence.relative_errors == pytest.approx([0.5 * 2**0.5 / 5.0])
