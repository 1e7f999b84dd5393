"""Images in, calibrated labels out: what is read, kept apart, kept with the model and refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from appkit.exceptions import LeakageError, SchemaError
from appkit.model import Augmentation, ImageClassifier
from appkit.model.image_networks import image_network
from appkit.persistence import load, save

QUICK = {"width": 8, "n_networks": 1, "max_epochs": 30, "random_state": 0, "progress": False}


def spots(n=64, *, size=12, seed=0):
    """Return images of which every second one has a bright square, and their labels."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (n, size, size)).astype(np.uint8)
    images[1::2, 4:8, 4:8] += 150
    return images, np.array(["clear", "lesion"] * (n // 2))


@pytest.fixture(scope="module")
def fitted():
    images, labels = spots()
    return ImageClassifier(**QUICK).fit(images, labels)


@pytest.fixture
def files(tmp_path):
    """Return a table of files: two images of each patient."""
    images, labels = spots(32)
    paths = []
    for i, pixels in enumerate(images):
        paths.append(str(tmp_path / f"scan {i}.png"))
        Image.fromarray(pixels).save(paths[-1])
    patients = [f"P{i // 4 * 2 + i % 2}" for i in range(32)]
    return pd.DataFrame({"path": paths, "patient": patients}), labels


def test_probabilities_are_of_the_labels_in_order(fitted):
    images, labels = spots(seed=1)
    probabilities = fitted.predict_proba(images)
    assert fitted.classes_.tolist() == ["clear", "lesion"]
    assert probabilities.shape == (64, 2)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(64))
    assert fitted.score(images, labels) > 0.95


def test_files_are_read_as_arrays_are(files):
    table, labels = files
    arrays = np.stack([np.asarray(Image.open(path)) for path in table["path"]])
    by_path = ImageClassifier(**QUICK).fit(table, labels).predict_proba(table)
    assert np.array_equal(by_path, ImageClassifier(**QUICK).fit(arrays, labels).predict_proba(arrays))


@pytest.fixture
def folds(monkeypatch):
    """Return a list that takes in the folds of the next fit."""
    seen = []
    import appkit.model.neural_estimator as template

    original = template.fit_ensemble
    monkeypatch.setattr(
        template,
        "fit_ensemble",
        lambda recipe, data, folds, **rest: seen.extend(folds) or original(recipe, data, folds, **rest),
    )
    return seen


def test_images_of_a_patient_are_on_one_side_of_every_fold(files, folds):
    table, labels = files
    ImageClassifier(patient="patient", **QUICK).fit(table, labels)
    learnt, held = folds[0]
    patients = table["patient"].to_numpy()
    assert len(held)
    assert not set(patients[learnt]) & set(patients[held])


def test_equal_images_are_on_one_side_of_every_fold(folds):
    images, labels = spots(32)
    ImageClassifier(**(QUICK | {"max_epochs": 1})).fit(np.concatenate([images, images]), np.tile(labels, 2))
    learnt, held = folds[0]
    assert len(held)
    assert not set(learnt % 32) & set(held % 32)


def test_the_decision_of_a_model_that_was_not_fitted_says_so():
    with pytest.raises(NotFittedError):
        ImageClassifier().decide(spots()[0], 0.5)


def test_a_patient_in_both_parts_is_named(files):
    table, labels = files
    model = ImageClassifier(patient="patient", **QUICK)
    with pytest.raises(LeakageError, match=r"A patient must be on one side of a split only.*'P1[45]'"):
        model.fit(table[:31], labels[:31], X_val=table[30:], y_val=labels[30:])


def test_an_image_in_both_parts_is_named():
    images, labels = spots()
    with pytest.raises(LeakageError, match="image 40"):
        ImageClassifier(**QUICK).fit(images, labels, X_val=images[40:42], y_val=labels[40:42])


def test_patients_need_a_table():
    images, labels = spots()
    with pytest.raises(SchemaError, match="patient='patient' names a column: give a DataFrame"):
        ImageClassifier(patient="patient", **QUICK).fit(images, labels)


def test_a_missing_patient_is_told_with_its_row(files):
    table, labels = files
    table.loc[3, "patient"] = None
    with pytest.raises(SchemaError, match=r"missing in 1 rows \(first: row 3\)"):
        ImageClassifier(patient="patient", **QUICK).fit(table, labels)


def test_patient_and_groups_together_are_refused(files):
    table, labels = files
    with pytest.raises(ValueError, match="Give groups= or patient='patient', not both"):
        ImageClassifier(patient="patient", **QUICK).fit(table, labels, groups=table["patient"])


def test_a_missing_label_is_refused():
    images, labels = spots()
    labels = labels.astype(object)
    labels[5] = None
    with pytest.raises(ValueError, match=r"row 5"):
        ImageClassifier(**QUICK).fit(images, labels)


def test_one_class_is_refused():
    images, _ = spots()
    with pytest.raises(ValueError, match="at least two classes"):
        ImageClassifier(**QUICK).fit(images, np.zeros(64))


def test_images_of_another_depth_are_refused(fitted):
    with pytest.raises(SchemaError, match=r"float32.*uint8|uint8.*float32"):
        fitted.predict(spots()[0].astype(np.float32) / 255)


def test_images_of_other_channels_are_refused(fitted):
    with pytest.raises(SchemaError, match="channel"):
        fitted.predict(np.zeros((2, 12, 12, 5), dtype=np.uint8))


def test_arrays_of_another_size_are_refused(fitted):
    with pytest.raises(SchemaError, match=r"12 x 12 pixels .* as at fit, got 14 x 12"):
        fitted.predict(np.zeros((2, 14, 12), dtype=np.uint8))


def test_colour_without_colour_is_grey(fitted):
    images, _ = spots(seed=1)
    coloured = np.repeat(images[..., None], 3, axis=-1)
    assert np.array_equal(fitted.predict_proba(coloured), fitted.predict_proba(images))


def test_tiny_images_are_refused():
    with pytest.raises(SchemaError, match="8 pixels a side or more, got 6"):
        ImageClassifier(**QUICK).fit(np.zeros((30, 6, 6), dtype=np.uint8), [0, 1] * 15)


def test_a_loaded_model_answers_the_same(fitted, tmp_path):
    images, _ = spots(seed=1)
    loaded = load(save(fitted, tmp_path / "scans.appkit"))
    assert np.array_equal(loaded.predict_proba(images), fitted.predict_proba(images))


def test_a_model_keeps_no_image_but_the_mean(fitted):
    images, _ = spots()
    assert fitted.background_.shape == (1, 12, 12, 1)
    clear = images[::2]  # the mean of what a model takes for usual: images without the event
    assert fitted.background_[0, ..., 0] == pytest.approx(clear.mean(axis=0), abs=0.51)


def test_the_only_image_without_the_event_does_not_leave_with_the_model():
    images, _ = spots(30)
    model = ImageClassifier(**(QUICK | {"max_epochs": 1})).fit(images, ["clear"] + ["lesion"] * 29)
    assert model.background_[0, ..., 0] == pytest.approx(images.mean(axis=0), abs=0.51)


def test_the_output_module_says_what_predictions_say(fitted):
    images, _ = spots(seed=1)
    pixels = fitted.images(images).pixels
    with torch.inference_mode():
        said = fitted.output_module("probability")(fitted.encode_images(pixels))
    assert said[:, 0].numpy() == pytest.approx(fitted.predict_proba(images)[:, 1], abs=1e-6)


def test_answers_averaged_over_flips_do_not_change_with_a_flip():
    images, labels = spots()
    model = ImageClassifier(average_flips=True, **QUICK).fit(images, labels)
    assert model.predict_proba(images[..., ::-1].copy()) == pytest.approx(model.predict_proba(images), abs=1e-6)


def test_a_factory_makes_the_network():
    images, labels = spots()
    made = []

    def factory(shape, n_outputs):
        made.append(shape)
        return image_network("convnext", shape, n_outputs, width=8)

    ImageClassifier(**(QUICK | {"network": factory, "max_epochs": 1})).fit(images, labels)
    assert (made[0].n_channels, made[0].height, made[0].width) == (1, 12, 12)


def test_sixteen_bits_are_learnt_from_as_they_are():
    images, labels = spots()
    deep = images.astype(np.uint16) + 40_000  # differences that 8 bits cannot hold
    model = ImageClassifier(**QUICK).fit(deep, labels)
    assert model.encoder_.dtype == np.uint16
    assert model.score(deep, labels) > 0.95


def test_warm_start_goes_on_from_the_weights():
    images, labels = spots()
    model = ImageClassifier(warm_start=True, **QUICK).fit(images, labels)
    before = len(model.history_)
    model.set_params(max_epochs=1).fit(images, labels)
    assert before == 30
    assert model.score(images, labels) > 0.95


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        ("network", "vgg", "network must be one of"),
        ("augment", "wild", "augment must be one of"),
        ("mixup", -1.0, "mixup must be 0 or a positive number"),
        ("dropout", 1.0, "dropout must be at least 0 and under 1"),
        ("width", 0, "width must be a positive whole number"),
        ("average_flips", "yes", "average_flips must be True, False or 'auto'"),
        ("learning_rate", "fast", "learning_rate must be 'auto' or a positive number"),
    ],
)
def test_a_wrong_parameter_is_named(parameter, value, words):
    images, labels = spots()
    with pytest.raises(ValueError, match=words):
        ImageClassifier(**(QUICK | {parameter: value})).fit(images, labels)


def test_augmentation_is_kept_with_the_model(tmp_path):
    images, labels = spots()
    model = ImageClassifier(**(QUICK | {"max_epochs": 1}), augment=Augmentation(rotate=5.0), mixup=0.2)
    loaded = load(save(model.fit(images, labels), tmp_path / "model.appkit"))
    assert loaded.get_params()["augment"] == Augmentation(rotate=5.0)


def test_three_classes_have_an_output_each():
    images, _ = spots(60)
    model = ImageClassifier(**(QUICK | {"max_epochs": 1})).fit(images, ["a", "b", "c"] * 20)
    assert model.output_names_ == ("a", "b", "c")
    assert model.predict_set(images).shape == (60, 3)


def test_clone_keeps_every_parameter():
    model = ImageClassifier(size=(32, 16), augment=None, width=4)
    assert clone(model).get_params() == model.get_params()
