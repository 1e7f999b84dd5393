"""Checklists are filled from facts, by nothing else; what the author says goes before."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from appkit.prediction import auc
from appkit.reporting.content.context import Limits
from appkit.reporting.facts import BarRows, Tile
from domains.medical import MedicalImageClassifier
from domains.medical.checklist import CLAIM, TRIPOD_AI, StudyFacts, fill
from domains.medical.report.guidelines import guidelines_section
from domains.medical.report.parts import find_overlaps, parts_of
from domains.medical.report.points import points_of
from domains.medical.report.record import study_facts
from tests.domains.medical.report.study import ThreeClasses, context_of, pictures, study


def facts_of(context) -> StudyFacts:
    parts = parts_of(context)
    return study_facts(context, parts, find_overlaps(parts), points=points_of(context), n_errors_shown=8)


def test_the_tile_counts_items_filled(full):
    facts = facts_of(full)
    filled = fill(facts)
    tile = guidelines_section(full, facts).tiles[0]
    assert isinstance(tile, Tile)
    assert tile.measure.value == sum(one.status == "filled" for one in filled)
    assert tile.sentence.startswith(f"Of {len(CLAIM) + len(TRIPOD_AI)} items")


def test_every_item_has_a_row_with_what_is_said_or_needed(full):
    figure = next(b for b in guidelines_section(full, facts_of(full)).blocks if isinstance(b, BarRows))
    assert len(figure.twin.rows) == len(CLAIM) + len(TRIPOD_AI)
    assert [sum(bar.measure.value for bar in bars) for bars in (figure.bars[:3], figure.bars[3:])] == [44, 52]
    funding = next(row for row in figure.twin.rows if row[0] == "CLAIM 44 Funding")
    assert (funding[1].word, *funding[2:]) == ("missing", "nothing", "Name who paid, and their part.")


def test_facts_are_those_of_the_data(full):
    facts = facts_of(full)
    assert [(split.name, split.n_images, split.n_patients) for split in facts.splits] == [
        ("training", 240, 120),
        ("validation", 180, 90),
        ("test", 300, 150),
    ]
    assert facts.is_split_by_patient is True
    assert facts.n_duplicates == 0
    assert facts.metrics[0] == auc(full.events, full.output, groups=full.units)
    assert facts.subgroups == facts.characteristics == ("Sex", "Site", "Age")
    assert "180 validation images" in facts.thresholds


def test_a_test_part_that_shares_patients_is_no_internal_test():
    shared = study(reference=pictures(240, first=2_000, seed=1), validation=None, challengers=None)
    found = {one.item.key: one for one in fill(facts_of(shared))}
    assert found["CLAIM 32"].status == "missing"
    assert "Patients may be in two partitions." in found["CLAIM 20"].text


def test_unknown_patients_leave_the_split_open(bare):
    assert facts_of(bare).is_split_by_patient is None
    assert facts_of(bare).network == ""


def test_what_the_author_says_goes_before(full):
    told = StudyFacts(data_name="A named set", statements={"CLAIM 44": "No funding."})
    facts = facts_of(replace(full, study=told))
    found = {one.item.key: one for one in fill(facts)}
    assert facts.data_name == "A named set"
    assert facts.splits
    assert (found["CLAIM 44"].status, found["CLAIM 44"].text) == ("filled", "No funding.")


def test_the_purpose_of_a_report_is_the_intended_use(full):
    facts = facts_of(replace(full, purpose="A second look at night."))
    found = {one.item.key: one for one in fill(facts)}
    assert found["TRIPOD+AI 3b"].text == "A second look at night."


def test_facts_of_another_kind_are_refused(full):
    with pytest.raises(TypeError, match=r"study must be domains.medical.checklist.StudyFacts, got dict"):
        facts_of(replace(full, study={"data_name": "x"}))


def test_the_number_of_items_has_a_limit():
    limits = Limits({"Checklist items filled": (96, None)})
    context = study(limits=limits)
    assert guidelines_section(context, facts_of(context)).tiles[0].status == "fail"


def test_nothing_open_needs_no_box():
    everything = {item.key: "Told." for item in (*CLAIM, *TRIPOD_AI)}
    context = study(subgroups=None, challengers=None)
    blocks = guidelines_section(context, StudyFacts(statements=everything)).blocks
    assert all(isinstance(block, BarRows) for block in blocks)
    assert blocks[0].finding == "All 96 items are filled"


FEW = {"n_networks": 1, "max_epochs": 1, "width": 8, "random_state": 0}


def facts_of_model(model: Any, X: Any, y: Any, **given: Any) -> StudyFacts:
    context = context_of(model, X, y, **given)
    parts = parts_of(context)
    return study_facts(context, parts, find_overlaps(parts))


def test_subgroups_that_a_report_does_not_tell_are_not_claimed():
    X, y = pictures(60)
    y = np.where(np.arange(60) % 10 == 9, "unclear", y)
    assert facts_of_model(ThreeClasses(), X, y, subgroups=["sex"]).subgroups == ()


def test_arrays_of_the_size_learnt_are_not_said_to_be_changed():
    X, y = np.stack(pictures(60)[0]["path"]), pictures(60)[1]
    facts = facts_of_model(MedicalImageClassifier(**FEW).fit(X, y), X, y)
    assert facts.preprocessing[0] == "arrays of 16 × 16 pixels as given"
    assert len(facts.preprocessing) == 2


def test_images_that_training_stopped_on_are_named():
    X, y = pictures(60)
    model = MedicalImageClassifier(patient="patient", **FEW).fit(X, y)
    assert "images held out of training (20 %)" in facts_of_model(model, X, y).selection
    X_val, y_val = pictures(30, first=500, seed=4)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert facts_of_model(model, X, y).selection.endswith("of least loss of 30 images set aside for it")


def test_too_few_images_to_hold_out_are_told():
    X, y = pictures(20)
    facts = facts_of_model(MedicalImageClassifier(**FEW).fit(X, y), X, y)
    assert "too few to hold any out" in facts.selection
    assert facts.class_balance == "nothing was done about rare classes"
