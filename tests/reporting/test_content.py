"""From a model and rows to facts: what is measured, what is named as missing, and that the bytes repeat."""

import datetime
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from appkit.prediction import evaluate
from appkit.reporting import DomainSection, Report, report
from appkit.reporting.content.gathering import merged
from appkit.reporting.facts import (
    CurveFigure,
    DataTable,
    Figure,
    NotFilled,
    Section,
    Tile,
    WaterfallFigure,
    Wording,
)
from appkit.reporting.facts.block import Block
from tests.reporting.content_tables import drawn_rows, linear_model, logistic_model

FEW = {"n_explained": 20}


@pytest.fixture(scope="module")
def binary() -> Report:
    X, y = drawn_rows(300)
    return report(logistic_model(), X, y, background=X[:50], limits={"AUC": (0.6, None), "Deletion": (99, None)}, **FEW)


def section(page: Report, key: str) -> Section:
    return next(item for item in page.sections if item.key == key)


def blocks(page: Report, kind: type[Block]) -> list:
    return [block for item in page.sections for block in item.blocks if isinstance(block, kind)]


def tile(page: Report, name: str) -> Tile:
    return next(item for item in page.tiles if isinstance(item, Tile) and name in item.name)


def test_tiles_hold_the_numbers_of_the_evaluation(binary):
    X, y = drawn_rows(300)
    expected = evaluate(logistic_model(), X, y)["AUC"]
    measure = tile(binary, "AUC").measure
    assert (measure.value, measure.low, measure.high) == (expected.value, expected.low, expected.high)


def test_a_limit_decides_and_without_one_nothing_is_decided(binary):
    assert tile(binary, "AUC").verdict.word == "passes"
    assert tile(binary, "slope").verdict.word == "no limit set"


def test_a_limit_on_a_check_replaces_the_usual_one(binary):
    (certificate,) = [block for block in section(binary, "drivers").blocks if type(block).__name__ == "Certificate"]
    by_name = {check.name: check for check in certificate.checks}
    assert by_name["Deletion"].verdict.status == "fail"
    assert by_name["Insertion"].limit.low == 1.5


def test_a_limit_that_names_nothing_measured_is_refused():
    X, y = drawn_rows(100)
    with pytest.raises(ValueError, match=r"limits must name what is measured.*got \['ACU'\]"):
        report(logistic_model(), X, y, limits={"ACU": (0.7, None)}, **FEW)


def test_every_number_of_the_strip_has_an_interval(binary):
    assert all(item.measure.low is not None for item in binary.tiles if isinstance(item, Tile))


def test_the_page_survives_json_and_renders(binary):
    assert Report.from_json(binary.to_json()) == binary
    assert "<h1>" in binary.to_html()


def test_the_same_inputs_give_the_same_bytes(binary):
    X, y = drawn_rows(300)
    again = report(
        logistic_model(), X, y, background=X[:50], limits={"AUC": (0.6, None), "Deletion": (99, None)}, **FEW
    )
    assert again.to_json() == binary.to_json()
    assert again.to_html() == binary.to_html()


