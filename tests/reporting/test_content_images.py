"""Reports on images: a row is an image, players are patches, an interval redraws patients, nothing is shown unasked."""

import copy
import json
import re
from dataclasses import replace

import jsonschema
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from appkit.domain import Domain
from appkit.model import MultiLabelImageClassifier
from appkit.prediction import evaluate
from appkit.reporting import Report, report, report_schema
from appkit.reporting.content import assembly, build, image_methods
from appkit.reporting.content.context import Limits
from appkit.reporting.content.hashing import data_hash
from appkit.reporting.content.image_errors import thumbnail_gallery
from appkit.reporting.content.image_methods import explain_image
from appkit.reporting.content.image_shift import shift_section
from appkit.reporting.content.image_subject import image_subject
from appkit.reporting.content.inputs import background_rows, measure
from appkit.reporting.content.players import players_note
from appkit.reporting.facts import (
    BeeswarmFigure,
    Certificate,
    DataTable,
    FairnessFigure,
    ImageMapFigure,
    ImportanceFigure,
    NotFilled,
    Paragraphs,
    RankTile,
    Section,
    ThumbnailGallery,
    WaterfallFigure,
)
from tests.reporting.content_images import SIDE, classifier, drawn_images, records

FEW = {"n_explained": 6}
METHODS = ["Patch Shapley", "Superpixel Shapley", "LIME", "Expected gradients", "Grad-CAM", "Occlusion"]


def blocks(page: Report, kind: type) -> list:
    return [block for section in page.sections for block in section.blocks if isinstance(block, kind)]


@pytest.fixture(autouse=True, scope="module")
def few_questions():
    """Ask about few patches and few copies: what is told of them is the same."""
    with pytest.MonkeyPatch.context() as patch:
        for name, number in (("CASE_PATCHES", 16), ("CASE_SUPERPIXELS", 9), ("N_COPIES", 2), ("GRADIENTS", 41)):
            patch.setattr(image_methods, name, number)
        yield


@pytest.fixture(scope="module")
def contexts() -> list:
    return []


