"""What a maintenance dossier adds, on small pumps that wear: facts against numbers of their own, gaps by name."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from appkit.model import Costs
from appkit.prediction import Estimate
from appkit.reporting import Report, Words, render_html, report
from appkit.reporting.content import explaining
from appkit.reporting.facts import (
    Bar,
    BarRows,
    Challenger,
    ChallengerTable,
    CurveFigure,
    DataTable,
    LimitTable,
    Measure,
    NotFilled,
    Section,
    Tile,
)
from domains.manufacturing import DOMAIN, FailureClassifier, RemainingLifeRegressor
from domains.manufacturing.prediction.alarm_costs import AlarmCosts, cheapest_policy
from domains.manufacturing.prediction.alarms import LeadTime, alarm_outcomes, alarm_recall
from domains.manufacturing.prediction.baselines import WindowRegressor
from domains.manufacturing.report import fleet as fleet_page
from domains.manufacturing.report import report_sections
from domains.manufacturing.report.alarm_cost import cost_finding
from domains.manufacturing.report.alarms import lead_finding
from domains.manufacturing.report.conditions import conditions_title
from domains.manufacturing.report.fleet import fleet_finding
from domains.manufacturing.report.modes import mode_title
from domains.manufacturing.report.prognostics import lean_title, nasa_score
from domains.manufacturing.report.record import Record
from domains.manufacturing.report.rivals import rivals_title
from domains.manufacturing.report.sensor_words import reading_text, sensor_words

MODES = {"bearing": ["vibration_mm_s"], "seal": ["leakage_ml_h"]}
SMALL = {
    "unit": "pump",
    "time": "hour",
    "window": 6,
    "network": "statistics",
    "n_networks": 2,
    "max_epochs": 12,
    "width": 16,
    "random_state": 0,
    "progress": False,
}
FEW = {"n_explained": 8, "domain": replace(DOMAIN, report_sections=report_sections)}
CAP = 30.0
COSTS = Costs(missed_event=90, false_alarm=6, currency="EUR")


def pumps(n: int, *, seed: int, first: int) -> tuple[pd.DataFrame, pd.Series]:
    """Return readings of pumps that run until they fail by one of two modes, and the hours left."""
    rng = np.random.default_rng(seed)
    lives = rng.integers(25, 50, size=n)
    hour = np.concatenate([np.arange(life) for life in lives])
    left = np.repeat(lives, lives) - 1 - hour
    is_bearing = np.repeat(np.arange(n) % 2 == 0, lives)
    wear, load = np.exp(-left / 8.0), rng.choice([60.0, 100.0], size=len(hour))
    readings = {
        "pump": np.repeat(np.arange(first, first + n), lives),
        "hour": hour,
        "vibration_mm_s": 2 + 0.02 * load + 3 * wear * is_bearing + rng.normal(0, 0.1, len(hour)),
        "leakage_ml_h": 40 + 30 * wear * ~is_bearing + rng.normal(0, 1, len(hour)),
        "load_percent": load,
    }
    return pd.DataFrame(readings), pd.Series(left.astype(float))


def cut_short(X: pd.DataFrame, left: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """Return readings of which the last pumps are seen for 15 hours only, their labels unknown."""
    running = X["pump"] > X["pump"].max() - 4
    left = left.where(~running)
    seen = ~running | (X["hour"] < 15)
    return X[seen].reset_index(drop=True), left[seen].reset_index(drop=True)


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(explaining, "SHAPLEY_EVALUATIONS", 400)
        patched.setattr(explaining, "LIME_EVALUATIONS", 200)
        patched.setattr(explaining, "CASE_EVALUATIONS", 900)
        patched.setattr(fleet_page, "EVALUATIONS", 400)
        yield


@pytest.fixture(scope="module")
def train():
    return pumps(24, seed=1, first=101)


@pytest.fixture(scope="module")
def test():
    return cut_short(*pumps(14, seed=2, first=1))


@pytest.fixture(scope="module")
def model(train) -> RemainingLifeRegressor:
    X, left = train
    return RemainingLifeRegressor(cap=CAP, conditions=["load_percent"], failure_modes=MODES, **SMALL).fit(X, left)


@pytest.fixture(scope="module")
def page(model, train, test) -> Report:
    return report(
        model,
        *test,
        reference=train,
        challengers="auto",
        costs=COSTS,
        limits={"RMSE": (None, 1e6), "NASA score": (None, 1e-3), "Coverage": (0.5, None), "Alarm recall": (0.0, None)},
        **FEW,
    )


@pytest.fixture(scope="module")
def bare(train, test) -> Report:
    """Report from a model without intervals, modes and conditions, and nothing but rows."""
    X, left = train
    few = X["pump"] < 109
    model = RemainingLifeRegressor(**SMALL | {"n_networks": 1, "max_epochs": 2}).fit(X[few], left[few])
    return report(model, *test, **FEW)


@pytest.fixture(scope="module")
def soon(train, test) -> Report:
    """Report on a classifier of failures within 8 hours."""
    (X, left), (X_test, left_test) = train, test
    model = FailureClassifier(failure_modes=MODES, costs=COSTS, **SMALL).fit(X, (left <= 8).astype(float))
    return report(model, X_test, (left_test <= 8).astype(float).where(left_test.notna()), **FEW)


def section(page: Report, key: str) -> Section:
    return next(item for item in page.sections if item.key == key)


def block(page: Report, key: str, kind: type, place: int = 0):
    return [item for item in section(page, key).blocks if isinstance(item, kind)][place]


def measured(page: Report) -> dict[str, Measure | NotFilled]:
    return {str(row[0]).split(" (")[0]: row[1] for row in block(page, "prognostics", DataTable).rows}


def judged(model, test) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth cut at the cap, predictions and pumps of the rows with a label."""
    X, left = test
    known = left.notna().to_numpy()
    return np.minimum(left[known], CAP).to_numpy(), model.predict(X)[known], X["pump"].to_numpy()[known]


