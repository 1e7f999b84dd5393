"""Who bought, rated or visited what: four public tables of interactions found on disk, and one that is generated."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from appkit.data import Source, find_file
from appkit.data.interaction_dataset import InteractionDataset
from appkit.exceptions import SchemaError
from domains.retail.cleaning import ONLINE_RETAIL_CODES, clean_transactions
from domains.retail.purchases import make_purchases

__all__ = ["load_amazon_beauty", "load_gowalla", "load_movielens", "load_online_retail", "make_purchases"]


def load_online_retail(
    *, clean: bool = True, missing_users: Literal["drop", "keep"] = "drop", cut: str = "2010-11-01"
) -> InteractionDataset:
    """Return Online Retail II, December 2009 to December 2010: the invoices of a British seller of gifts.

    As published it has 525,461 lines, 4,632 stock codes and 4,383 customers; 107,927 lines name no customer. Cleaned by
    the rules of :func:`~domains.retail.cleaning.clean_transactions`, with stock codes in upper case, it is what was
    bought and kept: the field ``removed`` says what went and why. Times are those of the shop's clock.

    Parameters
    ----------
    clean
        ``False`` gives the lines as published.
    missing_users
        ``"drop"`` leaves out lines without a customer; ``"keep"`` keeps them, for demand.
    cut
        First day of the test part: ``split()`` parts the table here, and nothing that came back later changes what was
        bought before. The default, a Monday, leaves six weeks to test. To part it elsewhere, load it with another one.

    Raises
    ------
    DatasetNotFoundError
        Where the file is not on disk, saying where to get it.
    """
    lines = pd.read_parquet(find_file(_ONLINE_RETAIL))
    lines["InvoiceDate"] = lines["InvoiceDate"].astype("datetime64[ns]")
    removed = None
    if clean:
        cleaned = clean_transactions(
            lines,
            user="CustomerID",
            item="StockCode",
            time="InvoiceDate",
            quantity="Quantity",
            price="UnitPrice",
            invoice="InvoiceNo",
            missing_users=missing_users,
            not_products=ONLINE_RETAIL_CODES,
            fold_case=True,
            cut=cut,
        )
        lines, removed = cleaned.table.reset_index(drop=True), cleaned.log
    if not lines["CustomerID"].isna().any():
        lines["CustomerID"] = lines["CustomerID"].astype(np.int64)
    return InteractionDataset(
        name="online_retail_2009_2010",
        description="Invoices of a British online shop for gifts, many of its customers being shops themselves.",
        X=lines,
        user="CustomerID",
        item="StockCode",
        time="InvoiceDate",
        value="Quantity",
        licence="CC BY 4.0",
        citation="Chen, D. (2012). Online Retail II. UCI ML Repository. doi:10.24432/C5CG6D.",
        source=_ONLINE_RETAIL.address,
        user_features=_first_by(lines, "CustomerID", "Country").to_frame(),
        item_names=_first_by(lines, "StockCode", "Description").to_dict(),
        protocol="time",
        cut=cut,
        removed=removed,
    )


def load_movielens(size: str = "100k") -> InteractionDataset:
    """Return MovieLens: who rated which film when. Every rating counts as an interaction; its stars are in ``rating``.

    ``"100k"`` has 100,000 ratings of 1,682 films by 943 users (1997 and 1998), with age, sex and occupation of users
    and genres of films. Its protocol is the random split of each user, a fifth to test. ``"latest-small"`` has 100,836
    ratings of 9,724 films by 610 users (to 2018), and goes by time.

    Parameters
    ----------
    size
        ``"100k"`` or ``"latest-small"``.

    Raises
    ------
    DatasetNotFoundError
        Where a file is not on disk, saying where to get it.
    ValueError
        For another size.
    """
    if size == "100k":
        return _load_movielens_100k()
    if size == "latest-small":
        return _load_movielens_latest_small()
    raise ValueError(f"size must be '100k' or 'latest-small', got {size!r}.")


def load_gowalla() -> InteractionDataset:
    """Return Gowalla check-ins as split by the authors of NGCF and LightGCN: 29,858 users, 40,981 places, no times.

    Training rows (810,128) come first, then the published test rows (217,242), a user's places in ascending order.
    ``given_test`` says which is which, and :meth:`~appkit.data.InteractionDataset.split` goes by it.

    Raises
    ------
    DatasetNotFoundError
        Where a file is not on disk, saying where to get it.

    References
    ----------
    He, X. et al. (2020). LightGCN: simplifying and powering graph convolution network for recommendation. SIGIR.
    """
    train, test = (_read_lists(find_file(_gowalla(name))) for name in ("train.txt.gz", "test.txt.gz"))
    X = pd.concat([train, test], ignore_index=True).drop(columns="position")
    return InteractionDataset(
        name="gowalla",
        description="Places at which users of a social network checked in.",
        X=X,
        user="user",
        item="item",
        licence="none stated by the publisher (research use)",
        citation="Cho, E., Myers, S. & Leskovec, J. (2011). KDD; He, X. et al. (2020). LightGCN. SIGIR.",
        source=_GOWALLA_ADDRESS,
        protocol="published",
        given_test=np.arange(len(X)) >= len(train),
    )


def load_amazon_beauty() -> InteractionDataset:
    """Return Amazon Beauty, 5-core: the products 22,363 users reviewed, in order: 198,502 rows, 12,101 products.

    The publisher of the sequences gives no dates, so ``position`` counts within each user from 0: it orders a user's
    events and says nothing about which of two users came first. The protocol leaves the last product out.

    Raises
    ------
    DatasetNotFoundError
        Where the file is not on disk, saying where to get it.
    """
    return InteractionDataset(
        name="amazon_beauty",
        description="Beauty products in the order in which customers reviewed them.",
        X=_read_lists(find_file(_BEAUTY)),
        user="user",
        item="item",
        time="position",
        licence="none stated by the publisher (research use)",
        citation="McAuley, J., Targett, C., Shi, Q. & van den Hengel, A. (2015). Image-based recommendations on styles "
        "and substitutes. SIGIR; Zhou, K. et al. (2020). S3-Rec. CIKM.",
        source=_BEAUTY.address,
        protocol="last",
    )


def _load_movielens_100k() -> InteractionDataset:
    ratings = pd.read_csv(
        find_file(_movielens_100k("u.data.gz")), sep="\t", header=None, names=["user", "item", "rating", "time"]
    )
    users = pd.read_csv(
        find_file(_movielens_100k("u.user")),
        sep="|",
        header=None,
        names=["user", "age", "sex", "occupation", "zip_code"],
        index_col="user",
        dtype={"zip_code": str},
    )
    names = ["item", "title", "released", "video_released", "address", *_genres()]
    films = pd.read_csv(
        find_file(_movielens_100k("u.item")), sep="|", header=None, names=names, index_col="item", encoding="latin-1"
    )
    return InteractionDataset(
        name="movielens_100k",
        description="Films rated by users of MovieLens in 1997 and 1998.",
        X=ratings.assign(time=pd.to_datetime(ratings["time"], unit="s").astype("datetime64[ns]")),
        user="user",
        item="item",
        time="time",
        licence="GroupLens licence: research use, no redistribution without permission",
        citation=_MOVIELENS_CITATION,
        source=_100K_ADDRESS,
        user_features=users[["age", "sex", "occupation"]],
        item_features=films[_genres()].astype(bool),
        item_names=films["title"].to_dict(),
        protocol="random",
    )


def _load_movielens_latest_small() -> InteractionDataset:
    ratings = pd.read_csv(find_file(_movielens_latest_small("ratings.csv.gz")))
    ratings = ratings.rename(columns={"userId": "user", "movieId": "item", "timestamp": "time"})
    films = pd.read_csv(find_file(_movielens_latest_small("movies.csv"))).set_index("movieId").rename_axis("item")
    return InteractionDataset(
        name="movielens_latest_small",
        description="Films rated by users of MovieLens up to 2018: for development, not for published figures.",
        X=ratings.assign(time=pd.to_datetime(ratings["time"], unit="s").astype("datetime64[ns]")),
        user="user",
        item="item",
        time="time",
        licence="GroupLens licence: research use, redistribution under the same terms, non-commercial",
        citation=_MOVIELENS_CITATION,
        source=_LATEST_SMALL_ADDRESS,
        item_features=films["genres"].str.get_dummies("|").astype(bool),
        item_names=films["title"].to_dict(),
        protocol="time",
    )


def _genres() -> list[str]:
    """Return the genres of MovieLens 100k in the order of its columns."""
    return pd.read_csv(find_file(_movielens_100k("u.genre")), sep="|", header=None)[0].tolist()


def _read_lists(path: Path) -> pd.DataFrame:
    """Return the rows of a file whose lines are a user and then items: columns user, item, position in the line."""
    lines = [np.array(line.split(), dtype=np.int64) for line in _lines(path)]
    empty = [number for number, line in enumerate(lines, 1) if not len(line)]
    if empty:
        raise SchemaError(f"{path.name} must hold a user and items in every line, got an empty line {empty[0]}.")
    counts = np.array([len(line) - 1 for line in lines])
    return pd.DataFrame(
        {
            "user": np.repeat([line[0] for line in lines], counts),
            "item": np.concatenate([line[1:] for line in lines]),
            "position": np.concatenate([np.arange(count) for count in counts]),
        }
    )


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        yield from file


def _first_by(lines: pd.DataFrame, key: str, column: str) -> pd.Series:
    """Return what was first written in a column for each id, indexed by it; blanks count for nothing."""
    written = lines[[key, column]].dropna().drop_duplicates(key)
    return written.set_index(key)[column].str.strip().sort_index()


_ONLINE_RETAIL = Source(
    "retail/online_retail_2009_2010/online_retail_2009_2010.parquet",
    address="https://archive.ics.uci.edu/dataset/502/online+retail+ii",
)

_MOVIELENS_CITATION = (
    "Harper, F. M. & Konstan, J. A. (2015). The MovieLens datasets: history and context. ACM TiiS 5(4). "
    "doi:10.1145/2827872."
)
_100K_ADDRESS = "https://grouplens.org/datasets/movielens/100k/"
_LATEST_SMALL_ADDRESS = "https://grouplens.org/datasets/movielens/latest/"


def _movielens_100k(name: str) -> Source:
    return Source(f"retail/movielens_100k/{name}", address=_100K_ADDRESS)


def _movielens_latest_small(name: str) -> Source:
    return Source(f"retail/movielens_latest_small/{name}", address=_LATEST_SMALL_ADDRESS)


_GOWALLA_ADDRESS = "https://snap.stanford.edu/data/loc-gowalla.html"


def _gowalla(name: str) -> Source:
    return Source(f"retail/gowalla/{name}", address=_GOWALLA_ADDRESS)


_BEAUTY = Source("retail/amazon_beauty/Beauty.txt.gz", address="https://jmcauley.ucsd.edu/data/amazon/")
