"""What a credit report adds, on German Credit, and each of its titles by case and negation."""

import importlib
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from appkit.model import Costs
from appkit.prediction import Estimate
from appkit.reporting import Report, report
from appkit.reporting.facts import (
    Challenger,
    ChallengerTable,
    Counterfactual,
    DataTable,
    FairnessFigure,
    GradeTable,
    HistoryFigure,
    Limit,
    Measure,
    NotFilled,
    ReasonCodes,
    Section,
    Tile,
    WaterfallFigure,
)
from domains.finance import CreditRiskClassifier
from domains.finance.fairness import GroupFairness, GroupOutcome
from domains.finance.prediction import calibration_by_grade, psi, swap_set
from domains.finance.report.drift import drift_title, history_finding, moved_finding
from domains.finance.report.grades import grades_title
from domains.finance.report.groups import approval_finding, gap_title
from domains.finance.report.rivals import challengers_title, swap_title

QUICK = {"n_networks": 1, "n_members": 4, "width": 32, "max_epochs": 6}
SMALL = QUICK | {"random_state": 0}
FEW = {"n_explained": 20}


@pytest.fixture(scope="module")
def split(german_credit_split):
    return german_credit_split


@pytest.fixture(scope="module")
def model(split) -> CreditRiskClassifier:
    X_train, _, y_train, _ = split
    return CreditRiskClassifier(costs=Costs(missed_event=5, false_alarm=1), **SMALL).fit(X_train, y_train)


@pytest.fixture(scope="module")
def page(model, split) -> Report:
    X_train, X_test, y_train, y_test = split
    return model.report(
        X_test,
        y_test,
        reference=(X_train, y_train),
        challengers="auto",
        dates=pd.date_range("2018-01-01", periods=len(X_test), freq="2D"),
        incumbent_score=-X_test["duration_months"],
        limits={"AUC": (0.6, None), "PSI": (None, 0.1), "Approval ratio": (0.8, None), "KS": (0.99, None)},
        **FEW,
    )


@pytest.fixture(scope="module")
def bare(model, split) -> Report:
    """Report from nothing but model and rows."""
    _, X_test, _, y_test = split
    return report(model, X_test, y_test, **FEW)


def section(page: Report, key: str) -> Section:
    return next(item for item in page.sections if item.key == key)


def block(page: Report, key: str, kind: type):
    return next(item for item in section(page, key).blocks if isinstance(item, kind))


def test_sections_stand_in_the_order_of_the_design(page):
    order = ["performance", "stability", "drivers", "case", "fairness", "challengers", "limits", "reproduction"]
    assert [item.key for item in page.sections] == order


def test_the_strip_has_six_tiles_in_the_words_of_credit(page):
    names = [tile.name for tile in page.tiles]
    assert names[0] == "Ranking of applicants (AUC)"
    assert names[2:] == [
        "Cost per applicant",
        "Drift of the score (PSI)",
        "Lowest approval ratio",
        "Explanation ranking",
    ]


def test_drift_of_the_score_is_that_of_psi(page, model, split):
    X_train, X_test, _, _ = split
    expected = psi(model.probability_of_default(X_train), model.probability_of_default(X_test))
    (tile,) = [tile for tile in page.tiles if isinstance(tile, Tile) and "PSI" in tile.name]
    assert (tile.measure.value, tile.measure.low) == (expected.value, expected.low)


def test_grades_hold_by_the_interval_that_is_drawn(page, model, split):
    _, X_test, _, y_test = split
    result = calibration_by_grade(y_test == "bad", model.probability_of_default(X_test), alpha=0.025)
    drawn = {grade.name: grade.verdict.word for grade in block(page, "performance", GradeTable).grades}
    assert drawn == {g.name: "holds" if g.verdict == "holds" else "misses" for g in result.grades if g.n}


def test_ranges_of_grades_are_percentages_without_rounding_noise(page):
    assert {grade.name: grade.predicted_range for grade in block(page, "performance", GradeTable).grades}.get(
        "D", "8 to 14"
    ) == "8 to 14"