def test_the_fleet_comes_after_performance_and_all_sections_are_there(page):
    keys = [item.key for item in page.sections]
    expected = ["performance", "fleet", "prognostics", "alarms", "conditions", "drivers", "case"]
    assert keys[:7] == expected


def test_every_machine_is_ranked_and_those_that_failed_stand_last(page, test):
    bars = block(page, "fleet", BarRows).bars
    assert len(bars) == test[0]["pump"].nunique()
    assert ["failed" in bar.note for bar in bars] == [False] * 4 + [True] * 10
    running = [bar.measure.value for bar in bars[:4]]
    assert running == sorted(running)


def test_a_machine_shows_its_newest_prediction_and_interval(page, model, test):
    bar = block(page, "fleet", BarRows).bars[0]
    pump = int(bar.label.split(" ")[1])
    own = test[0][test[0]["pump"] == pump]
    assert bar.measure.value == pytest.approx(model.predict(own)[-1])
    assert (bar.measure.low, bar.measure.high) == pytest.approx(tuple(model.predict_interval(own)[-1]))


def test_drivers_stand_beside_their_usual_reading_in_physical_units(page):
    table = block(page, "fleet", DataTable)
    cells = [cell for row in table.rows for cell in row[1:]]
    assert any("mm/s (usual" in cell and "hours" in cell for cell in cells)
    assert all(" takes " in cell or " adds " in cell or cell == "no other settled effect" for cell in cells)


def test_the_usual_reading_is_that_of_the_same_operating_conditions(page, model, test):
    table = block(page, "fleet", DataTable)
    shown, vibration = model.background_readings_.reshape(-1, 4)[:, [2, 0]].T  # load and vibration
    by_load = {load: vibration[shown == load].mean() for load in (60.0, 100.0)}
    cells = {int(row[0].split("\u00a0")[1]): cell for row in table.rows for cell in row[1:] if "Vibration" in cell}
    assert len(cells) >= 5
    for pump, cell in cells.items():
        own = test[0][test[0]["pump"] == pump].tail(6)
        expected = own["load_percent"].map(by_load).mean()
        assert f"Vibration {own['vibration_mm_s'].mean():.2f} mm/s (usual {expected:.2f})" in cell


