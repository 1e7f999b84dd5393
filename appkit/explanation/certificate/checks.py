"""The checks an explanation goes through: what each asks, what came out, and whether it is enough."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from appkit.explanation.certificate.agreement import mean_over_rows, rank_agreement, top_kept, top_shares
from appkit.explanation.certificate.evidence import Evidence, Range
from appkit.explanation.certificate.verdict import Verdict
from appkit.prediction import Estimate

__all__ = ["CHECK_LIMITS", "Check", "Outcome", "decide", "order_of_places", "run_checks"]

Outcome = Literal["ok", "warn", "bad", "info"]

CHECK_LIMITS: Mapping[str, Range] = MappingProxyType(
    {
        "Additivity gap": (None, 1e-5),
        "Sampling error": (None, 0.25),
        "Second seed": (0.8, None),
        "Local fit": (0.1, None),  # the spread of background rows counts as unexplained: 1 is out of reach
        "Effective samples": (4.0, None),
        "Deletion": (1.5, None),
        "Insertion": (1.5, None),
        "Random weights": (None, 0.5),
    }
)
"""What each check must meet unless the caller says otherwise; what is not named here is information."""


@dataclass(frozen=True)
class Check:
    """One check of a certificate.

    Parameters
    ----------
    name, question
        The check, and what it asks in plain words.
    words
        What came out, with its numbers.
    verdict
        ``"ok"``: the interval lies inside the limit; ``"bad"``: outside; ``"warn"``: across it, not settled;
        ``"info"``: held against nothing.
    measured
        The number with its interval, where it is one.
    limit
        Smallest and largest accepted value.
    """

    name: str
    question: str
    words: str
    verdict: Outcome
    measured: Estimate | None = None
    limit: Range | None = None


def decide(measured: Estimate, limit: Range | None) -> Outcome:
    """Decide by the interval: wholly inside the limit, wholly outside, or across.

    Examples
    --------
    >>> decide(Estimate("Second seed", 0.9, 0.85, 0.95, method="Wald", n=30), (0.8, None))
    'ok'
    """
    if limit is None:
        return "info"
    low = -np.inf if limit[0] is None else limit[0]
    high = np.inf if limit[1] is None else limit[1]
    if low <= measured.low and measured.high <= high:
        return "ok"
    return "bad" if measured.high < low or measured.low > high else "warn"


def run_checks(evidence: Evidence) -> tuple[Check, ...]:
    """Return every check that applies to this method and these data."""
    found = (
        _additivity(evidence),
        _sampling(evidence),
        _second_seed(evidence),
        _local_fit(evidence),
        _effective_samples(evidence),
        _deletion(evidence),
        _insertion(evidence),
        _agreement(evidence),
        _random_weights(evidence),
        _pointing(evidence),
        _pointing_of_random_weights(evidence),
    )
    return tuple(check for check in found if check is not None)


def order_of_places(overall: Verdict | None) -> Check:
    """Return the verdict over all rows as one more check."""
    question = "Are neighbours over all rows two standard errors apart, and in the same order by a second seed?"
    if overall is None:
        return Check(
            "Order of places",
            question,
            "rows have players of their own: no order over all rows",
            "info",
        )
    outcomes: Mapping[str, Outcome] = {
        "reliable": "ok",
        "reliable up to rank k": "warn",
        "not reliable": "bad",
        "nothing to rank": "info",
    }
    return Check("Order of places", question, str(overall), outcomes[overall.status])


def _held(evidence: Evidence, measured: Estimate, question: str, words: str) -> Check:
    """Return a check of the measured quantity, held against the limit of its name."""
    limit = evidence.limits.get(measured.name)
    return Check(measured.name, question, words, decide(measured, limit), measured, limit)


def _additivity(evidence: Evidence) -> Check | None:
    if not evidence.explanation.is_additive:
        return None
    gaps = evidence.gaps
    question = "Do the values add up to what the model says? Largest gap of a row, relative to its output"
    return _held(evidence, _exact("Additivity gap", gaps.max(), n=len(gaps)), question, f"{gaps.max():.1g}")


def _sampling(evidence: Evidence) -> Check | None:
    errors = evidence.relative_errors
    if np.isnan(errors).any():
        return None
    measured = mean_over_rows("Sampling error", errors, bounds=(0.0, np.inf))
    highest = evidence.limits["Sampling error"][1]
    within = "" if highest is None else f"; {np.mean(errors <= highest):.0%} of rows within {highest:g}"
    question = "How large are the standard errors of a row beside its values? Ratio of norms, mean over rows"
    return _held(evidence, measured, question, f"{measured.value:.2g}{within}")


def _second_seed(evidence: Evidence) -> Check:
    """Return the share kept; for methods that draw nothing a word to that effect."""
    first, second, output = evidence.explanation, evidence.second, evidence.output
    question = "Which share of each row's top five does a second seed keep?"
    if first.random_state is None:
        return Check("Second seed", question, "nothing was drawn: every seed gives the same values", "ok")
    shares = top_shares(first, second, output=output)
    measured = top_kept(first, second, output=output)
    jaccard = float(np.mean(shares / (2 - shares)))
    words = f"{measured.value:.0%} (Jaccard {jaccard:.2f}); the whole top five in {np.mean(shares == 1):.0%} of rows"
    return _held(evidence, measured, question, words)


def _local_fit(evidence: Evidence) -> Check | None:
    fits = evidence.explanation.local_fit[:, evidence.output]
    if np.isnan(fits).any():
        return None
    measured = mean_over_rows("Local fit", fits, bounds=(-np.inf, 1.0))
    question = "How much of what the model says near a row does the surrogate explain? Weighted R2, mean over rows"
    return _held(evidence, measured, question, f"{measured.value:.2f}, lowest {fits.min():.2f}")


def _effective_samples(evidence: Evidence) -> Check | None:
    n_effective = evidence.explanation.n_effective
    if np.isnan(n_effective):
        return None
    # where rows have players of their own the explanation keeps the fewest samples: held against the fewest players
    per_player = n_effective / evidence.n_own.min()
    question = "How many perturbations stand behind each weight, once the kernel has discounted the far ones?"
    words = f"{per_player:.3g} a player, {n_effective:.0f} in all (Kish)"
    return _held(evidence, _exact("Effective samples", per_player, n=len(evidence.values)), question, words)


def _deletion(evidence: Evidence) -> Check | None:
    test = evidence.removal
    if test is None:
        return None
    question = "Does removing what ranks first move the output more than removing at random?"
    return _removal(evidence, "Deletion", question, ratio=test.deletion_ratio, area=test.deletion_area)


def _insertion(evidence: Evidence) -> Check | None:
    test = evidence.removal
    if test is None:
        return None
    question = "Does adding what ranks first move the background more than adding at random?"
    return _removal(evidence, "Insertion", question, ratio=test.insertion_ratio, area=test.insertion_area)


def _removal(evidence: Evidence, name: str, question: str, *, ratio: Estimate | None, area: Estimate) -> Check:
    assert evidence.removal is not None
    if ratio is None:
        return Check(name, question, "random orders move nothing", "warn", limit=evidence.limits[name])
    told = "better than random" if ratio.low > 1 else "worse than random" if ratio.high < 1 else "not told from random"
    words = f"{ratio.value:.2g} times as far, {told}; area {area.value:.2g}, {evidence.removal.random_area.value:.2g}"
    return _held(evidence, ratio, question, f"{words} at random")


def _agreement(evidence: Evidence) -> Check | None:
    """Return how alike both methods order players.

    Information unless a limit was given, for the two answer different questions; orders that run against each other
    are worth a look all the same.
    """
    if evidence.lime is None:
        return None
    measured = rank_agreement(evidence.explanation, evidence.lime, output=evidence.output)
    if np.isnan(measured.value):
        return None
    shared = float(np.mean(top_shares(evidence.explanation, evidence.lime, output=evidence.output)))
    question = "How alike do Shapley values and LIME order the players of a row? Rank correlation, mean over rows"
    words = f"{measured.value:.2f}; they share {shared:.0%} of the top five"
    if measured.name not in evidence.limits and measured.high < 0:
        return Check(measured.name, question, f"{words}: they contradict each other", "warn", measured)
    return _held(evidence, measured, question, words)


def _random_weights(evidence: Evidence) -> Check | None:
    test = evidence.randomisation
    if test is None:
        return None
    question = "Does the explanation change when the weights are drawn anew? Rank correlation with what it was"
    words = f"{test.similarity.value:.2f} over {test.n_copies} networks with random weights"
    check = _held(evidence, test.similarity, question, words)
    if check.verdict == "bad" and evidence.explanation.is_additive:
        words = f"{words}: the images, not the training, put the same players first"
        return replace(check, words=words, verdict="warn")
    return check


def _pointing(evidence: Evidence) -> Check | None:
    pointing = evidence.pointing
    if pointing is None:
        return None
    question = "Does the strongest player lie where the truth is known to be, more often than by chance?"
    words = f"{pointing.accuracy.value:.0%} of {len(pointing.hits)} rows, chance is {pointing.chance:.0%}"
    if not pointing.can_beat_chance and pointing.hits.any():
        words = f"{words}: too few rows to tell"
    verdict: Outcome = "ok" if pointing.beats_chance else "warn" if words.endswith("tell") else "bad"
    return Check("Pointing", question, words, verdict, pointing.accuracy, (pointing.chance, None))


def _pointing_of_random_weights(evidence: Evidence) -> Check | None:
    test = evidence.randomisation
    if test is None or test.pointing is None:
        return None
    question = "Does pointing fall to chance when the weights are drawn anew?"
    words = f"{test.pointing.value:.0%}, chance is {test.chance:.0%}"
    limit = (None, test.chance)
    if test.pointing.low <= test.chance:
        return Check("Pointing, random weights", question, words, "ok", test.pointing, limit)
    words = f"{words}: the images give the place away, so pointing says little about the network"
    return Check("Pointing, random weights", question, words, "warn", test.pointing, limit)


def _exact(name: str, value: float, *, n: int) -> Estimate:
    return Estimate(name, float(value), float(value), float(value), method="exact", n=n)
