"""Maps in reports: facts from explanations, and what of them is drawn."""

import base64
import io
import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from appkit.explanation import explain
from appkit.explanation.certificate import Verdict as CertifiedVerdict
from appkit.explanation.counterfactuals import removal_sets
from appkit.plots.palette import OVER_IMAGE
from appkit.reporting import Report
from appkit.reporting.content.maps import certified, history_figure, image_map_figure, moves_finding, sensor_map_figure
from appkit.reporting.content.png import encode_png, png_text
from appkit.reporting.content.segments import boxes_of, outline_of
from appkit.reporting.facts import ImageMapFigure, ItemHistoryFigure, SensorMapFigure, Verdict
from tests.explanation.recommenders import Linear, Shop
from tests.plots.samples import (
    LONG_NAME,
    explanation_of,
    history_explanation,
    image_explanation,
    superpixel_explanation,
    window_explanation,
)
from tests.reporting.test_style import CSS, contrast, distance

PASSED = Verdict("pass", "passed all four checks")
FAILED = Verdict("fail", "not reliable")


@pytest.fixture(scope="module")
def page_with(sample):
    """Page of some figures in a small report."""

    def page(*blocks) -> str:
        report = sample.small_report()
        return replace(report, sections=(replace(report.sections[0], blocks=blocks),)).to_html()

    return page


def painted(boxes, shape):
    """Return how often each pixel is covered."""
    seen = np.zeros(shape, dtype=int)
    for x, y, width, height in boxes:
        seen[y : y + height, x : x + width] += 1
    return seen


@pytest.mark.parametrize("seed", range(5))
def test_boxes_cover_a_mask_once_and_nothing_else(seed):
    mask = np.random.default_rng(seed).random((9, 7)) < 0.5
    assert (painted(boxes_of(mask), mask.shape) == mask).all()


def test_a_patch_is_one_box():
    mask = np.zeros((8, 8), dtype=bool)
    mask[2:6, 4:8] = True
    assert boxes_of(mask) == ((4, 2, 4, 4),)


def test_an_outline_has_the_length_of_the_edge_between_inside_and_outside():
    mask = np.zeros((5, 6), dtype=bool)
    mask[1:4, 2:5] = True
    mask[3, 4] = False
    assert sum(right + down for _, _, right, down in outline_of(mask)) == 12


def test_a_png_reads_back_as_it_was_written():
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    assert np.round(plt.imread(io.BytesIO(encode_png(pixels))) * 255).tolist() == pixels.tolist()


def test_a_png_takes_bytes_in_two_dimensions_only():
    with pytest.raises(ValueError, match="uint8"):
        encode_png(np.zeros((2, 2)))


def test_large_images_are_shrunk_by_means():
    picture = base64.b64decode(png_text(np.tile([0.0, 1.0], (600, 300))))
    assert np.frombuffer(picture[16:24], dtype=">u4").tolist() == [256, 256]
    assert len(picture) < 20_000


def test_a_picture_stays_out_of_the_report_unless_asked_for():
    assert image_map_figure(image_explanation()).image == ""
    assert image_map_figure(image_explanation(), shows_image=True).image.startswith("iVBORw0KGgo")


def test_a_map_has_every_segment_with_its_effect_and_place():
    figure = image_map_figure(image_explanation())
    (shapley,) = figure.maps
    assert len(shapley.cells) == 64
    strongest = max(shapley.cells, key=lambda cell: cell.effect)
    assert (strongest.name, strongest.effect, strongest.boxes) == ("row 5, column 3", 0.106, ((16, 32, 8, 8),))
    assert (shapley.unit, shapley.end) == ("points", 0.11)


def test_segments_of_a_large_image_fit_the_page():
    figure = image_map_figure(image_explanation(1024, 8))
    assert (figure.width, figure.height) == (256, 256)
    covered = sum((painted(cell.boxes, (256, 256)) for cell in figure.maps[0].cells), np.zeros((256, 256), dtype=int))
    assert (covered == 1).all()


