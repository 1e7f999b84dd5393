"""Bad input gets a clear answer from every public verb: what is wrong, where, and what to do; nothing half-written."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from typer.testing import CliRunner

import appkit
from appkit.archive import read_archive, write_archive
from appkit.cli import app
from appkit.data import check_unique_ids
from appkit.exceptions import ArtefactError, DataWarning, SchemaError

QUICK: dict[str, Any] = {
    "width": 8, "n_members": 2, "n_networks": 1, "max_epochs": 2, "random_state": 0, "progress": False
}  # fmt: skip
N_ROWS = 60


def make_rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=N_ROWS)
    job = rng.choice(["clerk", "nurse"], N_ROWS)
    return pd.DataFrame({"income": rng.normal(size=N_ROWS), "job": job, "opened": days})


def make_labels() -> pd.Series:
    return pd.Series(np.where(make_rows()["income"] + np.arange(N_ROWS) % 3 > 1, "bad", "good"))


@pytest.fixture
def X() -> pd.DataFrame:
    return make_rows()


@pytest.fixture
def y() -> pd.Series:
    return make_labels()


@pytest.fixture(scope="module")
def model() -> appkit.TabularClassifier:
    return appkit.TabularClassifier(**QUICK).fit(make_rows(), make_labels())


@pytest.fixture(scope="module")
def regressor() -> appkit.TabularRegressor:
    return appkit.TabularRegressor(**QUICK).fit(make_rows(), make_rows()["income"] * 2)


# Tables: what every verb says of rows that are not like those the model was fitted on.


def with_cell(X: pd.DataFrame, column: str, value: Any, row: int = 4) -> pd.DataFrame:
    changed = X[column].astype(object)
    changed.iloc[row] = value
    return X.assign(**{column: changed})


LATER_TABLES: dict[str, tuple[Callable[[pd.DataFrame], Any], str]] = {
    "empty": (lambda X: X.iloc[:0], "must have at least one row"),
    "no column": (lambda X: X[[]], "at least one (row and one )?column"),
    "missing column": (lambda X: X.drop(columns="job"), r"Column 'job' is missing\. Add it, with empty cells"),
    "unknown column": (lambda X: X.assign(fee=1), r"Column 'fee' is unknown\. Drop it, or fit again with it"),
    "misspelt column": (lambda X: X.rename(columns={"income": "incme"}), r"'incme' is unknown \(is it 'income'\?\)"),
    "doubled column": (lambda X: pd.concat([X, X[["job"]]], axis=1), r"'job' appears more than once\. Keep one, or"),
    "numbered columns": (lambda X: X.set_axis(range(3), axis=1), r"must be text, got 0\. Rename with X\.columns"),
    "text in numbers": (
        lambda X: with_cell(X, "income", "n/k"),
        r"'income' must be numeric, got text in 1 row \(first: 'n/k' in row 4\)\. Declare it as .* or clean it",
    ),
    "numbers in text": (lambda X: X.assign(job=1.5), r"'job' must be text, got numbers in 60 rows\. Give words as in"),
    "no date": (
        lambda X: with_cell(X, "opened", "soon"),
        r"'opened' must be a date, got text in 1 row \(first: 'soon' in row 4\)\. Give datetimes, or ISO 8601",
    ),
    "infinite value": (
        lambda X: with_cell(X, "income", np.inf).astype({"income": float}),
        r"'income' must be finite, got infinity in 1 row \(first: inf in row 4\)\. Replace it by a missing value",
    ),
    "one dimension": (lambda X: X["income"].to_numpy(), r"(?i)2D array|two-dimensional|must be a table"),
    "too many columns": (lambda X: np.zeros((3, 9)), "9 features, but .* expecting 3|must have .*3 columns.*, got 9"),
    "nothing": (lambda X: None, r"(?i)2D array|two-dimensional|must be a table"),
}
VERBS: dict[str, Callable[[Any, Any], Any]] = {
    "predict": lambda model, X: model.predict(X),
    "predict_proba": lambda model, X: model.predict_proba(X),
    "predict_set": lambda model, X: model.predict_set(X),
    "explain": lambda model, X: appkit.explain(model, X),
    "explain by shap": lambda model, X: appkit.explain(model, X, background=make_rows()[:5], backend="shap"),
    "explain by lime": lambda model, X: appkit.explain(model, X, background=make_rows()[:5], backend="lime"),
    "evaluate": lambda model, X: appkit.evaluate(model, X, make_labels()[: 0 if X is None else len(X)]),
    "report": lambda model, X: appkit.report(model, X, make_labels()[: 0 if X is None else len(X)]),
}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")  # scikit-learn's word on arrays, said first
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("case", LATER_TABLES)
def test_rows_unlike_the_training_table_are_refused(case, verb, model, X):
    change, message = LATER_TABLES[case]
    with pytest.raises(ValueError, match=message):
        VERBS[verb](model, change(X))


@pytest.mark.parametrize("case", ["missing column", "text in numbers", "infinite value"])
def test_a_background_unlike_the_training_table_is_refused(case, model, X):
    change, message = LATER_TABLES[case]
    with pytest.raises(SchemaError, match=rf"{message}|background must have every column of X, \['job'\]"):
        appkit.explain(model, X[:2], background=change(X))


@pytest.mark.parametrize("verb", ["predict_proba", "explain", "evaluate", "report"])
@pytest.mark.parametrize("value", [np.nan, 3.0], ids=["all missing", "constant"])
def test_a_column_that_says_nothing_is_no_error_later(value, verb, model, X):
    answer = VERBS[verb](model, X.assign(income=value))
    if verb == "predict_proba":
        assert np.isfinite(answer).all()
    if verb == "explain":
        assert np.isfinite(answer.values).all()


def test_every_problem_of_a_table_is_listed_at_once(model, X):
    with pytest.raises(SchemaError) as caught:
        model.predict(with_cell(X, "income", "n/k").drop(columns="job").assign(fee=1))
    assert len(str(caught.value).splitlines()) == 3


# Fit: tables, targets and what goes with them.

TRAINING_TABLES: dict[str, tuple[Callable[[pd.DataFrame], Any], str]] = {
    "empty": (lambda X: X.iloc[:0], r"0 sample\(s\)"),
    "no column": (lambda X: X[[]], r"0 feature\(s\)"),
    "doubled column": LATER_TABLES["doubled column"],
    "mixed names": (lambda X: X.rename(columns={"job": 3}), "3|string"),
    "infinite value": LATER_TABLES["infinite value"],
    "durations": (
        lambda X: X.assign(age=pd.to_timedelta(range(N_ROWS), unit="D")),
        r"Column 'age' must hold numbers, text, booleans or dates, got timedelta64.*Convert it, or drop it",
    ),
    "lists": (lambda X: X.assign(tags=[["a"]] * N_ROWS), r"Column 'tags' must hold .* \(first: \['a'\]\)"),
    "one dimension": LATER_TABLES["one dimension"],
    "three dimensions": (lambda X: np.zeros((N_ROWS, 2, 2)), "dim 3"),
    "complex": (lambda X: np.zeros((N_ROWS, 2), dtype=complex), "X must be real"),
}


@pytest.mark.parametrize("case", TRAINING_TABLES)
def test_a_table_that_cannot_be_learnt_from_is_refused(case, X, y):
    change, message = TRAINING_TABLES[case]
    table = change(X)
    with pytest.raises((ValueError, TypeError), match=message):
        appkit.TabularClassifier(**QUICK).fit(table, y[: len(table)])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"income": np.nan}, "missing in every row: 'income'"),
        ({"job": None}, "missing in every row: 'job'"),
        ({"income": 3.0, "job": "nurse"}, "constant: 'income', 'job'"),
    ],
)
def test_a_column_that_says_nothing_is_warned_of_and_learnt_around(columns, message, X, y):
    with pytest.warns(DataWarning, match=rf"{message}.*Drop them"):
        model = appkit.TabularClassifier(**QUICK).fit(X.assign(**columns), y)
    assert np.isfinite(model.predict_proba(X.assign(**columns))).all()


TARGETS: dict[str, tuple[Callable[[pd.Series], Any], str]] = {
    "one class": (lambda y: np.full(len(y), "bad"), r"at least two classes.*one class \('bad'\)"),
    "missing labels": (lambda y: y.where(np.arange(len(y)) != 7), r"1 of 60 .* \(first: row 7\)\. Drop these rows"),
    "too few": (lambda y: y[:5], "one entry per row of X, got 5 for 60"),
    "two columns": (lambda y: np.zeros((len(y), 2)), "1d array"),
    "none": (lambda y: None, "requires y"),
    "text and numbers": (lambda y: np.array([1, "a"] * (N_ROWS // 2), dtype=object), "labels of one type"),
    "continuous": (lambda y: np.linspace(0, 1, len(y)), "(?i)continuous"),
}


@pytest.mark.parametrize("case", TARGETS)
def test_a_target_that_cannot_be_learnt_is_refused(case, X, y):
    change, message = TARGETS[case]
    with pytest.raises(ValueError, match=message):
        appkit.TabularClassifier(**QUICK).fit(X, change(y))


COMPANIONS: dict[str, tuple[dict[str, Any], str]] = {
    "negative weight": (
        {"sample_weight": np.where(np.arange(N_ROWS) == 2, -1.0, 1.0)},
        r"sample_weight must .*not.* negative, got .*-1\.0 in row 2.*Give 0 to a row that should not count",
    ),
    "missing weight": (
        {"sample_weight": np.where(np.arange(N_ROWS) == 2, np.nan, 1.0)},
        r"sample_weight must be finite.*nan in row 2",
    ),
    "no weight at all": ({"sample_weight": np.zeros(N_ROWS)}, "sample_weight must have a positive value"),
    "weights of text": ({"sample_weight": ["much"] * N_ROWS}, "sample_weight must be numbers.*'much'"),
    "too few weights": ({"sample_weight": [1.0, 1.0]}, r"sample_weight must have shape \(60,\), .*got \(2,\)"),
    "missing group": (
        {"groups": [None] + ["a", "b", "c"] * 19 + ["d", "e"]},
        r"groups must have no missing entry, got 1 \(first: row 0\)\. Give a row without a group",
    ),
    "too few groups": ({"groups": [1, 2]}, "groups must have one entry per row, got 2 for 60"),
}


@pytest.mark.parametrize("case", COMPANIONS)
def test_bad_weights_and_groups_are_refused_by_fit_and_evaluate(case, model, regressor, X, y):
    arguments, message = COMPANIONS[case]
    for estimator, target in ((appkit.TabularClassifier, y), (appkit.TabularRegressor, X["income"])):
        with pytest.raises(ValueError, match=message):
            estimator(**QUICK).fit(X, target, **arguments)
    for fitted, target in ((model, y), (regressor, X["income"])):
        with pytest.raises(ValueError, match=message):
            appkit.evaluate(fitted, X, target, **arguments)


@pytest.mark.parametrize("case", [case for case in COMPANIONS if "weight" in case])
def test_bad_weights_are_refused_by_report(case, model, X, y):
    arguments, message = COMPANIONS[case]
    with pytest.raises(ValueError, match=message):
        appkit.report(model, X, y, **arguments)


def test_repeated_ids_are_named_with_their_rows():
    with pytest.raises(SchemaError, match=r"loan must name one row each, got 1 repeated \(first: 7 in rows 0 and 2\)"):
        check_unique_ids([7, 8, 7], name="loan")


@pytest.mark.parametrize("verb", ["evaluate", "report"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:5], r"y must have one entry per row of X, got shape \(5,\) for 60 rows"),
        (lambda y: y.where(np.arange(len(y)) != 7), r"missing labels, got 1 \(first: row 7\)\. Drop these rows"),
        (lambda y: y.mask(y.index == 3, "odd"), r"\['bad', 'good'\], got also \['odd'\] \(first: row 3\)"),
        (lambda y: np.full(len(y), "bad"), "must hold events and non-events"),
        (lambda y: None, "y must have one entry per row"),
    ],
)
def test_labels_that_cannot_be_measured_against_are_refused(change, message, verb, model, X, y):
    with pytest.raises(ValueError, match=message):
        getattr(appkit, verb)(model, X, change(y))


@pytest.mark.parametrize("verb", ["evaluate", "report"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:5], r"y must have one entry per row of X, got shape \(5,\) for 60 rows"),
        (lambda y: y.mask(y.index == 3), r"y must be finite, got nan in row 3\. Drop such rows"),
        (lambda y: y.mask(y.index == 3, np.inf), r"y must be finite, got inf in row 3\. Drop such rows"),
        (lambda y: ["high"] * len(y), "y must be numbers, one per row: .*'high'"),
    ],
)
def test_values_that_cannot_be_measured_against_are_refused(change, message, verb, regressor, X):
    with pytest.raises(ValueError, match=message):
        getattr(appkit, verb)(regressor, X, change(X["income"]))


@pytest.mark.parametrize("verb", VERBS)
def test_a_model_that_was_not_fitted_says_so(verb, X):
    with pytest.raises(NotFittedError, match="TabularClassifier instance is not fitted yet"):
        VERBS[verb](appkit.TabularClassifier(), X)


def test_a_model_whose_fit_was_refused_is_not_fitted(X, y):
    model = appkit.TabularClassifier(**QUICK)
    with pytest.raises(SchemaError):
        model.fit(with_cell(X, "income", np.inf).astype({"income": float}), y)
    with pytest.raises(NotFittedError):
        model.predict(X)


# Artefacts: one damage each; the message names file, part and remedy, and nothing appears beside the file.


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def change_entries(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def from_a_newer_version(path: Path) -> None:
    def raise_version(entries: dict[str, bytes]) -> None:
        entries["manifest.json"] = json.dumps(json.loads(entries["manifest.json"]) | {"format_version": 99}).encode()

    change_entries(path, raise_version)


def change_a_part(path: Path) -> None:
    def swap(entries: dict[str, bytes]) -> None:
        entries["model.json"] = entries["model.json"].replace(b"Classifier", b"Regressor")

    change_entries(path, swap)


def escape(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil.json", b"{}")


def edit_part(part: str, edit: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Return a damage that writes another JSON with a right hash."""

    def damage(path: Path) -> None:
        parts = read_archive(path)
        parts[part] = json.dumps(edit(json.loads(parts[part]))).encode()
        write_archive(path, parts)

    return damage


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (truncate, "no complete zip"),
    "empty": (empty, "no complete zip"),
    "newer version": (from_a_newer_version, "format version 99; this appkit reads up to .*Upgrade"),
    "wrong hash": (change_a_part, "'model.json' has another hash"),
    "path escape": (escape, "path escape"),
    "other JSON": (edit_part("model.json", lambda _: {"weights": [1]}), "model.json has the unknown field 'weights'"),
    "other schema": (edit_part("fitted/schema.json", lambda _: {"schema_": {"columns": 3}}), "schema_"),
    "unknown class": (edit_part("model.json", lambda d: d | {"estimator": "os.system"}), "os.system.*Install"),
}


