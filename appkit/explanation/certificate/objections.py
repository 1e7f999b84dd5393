"""What leaves no ranking standing, however clear its gaps are."""

from collections.abc import Sequence

from appkit.explanation.certificate.checks import Check, decide
from appkit.explanation.certificate.evidence import Evidence
from appkit.explanation.layouts import ImageLayout, WindowLayout

__all__ = ["objections_to_all", "objections_to_row", "shared_objections"]


def shared_objections(evidence: Evidence, checks: Sequence[Check]) -> tuple[str, ...]:
    """Return what speaks against the ranking of every row, in words."""
    by_name = {check.name: check for check in checks}
    found = [_against_order(evidence)]
    if _has_failed(by_name, "Effective samples"):
        found.append(f"Only {by_name['Effective samples'].words} stand behind the weights.")
    # values that add up depend on the weights by construction: if they rank alike under others, it is the images
    if _has_failed(by_name, "Random weights") and not evidence.explanation.is_additive:
        found.append(
            f"Networks with random weights give the same map: rank correlation {by_name['Random weights'].words}."
        )
    if _has_failed(by_name, "Pointing"):
        found.append(
            f"The strongest player lies in the known mask no more often than by chance: {by_name['Pointing'].words}."
        )
    return tuple(words for words in found if words)


def objections_to_all(evidence: Evidence, checks: Sequence[Check]) -> tuple[str, ...]:
    """Return what speaks against the ranking over all rows, in words."""
    by_name = {check.name: check for check in checks}
    found = []
    if _has_failed(by_name, "Additivity gap"):
        found.append(f"Values miss what the model says by up to {by_name['Additivity gap'].words} of it.")
    if _has_failed(by_name, "Local fit"):
        found.append(f"The surrogate explains too little of the model near the rows: R2 {by_name['Local fit'].words}.")
    if evidence.n_own.max() == 1:
        found.extend(_one_player(evidence))
    return (*found, *shared_objections(evidence, checks))


def objections_to_row(evidence: Evidence, row: int) -> tuple[str, ...]:
    """Return what speaks against the ranking of one row, in words."""
    explanation, limits = evidence.explanation, evidence.limits
    found = []
    largest = limits["Additivity gap"][1]
    if explanation.is_additive and largest is not None and evidence.gaps[row] > largest:
        found.append(f"Its values miss what the model says by {evidence.gaps[row]:.1g} of it.")
    least, fit = limits["Local fit"][0], float(explanation.local_fit[row, evidence.output])
    if least is not None and fit < least:
        found.append(f"The surrogate explains too little of the model near this row: R2 {fit:.2f}, limit {least:g}.")
    if evidence.n_own[row] == 1:
        found.extend(_one_player(evidence))
    return tuple(found)


def _against_order(evidence: Evidence) -> str:
    """Return what deletion and insertion together say against the order; empty where nothing.

    Shapley values keep their promise also where all effects are alike, and any order moves the output the same, or
    where interactions defeat one of the two curves. A surrogate or a heuristic promises nothing, so it has to do better
    than random in one of them.
    """
    test = evidence.removal
    if test is None or test.deletion_ratio is None or test.insertion_ratio is None:
        return ""
    ratios = {"Deletion": test.deletion_ratio, "Insertion": test.insertion_ratio}
    moved = " and ".join(f"{name.lower()} {ratio.value:.2g}" for name, ratio in ratios.items())
    words = f"Its order moves the output little, in multiples of random orders: {moved}."
    if all(ratio.high < 1 for ratio in ratios.values()):
        return words
    if evidence.explanation.is_additive or any(ratio.low > 1 for ratio in ratios.values()):
        return ""
    is_poor = all(decide(ratio, evidence.limits[name]) == "bad" for name, ratio in ratios.items())
    return words if is_poor else ""


def _one_player(evidence: Evidence) -> tuple[str, ...]:
    """Return why one player is no explanation; in a table or a history one may be all there is."""
    is_cut_up = isinstance(evidence.explanation.layout, ImageLayout | WindowLayout)
    if is_cut_up or evidence.explanation.method.startswith("lime"):
        return ("One player holds everything, so nothing is told apart: cut it into more segments.",)
    return ()


def _has_failed(by_name: dict[str, Check], name: str) -> bool:
    return name in by_name and by_name[name].verdict == "bad"
