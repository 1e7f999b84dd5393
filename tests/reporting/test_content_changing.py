"""The smallest change that would turn the decision on the case, or the gap that says what it would take."""

import pytest

from appkit.reporting import Report, report
from appkit.reporting.facts import Counterfactual, NotFilled
from tests.reporting.content_tables import drawn_rows, linear_model, logistic_model

FEW = {"n_explained": 20}


def page_of(**options) -> Report:
    X, y = drawn_rows(200)
    return report(logistic_model(), X, y, reference=X, **FEW, **options)


def change_of(page: Report) -> Counterfactual | NotFilled:
    case = next(section for section in page.sections if section.key == "case")
    kinds = (Counterfactual, NotFilled)
    (block,) = [item for item in case.blocks if isinstance(item, kinds) and "mallest change" in _name(item)]
    return block


def _name(block: Counterfactual | NotFilled) -> str:
    return block.title if isinstance(block, Counterfactual) else block.item


def test_a_flagged_case_is_turned_by_what_may_change():
    change = change_of(page_of(changeable=["debt", "amount"]))
    assert change.title == "The smallest change found that would be passed"
    assert change.after.value < 0.5 <= change.before.value
    assert [item.column for item in change.changes] == ["Debt", "Amount"]
    assert change.changes[0].before != change.changes[0].after
    assert change.sentence.endswith("It describes the model, not a promise.")


def test_a_case_that_passes_is_turned_the_other_way():
    X, _ = drawn_rows(200)
    change = change_of(page_of(changeable=["debt", "income"], case=X.loc[[int(X["debt"].idxmin())]]))
    assert change.title == "The smallest change found that would be flagged"
    assert change.before.value < 0.5 <= change.after.value


def test_the_way_a_column_may_go_is_respected():
    gap = change_of(page_of(changeable={"debt": "up", "visits": "either"}))
    assert isinstance(gap, NotFilled)
    assert "No change was found" in gap.why


def test_columns_nobody_declared_do_not_change():
    assert change_of(page_of()).argument == "changeable="


def test_the_change_is_the_one_the_model_itself_confirms():
    change = change_of(page_of(changeable=["debt"]))
    X, _ = drawn_rows(200)
    debts = {f"{value:.3g}": value for value in X["debt"]}
    row = X.loc[[int(page_case(page_of()))]].assign(debt=debts[change.changes[0].after.replace("−", "-")])
    assert logistic_model().predict_proba(row)[0, 0] == pytest.approx(change.after.value)


def page_case(page: Report) -> str:
    return next(section for section in page.sections if section.key == "case").question.split(" ")[3]


def test_the_choice_stands_in_the_command_and_the_page_renders():
    page = page_of(changeable={"debt": "down"})
    assert "changeable={'debt': 'down'}" in page.to_json()
    assert "describes the model, not a promise" in page.to_html()


def test_values_without_a_threshold_have_no_decision_to_turn():
    model, X, y = linear_model()
    gap = change_of(report(model, X, y, background=X[:50], changeable=["debt"], **FEW))
    assert gap.why == "The report searches it for decisions by a threshold only"


@pytest.mark.parametrize("changeable", ["debt", []])
def test_what_may_change_must_be_columns(changeable):
    with pytest.raises(ValueError, match="changeable must name columns"):
        page_of(changeable=changeable)
