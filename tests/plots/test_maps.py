"""Maps over images and windows, and bars of histories: colours and gaps where the numbers say."""

import io
import re
from dataclasses import replace
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from appkit import plots
from appkit.explanation import ComparedMethod, MethodComparison, explain_game
from appkit.explanation.games import history_game, image_game, window_game
from appkit.plots.image_methods import image_methods as plots_of_methods
from appkit.plots.palette import DARK, LIGHT, OVER_IMAGE
from appkit.plots.ramp import ramp_steps
from tests.plots.samples import (
    explanation_of,
    history_explanation,
    image_explanation,
    superpixel_explanation,
    table_explanation,
    window_explanation,
)


def overlay(ax):
    return np.asarray(ax.images[1].get_array())


def test_segments_within_two_errors_of_zero_are_left_clear():
    picture = overlay(plots.image_map(image_explanation()))
    assert np.unique(picture[..., 3]).tolist() == [0.0, 0.8]
    assert (picture[..., 3] > 0).sum() == 5 * 8 * 8


def test_the_strongest_segment_has_the_last_colour_of_the_ramp():
    picture = overlay(plots.image_map(image_explanation()))
    assert to_hex(picture[4 * 8 + 2, 2 * 8 + 2, :3]) == OVER_IMAGE[-1]
    assert to_hex(picture[5 * 8 + 2, 1 * 8 + 2, :3]) == OVER_IMAGE[2]


def test_the_ramp_has_zero_in_the_middle_and_its_ends_named():
    strip = plots.image_map(image_explanation()).child_axes[0]
    assert [text.get_text() for text in strip.get_xticklabels()] == ["−11", "0", "+11"]
    assert [to_hex(patch.get_facecolor()) for patch in strip.patches] == list(OVER_IMAGE)


def test_values_past_the_ends_are_counted():
    ax = plots.image_map(image_explanation(), end=0.05)
    assert "2 lie past the ends" in ax.texts[-1].get_text().replace("\n", " ")


def test_without_errors_no_segment_is_clear():
    explanation = image_explanation()
    bare = replace(explanation, standard_error=np.full_like(explanation.standard_error, np.nan))
    assert (overlay(plots.image_map(bare))[..., 3] > 0).all()


def test_a_row_with_fewer_segments_is_drawn():
    picture = overlay(plots.image_map(superpixel_explanation(), 1))
    assert to_hex(picture[0, 0, :3]) == OVER_IMAGE[6]
    assert to_hex(picture[5, 7, :3]) == OVER_IMAGE[8]


def test_colour_images_are_drawn_in_grey():
    grey = np.asarray(plots.image_map(image_explanation(n_channels=3)).images[0].get_array())
    assert grey.shape == (64, 64)
    assert (grey.min(), grey.max()) == (0.0, 1.0)


def test_the_true_outline_is_drawn_where_it_is_known():
    truth = np.zeros((64, 64))
    truth[30:40, 15:25] = 1
    ax = plots.image_map(image_explanation(), truth=truth)
    assert "Dashed: the true outline" in ax.texts[-1].get_text().replace("\n", " ")


def test_the_outline_follows_the_pixels_and_closes_at_the_border():
    truth = np.zeros((64, 64))
    truth[32:, :8] = 1
    ax = plots.image_map(image_explanation(), truth=truth)
    outline = ax.collections[0].get_paths()[0].vertices
    assert outline.min(0).tolist() == [-0.5, 31.5]
    assert outline.max(0).tolist() == [7.5, 63.5]
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, 63.5), (63.5, -0.5))


def test_a_map_by_grad_cam_claims_no_unit():
    map_of = replace(image_explanation(), method="grad-cam (6, 8x8)", is_additive=False)
    ax = plots.image_map(map_of)
    assert ax.get_title(loc="left") == "Grad-CAM (6, 8x8): row 0"
    assert "(no unit)" in ax.child_axes[0].get_xlabel()


@pytest.mark.parametrize(
    "draw", [lambda: plots.image_map(image_explanation()), lambda: plots.sensor_map(window_explanation())]
)
def test_the_note_is_there_in_a_notebook_too(draw):
    picture = io.BytesIO()
    draw().figure.savefig(picture, bbox_inches="tight", dpi=100)  # as notebooks do
    picture.seek(0)
    pixels = plt.imread(picture)[..., :3].min(2)
    is_ink = (pixels < 0.8).any(1)
    assert is_ink[-40:].any()


