"""The tables of interactions are what their publishers describe, and say where to get what is not here."""

import numpy as np
import pandas as pd
import pytest

from appkit.data.interaction_dataset import InteractionDataset
from appkit.data.interaction_leaks import find_leaks
from appkit.exceptions import DatasetNotFoundError, SchemaError
from domains.retail import data as retail

ON_DISK = {
    "online_retail": retail.load_online_retail,
    "movielens": retail.load_movielens,
    "movielens_small": lambda: retail.load_movielens("latest-small"),
    "gowalla": retail.load_gowalla,
    "amazon_beauty": retail.load_amazon_beauty,
}


@pytest.fixture(scope="module")
def online_retail(data_dir) -> InteractionDataset:
    return retail.load_online_retail()


@pytest.fixture(scope="module")
def movielens(data_dir) -> InteractionDataset:
    return retail.load_movielens()


@pytest.mark.usefixtures("data_dir")
def test_online_retail_as_published_has_the_published_counts():
    data = retail.load_online_retail(clean=False)
    assert data.X.shape == (525_461, 8)
    assert data.X[["InvoiceNo", "StockCode", "CustomerID", "Country"]].nunique().tolist() == [28_816, 4_632, 4_383, 40]
    assert data.X["CustomerID"].isna().sum() == 107_927
    assert data.removed is None


def test_cleaned_online_retail_holds_purchases_only_and_says_what_went(online_retail):
    X = online_retail.X
    assert len(X) == 525_461 - online_retail.removed["removed"].sum()
    assert (X["Quantity"] > 0).all()
    assert (X["UnitPrice"] > 0).all()
    assert X["CustomerID"].dtype == np.int64
    assert not X["InvoiceNo"].str.startswith("C").any()
    assert not X["StockCode"].isin(["POST", "M", "D", "DOT", "C2", "BANK CHARGES", "ADJUST", "TEST001", "S"]).any()
    removed = online_retail.removed.set_index("rule")["removed"]
    assert removed["no customer"] == 107_927
    assert removed["return"] + removed["return without purchase"] > 9_000


def test_online_retail_is_parted_at_one_moment_and_leaks_nothing(online_retail):
    split = online_retail.split()
    assert split.cut >= pd.Timestamp("2010-11-01")
    assert split.train["InvoiceDate"].max() < pd.Timestamp("2010-11-01")
    columns = {name: column for name, column in online_retail.columns.items() if name != "value"}
    assert find_leaks(split.train, split.test, **columns) == ()


def test_what_came_back_later_changes_nothing_bought_before_the_cut(online_retail):
    earlier = retail.load_online_retail(cut="2010-09-01")
    before = [data.X[data.X["InvoiceDate"] < "2010-08-01"] for data in (online_retail, earlier)]
    assert before[0]["Quantity"].sum() < before[1]["Quantity"].sum()  # known in November, not in September


@pytest.mark.usefixtures("data_dir")
def test_online_retail_with_rows_of_nobody_is_for_demand():
    data = retail.load_online_retail(missing_users="keep")
    assert 90_000 < data.X["CustomerID"].isna().sum() < 107_927
    with pytest.raises(SchemaError, match="Column 'CustomerID' must have no missing cell"):
        data.split()


def test_movielens_has_the_published_counts(movielens):
    assert (len(movielens.X), movielens.X["user"].nunique(), movielens.X["item"].nunique()) == (100_000, 943, 1_682)
    assert movielens.user_features.shape == (943, 3)
    assert movielens.item_features.shape == (1_682, 19)
    assert movielens.item_names[1] == "Toy Story (1995)"
    assert movielens.item_features.loc[1, "Animation"]
    assert movielens.X.iloc[0].tolist() == [196, 242, 3, pd.Timestamp("1997-12-04 15:55:49")]


def test_random_split_of_movielens_is_the_published_protocol(movielens):
    draws = np.random.default_rng(0).random(100_000)
    users = movielens.X["user"].to_numpy()
    expected = np.zeros(100_000, dtype=bool)
    for user in np.unique(users):
        rows = np.flatnonzero(users == user)
        n_test = max(1, int(np.floor(0.2 * len(rows))))
        expected[rows[np.argsort(draws[rows])[:n_test]]] = True
    assert movielens.split().test.index.tolist() == np.flatnonzero(expected).tolist()