def test_worn_machines_point_to_the_mode_they_failed_by(page):
    rows = block(page, "fleet", DataTable, 1).rows
    found = {int(row[0].split(" ")[1]): row[1] for row in rows}
    failed = range(1, 11)
    right = sum(found[pump] == ("bearing" if (pump - 1) % 2 == 0 else "seal") for pump in failed)
    assert right >= 9


def test_a_large_fleet_is_explained_only_where_it_is_shown(model, monkeypatch):
    X, left = pumps(30, seed=3, first=1)
    monkeypatch.setattr(fleet_page, "MOST_MACHINES", 5)
    shown = report(model, X, left, **FEW)
    assert len(block(shown, "fleet", DataTable).rows) == 5
    assert "Not shown: 25 of 30 pumps" in block(shown, "fleet", BarRows).caption


def test_errors_are_those_of_lives_cut_as_in_training(page, model, test):
    truth, predicted, _ = judged(model, test)
    found = measured(page)
    assert found["RMSE"].value == pytest.approx(np.sqrt(np.mean((predicted - truth) ** 2)))
    assert found["MAE"].value == pytest.approx(np.abs(predicted - truth).mean())
    assert found["Bias"].value == pytest.approx((predicted - truth).mean())


def test_the_nasa_score_counts_each_machine_once(page, model, test):
    truth, predicted, units = judged(model, test)
    errors = predicted - truth
    penalty = pd.Series(np.where(errors < 0, np.exp(-errors / 13), np.exp(errors / 10)) - 1)
    assert measured(page)["NASA score"].value == pytest.approx(penalty.groupby(units).mean().sum())


def test_coverage_is_the_share_of_lives_inside_their_interval(page, model, test):
    truth, _, _ = judged(model, test)
    low, high = model.predict_interval(test[0])[test[1].notna()].T
    assert measured(page)["Coverage"].value == pytest.approx(np.mean((low <= truth) & (truth <= high)))


def test_alpha_lambda_asks_each_machine_at_half_its_life(page, model, test):
    X, left = test
    table = X.assign(left=left, predicted=model.predict(X)).dropna()
    life = table["hour"] + table["left"]
    middle = table[table["hour"] <= life / 2].groupby("pump").tail(1)
    expected = (np.abs(middle["predicted"] - middle["left"]) <= 0.2 * middle["left"]).mean()
    assert measured(page)["Alpha-lambda"].value == pytest.approx(expected)


def test_limits_decide_by_the_interval(page):
    table = block(page, "prognostics", DataTable)
    words = {str(row[0]).split(" (")[0]: row[3].word for row in table.rows}
    assert (words["RMSE"], words["NASA score"], words["MAE"]) == ("passes", "fails", "no limit set")


def test_prediction_intervals_and_alarms_lead_the_strip(page):
    names = [tile.name for tile in page.tiles if isinstance(tile, Tile)]
    assert names[2:] == ["Intervals that hold the truth", "Prognostic horizon", "Failures found by an alarm"]


def test_numbers_that_performance_has_too_are_the_same(model, test):
    X, left = test
    own = report(model, X, left.clip(upper=CAP), **FEW)
    rows = {row[0]: row[1] for row in block(own, "performance", DataTable).rows}
    assert measured(own)["RMSE"] == rows["Root mean squared error (hours)"]


def test_baselines_stand_beside_the_model_on_the_same_windows(page, train, test, model):
    table = block(page, "prognostics", ChallengerTable)
    assert [row.name for row in table.challengers] == [
        "This model",
        "Mean life",
        "Ridge",
        "XGBoost",
        "XGBoost, light tune",
    ]
    truth, predicted, _ = judged(model, test)
    own = np.sqrt(np.mean((predicted - truth) ** 2))
    assert table.challengers[0].measure.value == pytest.approx(own)
    row = table.challengers[1]
    assert row.difference.value == pytest.approx(row.measure.value - own)


