"""The worst errors: in order of confidence, one of each patient, pictures only where asked for."""

import numpy as np

from appkit.reporting.facts import DataTable, Paragraphs, ThumbnailGallery
from domains.medical.report.failures import failures_section, n_failures_shown
from tests.domains.medical.report.study import SpotReader, context_of, pictures, study


def test_errors_are_listed_from_the_most_confident_on(full):
    missed = failures_section(full).blocks[0]
    assert isinstance(missed, DataTable)
    shown = [row[2].value for row in missed.rows]
    assert shown == sorted(shown)
    assert shown[0] == min(full.output[full.events])


def test_each_patient_is_listed_once(full):
    missed = failures_section(full).blocks[0]
    places = [int(str(row[0]).removeprefix("image ")) for row in missed.rows]
    patients = full.subject.given["patient"].iloc[places]
    assert patients.is_unique
    assert all(full.events[places])


def test_no_picture_and_no_age_to_the_year_unless_asked(full):
    missed = failures_section(full).blocks[0]
    assert not any(isinstance(block, ThumbnailGallery) for block in failures_section(full).blocks)
    age = missed.columns.index("Age")
    assert {row[age] for row in missed.rows} <= {"18 to 39", "40 to 59", "60 to 79"}


def test_pictures_are_shown_where_asked_for():
    gallery = failures_section(study(show_images=True)).blocks[0]
    assert isinstance(gallery, ThumbnailGallery)
    assert {thumbnail.verdict.word for thumbnail in gallery.thumbnails} == {"missed"}
    assert {thumbnail.name.split()[0] for thumbnail in gallery.thumbnails} == {"image"}


def test_a_model_that_misses_nothing_says_so():
    context = context_of(SpotReader(), *pictures(60), threshold=1e-9)
    missed, alarms = failures_section(context).blocks
    assert isinstance(missed, Paragraphs)
    assert missed.title == "No missed finding"
    assert isinstance(alarms, DataTable)


def test_the_number_shown_is_that_of_the_rows(full):
    blocks = failures_section(full).blocks
    assert n_failures_shown(full) == sum(len(b.rows) for b in blocks if isinstance(b, DataTable))
    assert n_failures_shown(full) <= int((full.flagged != full.events).sum())


def test_images_of_no_known_patient_are_listed_each():
    context = context_of(SpotReader(patient=None), *pictures(120, seed=5))
    missed = failures_section(context).blocks[0]
    n_missed = int((context.events & ~context.flagged).sum())
    assert len(missed.rows) == min(8, n_missed)
    assert "of each" not in missed.caption
    assert np.all([row[1] == "lesion" for row in missed.rows])