@pytest.fixture
def artefact(model, tmp_path) -> Path:
    return appkit.save(model, tmp_path / "credit.appkit")


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_artefact_is_refused(case, artefact):
    damage, message = DAMAGES[case]
    damage(artefact)
    with pytest.raises(ArtefactError, match=rf"credit\.appkit(.|\n)*{message}"):
        appkit.load(artefact)
    assert list(artefact.parent.iterdir()) == [artefact]


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.appkit"):
        appkit.load(tmp_path / "absent.appkit")


@pytest.mark.parametrize(
    ("thing", "error"), [(appkit.TabularClassifier(), NotFittedError), ("a model", TypeError), (None, TypeError)]
)
def test_what_cannot_be_saved_leaves_no_file(thing, error, tmp_path):
    with pytest.raises(error):
        appkit.save(thing, tmp_path / "credit.appkit")
    assert list(tmp_path.iterdir()) == []


# Command line: the same words in one last line, exit code 1, and no file.


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def assert_refused(result: Any, message: str) -> None:
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    assert "error: " in result.stderr
    assert re.search(message, " ".join(result.stderr.split())), result.stderr


CLI_TABLES = ("missing column", "unknown column", "misspelt column", "text in numbers", "no date", "infinite value")


@pytest.mark.parametrize("command", ["predict", "explain", "report"])
@pytest.mark.parametrize("case", CLI_TABLES)
def test_commands_refuse_rows_unlike_the_training_table(case, command, artefact, X, y):
    change, message = LATER_TABLES[case]
    rows, out = artefact.with_name("rows.csv"), artefact.with_name("out.html" if command == "report" else "out.csv")
    change(X).assign(**({"label": y} if command == "report" else {})).to_csv(rows, index=False)
    target = ["--target", "label"] if command == "report" else []
    assert_refused(run(command, artefact, rows, *target, "--out", out), message)
    assert sorted(artefact.parent.iterdir()) == sorted([artefact, rows])


