"""What a figure about lists is about, in sentences."""

import numpy as np

from appkit.prediction.ranking.lists import Pairs, RankedLists

__all__ = ["notes_on"]


def notes_on(
    places: np.ndarray,
    lists: RankedLists,
    relevant: Pairs,
    *,
    had: Pairs | None,
    seen: str,
    n_dropped: int,
    label: str,
) -> tuple[str, ...]:
    """Return who was measured, who was left out, and what became of items had before.

    Parameters
    ----------
    places
        List of each user with relevant items, int64 ``(n_users, k)``, -1 for none.
    lists, relevant, had
        All lists, what counts as found, and what users had before.
    seen, n_dropped
        Whether items had before count, and how many pairs that left out.
    label
        How the data were split.
    """
    n_users, filled = len(places), (places >= 0).sum(axis=1)
    n_other = int((relevant.users.codes(lists.users.values) < 0).sum())
    notes = [f"The first {lists.k} places of {n_users:,} users, who took {len(relevant):,} relevant items."]
    empty, short = int((filled == 0).sum()), int(((filled > 0) & (filled < lists.k)).sum())
    if empty:
        verbs = ("has", "counts") if empty == 1 else ("have", "count")
        notes.append(f"{empty:,} of {n_users:,} users {verbs[0]} no list and {verbs[1]} 0.")
    if short:
        notes.append(f"{_lists(short)} shorter than {lists.k}.")
    if n_other:
        notes.append(f"Users with a list but no relevant item, left out: {n_other:,}.")
    if had is not None:
        notes.append(_repeats(places, lists, relevant, had=had))
        notes.append(
            f"Items had before are left out of what is relevant: {n_dropped:,} pairs."
            if seen == "left out"
            else "Items had before count as relevant where they were taken again."
        )
    return tuple([*notes, label] if label else notes)


def _lists(n: int) -> str:
    return "1 list is" if n == 1 else f"{n:,} lists are"


def _repeats(places: np.ndarray, lists: RankedLists, relevant: Pairs, *, had: Pairs) -> str:
    row = np.broadcast_to(np.arange(len(places))[:, None], places.shape)
    repeated = had.find(relevant.users, lists.items, user=row, item=places) >= 0
    return f"{repeated.sum() / (places >= 0).sum():.1%} of the places advise what the user had before."