def test_challengers_of_the_caller_are_measured_as_given(model, train, test):
    X, left = train
    ridge = WindowRegressor(Ridge(), unit="pump", time="hour", window=6).fit(X, left.clip(upper=CAP))
    shown = report(model, *test, challengers={"Plant’s rule": ridge}, **FEW)
    row = block(shown, "prognostics", ChallengerTable).challengers[1]
    truth, _, _ = judged(model, test)
    said = np.clip(ridge.predict(test[0])[test[1].notna()], 0, CAP)
    assert (row.name, row.note) == ("Plant’s rule", "as given")
    assert row.measure.value == pytest.approx(np.sqrt(np.mean((said - truth) ** 2)))


def test_the_threshold_of_alarms_is_chosen_on_the_reference(page, model, train, test):
    X, left = train
    watched = {"units": X["pump"], "times": X["hour"]}
    costs, lead = AlarmCosts(late=90, false_alarm=6), LeadTime(0.0, CAP)
    policy = cheapest_policy(left, model.predict(X), costs, **watched, lead=lead, on="remaining life")
    point = block(page, "alarms", CurveFigure, 1).point
    assert point.x.value == pytest.approx(policy.threshold)
    X_test, left_test = test
    outcomes = alarm_outcomes(
        left_test, model.predict(X_test), policy, units=X_test["pump"], times=X_test["hour"], lead=lead
    )
    (tile,) = [tile for tile in page.tiles if isinstance(tile, Tile) and tile.name == "Failures found by an alarm"]
    assert tile.measure.value == pytest.approx(alarm_recall(outcomes).value)


def test_without_costs_three_thresholds_are_shown_and_none_is_called_best(model, test):
    shown = report(model, *test, **FEW)
    assert [curve.name for curve in block(shown, "alarms", CurveFigure).curves] == [
        "Alarm at 2 hours",
        "Alarm at 5 hours",
        "Alarm at 10 hours",
    ]
    assert block(shown, "alarms", NotFilled).argument == "costs="


def test_costs_without_a_reference_are_told_to_flatter_their_minimum(model, test):
    shown = report(model, *test, costs=COSTS, **FEW)
    figure = block(shown, "alarms", CurveFigure, 2)
    assert figure.finding.endswith("which flatters it")
    assert figure.point.label == "Least here"


def test_errors_by_condition_are_named_by_their_settings(page, model, test):
    table = block(page, "conditions", LimitTable)
    assert {row.name for row in table.rows} == {"Load 60 %", "Load 100 %"}
    truth, predicted, _ = judged(model, test)
    load = test[0]["load_percent"][test[1].notna()].to_numpy()
    (row,) = [row for row in table.rows if row.name == "Load 60 %"]
    assert row.measure.value == pytest.approx(np.sqrt(np.mean((predicted - truth)[load == 60] ** 2)))


def test_the_case_points_to_a_mode_by_the_shares_of_its_sensors(page, model, test):
    table = block(page, "case", DataTable)
    assert [row[0] for row in table.rows if row[0] != "No mode"] in (["bearing", "seal"], ["seal", "bearing"])
    assert table.rows[0][2].value >= table.rows[1][2].value


def test_page_renders_and_is_the_same_twice(page, model, train, test):
    again = report(
        model,
        *test,
        reference=train,
        challengers="auto",
        costs=COSTS,
        limits={"RMSE": (None, 1e6), "NASA score": (None, 1e-3), "Coverage": (0.5, None), "Alarm recall": (0.0, None)},
        **FEW,
    )
    text = render_html(page)
    assert "Which pump needs attention first" in text
    assert text == render_html(again)


def test_gaps_of_a_bare_report_name_what_would_fill_them(bare):
    gaps = {
        item.item: item.argument or item.fill
        for key in ("prognostics", "alarms", "conditions", "case")
        for item in section(bare, key).blocks
        if isinstance(item, NotFilled)
    }
    del gaps["Smallest change that would turn the decision"]  # of every report
    assert gaps == {
        "Baselines on the same machines": 'challengers="auto"',
        "Cost of alarms by threshold": "costs=",
        "Error by operating condition": "conditions=",
        "Failure mode the drivers point to": "failure_modes=",
    }