def test_rows_with_fewer_segments_have_only_their_own():
    figure = image_map_figure(superpixel_explanation(), 1)
    assert [cell.name for cell in figure.maps[0].cells] == ["top", "bottom"]


def test_a_map_without_a_certificate_leaves_the_section_unfilled():
    assert image_map_figure(image_explanation()).status == "unfilled"
    assert image_map_figure(image_explanation(), verdict=PASSED).status == "pass"


@pytest.mark.parametrize(
    ("status", "printed"),
    [
        ("reliable", Verdict("pass", "reliable")),
        ("reliable up to rank k", Verdict("open", "reliable up to rank 2 of 64")),
        ("not reliable", Verdict("fail", "not reliable")),
        ("nothing to rank", Verdict("note", "nothing to rank")),
    ],
)
def test_a_certificate_is_printed_in_its_own_words(status, printed):
    assert certified(CertifiedVerdict(status, 2, 64, "why")) == printed


def test_the_verdict_stands_under_each_map_and_the_worst_decides(page_with):
    lime = replace(image_explanation(), method="lime")
    figure = image_map_figure(image_explanation(), verdict=PASSED, beside=((lime, FAILED),))
    assert figure.status == "fail"
    words = re.findall(r'class="mapl"><b>([^<]+)</b><span class="st (\w+)">', page_with(figure))
    assert words == [("Shapley (permutation)", "ok"), ("LIME", "bad")]


def test_clear_segments_are_not_drawn_and_each_step_is_one_path(page_with):
    page = page_with(image_map_figure(image_explanation()))
    over = re.findall(r'<g class="over">(.*?)</g>', page)[0]
    assert re.findall(r'class="(d\d)"', over) == ["d2", "d6", "d8"]
    assert over.count("h8v8h-8z") == 5


def test_an_event_at_the_low_end_turns_the_colours_around(page_with):
    figure = image_map_figure(image_explanation(), event_at="low")
    over = re.findall(r'<g class="over">(.*?)</g>', page_with(figure))[0]
    assert re.findall(r'class="(d\d)"', over) == ["d6", "d2", "d0"]
    assert (figure.maps[0].low_label, figure.maps[0].high_label) == ("toward finding", "away")


def test_a_picture_is_written_once_for_all_maps(page_with):
    figure = image_map_figure(image_explanation(), shows_image=True, beside=((image_explanation(), FAILED),))
    page = page_with(figure)
    assert page.count("data:image/png;base64,") == 1
    assert page.count("<use href=") == 2
    assert "://" not in page


def test_the_true_outline_is_dashed(page_with):
    truth = np.zeros((64, 64))
    truth[32:48, 16:24] = 1
    assert 'class="truth" d="M16 32h8' in page_with(image_map_figure(image_explanation(), truth=truth))


def test_the_ramp_names_both_ends_with_zero_between(page_with):
    page = page_with(image_map_figure(image_explanation()))
    ends = "<span>−11 points, away</span><span>0</span><span>+11 points, toward finding</span>"
    assert ends in page


def test_values_past_the_ends_are_counted(page_with):
    figure = image_map_figure(image_explanation())
    short = replace(figure, maps=(replace(figure.maps[0], end=0.05),))
    assert "2 segments lie past the ends of the scale." in page_with(short)


def test_what_a_map_shows_is_said_in_words(page_with):
    page = page_with(image_map_figure(image_explanation()))
    words = "Shapley (permutation) map: 5 of 64 segments told from zero; strongest: row 5, column 3 +10.6"
    assert words in page


def test_nothing_told_from_zero_is_said_in_words(page_with):
    flat = replace(image_explanation(), values=np.zeros((1, 64, 1)))
    page = page_with(image_map_figure(flat))
    assert "0 of 64 segments told from zero." in page
    assert "no segment told from zero" in page


