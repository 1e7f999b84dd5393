"""The merchandiser's dossier on a demand forecaster: later weeks in, report out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from appkit.domain import Domain
from appkit.reporting import DomainSection, Report, ReportContext, report
from appkit.reporting.content.provenance import command_text
from appkit.reporting.facts import Block, Reproduction
from domains.retail.report.stock_figures import uncensored
from domains.retail.report.stock_study import StockStudy, stock_study
from domains.retail.report.stocking import stocking_section

__all__ = ["DEMAND", "demand_report"]

_PRINTED = ("limits", "case", "n_explained")


def demand_report(
    model: Any,
    series: pd.DataFrame,
    *,
    understock: float | None = None,
    overstock: float | None = None,
    **options: Any,
) -> Report:
    """Return the report on a fitted ``DemandForecaster``: what it would have said of later weeks, and what came.

    The general sections are about multiples of an item's usual week, in which the model learns, each forecast weighing
    as much as its usual week holds pieces; "How much to stock" is about pieces.

    Parameters
    ----------
    model
        Fitted forecaster.
    series
        Of ``demand_series``: the weeks after those of the fit, or all of them.
    understock, overstock
        Cost of a piece missing and of a piece left over, for the cost of stock.
    **options
        As in :func:`appkit.report`: ``limits``, ``case`` (``"tea, 2024-07-01, 2 weeks ahead"``), ``data_name``,
        ``purpose``, ``n_explained``, ``random_state``, ...

    Raises
    ------
    SchemaError
        If the series holds no week after those of the fit.
    """
    study = stock_study(model, series, understock=understock, overstock=overstock)
    known = uncensored(study)
    n_ahead = int(known.horizon.max())
    given: dict[str, Any] = {
        "title": f"Demand 1 to {n_ahead} weeks ahead" if n_ahead > 1 else "Demand a week ahead",
        "domain": DEMAND,
        "groups": pd.factorize(known.item, sort=True)[0],
        "sample_weight": known.level,
        "study": study,
    }
    relative = known.demand / known.level
    page = report(model.estimator_, known.X, np.asarray(relative), **given | options)
    own = {"understock": understock, "overstock": overstock}
    return _told_how(page, own | {name: options.get(name) for name in _PRINTED}, seed=options.get("random_state", 0))


def _told_how(page: Report, settings: dict[str, Any], *, seed: int) -> Report:
    """Return the page with the call that makes it: of a series, not of the rows made from it."""
    command = command_text(settings, {}, random_state=seed).replace("appkit.report(", "model.report(", 1)
    command = command.replace("model, X, y,", "later_weeks,", 1)
    sections = tuple(
        replace(section, blocks=tuple(_with_command(block, command) for block in section.blocks))
        for section in page.sections
    )
    return replace(page, sections=sections)


def _with_command(block: Block, command: str) -> Block:
    return replace(block, command=command) if isinstance(block, Reproduction) else block


def _sections(context: ReportContext) -> tuple[DomainSection, ...]:
    assert isinstance(context.study, StockStudy)
    return stocking_section(context, context.study)


DEMAND = Domain(
    name="retail",
    title="Retail",
    estimators={},
    datasets={},
    wording={
        "row": "forecast",
        "rows": "forecasts",
        "case": "forecast",
        "column": "column",
        "columns": "columns",
        "value": "demand",
        "unit": "usual weeks",
        "group": "item",
        "groups": "items",
    },
    report_sections=_sections,
)
"""Words for forecasts, where those of the domain are for customers."""