def test_a_model_without_intervals_says_so(bare):
    assert isinstance(measured(bare)["Coverage"], NotFilled)
    assert block(bare, "fleet", BarRows).bars[0].measure.high is None
    assert "No intervals" in block(bare, "fleet", BarRows).caption


def test_baselines_without_training_readings_ask_for_them(model, test):
    shown = report(model, *test, challengers="auto", **FEW)
    assert block(shown, "prognostics", NotFilled).argument == "reference=(X_train, y_train)"


def test_readings_that_end_before_failures_leave_alarms_open(model, test):
    X, left = test
    early = X["hour"] < 12
    shown = report(model, X[early].reset_index(drop=True), left[early].reset_index(drop=True), **FEW)
    assert block(shown, "alarms", NotFilled).item == "Alarms"
    assert isinstance(measured(shown)["Prognostic horizon"], NotFilled)


def test_a_probability_ranks_from_the_top_and_has_no_interval(soon):
    bars = block(soon, "fleet", BarRows).bars
    values = [bar.measure.value for bar in bars]
    assert values == sorted(values, reverse=True)
    assert all(bar.measure.unit == "%" and bar.measure.low is None for bar in bars)
    assert "prognostics" not in [item.key for item in soon.sections]


def test_alarms_of_a_classifier_use_its_threshold_and_the_horizon_of_the_labels(soon):
    figure = block(soon, "alarms", CurveFigure)
    assert "within 8 hours" in figure.caption
    assert block(soon, "alarms", CurveFigure, 1).point.x.value == pytest.approx(COSTS.threshold)


def test_tables_get_costs_and_failure_modes_alone():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"torque_nm": rng.uniform(20, 80, 300), "wear_min": rng.uniform(0, 200, 300)})
    y = ((X["torque_nm"] > 65) | (X["wear_min"] > 180)).astype(int)
    modes = {"overload": ["torque_nm"], "worn tool": ["wear_min"]}
    model = FailureClassifier(
        failure_modes=modes, costs=Costs(5, 1), n_networks=1, width=16, max_epochs=20, random_state=0, progress=False
    ).fit(X, y)
    shown = report(model, X, y, **FEW | {"n_explained": 40})
    keys = [item.key for item in shown.sections]
    assert keys == ["performance", "drivers", "case", "limits", "reproduction"]
    curve = [item for item in section(shown, "performance").blocks if item.__class__ is CurveFigure][-1]
    p = model.probability_of_failure(X)
    at = np.array(curve.curves[0].x)
    expected = [np.mean(5 * y * (p < t) + (1 - y) * (p >= t)) for t in at]
    assert curve.curves[0].y == pytest.approx(expected)
    counts = dict(block(shown, "drivers", DataTable).rows)
    assert set(counts) <= {"overload", "worn tool", "none: no worse than usual", "not settled"}
    assert 0 < sum(counts.values()) <= 40


def test_a_table_without_costs_and_modes_names_both_gaps():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"torque": rng.uniform(20, 80, 200), "wear": rng.uniform(0, 200, 200)})
    y = (X["torque"] > 65).astype(int)
    model = FailureClassifier(n_networks=1, width=16, max_epochs=10, random_state=0, progress=False).fit(X, y)
    shown = report(model, X, y, **FEW)
    gaps = [item.argument for item in section(shown, "performance").blocks if isinstance(item, NotFilled)]
    gaps += [item.argument for item in section(shown, "case").blocks if isinstance(item, NotFilled)]
    assert gaps == ["costs=", "failure_modes=", "changeable="]


def lives_of(model, X: pd.DataFrame, y: np.ndarray):
    from appkit.reporting.content.series_subject import series_subject

    subject = series_subject(model, X, y)
    return Record(subject, np.asarray(y)[subject.rows]).lives


def test_lives_that_are_cut_still_tell_when_machines_failed(model):
    X, left = pumps(3, seed=4, first=1)
    lives = lives_of(model, X, left.clip(upper=10).to_numpy())
    assert lives.cut == 10
    assert lives.ends.tolist() == (X.groupby("pump")["hour"].max()).tolist()
    assert lives.is_watched.all()


