"""What remains wrong where a reader takes over the images the model is least sure of."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logit

from appkit.prediction import Estimate, bootstrap
from appkit.prediction.cluster_bootstrap import expanded_level
from appkit.prediction.inputs import as_values
from appkit.prediction.intervals import exact_share
from appkit.prediction.resampling import interval_of_resamples, undefined_estimate
from domains.medical.prediction.kept_rows import KeptRows
from domains.medical.prediction.scored_rows import ScoredRows, scored_rows, validation_rows

__all__ = [
    "ReferralCurve",
    "ReferralOutcome",
    "ReferralRule",
    "distance_uncertainty",
    "referral_curve",
    "referral_outcome",
    "referral_threshold",
]

_EDGE = 1e-9  # probabilities are held this far from 0 and 1, where log-odds end
_SHARES = tuple(round(0.05 * step, 2) for step in range(19))


@dataclass(frozen=True, eq=False)
class ReferralCurve:
    """How right the model is on the images it keeps, by the share it refers.

    Parameters
    ----------
    share_referred
        Shares handed to a reader, the least certain images first, float64 ``(n_points,)``.
    accuracy, sensitivity, specificity, error
        Among the images kept, one per share.
    area
        Error among the images kept, averaged over all shares (the area under the risk-coverage curve of Geifman and
        El-Yaniv, 2017): 0 is perfect, and a model whose uncertainty says nothing has the error itself.
    """

    share_referred: np.ndarray
    accuracy: tuple[Estimate, ...]
    sensitivity: tuple[Estimate, ...]
    specificity: tuple[Estimate, ...]
    error: tuple[Estimate, ...]
    area: Estimate


@dataclass(frozen=True)
class ReferralRule:
    """When an image goes to a reader, settled on validation images.

    Parameters
    ----------
    cutoff
        Images of a greater uncertainty are referred; minus infinity refers all.
    threshold
        Probability from which an image that is kept is flagged.
    wanted_error
        Largest share of wrong decisions wanted among the images kept.
    share_referred, error
        On the validation images; chosen there, the error is met by construction.
    confidence
        With which the error is met in the population too; ``None`` where nothing is promised.
    """

    cutoff: float
    threshold: float
    wanted_error: float
    share_referred: float
    error: Estimate
    confidence: float | None = None

    def refers(self, p: ArrayLike, *, uncertainty: ArrayLike | None = None) -> np.ndarray:
        """Return which images go to a reader, bool ``(n_rows,)``; ``uncertainty`` as the rule was chosen with."""
        output = np.asarray(p, dtype=np.float64)
        return _uncertainty(output, self.threshold, uncertainty) > self.cutoff


@dataclass(frozen=True)
class ReferralOutcome:
    """What a rule did on images that had no part in choosing it.

    Parameters
    ----------
    referred
        Share of images handed to a reader.
    error, sensitivity, specificity
        Among the images kept.
    """

    referred: Estimate
    error: Estimate
    sensitivity: Estimate
    specificity: Estimate


def distance_uncertainty(p: ArrayLike, *, threshold: float) -> np.ndarray:
    """Return how near each probability lies to the threshold, in log-odds: 0 there, and negative away from it.

    At a threshold of 0.5 it orders images as ``|p - 0.5|`` does. Elsewhere plain distance would refer every certain
    negative before the first doubtful positive: at 0.1 no negative is farther than 0.1.

    Examples
    --------
    >>> distance_uncertainty([0.5, 0.9, 0.1], threshold=0.5).round(2)
    array([-0. , -2.2, -2.2])
    """
    if not 0 < threshold < 1:
        raise ValueError(
            f"threshold must be a probability strictly between 0 and 1 to tell a distance from, got {threshold!r}. "
            "Give the uncertainty of each image instead."
        )
    scores = logit(np.clip(np.asarray(p, dtype=np.float64), _EDGE, 1 - _EDGE))
    return np.asarray(-np.abs(scores - logit(threshold)))


def referral_curve(
    y: ArrayLike,
    p: ArrayLike,
    *,
    threshold: float,
    uncertainty: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    shares: ArrayLike = _SHARES,
    n_resamples: int = 1000,
    random_state: int | None = 0,
) -> ReferralCurve:
    """Return how right a model is on the images it keeps, as more of the uncertain ones go to a reader.

    Intervals come from redrawing patients (images, where these are independent), whose order by uncertainty is redrawn
    with them. Images of one uncertainty are referred together, each in part.

    Parameters
    ----------
    y, p
        Events, and their probabilities, shape (n_rows,).
    threshold
        Probability from which an image is flagged.
    uncertainty
        Any number that grows with doubt (spread of an ensemble, entropy), shape (n_rows,); by default nearness to the
        threshold (:func:`distance_uncertainty`).
    groups
        Patient of each image, shape (n_rows,).
    shares
        Shares referred, each at least 0 and below 1.
    n_resamples, random_state
        Of the bootstrap.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=500)
    >>> curve = referral_curve(rng.random(500) < p, p, threshold=0.5, shares=[0, 0.5])
    >>> print(*curve.error, sep="; ")
    Error 0.236 (0.200 to 0.272); Error 0.116 (0.080 to 0.164)
    >>> print(curve.area)
    Area under the error curve 0.122 (0.092 to 0.156)
    """
    rows = scored_rows(y, p, groups=groups, probabilities=True)
    kept_shares = 1 - _checked_shares(shares)
    right = (rows.p >= threshold) == rows.y
    doubt = _uncertainty(rows.p, threshold, uncertainty)
    kept = KeptRows.of(rows.y, right, doubt, groups=rows.groups)

    def statistic(counts: np.ndarray) -> np.ndarray:
        return kept.figures(counts, kept_shares)

    drawn = bootstrap(statistic, kept.n_units, n_resamples=n_resamples, random_state=random_state)
    values = statistic(np.ones((1, kept.n_units)))[0]
    word = "images" if rows.groups is None else "patients"
    method = f"bootstrap, {n_resamples} resamples of {kept.n_units} {word}"

    def figure(name: str, place: int, certain: Estimate) -> Estimate:
        named = replace(certain, name=name, value=float(values[place]))
        return _estimate(named, drawn[:, place], n_units=kept.n_units, method=method)

    certain = [_figures_of_kept(rows, right, _most_certain(doubt, share)) for share in kept_shares]
    n_shares = len(kept_shares)
    names = ("Accuracy", "Sensitivity", "Specificity")
    accuracy, sensitivity, specificity = (
        tuple(figure(name, row * n_shares + place, certain[place][row]) for place in range(n_shares))
        for row, name in enumerate(names)
    )
    error = tuple(_one_minus("Error", share) for share in accuracy)
    whole = _one_minus("Error", exact_share("Accuracy", right, groups=rows.groups))
    area = figure("Area under the error curve", -1, replace(whole, low=0.0))
    return ReferralCurve(1 - kept_shares, accuracy, sensitivity, specificity, error, area)


def referral_threshold(
    y_val: ArrayLike,
    p_val: ArrayLike,
    *,
    threshold: float,
    wanted_error: float,
    uncertainty: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    confidence: float | None = None,
) -> ReferralRule:
    """Choose, on validation images, which to refer so that the decisions kept are wrong no more often than wanted.

    Parameters
    ----------
    y_val, p_val
        Events and probabilities of images that neither trained nor test the model, shape (n_rows,).
    threshold
        Probability from which an image is flagged.
    wanted_error
        Largest share of wrong decisions among the images kept, strictly between 0 and 1.
    uncertainty, groups
        As in :func:`referral_curve`.
    confidence
        Without it the most images are kept that err no more often than wanted on the validation images; new ones err
        somewhat more often, as the best of many cut-offs is best partly by chance. With it new images, too, err no more
        often than wanted with this probability (Geifman and El-Yaniv, 2017), and fewer are kept.

    Returns
    -------
    ReferralRule
        One that refers every image where no cut-off will do.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=800)
    >>> rule = referral_threshold(rng.random(800) < p, p, threshold=0.5, wanted_error=0.1)
    >>> round(rule.share_referred, 2), bool(rule.error.value <= 0.1)
    (0.72, True)
    >>> rule.refers([0.05, 0.45, 0.97])
    array([False,  True, False])
    """
    if not 0 < wanted_error < 1:
        raise ValueError(f"wanted_error must be a share strictly between 0 and 1, got {wanted_error!r}.")
    if confidence is not None and not 0 < confidence < 1:
        raise ValueError(f"confidence must be a probability strictly between 0 and 1, got {confidence!r}.")
    rows = validation_rows(y_val, p_val, groups=groups, probabilities=True)
    wrong = (rows.p >= threshold) != rows.y
    doubt = _uncertainty(rows.p, threshold, uncertainty)
    if confidence is None:
        cutoff = _cutoff_observed(wrong, doubt, wanted_error)
    else:
        cutoff = _cutoff_promised(rows, wrong, doubt, wanted_error=wanted_error, confidence=confidence)
    kept = doubt <= cutoff
    error = exact_share("Error", wrong[kept], groups=rows.patients(kept))
    return ReferralRule(cutoff, threshold, wanted_error, float(1 - kept.mean()), error, confidence)


def referral_outcome(
    rule: ReferralRule,
    y: ArrayLike,
    p: ArrayLike,
    *,
    uncertainty: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> ReferralOutcome:
    """Measure a rule on images that had no part in choosing it; arguments as in :func:`referral_curve`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(size=1600)
    >>> y = rng.random(1600) < p
    >>> rule = referral_threshold(y[:800], p[:800], threshold=0.5, wanted_error=0.1)
    >>> print(referral_outcome(rule, y[800:], p[800:]).error)
    Error 0.084 (0.054 to 0.123)
    """
    rows = scored_rows(y, p, groups=groups, probabilities=True)
    referred = rule.refers(rows.p, uncertainty=uncertainty)
    accuracy, sensitivity, specificity = _figures_of_kept(rows, (rows.p >= rule.threshold) == rows.y, ~referred)
    share = exact_share("Referred", referred, groups=rows.groups)
    return ReferralOutcome(share, _one_minus("Error", accuracy), sensitivity, specificity)


def _cutoff_observed(wrong: np.ndarray, doubt: np.ndarray, wanted_error: float) -> float:
    levels, rank = np.unique(doubt, return_inverse=True)
    n_wrong, n_kept = np.cumsum(np.bincount(rank, weights=wrong)), np.cumsum(np.bincount(rank))
    meets = np.flatnonzero(n_wrong <= wanted_error * n_kept)
    return float(levels[meets[-1]]) if len(meets) else -math.inf


def _cutoff_promised(
    rows: ScoredRows, wrong: np.ndarray, doubt: np.ndarray, *, wanted_error: float, confidence: float
) -> float:
    """Search the cut-off by halves, each step at a bound that allows for all steps; patients are whole trials."""
    levels = np.unique(doubt)
    n_steps = math.ceil(math.log2(len(levels) + 1))
    level = 1 - 2 * (1 - confidence) / n_steps  # two-sided: only its upper end is used
    fewest, most = 0, len(levels)
    while fewest < most:
        middle = (fewest + most + 1) // 2
        kept = doubt <= levels[middle - 1]
        bound = exact_share("Error", wrong[kept], groups=rows.patients(kept), level=level).high
        fewest, most = (middle, most) if bound <= wanted_error else (fewest, middle - 1)
    return float(levels[fewest - 1]) if fewest else -math.inf


def _uncertainty(p: np.ndarray, threshold: float, given: ArrayLike | None) -> np.ndarray:
    if given is None:
        return distance_uncertainty(p, threshold=threshold)
    return as_values(given, len(p), name="uncertainty")


def _checked_shares(shares: ArrayLike) -> np.ndarray:
    wanted = np.asarray(shares, dtype=np.float64)
    if wanted.ndim != 1 or not len(wanted) or not ((wanted >= 0) & (wanted < 1)).all():
        raise ValueError(f"shares must be a list of shares referred, each at least 0 and below 1, got {shares!r}.")
    return wanted


def _most_certain(doubt: np.ndarray, share: float) -> np.ndarray:
    """Return which rows are the ``share`` of least doubt, at least one, bool ``(n_rows,)``."""
    kept = np.zeros(len(doubt), dtype=bool)
    kept[np.argsort(doubt, kind="stable")[: max(1, round(share * len(doubt)))]] = True
    return kept


def _figures_of_kept(rows: ScoredRows, right: np.ndarray, kept: np.ndarray) -> tuple[Estimate, Estimate, Estimate]:
    """Return accuracy, sensitivity and specificity of the rows kept, as if these had been fixed beforehand."""

    def share(name: str, among: np.ndarray) -> Estimate:
        return exact_share(name, right[among], groups=rows.patients(among))

    return share("Accuracy", kept), share("Sensitivity", kept & rows.y), share("Specificity", kept & ~rows.y)


def _estimate(certain: Estimate, resamples: np.ndarray, *, n_units: int, method: str) -> Estimate:
    """Return the interval of the resamples; where none differs from another, that of ``certain``, which is exact."""
    if math.isnan(certain.value):
        return undefined_estimate(certain.name, "no such image is kept", n=certain.n)
    known = resamples[~np.isnan(resamples)]
    if n_units < 2 or not len(known) or np.ptp(known) < 1e-12:
        return certain
    low, high = interval_of_resamples(known, certain.value, level=expanded_level(n_units))
    return replace(certain, low=max(low, 0.0), high=min(high, 1.0), method=method)


def _one_minus(name: str, share: Estimate) -> Estimate:
    return replace(share, name=name, value=1 - share.value, low=1 - share.high, high=1 - share.low)
