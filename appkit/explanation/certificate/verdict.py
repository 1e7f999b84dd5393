"""What may be read off a ranking, in a word, a rank and a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from appkit.explanation.certificate.ranking import Ranking

__all__ = ["Verdict", "judge"]

Status = Literal["reliable", "reliable up to rank k", "not reliable", "nothing to rank"]

_NOTHING = 1e-7  # of the output: a float32 network cannot tell such an effect from none


@dataclass(frozen=True)
class Verdict:
    """How far a ranking can be trusted.

    Parameters
    ----------
    status
        ``"reliable"``: every place; ``"reliable up to rank k"``: the first ``rank`` places; ``"not reliable"``: not
        even the first; ``"nothing to rank"``: no player has an effect.
    rank
        Last place that holds.
    n_players
        Players ranked.
    reason
        Why, in words and numbers.

    Examples
    --------
    >>> print(Verdict("reliable up to rank k", 2, 9, "a second seed turns places 3 and 4 around."))
    reliable up to rank 2 of 9: a second seed turns places 3 and 4 around.
    """

    status: Status
    rank: int
    n_players: int
    reason: str

    @property
    def words(self) -> str:
        """The status with its rank filled in."""
        if self.status == "reliable up to rank k":
            return f"reliable up to rank {self.rank} of {self.n_players}"
        return self.status

    def __str__(self) -> str:
        return f"{self.words}: {self.reason}"


def judge(
    ranking: Ranking,
    *,
    names: Sequence[str],
    scale: float,
    is_drawn: bool = True,
    objections: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on a ranking.

    Parameters
    ----------
    ranking
        Of one row, or of all.
    names
        Names of the players, in the order of the explanation.
    scale
        Size of the output: effects below a ten-millionth of it are none.
    is_drawn
        Whether anything was drawn, so that a second seed could give another order.
    objections
        Failed checks that leave no ranking standing whatever its gaps, in words.
    """
    n = len(ranking.order)
    if (ranking.importance + ranking.standard_error).max() <= _NOTHING * scale:
        return Verdict("nothing to rank", 0, n, "no player has an effect on this output.")
    if objections:
        return Verdict("not reliable", 0, n, " ".join(objections))
    if n == 1:
        return Verdict("reliable", 1, n, f"there is one player, {names[0]}.")
    k = ranking.reliable
    if k >= ranking.n_moving:
        return Verdict("reliable", n, n, _why_reliable(ranking, is_drawn=is_drawn))
    if k == 0:
        return Verdict("not reliable", 0, n, _why_open(ranking, 0, names))
    return Verdict("reliable up to rank k", k, n, _why_open(ranking, k, names))


def _why_reliable(ranking: Ranking, *, is_drawn: bool) -> str:
    n_idle = len(ranking.order) - ranking.n_moving
    idle = f" The other {n_idle} have no effect at all." if n_idle > 1 else ""
    survives = " and a second seed gives the same order" if is_drawn else ""
    return f"every gap exceeds two standard errors{survives}.{idle}"


def _why_open(ranking: Ranking, place: int, names: Sequence[str]) -> str:
    """Return why the gap below ``place``, from 0, is not settled."""
    upper, lower = (names[int(ranking.order[i])] for i in (place, place + 1))
    gap, error = float(ranking.gap[place]), float(ranking.gap_error[place])
    size = f"{upper} and {lower} at places {place + 1} and {place + 2} differ by {gap:.2g}, two standard errors"
    if gap > 2 * error:
        return f"{size} are {2 * error:.2g}, but a second seed puts others above this gap."
    return f"{size} are {2 * error:.2g}."
