"""Which recommenders are tried, by what the data offer, and what came of each: by what users took next."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from appkit.data.interactions import Interactions
from appkit.model.recommenders.families import FAMILIES, FitContext
from appkit.model.recommenders.gain import advice_gain
from appkit.model.recommenders.scorer import ItemScorer

__all__ = ["Candidate", "Trial", "candidates_for", "candidates_of", "fit_candidate", "try_candidates"]

_STOPPING = ("sequential", "two-tower")  # find their number of epochs on events held out


@dataclass(frozen=True)
class Candidate:
    """A family of recommenders with its settings.

    Parameters
    ----------
    family
        Name of the family, as ``model=`` takes it.
    settings
        What distinguishes it from others of the family.

    Examples
    --------
    >>> Candidate("ease", {"penalty": 500.0}).label
    'ease, penalty 500'
    """

    family: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Family and settings in words."""
        words = [f"{name.replace('_', ' ')} {_number(value)}" for name, value in self.settings.items()]
        return ", ".join([self.family, *words])

    @property
    def stops_early(self) -> bool:
        """Whether a fit finds a number of epochs on events held out."""
        return self.family in _STOPPING and "n_epochs" not in self.settings


@dataclass(frozen=True, eq=False)
class Trial:
    """What came of a candidate on events held out.

    Parameters
    ----------
    candidate
        What was tried, with the settings the trial found (epochs, say).
    gains
        Normalised discounted cumulative gain of each judged user, float64 ``(n_judged,)``.
    seconds
        What fitting and judging took, by the clock.
    scorer
        As fitted on the rest.
    """

    candidate: Candidate
    gains: np.ndarray
    seconds: float
    scorer: ItemScorer

    @property
    def gain(self) -> float:
        """Mean gain."""
        return float(self.gains.mean())


def candidates_for(data: Interactions, *, has_features: bool) -> tuple[Candidate, ...]:
    """Return what ``model="auto"`` tries on these data, the cheapest first."""
    tried = [Candidate("popularity")]
    if data.time is not None:
        tried.append(Candidate("recency"))
    tried.append(Candidate("als"))
    return tuple(tried)


def candidates_of(family: str, data: Interactions, settings: Mapping[str, Any] | None) -> tuple[Candidate, ...]:
    """Return what a named family tries: the settings given, or its usual ones."""
    if settings is not None:
        return (Candidate(family, dict(settings)),)
    return (Candidate(family),)


def try_candidates(
    candidates: Sequence[Candidate],
    fitted: Interactions,
    judged: Interactions,
    *,
    context: FitContext,
    filter_seen: bool,
    k: int = 10,
) -> Iterator[Trial]:
    """Yield a trial of each candidate while there is time; the first is always tried."""
    for place, candidate in enumerate(candidates):
        if place and context.seconds_left is not None and context.seconds_left < 1:
            return
        start = time.perf_counter()
        scorer, found = fit_candidate(candidate, fitted, context=replace(context, held_out=judged))
        gains = advice_gain(scorer, fitted, judged, k=k, filter_seen=filter_seen, device=context.device)
        yield Trial(found, gains, time.perf_counter() - start, scorer)


def fit_candidate(candidate: Candidate, data: Interactions, *, context: FitContext) -> tuple[ItemScorer, Candidate]:
    """Return the fitted scorer, and the candidate with the settings that a fit on more events needs."""
    scorer, found = FAMILIES[candidate.family](data, dict(candidate.settings), context)
    return scorer.eval(), Candidate(candidate.family, found)


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
