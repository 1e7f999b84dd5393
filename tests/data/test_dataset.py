"""A data set splits by its own protocol and tells what a reader must know."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appkit.data import Dataset
from appkit.exceptions import LeakageError

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


@pytest.fixture
def series() -> Dataset:
    """Twenty machines with ten readings each, one life after the other, the last of them still running."""
    machine, hour = np.repeat(np.arange(20), 10), np.tile(np.arange(10.0), 20)
    return Dataset(
        name="machines",
        description="Twenty machines.",
        X=pd.DataFrame({"machine": machine, "hour": 10 * machine + hour, "heat": RNG.normal(size=N_ROWS)}),
        y=pd.Series(np.where(machine < 19, 9 - hour, np.nan)),
        target="hours left",
        event=None,
        licence="CC BY 4.0",
        citation="Nobody (2024).",
        source="https://example.org",
        protocol="group",
        unit="machine",
        time_column="hour",
    )


def test_series_split_by_whole_machines(series):
    X_train, X_test, _, y_test = series.split()
    assert not set(X_train["machine"]) & set(X_test["machine"])
    assert X_test["machine"].value_counts().unique().tolist() == [10]
    assert X_test.index.equals(y_test.index)


def test_series_split_by_time_put_ended_machines_before_those_that_began_later(series):
    X_train, X_test, _, _ = replace(series, protocol="time").split(test_size=0.25)
    assert (X_train["hour"].max(), X_test["hour"].min()) == (149, 150)


def test_a_published_split_of_series_through_a_machine_is_refused(series):
    given = np.arange(N_ROWS) >= 155
    with pytest.raises(LeakageError, match=r"got 1 on both \(first: 15\)"):
        replace(series, protocol="published", given_test=given).split()


def test_series_name_columns_that_are_there(series):
    with pytest.raises(ValueError, match="X of machines must hold its column 'engine', got machine, hour, heat"):
        replace(series, unit="engine")


def test_series_describe_their_units_and_a_target_without_an_event(series):
    text = series.describe()
    assert "units: 20 in column 'machine', 10 to 10 readings each, ordered by 'hour'" in text
    assert "target: hours left; 0 to 9, mean 4.5, known in 95.0% of rows" in text
    assert "event" not in text
    assert repr(series) == "<Dataset machines: 200 rows x 3 columns, 20 units>"


def test_several_classes_are_described_by_their_shares(data):
    classes = replace(data, event=None)
    assert "target: whether the loan went bad; good 75.0%, bad 25.0%" in classes.describe()
    assert repr(classes) == "<Dataset loans: 200 rows x 1 columns, 2 classes>"


def test_numbers_are_described_by_their_span(data):
    numbers = replace(data, event=None, y=pd.Series(np.arange(float(N_ROWS))))
    assert "target: whether the loan went bad; 0 to 199, mean 99.5\n" in numbers.describe()
    assert repr(numbers) == "<Dataset loans: 200 rows x 1 columns, numeric target>"
