"""Which recommenders are tried, by what the data offer, and what came of each: by what users took next."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from appkit.data.interactions import Interactions
from appkit.model.recommenders.advice import Histories, blended_lists
from appkit.model.recommenders.families import FAMILIES, FitContext
from appkit.model.recommenders.gain import advice_gain, cumulative_gain, judged_users
from appkit.model.recommenders.scorer import ItemScorer
from appkit.model.recommenders.two_tower import TwoTowerScorer

__all__ = [
    "Candidate",
    "Trial",
    "blends_of",
    "candidates_for",
    "candidates_of",
    "fit_candidate",
    "try_candidates",
]

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
        if self.family == "blend":
            parts = [(Candidate(family, own).label, weight) for family, own, weight in self.settings["parts"]]
            return "blend of " + " and ".join(f"{weight:.0%} ({label})" for label, weight in parts)
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
        As fitted on the rest; ``None`` of a blend, which is of two others.
    """

    candidate: Candidate
    gains: np.ndarray
    seconds: float
    scorer: ItemScorer | None = None

    @property
    def gain(self) -> float:
        """Mean gain."""
        return float(self.gains.mean())

    @property
    def standard_error(self) -> float:
        """Of the mean gain over users; NaN of one user."""
        return float(self.gains.std(ddof=1) / np.sqrt(len(self.gains))) if len(self.gains) > 1 else float("nan")


def candidates_for(
    data: Interactions, *, is_ordered: bool, filter_seen: bool, has_features: bool
) -> tuple[Candidate, ...]:
    """Return what ``model="auto"`` tries on these data, the cheapest first.

    Parameters
    ----------
    data
        All events.
    is_ordered
        Whether models are chosen by what came next, so that the order of a history may tell something.
    filter_seen
        Whether items of the history are no advice; where they are, linear models weigh buying again.
    has_features
        Whether users or items have features.
    """
    again = {} if filter_seen else {"rebuy": _REBUY}
    tried = [Candidate("popularity")]
    if data.time is not None:
        tried.append(Candidate("recency"))
    tried.append(Candidate("item-knn", again))
    if data.n_items > _DENSE_ITEMS:
        tried += [Candidate("graph-filter", again), Candidate("als")]
    else:
        penalties = (50.0, 200.0, 400.0, 800.0) if data.n_items <= _FEW_ITEMS else (100.0, 400.0)
        tried += [Candidate("ease", {"penalty": penalty} | again) for penalty in penalties]
        tried += [
            Candidate("als", {"n_factors": width}) for width in ((32, 128) if data.n_items <= _FEW_ITEMS else (128,))
        ]
    if is_ordered:
        tried += [Candidate("transition")] if data.n_items <= _DENSE_ITEMS else []
        tried.append(Candidate("sequential"))
    return (*tried, Candidate("two-tower")) if has_features else tuple(tried)


_DENSE_ITEMS = 15_000  # a dense matrix of items by items and its inverse fit in 4 GB
_FEW_ITEMS = 5_000  # models take seconds, so that several settings are tried
_REBUY = 1.0


def candidates_of(family: str, settings: Mapping[str, Any] | None) -> tuple[Candidate, ...]:
    """Return a named family with the settings given, or its usual ones."""
    return (Candidate(family, {} if settings is None else dict(settings)),)


def blends_of(
    trials: Sequence[Trial],
    fitted: Interactions,
    judged: Interactions,
    *,
    context: FitContext,
    filter_seen: bool,
    k: int = 10,
) -> Iterator[Trial]:
    """Yield trials of the two best families together, by several weights; nothing is fitted again."""
    best = sorted((trial for trial in trials if trial.scorer is not None), key=lambda trial: -trial.gain)
    first = best[0]
    second = next((trial for trial in best if trial.candidate.family != first.candidate.family), None)
    if second is None:
        return
    assert first.scorer is not None
    assert second.scorer is not None
    start = time.perf_counter()
    users, taken = judged_users(fitted, judged, filter_seen=filter_seen)
    lists = blended_lists(
        (first.scorer, second.scorer),
        _BLEND_WEIGHTS,
        Histories.of(fitted),
        users,
        k=k,
        filter_seen=filter_seen,
        device=context.device,
    )
    seconds = (time.perf_counter() - start) / len(_BLEND_WEIGHTS)
    for items, weight in zip(lists, _BLEND_WEIGHTS, strict=True):
        parts = tuple(
            (trial.candidate.family, dict(trial.candidate.settings), share)
            for trial, share in ((first, 1 - weight), (second, weight))
        )
        yield Trial(Candidate("blend", {"parts": parts}), cumulative_gain(items, taken), seconds)


_BLEND_WEIGHTS = (0.1, 0.25, 0.5, 0.75, 0.9)  # of the second


def try_candidates(
    candidates: Sequence[Candidate],
    fitted: Interactions,
    judged: Interactions,
    *,
    context: FitContext,
    filter_seen: bool,
    k: int = 10,
) -> Iterator[Trial]:
    """Yield a trial of each candidate while there is time; the first is always tried.

    A network has half of the time that is left, since what is chosen is fitted once more on all events.
    """
    for place, candidate in enumerate(candidates):
        if place and context.seconds_left is not None and context.seconds_left < 1:
            return
        start = time.perf_counter()
        deadline = context.half_time if candidate.stops_early else context.deadline
        scorer, found = fit_candidate(candidate, fitted, context=replace(context, held_out=judged, deadline=deadline))
        features = context.user_features if isinstance(scorer, TwoTowerScorer) else None
        gains = advice_gain(
            scorer, fitted, judged, k=k, filter_seen=filter_seen, device=context.device, features=features
        )
        yield Trial(found, gains, time.perf_counter() - start, scorer)


def fit_candidate(candidate: Candidate, data: Interactions, *, context: FitContext) -> tuple[ItemScorer, Candidate]:
    """Return the fitted scorer, and the candidate with the settings that a fit on more events needs."""
    scorer, found = FAMILIES[candidate.family](data, dict(candidate.settings), context)
    return scorer.eval(), Candidate(candidate.family, found)


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
