"""What the sections of a report on a recommender draw on."""

from dataclasses import dataclass
from typing import Any

from appkit.domain import Domain
from appkit.reporting.advice.measured import AdviceMeasured
from appkit.reporting.advice.told import AdviceTold
from appkit.reporting.content.context import Limits
from appkit.reporting.content.phrasing import Words

__all__ = ["AdviceContext"]


@dataclass(frozen=True, kw_only=True)
class AdviceContext:
    """Everything the sections draw on; a domain's ``report_sections(context)`` gets this for a recommender.

    Parameters
    ----------
    model
        The recommender.
    measured
        What its advice was worth, beside baselines.
    told
        Because of which purchases it advises.
    words, limits, domain
        Words of the domain, limits of the caller, and the domain itself.
    k
        Length of a list.
    data_name, purpose, random_state
        As given.
    """

    model: Any
    measured: AdviceMeasured
    told: AdviceTold
    words: Words
    limits: Limits
    domain: Domain | None
    k: int
    data_name: str = ""
    purpose: str = ""
    random_state: int = 0

    @property
    def list_words(self) -> str:
        """What lists hold, in words."""
        seen = "without items already taken" if self.model.filter_seen else "items already taken included"
        return f"lists of {self.k}, {seen}, every item of the catalogue competing"
