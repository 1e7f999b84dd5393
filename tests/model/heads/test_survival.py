"""Life and survival read off curves, against closed forms and numerical integration."""

import numpy as np
import pytest

from appkit.model.heads import expected_life, survival_at

EDGES = (5.0, 10.0, 30.0)
SURVIVAL = np.array([[0.9, 0.6, 0.1], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])


def test_expected_life_is_the_area_under_the_curve():
    times = np.linspace(0, 30, 30_001)
    heights = survival_at(SURVIVAL, EDGES, times)
    area = (heights[:, :-1] + heights[:, 1:]) @ np.diff(times) / 2
    assert expected_life(SURVIVAL, EDGES) == pytest.approx(area)
    assert expected_life(SURVIVAL, EDGES)[1:] == pytest.approx([30.0, 2.5])


def test_fine_curve_of_a_constant_hazard_gives_its_mean():
    edges = np.linspace(0.1, 200, 2000)
    assert expected_life(np.exp(-edges / 10)[None], tuple(edges)) == pytest.approx([10.0], rel=1e-3)


def test_survival_passes_through_its_edges_in_straight_lines():
    heights = survival_at(SURVIVAL, EDGES, np.array([0.0, 2.5, 5.0, 20.0, 30.0]))
    assert heights[0] == pytest.approx([1.0, 0.95, 0.9, 0.35, 0.1])


@pytest.mark.parametrize("time", [-1.0, 31.0, np.nan])
def test_times_where_nothing_is_known_are_refused(time):
    with pytest.raises(ValueError, match="from 0 to the last edge, 30, got"):
        survival_at(SURVIVAL, EDGES, np.array([1.0, time]))


def test_curves_must_fit_their_edges():
    with pytest.raises(ValueError, match=r"one column per edge, 3, got shape \(3, 2\)"):
        expected_life(SURVIVAL[:, :2], EDGES)
