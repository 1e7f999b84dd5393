"""Series of sensors on the command line: fitting, predictions by unit and time, and what is said when it cannot be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from appkit.cli import app
from appkit.explanation import explain
from appkit.persistence import load, read_notes
from domains.manufacturing import fails_within, make_degradation

SMALL = ["--param", "max_epochs=2", "--param", "n_networks=1", "--param", "width=8", "--param", "window=12"]
SERIES = ["--unit", "machine", "--time", "hour"]


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said_by(result: Any) -> str:
    return " ".join(result.stderr.replace("│", " ").split())


@pytest.fixture(scope="module")
def pumps() -> pd.DataFrame:
    """Return readings of twelve pumps with what is left of their lives, missing where they were stopped."""
    data = make_degradation(12, n_conditions=1, random_state=3)
    fails = fails_within(data.X, 24, unit="machine", time="hour", failed=data.failed)
    return data.X.iloc[:, [0, 1, 5, 6, 9]].assign(left=data.y, fails=fails)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, pumps: pd.DataFrame) -> Path:
    folder = tmp_path_factory.mktemp("series")
    pumps.drop(columns="fails").to_csv(folder / "pumps.csv", index=False)
    pumps.drop(columns="left").to_csv(folder / "fails.csv", index=False)
    pumps[pumps["machine"] < 4].groupby("machine").head(9).to_csv(folder / "few.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def fitted(folder: Path) -> Any:
    """Return what was said while a model of remaining life was fitted."""
    options = [
        "--target",
        "left",
        *SERIES,
        *SMALL,
        "--param",
        "cap=60",
        "--param",
        "validation_fraction=0.5",
        "--out",
        folder / "life.appkit",
    ]
    result = run("fit", "manufacturing", folder / "pumps.csv", *options)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def life(fitted: Any, folder: Path) -> Path:
    return folder / "life.appkit"


@pytest.fixture(scope="module")
def failure(folder: Path) -> Path:
    options = ["--target", "fails", "--event", 1, "--estimator", "FailureClassifier", *SERIES, *SMALL]
    result = run("fit", "manufacturing", folder / "fails.csv", *options, "--out", folder / "failure.appkit")
    assert result.exit_code == 0, result.output
    return folder / "failure.appkit"


@pytest.fixture(scope="module")
def milling(folder: Path) -> Path:
    """Return a model of a table, which rows stand for themselves in."""
    assert run("datasets", "make_milling_machines", "--out", folder / "milling.csv").exit_code == 0
    options = ["--target", "Machine failure", "--estimator", "FailureClassifier", *SMALL[:6]]
    result = run("fit", "manufacturing", folder / "milling.csv", *options, "--out", folder / "milling.appkit")
    assert result.exit_code == 0, result.output
    return folder / "milling.appkit"


def test_fit_of_manufacturing_learns_remaining_life_from_unit_and_time(life):
    model = load(life)
    assert type(model).__name__ == "RemainingLifeRegressor"
    assert (model.unit, model.time, model.cap, len(model.sensors_)) == ("machine", "hour", 60, 3)


def test_rows_without_a_target_are_history(fitted, life, pumps):
    assert load(life).n_rows_ == pumps["left"].notna().sum()
    assert f"({pumps['left'].isna().sum():,} without left: history alone)" in said_by(fitted)


def test_failures_within_a_horizon_are_learnt_from_series_and_from_tables(failure, milling):
    assert (load(failure).event_, load(failure).unit) == (1.0, "machine")
    assert (load(milling).event_, load(milling).unit) == (1, None)


def test_estimators_of_series_that_belong_to_no_domain_can_be_fitted(folder):
    options = [
        "--target",
        "left",
        "--estimator",
        "SequenceRegressor",
        *SERIES,
        *SMALL,
        "--out",
        folder / "plain.appkit",
    ]
    assert run("fit", "table", folder / "pumps.csv", *options).exit_code == 0
    assert load(folder / "plain.appkit").unit == "machine"


@pytest.fixture(scope="module")
def sites_csv(folder: Path, pumps: pd.DataFrame) -> Path:
    pumps.assign(site="Hull", **{"shift leader": "B. Moss"}).to_csv(folder / "sites.csv", index=False)
    return folder / "sites.csv"


def test_columns_of_text_are_named_with_the_options_that_leave_them_out(folder, sites_csv):
    result = run("fit", "manufacturing", sites_csv, "--target", "left", *SERIES, "--out", folder / "no.appkit")
    assert result.exit_code == 1
    assert "'site', 'shift leader' of" in said_by(result)
    assert '--ignore site --ignore "shift leader".' in said_by(result)


def test_ignored_columns_are_no_sensors_and_stay_so(folder, sites_csv):
    out = folder / "sites.appkit"
    ignored = ["--ignore", "site", "--ignore", "shift leader", "--ignore", "fails"]
    assert (
        run("fit", "manufacturing", sites_csv, "--target", "left", *SERIES, *SMALL, *ignored, "--out", out).exit_code
        == 0
    )
    assert not {"site", "shift leader", "fails"} & set(load(out).sensors_)
    assert read_notes(out)["columns"]["ignore"] == ["site", "shift leader", "fails"]
    assert run("predict", out, sites_csv, "--last", "--out", folder / "sites-out.csv").exit_code == 0


def test_ignored_columns_of_a_table_are_left_out_of_what_is_predicted(folder):
    table = pd.DataFrame({"id": [f"k{i}" for i in range(40)], "x": range(40), "y": range(40)})
    table.to_csv(folder / "ids.csv", index=False)
    options = ["--estimator", "TabularRegressor", "--target", "y", "--ignore", "id", *SMALL[:6]]
    assert run("fit", "table", folder / "ids.csv", *options, "--out", folder / "ids.appkit").exit_code == 0
    assert load(folder / "ids.appkit").player_columns_ == ("x",)
    assert run("predict", folder / "ids.appkit", folder / "ids.csv", "--out", folder / "ids-out.csv").exit_code == 0


def test_predictions_of_series_have_unit_and_time_in_front(life, folder, pumps):
    shuffled = pumps.sample(frac=1, random_state=0)
    shuffled.to_csv(folder / "shuffled.csv", index=False)
    result = run("predict", life, folder / "shuffled.csv", "--interval", 0.8, "--out", folder / "out.csv")
    assert result.exit_code == 0, result.output
    written = pd.read_csv(folder / "out.csv")
    assert written.columns.tolist() == ["machine", "hour", "prediction", "low", "high"]
    assert np.array_equal(written[["machine", "hour"]], shuffled[["machine", "hour"]])
    np.testing.assert_allclose(written["prediction"], load(life).predict(shuffled), rtol=1e-6)
    np.testing.assert_allclose(written[["low", "high"]], load(life).predict_interval(shuffled, alpha=0.2), rtol=1e-6)


def test_last_gives_a_line_per_unit_at_its_newest_reading(life, folder, pumps):
    assert run("predict", life, folder / "pumps.csv", "--last", "--out", folder / "newest.csv").exit_code == 0
    written = pd.read_csv(folder / "newest.csv").set_index("machine")
    assert written["hour"].to_dict() == pumps.groupby("machine")["hour"].max().to_dict()
    np.testing.assert_allclose(written["prediction"], load(life).predict_last(pumps), rtol=1e-6)


def test_probabilities_of_failure_have_a_column_per_label(failure, folder, pumps):
    out = folder / "probabilities.csv"
    kept = ["--keep", "hour", "--keep", "left"]
    assert run("predict", failure, folder / "pumps.csv", *kept, "--out", out).exit_code == 0
    written = pd.read_csv(out)
    assert written.columns.tolist() == ["machine", "hour", "left", "prediction", "probability_0", "probability_1"]
    np.testing.assert_allclose(written["probability_1"], load(failure).probability_of_failure(pumps), rtol=1e-6)


def test_intervals_of_a_table_are_written_too(folder):
    pd.DataFrame({"x": range(40), "y": range(40)}).to_csv(folder / "line.csv", index=False)
    options = ["--estimator", "TabularRegressor", "--target", "y", *SMALL[:6], "--out", folder / "line.appkit"]
    assert run("fit", "table", folder / "line.csv", *options).exit_code == 0
    out = folder / "line-out.csv"
    assert run("predict", folder / "line.appkit", folder / "line.csv", "--interval", 0.5, "--out", out).exit_code == 0
    written = pd.read_csv(out)
    assert ((written["low"] < written["prediction"]) & (written["prediction"] < written["high"])).all()


def test_explain_says_which_sensor_when_in_each_newest_window(life, folder, pumps):
    out = folder / "why.csv"
    result = run("explain", life, folder / "pumps.csv", "--rows", 2, "--max-evaluations", 1000, "--out", out)
    assert result.exit_code == 0, result.output
    written = pd.read_csv(out)
    columns = ["machine", "hour", "output", "sensor", "steps", "shown", "value", "standard_error"]
    assert written.columns.tolist()[:8] == columns
    assert written["steps"].unique().tolist() == ["0 to 1", "2 to 3", "4 to 5", "6 to 7", "8 to 9", "10 to 11"]
    model = load(life)
    expected = explain(model, model.windows(pumps)[:2], max_evaluations=1000, random_state=0)
    np.testing.assert_allclose(written["value"], expected.values[..., 0].ravel(), rtol=1e-6, atol=1e-9)
    newest = pumps.groupby("machine")["hour"].max()
    assert written[["machine", "hour"]].drop_duplicates().to_numpy().tolist() == [[1, newest[1]], [2, newest[2]]]


def test_explain_of_all_rows_has_a_window_per_row_in_their_order(life, folder):
    rows = pd.read_csv(folder / "few.csv").iloc[::-7]
    rows.to_csv(folder / "some.csv", index=False)
    options = ["--rows", "all", "--shape", "wide", "--max-evaluations", 1000, "--out", folder / "wide.csv"]
    result = run("explain", life, folder / "some.csv", *options)
    assert result.exit_code == 0, result.output
    written = pd.read_csv(folder / "wide.csv")
    assert np.array_equal(written[["machine", "hour"]], rows[["machine", "hour"]])
    assert {"output", "base_value", "age, steps 10-11", "age, steps 10-11 (standard error)"} <= set(written)


def test_rows_of_a_table_are_explained_by_their_number(milling, folder):
    options = ["--rows", 2, "--out", folder / "cuts.json"]
    assert run("explain", milling, folder / "milling.csv", *options).exit_code == 0
    assert {line["row"] for line in json.loads((folder / "cuts.json").read_text())} == {0, 1}


def test_report_reads_series_and_leaves_other_columns_aside(life, folder, pumps):
    some = pumps[pumps["machine"] <= 6]
    some.assign(left=some["left"].where(some["hour"] % 20 == 0), site="Hull").to_csv(folder / "judged.csv", index=False)
    options = ["--target", "left", "--keep", "machine", "--keep", "site", "--out", folder / "page.html"]
    result = run("report", life, folder / "judged.csv", *options)
    assert result.exit_code == 0, result.output
    facts = json.loads((folder / "page.json").read_text())
    assert facts["wording"]["columns"] == "sensors"
    assert "fleet" in [section["key"] for section in facts["sections"]]


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("fit manufacturing PUMPS --target left --unit machin --time hour --out O", 1, "'machin'. Is it 'machine'?"),
        ("fit manufacturing PUMPS --target left --unit machine --time our --out O", 1, "'our'. Is it 'hour'?"),
        ("fit manufacturing PUMPS --target left --unit machine --time hour --ignore hows --out O", 1, "'hows'"),
        ("fit manufacturing PUMPS --target left --out O", 1, "Column 'unit' is missing"),
        (
            "fit manufacturing TWICE --target left --unit machine --time hour --out O",
            1,
            "machine 1, hour 0 in rows 0 and",
        ),
        (
            "fit manufacturing EMPTY --target left --unit machine --time hour --out O",
            1,
            "'left' of EMPTY must hold a target",
        ),
        (
            "fit manufacturing PUMPS --target left --unit machine --time hour --group machine --out O",
            2,
            "--unit and --group",
        ),
        (
            "fit manufacturing PUMPS --target left --unit machine --time hour --ignore hour --out O",
            2,
            "--time and --ignore",
        ),
        (
            "fit finance PUMPS --target left --unit machine --out O",
            1,
            "CreditRiskClassifier reads no series and takes no",
        ),
        (
            "fit table PUMPS --target left --time hour --out O",
            1,
            "TabularClassifier reads no series and takes no --time. Name one that does with --estimator: Sequence",
        ),
        ("predict LIFE NOTIME --out o.csv", 1, "no column 'hour'"),
        ("predict LIFE NOSENSOR --out o.csv", 1, "Column 'bearing_temperature_c' is missing"),
        ("predict LIFE PUMPS --interval 1.5 --out o.csv", 2, "between 0 and 1, got 1.5"),
        ("predict LIFE PUMPS --keep sit --out o.csv", 1, "no column 'sit'"),
        ("predict FAILURE PUMPS --interval 0.9 --out o.csv", 1, "FailureClassifier gives probabilities"),
        ("predict MILLING CUTS --last --out o.csv", 1, "--last needs a model of series"),
        ("explain MILLING CUTS --rows last --out o.csv", 1, "--rows last needs a model of series"),
        ("explain LIFE PUMPS --rows newest --out o.csv", 2, "a positive number, all or last, got 'newest'"),
    ],
)
def test_what_cannot_be_done_is_said(command, code, said, folder, pumps, life, failure, milling, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tables = {
        "TWICE": pd.concat([pumps, pumps[:1]]),
        "EMPTY": pumps.assign(left=np.nan),
        "NOTIME": pumps.drop(columns="hour"),
        "NOSENSOR": pumps.drop(columns="bearing_temperature_c"),
    }
    paths = {"PUMPS": folder / "pumps.csv", "CUTS": folder / "milling.csv"}
    paths |= {"LIFE": life, "FAILURE": failure, "MILLING": milling}
    for name in set(command.split()) & set(tables):
        paths[name] = folder / f"{name}.csv"
        tables[name].to_csv(paths[name], index=False)
    result = run(*[paths.get(word, word) for word in command.split()])
    assert result.exit_code == code, result.output
    assert said.replace("EMPTY", str(paths.get("EMPTY"))) in said_by(result)
    assert list(tmp_path.iterdir()) == []


def test_written_data_say_which_options_their_columns_are(tmp_path, monkeypatch):
    monkeypatch.setattr("appkit.commands.datasets._loaders", lambda: {"pumps": lambda: make_degradation(2)})
    result = run("datasets", "pumps", "--out", tmp_path / "pumps.csv")
    assert said_by(result).endswith("the target is remaining_life, the unit machine, the time hour.")
