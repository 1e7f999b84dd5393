"""Interactions on the command line: listed, described and written as what they are."""

from functools import partial
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from appkit.cli import app
from domains.retail.purchases import make_purchases


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _one_shop(monkeypatch):
    monkeypatch.setattr("appkit.commands.datasets._loaders", lambda: {"make_purchases": partial(make_purchases, 20)})


def test_a_table_of_interactions_is_listed_by_rows_and_columns():
    n_rows = f"{len(make_purchases(20).X):,}"
    assert run("datasets").stdout.splitlines()[1].split()[:4] == ["make_purchases", n_rows, "6", "yes"]


def test_a_table_of_interactions_is_described():
    assert "users: 20 (column 'customer')" in run("datasets", "make_purchases").stdout


def test_written_interactions_say_which_options_their_columns_are(tmp_path):
    result = run("datasets", "make_purchases", "--out", tmp_path / "shop.parquet")
    said = " ".join(result.stderr.replace("│", " ").split())
    assert said.endswith("the user customer, the item item, the time time, the value quantity.")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "shop.parquet"), make_purchases(20).X, check_dtype=False)
