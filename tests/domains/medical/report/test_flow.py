"""Counts by part, images and patients in two parts, and how files are stored, against what was put in."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from appkit.data.images import Images
from appkit.reporting.content.phrasing import percent
from appkit.reporting.facts import DataTable, NotFilled, WarningBox
from domains.medical.checklist import StudyFacts
from domains.medical.report.flow import flow_section, overlap_title
from domains.medical.report.parts import Overlap, Part, find_overlaps, parts_of
from tests.domains.medical.report.study import SpotReader, context_of, pictures, study


def section_of(context):
    parts = parts_of(context)
    return flow_section(context, parts, find_overlaps(parts))


def table(section, start: str) -> DataTable:
    return next(b for b in section.blocks if isinstance(b, DataTable) and b.title.startswith(start))


def noise(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (n, 32, 32, 1)).astype(np.uint8)


def part(name: str, pixels: np.ndarray, patients=None) -> Part:
    n = len(pixels)
    return Part(name, n, images=Images(pixels, np.full(n, "")), patients=patients, n_patients=None)


def test_parts_are_counted_by_patient_and_class(full):
    counts = table(section_of(full), "720 images in 3 parts")
    assert counts.columns == ("Part", "Used for", "Images", "Patients", "clear", "lesion")
    assert [row[0] for row in counts.rows] == ["Training", "Validation", "Test"]
    assert [row[2:] for row in counts.rows] == [(240, 120, 160, 80), (180, 90, 120, 60), (300, 150, 200, 100)]


def test_parts_that_were_not_given_are_named_gaps(bare):
    gaps = [block for block in section_of(bare).blocks if isinstance(block, NotFilled)]
    assert [(gap.item, gap.argument.partition("=")[0]) for gap in gaps] == [
        ("Training images", "reference"),
        ("Validation images", "validation"),
        ("Images left out", "study"),
    ]


def test_images_without_patients_say_how_to_name_them():
    X, y = pictures(30)
    section = section_of(context_of(SpotReader(patient=None), X, y))
    gap = next(b for b in section.blocks if isinstance(b, NotFilled) and b.item == "Patients")
    assert gap.argument == "patient="
    assert table(section, "30 images").rows[0][3] == "not known"


def test_an_image_of_training_is_found_among_those_tested_on():
    X, y = pictures(60)
    X_train, y_train = pictures(60, first=500, seed=9)
    X_train.at[7, "path"] = X.at[3, "path"]
    section = section_of(context_of(SpotReader(), X, y, reference=(X_train, y_train)))
    box = next(block for block in section.blocks if isinstance(block, WarningBox))
    assert box.finding == "One image is in two parts; no patient is"
    assert section.status == "fail"


def test_a_patient_on_two_sides_fails():
    X, y = pictures(60)
    section = section_of(context_of(SpotReader(), X, y, reference=pictures(60, first=28, seed=9)))
    box = next(block for block in section.blocks if isinstance(block, WarningBox))
    assert box.finding == "2 patients are in two parts"
    assert "Training and test: 2 patients" in box.text


def test_overlaps_tell_equal_from_near_and_count_patients():
    train, test = noise(5, 0), noise(5, 1)
    test[0], test[1] = train[4], train[2] // 2 + 30
    people = np.array(list("abcde")), np.array(list("exyzz"))
    found = find_overlaps([part("training", train, people[0]), part("test", test, people[1])])
    between = next(one for one in found if not one.is_within)
    assert (between.n_equal, between.n_near, between.n_patients) == (1, 1, 1)


def test_repetitions_are_counted_beyond_the_first():
    pixels = noise(3, 0)
    (within,) = find_overlaps([part("test", np.concatenate([pixels, pixels[:1], pixels[:1]]))])
    assert (within.n_equal, within.n_near) == (2, 0)


def test_near_images_are_not_sought_among_too_many():
    found = find_overlaps([part("training", noise(5, 0)), part("test", noise(5, 1))], most_compared=9)
    assert [one.n_near for one in found] == [None] * 3
    assert [one.n_equal for one in found] == [0] * 3


@pytest.mark.parametrize(
    ("overlap", "title"),
    [
        (Overlap("training", "test", 1, 0, 2), "One image is in two parts; 2 patients on two sides"),
        (Overlap("training", "test", 0, 4, None), "4 images are nearly one of another part"),
        (Overlap("training", "test", 0, 0, None), "No image is in two parts; patients are not known"),
        (Overlap("training", "test", None, None, None), "Images of some parts were not compared"),
        (Overlap("training", "test", 0, 0, 1), "One patient is in two parts"),
    ],
)
def test_the_title_claims_only_what_was_compared(overlap, title):
    assert overlap_title([overlap]) == title


def test_files_are_told_as_they_are_stored(tmp_path):
    X, y = pictures(6, per_patient=1)
    for row, pixels in enumerate(X["path"]):
        shape = (40, 30) if row < 4 else (20, 20)
        Image.fromarray(np.resize(pixels, shape)).save(tmp_path / f"{row}.png")
    X["path"] = [str(tmp_path / f"{row}.png") for row in range(6)]
    reading = table(section_of(context_of(SpotReader(), X, y)), "The network sees 16 × 16 pixels, grey, 8 bits")
    assert reading.rows[0][1:4] == ("PNG (6)", "40 × 30 (4), 20 × 20 (2)", "grey, 8 bits (6)")


def test_a_model_that_remembers_other_training_images_says_so():
    model = SpotReader()
    model.training_ = {"n_rows": 200}
    context = context_of(model, *pictures(60), reference=pictures(90, first=500, seed=9))
    box = next(block for block in section_of(context).blocks if isinstance(block, WarningBox))
    assert box.finding == "The model was trained on 200 images, 90 were given"


def test_images_left_out_are_told_as_stated(bare):
    told = replace(bare, study=StudyFacts(exclusions=(("blurred", 3), ("lateral view", 11))))
    assert table(section_of(told), "14 images left out").rows == (("blurred", 3), ("lateral view", 11))


def test_characteristics_are_counted_by_part(full):
    who = table(section_of(full), "Who is in each part")
    rows = {str(row[0]): row[1:] for row in who.rows}
    women = [int((part["sex"] == "F").sum()) for part in (pictures(240, seed=1)[0], pictures(180, first=1_000)[0])]
    assert [cell.split()[0] for cell in rows["Sex: F"][:2]] == [str(n) for n in women]
    assert rows["Site: south"][2] == f"76 ({percent(76 / 300)})"
    assert sum(int(rows[name][0].split()[0]) for name in rows if name.startswith("Age")) == 240


def test_a_column_that_one_part_lacks_is_no_characteristic():
    X, y = pictures(60, first=900, seed=4)
    section = section_of(study(reference=(X.drop(columns=["sex", "site"]), y)))
    assert {str(row[0]).split(":")[0] for row in table(section, "Who").rows} == {"Age"}


def test_a_part_without_labels_is_counted_all_the_same():
    section = section_of(context_of(SpotReader(), *pictures(30), reference=pictures(20, first=500, seed=4)[0]))
    assert table(section, "50 images").rows[0][2:] == (20, 10, "not known", "not known")


def test_equal_images_of_two_parts_are_found_without_holding_both_again():
    train, test = (noise(200, seed).repeat(4, axis=1).repeat(4, axis=2) for seed in (0, 1))
    parts = [part("training", train), part("test", test)]
    tracemalloc.start()
    (_, between, _) = find_overlaps(parts, most_compared=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert between.n_equal == 0
    assert peak < train.nbytes / 2