def test_last_split_of_movielens_takes_the_last_row_of_the_latest_time(movielens):
    ordered = movielens.X.assign(row=np.arange(100_000)).sort_values(["user", "time", "row"])
    expected = ordered.groupby("user").tail(1)["row"].sort_values().tolist()
    assert movielens.split("last").test.index.tolist() == expected


@pytest.mark.usefixtures("data_dir")
def test_small_movielens_has_the_published_counts():
    data = retail.load_movielens("latest-small")
    assert (len(data.X), data.X["user"].nunique(), data.X["item"].nunique()) == (100_836, 610, 9_724)
    assert len(data.item_names) == len(data.item_features) == 9_742


@pytest.mark.usefixtures("data_dir")
def test_gowalla_has_the_published_split():
    data = retail.load_gowalla()
    split = data.split()
    assert (len(split.train), len(split.test)) == (810_128, 217_242)
    assert (data.X["user"].nunique(), data.X["item"].nunique()) == (29_858, 40_981)
    assert find_leaks(split.train, split.test) == ()
    assert data.time is None


@pytest.mark.usefixtures("data_dir")
def test_amazon_beauty_leaves_the_last_product_of_each_user_out():
    data = retail.load_amazon_beauty()
    split = data.split()
    assert (len(data.X), data.X["item"].nunique(), len(split.test)) == (198_502, 12_101, 22_363)
    assert split.test[split.test["user"].isin([1, 2, 3])][["item", "position"]].to_numpy().tolist() == [
        [5, 4],
        [11, 6],
        [19, 8],
    ]


@pytest.fixture(params=[*ON_DISK, "make_purchases"])
def data(request) -> InteractionDataset:
    """Each data set in turn; real ones need the data folder."""
    if request.param == "make_purchases":
        return retail.make_purchases(200)
    if request.param == "online_retail":
        return request.getfixturevalue("online_retail")
    request.getfixturevalue("data_dir")
    return ON_DISK[request.param]()


def test_every_data_set_is_whole_and_splits_by_its_protocol(data):
    assert data.X.index.equals(pd.RangeIndex(len(data.X)))
    assert all((data.description, data.licence, data.citation, data.source))
    assert data.name in repr(data)
    assert data.licence in data.describe()
    split = data.split()
    assert len(split.train) + len(split.test) == len(data.X)
    assert split.is_optimistic == (data.protocol != "time")
    for column, features in ((data.user, data.user_features), (data.item, data.item_features)):
        assert features is None or set(data.X[column]) <= set(features.index)
    assert data.item_names is None or set(data.X[data.item]) <= set(data.item_names)


@pytest.mark.parametrize("load", ON_DISK.values(), ids=ON_DISK)
def test_an_absent_data_set_says_where_to_get_it_and_where_to_put_it(load, tmp_path, monkeypatch):
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    with pytest.raises(DatasetNotFoundError, match=r"Get it from https://.* and save it as .*retail.*APPKIT"):
        load()


def test_films_nobody_published_are_refused():
    with pytest.raises(ValueError, match="size must be '100k' or 'latest-small', got '1m'"):
        retail.load_movielens("1m")


@pytest.fixture
def tiny_gowalla(tmp_path, monkeypatch):
    """Two users in the publisher's layout, uncompressed."""
    folder = tmp_path / "retail" / "gowalla"
    folder.mkdir(parents=True)
    (folder / "train.txt").write_text("0 5 7 9\n1 5\n")
    (folder / "test.txt").write_text("0 8\n1 7 9\n")
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    return folder


@pytest.mark.usefixtures("tiny_gowalla")
def test_lists_are_read_line_by_line_whether_packed_or_not():
    split = retail.load_gowalla().split()
    assert split.train.to_numpy().tolist() == [[0, 5], [0, 7], [0, 9], [1, 5]]
    assert split.test.to_numpy().tolist() == [[0, 8], [1, 7], [1, 9]]


def test_a_line_without_a_user_is_refused(tiny_gowalla):
    (tiny_gowalla / "test.txt").write_text("0 8\n\n1 7\n")
    with pytest.raises(SchemaError, match=r"test\.txt must hold a user and items in every line, got an empty line 2"):
        retail.load_gowalla()