@pytest.fixture(scope="module")
def page(contexts) -> Report:
    """Report with all an image report can be given, images not shown."""
    domain = Domain("probe", "Probe", {}, {}, report_sections=lambda context: contexts.append(context) or ())
    X, y = drawn_images()
    return report(
        classifier(),
        X,
        y,
        reference=drawn_images(40, seed=1, brighter=6),
        validation=drawn_images(30, seed=9),
        subgroups=records(),
        groups=records()["patient"],
        domain=domain,
        **FEW,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> pd.DataFrame:
    """Images as files, with a patient, a sex and a site each."""
    folder = tmp_path_factory.mktemp("secret-ward")
    X, y = drawn_images(12)
    paths = [str(folder / f"smith-{i:02}.png") for i in range(12)]
    for image, path in zip(X, paths, strict=True):
        Image.fromarray(image).save(path)
    return records(12).assign(path=paths, label=y)


def told_of_files(files: pd.DataFrame) -> Report:
    """Return a report with pictures; every label is turned around, so that there are errors to see."""
    wrong = files["label"].map({"lesion": "clear", "clear": "lesion"})
    return report(classifier(), files, wrong, show_images=True, case=files["path"][3], n_explained=4)


@pytest.fixture(scope="module")
def shown(files) -> Report:
    """Report on files with pictures, without names."""
    return told_of_files(files)


def test_a_row_is_an_image_and_shows_the_brightness_of_its_patches():
    X, _ = drawn_images()
    subject = image_subject(classifier(), X)
    assert subject.table.index[:2].tolist() == ["image 0", "image 1"]
    assert subject.table.columns[:2].tolist() == ["patch 1, 1", "patch 1, 2"]
    assert subject.table.iloc[7]["patch 1, 1"] == pytest.approx(X[7][subject.patches == 0].mean())


def test_outputs_are_the_probability_of_the_event_in_any_order():
    X, _ = drawn_images()
    subject = image_subject(classifier(), X)
    expected = classifier().predict_proba(X)[:, 1]
    assert subject(subject.table) == pytest.approx(expected)
    assert subject(subject.table.iloc[[9, 4]]) == pytest.approx(expected[[9, 4]])


def test_the_game_of_an_image_says_what_the_model_says():
    X, _ = drawn_images()
    subject = image_subject(classifier(), X)
    game = subject.game(subject.table.iloc[[3]])
    everything = np.ones((1, len(game.player_names)), dtype=bool)
    said = game.values(torch.as_tensor(everything)).item()
    assert said == pytest.approx(subject.outputs[3], abs=1e-6)
    assert game.player_names == tuple(subject.table.columns)


@pytest.mark.parametrize("case", ["image 3", 3])
def test_a_case_is_named_by_its_place(case):
    row, rule = image_subject(classifier(), drawn_images()[0]).named(case)
    assert row.index.tolist() == ["image 3"]
    assert rule == "named by the caller"


def test_a_case_is_named_by_its_file_or_by_the_label_of_its_row(files):
    labelled = files.set_index(files["patient"] + "-" + files.index.astype(str))
    subject = image_subject(classifier(), labelled)
    for case in (files["path"][5], "smith-05.png", "p2-5"):
        assert subject.named(case)[0].index.tolist() == ["image 5"]


@pytest.mark.parametrize("case", ["image 99", 99, -1, "no.png"])
def test_a_case_that_is_not_there_is_refused(case):
    with pytest.raises(ValueError, match="case must name one image, such as 'image 0'"):
        image_subject(classifier(), drawn_images()[0]).named(case)


def test_metrics_are_those_of_the_evaluation_by_patient(page):
    X, y = drawn_images()
    expected = evaluate(classifier(), X, y, groups=records()["patient"])["AUC"]
    tile = page.tiles[0]
    assert (tile.measure.value, tile.measure.low) == (expected.value, expected.low)
    assert "clustered by 30 groups" in page.to_json()


def test_images_of_a_patient_go_together_where_the_model_knows_their_column(files):
    subject = image_subject(with_patients(classifier()), files)
    options = {"sample_weight": None, "costs": None, "threshold": None, "random_state": 0}
    measured = measure(subject, files, files["label"], groups=None, **options)
    assert measured.evaluation.n_groups == 6
    assert subject.words["groups"] == "patients"


def with_patients(model):
    """Return the fitted model with a column of patients."""
    other = copy.copy(model)
    other.patient = "patient"
    return other


def test_sections_for_columns_are_left_out(page):
    keys = [section.key for section in page.sections]
    assert keys == ["performance", "drift", "drivers", "case", "limits", "reproduction"]
    assert not blocks(page, BeeswarmFigure)
    assert not blocks(page, WaterfallFigure)
    gap = next(item for item in blocks(page, NotFilled) if item.item.startswith("Smallest change"))
    assert gap.why == "The report searches it in tables only: what one patch shows cannot change alone"


def test_where_the_model_looks_is_a_map_of_sizes_and_one_of_directions(page):
    places = next(item for item in blocks(page, ImageMapFigure) if item.key == "places")
    size, direction = places.maps
    assert (size.scale, direction.scale) == ("size", "signed")
    assert len(size.cells) == 25
    assert all(cell.effect >= abs(mean.effect) - 1e-12 for cell, mean in zip(size.cells, direction.cells, strict=True))


def test_the_map_of_sizes_is_that_of_the_ranking(page, contexts):
    places = next(item for item in blocks(page, ImageMapFigure) if item.key == "places")
    effects = contexts[0].explanation.shapley.values[..., 0]
    assert [cell.effect for cell in places.maps[0].cells] == pytest.approx(np.abs(effects).mean(0).tolist())
    assert [cell.effect for cell in places.maps[1].cells] == pytest.approx(effects.mean(0).tolist())


def test_the_blob_is_where_the_model_looks(page):
    ranked = blocks(page, ImportanceFigure)[0]
    assert len(ranked.rows) == 10
    assert ranked.n_columns == 25
    assert ranked.rows[0].column == "patch 2, 2"


def test_how_few_images_are_explained_is_said(page):
    (note,) = [item for item in blocks(page, Paragraphs) if item.title == "What an effect compares with"]
    assert note.texts[1].endswith("in the mean training image, the only image the model keeps.")
    assert note.texts[2].startswith("6 of 60 images are explained here")


def test_a_report_on_images_explains_24_of_them_unless_told_otherwise(monkeypatch):
    asked = []
    monkeypatch.setattr(build, "explain_images", lambda *_, n_explained, **__: asked.append(n_explained) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report(classifier(), *drawn_images())
    assert asked == [24]


def test_one_image_is_explained_by_six_methods(page, contexts):
    maps = next(item for item in blocks(page, ImageMapFigure) if item.key == "case-maps")
    assert [item.name for item in maps.maps] == METHODS
    assert all(item.verdict.word != "no certificate" for item in maps.maps)
    assert maps.maps[4].scale == "strength"
    assert contexts[0].case.shapley is contexts[0].methods.leading.explanation


def test_effects_of_the_leading_map_end_where_the_prediction_does(contexts):
    shapley = contexts[0].case.shapley
    assert shapley.values[0, :, 0].sum() == pytest.approx(shapley.output[0, 0] - shapley.base_value[0, 0], abs=1e-6)
    assert contexts[0].case.output == pytest.approx(
        contexts[0].output[contexts[0].X.index == contexts[0].case.label][0]
    )


def test_each_method_is_checked_in_a_row_of_its_own(page):
    (table,) = [item for item in blocks(page, DataTable) if "Random weights" in item.columns]
    assert [row[0] for row in table.rows] == METHODS
    by_name = {row[0]: row for row in table.rows}
    assert by_name["Patch Shapley"][1] == "yes"
    assert by_name["Grad-CAM"][1] == "no promise"
    assert by_name["Patch Shapley"][6] == "itself"
    assert by_name["Expected gradients"][6].value > 0.5


def test_the_leading_map_has_a_certificate_with_random_weights(page):
    tables = [item for item in blocks(page, Certificate) if "Patch Shapley" in item.title]
    assert "Random weights" in [check.name for check in tables[0].checks]


def test_a_method_the_model_does_not_allow_is_named_with_its_reason(monkeypatch):
    def refused(*_, **__):
        raise ValueError("Grad-CAM needs a feature map of at least 7x7 cells. Explain larger images.")

    monkeypatch.setattr("appkit.reporting.content.image_methods.grad_cam", refused)
    subject = image_subject(classifier(), drawn_images(6)[0])
    found = explain_image(subject, subject.table.iloc[[0]], None, random_state=0)
    assert [item.name for item in found.methods] == [name for name in METHODS if name != "Grad-CAM"]
    assert found.missing == (("Grad-CAM", "Grad-CAM needs a feature map of at least 7x7 cells"),)


def test_nothing_of_an_image_stands_on_the_page_unasked(page):
    html = page.to_html()
    assert "data:image/png" not in html
    assert "The image itself is left out, for it may be a patient" in html
    assert not blocks(page, ThumbnailGallery)


def test_names_of_files_stand_on_no_page_unasked(shown):
    text = shown.to_json()
    assert "smith" not in text
    assert "secret-ward" not in text
    assert "case='image 3'" in text


def test_names_of_files_name_rows_where_they_are_asked_for(files):
    subject = image_subject(classifier(), files, shows="named")
    assert subject.table.index[:2].tolist() == ["smith-00.png", "smith-01.png"]
    assert subject.named("smith-03.png")[0].index.tolist() == ["smith-03.png"]


def test_images_lie_below_their_maps_when_asked(shown):
    maps = next(item for item in blocks(shown, ImageMapFigure) if item.key == "case-maps")
    assert maps.image.startswith("iVBORw0KGgo")
    assert f"{SIDE} × {SIDE} pixels" in maps.image_note
    assert maps.caption.startswith("Image 3, named by the caller: the model says ")


def test_errors_are_shown_as_pictures_when_asked_and_listed_else(shown, page):
    (gallery,) = blocks(shown, ThumbnailGallery)
    assert {item.verdict.word for item in gallery.thumbnails} <= {"missed", "false alarm"}
    assert len(gallery.thumbnails) >= 4
    assert gallery.thumbnails[0].label in ("clear", "lesion")
    listed = [item for item in blocks(page, DataTable) if "show_images=" in item.caption]
    assert len(listed) <= 1


def test_a_gallery_is_refused_where_images_may_not_be_shown(contexts, page):
    with pytest.raises(ValueError, match="images may not be shown unless the caller asks"):
        thumbnail_gallery(contexts[0], [0], key="k", finding="One image")


def test_the_images_are_held_against_those_of_training(page):
    (figure,) = [item for item in blocks(page, FairnessFigure) if item.key == "image-shift"]
    by_name = {group.name: group.measure for group in figure.groups}
    assert by_name["Brightness"].high < 0.5
    assert "60 images of this report against 40 of training" in figure.caption


def test_copies_of_training_images_are_found(contexts, page):
    copies = image_subject(classifier(), drawn_images()[0][3:8])
    box, _ = shift_section(replace(contexts[0], reference_images=copies)).blocks
    assert box.finding == "5 of 60 images are also in training"
    assert box.text.startswith("image 3, image 4, image 5, image 6, image 7:")


def test_without_training_images_the_gap_is_named(contexts, page):
    (gap,) = shift_section(replace(contexts[0], reference_images=None)).blocks
    assert (type(gap), gap.argument) == (NotFilled, "reference=")


@pytest.mark.parametrize(("limit", "status"), [((0.0, 1.0), "pass"), ((0.45, 0.55), "fail")])
def test_a_limit_on_the_shift_is_held(contexts, page, limit, status):
    (figure,) = shift_section(replace(contexts[0], limits=Limits({"Image shift": limit}))).blocks
    assert figure.status == status


def test_validation_and_subgroups_reach_the_domain(contexts, page):
    context = contexts[0]
    X, y = drawn_images(30, seed=9)
    assert context.validation_output == pytest.approx(classifier().predict_proba(X)[:, 1])
    assert context.validation_y.tolist() == y.tolist()
    assert context.validation_events.sum() == 10
    assert context.subgroups.index.tolist() == context.X.index.tolist()
    assert context.subgroups["sex"].tolist() == ["f", "m"] * 30
    assert len(context.reference_images.images) == 40


def test_images_given_stand_for_what_is_left_out(contexts, page):
    given = drawn_images(3, seed=7)[0]
    background = background_rows(given, contexts[0].subject, reference=None, random_state=0)
    note = players_note(replace(contexts[0], background=background))
    assert note.texts[1].endswith("in 3 images given by the caller.")
    subject = image_subject(classifier(), drawn_images(6)[0])
    found = explain_image(subject, subject.table.iloc[[0]], background.rows, random_state=0)
    said = classifier().predict_proba(given)[:, 1].mean()
    assert found.leading.explanation.base_value[0, 0] == pytest.approx(said, abs=1e-6)


def test_at_most_twenty_images_stand_for_what_is_left_out():
    subject = image_subject(classifier(), drawn_images(6)[0])
    background = background_rows(drawn_images(50)[0], subject, reference=None, random_state=0)
    assert len(background.rows) == 20
    assert background.notes == ("20 of 50 background images, drawn by the seed, are used.",)


def test_the_hash_sees_pixels_but_no_names_that_are_not_shown(files):
    X, _ = drawn_images(12)
    as_files, as_array = (data_hash(image_subject(classifier(), given).data) for given in (files, X))
    assert as_files == as_array
    assert data_hash(image_subject(classifier(), files, shows="named").data) != as_array
    changed = X.copy()
    changed[0, 0, 0] += 1
    assert data_hash(image_subject(classifier(), changed).data) != as_array


@pytest.mark.parametrize("given", [{"protected": ["sex"]}, {"changeable": ["sex"]}])
def test_what_only_tables_have_is_refused(given):
    X, y = drawn_images(30)
    with pytest.raises(ValueError, match=f"{next(iter(given))} is for models of tables; a report on images has no use"):
        report(classifier(), X, y, **given, **FEW)


def test_how_images_are_shown_is_yes_no_or_named():
    X, y = drawn_images(30)
    with pytest.raises(ValueError, match="show_images must be True, False or 'named', got 'all'"):
        report(classifier(), X, y, show_images="all", **FEW)


@pytest.mark.parametrize("name", ["page", "shown"])
def test_the_page_survives_json_fits_the_schema_and_is_small(name, request):
    told = request.getfixturevalue(name)
    assert Report.from_json(told.to_json()) == told
    jsonschema.validate(json.loads(told.to_json()), report_schema())
    html = told.to_html()
    assert len(html) < 400_000
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert "://" not in html


def test_the_same_images_give_the_same_bytes(files, shown):
    again = told_of_files(files)
    assert again.to_json() == shown.to_json()
    assert again.to_html() == shown.to_html()


def test_a_section_of_failures_takes_the_place_of_the_errors(contexts, page, monkeypatch):
    worst = NotFilled(item="The worst", why="A stand-in", argument="")
    monkeypatch.setattr(assembly, "image_errors", lambda context: worst)
    own = Section(key="failures", title="Failures", question="What goes wrong?", blocks=())
    domain = replace(contexts[0].domain, report_sections=lambda context: (own,))
    with_errors = [
        any(worst in section.blocks for section in assembly.body_of(context, worst)[0][:1])
        for context in (contexts[0], replace(contexts[0], domain=domain))
    ]
    assert with_errors == [True, False]


@pytest.mark.parametrize("prevalence", [0.0, 1.0, 7])
def test_a_prevalence_is_a_share(prevalence):
    X, y = drawn_images(12)
    with pytest.raises(ValueError, match="prevalence must lie strictly between 0 and 1"):
        report(classifier(), X, y, prevalence=prevalence)


def test_the_strip_tells_how_far_the_map_of_one_image_holds(contexts, page):
    (tile,) = [tile for tile in page.tiles if isinstance(tile, RankTile)]
    verdict = contexts[0].methods.leading.certificate.rows[0]
    assert (tile.name, tile.reliable, tile.total) == ("Map of one image", verdict.rank, verdict.n_players)


def test_the_maps_of_an_ensemble_are_drawn_as_those_of_one_network():
    X, _ = drawn_images(60, seed=1)
    model = classifier()
    pair = copy.deepcopy(model)
    pair.module_.networks.append(copy.deepcopy(pair.module_.networks[0]))
    pair.n_members_ = 2
    subject = image_subject(pair, X[:6])
    found = explain_image(subject, subject.table.iloc[[0]], None, random_state=0)
    assert [item.name for item in found.methods] == METHODS
    assert found.leading.explanation.output[0, 0] == pytest.approx(model.predict_proba(X[:1])[0, 1], abs=1e-6)


def test_a_label_too_few_is_told_of_labels_though_patients_are_known(files):
    with pytest.raises(ValueError, match="y must have one entry per image of X, got 5"):
        report(classifier(), files, files["label"][:5], groups=files["patient"])


def test_a_model_of_findings_that_go_together_is_refused():
    images, labels = drawn_images()
    y = np.column_stack([labels == "lesion", np.arange(60) % 2]).astype(int)
    small = {"width": 8, "n_networks": 1, "max_epochs": 1, "random_state": 0}
    model = MultiLabelImageClassifier(**small).fit(images, y)
    with pytest.raises(ValueError, match=r"labels that go together: \['label 0', 'label 1'\]"):
        report(model, images, y)
