import re
from dataclasses import replace

import pytest

from appkit.reporting.charts.axes import row_axis, tick_texts
from appkit.reporting.charts.beeswarm import swarm_marks
from appkit.reporting.charts.calibration import calibration_plot, calibration_scale
from appkit.reporting.charts.curve import curve_plot
from appkit.reporting.charts.history import history_plot
from appkit.reporting.charts.marks import rank_track, tile_scale, tile_track, track
from appkit.reporting.charts.paths import dots_path, line_path
from appkit.reporting.charts.per_hundred import shares_of
from appkit.reporting.charts.scale import Scale, scale_for, ticks
from appkit.reporting.facts import (
    Axis,
    Curve,
    CurveFigure,
    CurvePoint,
    Histogram,
    HistoryFigure,
    Limit,
    Measure,
    NotFilled,
    Outcome,
    PerHundred,
    Period,
)


def per_hundred(*counts: int) -> PerHundred:
    outcomes = tuple(Outcome(str(i), n, "accepted", False) for i, n in enumerate(counts))
    return PerHundred(key="k", finding="f", caption="c", outcomes=outcomes)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)), (-3.0, -1.0, (-3.0, -2.5, -2.0, -1.5, -1.0)), (0.0, 7e5, None)],
)
def test_ticks_are_round_and_inside(low, high, expected):
    places = ticks(low, high)
    assert 2 <= len(places) <= 6
    assert low <= places[0]
    assert places[-1] <= high
    assert expected is None or places == expected


@pytest.mark.parametrize("values", [[0.5], [0.0], [-2.0, -2.0], [1e-9, 2e-9], [1e-18, -3e-18], [-5.0, 5e6]])
def test_any_values_have_an_axis_that_holds_them(values):
    scale = scale_for(values)
    assert scale.low <= min(values)
    assert max(values) <= scale.high


def test_given_ends_are_kept():
    assert scale_for([0.2, 0.7], low=0.0, high=1.0) == Scale(0.0, 1.0)


def test_an_axis_needs_a_length():
    with pytest.raises(ValueError, match="low must be below high"):
        Scale(1.0, 1.0)


def test_places_beyond_the_axis_are_clipped():
    assert (Scale(0.0, 1.0).percent(2.0), Scale(0.0, 1.0).percent(-1.0)) == ("100%", "0%")


def test_tick_labels_share_their_decimals():
    assert tick_texts((0.0, 0.05, 0.1)) == ("0.00", "0.05", "0.10")


@pytest.mark.parametrize(
    ("scale", "most", "unit", "expected"),
    [
        (Scale(0.0, 0.12), 5, "", ["0.00", "0.05", "0.10"]),
        (Scale(0.0, 1.0), 5, "", ["0.0", "0.5", "1.0"]),
        (Scale(0.0, 0.15), 4, "points", ["0", "5", "10", "15"]),
    ],
)
def test_a_row_axis_leaves_out_numbers_that_have_no_room(scale, most, unit, expected):
    assert re.findall(r">([\d.]+)</text>", row_axis(scale, "PSI", unit=unit, most=most)) == expected


def test_zero_keeps_its_number_when_others_are_left_out():
    assert re.findall(r">([^<]+)</text>", row_axis(Scale(-0.03, 0.1), "", most=5))[:2] == ["0.00", "0.05"]


def test_a_point_repeated_is_drawn_once():
    assert line_path([(0, 0), (0, 0), (5, 0)]) == "M0 0h5"


def test_a_dot_takes_about_nine_bytes():
    assert len(dots_path([(417, 23.0)] * 100)) == 900


@pytest.mark.parametrize("counts", [(1, 1, 1), (4240, 292, 962, 506), (1, 999), (0, 3), (7, 7, 7, 7)])
def test_shares_add_up_to_a_hundred(counts):
    assert sum(shares_of(per_hundred(*counts))) == 100


def test_largest_remainders_get_the_last_marks():
    assert shares_of(per_hundred(4240, 292, 962, 506)) == (71, 5, 16, 8)


def test_a_swarm_draws_each_of_its_hundred_dots_once(sample):
    marks = swarm_marks(sample.beeswarm("Age", low=-1.0, high=1.0), Scale(-1.2, 1.2))
    assert marks.count("h0") == 100


def test_a_swarm_of_one_value_stays_inside_its_row(sample):
    row = sample.beeswarm("Age", low=0.5, high=0.5)
    heights = [float(y) for y in re.findall(r"M\d+ ([\d.]+)h0", swarm_marks(row, Scale(0.0, 1.0)))]
    assert min(heights) >= 0
    assert max(heights) <= 46


def test_a_curve_runs_on_the_integer_grid():
    curve = Curve("ROC", (0.0, 0.5, 1.0), (0.0, 0.8, 1.0), (0.0, 0.7, 1.0), (0.0, 0.9, 1.0))
    axes = Axis("False alarms", "%"), Axis("Found", "%", 0.0, 1.0)
    figure = CurveFigure(key="roc", finding="f", caption="c", x_axis=axes[0], y_axis=axes[1], curves=(curve,))
    drawing = curve_plot(figure, name="g1")
    assert 'class="cv" d="M0 1000l500 -800l500 -200"' in drawing
    assert 'class="bd" d="M0 1000l500 -900l500 -100l-500 300l-500 700z"' in drawing


