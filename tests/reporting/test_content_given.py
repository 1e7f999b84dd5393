"""What a caller sets aside or tells subgroups by, for every kind of model."""

import numpy as np
import pandas as pd
import pytest

from appkit.domain import Domain
from appkit.reporting import report
from appkit.reporting.content.series_subject import series_subject
from appkit.reporting.content.subgroups import subgroup_columns
from appkit.reporting.content.table_subject import table_subject
from appkit.reporting.content.validation import validation_rows
from appkit.reporting.facts import NotFilled
from tests.reporting.content_series import regressor, worn_machines
from tests.reporting.content_tables import drawn_rows, linear_model, logistic_model


def table_of(n_rows: int = 60):
    return table_subject(logistic_model(), drawn_rows(n_rows)[0])


def test_validation_rows_are_answered_by_the_model():
    X, y = drawn_rows(40, seed=7)
    found = validation_rows((X, y), table_of())
    assert found.output == pytest.approx(logistic_model().predict_proba(X)[:, 0])
    assert found.is_event.tolist() == (y == "bad").tolist()
    assert len(found) == 40


def test_validation_of_values_has_no_events():
    model, X, y = linear_model()
    found = validation_rows((X[:50], y[:50]), table_subject(model, X[100:]))
    assert found.is_event is None
    assert found.output == pytest.approx(model.predict(X[:50]))


def test_validation_of_a_series_is_judged_at_its_labelled_rows():
    X, left = worn_machines(6)
    X_val, left_val = worn_machines(4, seed=8, first=50)
    known = left_val.where(left_val.index % 5 == 0)
    found = validation_rows((X_val, known), series_subject(regressor(), X, left))
    assert found.output == pytest.approx(regressor().predict(X_val)[known.notna()])
    assert found.y.tolist() == known.dropna().tolist()
    assert len(np.unique(found.units)) == 4


def test_rows_of_the_report_are_no_validation():
    X, y = drawn_rows(60)
    with pytest.raises(ValueError, match="validation must hold other rows than the report, got the same"):
        validation_rows((X.copy(), y), table_of(60))


@pytest.mark.parametrize("given", [drawn_rows(9)[0], (drawn_rows(9)[0],), (drawn_rows(9)[0], [1, 2])])
def test_validation_is_a_pair_of_equal_length(given):
    with pytest.raises(ValueError, match=r"validation must be a pair \(X_val, y_val\) of equal length"):
        validation_rows(given, table_of())


def test_labels_of_validation_are_known_and_present():
    X, y = drawn_rows(9, seed=7)
    with pytest.raises(ValueError, match=r"got also 'ugly' \(first: row 8\)"):
        validation_rows((X, [*y[:8], "ugly"]), table_of())
    with pytest.raises(ValueError, match=r"no missing labels, got 1 \(first: row 0\)"):
        validation_rows((X, np.array([None, *y[1:]], dtype=object)), table_of())


def test_subgroups_are_columns_of_X_or_a_frame_of_their_own():
    X, _ = drawn_rows(60)
    subject = table_of(60)
    by_name = subgroup_columns(["debt"], X, subject)
    assert by_name.index.equals(subject.table.index)
    assert by_name["debt"].tolist() == X["debt"].tolist()
    own = subgroup_columns(pd.DataFrame({"sex": ["f", "m"] * 30}, index=range(100, 160)), X.to_numpy(), subject)
    assert own.index.equals(subject.table.index)
    assert subgroup_columns(None, X, subject) is None


def test_subgroups_of_a_series_are_those_of_the_judged_rows():
    X, left = worn_machines(6)
    X["site"] = np.where(X["engine"] % 2, "north", "south")
    subject = series_subject(regressor(), X, left.where(left.index % 5 == 0))
    found = subgroup_columns(["site"], X, subject)
    assert found.index.equals(subject.table.index)
    odd = found.index.str.startswith(("engine 1,", "engine 3,", "engine 5,"))
    assert (found["site"][odd] == "north").all()
    assert (found["site"][~odd] == "south").all()


@pytest.mark.parametrize(
    ("given", "as_array", "match"),
    [
        (["dept"], False, r"\['dept'\] are not in X. Did you mean 'debt'\?"),
        ("debt", False, r"must be a list of names, or a frame, got 'debt'"),
        (["debt"], True, "must be a frame where X has no columns to name"),
        (pd.DataFrame({"sex": ["f"]}), False, "one row per row of X, got 1 for 60"),
        (pd.DataFrame(index=range(60)), False, "and at least one"),
    ],
)
def test_subgroups_that_fit_nothing_are_refused(given, as_array, match):
    X, _ = drawn_rows(60)
    with pytest.raises(ValueError, match=match):
        subgroup_columns(given, X.to_numpy() if as_array else X, table_of(60))


def test_what_is_given_reaches_the_domain_and_changes_no_other_number():
    X, y = drawn_rows(120)
    seen = []
    probe = Domain("p", "P", {}, {}, report_sections=lambda context: seen.append(context) or ())
    given = {"validation": drawn_rows(40, seed=7), "subgroups": ["visits"]}
    page, plain = (report(logistic_model(), X, y, n_explained=5, domain=probe, **more) for more in (given, {}))
    assert seen[0].validation_output.shape == (40,)
    assert list(seen[0].subgroups) == ["visits"]
    assert seen[1].validation_y is None
    assert seen[1].subgroups is None
    assert page.tiles == plain.tiles
    assert [section for section in page.sections if section.key in ("performance", "drivers")] == list(
        plain.sections[:2]
    )


def test_what_nobody_uses_is_named():
    X, y = drawn_rows(120)
    page = report(logistic_model(), X, y, n_explained=5, subgroups=["visits"])
    gaps = [block for section in page.sections for block in section.blocks if isinstance(block, NotFilled)]
    assert "What subgroups= was given for" in [gap.item for gap in gaps]


def test_images_are_shown_of_images_only():
    X, y = drawn_rows(60)
    with pytest.raises(ValueError, match="show_images is for models of images, got True"):
        report(logistic_model(), X, y, show_images=True)
