"""Reports on sensor series: a row is a window, a player a sensor, an interval redraws units."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.domain import Domain
from appkit.prediction import evaluate
from appkit.reporting import Report, report
from appkit.reporting.content.series_subject import series_subject
from appkit.reporting.facts import (
    Badge,
    BarRows,
    Certificate,
    ImportanceFigure,
    NotFilled,
    Paragraphs,
    SensorMapFigure,
    Tile,
    WarningBox,
    WaterfallFigure,
)
from tests.reporting.content_series import classifier, regressor, worn_machines
from tests.reporting.content_tables import drawn_rows, logistic_model

FEW = {"n_explained": 12}
LIFE = Domain(
    "plant", "Plant", {}, {}, wording={"value": "remaining life", "unit": "cycles", "loss_at": "low", "usual": "new"}
)


def every_fifth(left: pd.Series) -> pd.Series:
    """Return the values of every fifth row, the others unknown."""
    return left.where(left.index % 5 == 0)


def life_report(**options) -> Report:
    X, left = worn_machines()
    return report(regressor(), X, every_fifth(left), **{"domain": LIFE, **FEW, **options})


def blocks(page: Report, kind: type) -> list:
    return [block for section in page.sections for block in section.blocks if isinstance(block, kind)]


@pytest.fixture(scope="module")
def life() -> Report:
    return life_report()


@pytest.fixture(scope="module")
def alarm() -> Report:
    X, left = worn_machines()
    soon = (left <= 15).map({True: "soon", False: "later"})
    return report(classifier(), X, soon.where(X["cycle"] > 8), case=(3, 20), **FEW)


def test_rows_are_the_windows_whose_value_is_known():
    X, left = worn_machines()
    subject = series_subject(regressor(), X, every_fifth(left))
    assert len(subject.table) == every_fifth(left).notna().sum()
    assert subject.table.index[1] == "engine 1, cycle 6"
    assert list(subject.table) == ["heat", "vibration", "noise", "age"]


def test_a_row_shows_the_mean_of_each_sensor_and_the_newest_age():
    X, left = worn_machines()
    row = series_subject(regressor(), X, left).table.loc["engine 1, cycle 12"]
    window = X[(X["engine"] == 1) & X["cycle"].between(5, 12)]
    assert row["heat"] == pytest.approx(window["heat"].mean())
    assert row["age"] == 11


def test_outputs_are_the_predictions_of_the_same_rows_in_any_order():
    X, left = worn_machines()
    mixed = X.sample(frac=1, random_state=0).reset_index(drop=True)
    subject = series_subject(regressor(), mixed, every_fifth(left))
    expected = pd.Series(regressor().predict(mixed))[left.index % 5 == 0]
    assert subject(subject.table) == pytest.approx(expected.to_numpy())
    assert subject(subject.table.iloc[[3]]) == pytest.approx(expected.iloc[[3]])


def test_the_game_of_a_window_starts_where_the_model_does():
    X, left = worn_machines()
    subject = series_subject(classifier(), X, np.where(left <= 15, "soon", "later"))
    game = subject.game(subject.table.iloc[[40]])
    said = game.values(torch.ones(1, len(game.player_names), dtype=torch.bool)).item()
    assert said == pytest.approx(subject(subject.table.iloc[[40]])[0], abs=1e-6)
    assert game.player_names == ("heat", "vibration", "noise", "age")


@pytest.mark.parametrize("case", ["engine 3, cycle 20", (3, 20), (3, 20.0)])
def test_a_case_is_named_by_its_window_or_by_unit_and_time(case):
    X, left = worn_machines()
    row, rule = series_subject(regressor(), X, every_fifth(left)).named(case)
    assert row.index.tolist() == ["engine 3, cycle 20"]
    assert rule == "named by the caller"


def test_a_unit_as_a_case_means_its_newest_window():
    X, left = worn_machines()
    row, _ = series_subject(regressor(), X, left).named(3)
    assert row.index[0] == f"engine 3, cycle {(X['engine'] == 3).sum()}"


@pytest.mark.parametrize("case", ["engine 3, cycle 999", (3, 999), (99, 1), 99])
def test_a_case_that_is_not_there_is_refused(case):
    X, left = worn_machines()
    with pytest.raises(ValueError, match="case must name a window, such as 'engine 1, cycle 1'"):
        series_subject(regressor(), X, left).named(case)


def test_dates_name_a_case():
    X, left = worn_machines()
    dated = X.assign(cycle=pd.Timestamp("2026-01-01") + pd.to_timedelta(X["cycle"], unit="D"))
    row, _ = series_subject(regressor(), dated, left).named((3, pd.Timestamp("2026-01-21")))
    assert row.index[0].startswith("engine 3, cycle 2026-01-21")


def test_units_that_read_alike_are_refused():
    X, left = worn_machines(2)
    X["engine"] = X["engine"].map({1: 1, 2: "1"}).astype(object)
    with pytest.raises(ValueError, match="Units must differ in text for a report"):
        _ = series_subject(regressor(), X, left).table


def test_arrays_are_judged_at_their_newest_step():
    X, _ = worn_machines(4)
    arrays = [own[["heat", "vibration", "noise"]].to_numpy() for _, own in X.groupby("engine")]
    model = regressor()
    subject = series_subject(model, arrays, np.array([1.0, np.nan, 3.0, 4.0]))
    assert subject(subject.table) == pytest.approx(model.predict(arrays)[[0, 2, 3]])


def test_a_report_on_arrays_takes_one_value_per_array():
    X, left = worn_machines()
    halves = [own.iloc[: len(own) // 2] for _, own in X.groupby("engine")]
    y = np.array([left[own.index[-1]] for own in halves])
    y[2] = np.nan
    page = report(regressor(), [own[["heat", "vibration", "noise"]].to_numpy() for own in halves], y, **FEW)
    judged = regressor().predict([own[["heat", "vibration", "noise"]].to_numpy() for own in halves])
    expected = np.sqrt(np.nanmean((judged - np.minimum(y, 50)) ** 2))
    (tile,) = [item for item in page.tiles if isinstance(item, Tile) and item.name == "Root mean squared error"]
    assert tile.measure.value == pytest.approx(expected)


def test_tiles_hold_the_numbers_of_the_evaluation_by_unit(life):
    X, left = worn_machines()
    evaluation = evaluate(regressor(), X, every_fifth(left))
    (tile,) = [item for item in life.tiles if isinstance(item, Tile) and item.name == "Root mean squared error"]
    expected = evaluation["Root mean squared error"]
    assert (tile.measure.value, tile.measure.low, tile.measure.high) == (expected.value, expected.low, expected.high)
    assert expected.method == "bootstrap, 1000 resamples of 20 engines"


def test_the_page_speaks_in_the_words_and_the_unit_of_the_values(life):
    assert life.title == "Predicted remaining life"
    (steps,) = blocks(life, WaterfallFigure)
    assert (steps.unit, steps.effect_unit, steps.axis_label) == (
        "cycles",
        "cycles",
        "predicted remaining life (cycles)",
    )
    (errors,) = blocks(life, BarRows)
    assert errors.axis.label == "true minus predicted remaining life (cycles)"
    assert {fact.term: fact.value for fact in life.facts}["Outcome"] == "remaining life in cycles"


def test_the_loss_is_orange_also_where_it_lies_low(life):
    (steps,), (cells,) = blocks(life, WaterfallFigure), blocks(life, SensorMapFigure)
    assert steps.is_reversed
    assert cells.is_reversed
    assert "at the 10 % quantile of predictions" in steps.caption


def test_the_map_stands_in_the_case_with_its_badge_and_its_certificate(life):
    section = next(item for item in life.sections if item.key == "case")
    kinds = [type(block) for block in section.blocks]
    assert kinds == [WaterfallFigure, Badge, SensorMapFigure, Certificate, NotFilled]


def test_the_map_has_six_stretches_and_ends_where_the_prediction_does(life):
    (cells,), (steps,) = blocks(life, SensorMapFigure), blocks(life, WaterfallFigure)
    assert len(cells.bounds) == 7
    assert [row.name for row in cells.rows] == ["Heat", "Vibration", "Noise", "Age"]
    total = sum(row.total for row in cells.rows)
    assert total == pytest.approx(steps.output - steps.average, abs=1e-4)
    assert cells.effect_label == "effect on remaining life (cycles)"


def test_sums_of_the_map_agree_with_the_effects_of_whole_sensors(life):
    (cells,), (steps,) = blocks(life, SensorMapFigure), blocks(life, WaterfallFigure)
    whole = {step.column.capitalize(): step for step in steps.steps}
    for row in cells.rows:
        error = np.hypot(row.total_error, whole[row.name].standard_error)
        assert row.total == pytest.approx(whole[row.name].effect, abs=4 * error + 0.05 * abs(row.total))


def test_the_page_says_what_an_effect_compares_with(life):
    (note,) = [item for item in blocks(life, Paragraphs) if item.title == "What an effect compares with"]
    assert "last 8 cycles of one engine" in note.texts[0]
    assert note.texts[1].endswith("in 200 windows the model kept from training, new.")


def test_a_background_given_is_said():
    X, _ = worn_machines(6)
    page = life_report(background=X[X["cycle"] < 6])
    (note,) = [item for item in blocks(page, Paragraphs) if item.title == "What an effect compares with"]
    assert note.texts[1].endswith("in 30 windows given by the caller.")


def test_rows_of_a_unit_are_said_not_to_be_independent(life):
    (box,) = [item for item in blocks(life, WarningBox) if "independent" in item.finding]
    assert box.finding == "Windows of one engine are not independent"
    assert "183 windows are worth 20 engines" in box.text


def test_units_the_model_was_trained_on_are_named():
    X, left = worn_machines(8, seed=3, first=116)
    page = report(regressor(), X, left, **FEW)
    (box,) = [item for item in blocks(page, WarningBox) if "trained on" in item.finding]
    assert box.level == "open"
    assert box.finding == "5 of 8 engines have labels the model was trained on"
    assert "engine 116, engine 117, engine 118, engine 119 and engine 120: if they are the same" in box.text


def test_values_past_the_bounds_of_the_model_are_cut_and_counted():
    X, left = worn_machines()
    capped, beyond = (report(regressor(), X, y, domain=LIFE, **FEW) for y in (left.clip(upper=50), left))
    assert not [box for box in blocks(capped, WarningBox) if "cut" in box.finding]
    (box,) = [box for box in blocks(beyond, WarningBox) if "cut" in box.finding]
    assert f"{(left > 50).sum()} of 915 windows have a remaining life beyond" in box.text
    assert "within 0 cycles and 50 cycles" in box.text
    assert beyond.tiles[0].measure == capped.tiles[0].measure


def test_sensors_are_ranked_under_their_own_word(life):
    (importance,) = blocks(life, ImportanceFigure)
    assert "the sensor moves the prediction" in importance.how_to_read
    assert life.wording.columns == "sensors"


def test_a_classifier_has_a_report_by_unit(alarm):
    assert "AUC" in alarm.tiles[0].name
    (steps,) = blocks(alarm, WaterfallFigure)
    assert steps.caption.startswith("Engine 3, cycle 20, named by the caller")
    text = alarm.to_json()
    assert "resamples of 20 engines" in text
    assert "Wilson" not in text


def test_a_case_whose_label_is_not_known_is_explained():
    page = life_report(case=(3, 20))  # no fifth row
    (steps,) = blocks(page, WaterfallFigure)
    assert steps.caption.startswith("Engine 3, cycle 20")


def test_one_unit_has_a_report_without_intervals():
    X, left = worn_machines()
    own = X["engine"] == 4
    page = report(regressor(), X[own], left[own], domain=LIFE, **FEW)
    (tile,) = [item for item in page.tiles if isinstance(item, Tile) and item.name == "Root mean squared error"]
    assert tile.measure.low is None
    assert page.to_html()


def test_one_unit_of_a_classifier_has_a_report():
    X, left = worn_machines()
    own = X["engine"] == 4
    page = report(classifier(), X[own], np.where(left[own] <= 15, "soon", "later"), **FEW)
    assert page.to_html()


def test_a_reference_becomes_a_table_like_that_of_the_report():
    seen = []
    X, left = worn_machines(8, seed=5, first=201)
    probe = Domain("plant", "Plant", {}, {}, report_sections=lambda context: seen.append(context) or ())
    life_report(reference=(X, left), domain=probe)
    (context,) = seen
    assert list(context.reference) == list(context.X)
    assert len(context.reference_output) == len(context.reference_y) == len(X)
    assert context.units.max() == 19
    assert context.over_time is not None


def test_a_series_has_no_reference_unless_it_is_given():
    seen = []
    life_report(domain=Domain("p", "P", {}, {}, report_sections=lambda context: seen.append(context) or ()))
    assert seen[0].reference is None


@pytest.mark.parametrize("given", [{"protected": ["heat"]}, {"changeable": ["heat"]}])
def test_what_only_tables_have_is_refused(given):
    with pytest.raises(ValueError, match=f"{next(iter(given))} is for models of tables"):
        life_report(**given)


@pytest.mark.parametrize("name", ["life", "alarm"])
def test_the_page_survives_json_renders_and_is_small(name, request):
    page = request.getfixturevalue(name)
    assert Report.from_json(page.to_json()) == page
    html = page.to_html()
    assert 'class="rows time"' in html
    assert len(html) < 2_000_000


def test_the_same_inputs_give_the_same_bytes(life):
    again = life_report()
    assert again.to_json() == life.to_json()
    assert again.to_html() == life.to_html()


def test_the_data_hash_sees_the_history_of_the_windows(life):
    X, left = worn_machines()
    X.loc[1, "heat"] += 1e-9  # a row without a value
    other = report(regressor(), X, every_fifth(left), domain=LIFE, **FEW)
    hashes = [{fact.term: fact.value for fact in page.facts}["Hash of these data"] for page in (life, other)]
    assert hashes[0] != hashes[1]


def test_groups_of_a_table_are_redrawn_whole():
    X, y = drawn_rows(200)
    page = report(logistic_model(), X, y, groups=np.arange(200) // 4, background=X[:50], **FEW)
    assert "1000 resamples of 50 groups" in page.to_json()
    assert page.to_html()
