import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from appkit.reporting import Report, report_schema
from appkit.reporting.facts import DataTable, Measure, Section


def test_facts_survive_the_round_trip(credit_report):
    assert Report.from_json(credit_report.to_json()) == credit_report


def test_equal_facts_give_equal_text(credit_report):
    text = credit_report.to_json()
    assert Report.from_json(text).to_json() == text


def test_the_schema_accepts_what_is_written(credit_report):
    jsonschema.validate(json.loads(credit_report.to_json()), report_schema())


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"schema": 2}, "reads report schema 1, got 2"),
        ({"titel": "x"}, "Report must be a Report, which has no field 'titel'"),
        ({"title": 3}, "Report.title must be str, got int 3"),
        ({"tiles": [{"kind": "Pie"}]}, r"Report.tiles\[0\].kind must be one of"),
        ({"sections": [{"key": "a"}]}, r"Report.sections\[0\] must be a Section, which needs the field 'blocks'"),
        ({"facts": "none"}, "Report.facts must be"),
    ],
)
def test_json_that_does_not_fit_is_refused_by_place(small_report, change, match):
    body = json.loads(small_report.to_json()) | change
    with pytest.raises(ValueError, match=match):
        Report.from_json(json.dumps(body))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, report_schema())


@pytest.mark.parametrize("text", ["", "[1]", "{}", "not json"])
def test_text_that_is_no_report_is_refused(text):
    with pytest.raises(ValueError, match="report"):
        Report.from_json(text)


def test_a_missing_field_is_named(small_report):
    body = json.loads(small_report.to_json())
    del body["lead"]
    with pytest.raises(ValueError, match="needs the field 'lead'"):
        Report.from_json(json.dumps(body))


def test_numpy_numbers_are_written_as_plain_ones(small_report):
    table = DataTable(caption="c", columns=("a", "b"), rows=(("x", np.float64(0.5)), ("y", np.int64(3))))
    section = Section(key="k", title="t", question="q", blocks=(table,))
    report = replace(small_report, sections=(section,))
    assert Report.from_json(report.to_json()).sections[0].blocks[0].rows == (("x", 0.5), ("y", 3))


def test_a_number_that_is_not_finite_is_refused_by_place(small_report):
    table = DataTable(caption="c", columns=("a", "b"), rows=(("x", float("nan")),))
    report = replace(small_report, sections=(Section(key="k", title="t", question="q", blocks=(table,)),))
    with pytest.raises(ValueError, match=r"sections\[0\].blocks\[0\].rows\[0\]\[1\] must be a finite number"):
        report.to_json()


def test_library_objects_are_refused(small_report):
    report = replace(small_report, tiles=[])
    with pytest.raises(TypeError, match=r"Report\.tiles must be made of tuples"):
        report.to_json()


def test_cells_keep_their_kind(small_report):
    table = DataTable(caption="c", columns=("a", "b"), rows=(("x", Measure(1.0, 0.5, 1.5)), ("y", 2), ("z", 2.0)))
    report = replace(small_report, sections=(Section(key="k", title="t", question="q", blocks=(table,)),))
    kinds = [type(row[1]) for row in Report.from_json(report.to_json()).sections[0].blocks[0].rows]
    assert kinds == [Measure, int, float]
