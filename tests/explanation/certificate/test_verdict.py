"""From gaps to a word, a rank and a reason."""

import numpy as np

from appkit.explanation.certificate.ranking import Ranking
from appkit.explanation.certificate.verdict import judge

NAMES = ("age", "debt", "income")


def ranking_of(importance: list[float], error: float, *, survives: tuple[bool, ...] = (True, True)) -> Ranking:
    sizes = np.array(importance)
    gap = -np.diff(sizes)
    errors = np.full(len(sizes), error)
    return Ranking(np.arange(len(sizes)), sizes, errors, gap, np.full(len(gap), error), np.array(survives))


def test_all_gaps_settled_is_reliable():
    verdict = judge(ranking_of([4.0, 2.0, 1.0], 0.1), names=NAMES, scale=1.0)
    assert (verdict.status, verdict.rank) == ("reliable", 3)
    assert verdict.reason == "every gap exceeds two standard errors and a second seed gives the same order."


def test_an_open_gap_ends_the_rank_and_is_told_in_numbers():
    verdict = judge(ranking_of([4.0, 2.0, 1.9], 0.1), names=NAMES, scale=1.0)
    assert str(verdict) == (
        "reliable up to rank 1 of 3: debt and income at places 2 and 3 differ by 0.1, two standard errors are 0.2."
    )


def test_a_clear_gap_that_a_second_seed_crosses_is_told_so():
    verdict = judge(ranking_of([4.0, 2.0, 1.0], 0.1, survives=(False, True)), names=NAMES, scale=1.0)
    assert verdict.status == "not reliable"
    assert verdict.reason.endswith("a second seed puts others above this gap.")


def test_an_objection_leaves_no_place_standing():
    verdict = judge(ranking_of([4.0, 2.0, 1.0], 0.1), names=NAMES, scale=1.0, objections=("It misses the output.",))
    assert (verdict.status, verdict.rank, verdict.reason) == ("not reliable", 0, "It misses the output.")


def test_effects_too_small_for_the_output_are_none_and_noisy_ones_are_not():
    none = judge(ranking_of([1e-8, 0.0, 0.0], 0.0), names=NAMES, scale=1.0)
    noisy = judge(ranking_of([1e-8, 0.0, 0.0], 0.1), names=NAMES, scale=1.0)
    assert (none.status, noisy.status) == ("nothing to rank", "not reliable")
