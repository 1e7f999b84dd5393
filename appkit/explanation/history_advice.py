"""Which advice is explained: a user, the item advised, and the item it is held against."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted

from appkit.data.cells import shown
from appkit.data.ids import Ids
from appkit.exceptions import SchemaError
from appkit.explanation.layouts import Advice
from appkit.model.evaluating import evaluating
from appkit.model.recommenders.asked import check_length
from appkit.model.recommenders.asked import listed as distinct_ids
from appkit.model.recommenders.scorer import ItemScorer

__all__ = [
    "AdvisedCases",
    "ExplainableRecommender",
    "Listed",
    "advice_of",
    "advised_cases",
    "item_labels",
    "place_on_list",
]

_FIRST = -1  # in place of an item: the first advice
_CASES_AT_ONCE = 256
_PROBLEMS_NAMED = 5


class ExplainableRecommender(Protocol):
    """What a fitted recommender offers to be explained."""

    user: str
    item: str
    users_: Ids
    items_: Ids
    item_names_: Any  # names by item code, or None

    def item_scorer(self) -> ItemScorer:
        """Return the fitted network: padded histories in, scores of all items out."""

    def histories(self, users: Iterable[Any]) -> list[np.ndarray]:
        """Return the item codes each user took, oldest first; empty for users nothing is known of."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Which list an advice is one of.

    Parameters
    ----------
    k
        Length of the list.
    filter_seen
        Whether items of the history are left out; ``None`` means as the model was fitted.
    candidates
        Raw ids of the only items that may be advised; ``None`` for all.
    exclude
        Raw ids never to advise.
    """

    k: int = 10
    filter_seen: bool | None = None
    candidates: Iterable[Any] | None = None
    exclude: Iterable[Any] | None = None


@dataclass(frozen=True, eq=False)
class AdvisedCases:
    """Users and items in codes, with what is needed to score shorter histories.

    Parameters
    ----------
    scorer
        Answers padded histories.
    histories
        Of each row, int64, oldest first.
    users
        Raw ids, object ``(n_rows,)``.
    items, rivals
        int64 ``(n_rows,)``: the item advised, and the k-th best of the others that may be advised.
    ranks
        int64 ``(n_rows,)``: place of the item, from 1.
    allowed
        bool ``(n_items,)``: what may be advised to anybody.
    k, filter_seen
        As asked.
    """

    scorer: ItemScorer
    histories: tuple[np.ndarray, ...]
    users: np.ndarray
    items: np.ndarray
    rivals: np.ndarray
    ranks: np.ndarray
    allowed: np.ndarray
    k: int
    filter_seen: bool

    def __len__(self) -> int:
        return len(self.items)

    def open_to(self, row: int) -> np.ndarray:
        """Return which items may be advised in a row, bool ``(n_items,)``: by the whole history, however shortened."""
        return _open_items(self.allowed, self.histories[row], filter_seen=self.filter_seen)

    def scores(self, histories: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the scores of all items, float64 ``(n_items,)``, of one history after another."""
        return _scores(self.scorer, histories)


def advised_cases(model: ExplainableRecommender, X: pd.DataFrame, *, listed: Listed) -> AdvisedCases:
    """Return the advice of each row of ``X``.

    Parameters
    ----------
    model
        Fitted recommender.
    X
        One row per advice: a column of users and, unless each user's first advice is meant, one of items; named as at
        fit, or ``"user"`` and ``"item"`` as ``recommend`` returns them. Other columns are not read.
    listed
        The list it is one of.

    Raises
    ------
    SchemaError
        Naming the users and items that cannot be explained, and why: unknown, without a history, already taken, not
        among the candidates, or fewer than ``k`` others to be held against.
    ValueError
        If ``k`` is less than 1, or no candidate is known.
    """
    check_length(listed.k)
    if hasattr(model, "fit"):
        check_is_fitted(model)
    users, items = _columns(model, X)
    filter_seen = bool(getattr(model, "filter_seen", True)) if listed.filter_seen is None else listed.filter_seen
    allowed = _allowed(model, listed)
    _raise(_unknown(model, users, items))
    histories = model.histories(users)
    _raise(_without_history(users, histories))
    n = len(users)
    cases = AdvisedCases(
        scorer=model.item_scorer(),
        histories=tuple(histories),
        users=users,
        items=np.full(n, _FIRST) if items is None else model.items_.codes(items, column=model.item),
        rivals=np.full(n, _FIRST),
        ranks=np.full(n, _FIRST),
        allowed=allowed,
        k=int(listed.k),
        filter_seen=filter_seen,
    )
    if items is not None:
        _raise(_not_on_offer(cases, items))
    _raise(_too_few(cases))
    return _placed(cases)


