"""Everything a caller asked of a report, as given."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from numpy.typing import ArrayLike

from appkit.model.costs import Costs
from appkit.reporting.content.changing import Changeable
from appkit.reporting.content.image_subject import Showing
from appkit.reporting.facts import Counterfactual, Limit

__all__ = ["ReportRequest"]

_SETTINGS = ("costs", "threshold", "limits", "changeable", "n_explained", "show_images", "prevalence")
_DATA = (
    "sample_weight",
    "groups",
    "background",
    "reference",
    "validation",
    "subgroups",
    "study",
    "protected",
    "dates",
    "incumbent_score",
    "challengers",
    "case",
)


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportRequest:
    """Arguments of :func:`~appkit.reporting.report`; see there."""

    X: Any
    y: ArrayLike
    sample_weight: ArrayLike | None
    groups: ArrayLike | None
    purpose: str | None
    title: str | None
    data_name: str | None
    report_date: datetime.date | None
    limits: Mapping[str, Limit | tuple[float | None, float | None]] | None
    costs: Costs | None
    threshold: float | None
    background: Any
    reference: Any
    protected: pd.DataFrame | Sequence[str] | None
    dates: ArrayLike | None
    incumbent_score: ArrayLike | None
    challengers: Mapping[str, Any] | Literal["auto"] | None
    case: Any
    changeable: Changeable | None
    counterfactual: Counterfactual | None
    n_explained: int
    random_state: int
    validation: Any = None
    subgroups: pd.DataFrame | Sequence[str] | None = None
    show_images: Showing = False
    prevalence: float | None = None
    study: Any = None

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments that print as they are; what is off is left out."""
        return {name: getattr(self, name) for name in _SETTINGS} | {"show_images": self.show_images or None}

    @property
    def data(self) -> dict[str, Any]:
        """Arguments too large to print, which stand by their names."""
        return {name: getattr(self, name) for name in _DATA}
