"""How much of each item will be asked for, one to four weeks ahead: our forecaster beside smoothing and its kin."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from appkit.prediction import Estimate
from benchmarks.results import Record
from benchmarks.retail.ours import our_model
from benchmarks.runs import Outcome, Runs, frame_hash, markdown, spread, timed
from domains.retail import load_online_retail, make_purchases
from domains.retail.demand import DemandForecaster, quantile_name
from domains.retail.demand_baselines import baseline_forecast, baselines
from domains.retail.demand_series import demand_series
from domains.retail.prediction import evaluate_demand, pinball_losses, quantile_coverage, weighted_quantile_loss
from domains.retail.prediction.item_totals import item_totals_estimate, quotient

__all__ = ["forecasts_of", "loss_lead", "measure_demand", "sold_lately"]

_LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
_HORIZON = 4
_ORIGINS = 3  # forecasts are made in so many weeks, one after another, by the model of the first
_LEAST_WEEKS, _LATELY = 13, 26  # weeks an item has been on sale, and weeks in which it must have sold
_TOP = 200
_QUICK: Mapping[str, Any] = {"max_epochs": 2, "n_networks": 1, "width": 16, "max_rows": 2_000}


def measure_demand(runs: Runs, *, seeds: Sequence[int]) -> str:
    """Fit ours by every seed beside the others, and return a table for all items and one for those that sell most."""
    series, cut = _small_series() if runs.is_quick else _online_retail()
    records = []
    for seed in seeds:
        measure = partial(_measured, series, cut, seed, runs)
        where: dict[str, Any] = {"data_hash": frame_hash(series), "seed": seed}
        model = our_model(cut=str(cut), horizon=_HORIZON, origins=_ORIGINS)
        records.append(runs.once("demand", model, measure, **where))
    return _told(runs, records, cut)


def forecasts_of(series: pd.DataFrame, *, cut: pd.Timestamp, n_origins: int, make: Any) -> pd.DataFrame:
    """Return forecasts made at the end of the week before ``cut`` and of the weeks that follow, beside what came.

    Parameters
    ----------
    series
        Of ``demand_series``, all weeks.
    cut
        The first Monday to forecast from.
    n_origins
        How many Mondays, one after another.
    make
        Returns forecasts from a series that ends where they begin.

    Returns
    -------
    DataFrame
        What ``make`` returned, ``demand`` and ``is_censored``; of weeks the series knows.
    """
    mondays = cut + pd.to_timedelta(7 * np.arange(n_origins), unit="D")
    made = pd.concat([make(series[series["week"] < monday]) for monday in mondays], ignore_index=True)
    truth = series[["item", "week", "demand", "is_censored"]]
    return made.merge(truth, on=["item", "week"], how="inner", validate="many_to_one")


def sold_lately(series: pd.DataFrame, *, cut: pd.Timestamp) -> pd.Series:
    """Return how many pieces were sold in the half year before ``cut``, of items with a quarter of history, by item."""
    known = series[series["week"] < cut]
    n_weeks = known.groupby("item").size()
    is_late = known["week"] >= cut - pd.Timedelta(weeks=_LATELY)
    sold = known[is_late].groupby("item")["demand"].sum()
    return sold[(sold > 0) & (n_weeks.reindex(sold.index) >= _LEAST_WEEKS)]


def loss_lead(demand: np.ndarray, ours: np.ndarray, theirs: np.ndarray, *, items: np.ndarray) -> Estimate:
    """Return our weighted pinball loss minus theirs, with an interval by redrawing items; below 0 ours is better.

    Parameters
    ----------
    demand
        float64 ``(n_rows,)``.
    ours, theirs
        Quantiles at the levels of this benchmark, ``(n_rows, n_levels)``.
    items
        Item of each row.
    """
    losses = [2 * pinball_losses(demand, quantiles, levels=_LEVELS).mean(axis=1) for quantiles in (ours, theirs)]
    return item_totals_estimate(
        "Difference of weighted pinball loss",
        quotient,
        np.column_stack([losses[0] - losses[1], demand]),
        items=items,
        undefined="demand is 0 in every row",
        n_resamples=1000,
        random_state=0,
    )


def _online_retail() -> tuple[pd.DataFrame, pd.Timestamp]:
    data = load_online_retail(missing_users="keep")
    series = demand_series(
        data.X, item=data.item, time=str(data.time), quantity=data.value, user=data.user, price="UnitPrice"
    )
    return series, pd.Timestamp(str(data.cut))


def _small_series() -> tuple[pd.DataFrame, pd.Timestamp]:
    data = make_purchases(150, n_weeks=36)
    series = demand_series(data.X, item=data.item, time=str(data.time), quantity=data.value)
    return series, series["week"].max() - pd.Timedelta(weeks=4)


def _measured(series: pd.DataFrame, cut: pd.Timestamp, seed: int, runs: Runs) -> Outcome:
    known = series[series["week"] < cut]
    model = DemandForecaster(
        horizon=_HORIZON, levels=_LEVELS, random_state=seed, progress=False, **(_QUICK if runs.is_quick else {})
    )
    _, fit = timed(lambda: model.fit(known))
    at_origins = partial(forecasts_of, series, cut=cut, n_origins=_ORIGINS)
    made = {"ours": at_origins(make=model.predict)}
    for name in baselines():
        made[name] = at_origins(make=partial(baseline_forecast, method=name, horizon=_HORIZON, levels=_LEVELS))
    sold = sold_lately(series, cut=cut)
    groups = {"all": sold.index, f"top {_TOP}": sold.nlargest(_TOP).index}
    scores: dict[str, float] = {}
    for group, items in groups.items():
        own = {name: _in_order(table, items) for name, table in made.items()}
        scores |= {f"{group}: {key}": value for key, value in _worth(own).items()}
    return Outcome(scores, len(known), len(_in_order(made["ours"], sold.index)), fit)


def _in_order(table: pd.DataFrame, items: pd.Index) -> pd.DataFrame:
    """Return forecasts of some items of weeks that were not sold out, in an order that all methods share."""
    kept = table[table["item"].isin(items) & ~table["is_censored"].astype(bool)]
    return kept.sort_values(["item", "week", "horizon"], ignore_index=True)


def _worth(made: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    ours = made["ours"]
    keys = ["item", "week", "horizon"]
    for name, table in made.items():
        if not table[keys].astype(str).equals(ours[keys].astype(str)):
            raise AssertionError(f"{name} must forecast the same items and weeks as ours.")
    names = [quantile_name(level) for level in _LEVELS]
    medians = {name: table[quantile_name(0.5)].to_numpy() for name, table in made.items()}
    means = {f"{name}, mean": table["mean"].to_numpy() for name, table in made.items() if "mean" in table}
    demand, items = ours["demand"].to_numpy(), ours["item"].to_numpy()
    judged = evaluate_demand(demand, medians | means, model="ours", items=items)
    scores = {"items": float(len(np.unique(items))), "rows": float(len(ours))}
    for name in judged.errors:
        scores |= _told_apart(f"{name}: wape", judged.errors[name]["wape"])
        scores[f"{name}: bias"] = judged.errors[name]["bias"].value
        if name != "ours":
            scores |= _told_apart(f"{name}: lead", judged.differences[name])
    for name, table in made.items():
        quantiles = table[names].to_numpy()
        scores |= _told_apart(f"{name}: loss", weighted_quantile_loss(demand, quantiles, levels=_LEVELS, items=items))
        if name != "ours":
            lead = loss_lead(demand, ours[names].to_numpy(), quantiles, items=items)
            scores |= _told_apart(f"{name}: loss lead", lead)
        shares = quantile_coverage(demand, quantiles, levels=_LEVELS, items=items)
        scores[f"{name}: below q10"] = shares[_LEVELS.index(0.1)].value
        scores[f"{name}: below q90"] = shares[_LEVELS.index(0.9)].value
    return scores


def _told_apart(key: str, estimate: Estimate) -> dict[str, float]:
    return {key: estimate.value, f"{key} low": estimate.low, f"{key} high": estimate.high}


def _told(runs: Runs, records: Sequence[Record], cut: pd.Timestamp) -> str:
    groups = list(dict.fromkeys(key.split(": ")[0] for key in records[0].scores))
    heads = ["forecast", "WAPE", "95 % over items", "ours minus it", "95 %, paired", "bias"]
    heads += ["pinball loss (weighted)", "ours minus it", "95 %, paired", "demand below q10", "below q90"]
    tables = []
    for group in groups:
        own = [{k[len(group) + 2 :]: v for k, v in one.scores.items() if k.startswith(f"{group}: ")} for one in records]
        names = [key[: -len(": wape")] for key in own[0] if key.endswith(": wape")]
        tables.append(
            f"{group}: {own[0]['items']:,.0f} items, {own[0]['rows']:,.0f} forecasts\n"
            + markdown(heads, [_row(name, own) for name in names])
        )
    return (
        f"demand of weeks from {cut.date()} on, 1 to {_HORIZON} weeks ahead from {_ORIGINS} Mondays, learnt from the "
        f"weeks before; each forecast by its median, those of one item at a time by their mean as well; the data hold "
        f"one year, so the same week a year before is not known; seeds {[r.seed for r in records]}, mean over seeds; "
        f"our fit takes {spread([r.fit_cpu for r in records], 0)} CPU s. `{runs.command}`\n\n" + "\n\n".join(tables)
    )


def _row(name: str, scores: Sequence[Mapping[str, float]]) -> list[str]:
    def mean(key: str, form: str = ".3f") -> str:
        found = [one[f"{name}: {key}"] for one in scores if f"{name}: {key}" in one]
        return f"{np.mean(found):{form}}" if found else ""

    def interval(key: str, form: str = ".3f") -> str:
        low, high = mean(f"{key} low", form), mean(f"{key} high", form)
        return f"{low} to {high}" if low else ""

    wape = spread([one[f"{name}: wape"] for one in scores], 3)
    lead = [mean("lead", "+.3f"), interval("lead", "+.3f")]
    loss = [mean("loss"), mean("loss lead", "+.3f"), interval("loss lead", "+.3f")]
    coverage = [mean("below q10"), mean("below q90")]
    return [name, wape, interval("wape"), *lead, mean("bias", "+.2f"), *loss, *coverage]
