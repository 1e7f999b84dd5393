"""Bars, swarms, waterfalls and dependence: marks stand where the numbers say."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from appkit import plots
from appkit.plots.palette import LIGHT
from appkit.plots.ranking import rank_by_errors
from tests.plots.samples import explanation_of, table_explanation


def hatched(ax):
    return [patch.get_hatch() is not None for patch in ax.patches]


def segments(ax, i):
    return [path.vertices for path in ax.collections[i].get_paths()]


def test_bars_are_mean_absolute_values_with_whiskers_of_two_errors():
    explanation = explanation_of(np.array([[1.0, -4.0], [-3.0, 4.0]]), 0.1)
    ax = plots.bar(explanation)
    assert [patch.get_width() for patch in ax.patches] == [4.0, 2.0]
    half = 2 * 0.1 / 2**0.5
    assert segments(ax, 0)[0][:, 0] == pytest.approx([4 - half, 4 + half])


def test_places_below_the_last_settled_one_are_hatched():
    explanation = explanation_of(np.tile([4.0, 2.0, 1.95, 1.0], (4, 1)), 0.1)
    ax = plots.bar(explanation)
    assert hatched(ax) == [False, True, True, True]
    assert [line.get_ydata()[0] for line in ax.lines] == [0.5]


def test_the_reliable_rank_of_a_certificate_is_taken():
    explanation = explanation_of(np.tile([4.0, 2.0, 1.95, 1.0], (4, 1)), 0.1)
    assert hatched(plots.bar(explanation, reliable=3)) == [False, False, False, True]
    with pytest.raises(ValueError, match="reliable must lie between 0 and the number of players, 4, got 5"):
        plots.bar(explanation, reliable=5)


def test_an_order_that_holds_has_no_cut():
    ax = plots.bar(explanation_of(np.tile([4.0, 2.0], (4, 1)), 0.01))
    assert (hatched(ax), len(ax.lines)) == ([False, False], 0)


def test_players_without_effect_have_no_order_to_settle():
    ax = plots.bar(explanation_of(np.tile([2.0, 0.0, 0.0], (4, 1)), 0.0))
    assert (hatched(ax), len(ax.lines)) == ([False] * 3, 0)


def test_without_errors_no_place_is_settled():
    explanation = explanation_of(np.tile([4.0, 2.0], (4, 1)), 0.01)
    unknown = replace(explanation, global_standard_error=np.full((2, 1), np.nan))
    assert rank_by_errors(unknown, 0).reliable == 0
    assert "no standard errors" in plots.bar(unknown).texts[-1].get_text().replace("\n", " ")


def test_players_left_out_are_counted():
    ax = plots.bar(table_explanation(50, 30), max_players=5)
    assert len(ax.patches) == 5
    assert "5 of 30 players" in ax.texts[-1].get_text().replace("\n", " ")


def test_probabilities_are_drawn_in_percentage_points():
    ax = plots.bar(explanation_of(np.array([[0.25, 0.5]]), 0.0, units="probability"))
    assert [patch.get_width() for patch in ax.patches] == [50.0, 25.0]


def test_every_row_is_a_dot_at_its_effect():
    values = np.array([[1.0, 0.1], [-2.0, 0.2], [3.0, 0.0]])
    ax = plots.beeswarm(explanation_of(values))
    assert sorted(ax.collections[0].get_offsets()[:, 0]) == [-2.0, 1.0, 3.0]


def test_high_values_have_the_last_colour_and_missing_ones_are_hollow():
    data = np.array([[1.0], [np.nan], [9.0]], dtype=object)
    ax = plots.beeswarm(explanation_of(np.array([[1.0], [2.0], [3.0]]), data=data))
    filled, hollow = ax.collections[:2]
    assert [to_hex(colour) for colour in filled.get_facecolors()] == [LIGHT.levels[1], LIGHT.levels[3]]
    assert hollow.get_offsets().data.tolist() == [[2.0, 0.0]]


def test_many_rows_share_dots_at_their_mean():
    ax = plots.beeswarm(explanation_of(np.arange(100.0).reshape(-1, 1)), max_dots=10)
    assert ax.collections[0].get_offsets().data[:, 0].tolist() == [4.5 + 10 * i for i in range(10)]
    assert "about 10 rows" in ax.texts[-1].get_text()


def test_steps_lead_from_the_base_value_to_the_output():
    ax = plots.waterfall(explanation_of(np.array([[0.5, -1.0, 2.0]])))
    ends = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches]
    assert ends == [(0.25, 0.25), (0.25, 2.25), (2.25, 1.25), (1.25, 1.75), (1.75, 1.75)]


def test_more_than_eight_steps_end_in_one_for_the_others():
    values = np.arange(1.0, 13.0)[None]
    ax = plots.waterfall(explanation_of(values, 0.1))
    assert [text.get_text() for text in ax.get_yticklabels()][-2:] == ["4 others", "this row"]
    assert ax.patches[-2].get_width() == pytest.approx(10.0)
    assert segments(ax, 0)[-1][:, 0] == pytest.approx([78.25 - 0.4, 78.25 + 0.4])


def test_nine_players_need_no_others():
    ax = plots.waterfall(explanation_of(np.arange(1.0, 10.0)[None]))
    assert "others" not in "".join(text.get_text() for text in ax.get_yticklabels())


@pytest.mark.parametrize(("event_at", "colour"), [("high", LIGHT.up), ("low", LIGHT.down)])
def test_orange_is_toward_the_event(event_at, colour):
    ax = plots.waterfall(explanation_of(np.array([[1.0, 2.0]])), event_at=event_at)
    assert to_hex(ax.patches[1].get_facecolor()) == colour


def test_weights_that_do_not_add_up_have_no_waterfall():
    lime = replace(explanation_of(np.ones((1, 2))), is_additive=False, method="lime")
    with pytest.raises(ValueError, match="explanation must be additive"):
        plots.waterfall(lime)


def test_the_end_of_the_event_is_high_or_low():
    with pytest.raises(ValueError, match="event_at must be 'high' or 'low', got 'left'"):
        plots.waterfall(explanation_of(np.ones((1, 2))), event_at="left")


def test_dependence_draws_values_against_effects():
    data = np.array([[10.0], [30.0], [20.0]], dtype=object)
    ax = plots.dependence(explanation_of(np.array([[1.0], [3.0], [2.0]]), data=data), 0)
    assert ax.collections[-2].get_offsets().data.tolist() == [[10.0, 1.0], [30.0, 3.0], [20.0, 2.0]]
    assert len(segments(ax, 0)) == 3


def test_missing_values_stand_apart_at_the_right():
    data = np.array([[0.0], [np.nan], [10.0]], dtype=object)
    ax = plots.dependence(explanation_of(np.ones((3, 1)), data=data), "c0", error_bars=False)
    assert ax.collections[-2].get_offsets().data[:, 0].tolist() == [0.0, 11.0, 10.0]
    assert ax.texts[0].get_text() == "missing"


def test_words_stand_side_by_side_and_rare_ones_together():
    words = np.array([[f"w{i:02d}"] for i in range(20)] * 2, dtype=object)
    ax = plots.dependence(explanation_of(np.ones((40, 1)), data=words), 0)
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert (len(labels), labels[0], labels[-1]) == (13, "w00", "8 others")


def test_another_player_colours_the_dots():
    data = np.array([[1.0, "b"], [2.0, None], [3.0, "a"]], dtype=object)
    ax = plots.dependence(explanation_of(np.ones((3, 2)), data=data), 0, color_by=1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b", "other"]
    with pytest.raises(ValueError, match="color_by must be one of"):
        plots.dependence(explanation_of(np.ones((3, 2)), data=data), 0, color_by="c")