def test_a_window_becomes_rows_of_sensors():
    figure = sensor_map_figure(window_explanation(), event_at="low", step_name="cycles")
    assert [row.name for row in figure.rows] == [
        "Bearing temperature (°C)",
        "Vibration (mm/s)",
        "Number of months since last missed paymen",
    ]
    assert (figure.bounds[0], figure.bounds[-1], len(figure.bounds)) == (-30.0, 0.0, 16)
    assert (figure.rows[1].total, figure.rows[1].total_error) == pytest.approx((-10.15, 0.12 * 15**0.5))
    assert (figure.end, figure.unit, figure.time_label) == (2.6, "cycles", "cycles before the end")


def test_only_the_strongest_thirty_sensors_are_shown():
    figure = sensor_map_figure(window_explanation(tuple(f"s{i}" for i in range(33))))
    assert len(figure.rows) == 30
    assert "3 of 33 sensors" in figure.caption


def test_long_signals_keep_their_lowest_and_highest_values():
    explanation = window_explanation()
    series = np.zeros((1, 5_000, 3))
    series[0, 2_345, 0], series[0, 4_000, 0] = 9.0, -9.0
    layout = replace(explanation.layout, series=series, bounds=np.linspace(0, 5_000, 16).astype(int))
    signal = sensor_map_figure(replace(explanation, layout=layout)).rows[0].signal
    assert (len(signal), max(signal), min(signal)) == (102, 9.0, -9.0)


def test_neutral_cells_are_ground_and_gaps_break_the_signal(page_with):
    page = page_with(sensor_map_figure(window_explanation(), event_at="low"))
    first = page[page.index('class="r ht"') :]
    first = first[: first.index("</div>")]
    assert first.count('<rect class="d4"') == 1
    assert re.findall(r'<path class="(d\d)"', first) == ["d8", "d7", "d6", "d5"]
    assert re.findall(r'class="spark" d="([^"]+)"', first)[0].count("M") == 2


def test_a_dead_sensor_is_said_to_be_dead(page_with):
    explanation = window_explanation()
    series = explanation.layout.series.copy()
    series[..., 0] = np.nan
    dead = replace(explanation, layout=replace(explanation.layout, series=series))
    assert "<small>nothing measured</small>" in page_with(sensor_map_figure(dead))


def test_a_history_becomes_items_oldest_first():
    figure = history_figure(history_explanation(), notes={"Napkins": "2011-08-30"}, key_items=("Bamboo tray",))
    assert [item.label for item in figure.items][:2] == ["Phone case", "Napkins"]
    assert (figure.items[1].note, figure.items[2].is_key) == ("2011-08-30", True)


def test_a_row_has_no_items_of_others():
    assert [item.label for item in history_figure(history_explanation(), 1).items] == ["Cups", "Tray"]


def test_a_long_history_ends_in_one_bar_for_the_others(page_with):
    from appkit.explanation.layouts import HistoryLayout

    n = 40
    items = np.array([[f"item {i}" for i in range(n)]], dtype=object)
    values = np.arange(1.0, n + 1)[None]
    figure = history_figure(explanation_of(values, 0.1, layout=HistoryLayout(items)))
    assert len(figure.items) == 30
    assert (figure.others.n_columns, figure.others.effect) == (10, 55.0)
    assert figure.others.standard_error == pytest.approx(0.1 * 10**0.5)
    assert "10 other items" in page_with(figure)


def test_items_have_bars_on_their_side_of_zero(page_with):
    page = page_with(history_figure(history_explanation()))
    kinds = re.findall(r'<rect class="(up|dn)"', page)
    assert kinds == ["dn", "up", "up", "dn", "up"]
    assert "−0.29 <small>± 0.10</small>" in page


def test_methods_without_errors_say_so(page_with):
    explanation = history_explanation()
    bare = replace(explanation, standard_error=np.full_like(explanation.standard_error, np.nan))
    figure = history_figure(bare)
    assert figure.finding == "Which of 5 items move the prediction is not settled"
    assert "<small>not known</small>" in page_with(figure)