def test_cells_lie_by_sensor_and_time_and_neutral_ones_are_not_told_from_zero():
    ax = plots.sensor_map(window_explanation(), event_at="low")
    cells = np.array([to_hex(patch.get_facecolor()) for patch in ax.patches]).reshape(3, 15)
    assert set(cells[0, :9]) == set(cells[2]) == {LIGHT.ramp[4]}
    assert (cells[0, -1], cells[1, -1]) == (LIGHT.ramp[8], LIGHT.ramp[8])
    assert [ax.patches[0].get_x(), ax.patches[14].get_x()] == [-30.0, -2.0]


def test_the_sum_of_each_row_has_whiskers():
    sums = plots.sensor_map(window_explanation()).child_axes[0]
    totals = [patch.get_width() for patch in sums.patches]
    assert totals == pytest.approx([-7.5, -10.15, 0.75])
    low, high = sums.collections[0].get_paths()[0].vertices[:, 0]
    assert (high - low) / 4 == pytest.approx(0.12 * 15**0.5)


def test_a_signal_that_is_missing_or_constant_is_no_trouble():
    explanation = window_explanation()
    series = explanation.layout.series.copy()
    series[0, :, 0], series[0, :, 1] = np.nan, 7.0
    ax = plots.sensor_map(replace(explanation, layout=replace(explanation.layout, series=series)))
    assert ax.get_yticklabels()[0].get_text().endswith("missing")
    assert len(ax.lines) == 4


def test_items_stand_oldest_first_and_absent_ones_not_at_all():
    ax = plots.history(history_explanation(), 1)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Cups", "Tray"]
    assert [patch.get_width() for patch in ax.patches] == [0.4, 0.0]


def test_a_long_history_keeps_the_strongest_in_their_order():
    ax = plots.history(history_explanation(), 0, max_items=2)
    labels = [text.get_text().replace("\n", "")[:12] for text in ax.get_yticklabels()]
    assert labels == ["Bamboo tray", "number_of_mo", "3 others"]
    assert ax.patches[-1].get_width() == pytest.approx(-0.22)


def test_an_item_bought_twice_has_two_bars_with_names_of_their_own():
    game = history_game(lambda ids: (ids == 3).any(1), [[7, 3, 3], [3]], item_names={3: "tea", 7: "cup"})
    ax = plots.history(explain_game(game, random_state=0))
    assert [text.get_text() for text in ax.get_yticklabels()] == ["cup", "tea", "tea (2)"]


def test_an_image_game_is_drawn_where_its_network_looks():
    images = np.random.default_rng(0).random((1, 16, 16))
    game = image_game(lambda x: x[:, 4:8, 4:8].mean((1, 2)) ** 2, images, n_players=16, fill="mean")
    picture = overlay(plots.image_map(explain_game(game, random_state=0)))
    rows, columns = np.nonzero(picture[..., 3])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 7, 4, 7)


def test_a_window_game_is_drawn_where_its_network_looks():
    rng = np.random.default_rng(0)
    windows, healthy = 3 + rng.random((1, 12, 2)), rng.random((20, 12, 2))
    game = window_game(lambda x: x[:, -4:, 1].sum(1), windows, healthy, n_segments=3, sensors=["heat", "speed"])
    ax = plots.sensor_map(explain_game(game, random_state=0))
    cells = [to_hex(patch.get_facecolor()) for patch in ax.patches]
    assert cells == [LIGHT.ramp[4]] * 5 + [LIGHT.ramp[8]]


def test_a_row_without_items_is_refused():
    explanation = history_explanation()
    empty = replace(explanation, values=np.full_like(explanation.values, np.nan))
    with pytest.raises(ValueError, match="row must have items"):
        plots.history(empty)


def test_a_told_value_is_never_neutral_and_others_always_are():
    values = np.array([1e-9, -1e-9, 5.0])
    assert ramp_steps(values, np.array([True, True, False]), end=5.0).tolist() == [1, -1, 0]