def test_a_limit_on_ks_decides(page):
    table = [item for item in section(page, "performance").blocks if isinstance(item, DataTable)][-1]
    assert {row[0]: row[3].word for row in table.rows} == {"Gini": "no limit set", "KS": "fails"}


def test_reasons_raise_the_risk_and_speak_of_no_protected_column(page):
    reasons = block(page, "case", ReasonCodes).reasons
    assert all(reason.effect > 2 * reason.standard_error for reason in reasons)
    assert not any(reason.sentence.startswith(("Age", "Personal status", "Foreign")) for reason in reasons)


def test_reasons_come_before_the_gap_of_the_counterfactual(page):
    kinds = [type(item) for item in section(page, "case").blocks]
    assert kinds == [WaterfallFigure, ReasonCodes, NotFilled]


def test_reasons_come_before_the_change_that_would_be_accepted(model, split):
    _, X_test, _, y_test = split
    risk = model.probability_of_default(X_test)
    nearly = X_test.iloc[[int(np.where(risk >= model.threshold_, risk, 1).argmin())]]
    chosen = report(model, X_test, y_test, case=nearly, changeable=model.player_columns_, **FEW)
    kinds = [type(item) for item in section(chosen, "case").blocks]
    assert kinds == [WaterfallFigure, ReasonCodes, Counterfactual]


def test_a_model_that_uses_protected_columns_gives_no_reasons(split):
    X_train, X_test, y_train, y_test = split
    model = CreditRiskClassifier(protected=(), costs=Costs(5, 1), **SMALL).fit(X_train, y_train)
    gaps = [
        item for item in section(report(model, X_test, y_test, **FEW), "case").blocks if isinstance(item, NotFilled)
    ]
    assert any("drive the model" in gap.why for gap in gaps)


def test_an_accepted_applicant_gets_no_reasons(model, split):
    _, X_test, _, y_test = split
    safest = X_test.iloc[[int(model.probability_of_default(X_test).argmin())]]
    chosen = report(model, X_test, y_test, case=safest, **FEW)
    assert "accepted" in section(chosen, "case").question
    assert not any(isinstance(item, ReasonCodes) for item in section(chosen, "case").blocks)


def test_fairness_reports_no_group_under_thirty(page):
    groups = block(page, "fairness", FairnessFigure).groups
    assert all(isinstance(group.measure, NotFilled) for group in groups if group.n < 30)
    assert {group.name.split(":")[0] for group in groups} == {"Age", "Personal status sex", "Foreign worker"}


def test_challengers_stand_on_the_same_rows(page):
    table = block(page, "challengers", ChallengerTable)
    assert [row.name for row in table.challengers] == ["This model", "Logistic scorecard", "XGBoost", "Incumbent score"]
    assert table.challengers[0].measure.value == next(tile for tile in page.tiles).measure.value


def test_challengers_see_the_columns_the_model_sees(page):
    notes = {row.name: row.note for row in block(page, "challengers", ChallengerTable).challengers}
    assert notes["Logistic scorecard"] == "weight of evidence, 17 columns"


def test_a_fitted_challenger_is_taken_as_given(model, split):
    _, X_test, _, y_test = split
    page = report(model, X_test, y_test, challengers={"Twin": model}, **FEW)
    (twin,) = block(page, "challengers", ChallengerTable).challengers[1:]
    assert (twin.difference.value, twin.difference.low, twin.difference.high) == (0, 0, 0)


def test_history_and_vintages_need_dates(page, bare):
    assert block(page, "stability", HistoryFigure).periods[0].group == "2018"
    assert block(bare, "stability", NotFilled).argument == "dates="


def test_every_gap_of_a_bare_report_names_its_argument(bare):
    arguments = {item.argument for item in section(bare, "limits").blocks if isinstance(item, NotFilled)}
    assert {"dates=", "incumbent_score=", 'challengers="auto"', "changeable=", "purpose="} <= arguments


