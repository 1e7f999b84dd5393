"""A data set splits by its own protocol and tells what a reader must know."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appkit.data import Dataset

N_ROWS = 200
RNG = np.random.default_rng(0)


@pytest.fixture
def data() -> Dataset:
    return Dataset(
        name="loans",
        description="Two hundred loans.",
        X=pd.DataFrame({"income": np.arange(float(N_ROWS))}),
        y=pd.Series(np.where(np.arange(N_ROWS) % 4 == 0, "bad", "good")),
        target="whether the loan went bad",
        event="bad",
        licence="CC BY 4.0",
        citation="Nobody (2024).",
        source="https://example.org",
    )


def test_stratified_is_the_default_and_keeps_classes_in_proportion(data):
    X_train, X_test, y_train, y_test = data.split(test_size=0.2, random_state=3)
    assert (len(X_train), len(X_test)) == (160, 40)
    assert (y_train == "bad").mean() == (y_test == "bad").mean() == 0.25
    assert X_test.index.equals(y_test.index)


def test_a_split_repeats_with_its_seed_and_changes_with_another(data):
    first, again, other = (data.split(random_state=seed)[1].index.tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_a_published_test_part_is_used_as_it_is(data):
    given = np.arange(N_ROWS) >= 150
    _, X_test, _, _ = replace(data, protocol="published", given_test=given).split(test_size=0.5)
    assert X_test.index.tolist() == list(range(150, N_ROWS))


def test_a_dated_data_set_tests_on_what_came_later(data):
    times = pd.Series(RNG.permutation(N_ROWS))
    X_train, X_test, _, _ = replace(data, protocol="time", time=times).split()
    assert times[X_train.index].max() < times[X_test.index].min()


def test_a_grouped_data_set_keeps_each_group_on_one_side(data):
    groups = pd.Series(RNG.integers(0, 30, N_ROWS))
    X_train, X_test, _, _ = replace(data, protocol="group", groups=groups).split()
    assert not set(groups[X_train.index]) & set(groups[X_test.index])


@pytest.mark.parametrize("protocol", ["published", "time", "group", "alphabetical"])
def test_a_protocol_without_what_it_splits_by_is_refused(data, protocol):
    with pytest.raises(ValueError, match=f"protocol '{protocol}' of loans lacks what it splits by"):
        replace(data, protocol=protocol)


def test_describe_tells_target_event_terms_and_costs(data):
    text = replace(data, costs={"missed_event": 5.0, "false_alarm": 1.0}).describe()
    for part in ("loans: Two hundred loans.", "event 'bad' in 25.0% of rows", "CC BY 4.0", "missed_event 5"):
        assert part in text


def test_repr_fits_one_line(data):
    assert repr(data) == "<Dataset loans: 200 rows x 1 columns, event 'bad'>"