def test_a_new_process_gives_the_same_bytes(tmp_path):
    code = (
        "from tests.reporting.content_tables import drawn_rows, logistic_model\n"
        "from appkit.reporting import report\n"
        "X, y = drawn_rows(120)\n"
        "import torch; torch.set_num_threads(1)\n"
        "print(report(logistic_model(), X, y, background=X[:30], n_explained=20).to_json())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    X, y = drawn_rows(120)
    assert done.stdout.strip() == report(logistic_model(), X, y, background=X[:30], **FEW).to_json().strip()


def test_a_hundred_times_the_rows_give_the_same_size():
    model = logistic_model(strength=0.5)  # weak enough for ten groups of calibration in both
    pages = []
    for n_rows in (1_000, 100_000):
        X, y = drawn_rows(n_rows, seed=3, strength=0.5)
        pages.append(len(report(model, X, y, background=X[:50], n_explained=100).to_html()))
    assert pages[1] == pytest.approx(pages[0], rel=0.01)


def test_facts_hold_no_row_of_the_table_but_the_one_explained(binary):
    X, _ = drawn_rows(300)
    text = binary.to_json()
    shown = [value for value in X["debt"].to_numpy() if repr(float(value)) in text]
    assert shown == []


def test_the_report_date_is_an_argument_and_never_the_clock(binary):
    X, y = drawn_rows(100)
    dated = report(logistic_model(), X, y, report_date=datetime.date(2026, 1, 15), **FEW)
    assert {fact.term: fact.value for fact in dated.facts}["Report date"] == "2026-01-15"
    assert isinstance({fact.term: fact.value for fact in binary.facts}["Report date"], NotFilled)


def test_what_was_not_given_is_named_with_the_argument_that_fills_it(binary):
    arguments = {block.argument for block in section(binary, "limits").blocks if isinstance(block, NotFilled)}
    assert {"report_date=", "purpose=", "changeable="} <= arguments


def test_what_was_given_is_no_gap():
    X, y = drawn_rows(100)
    page = report(logistic_model(), X, y, purpose="Decides nothing.", report_date=datetime.date(2026, 1, 1), **FEW)
    arguments = {block.argument for block in blocks(page, NotFilled)}
    assert not {"report_date=", "purpose="} & arguments


def test_options_that_no_domain_reads_are_named():
    X, y = drawn_rows(100)
    page = report(logistic_model(), X, y, dates=np.repeat("2020-01-01", 100), **FEW)
    assert [gap.argument for gap in section(page, "case").blocks if isinstance(gap, NotFilled)].count("domain=") == 1


def test_the_event_is_explained_also_where_it_is_the_first_class(binary):
    (steps,) = blocks(binary, WaterfallFigure)
    X, _ = drawn_rows(300)
    case = X.loc[[int(section(binary, "case").question.split(" ")[3])]]
    assert steps.output == pytest.approx(logistic_model().predict_proba(case)[0, 0])


def test_steps_add_up_to_the_prediction(binary):
    (figure,) = blocks(binary, WaterfallFigure)
    assert figure.average + sum(step.effect for step in figure.steps) == pytest.approx(figure.output)


def test_findings_have_at_most_sixteen_words(binary):
    long = [figure.finding for figure in blocks(binary, Figure) if len(figure.finding.split(" ")) > 16]
    assert long == []


def test_a_regressor_has_a_report():
    model, X, y = linear_model()
    page = report(model, X, y, background=X[:50], **FEW)
    assert [item.name for item in page.tiles[:2]] == ["Root mean squared error", "R2"]
    assert page.to_html()


def test_several_classes_have_a_report_on_one_of_them():
    X, _ = drawn_rows(300)
    y = np.where(X["debt"] > 1, "c", np.where(X["income"] > 0, "b", "a"))
    page = report(LogisticRegression().fit(X, y), X, y, background=X[:50], output="b", **FEW)
    assert {fact.term: fact.value for fact in page.facts}["Outcome"].endswith("'b'")
    assert page.to_html()


def test_an_output_that_is_no_class_is_refused():
    X, _ = drawn_rows(90)
    y = np.repeat(["a", "b", "c"], 30)
    with pytest.raises(ValueError, match="output must be one of the classes"):
        report(LogisticRegression().fit(X, y), X, y, output="z", **FEW)


def test_an_array_has_the_report_of_its_frame():
    X, y = drawn_rows(150)
    model = LogisticRegression().fit(X.to_numpy(), y)
    page = report(model, X.to_numpy(), y, background=X.to_numpy()[:50], **FEW)
    assert "x0" in page.to_json()


def test_a_model_that_says_the_same_of_every_row_has_a_report():
    X, y = drawn_rows(150)
    page = report(DummyClassifier(strategy="prior").fit(X, y), X, y, background=X[:50], **FEW)
    assert {tile.item for tile in page.tiles if isinstance(tile, NotFilled)} == {"Calibration slope"}
    assert page.to_html()


def test_one_column_has_a_report():
    X, y = drawn_rows(150)
    page = report(LogisticRegression().fit(X[["debt"]], y), X[["debt"]], y, background=X[["debt"]][:50], **FEW)
    assert page.tiles[-1].total == 1
    assert page.to_html()


def test_a_threshold_that_flags_nobody_or_everybody_has_a_report():
    X, y = drawn_rows(150)
    nobody, everybody = (report(logistic_model(), X, y, threshold=t, background=X[:50], **FEW) for t in (0.9999, 1e-6))
    assert "none is flagged" in nobody.to_json()
    assert "All of 100 rows are flagged" in everybody.to_json()


def test_weights_reach_the_metrics():
    X, y = drawn_rows(200)
    weight = np.linspace(0.1, 2, 200)
    page = report(logistic_model(), X, y, sample_weight=weight, background=X[:50], **FEW)
    assert tile(page, "AUC").measure.value == evaluate(logistic_model(), X, y, sample_weight=weight)["AUC"].value


def test_a_missing_background_is_drawn_and_said():
    X, y = drawn_rows(100)
    (block,) = section(report(logistic_model(), X, y, **FEW), "reproduction").blocks
    assert block.fallbacks == ("No background was given: 100 rows of this report, drawn by the seed, stand in.",)


def test_the_command_repeats_what_was_given(binary):
    (block,) = section(binary, "reproduction").blocks
    assert "limits={'AUC': (0.6, None), 'Deletion': (99, None)}," in block.command
    assert "background=background," in block.command


def test_a_case_can_be_named_or_given():
    X, y = drawn_rows(100)
    named = report(logistic_model(), X, y, case=7, background=X[:50], **FEW)
    given = report(logistic_model(), X, y, case=X.iloc[[7]], background=X[:50], **FEW)
    assert blocks(named, WaterfallFigure)[0].output == blocks(given, WaterfallFigure)[0].output


def test_blocks_of_a_known_section_are_added_before_the_gap_that_ends_it():
    gap = NotFilled(item="Counterfactual", why="none", argument="changeable=")
    own = Section(key="case", title="One row", question="Why?", blocks=(gap,))
    table = DataTable(caption="Reasons", columns=("Reason",), rows=(("income",),))
    added = DomainSection(key="case", title="", question="", blocks=(table,))
    assert merged([own], [added])[0].blocks == (table, gap)


def test_a_section_of_a_domain_stands_where_it_asks_to():
    own = [Section(key=key, title=key, question="", blocks=()) for key in ("performance", "drivers")]
    added = DomainSection(key="stability", title="Stability", question="", blocks=(), after="performance")
    assert [item.key for item in merged(own, [added])] == ["performance", "stability", "drivers"]


def test_the_json_is_valid_json_without_nan(binary):
    def refuse(text: str) -> None:
        raise AssertionError(text)

    assert json.loads(binary.to_json(), parse_constant=refuse)


def test_words_of_the_report_reach_the_page(binary):
    assert binary.wording == Wording(event="event 'bad'", row="row", rows="rows", column="column", columns="columns")
    (roc,) = [figure for figure in blocks(binary, CurveFigure) if figure.key == "roc"]
    assert roc.x_axis.label == "Other rows flagged"


def test_a_metric_that_does_not_exist_is_a_gap_and_not_a_number():
    X, _ = drawn_rows(60)
    model = logistic_model()
    separated = pd.Series(np.where(model.predict_proba(X)[:, 0] > 0.5, "bad", "good"))
    page = report(model, X, separated, background=X[:30], **FEW)
    gaps = [item for item in page.tiles if isinstance(item, NotFilled)]
    assert [gap.item for gap in gaps] == ["Calibration slope"]
    assert all(np.isfinite(block.value) for block in [item.measure for item in page.tiles if isinstance(item, Tile)])