def test_the_operating_point_stands_where_its_measures_say():
    curve = Curve("ROC", (0.0, 1.0), (0.0, 1.0))
    point = CurvePoint("Here", Measure(0.25, 0.2, 0.3), Measure(0.75, 0.7, 0.8))
    figure = CurveFigure(
        key="r",
        finding="f",
        caption="c",
        x_axis=Axis("x"),
        y_axis=Axis("y", "", 0.0, 1.0),
        curves=(curve,),
        point=point,
    )
    drawing = curve_plot(figure, name="g1")
    assert '<circle class="pt" cx="25%" cy="25%" r="5.5"/>' in drawing
    assert '<line class="wk" x1="20%" x2="30%" y1="25%" y2="25%"/>' in drawing


def test_curve_x_must_not_decrease():
    with pytest.raises(ValueError, match="must not decrease"):
        Curve("c", (0.0, 1.0, 0.5), (0.0, 0.1, 0.2))


def test_more_than_101_points_do_not_fit_a_curve():
    values = tuple(i / 101 for i in range(102))
    with pytest.raises(ValueError, match="2 to 101 points"):
        Curve("c", values, values)


def test_a_history_names_gaps_in_place():
    periods = (
        Period("Q1", Measure(0.02, 0.01, 0.03), "2018"),
        Period("Q2", NotFilled(item="PSI", why="no loans"), "2018"),
    )
    figure = HistoryFigure(
        key="h", finding="f", caption="c", y_axis=Axis("PSI"), periods=periods, limit=Limit(high=0.1)
    )
    drawing = history_plot(figure, name="g1")
    assert ">not filled</text>" in drawing
    assert drawing.count(">2018</text>") == 1
    assert figure.status == "unfilled"


def test_the_limit_of_a_history_is_named_above_the_plot():
    figure = HistoryFigure(
        key="h", finding="f", caption="c", y_axis=Axis("PSI"), periods=(Period("Q1", Measure(0.1, 0.0, 0.2)),),
        limit=Limit(high=0.1),
    )  # fmt: skip
    drawing = history_plot(figure, name="g1")
    assert '<text class="t" x="100%" y="0" dy="-12" text-anchor="end">limit: at most 0.1</text>' in drawing


def test_each_of_three_curves_has_a_line_of_its_own():
    curves = tuple(Curve(name, (0.0, 1.0), (0.0, 0.01 * i)) for i, name in enumerate("abc"))
    figure = CurveFigure(key="c", finding="f", caption="c", x_axis=Axis("x"), y_axis=Axis("y"), curves=curves)
    assert re.findall(r'class="(cv[^"]*)"', curve_plot(figure, name="g1")) == ["cv cv3", "cv cv2", "cv"]


def test_the_accepted_zone_covers_the_accepted_side():
    measure, limit = Measure(0.8, 0.7, 0.9), Limit(low=0.5)
    scale = Scale(0.0, 1.0)
    assert 'class="zone" x="50%" width="50%"' in track(scale, measure, limit)


def test_no_limit_no_zone():
    assert "zone" not in tile_track(Measure(0.8, 0.7, 0.9), None)


@pytest.mark.parametrize("measure", [Measure.exact(0.0), Measure(-3.0, -4.0, -2.0), Measure(5.0)])
def test_a_tile_axis_leaves_room_on_both_sides(measure):
    scale = tile_scale(measure, None)
    assert scale.low < (measure.low if measure.low is not None else measure.value)
    assert scale.high > (measure.high if measure.high is not None else measure.value)


@pytest.mark.parametrize("reliable", [0, 3, 5])
def test_places_below_the_cut_are_hatched(reliable):
    assert rank_track(reliable, 5).count('class="hz"') == 5 - reliable


def test_calibration_has_one_scale_for_both_axes(credit_report):
    figure = next(block for block in credit_report.sections[0].blocks if block.key == "calibration")
    assert calibration_scale(figure) == Scale(0.0, 0.6)


def test_the_axes_reach_as_far_as_the_histogram(credit_report):
    figure = next(block for block in credit_report.sections[0].blocks if block.key == "calibration")
    wide = replace(figure, histogram=Histogram(0.0, 1.0, (5, 3, 1, 0, 1)))
    assert calibration_scale(wide) == Scale(0.0, 1.0)


def test_columns_of_the_histogram_stand_over_their_steps(credit_report):
    figure = next(block for block in credit_report.sections[0].blocks if block.key == "calibration")
    figure = replace(figure, histogram=Histogram(0.0, 0.6, (4, 2)))
    columns = re.findall(r'class="mk" x="([^"]+)" width="([^"]+)" y="([^"]+)"', calibration_plot(figure, name="g1"))
    assert columns == [("3%", "44%", "0%"), ("53%", "44%", "50%")]