@pytest.mark.parametrize("case", DAMAGES)
def test_commands_refuse_a_damaged_artefact(case, artefact, X):
    damage, message = DAMAGES[case]
    damage(artefact)
    rows = artefact.with_name("rows.csv")
    X.to_csv(rows, index=False)
    assert_refused(run("predict", artefact, rows, "--out", artefact.with_name("out.csv")), message)
    assert sorted(artefact.parent.iterdir()) == sorted([artefact, rows])


SMALL = [part for name in ("width", "n_members", "n_networks", "max_epochs") for part in ("--param", f"{name}=2")]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda table: table.iloc[:0], [], "'label' of .* must hold a target in at least one row, got none in 0"),
        (lambda table: table.assign(label="bad"), [], r"at least two classes.*one class \('bad'\)"),
        (lambda table: table.assign(label=table["label"].where(table.index != 7)), [], "row 7.*Drop these rows"),
        (lambda table: table.assign(income=np.inf), [], "'income' must be finite, got infinity in 60 rows"),
        (lambda table: table.assign(w=-1.0), ["--weight", "w"], "sample_weight must be finite and not negative"),
        (lambda table: table.drop(columns="label"), [], "no column 'label'"),
    ],
    ids=["empty", "one class", "labels missing", "infinite value", "negative weights", "no target"],
)
def test_fit_from_the_command_line_refuses_and_leaves_no_model(change, options, message, X, y, tmp_path):
    rows = tmp_path / "rows.csv"
    change(X.assign(label=y)).to_csv(rows, index=False)
    result = run(
        "fit", "finance", rows, "--target", "label", "--event", "bad", *options, *SMALL, "--out", tmp_path / "m.appkit"
    )
    assert_refused(result, message)
    assert list(tmp_path.iterdir()) == [rows]
