"""Who buys within four weeks: our classifier beside rules of the trade, a law of purchases and boosted trees."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from appkit.prediction import auc, auc_difference, brier, calibration_slope, log_loss
from benchmarks.results import Record
from benchmarks.retail.ours import our_model
from benchmarks.runs import Outcome, Runs, frame_hash, markdown, spread, timed
from benchmarks.search import LIGHT_TUNE
from domains.retail import PurchaseClassifier, load_online_retail, make_purchases
from domains.retail.cleaning import ONLINE_RETAIL_CODES
from domains.retail.purchase_baselines import fit_beta_geometric, purchase_baselines
from domains.retail.purchase_table import BUYS, PurchaseTable, purchase_table

__all__ = ["measure_purchases", "repeats"]

_HORIZON = "28D"
_COLUMNS: Mapping[str, Any] = {
    "user": "CustomerID",
    "item": "StockCode",
    "time": "InvoiceDate",
    "quantity": "Quantity",
    "price": "UnitPrice",
    "invoice": "InvoiceNo",
}
_SMALL_COLUMNS: Mapping[str, Any] = {"user": "customer", "item": "sku", "time": "time"}
_QUICK: Mapping[str, Any] = {"max_epochs": 2, "n_networks": 1, "width": 16}


def measure_purchases(runs: Runs, *, seeds: Sequence[int]) -> str:
    """Fit ours by every seed beside the others, and return the table."""
    lines, columns = (_small_shop(), _SMALL_COLUMNS) if runs.is_quick else (_online_retail(), _COLUMNS)
    table = purchase_table(lines, horizon=_HORIZON, **columns)
    records = []
    for seed in seeds:
        measure = partial(_measured, lines, table, columns, seed, runs)
        where: dict[str, Any] = {"data_hash": frame_hash(table.X, table.y), "seed": seed}
        records.append(runs.once("purchases", our_model(horizon=_HORIZON), measure, **where))
    return _told(runs, table, records)


def repeats(lines: pd.DataFrame, *, user: str, time: str, at: pd.Timestamp) -> pd.DataFrame:
    """Return what the law of purchases looks at, by customer known before ``at``.

    Columns ``n_repeats``, days of purchase after the first; ``last``, days from the first to the last; ``age``, days
    from the first to ``at``.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-01 09:00", "2024-01-01 17:00", "2024-01-11 12:00", "2024-03-01 12:00"])
    >>> lines = pd.DataFrame({"customer": ["ann"] * 4, "time": days})
    >>> repeats(lines, user="customer", time="time", at=pd.Timestamp("2024-01-31")).loc["ann"].tolist()
    [1.0, 10.0, 30.0]
    """
    known = lines[lines[time] < at]
    days = known[time].dt.normalize().groupby(known[user]).agg(["nunique", "min", "max"])
    return pd.DataFrame(
        {
            "n_repeats": days["nunique"] - 1.0,
            "last": (days["max"] - days["min"]) / pd.Timedelta("1D"),
            "age": (at - days["min"]) / pd.Timedelta("1D"),
        }
    )


def _online_retail() -> pd.DataFrame:
    """Return all lines that sold something to a customer known; what came back later was a purchase all the same."""
    lines = load_online_retail(clean=False).X
    is_sale = ~lines["InvoiceNo"].str.startswith("C") & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)
    is_product = ~lines["StockCode"].str.upper().str.fullmatch("|".join(ONLINE_RETAIL_CODES))
    kept = lines[is_sale & is_product & lines["CustomerID"].notna()]
    return kept.astype({"CustomerID": np.int64}).reset_index(drop=True)


def _small_shop() -> pd.DataFrame:
    data = make_purchases(150, n_weeks=40)
    names = {"user": data.user, "item": data.item, "time": data.time}
    return data.X.rename(columns={names[key]: column for key, column in _SMALL_COLUMNS.items()})


def _measured(lines: pd.DataFrame, table: PurchaseTable, columns: Mapping[str, Any], seed: int, runs: Runs) -> Outcome:
    X_train, X_test, y_train, y_test = table.split()
    groups = table.groups
    assert groups is not None
    bought, buys = (labels.to_numpy() == BUYS for labels in (y_train, y_test))
    model = PurchaseClassifier(random_state=seed, progress=False, **(_QUICK if runs.is_quick else {}))
    _, fit = timed(lambda: model.fit(X_train, y_train, groups=groups[X_train.index]))
    ours, predict = timed(lambda: model.predict_proba(X_test)[:, model.event_index_])
    answers = {"ours": ours, "BG/NBD": _law_of_purchases(lines, table, columns, X_test.index)}
    for name, make in _classifiers(seed, runs.threads).items():
        answers[name] = make().fit(X_train, bought.astype(np.int64)).predict_proba(X_test)[:, 1]
    scores = {f"{name}: {key}": value for name, p in answers.items() for key, value in _worth(buys, ours, p).items()}
    return Outcome(scores, len(X_train), len(X_test), fit, predict)


def _classifiers(seed: int, threads: int) -> dict[str, Callable[[], Any]]:
    def boosted() -> Any:
        from xgboost import XGBClassifier

        return XGBClassifier(**LIGHT_TUNE, n_jobs=threads, random_state=seed)

    trees: dict[str, Callable[[], Any]] = {
        "histgb": partial(HistGradientBoostingClassifier, random_state=seed),
        "xgboost_light": boosted,
    }
    return {name: partial(_itself, pipeline) for name, pipeline in purchase_baselines().items()} | trees


def _itself(made: Any) -> Any:
    return made


def _law_of_purchases(
    lines: pd.DataFrame, table: PurchaseTable, columns: Mapping[str, Any], rows: pd.Index
) -> np.ndarray:
    """Return the probability of a purchase by BG/NBD, fitted to all that was known at the cut-off of the test."""
    assert table.time is not None
    assert table.groups is not None
    at = table.time[rows].iloc[0]
    known = repeats(lines, user=columns["user"], time=columns["time"], at=at).loc[table.groups[rows]]
    given = {name: known[name].to_numpy() for name in ("n_repeats", "last", "age")}
    return fit_beta_geometric(**given).purchase_probability(table.horizon / pd.Timedelta("1D"), **given)


def _worth(buys: np.ndarray, ours: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    area, lead = auc(buys, probability), auc_difference(buys, ours, probability)
    return {
        "auc": area.value,
        "auc low": area.low,
        "auc high": area.high,
        "lead": lead.value,
        "lead low": lead.low,
        "lead high": lead.high,
        "log-loss": log_loss(buys, probability).value,
        "brier": brier(buys, probability).value,
        "slope": calibration_slope(buys, probability).value,
    }


def _told(runs: Runs, table: PurchaseTable, records: Sequence[Record]) -> str:
    names = list(dict.fromkeys(name.split(": ")[0] for name in records[0].scores))
    heads = ["model", "AUC", "95 %, DeLong", "ours minus it", "95 %, paired", "log-loss", "Brier", "calibration slope"]
    rows = [_row(name, [record.scores for record in records]) for name in names]
    assert table.time is not None
    return (
        f"purchases within {_HORIZON}: {records[0].n_train:,} rows of customers at {table.time.nunique() - 1} cut-offs "
        f"to learn from, {records[0].n_test:,} customers at the last one to judge; seeds {[r.seed for r in records]}, "
        f"mean over seeds; our fit takes {spread([r.fit_cpu for r in records], 0)} CPU s. `{runs.command}`\n"
        + markdown(heads, rows)
    )


def _row(name: str, scores: Sequence[Mapping[str, float]]) -> list[str]:
    def mean(key: str, form: str = ".4f") -> str:
        return f"{np.mean([one[f'{name}: {key}'] for one in scores]):{form}}"

    lead = ["", ""]
    if name != "ours":
        lead = [mean("lead", "+.4f"), f"{mean('lead low', '+.4f')} to {mean('lead high', '+.4f')}"]
    interval = f"{mean('auc low', '.3f')} to {mean('auc high', '.3f')}"
    area = spread([one[f"{name}: auc"] for one in scores], 4)
    return [name, area, interval, *lead, mean("log-loss"), mean("brier"), mean("slope", ".2f")]
