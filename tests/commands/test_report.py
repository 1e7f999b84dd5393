"""``appkit report`` from the command line: limits, dates, challengers, and what it says when it cannot."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from appkit.cli import app
from appkit.persistence import save
from domains.finance import CreditRiskClassifier, load_german_credit

EASY = ["--target", "credit_risk", "--out"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model, the rows it learnt from and labelled rows with a score, a date and a remark."""
    folder = tmp_path_factory.mktemp("report")
    X_train, X_test, y_train, y_test = load_german_credit().split()
    model = CreditRiskClassifier(event="bad", n_networks=1, max_epochs=3, width=16, n_members=4, random_state=0)
    save(model.fit(X_train, y_train), folder / "m.appkit")
    X_train.assign(credit_risk=y_train).to_csv(folder / "train.csv", index=False)
    X_train.to_csv(folder / "unlabelled.csv", index=False)
    rows = X_test.assign(credit_risk=y_test, points=np.arange(len(X_test)) % 97, remark="none")
    rows["opened"] = np.where(np.arange(len(rows)) % 2, "2018-02-03", "2018-05-06")
    rows.to_csv(folder / "rows.csv", index=False)
    return folder


def run(folder: Path, *options: Any) -> Any:
    given = ["report", folder / "m.appkit", folder / "rows.csv", *EASY, folder / "page.html", "--keep", "remark"]
    return CliRunner().invoke(app, [str(text) for text in [*given, *options]])


ASIDE = ["--incumbent", "points", "--dates", "opened"]


@pytest.fixture(scope="module")
def facts(folder: Path) -> dict[str, Any]:
    options = [
        "--limit",
        "AUC>=0.6",
        "--limit",
        "PSI<=0.2",
        "--date",
        "2026-01-15",
        "--reference",
        folder / "train.csv",
    ]
    result = run(folder, *ASIDE, *options)
    assert result.exit_code == 0, result.output
    return json.loads((folder / "page.json").read_text())


def test_limits_judge_what_they_name(facts):
    assert facts["tiles"][0]["limit"]["low"] == 0.6
    assert any(tile["limit"] and tile["limit"]["high"] == 0.2 for tile in facts["tiles"] if "limit" in tile)


def test_the_date_is_printed(facts):
    assert {"term": "Report date", "value": "2026-01-15", "is_code": False} in facts["facts"]


def test_dates_challengers_and_the_incumbent_fill_their_places(facts):
    text = json.dumps(facts["sections"])
    assert "psi-history" in text
    assert "Logistic scorecard" in text
    assert "Incumbent score" in text


def test_no_challengers_are_fitted_where_none_are_wanted(folder):
    result = run(folder, *ASIDE, "--reference", folder / "train.csv", "--no-challengers")
    assert result.exit_code == 0, result.output
    assert "Logistic scorecard" not in (folder / "page.json").read_text()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--limit", "AUC"], 2, "NAME>=x"),
        (["--date", "15.1.2026"], 2, "--date"),
        (["--challengers"], 2, "give --reference"),
        (["--incumbent", "remark"], 1, "--incumbent must name a column of numbers"),
        (["--dates", "remark"], 1, "--dates must name a column of dates"),
        (["--dates", "opend"], 1, "Is it 'opened'?"),
    ],
)
def test_what_cannot_be_done_is_said(folder, options, code, said):
    result = run(folder, *options)
    assert result.exit_code == code
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_challengers_without_labels_are_refused(folder):
    result = run(folder, *ASIDE, "--reference", folder / "unlabelled.csv", "--challengers")
    assert result.exit_code == 1
    assert "unlabelled.csv has no column 'credit_risk'" in result.stderr