def test_challengers_without_training_rows_say_what_they_need(model, split):
    _, X_test, _, y_test = split
    page = report(model, X_test, y_test, challengers="auto", **FEW)
    assert block(page, "challengers", NotFilled).argument == "reference=(X_train, y_train)"


def test_both_reports_render(page, bare):
    assert all("<h1>" in item.to_html() for item in (page, bare))


def test_the_report_of_credit_is_the_same_twice(page, model, split):
    _, X_test, _, y_test = split
    first, second = (report(model, X_test, y_test, **FEW).to_json() for _ in range(2))
    assert first == second


def test_a_foreign_model_gets_the_credit_sections_by_name(split):
    X_train, X_test, y_train, y_test = split
    columns = ["duration_months", "credit_amount"]
    model = LogisticRegression().fit(X_train[columns], y_train == "bad")
    page = report(model, X_test[columns], y_test == "bad", reference=X_train[columns], domain="finance", **FEW)
    assert section(page, "stability").title == "Stability"


def test_the_demo_writes_page_and_facts(tmp_path, monkeypatch, capsys):
    tour = importlib.import_module("domains.finance.demo")  # the package offers the function under the same name
    monkeypatch.setattr(tour, "CreditRiskClassifier", partial(CreditRiskClassifier, **QUICK))
    monkeypatch.setattr(tour, "report", partial(report, **FEW))
    html, json = tour.demo(tmp_path)
    assert (html.name, json.name) == ("credit.html", "credit.json")
    assert "AUC" in capsys.readouterr().out
    assert Report.from_json(json.read_text(encoding="utf-8")).to_html() == html.read_text(encoding="utf-8")


def measure(low: float, value: float, high: float) -> Measure:
    return Measure(value, low, high, decimals=2)


@pytest.mark.parametrize(
    ("score", "limit", "expected"),
    [
        (measure(0.0, 0.02, 0.05), Limit(high=0.1), "No drift of the score can be told, and it is inside its limit"),
        (measure(0.02, 0.04, 0.06), Limit(high=0.1), "The score has drifted, and it is inside its limit"),
        (measure(0.2, 0.3, 0.4), Limit(high=0.1), "The score has drifted past its limit"),
        (measure(0.05, 0.1, 0.15), Limit(high=0.1), "The score has drifted, and whether it is inside its limit is not"),
        (measure(0.05, 0.1, 0.15), None, "The score has drifted; no limit was set"),
        (measure(0.0, 0.1, 0.15), None, "No drift of the score can be told"),
    ],
)
def test_drift_is_claimed_where_the_interval_leaves_zero(score, limit, expected):
    assert drift_title(score, limit).startswith(expected)


def test_columns_that_moved_are_named_as_far_as_a_title_holds_them():
    assert moved_finding(("Age", "Income"), 14) == "2 of 14 columns moved: Age and Income"
    many = tuple(f"Column number {i}" for i in range(9))
    assert moved_finding(many, 14) == "9 of 14 columns moved, Column number 0 most"


def test_history_speaks_of_the_last_quarter():
    quiet, loud = measure(0.0, 0.01, 0.03), measure(0.2, 0.3, 0.4)
    assert history_finding((quiet, loud), Limit(high=0.1)).endswith("the last is past the limit")
    assert history_finding((loud, quiet), Limit(high=0.1)).endswith("the last is inside the limit")
    assert history_finding((quiet, quiet), None) == "Drift can be told in none of 2 quarters"


def test_grades_are_named_where_they_miss():
    fine = calibration_by_grade([0] * 97 + [1] * 3, [0.03] * 100, alpha=0.025)
    under = calibration_by_grade([0] * 60 + [1] * 40, [0.03] * 100, alpha=0.025)
    over = calibration_by_grade([0] * 100, [0.3] * 100, alpha=0.025)
    assert grades_title(fine) == "Observed default rates hold in the one grade"
    assert grades_title(under) == "Risk is underestimated in grade B; no grade holds"
    assert grades_title(over) == "Risk is overestimated in grade F; no grade holds"


