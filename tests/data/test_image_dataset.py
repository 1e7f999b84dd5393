"""A set of images splits by its own protocol, keeps patients whole, and tells what a reader must know."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appkit.data.image_dataset import ImageDataset
from appkit.exceptions import LeakageError, SchemaError

N_IMAGES = 120
LABELS = np.where(np.arange(N_IMAGES) % 4 == 0, "ill", "well")


@pytest.fixture
def data() -> ImageDataset:
    return ImageDataset(
        name="scans",
        description="Some scans.",
        X=np.arange(N_IMAGES, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 6), dtype=np.uint8),
        y=pd.Series(LABELS, name="finding"),
        target="whether the patient is ill",
        event="ill",
        licence="CC BY 4.0",
        citation="Nobody (2024).",
        source="https://example.org",
    )


@pytest.fixture
def grouped(data: ImageDataset) -> ImageDataset:
    patients = pd.Series(np.arange(N_IMAGES) // 3, name="patient")
    return replace(data, protocol="group", groups=patients)


@pytest.fixture
def published(data: ImageDataset) -> ImageDataset:
    part = np.arange(N_IMAGES)
    return replace(data, protocol="published", given_validation=(part >= 80) & (part < 90), given_test=part >= 90)


def test_stratified_is_the_default_and_keeps_labels_in_proportion(data):
    X_train, X_test, y_train, y_test = data.split(test_size=0.2, random_state=3)
    assert (X_train.shape, X_test.shape) == ((96, 4, 6), (24, 4, 6))
    assert (y_train == "ill").mean() == (y_test == "ill").mean() == 0.25


def test_the_index_of_the_labels_says_which_images_they_are_of(data):
    X_train, X_test, y_train, y_test = data.split()
    assert X_train[:, 0, 0].tolist() == y_train.index.tolist() == sorted(y_train.index)
    assert X_test[:, 0, 0].tolist() == y_test.index.tolist()


def test_a_split_repeats_with_its_seed_and_changes_with_another(data):
    first, again, other = (data.split(random_state=seed)[3].index.tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_patients_are_never_on_two_sides(grouped):
    *_, y_train, y_validation, y_test = grouped.split_three(random_state=1)
    parts = [set(grouped.groups[part.index]) for part in (y_train, y_validation, y_test)]
    assert parts[0].isdisjoint(parts[1] | parts[2])
    assert parts[1].isdisjoint(parts[2])
    assert sum(map(len, parts)) == grouped.groups.nunique()


def test_drawn_parts_have_the_sizes_asked_for(data):
    *_, y_train, y_validation, y_test = data.split_three(validation_size=0.1, test_size=0.2)
    assert (len(y_train), len(y_validation), len(y_test)) == (84, 12, 24)


def test_published_parts_are_used_as_they_are(published):
    X_train, X_validation, X_test, y_train, y_validation, y_test = published.split_three()
    assert y_train.index.tolist() == list(range(80))
    assert y_validation.index.tolist() == list(range(80, 90))
    assert y_test.index.tolist() == list(range(90, N_IMAGES))
    assert [len(part) for part in (X_train, X_validation, X_test)] == [80, 10, 30]


def test_a_split_in_two_trains_on_the_published_validation_part_as_well(published):
    _, _, y_train, y_test = published.split(test_size=0.9)
    assert y_train.index.tolist() == list(range(90))
    assert y_test.index.tolist() == list(range(90, N_IMAGES))


def test_validation_images_are_drawn_where_none_are_published(published):
    *_, y_train, y_validation, y_test = replace(published, given_validation=None).split_three(validation_size=0.25)
    assert (len(y_train), len(y_validation), len(y_test)) == (60, 30, 30)
    assert not set(y_validation.index) & set(y_train.index)


def test_a_published_part_that_shares_a_patient_with_another_is_refused(published):
    shared = pd.Series(np.minimum(np.arange(N_IMAGES), 89), name="patient")
    with pytest.raises(LeakageError, match="got 1 on both \\(first: 89\\)"):
        replace(published, groups=shared).split_three()
    validated_too = pd.Series(np.arange(N_IMAGES), name="patient").replace(80, 79)
    with pytest.raises(LeakageError, match="got 1 on both \\(first: 79\\)"):
        replace(published, groups=validated_too).split_three()


def test_images_as_files_are_split_as_a_table(data):
    paths = pd.DataFrame({"path": [f"{number}.png" for number in range(N_IMAGES)], "sex": "female"})
    X_train, X_test, y_train, y_test = replace(data, X=paths).split()
    assert X_test["path"].tolist() == [f"{number}.png" for number in y_test.index]
    assert X_train.index.equals(y_train.index)
    assert repr(replace(data, X=paths)) == "<ImageDataset scans: 120 images, as files, event 'ill'>"


def test_describe_tells_what_a_reader_must_know(published, grouped):
    masks = np.zeros((N_IMAGES, 4, 6), dtype=bool)
    masks[:7] = True
    assert "80 to train, 10 to validate, 30 to test" in published.describe()
    told = replace(grouped, masks=masks, metadata=pd.DataFrame({"site": ["a"] * N_IMAGES})).describe()
    assert told.splitlines() == [
        "scans: Some scans.",
        "  images: 120, 4 x 6 grey",
        "  target: whether the patient is ill; event 'ill' in 25.0% of images",
        "  groups: 40 (patient), 3 to 3 images each",
        "  metadata: site",
        "  truth: masks of the lesion in 7 images",
        "  split: group",
        "  licence: CC BY 4.0",
        "  citation: Nobody (2024).",
        "  source: https://example.org",
    ]


def test_several_classes_alike_have_no_event(data):
    three = replace(data, event=None, X=np.zeros((N_IMAGES, 4, 6, 3), dtype=np.uint8))
    assert repr(three) == "<ImageDataset scans: 120 images, 4 x 6 3 channels, 2 classes>"
    assert "well 75.0%, ill 25.0%" in three.describe()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"protocol": "published"}, "protocol 'published' of scans lacks what it splits by"),
        ({"protocol": "group"}, "protocol 'group' of scans lacks what it splits by"),
        ({"y": pd.Series(LABELS[1:])}, "y of scans must be indexed 0 to 119, one row per image"),
        ({"groups": pd.Series(LABELS, index=range(1, 121))}, "groups of scans must be indexed 0 to 119"),
        ({"masks": np.zeros((N_IMAGES, 4, 6))}, "masks of scans must be bool, .* got float64 of shape"),
        ({"given_test": np.zeros(3, dtype=bool)}, "given_test of scans must be bool, .* got bool of shape"),
    ],
)
def test_parts_that_do_not_fit_the_images_are_refused(data, changes, message):
    with pytest.raises(ValueError, match=message):
        replace(data, **changes)


def test_a_table_without_paths_is_refused(data):
    with pytest.raises(SchemaError, match="X of scans must hold a column 'path', got file"):
        replace(data, X=pd.DataFrame({"file": ["a.png"] * N_IMAGES}))