@pytest.mark.parametrize(
    ("effects", "error", "finding"),
    [
        ((0.1, -0.1), 0.1, "None of 2 items can be told apart from zero"),
        ((1.0, -0.1), 0.1, "One of 2 items moves the prediction upward: a"),
        ((0.1, -1.0), 0.1, "One of 2 items moves the prediction downward: b"),
        ((1.0, 3.0), 0.1, "Both items move the prediction; b moves it furthest, upward"),
        ((1.0, 1.1), 0.1, "Both items move the prediction; which moves it furthest is not settled"),
        ((1.0, -3.0, 0.0), 0.1, "2 of 3 items move the prediction; b moves it furthest, downward"),
        ((1.0,), 0.1, "The prediction moves upward: a"),
    ],
)
def test_findings_claim_what_the_errors_support(effects, error, finding):
    names = ["a", "b", "c"][: len(effects)]
    assert moves_finding(names, np.array(effects), np.full(len(effects), error), things="items") == finding


def test_a_name_too_long_for_a_title_stays_out_of_it():
    finding = moves_finding([" ".join("abcdefghijk"), "b"], np.array([3.0, 1.0]), np.full(2, 0.1), things="items")
    assert finding == "Both items move the prediction"


def test_maps_come_back_from_json(sample):
    blocks = (
        image_map_figure(image_explanation(), shows_image=True),
        sensor_map_figure(window_explanation()),
        history_figure(history_explanation()),
    )
    report = sample.small_report()
    report = replace(report, sections=(replace(report.sections[0], blocks=blocks),))
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize("n", [2, 30])
def test_two_and_thirty_sensors_of_long_names_are_drawn(page_with, n):
    figure = sensor_map_figure(window_explanation(tuple(f"{LONG_NAME}{i}" for i in range(n))))
    assert page_with(figure).count('class="r ht"') == n


def test_the_facts_refuse_what_cannot_be_drawn():
    figure = image_map_figure(image_explanation())
    with pytest.raises(ValueError, match="width must be 1 to 256 pixels"):
        replace(figure, width=300)
    with pytest.raises(ValueError, match="maps must have 1 to 6 entries, got 0"):
        replace(figure, maps=())
    with pytest.raises(ValueError, match="end must be a positive number"):
        replace(figure.maps[0], end=0.0)


def test_a_sensor_needs_one_effect_a_segment():
    figure = sensor_map_figure(window_explanation())
    with pytest.raises(ValueError, match="one effect for each of 14 segments"):
        replace(figure, bounds=figure.bounds[1:])
    with pytest.raises(ValueError, match="bounds must ascend"):
        replace(figure, bounds=figure.bounds[::-1])


def test_six_maps_stand_in_lines_of_three_and_seven_panels_in_lines_of_four(page_with):
    maps = image_map_figure(image_explanation()).maps * 6
    six, seven = (
        replace(image_map_figure(image_explanation(), shows_image=shown), maps=maps) for shown in (False, True)
    )
    assert re.findall(r'<div class="(maps[^"]*)">', page_with(six)) == ["maps many"]
    assert re.findall(r'<div class="(maps[^"]*)">', page_with(seven)) == ["maps many four"]


def test_a_map_without_an_image_lies_on_the_page_in_its_own_colours(page_with):
    bare, over = (page_with(image_map_figure(image_explanation(), shows_image=shown)) for shown in (False, True))
    assert 'class="map bare"' in bare
    assert 'class="ramp ovl"' not in bare
    assert 'class="map ovl"' in over
    assert 'class="ramp ovl"' in over


def test_sizes_have_a_scale_from_zero_and_a_colour_of_their_own(page_with):
    explanation = image_explanation()
    figure = image_map_figure(replace(explanation, values=np.abs(explanation.values)))
    (size,) = (replace(item, scale="size", high_label="mean size") for item in figure.maps)
    page = page_with(replace(figure, maps=(size,)))
    assert '<g class="over size">' in page
    assert "<span>0</span><span></span><span>11 points, mean size</span>" in page