def place_on_list(scores: np.ndarray, item: int, others: np.ndarray, *, k: int) -> tuple[int, int]:
    """Return the rank of an item, from 1, and the code of the k-th best of the others.

    Parameters
    ----------
    scores
        Of all items, ``(n_items,)``; of equal ones the lower code comes first, as in ``recommend``.
    item
        Code of the item.
    others
        bool ``(n_items,)``: what competes with it, at least ``k``.
    k
        Length of the list.

    Examples
    --------
    >>> others = np.array([True, False, True, True])
    >>> place_on_list(np.array([3.0, 2.0, 1.0, 2.0]), 1, others, k=2)
    (2, 3)
    """
    codes = np.flatnonzero(others)
    own = scores[codes]
    least = np.partition(own, len(own) - k)[len(own) - k]
    n_above = int((own > least).sum())
    rival = codes[own == least][k - n_above - 1]
    is_ahead = (own > scores[item]) | ((own == scores[item]) & (codes < item))
    return 1 + int(is_ahead.sum()), int(rival)


def item_labels(model: ExplainableRecommender, codes: Iterable[int]) -> dict[int, str]:
    """Return what the reader calls each item: its name, with the id behind it where others have the same one."""
    raw, names = model.items_.values, getattr(model, "item_names_", None)
    if names is None:
        return {code: str(raw[code]) for code in codes}
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names)
    by_code = {int(code): str(name) for code, name in pairs}
    carriers = Counter(by_code.values())

    def label(code: int) -> str:
        name = by_code.get(code, str(raw[code]))
        return f"{name} [{raw[code]}]" if carriers[name] > 1 else name

    return {code: label(code) for code in codes}


def advice_of(cases: AdvisedCases, model: ExplainableRecommender) -> Advice:
    """Return the cases as an explanation carries them, in the words of the reader."""
    raw = model.items_.values
    labels = item_labels(model, np.union1d(cases.items, cases.rivals).tolist())
    return Advice(
        users=cases.users,
        items=raw[cases.items].astype(object),
        rivals=raw[cases.rivals].astype(object),
        item_names=np.array([labels[item] for item in cases.items.tolist()], dtype=object),
        rival_names=np.array([labels[item] for item in cases.rivals.tolist()], dtype=object),
        ranks=cases.ranks,
        k=cases.k,
        filter_seen=cases.filter_seen,
    )


def _placed(cases: AdvisedCases) -> AdvisedCases:
    """Return the cases with ranks and rivals, and with the first advice where no item was named."""
    items, ranks, rivals = cases.items.copy(), cases.ranks.copy(), cases.rivals.copy()
    for row, scores in enumerate(cases.scores(cases.histories)):
        others = cases.open_to(row)
        if items[row] == _FIRST:
            items[row] = np.where(others, scores, -np.inf).argmax()
        others[items[row]] = False
        ranks[row], rivals[row] = place_on_list(scores, items[row], others, k=cases.k)
    return replace(cases, items=items, ranks=ranks, rivals=rivals)


