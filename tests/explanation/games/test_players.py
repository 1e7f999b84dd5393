"""Players of a table."""

import pytest

from appkit.explanation.games.players import TablePlayers

COLUMNS = ["age", "street", "town", "income"]


def test_each_column_is_a_player_unless_grouped():
    assert TablePlayers.of(COLUMNS).names == tuple(COLUMNS)
    assert TablePlayers.of(COLUMNS, {"address": ["town", "street"]}).names == ("age", "address", "income")


def test_a_group_owns_its_columns():
    players = TablePlayers.of(COLUMNS, {"money": ["age", "income"]})
    assert players.player_of_column.tolist() == [0, 1, 2, 0]


def test_a_group_may_be_named_like_its_own_column():
    assert TablePlayers.of(COLUMNS, {"street": ["street", "town"]}).names == ("age", "street", "income")


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"x": ["shoe"]}, "names the column 'shoe', which the model does not use"),
        ({"x": []}, "must map each name to a list of columns"),
        ({"x": "age"}, "must map each name to a list of columns"),
        ({"x": ["age"], "y": ["age"]}, "must belong to one player, got 'x' and 'y'"),
        ({"age": ["street", "town"]}, "must not be named like a column outside their group"),
    ],
)
def test_groups_that_make_no_sense_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        TablePlayers.of(COLUMNS, groups)