def test_a_life_cut_at_its_newest_label_has_no_known_end(model):
    X, left = pumps(3, seed=4, first=1)
    seen = (X["pump"] > 1) | (X["hour"] < 5)
    lives = lives_of(model, X[seen].reset_index(drop=True), left[seen].clip(upper=10).to_numpy())
    assert np.isnan(lives.ends).tolist() == [True, False, False]


def test_labels_that_do_not_add_up_to_one_failure_are_no_lives(model):
    X, left = pumps(3, seed=4, first=1)
    lives = lives_of(model, X, (left * 2).to_numpy())
    assert isinstance(lives, NotFilled)
    assert "do not add up" in lives.why


def test_a_sensor_of_a_failure_mode_must_be_read(train):
    X, left = train
    with pytest.raises(ValueError, match="'bearing' names 'vibration' \\(is it 'vibration_mm_s'"):
        RemainingLifeRegressor(failure_modes={"bearing": ["vibration"]}, **SMALL).fit(X, left)
    with pytest.raises(ValueError, match="'bearing' names 'hour'"):
        FailureClassifier(failure_modes={"bearing": ["hour"]}, **SMALL).fit(X, (left < 8).astype(float))


def test_sensor_names_give_units_only_where_they_are_plain():
    assert sensor_words("pressure_min") == ("Pressure min", "")
    assert sensor_words("flow_m3_h") == ("Flow", "m³/h")
    assert reading_text("phase_a", 1.0, float("nan")) == "Phase a 1.00"


def test_titles_of_a_lean_turn_with_the_interval():
    late, early = Measure(3.0, 1.0, 5.0, unit="hours"), Measure(-3.0, -5.0, -1.0, unit="hours")
    assert lean_title(late).startswith("Predictions come late")
    assert "3.0 hours (1.0 to 5.0) later" in lean_title(early)
    assert lean_title(Measure(1.0, -1.0, 3.0)) == "No lean of predictions to early or late can be told"


def test_titles_of_baselines_say_ahead_level_and_behind():
    own = Challenger("This model", "", Measure(9.0, 8.0, 10.0), None, is_own=True)
    ahead = Challenger("Ridge", "", Measure(7.0, 6.0, 8.0), Measure(-2.0, -3.0, -1.0))
    behind = Challenger("Mean", "", Measure(12.0, 11.0, 13.0), Measure(3.0, 2.0, 4.0))
    assert rivals_title((own, ahead)) == "Ridge is ahead of this model by 2.0 (1.0 to 3.0)"
    assert rivals_title((own, ahead, behind)) == "Ridge is ahead of this model; Mean is behind"


def test_titles_of_the_fleet_name_no_certain_first_where_intervals_overlap():
    words = Words({"group": "pump"})
    bars = (Bar("Pump 1", Measure(4.0, 0.0, 20.0, unit="hours")), Bar("Pump 2", Measure(9.0, 3.0, 30.0, unit="hours")))
    assert fleet_finding(bars, words=words) == "Pump 1 ranks first at 4 hours; any of 2 pumps may fail next"
    assert fleet_finding(bars[:1], words=words) == "Pump 1 has the least life left, 4 hours (0 to 20)"


def test_titles_of_modes_conditions_and_alarms_follow_their_counts():
    assert (
        mode_title(["not settled"] * 3, things="pumps shown") == "No failure mode is settled for any of 3 pumps shown"
    )
    assert conditions_title(["Load 60 %"], 2) == "Errors are larger than elsewhere under Load 60 %"
    assert (
        lead_finding(0, 4, lead="5 hours", machines="pumps")
        == "Alarms find 0 of 4 failing pumps at least 5 hours ahead"
    )
    assert cost_finding("5 hours", chosen="6 hours", excess=Measure(0.0)).endswith("costs least here too")


def test_errors_that_overflow_the_nasa_score_leave_it_open():
    score = nasa_score(np.array([1e5, 0.0]), np.array([0.0, 1e5]), units=np.array([0, 1]))
    assert isinstance(score, Estimate)
    assert np.isnan(score.value)