def test_a_size_below_zero_is_refused():
    (item,) = image_map_figure(image_explanation()).maps
    with pytest.raises(ValueError, match="must have no negative effects on a scale of size"):
        replace(item, scale="size")


def test_what_is_told_from_zero_may_be_decided_elsewhere(page_with):
    figure = image_map_figure(image_explanation())
    cells = tuple(replace(cell, is_told=False) for cell in figure.maps[0].cells)
    page = page_with(replace(figure, maps=(replace(figure.maps[0], cells=cells),)))
    assert "0 of 64 segments told from zero." in page


def test_the_three_figures_are_there_to_be_drawn(credit_report):
    kinds = {type(block) for section in credit_report.sections for block in section.blocks}
    assert {ImageMapFigure, SensorMapFigure, ItemHistoryFigure} <= kinds


def test_the_ramp_over_images_is_that_of_the_plots():
    start = CSS.index(".ovl {")
    tokens = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", CSS[start : CSS.index("}", start)]))
    assert tuple(tokens[f"d{i}"] for i in range(9)) == OVER_IMAGE
    assert contrast(tokens["truth"], tokens["ground"]) >= 4.5


@pytest.mark.parametrize("sight", ["normal", "deuteranopia", "protanopia", "tritanopia"])
def test_both_ends_of_the_ramp_over_images_differ_for_every_eye(sight):
    assert distance(OVER_IMAGE[0], OVER_IMAGE[-1], sight) >= 15
    assert all(distance(OVER_IMAGE[4 - i], OVER_IMAGE[4 + i], sight) >= 5 for i in range(1, 5))


@pytest.mark.parametrize("side", [OVER_IMAGE[:4], OVER_IMAGE[:4:-1]])
def test_a_stronger_effect_has_a_stronger_colour(side):
    ratios = [contrast(colour, "#ffffff") for colour in side]
    assert ratios == sorted(ratios, reverse=True)


def advice_of_a_shop(**options):
    weights = np.zeros((5, 5))
    weights[0, 2], weights[1, 2], weights[4, 3] = 1.5, 0.5, 0.3
    names = ["green tea", "cups", "teapot", "kettle", "jam"]
    shop = Shop(Linear(weights), {"081734": [0, 1, 4, 0]}, names=names, **options)
    X = pd.DataFrame({"customer": ["081734"], "article": ["i002"]})
    return explain(shop, X, k=1), removal_sets(shop, X, k=1)


def test_advice_is_held_against_the_item_after_the_list_in_words(page_with):
    explanation, removed = advice_of_a_shop()
    figure = history_figure(explanation, key_items=removed.names(0), removal=removed.describe(0))
    assert figure.finding == "Because you bought green tea (2 times) and cups: teapot"
    assert figure.caption == (
        "Customer 081734, advice at rank 1 of 1: teapot. Margin 1.70 over kettle at rank 2. Items already bought are "
        "left out of the list. Shapley (linear), 4 evaluations. Oldest item first. Exact: no standard errors. Without "
        "cups and green tea (2 times), teapot drops from rank 1 to rank 2; no single purchase does that."
    )
    assert [(item.label, item.is_key) for item in figure.items] == [
        ("cups", True), ("jam", False), ("green tea (2 times)", True)
    ]  # fmt: skip
    assert "<b>green tea (2 times)</b>" in page_with(figure)


def test_advice_from_a_list_that_may_repeat_purchases_says_so():
    explanation, _ = advice_of_a_shop(filter_seen=False)
    figure = history_figure(explanation, case="A. Smith")
    assert "A. Smith, advice at rank 1 of 1" in figure.caption
    assert "Items already bought are on the list too." in figure.caption
    assert figure.finding == "All 3 items move the prediction; green tea (2 times) moves it furthest, upward"
