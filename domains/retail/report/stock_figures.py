"""What judged forecasts of demand come to: errors in all, against rules, by weeks ahead and by item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from appkit.exceptions import SchemaError
from appkit.prediction import Estimate
from appkit.prediction.intervals import exact_share
from appkit.reporting.facts import Measure
from appkit.reporting.numbers import count_text
from domains.retail.prediction import (
    demand_bias,
    pinball_loss,
    pinball_losses,
    quantile_coverage,
    wape,
    wape_difference,
    weighted_quantile_loss,
)
from domains.retail.prediction.item_totals import item_totals_estimate, quotient
from domains.retail.report.stock_study import StockStudy

__all__ = ["AtHorizon", "Judged", "judged", "measure_of", "uncensored"]


@dataclass(frozen=True, eq=False)
class AtHorizon:
    """Errors of forecasts so many weeks ahead; ``lead`` is WAPE minus that of the best rule."""

    n: int
    wape: Estimate
    lead: Estimate
    bias: Estimate
    coverage: Estimate


@dataclass(frozen=True, eq=False)
class Judged:
    """Figures of the weeks that were not sold out; every interval redraws items whole.

    Parameters
    ----------
    study
        The forecasts behind them, weeks sold out left out.
    wape, bias, loss
        Of the model: error of the median, its bias, and the weighted quantile loss.
    coverage, pinball
        By level: share of demand at or below the quantile, and mean pinball loss in pieces.
    rule_wape, rule_bias, rule_loss
        The same by rule.
    wape_lead, loss_lead
        This model minus each rule, paired; below 0 this model is nearer.
    by_horizon
        By weeks ahead.
    by_item
        ``n``, ``demand``, ``forecast``, ``error`` (absolute, in sum) and ``share`` of all error, the largest first.
    random_state
        Seed of the bootstrap.
    """

    study: StockStudy
    wape: Estimate
    bias: Estimate
    loss: Estimate
    coverage: tuple[Estimate, ...]
    pinball: tuple[Estimate, ...]
    rule_wape: Mapping[str, Estimate]
    rule_bias: Mapping[str, Estimate]
    rule_loss: Mapping[str, Estimate]
    wape_lead: Mapping[str, Estimate]
    loss_lead: Mapping[str, Estimate]
    by_horizon: Mapping[int, AtHorizon]
    by_item: pd.DataFrame
    random_state: int

    @property
    def best_rule(self) -> tuple[str, Estimate]:
        """The rule of least WAPE, and the model's WAPE minus its own."""
        name = min(self.rule_wape, key=lambda rule: self.rule_wape[rule].value)
        return name, self.wape_lead[name]

    @property
    def words(self) -> str:
        """How many forecasts of how many items, made when."""
        made = f"the end of {count_text(self.study.n_origins)} weeks"
        if self.study.n_origins < self.study.n_weeks:
            made += f", evenly drawn from {count_text(self.study.n_weeks)}"
        return (
            f"{count_text(len(self.study.demand))} forecasts of {count_text(len(self.by_item))} items, made at {made}"
        )


def judged(study: StockStudy, *, random_state: int) -> Judged:
    """Return the figures of all forecasts of weeks that were not sold out."""
    known = uncensored(study)
    draws: dict[str, Any] = {"items": known.item, "random_state": random_state}
    y, own = known.demand, known.quantiles[:, known.median]
    medians = {rule: table[:, known.median] for rule, table in known.rules.items()}
    rule_wape = {rule: wape(y, values, **draws) for rule, values in medians.items()}
    best = min(rule_wape, key=lambda rule: rule_wape[rule].value)
    return Judged(
        study=known,
        wape=wape(y, own, **draws),
        bias=demand_bias(y, own, **draws),
        loss=weighted_quantile_loss(y, known.quantiles, levels=known.levels, **draws),
        coverage=quantile_coverage(y, known.quantiles, levels=known.levels, items=known.item),
        pinball=tuple(
            pinball_loss(y, column, level=float(level), **draws)
            for level, column in zip(known.levels, known.quantiles.T, strict=True)
        ),
        rule_wape=rule_wape,
        rule_bias={rule: demand_bias(y, values, **draws) for rule, values in medians.items()},
        rule_loss={
            rule: weighted_quantile_loss(y, table, levels=known.levels, **draws) for rule, table in known.rules.items()
        },
        wape_lead={rule: wape_difference(y, own, values, **draws) for rule, values in medians.items()},
        loss_lead={rule: _loss_difference(known, table, draws) for rule, table in known.rules.items()},
        by_horizon={
            int(step): _at_horizon(known, known.horizon == step, medians[best], random_state=random_state)
            for step in np.unique(known.horizon)
        },
        by_item=_by_item(known),
        random_state=random_state,
    )


def measure_of(estimate: Estimate, *, unit: str = "") -> Measure:
    """Return an estimate as printed; of one item alone there is no interval."""
    if not np.isfinite(estimate.low):
        return Measure(estimate.value, unit=unit)
    return Measure.of(estimate, unit=unit)


def uncensored(study: StockStudy) -> StockStudy:
    """Return the forecasts of weeks that were not sold out.

    Raises
    ------
    SchemaError
        If there are none, or nothing was bought in them.
    """
    kept = ~study.is_censored
    if not study.demand[kept].sum() > 0:
        raise SchemaError("series must hold a week after those of the fit that was not sold out and saw demand.")
    return StockStudy(
        X=study.X[kept],
        item=study.item[kept],
        week=study.week[kept],
        horizon=study.horizon[kept],
        level=study.level[kept],
        demand=study.demand[kept],
        is_censored=study.is_censored[kept],
        levels=study.levels,
        quantiles=study.quantiles[kept],
        rules={rule: table[kept] for rule, table in study.rules.items()},
        n_origins=study.n_origins,
        n_weeks=study.n_weeks,
        understock=study.understock,
        overstock=study.overstock,
    )


def _loss_difference(study: StockStudy, other: np.ndarray, draws: Mapping[str, Any]) -> Estimate:
    """Return the model's weighted quantile loss minus another's, both redrawn together."""
    losses = [
        2 * pinball_losses(study.demand, table, levels=study.levels).mean(axis=1) for table in (study.quantiles, other)
    ]
    return item_totals_estimate(
        "Difference of quantile loss",
        lambda sums: quotient(sums, 0) - quotient(sums, 1),
        np.column_stack([*losses, study.demand]),
        undefined="demand is 0 in every row",
        **draws,
    )


def _at_horizon(study: StockStudy, rows: np.ndarray, rule: np.ndarray, *, random_state: int) -> AtHorizon:
    y, own, items = study.demand[rows], study.quantiles[rows, study.median], study.item[rows]
    draws: dict[str, Any] = {"items": items, "random_state": random_state}
    return AtHorizon(
        n=int(rows.sum()),
        wape=wape(y, own, **draws),
        lead=wape_difference(y, own, rule[rows], **draws),
        bias=demand_bias(y, own, **draws),
        coverage=exact_share("At or below", y <= study.quantiles[rows, -1], groups=items),
    )


def _by_item(study: StockStudy) -> pd.DataFrame:
    own = study.quantiles[:, study.median]
    rows = pd.DataFrame(
        {"item": study.item, "n": 1, "demand": study.demand, "forecast": own, "error": np.abs(own - study.demand)}
    )
    table = rows.groupby("item", sort=True).sum()
    total = float(table["error"].sum())
    table["share"] = table["error"] / total if total > 0 else 0.0
    return table.sort_values("error", ascending=False, kind="stable")
