"""Forecasts of demand beside the baselines they must beat, on the same items and weeks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.prediction import Estimate
from domains.retail.prediction.demand_errors import demand_bias, relative_error, wape, wape_difference
from domains.retail.prediction.demand_quantiles import as_levels, quantile_coverage, weighted_quantile_loss
from domains.retail.prediction.item_totals import as_demand, as_forecast

__all__ = ["DemandEvaluation", "evaluate_demand"]


@dataclass(frozen=True, eq=False)
class DemandEvaluation:
    """What forecasts are worth beside their baselines.

    Parameters
    ----------
    model
        Name of the forecasts in question; the others are baselines.
    errors
        By name: ``"wape"``, ``"bias"`` and, of the model, ``"relative to ..."`` each baseline.
    differences
        WAPE of the model minus that of each baseline, by the baseline's name; below 0 the model is better.
    quantile_loss
        Of the model's quantiles; ``None`` without any.
    coverage
        Share of demand at or below each of the model's quantiles.
    notes
        What was measured, in sentences.
    """

    model: str
    errors: dict[str, dict[str, Estimate]]
    differences: dict[str, Estimate]
    quantile_loss: Estimate | None
    coverage: tuple[Estimate, ...]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per forecast: WAPE with low and high, bias, and the model's WAPE minus its own."""
        rows = {}
        for name, errors in self.errors.items():
            error, difference = errors["wape"], self.differences.get(name)
            ends = (np.nan,) * 3 if difference is None else (difference.value, difference.low, difference.high)
            rows[name] = (error.value, error.low, error.high, errors["bias"].value, *ends)
        columns = ["wape", "low", "high", "bias", "difference", "difference_low", "difference_high"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def evaluate_demand(
    y: ArrayLike,
    forecasts: Mapping[str, ArrayLike],
    *,
    model: str,
    items: ArrayLike | None = None,
    quantiles: ArrayLike | None = None,
    levels: ArrayLike | None = None,
    is_censored: ArrayLike | None = None,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> DemandEvaluation:
    """Return errors of several forecasts of the same demand, paired, each with an interval by redrawing items.

    Parameters
    ----------
    y
        Demand of each item and week, shape (n_rows,).
    forecasts
        By name, shape (n_rows,) each: the medians of the model and its baselines.
    model
        Name of the model among them.
    items
        Item of each row; by default every row is a draw of its own.
    quantiles, levels
        The model's, shapes (n_rows, n_levels) and (n_levels,).
    is_censored
        Weeks that were sold out, bool (n_rows,): sales are the least that demand was, so that they are left out.
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> forecasts = {"network": [9.0, 21.0, 4.0], "last week": [12.0, 30.0, 9.0]}
    >>> found = evaluate_demand([10.0, 20.0, 5.0], forecasts, model="network", is_censored=[False, False, True])
    >>> found.to_frame()[["wape", "bias", "difference"]].round(3)
                wape  bias  difference
    network    0.067   0.0         NaN
    last week  0.400   0.4      -0.333
    >>> found.notes
    ('2 weeks of items.', 'Sold out, therefore left out: 1 more.')
    """
    demand = as_demand(y)
    if model not in forecasts:
        raise ValueError(f"model must be one of {', '.join(map(repr, forecasts))}, got {model!r}.")
    if (quantiles is None) != (levels is None):
        raise ValueError("quantiles and levels must be given together.")
    kept = _kept(is_censored, len(demand))
    tables = {name: as_forecast(values, demand.shape, name=name)[kept] for name, values in forecasts.items()}
    known, groups = demand[kept], None if items is None else np.asarray(items)[kept]
    draws: dict[str, Any] = {"items": groups, "n_resamples": n_resamples, "random_state": random_state}
    errors = {
        name: {"wape": wape(known, values, **draws), "bias": demand_bias(known, values, **draws)}
        for name, values in tables.items()
    }
    others = {name: values for name, values in tables.items() if name != model}
    for name, values in others.items():
        errors[model][f"relative to {name}"] = relative_error(known, tables[model], values, **draws)
    loss, coverage = None, tuple[Estimate, ...]()
    if quantiles is not None and levels is not None:
        shares = as_levels(levels)
        asked = as_forecast(quantiles, (len(demand), len(shares)), name="quantiles")[kept]
        loss = weighted_quantile_loss(known, asked, levels=shares, **draws)
        coverage = quantile_coverage(known, asked, levels=shares, items=groups)
    return DemandEvaluation(
        model=model,
        errors=errors,
        differences={name: wape_difference(known, tables[model], values, **draws) for name, values in others.items()},
        quantile_loss=loss,
        coverage=coverage,
        notes=_notes(kept, groups),
    )


def _kept(is_censored: ArrayLike | None, n_rows: int) -> np.ndarray:
    if is_censored is None:
        return np.ones(n_rows, dtype=bool)
    censored = np.asarray(is_censored, dtype=bool)
    if censored.shape != (n_rows,):
        raise ValueError(f"is_censored must have shape ({n_rows},), one entry per row of y, got {censored.shape}.")
    if censored.all():
        raise ValueError("is_censored must leave at least one week that was not sold out, got none.")
    return ~censored


def _notes(kept: np.ndarray, items: np.ndarray | None) -> tuple[str, ...]:
    of = "" if items is None else f" {len(np.unique(items)):,}"
    notes = [f"{int(kept.sum()):,} weeks of{of} items."]
    if not kept.all():
        notes.append(f"Sold out, therefore left out: {int((~kept).sum()):,} more.")
    return tuple(notes)