@torch.no_grad()
def _scores(scorer: ItemScorer, histories: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    at_once = max(1, min(_CASES_AT_ONCE, 2**24 // scorer.n_items))
    device = next((part.device for part in (*scorer.parameters(), *scorer.buffers())), torch.device("cpu"))
    with evaluating(scorer):
        for start in range(0, len(histories), at_once):
            some = histories[start : start + at_once]
            padded = np.full((len(some), max(1, *map(len, some))), scorer.n_items, dtype=np.int64)
            for row, history in zip(padded, some, strict=True):
                row[len(row) - len(history) :] = history
            yield from scorer(torch.from_numpy(padded).to(device)).double().cpu().numpy()


def _columns(model: ExplainableRecommender, X: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Return raw ids of users, and of items where ``X`` names them, object ``(n_rows,)`` each."""
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"X must be a DataFrame of users and the items advised to them, got {type(X).__name__}.")
    if X.empty:
        raise SchemaError(f"X must have at least one row and one column, got shape {X.shape}.")
    user = model.user if model.user in X.columns else "user"
    if user not in X.columns:
        raise SchemaError(f"X must have the column {model.user!r} of users, got {list(X.columns)}.")
    item = model.item if model.item in X.columns else "item"
    read = X[user].to_numpy(dtype=object)
    return read, X[item].to_numpy(dtype=object) if item in X.columns else None


def _allowed(model: ExplainableRecommender, listed: Listed) -> np.ndarray:
    allowed = np.full(len(model.items_), listed.candidates is None)
    for name, is_allowed in (("candidates", True), ("exclude", False)):
        raw = getattr(listed, name)
        ids = distinct_ids(() if raw is None else raw, name, may_be_empty=True)
        codes = model.items_.codes(ids, column=model.item)
        allowed[codes[codes >= 0]] = is_allowed
    if not allowed.any():
        raise ValueError("candidates must hold items known at fit that are not excluded, got none.")
    return allowed


def _unknown(model: ExplainableRecommender, users: np.ndarray, items: np.ndarray | None) -> list[str]:
    strangers = np.flatnonzero(model.users_.codes(users, column=model.user) < 0)
    problems = [
        f"User {shown(users[row])} (row {row}) is unknown to the model, so no purchase can be a reason. Leave it out."
        for row in strangers
    ]
    if items is not None:
        unseen = np.flatnonzero(model.items_.codes(items, column=model.item) < 0)
        problems += [f"Item {shown(items[row])} (row {row}) was never seen at fit and has no score." for row in unseen]
    return problems


def _without_history(users: np.ndarray, histories: Sequence[np.ndarray]) -> list[str]:
    return [
        f"User {shown(users[row])} (row {row}) has no history: the advice is what is popular, for no reason of the "
        "user's own. Leave it out."
        for row, history in enumerate(histories)
        if not len(history)
    ]


def _not_on_offer(cases: AdvisedCases, items: np.ndarray) -> list[str]:
    problems = []
    for row, item in enumerate(cases.items.tolist()):
        if not cases.allowed[item]:
            problems.append(f"Item {shown(items[row])} (row {row}) is excluded, or none of the candidates.")
        elif cases.filter_seen and item in cases.histories[row]:
            problems.append(
                f"Item {shown(items[row])} (row {row}) was already taken by user {shown(cases.users[row])} and is not "
                "advised again. Pass filter_seen=False where buying again is an answer."
            )
    return problems


def _too_few(cases: AdvisedCases) -> list[str]:
    n_open = [int(cases.open_to(row).sum()) for row in range(len(cases))]
    return [
        f"k must leave an item at rank k + 1 to hold the advice against: to user {shown(user)} (row {row}) {n} items "
        f"may be advised, got k={cases.k}."
        for row, (user, n) in enumerate(zip(cases.users, n_open, strict=True))
        if n <= cases.k
    ]


def _open_items(allowed: np.ndarray, history: np.ndarray, *, filter_seen: bool) -> np.ndarray:
    open_items = allowed.copy()
    if filter_seen:
        open_items[history] = False
    return open_items


def _raise(problems: Sequence[str]) -> None:
    if len(problems) > _PROBLEMS_NAMED:
        raise SchemaError([*problems[:_PROBLEMS_NAMED], f"{len(problems) - _PROBLEMS_NAMED} more rows like these."])
    if problems:
        raise SchemaError(list(problems))
