"""A data set of interactions knows its columns, its protocol and what is to be said about it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appkit.data.interaction_dataset import InteractionDataset
from appkit.exceptions import SchemaError


@pytest.fixture
def shop() -> InteractionDataset:
    X = pd.DataFrame({"who": [1, 1, 2, 2], "what": [*"abac"], "day": [1, 4, 2, 3]})
    return InteractionDataset(
        name="shop",
        description="Four purchases.",
        X=X,
        user="who",
        item="what",
        time="day",
        licence="none",
        citation="nobody",
        source="here",
    )


def test_a_split_goes_by_the_protocol_or_by_the_way_asked_for(shop):
    assert shop.split().label == "all events from 4 on"
    assert shop.split(test_size=0.5).test.index.tolist() == [1, 3]
    assert shop.split("last").test.index.tolist() == [1, 3]
    assert len(replace(shop, protocol="random").split(random_state=1).test) == 2


def test_a_cut_is_where_a_split_by_time_parts_the_rows(shop):
    cut = replace(shop, cut=2)
    assert cut.split().cut == 2.0
    assert cut.split(test_size=0.25).cut == 4.0
    assert cut.split("last").cut is None
    assert "split: time, at 2" in cut.describe()


def test_a_published_test_part_is_returned_as_it_is(shop):
    given = replace(shop, protocol="published", given_test=np.array([False, True, True, False]))
    split = given.split()
    assert (split.train.index.tolist(), split.test.index.tolist()) == ([0, 3], [1, 2])
    assert (split.label, split.is_optimistic) == ("as published, whatever the order of events (optimistic)", True)


def test_columns_are_keyword_arguments_of_what_reads_them(shop):
    assert shop.columns == {"user": "who", "item": "what", "time": "day", "value": None}


def test_a_description_says_what_a_reader_should_know(shop):
    said = shop.describe()
    assert "users: 2 (column 'who'), 2 to 2 rows each" in said
    assert "items: 3 (column 'what')" in said
    assert "time: 1 to 4 (column 'day')" in said
    assert "split: time" in said
    assert repr(shop) == "<InteractionDataset shop: 4 rows, 2 users, 3 items>"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"value": "price"}, SchemaError, "X of shop must hold its column 'price', got who, what, day"),
        ({"protocol": "folds"}, ValueError, "protocol of shop must be published, time, last or random, got 'folds'"),
        ({"protocol": "published"}, ValueError, "protocol 'published' of shop needs given_test"),
        ({"given_test": np.zeros(3, dtype=bool)}, ValueError, r"given_test of shop must be bool \(4,\)"),
        ({"protocol": "time", "time": None}, ValueError, "protocol 'time' of shop needs a column of moments"),
    ],
)
def test_a_data_set_that_does_not_fit_together_is_refused(shop, changes, error, message):
    with pytest.raises(error, match=message):
        replace(shop, **changes)


def test_a_published_split_is_asked_of_who_has_one(shop):
    with pytest.raises(ValueError, match="shop has no published test part"):
        shop.split("published")