def test_a_ramp_needs_room():
    with pytest.raises(ValueError, match="end must be positive"):
        plots.image_map(image_explanation(), end=0.0)


def test_values_of_no_size_are_clear():
    ax = plots.image_map(replace(image_explanation(), values=np.zeros((1, 64, 1))))
    assert overlay(ax)[..., 3].max() == 0


@pytest.mark.parametrize(("palette", "start"), [(LIGHT, ":root {"), (DARK, ":root[data-theme=dark] {")])
def test_the_colours_are_those_of_the_reports(palette, start):
    css = files("appkit.reporting").joinpath("page.css").read_text(encoding="utf-8")
    block = css[css.index(start) :]
    token = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block[: block.index("}")]))
    named = (palette.paper, palette.ink, palette.note, palette.mark, palette.hatch, palette.up, palette.down)
    assert named == tuple(token[name] for name in ("paper", "ink", "ink3", "markf", "hatch", "upf", "downf"))
    assert palette.levels == tuple(token[f"q{i}"] for i in range(5))
    assert palette.ramp == tuple(token[f"d{i}"] for i in range(9))


def test_a_table_has_no_map():
    with pytest.raises(ValueError, match="must have an ImageLayout, got NoneType"):
        plots.image_map(table_explanation(3, 3))
    assert explanation_of(np.ones((1, 1))).layout is None


def test_methods_share_the_scale_of_the_first_in_their_unit():
    first, other = image_explanation(), image_explanation()
    other = replace(other, values=other.values * 2, method="occlusion", is_additive=False)
    figure = plots_of_methods([first, other], verdicts=["reliable", "not reliable"])
    strips = [ax.child_axes[0] for ax in figure.axes[1:]]
    ends = [[text.get_text() for text in strip.get_xticklabels()] for strip in strips]
    assert ends == [["−11", "0", "+11"]] * 2
    assert [strip.get_xlabel() for strip in strips] == ["points\nreliable", "points; 2 past the ends\nnot reliable"]


def test_a_map_without_a_unit_has_a_scale_of_its_own():
    cam = replace(image_explanation(), method="grad-cam (6, 8x8)", units="activation", is_additive=False)
    figure = plots_of_methods({"shapley": image_explanation(), "grad_cam": cam})
    strip = figure.axes[2].child_axes[0]
    assert [text.get_text() for text in strip.get_xticklabels()] == ["", "0", "strongest"]
    assert strip.get_xlabel().startswith("no unit")


def test_the_image_stands_first_with_the_truth_around_and_nothing_over_it():
    truth = np.zeros((64, 64), dtype=bool)
    truth[30:40, 15:25] = True
    figure = plots_of_methods([image_explanation()], truth=truth)
    assert [len(ax.images) for ax in figure.axes] == [1, 2]
    assert [len(ax.collections) for ax in figure.axes] == [1, 1]
    assert "Dashed" in figure.axes[0].texts[0].get_text()


def test_a_comparison_is_drawn_as_it_is():
    methods = tuple(ComparedMethod(name, image_explanation()) for name in ("shapley", "lime"))
    assert len(plots_of_methods(MethodComparison(methods, output=0)).axes) == 3


def test_superpixels_lie_beside_patches():
    other = superpixel_explanation()
    whole = replace(other, row_player_names=None, method="lime")
    figure = plots_of_methods({"lime": whole, "superpixels": other}, n_columns=2)
    assert figure.axes[2].get_title(loc="left").replace("\n", " ") == "Shapley (permutation), superpixels"


@pytest.mark.parametrize(
    ("asked", "options", "words"),
    [
        ([], {}, "at least one"),
        ([image_explanation()], {"verdicts": []}, "one per explanation, 1, got 0"),
        ({"lime": image_explanation()}, {"verdicts": {"shap": "reliable"}}, r"must name explanations, \['lime'\]"),
        ([image_explanation(), image_explanation(n_channels=3)], {}, "must be of the same images"),
        ([image_explanation()], {"n_columns": 0}, "n_columns must be 1 or more"),
    ],
)
def test_methods_that_do_not_go_together_are_refused(asked, options, words):
    with pytest.raises(ValueError, match=words):
        plots_of_methods(asked, **options)