def groups(low: float, value: float, high: float) -> tuple[GroupFairness, ...]:
    ratio = Estimate("Approval ratio", value, low, high, "log ratio", n=100)
    own = Estimate("Approval ratio", 1.0, 1.0, 1.0, "reference", n=100)
    outcomes = (
        GroupOutcome("women", 100, 10, approval_ratio=ratio),
        GroupOutcome("men", 100, 10, is_reference=True, approval_ratio=own),
    )
    return (GroupFairness("sex", outcomes, "men", 30),)


@pytest.mark.parametrize(
    ("ends", "limit", "expected"),
    [
        ((0.85, 0.9, 0.95), Limit(low=0.8), "Every group meets the limit; the lowest approval ratio is 0.90"),
        ((0.5, 0.6, 0.7), Limit(low=0.8), "Sex: women fails the limit at 0.60"),
        ((0.7, 0.85, 0.95), Limit(low=0.8), "Whether Sex: women, at 0.85, meets the limit is not settled"),
        ((0.7, 0.85, 0.95), None, "Sex: women is approved less often, at 0.85 of the reference rate"),
        ((0.7, 0.85, 1.05), None, "No group’s approval rate can be told apart from that of its reference"),
    ],
)
def test_approval_claims_what_the_interval_supports(ends, limit, expected):
    assert approval_finding(groups(*ends), limit) == expected


def test_no_group_to_compare_is_said():
    small = GroupFairness("sex", (GroupOutcome("women", 3, 1, too_few=True),), "women", 30)
    assert approval_finding((small,), None) == "No group is large enough to compare"


def test_gaps_are_claimed_for_groups_clear_of_zero():
    assert gap_title(("Age: under 26",)) == "Observed and predicted rates differ for Age: under 26"
    assert gap_title(()).startswith("No group’s gap")


def challenger(name: str, low: float, value: float, high: float) -> Challenger:
    return Challenger(name, "", Measure(0.8), Measure(value, low, high))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            (challenger("XGBoost", -0.01, 0.0, 0.01), challenger("Scorecard", -0.03, -0.02, -0.01)),
            "XGBoost cannot be told apart from this model; Scorecard is behind",
        ),
        (
            (challenger("XGBoost", 0.01, 0.02, 0.03), challenger("Scorecard", -0.01, 0.0, 0.01)),
            "XGBoost is ahead of this model; Scorecard cannot be told apart from it",
        ),
        (
            (challenger("A", -0.03, -0.02, -0.01), challenger("B", -0.03, -0.02, -0.01)),
            "A and B are behind this model",
        ),
        ((challenger("XGBoost", -0.01, 0.0, 0.01),), "XGBoost cannot be told apart from this model"),
    ],
)
def test_challengers_are_ahead_behind_or_cannot_be_told_apart(rows, expected):
    assert challengers_title(rows) == expected


def test_swaps_are_claimed_where_their_intervals_part():
    p = np.r_[np.full(200, 0.1), np.full(200, 0.4)]
    score = np.r_[np.full(200, 1.0), np.full(200, 2.0)]
    better = swap_set(score, p, np.r_[np.zeros(200), np.ones(200)].astype(int), approval_rate=0.5)
    worse = swap_set(score, p, np.r_[np.ones(200), np.zeros(200)].astype(int), approval_rate=0.5)
    level = swap_set(score, p, np.tile([0, 1], 200), approval_rate=0.5)
    assert swap_title(better) == "Those approved instead default less often, 0\u202f% against 100\u202f%"
    assert swap_title(worse) == "Those approved instead default more often, 100\u202f% against 0\u202f%"
    assert "cannot be told apart" in swap_title(level)
    assert swap_title(swap_set(-p, p, np.tile([0, 1], 200), approval_rate=0.5)).endswith("the same applicants")
