"""Choose among recommenders by what users took next, on events held out."""

from collections.abc import Sequence
from dataclasses import dataclass

from appkit.data.interactions import Interactions
from appkit.model.recommenders.candidates import Candidate, Trial, blends_of, try_candidates
from appkit.model.recommenders.families import FitContext
from appkit.model.recommenders.gain import judged_users
from appkit.model.recommenders.holdout import HeldOut, hold_out

__all__ = ["Choice", "choose"]


@dataclass(frozen=True, eq=False)
class Choice:
    """What to fit on all events, and why.

    Parameters
    ----------
    candidate
        The best on the events held out, with the settings its trial found.
    trials
        What was tried; none where there was no choice to make.
    split
        How events were held out; ``None`` where nothing was tried.
    """

    candidate: Candidate
    trials: tuple[Trial, ...] = ()
    split: HeldOut | None = None


def choose(
    candidates: Sequence[Candidate], data: Interactions, ways: Sequence[HeldOut], *, context: FitContext
) -> Choice:
    """Return the candidate, or blend of the best two, whose advice met best what users took next.

    Parameters
    ----------
    candidates
        One alone is tried only where it finds its number of epochs by that.
    data
        All events.
    ways
        How to hold events out: the first that leaves a user with a past and something left to find is taken.
    context
        Of the fits.

    Raises
    ------
    ValueError
        If there is a choice to make and no way leaves anybody to judge by.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.data.interactions import read_interactions
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2, 3], "item": ["tea", "cup", "saw", "cup", "tea"]})
    >>> tried = Candidate("popularity"), Candidate("als")
    >>> found = choose(tried, read_interactions(X), ["last"], context=FitContext())
    >>> len(found.trials[0].gains), found.split
    (2, 'last')
    """
    if len(candidates) == 1 and not candidates[0].stops_early:
        return Choice(candidates[0])
    problem = None
    for way in ways:
        try:
            fitted, judged = hold_out(data, way, random_state=context.seed)
        except ValueError as error:
            problem = error
            continue
        users, _ = judged_users(fitted, judged, filter_seen=context.filter_seen)
        if len(users):
            trials = _trials(candidates, fitted, judged, context=context)
            return Choice(max(trials, key=lambda trial: trial.gain).candidate, tuple(trials), way)
    if len(candidates) == 1:  # it knows what to do without events held out
        return Choice(candidates[0])
    raise ValueError(
        f"split={ways[-1]!r} leaves nothing to choose a model by: of {data.n_users:,} users none has a past and then "
        "something left to find. Name a model=, or give users with two items or more."
    ) from problem


def _trials(
    candidates: Sequence[Candidate], fitted: Interactions, judged: Interactions, *, context: FitContext
) -> list[Trial]:
    trials = list(try_candidates(candidates, fitted, judged, context=context, filter_seen=context.filter_seen))
    if len(candidates) > 1:
        trials += blends_of(trials, fitted, judged, context=context, filter_seen=context.filter_seen)
    return trials
