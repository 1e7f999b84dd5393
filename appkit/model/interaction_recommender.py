"""Recommend items to users from who took what: one face before a small family of models."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from appkit.data.cells import shown
from appkit.data.ids import Ids, read_ids
from appkit.data.interactions import Interactions, read_interactions
from appkit.exceptions import SchemaError
from appkit.model.device import Placement, place
from appkit.model.progress import RecommenderProgress
from appkit.model.recommenders.advice import Histories
from appkit.model.recommenders.asked import check_length, item_names, listed
from appkit.model.recommenders.asked_users import AskedUsers
from appkit.model.recommenders.candidates import (
    Candidate,
    Trial,
    candidates_for,
    candidates_of,
    fit_candidate,
)
from appkit.model.recommenders.choosing import Choice, choose
from appkit.model.recommenders.families import FAMILIES, FitContext
from appkit.model.recommenders.features import encode_features, ids_of_features
from appkit.model.recommenders.gain import cumulative_gain, left_to_find
from appkit.model.recommenders.holdout import HeldOut
from appkit.model.recommenders.opening import check_opened
from appkit.model.recommenders.popularity import fit_popularity, fit_recency
from appkit.model.recommenders.scorer import ItemScorer
from appkit.model.recommenders.scorers import describe_scorer, rebuilt_scorers
from appkit.model.recommenders.top_items import top_items
from appkit.model.recommenders.two_tower import TwoTowerScorer

__all__ = ["InteractionRecommender"]

logger = logging.getLogger("appkit")

_RECOMMENDED = ("user", "item", "rank", "score", "basis")


class InteractionRecommender(BaseEstimator):
    """Recommend items to users by what they and others took.

    Every model scores all items for a *history*, so users have no parameters of their own: somebody new is advised as
    soon as there are events of them (``interactions=``), without another fit. ``model="auto"`` holds the latest events
    out, tries a few models on the rest, takes the one whose advice met what users took next best, and fits it on all.

    Parameters
    ----------
    user, item
        Columns of ids: whole numbers, text or categories.
    time
        Column of the moment: dates, ISO 8601 text or numbers. ``None``: rows of a user are in order, and nothing is
        known of when; models that go by the order of purchases are then tried only where named.
    value
        Column of quantities, spend or ratings, 0 or more; ``None`` for none.
    item_name
        Column that names an item for the reader, such as its description; the most frequent name of an item counts.
    model
        ``"auto"``, or one of ``"ease"``, ``"graph-filter"``, ``"als"``, ``"transition"``, ``"sequential"``,
        ``"two-tower"``, ``"item-knn"``, ``"popularity"``, ``"recency"``.
    settings
        Settings of the named model, such as ``{"penalty": 500.0}``; ``None`` means its measured defaults.
    split
        What models are chosen by: ``"time"``, the latest fifth of all events; ``"last"``, the last event of each user;
        ``"random"``, a fifth of each user's events. ``"auto"`` is ``"time"`` where times are known (``"last"`` where
        nobody with a past comes back among the latest fifth), else ``"random"``. Only ``"time"`` is how a shop works:
        the others let models see the future of other users.
    filter_seen
        Whether items a user already took are left out, of advice and of what models are chosen by. In many shops
        buying again is the right answer: pass False there.
    max_seconds
        Time after which no further model is tried and networks stop; ``None`` for none. A network that is tried has
        half of what is left, so that it can be fitted again on all events for as many epochs.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ...
    random_state
        Seed; equal seeds give equal models.
    progress
        Whether to show how far a fit is; ``"auto"`` shows it on a terminal.

    Attributes
    ----------
    users_, items_ : Ids
        Known users and items.
    model_ : str
        What was chosen, with its settings, in words.
    chosen_ : dict
        The same as parameters: ``clone(model).set_params(**model.chosen_)`` fits it again without a choice.
    candidates_ : DataFrame
        What was tried: ``model``, ``gain`` (mean NDCG@10 on the events held out), ``standard_error``, ``n_users``,
        ``seconds``. Empty where a model without choices was named.
    training_ : dict
        ``device``, ``split`` (how events were held out to choose by; ``None`` where nothing was tried), ``fall_backs``
        and ``seconds``.
    module_ : torch.nn.ModuleDict
        ``"scorer"``, the model chosen, and ``"popular"``, what those without a history are advised.

    Examples
    --------
    >>> X = pd.DataFrame({"user": [1, 1, 2, 2, 3, 3, 4], "item": ["tea", "cup", "tea", "cup", "jam", "bread", "tea"]})
    >>> model = InteractionRecommender(model="als").fit(X)
    >>> model.recommend([4, 9], k=1)[["user", "item", "basis"]]
       user item       basis
    0     4  cup     history
    1     9  tea  popularity
    """

    needed_to_open: ClassVar[dict[str, tuple[type, ...]]] = {
        "users_": (Ids,),
        "items_": (Ids,),
        "blueprint_": (dict,),
        "history_items_": (np.ndarray,),
        "history_offsets_": (np.ndarray,),
    }

    def __init__(
        self,
        *,
        user: str = "user",
        item: str = "item",
        time: str | None = None,
        value: str | None = None,
        item_name: str | None = None,
        model: str = "auto",
        settings: Mapping[str, Any] | None = None,
        split: Literal["auto", "time", "last", "random"] = "auto",
        filter_seen: bool = True,
        max_seconds: float | None = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        self.user = user
        self.item = item
        self.time = time
        self.value = value
        self.item_name = item_name
        self.model = model
        self.settings = settings
        self.split = split
        self.filter_seen = filter_seen
        self.max_seconds = max_seconds
        self.device = device
        self.random_state = random_state
        self.progress = progress

    def fit(
        self,
        X: pd.DataFrame,
        y: Any = None,
        *,
        user_features: pd.DataFrame | None = None,
        item_features: pd.DataFrame | None = None,
    ) -> Self:
        """Fit on a table of interactions, one row each.

        Parameters
        ----------
        X
            One row per event, in any order where ``time`` is given.
        y
            Not used.
        user_features, item_features
            What is known of users and items besides, indexed by their ids, one row each: for ``model="two-tower"``,
            which then also advises items nobody has taken yet and users who took nothing.

        Raises
        ------
        SchemaError
            Listing what is wrong with the table: a column missing, ids, times or values missing or unreadable,
            negative values.
        ValueError
            If a parameter is unknown, or nothing can be held out to choose a model by.
        """
        self._check_params()
        start = time.monotonic()
        events = self._events(X, user_features, item_features)
        placement = place(self.device)
        context = FitContext(
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
            device=placement.device,
            filter_seen=self.filter_seen,
            deadline=None if self.max_seconds is None else start + self.max_seconds,
            user_features=_encoded(user_features, events.users, of="user"),
            item_features=_encoded(item_features, events.items, of="item"),
        )
        with RecommenderProgress(self.progress) as shown:
            context = replace(context, show=shown.epochs if shown.is_shown else None)
            chosen = choose(self._candidates(events, context), events, self._ways(events), context=context)
            if chosen.trials:  # fitted for as long as it was tried: what was chosen is what is kept
                context = replace(context, deadline=None)
            scorer, final = fit_candidate(chosen.candidate, events, context=context)
        self.device_ = placement.device
        self._keep(events, X, scorer)
        self._keep_features(user_features, context.user_features if isinstance(scorer, TwoTowerScorer) else None)
        self.model_ = final.label
        self.chosen_ = {"model": final.family, "settings": dict(final.settings)}
        self.candidates_ = _table_of(chosen.trials)
        self.training_ = _told(placement, chosen, seconds=time.monotonic() - start)
        return self

    def recommend(
        self,
        users: Iterable[Any] | None = None,
        k: int = 10,
        *,
        filter_seen: bool | None = None,
        candidates: Iterable[Any] | None = None,
        exclude: Iterable[Any] | None = None,
        interactions: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """Return the best items for each user, best first.

        Parameters
        ----------
        users
            Raw ids, each once; ``None`` means all known users, or all of ``interactions``. Users nothing is known of
            are advised what is popular lately.
        k
            Length of a list; where fewer items are left it is shorter.
        filter_seen
            Whether to leave out what a user already took; ``None`` means as at fit.
        candidates
            Raw ids of the only items to advise; those never seen at fit cannot be scored and are left out.
        exclude
            Raw ids never to advise.
        interactions
            Events to advise by instead of those of the fit: newer ones, or those of new users. Columns as at fit.

        Returns
        -------
        DataFrame
            ``user``, ``item``, ``rank`` from 1, ``score``, and ``basis``: ``"history"``, ``"features"`` where features
            alone are known, or ``"popularity"``. Scores of one user compare; those of two do not.

        Raises
        ------
        ValueError
            If ``k`` is less than 1, ``users`` or ``candidates`` are empty, or no candidate is known.
        SchemaError
            If ids are text where they were numbers at fit, or numbers where they were text.
        """
        check_is_fitted(self)
        check_length(k)
        allowed = self._allowed(candidates, exclude)
        filter_seen = self.filter_seen if filter_seen is None else filter_seen
        known, histories = self._histories(interactions)
        raw = known.values if users is None else listed(users, "users")
        asked = self._asked(raw, known, histories)
        items, scores = asked.best(min(k, len(self.items_)), filter_seen=filter_seen, allowed=allowed)
        rows, ranks = np.nonzero(items >= 0)
        columns = (
            raw[rows],
            self.items_.values[items[rows, ranks]],
            ranks + 1,
            scores[rows, ranks].astype(np.float64),
            asked.basis[rows],
        )
        return _typed(pd.DataFrame(dict(zip(_RECOMMENDED, columns, strict=True))))

    def predict(self, X: pd.DataFrame, *, interactions: pd.DataFrame | None = None) -> np.ndarray:
        """Return the score of each pair of user and item, float64 ``(n_rows,)``.

        NaN where the item was never seen at fit. Users without a history are scored by popularity, on a scale of its
        own: compare scores of one user only.
        """
        check_is_fitted(self)
        if not isinstance(X, pd.DataFrame) or not {self.user, self.item} <= set(X.columns):
            raise SchemaError(f"X must be a DataFrame with the columns {self.user!r} and {self.item!r}.")
        known, histories = self._histories(interactions)
        items = self.items_.codes(X[self.item], column=self.item)
        users, place_of = np.unique(read_ids(X[self.user], column=self.user), return_inverse=True)
        return self._asked(users, known, histories).scores(place_of, items)

    def score(self, X: pd.DataFrame, y: Any = None, *, k: int = 10) -> float:
        """Return the mean normalised discounted cumulative gain at ``k`` of the users of ``X``, all items competing.

        Items of ``X`` never seen at fit cannot be advised and count as missed; with ``filter_seen`` items a user had
        taken at fit do not count. Users with nothing left to find are passed over.
        """
        check_is_fitted(self)
        given = read_interactions(X, user=self.user, item=self.item)
        before = self.training_events() if self.filter_seen else None
        users, taken = left_to_find(given, before, items=self.items_)
        if not len(users):
            raise ValueError("X must hold items its users had not taken at fit, got none. Pass later interactions.")
        lists, _ = self._asked(users, *self._histories(None)).best(k, filter_seen=self.filter_seen, allowed=None)
        return float(cumulative_gain(lists, taken).mean())

    def similar_items(self, items: Iterable[Any], k: int = 10) -> pd.DataFrame:
        """Return the ``k`` items most alike each of ``items``: ``item``, ``similar``, ``rank``, ``score`` (cosine).

        Items equally alike come in the order of their ids.

        Raises
        ------
        SchemaError
            If an item was never seen at fit, naming it.
        """
        check_is_fitted(self)
        check_length(k)
        raw = listed(items, "items")
        codes = self._known_items(raw)
        with torch.no_grad():
            vectors = nn.functional.normalize(self.item_scorer().item_vectors(), dim=1)
            alike = vectors[torch.from_numpy(codes).to(vectors.device)] @ vectors.T
        alike[torch.arange(len(codes)), torch.from_numpy(codes)] = -torch.inf
        best, found = top_items(alike, min(k, len(self.items_) - 1))
        n_each = best.shape[1]
        return _typed(
            pd.DataFrame(
                {
                    "item": np.repeat(raw, n_each),
                    "similar": self.items_.values[found.cpu().numpy().ravel()],
                    "rank": np.tile(np.arange(1, n_each + 1), len(raw)),
                    "score": best.cpu().numpy().ravel().astype(np.float64),
                }
            )
        )

    # What an explanation asks of a fitted recommender.

    def item_scorer(self) -> ItemScorer:
        """Return the fitted model: padded histories in, scores of all items out, on ``device_``."""
        check_is_fitted(self)
        scorer: ItemScorer = self.module_["scorer"]  # type: ignore[assignment]  # a ModuleDict knows modules only
        return scorer

    def histories(self, users: Iterable[Any]) -> list[np.ndarray]:
        """Return the item codes each user took, oldest first, int64; empty for users nothing is known of."""
        check_is_fitted(self)
        _, known = self._histories(None)
        codes = self.users_.codes(np.asarray(list(users), dtype=object), column=self.user)
        return [known[code] if code >= 0 else np.empty(0, dtype=np.int64) for code in codes]

    def training_events(self) -> Interactions:
        """Return the events of the fit, by user and time, without their values."""
        check_is_fitted(self)
        return Interactions(
            users=self.users_,
            items=self.items_,
            user=np.repeat(np.arange(len(self.users_)), np.diff(self.history_offsets_)),
            item=self.history_items_,
            row=np.arange(len(self.history_items_)),
            time=self.history_times_,
            is_dated=self.is_dated_,
            n_rows=len(self.history_items_),
        )

    # What happens inside.

    def _check_params(self) -> None:
        if self.model != "auto" and self.model not in FAMILIES:
            raise ValueError(f"model must be 'auto' or one of {', '.join(FAMILIES)}, got {self.model!r}.")
        if self.model == "blend" and self.settings is None:
            raise ValueError("model='blend' needs settings=: take those of another model's chosen_.")
        if self.settings is not None and self.model == "auto":
            raise ValueError("settings= are those of a named model, got model='auto'. Name the model.")
        if self.split not in ("auto", "time", "last", "random"):
            raise ValueError(f"split must be 'auto', 'time', 'last' or 'random', got {self.split!r}.")
        if self.max_seconds is not None and self.max_seconds <= 0:
            raise ValueError(f"max_seconds must be above 0 or None, got {self.max_seconds}.")

    def _candidates(self, events: Interactions, context: FitContext) -> tuple[Candidate, ...]:
        """Return what may be fitted."""
        if self.model != "auto":
            return candidates_of(self.model, self.settings)
        return candidates_for(
            events,
            is_ordered=self._ways(events)[0] != "random",
            filter_seen=self.filter_seen,
            has_features=context.item_features is not None or context.user_features is not None,
        )

    def _events(
        self, X: pd.DataFrame, user_features: pd.DataFrame | None, item_features: pd.DataFrame | None
    ) -> Interactions:
        """Return the events; users and items that only features tell of are known too."""
        events = read_interactions(X, user=self.user, item=self.item, time=self.time, value=self.value)
        users = events.users if user_features is None else ids_of_features(user_features, events.users, of="user")
        items = events.items if item_features is None else ids_of_features(item_features, events.items, of="item")
        return events.recoded(users, items)

    def _ways(self, events: Interactions) -> tuple[HeldOut, ...]:
        """Return how to hold events out, the way to try first at first."""
        if self.split == "time" and events.time is None:
            raise ValueError("split='time' needs times. Pass time=, or split='random'.")
        if self.split != "auto":
            return (self.split,)
        return ("random",) if events.time is None else ("time", "last")

    def _keep(self, events: Interactions, X: pd.DataFrame, scorer: ItemScorer) -> None:
        self.users_, self.items_ = events.users, events.items
        self.history_items_, self.history_offsets_ = events.item, events.offsets
        self.history_times_, self.is_dated_ = events.time, events.is_dated
        self.item_names_ = None if self.item_name is None else item_names(X, events, self.item_name)
        popular = fit_popularity(events) if events.time is None else fit_recency(events)
        self.module_ = nn.ModuleDict({"scorer": scorer, "popular": popular}).eval()
        self.blueprint_ = describe_scorer(scorer)

    def _keep_features(self, table: pd.DataFrame | None, encoded: np.ndarray | None) -> None:
        """Keep the features of users, and who has any; ``None`` where the model does not look at them."""
        self.user_features_, self.has_user_features_ = encoded, None
        if table is not None and encoded is not None:
            codes = self.users_.codes(table.index, column=self.user)
            self.has_user_features_ = np.isin(np.arange(len(self.users_)), codes)

    def _histories(self, interactions: pd.DataFrame | None) -> tuple[Ids, Histories]:
        """Return users and what they took: as at fit, or as ``interactions`` says of known items."""
        if interactions is None:
            return self.users_, Histories(self.history_offsets_, self.history_items_, len(self.items_))
        given = read_interactions(interactions, user=self.user, item=self.item, time=self.time, items=self.items_)
        return given.users, Histories.of(given)

    def _asked(self, raw: np.ndarray, known: Ids, histories: Histories) -> AskedUsers:
        """Return users with what is known of them; ``known`` are those of ``histories``."""
        codes = known.codes(raw, column=self.user)
        features, has_features = None, np.zeros(len(raw), dtype=bool)
        if self.user_features_ is not None and self.has_user_features_ is not None:
            own = self.users_.codes(raw, column=self.user)
            has_features = (own >= 0) & self.has_user_features_[own]
            features = np.where((own >= 0)[:, None], self.user_features_[own], 0).astype(np.float32)
        popular: ItemScorer = self.module_["popular"]  # type: ignore[assignment]  # a ModuleDict knows modules only
        return AskedUsers(codes, histories, self.item_scorer(), popular, features, has_features, device=self.device_)

    def _allowed(self, candidates: Iterable[Any] | None, exclude: Iterable[Any] | None) -> np.ndarray | None:
        """Return which items may be advised, bool ``(n_items,)``; ``None`` where all may."""
        if candidates is None and exclude is None:
            return None
        allowed = np.full(len(self.items_), candidates is None)
        if candidates is not None:
            codes = self.items_.codes(listed(candidates, "candidates"), column=self.item)
            allowed[codes[codes >= 0]] = True
            if not allowed.any():
                raise ValueError("candidates must hold items known at fit, got none of them. Fit on events with them.")
        unwanted = listed(() if exclude is None else exclude, "exclude", may_be_empty=True)
        codes = self.items_.codes(unwanted, column=self.item)
        allowed[codes[codes >= 0]] = False
        return allowed

    def _known_items(self, raw: np.ndarray) -> np.ndarray:
        codes = self.items_.codes(raw, column=self.item)
        if (codes < 0).any():
            first = shown(raw[int((codes < 0).argmax())])
            raise SchemaError(f"items must be known at fit, got {int((codes < 0).sum()):,} others (first: {first}).")
        return codes

    def module_from(self, weights: Mapping[str, Tensor]) -> nn.Module:
        """Return ``module_`` as ``blueprint_`` says, filled with ``weights``; ``ValueError`` where they do not fit."""
        check_opened(vars(self), n_users=len(self.users_), n_items=len(self.items_))
        return rebuilt_scorers(self.blueprint_, weights, n_items=len(self.items_))


def _typed(advice: pd.DataFrame) -> pd.DataFrame:
    """Return the table with text as text, also where it has no rows to tell by."""
    return advice.astype({name: "str" for name in advice if advice[name].dtype == object})


def _encoded(features: pd.DataFrame | None, ids: Ids, *, of: str) -> np.ndarray | None:
    return None if features is None else encode_features(features, ids, of=of)


def _told(placement: Placement, chosen: Choice, *, seconds: float) -> dict[str, Any]:
    return {
        "device": placement.device,
        "split": chosen.split,
        "fall_backs": placement.fall_backs,
        "seconds": seconds,
    }


def _table_of(trials: Sequence[Trial]) -> pd.DataFrame:
    """Return what was tried, in order."""
    return pd.DataFrame(
        [
            {
                "model": trial.candidate.label,
                "gain": trial.gain,
                "standard_error": trial.standard_error,
                "n_users": len(trial.gains),
                "seconds": trial.seconds,
            }
            for trial in trials
        ],
        columns=["model", "gain", "standard_error", "n_users", "seconds"],
    )
