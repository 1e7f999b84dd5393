"""Does an explanation change when the network forgets all it has learned."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from appkit.explanation.certificate.agreement import rank_correlations
from appkit.explanation.certificate.pointing import PointingAt, pointing_accuracy
from appkit.explanation.explanation import Explanation
from appkit.explanation.seeds import RandomState, seed_of
from appkit.prediction import Estimate

__all__ = ["RandomisationTest", "randomisation_test", "with_random_weights"]


@dataclass(frozen=True)
class RandomisationTest:
    """How alike the explanations of a network and of copies with random weights are.

    Parameters
    ----------
    similarity
        Mean over rows and copies of Spearman's correlation of absolute values. Its interval counts the spread of rows
        and of copies.
    correlations
        float64 ``(n_copies, n_rows)``; 0 where a copy's explanation is flat.
    pointing
        Share of rows, over all copies, whose strongest player still lies in the mask; ``None`` without masks.
    chance
        What chance reaches; NaN without masks.
    """

    similarity: Estimate
    correlations: np.ndarray
    pointing: Estimate | None = None
    chance: float = float("nan")

    @property
    def n_copies(self) -> int:
        """Networks with random weights that were explained."""
        return len(self.correlations)


def randomisation_test(
    network: nn.Module,
    explain_network: Callable[[nn.Module], Explanation],
    *,
    explanation: Explanation | None = None,
    masks: np.ndarray | None = None,
    distractors: np.ndarray | None = None,
    at: PointingAt = "player",
    n_copies: int = 5,
    output: int = 0,
    random_state: RandomState = None,
) -> RandomisationTest:
    """Explain copies of a network whose weights are drawn anew, and compare with the explanation of the network itself.

    An explanation that stays the same shows the images, not what the network learned from them: an edge detector
    passes for a saliency map until this test. The correlation must fall, and where masks are given pointing must fall
    to chance. Both fall only as far as the images allow. Where a few objects stand out from an empty ground, they move
    the output of any network, and players rank alike under all weights; that is no fault of Shapley values, which add
    up to what each network says, but neither is it evidence of learning. Distractors of equal contrast are what makes
    pointing one.

    Parameters
    ----------
    network
        What was explained; it is copied and not touched.
    explain_network
        Makes the explanation anew from a network of the same kind: same rows, same players, same seed.
    explanation
        That of ``network``; ``None`` asks ``explain_network`` for it.
    masks
        bool ``(n_rows, height, width)``: where the truth is known, see :func:`pointing_accuracy`.
    distractors
        bool, same shape: what stands out as the truth does, and does not matter.
    at
        What points, ``"player"`` or ``"peak"``, as in :func:`pointing_accuracy`.
    n_copies
        Networks with random weights, 2 at least; each costs one explanation.
    output
        Position of the output.
    random_state
        Seed of the weights.

    Raises
    ------
    ValueError
        If ``n_copies`` is below 2, the network has no weights, or ``explain_network`` returns other players or rows.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim (2018), "Sanity checks for saliency maps", NeurIPS: full
    randomisation, with rank correlation of absolute values.
    """
    if n_copies < 2:
        raise ValueError(f"n_copies must be at least 2, for one tells no spread, got {n_copies!r}.")
    own = explain_network(network) if explanation is None else explanation
    seeds = np.random.default_rng(seed_of(random_state)).integers(2**31, size=n_copies)
    others = [_same_players(own, explain_network(with_random_weights(network, random_state=int(s)))) for s in seeds]
    correlations = np.stack([rank_correlations(own, other, output=output) for other in others])
    correlations = np.where(np.isnan(correlations), 0.0, correlations)
    similarity = _mean_of_copies("Random weights", correlations, bounds=(-1.0, 1.0))
    if masks is None:
        return RandomisationTest(similarity, correlations)
    found = [pointing_accuracy(other, masks, distractors=distractors, output=output, at=at) for other in others]
    hits = np.stack([pointing.hits for pointing in found]).astype(np.float64)
    pointing = _mean_of_copies("Pointing, random weights", hits, bounds=(0.0, 1.0))
    return RandomisationTest(similarity, correlations, pointing=pointing, chance=found[0].chance)


def with_random_weights(network: nn.Module, *, random_state: int) -> nn.Module:
    """Return a copy of a network with every weight drawn anew; the network and the global generator stay as they are.

    Layers that know how to begin (``reset_parameters``) begin again, running statistics included; parameters of any
    other layer are shuffled, which keeps their scale.

    Examples
    --------
    >>> network = nn.Linear(2, 1)
    >>> bool((with_random_weights(network, random_state=0).weight == network.weight).any())
    False
    """
    if not any(True for _ in network.parameters()):
        raise ValueError("network must have parameters to draw anew, it has none.")
    other = copy.deepcopy(network)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())), torch.no_grad():
        torch.manual_seed(random_state)
        for part in other.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()
                continue
            for parameter in part.parameters(recurse=False):
                parameter.copy_(_shuffled(parameter))
    return other


def _shuffled(parameter: Tensor) -> Tensor:
    order = torch.randperm(parameter.numel(), device=parameter.device)
    return parameter.flatten()[order].view_as(parameter)


def _same_players(own: Explanation, other: Explanation) -> Explanation:
    if own.values.shape != other.values.shape or own.player_names != other.player_names:
        raise ValueError(
            f"explain_network must explain the same rows by the same players, shape {own.values.shape}, "
            f"got {other.values.shape}. Let segments depend on the images only."
        )
    return other


def _mean_of_copies(name: str, values: np.ndarray, *, bounds: tuple[float, float]) -> Estimate:
    """Return the mean of ``(n_copies, n_rows)`` with an interval for rows and copies drawn anew.

    The variances of the mean over each are added; what is common to both counts twice, on the safe side. Copies are
    few, so the quantile is Student's.
    """
    n_copies, n_rows = values.shape
    variance = values.mean(1).var(ddof=1) / n_copies
    if n_rows > 1:
        variance += values.mean(0).var(ddof=1) / n_rows
    value, half = float(values.mean()), float(stats.t.ppf(0.975, n_copies - 1) * np.sqrt(variance))
    method = f"Student over rows and {n_copies} copies"
    return Estimate(name, value, max(value - half, bounds[0]), min(value + half, bounds[1]), method=method, n=n_rows)
