"""The command line from a table on disk to predictions and explanations, and what it says when it cannot."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from appkit.cli import app
from appkit.domain import Domain
from appkit.explanation import explain
from appkit.persistence import load, read_notes

SMALL = ["--param", "width=16", "--param", "n_networks=1", "--param", "max_epochs=3", "--param", "n_members=4"]


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def german_csv(folder: Path) -> Path:
    path = folder / "german.csv"
    assert run("datasets", "german_credit", "--out", path).exit_code == 0
    return path


@pytest.fixture(scope="module")
def model_file(folder: Path, german_csv: Path) -> Path:
    path = folder / "german.appkit"
    result = run("fit", "finance", german_csv, "--target", "credit_risk", "--event", "bad", *SMALL, "--out", path)
    assert result.exit_code == 0, result.output
    return path


def test_fit_saves_a_model_with_the_named_parameters(model_file):
    model = load(model_file)
    assert type(model).__name__ == "CreditRiskClassifier"
    assert (model.event_, model.width, model.random_state) == ("bad", 16, 0)


def test_fit_notes_which_data_it_learnt_from(model_file):
    notes = read_notes(model_file)
    assert (notes["data"], notes["columns"]["target"]) == ("german.csv", "credit_risk")


def test_fit_keeps_groups_weights_and_protected_columns_out_of_the_features(folder):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=60), "sex": ["f", "m"] * 30, "customer": np.arange(60) // 2})
    path = folder / "grouped.parquet"
    table.assign(weight=1.0, y=[0, 1] * 30).to_parquet(path)
    columns = ["--group", "customer", "--weight", "weight", "--protected", "sex", "--target", "y"]
    result = run("fit", "table", path, *columns, *SMALL, "--out", folder / "grouped.appkit")
    assert result.exit_code == 0, result.output
    assert load(folder / "grouped.appkit").player_columns_ == ("x",)
    assert run("predict", folder / "grouped.appkit", path, "--out", folder / "grouped.csv").exit_code == 0


def test_fit_finds_the_label_of_a_number_written_as_text(folder):
    path = folder / "numbers.csv"
    pd.DataFrame({"x": range(40), "y": [1, 2] * 20}).to_csv(path, index=False)
    result = run("fit", "finance", path, "--target", "y", "--event", 1, *SMALL, "--out", folder / "numbers.appkit")
    assert result.exit_code == 0, result.output
    assert load(folder / "numbers.appkit").event_ == 1


def test_columns_declared_categories_keep_their_leading_zeros(folder):
    path = folder / "branches.csv"
    path.write_text("branch,x,y\n" + "".join(f"0{i % 3},{i},{i % 2}\n" for i in range(40)))
    options = ["--target", "y", "--kind", "branch=category", "--out", folder / "branches.appkit"]
    assert run("fit", "table", path, *options, *SMALL).exit_code == 0
    assert load(folder / "branches.appkit").schema_["branch"].categories == ("00", "01", "02")
    assert run("predict", folder / "branches.appkit", path, "--out", folder / "branches-out.csv").exit_code == 0


def test_equal_seeds_give_equal_files(model_file, german_csv, folder):
    again = folder / "again.appkit"
    run("fit", "finance", german_csv, "--target", "credit_risk", "--event", "bad", *SMALL, "--out", again)
    assert again.read_bytes() == model_file.read_bytes()


@pytest.mark.parametrize("suffix", ["csv", "parquet", "csv.gz"])
def test_predict_writes_what_the_model_says(model_file, german_csv, folder, suffix):
    out = folder / f"predictions.{suffix}"
    result = run("predict", model_file, german_csv, "--out", out)
    assert result.exit_code == 0, result.output
    written = pd.read_parquet(out) if suffix == "parquet" else pd.read_csv(out)
    rows = pd.read_csv(german_csv).drop(columns="credit_risk")
    expected = load(model_file).predict_proba(rows)
    np.testing.assert_allclose(written[["probability_bad", "probability_good"]], expected, rtol=1e-12)


def test_predict_copies_ids_that_are_no_features(model_file, german_csv, folder):
    rows = folder / "ids.csv"
    pd.read_csv(german_csv)[:3].assign(application=["a", "b", "c"]).to_csv(rows, index=False)
    assert run("predict", model_file, rows, "--keep", "application", "--out", folder / "ids-out.csv").exit_code == 0
    assert pd.read_csv(folder / "ids-out.csv")["application"].tolist() == ["a", "b", "c"]


def test_predict_of_a_regressor_writes_values(folder):
    path = folder / "line.csv"
    pd.DataFrame({"x": range(40), "y": range(40)}).to_csv(path, index=False)
    options = ["--estimator", "TabularRegressor", "--target", "y", "--out", folder / "line.appkit"]
    assert run("fit", "table", path, *options, *SMALL).exit_code == 0
    assert run("predict", folder / "line.appkit", path, "--out", folder / "values.json").exit_code == 0
    written = [row["prediction"] for row in json.loads((folder / "values.json").read_text())]
    np.testing.assert_allclose(written, load(folder / "line.appkit").predict(pd.read_csv(path)[["x"]]), rtol=1e-12)


def test_explain_writes_values_and_errors_of_each_column(model_file, german_csv, folder):
    out = folder / "why.parquet"
    result = run("explain", model_file, german_csv, "--rows", 2, "--out", out)
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(german_csv).drop(columns="credit_risk")[:2]
    expected = explain(load(model_file), rows, random_state=0)
    written = pd.read_parquet(out)
    np.testing.assert_array_equal(written["value"], expected.values[..., 0].ravel())
    np.testing.assert_array_equal(written["standard_error"], expected.standard_error[..., 0].ravel())
    assert written["shown"][0] == rows["checking_status"][0]


def test_explain_stops_at_a_target_and_says_which_method_and_why(model_file, german_csv, folder):
    out = folder / "coarse.csv"
    result = run("explain", model_file, german_csv, "--rows", 2, "--target-error", 0.5, "--out", out)
    assert result.exit_code == 0
    assert "Permutations: exact values of 17 players" in " ".join(result.stderr.split())


def test_explain_in_wide_shape_has_one_line_per_row(model_file, german_csv, folder):
    out = folder / "wide.csv"
    options = ["--shape", "wide", "--method", "lime", "--units", "log-odds"]
    assert run("explain", model_file, german_csv, "--rows", 3, *options, "--out", out).exit_code == 0
    assert len(written := pd.read_csv(out)) == 3
    assert {"row", "output", "base_value", "duration_months", "duration_months (standard error)"} <= set(written)


def test_report_writes_a_page_and_its_facts(model_file, german_csv, folder):
    rows = folder / "holdout.csv"
    pd.read_csv(german_csv)[:120].to_csv(rows, index=False)
    options = ["--target", "credit_risk", "--title", "Default of a loan", "--reference", german_csv]
    result = run("report", model_file, rows, *options, "--out", folder / "german.html")
    assert result.exit_code == 0, result.output
    assert "Default of a loan" in (folder / "german.html").read_text()
    assert json.loads((folder / "german.json").read_text())["title"] == "Default of a loan"


def test_datasets_lists_what_is_here_and_what_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lines = run("datasets").stdout.splitlines()
    assert lines[1].split() == ["german_credit", "1,000", "20", "yes", "CC", "BY", "4.0"]
    assert "adult" in lines[2]
    assert "no" in lines[2].split()


def test_datasets_describes_one():
    assert "event 'bad' in 30.0% of rows" in run("datasets", "german_credit").stdout


def test_absent_dataset_says_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = run("datasets", "heloc")
    assert result.exit_code == 1
    assert "Get it from https://community.fico.com" in result.stderr


def test_doctor_names_what_is_installed():
    result = run("doctor")
    assert result.exit_code == 0
    words = [line.split()[:2] for line in result.stdout.splitlines()]
    assert ["ok", "torch>=2.6"] in words
    assert ["domains", "finance,"] in words
    assert "domains  finance, manufacturing, medical, retail" in result.stdout


def test_doctor_gives_the_line_that_installs_what_is_missing(monkeypatch):
    needs = ["numpy>=1.26", "no-such-package>=3", 'no-such-extra>=1; extra == "scale"']
    monkeypatch.setattr("appkit.commands.doctor.requires", lambda _: needs)
    result = run("doctor")
    assert result.exit_code == 1
    assert "pip install industry-appkit\n" in result.stdout
    assert "pip install 'industry-appkit[scale]'" in result.stdout


def toy_domain(name: str) -> Domain:
    def write_page(out: Path, *, progress: bool) -> None:
        (out / f"{name}.html").write_text(f"progress {progress}")

    return Domain(name=name, title=name, estimators={}, datasets={}, demo=write_page)


def test_demo_runs_that_of_the_first_domain_in_a_new_folder_and_names_the_others(monkeypatch, tmp_path):
    monkeypatch.setattr("appkit.domain.discover_domains", lambda: {n: toy_domain(n) for n in ("toys", "tools")})
    result = run("demo", "--out", tmp_path / "demo")
    assert (tmp_path / "demo" / "toys.html").read_text() == "progress False"
    assert not (tmp_path / "demo" / "tools.html").exists()
    assert "There is more: appkit demo tools." in result.stderr


def test_demo_of_one_domain_runs_no_other(monkeypatch, tmp_path):
    monkeypatch.setattr("appkit.domain.discover_domains", lambda: {n: toy_domain(n) for n in ("toys", "tools")})
    assert run("demo", "tools", "--out", tmp_path).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["tools.html"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "finance", "CSV", "--target", "credit_rsk", "--out", "m"], "no column 'credit_rsk'. Is it 'credit_r"),
        (["fit", "finance", "CSV", "--target", "credit_risk", "--event", "evil", "--out", "m"], "one of the labels of"),
        (["fit", "finance", "CSV", "--target", "credit_risk", "--param", "widht=1", "--out", "m"], "Is it 'width'?"),
        (["fit", "finance", "CSV", "--target", "credit_risk", "--out", "absent/m"], "Create it first"),
        (["fit", "finance", "MODEL", "--target", "credit_risk", "--out", "m"], "must end in .csv or .parquet"),
        (["predict", "MODEL", "CSV", "--out", "m.xlsx"], "must end in .csv or .parquet or .json"),
        (["predict", "CSV", "CSV", "--out", "m.csv"], "no complete zip"),
        (["predict", "MODEL", "CSV", "--keep", "id", "--out", "m.csv"], "no column 'id'"),
        (["explain", "MODEL", "CSV", "--units", "points", "--out", "m.csv"], "units must be"),
    ],
)
def test_error_is_told_in_one_line_with_exit_code_1(arguments, message, model_file, german_csv, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = {"CSV": german_csv, "MODEL": model_file}
    result = run(*[paths.get(argument, argument) for argument in arguments])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "fiance", __file__, "--target", "y", "--out", "m"],
        ["fit", "finance", __file__, "--target", "y", "--estimator", "Foo", "--out", "m"],
        ["fit", "finance", __file__, "--target", "y", "--param", "width", "--out", "m"],
        ["fit", "finance", "no-such-file.csv", "--target", "y", "--out", "m"],
        ["fit", "finance"],
        ["datasets", "nowhere"],
        ["datasets", "--out", "x.csv"],
        ["demo", "nowhere"],
        ["explain", __file__, __file__, "--rows", "0", "--out", "x.csv"],
        ["wash"],
    ],
)
def test_wrong_usage_has_exit_code_2(arguments):
    assert run(*arguments).exit_code == 2


def test_table_that_does_not_fit_lists_every_problem(model_file, german_csv, tmp_path):
    odd = pd.read_csv(german_csv).drop(columns="purpose").astype({"duration_months": object})
    odd.loc[3, "duration_months"] = "n/k"
    odd.to_csv(tmp_path / "odd.csv", index=False)
    result = run("predict", model_file, tmp_path / "odd.csv", "--out", tmp_path / "out.csv")
    assert result.exit_code == 1
    assert "Column 'purpose' is missing" in result.stderr
    assert "'duration_months' must be numeric" in result.stderr


def test_debug_shows_the_error_itself(german_csv, tmp_path):
    result = run("--debug", "predict", german_csv, german_csv, "--out", tmp_path / "out.csv")
    assert type(result.exception).__name__ == "ArtefactError"


def test_warnings_are_told_in_words(folder):
    path = folder / "constant.csv"
    pd.DataFrame({"x": range(40), "same": 1, "y": [0, 1] * 20}).to_csv(path, index=False)
    result = run("fit", "table", path, "--target", "y", *SMALL, "--out", folder / "constant.appkit")
    assert "warning: " in result.stderr
    assert "'same'" in result.stderr


def test_every_command_has_an_example():
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.callback.__name__
        assert f"appkit {name}" in run(name, "--help").stdout


def test_installed_command_answers_without_loading_torch():
    program = Path(sys.executable).with_name("appkit")
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("appkit ")
    code = "import sys, appkit.cli as c; c.app(['--help'], standalone_mode=False); print('torch' in sys.modules)"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.splitlines()[-1] == "False"
