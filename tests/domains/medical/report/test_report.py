"""The whole dossier: of a trained network through the report, of three classes, of the least that can be given."""

from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from appkit.data.images import ImageShape
from appkit.reporting import Report, render_html, report
from appkit.reporting.content import image_methods
from appkit.reporting.content.context import Limits
from appkit.reporting.facts import DataTable, LimitTable, NotFilled
from domains.medical import DOMAIN, MedicalImageClassifier
from domains.medical.report import report_sections
from tests.domains.medical.report.study import SpotReader, ThreeClasses, context_of, pictures, study

KEYS = ["operating", "subgroups", "referral", "failures", "challengers", "flow", "checklists"]


@pytest.fixture(autouse=True, scope="module")
def few_questions():
    """Ask about few patches and copies: no section here tells of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, number in (("CASE_PATCHES", 9), ("CASE_SUPERPIXELS", 6), ("N_COPIES", 2), ("GRADIENTS", 9)):
            patch.setattr(image_methods, name, number)
        yield


class TinyNetwork(nn.Sequential):
    """One convolution and a mean: enough to be trained and explained."""

    def __init__(self, shape: ImageShape, n_outputs: int) -> None:
        layers = nn.Conv2d(shape.n_channels, 4, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        super().__init__(*layers, nn.Linear(16, n_outputs))


@pytest.fixture(scope="module")
def model() -> MedicalImageClassifier:
    small = {"n_networks": 1, "max_epochs": 4, "augment": None, "random_state": 0, "precision": "float32"}
    return MedicalImageClassifier(patient="patient", network=TinyNetwork, **small).fit(*pictures(120, seed=1))


@pytest.fixture(scope="module")
def page(model) -> Report:
    return report(
        model,
        *pictures(72, first=2_000, seed=3),
        reference=pictures(120, seed=1),
        validation=pictures(60, first=1_000, seed=2),
        subgroups=["sex", "site"],
        challengers="auto",
        limits={"Sensitivity": (0.1, None), "Subgroup AUC gap": (-0.9, 0.9), "Checklist items filled": (1, None)},
        domain=replace(DOMAIN, report_sections=report_sections),
        n_explained=4,
    )


def test_a_trained_network_gets_every_section(page):
    keys = [section.key for section in page.sections]
    assert [key for key in keys if key in KEYS] == KEYS
    assert keys.index("performance") == 0
    assert keys.index("flow") == keys.index("drift") - 1


def test_the_strip_tells_of_the_area_and_the_operating_point(page):
    names = [tile.item if isinstance(tile, NotFilled) else tile.name for tile in page.tiles]
    assert names[0] == "Ranking of images (AUC)"
    assert "Sensitivity at specificity 90 %" in names


def test_the_network_is_told_in_the_checklist(page, model):
    (items,) = (b for section in page.sections for b in section.blocks if getattr(b, "key", "") == "checklist-items")
    rows = {" ".join(str(row[0]).split()[:2]): row for row in items.twin.rows}
    assert rows["CLAIM 22"][2].startswith("TinyNetwork, input 16 × 16 pixels, grey, uint8")
    assert f"{model.training_['n_parameters']:,} parameters" in rows["CLAIM 22"][2]
    assert rows["CLAIM 24"][2] == "Weights started at random, seed 0."
    assert rows["CLAIM 20"][2] == "No patient is in two partitions. No image occurs twice."


def test_the_page_holds_no_picture_and_no_patient(page):
    html = render_html(page)
    assert "data:image" not in html
    assert "p2003" not in html
    assert page.to_json().count("p2003") == 0


def test_the_page_is_the_same_twice(model):
    given = study(reference=None, challengers=None)
    assert report_sections(given) == report_sections(given)


def test_of_three_classes_flow_and_checklists_remain():
    X, y = pictures(60)
    y = np.where(np.arange(60) % 10 == 9, "unclear", y)
    sections = report_sections(context_of(ThreeClasses(), X, y))
    assert [section.key for section in sections] == ["challengers", "flow", "checklists"]
    (gap,) = sections[0].blocks
    assert gap.why == "They need one finding against the rest; this model names one of 3 classes"


def test_the_least_that_can_be_given_is_enough():
    X, y = pictures(12, per_patient=1)
    sections = report_sections(context_of(SpotReader(patient=None), list(X["path"]), y))
    assert [section.key for section in sections] == KEYS
    counts = next(b for s in sections for b in s.blocks if isinstance(b, DataTable) and s.key == "flow")
    assert counts.rows[0][2:] == (12, "not known", 8, 4)


def test_one_patient_says_nothing_of_others_and_breaks_nothing():
    X, y = pictures(30)
    context = context_of(SpotReader(), X.assign(patient="p0"), y, subgroups=["sex"], validation=pictures(30, first=500))
    operating = report_sections(context)[0]
    shown = next(block for block in operating.blocks if isinstance(block, LimitTable)).rows[0].measure
    assert shown.low is None


def test_one_event_among_three_images_is_enough_for_a_page():
    X, y = pictures(3, per_patient=1)
    sections = report_sections(context_of(SpotReader(), X, y, subgroups=["sex", "site", "age"]))
    assert [section.key for section in sections] == KEYS


def test_every_limit_of_the_dossier_is_asked_for():
    names = [
        "Sensitivity", "Specificity", "PPV", "NPV",
        "Sensitivity at specificity 90 %", "Sensitivity at specificity 95 %",
        "Specificity at sensitivity 90 %", "Specificity at sensitivity 95 %", "Subgroup AUC gap", "Referred",
        "Error of images kept", "Set coverage", "Checklist items filled",
    ]  # fmt: skip
    limits = Limits(dict.fromkeys(names, (0.0, None)))
    report_sections(study(limits=limits))
    assert limits.never_asked() == ()
