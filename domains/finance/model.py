"""Credit models: probability of default with grades, and ordered ratings."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from torch import Tensor

from appkit import explanation as _explanation
from appkit import reporting as _reporting
from appkit.explanation import Explanation
from appkit.model import Costs, NetworkFactory, TabularClassifier
from appkit.model.ensemble import Ensemble
from appkit.model.heads import Head, OrdinalHead
from appkit.model.training import Inputs, TrainingData
from appkit.reporting import Report
from domains.finance.scale import MasterScale, score_points

__all__ = ["CreditRatingClassifier", "CreditRiskClassifier", "find_protected"]

_EVENT_WORDS = {"bad", "default", "defaulted", "delinquent", "charged off", "charged_off", "charge-off"}
_PROTECTED_WORDS = re.compile(
    r"(^|_)(age|sex|gender|race|ethnic\w*|nationality|religion|marital\w*|birth\w*|disab\w*|pregnan\w*)(_|$)"
    r"|foreign_worker|personal_status"
)


def find_protected(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the columns whose names speak of a protected characteristic (sex, age, race, marital status, ...).

    A list of words, not a legal opinion: name the columns yourself where the law of your place says more or less.

    Examples
    --------
    >>> find_protected(["income", "age", "Sex", "mortgage", "personal_status_sex"])
    ('age', 'Sex', 'personal_status_sex')
    """
    return tuple(name for name in columns if _PROTECTED_WORDS.search(re.sub(r"[\s-]+", "_", str(name)).lower()))


class _ProtectedByName(TabularClassifier):
    """A classifier whose ``protected="auto"`` goes by the names of the columns."""

    def _protected_columns(self, frame: pd.DataFrame) -> Sequence[str]:
        self.protected_ = find_protected(frame.columns) if self.protected == "auto" else tuple(self.protected)
        return self.protected_


class CreditRiskClassifier(_ProtectedByName):
    """Probability of default from a table of applicants, with grades and score points.

    A ``TabularClassifier`` that knows which label is the default and keeps protected columns out of its features.

    Parameters
    ----------
    event
        The label that is the default. ``None`` takes the larger of two numbers, ``True``, or a word such as "bad" or
        "default"; any other pair of texts must say.
    protected
        Columns that stay out of the features; they may be in the table, for the fairness section. ``"auto"`` goes by
        their names (``find_protected``); ``()`` uses every column, and then reason codes refuse to speak.
    master_scale
        Grades and the probability of default at which each ends; ``None`` is A to G.
    monotone
        ``{"column": 1 or -1}``: the probability of default never falls, or never rises, in it.
    network, n_members, n_networks, width, depth, dropout, numeric, n_bins, learning_rate, weight_decay, batch_size,
    max_epochs, patience, validation_fraction, class_weight, costs, threshold, calibrate, kinds, special_codes,
    max_seconds, warm_start, checkpoint, device, precision, random_state, progress
        As in ``appkit.TabularClassifier``.

    Attributes
    ----------
    event_
        The label of the default.
    protected_ : tuple of str
        Columns kept out.

    Examples
    --------
    >>> from domains.finance import load_german_credit
    >>> X_train, X_test, y_train, y_test = load_german_credit().split()
    >>> model = CreditRiskClassifier(n_networks=1, max_epochs=8, width=32, random_state=0).fit(X_train, y_train)
    >>> model.event_, model.protected_
    ('bad', ('personal_status_sex', 'age', 'foreign_worker'))
    >>> model.grade(X_test).shape
    (250,)
    """

    def __init__(
        self,
        *,
        event: Any = None,
        protected: Sequence[str] | Literal["auto"] = "auto",
        master_scale: MasterScale | None = None,
        monotone: Mapping[str, int] | None = None,
        network: str | NetworkFactory = "tabm",
        n_members: int = 8,
        n_networks: int | Literal["auto"] = "auto",
        width: int = 128,
        depth: int = 2,
        dropout: float = 0.15,
        numeric: str = "robust",
        n_bins: int | Literal["auto"] = "auto",
        learning_rate: float = 1e-3,
        weight_decay: float = 0.03,
        batch_size: int | Literal["auto"] = "auto",
        max_epochs: int = 200,
        patience: int | Literal["auto"] = "auto",
        validation_fraction: float = 0.15,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        costs: Costs | None = None,
        threshold: float | None = None,
        calibrate: bool = True,
        kinds: Mapping[str, str] | None = None,
        special_codes: Mapping[str, Sequence[float]] | Literal["auto"] | None = "auto",
        max_seconds: float | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        super().__init__(
            network=network,
            n_members=n_members,
            n_networks=n_networks,
            width=width,
            depth=depth,
            dropout=dropout,
            numeric=numeric,
            n_bins=n_bins,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            patience=patience,
            validation_fraction=validation_fraction,
            class_weight=class_weight,
            costs=costs,
            threshold=threshold,
            calibrate=calibrate,
            kinds=kinds,
            special_codes=special_codes,
            protected=protected,
            monotone=monotone,
            max_seconds=max_seconds,
            warm_start=warm_start,
            checkpoint=checkpoint,
            device=device,
            precision=precision,
            random_state=random_state,
            progress=progress,
        )
        self.event = event
        self.master_scale = master_scale

    def probability_of_default(self, X: Any) -> np.ndarray:
        """Return the calibrated probability of the event, float64 ``(n_rows,)``."""
        return self.predict_proba(X)[:, self.event_index_]

    def grade(self, X: Any) -> np.ndarray:
        """Return the grade of each applicant on the master scale, str ``(n_rows,)``."""
        return (self.master_scale or MasterScale()).grade(self.probability_of_default(X))

    def score_points(
        self, X: Any, *, pdo: float = 20.0, base_score: float = 600.0, base_odds: float = 50.0
    ) -> np.ndarray:
        """Return score points, float64 ``(n_rows,)``, higher is safer; see ``domains.finance.score_points``."""
        return score_points(self.probability_of_default(X), pdo=pdo, base_score=base_score, base_odds=base_odds)

    def explain(self, X: Any, **options: Any) -> Explanation:
        """Return ``appkit.explain(self, X, **options)``: effects on the probability of default."""
        return _explanation.explain(self, X, **options)

    def report(self, X: Any, y: Any, **options: Any) -> Report:
        """Return ``appkit.report(self, X, y, **options)``: the credit report."""
        return _reporting.report(self, X, y, **options)

    @property
    def event_index_(self) -> int:
        """Position of the default in ``classes_``."""
        return int(np.flatnonzero(self.classes_ == self.event_)[0])

    def _learn_target(self, y: Any, *, n_rows: int, weight: np.ndarray | None) -> np.ndarray:
        target = super()._learn_target(y, n_rows=n_rows, weight=weight)
        if len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass: "
                f"{len(self.classes_)} labels, {self.classes_[:5]}. Ordered grades go into CreditRatingClassifier."
            )
        self.event_ = _event_among(self.classes_, self.event)
        return target

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class CreditRatingClassifier(_ProtectedByName):
    """Ordered grades from a table of borrowers: one score under ordered cut points (proportional odds).

    Parameters
    ----------
    grades
        Labels of ``y`` from the first grade to the last; ``None`` takes their sorted order.
    protected
        Columns that stay out of the features; ``"auto"`` goes by their names.
    monotone
        ``{"column": 1 or -1}``: the grade never moves up, or never down, the list of grades as the column rises.
    network, n_members, n_networks, width, depth, dropout, numeric, n_bins, learning_rate, weight_decay, batch_size,
    max_epochs, patience, validation_fraction, class_weight, calibrate, kinds, special_codes, max_seconds, warm_start,
    checkpoint, device, precision, random_state, progress
        As in ``appkit.TabularClassifier``.

    Attributes
    ----------
    grades_ : ndarray
        Labels from the first grade to the last; ``classes_``, and with it the columns of ``predict_proba``, is sorted,
        as scikit-learn's scorers take it for granted.

    References
    ----------
    McCullagh (1980). Regression Models for Ordinal Data. JRSS B 42.

    Examples
    --------
    >>> X = pd.DataFrame({"debt": np.linspace(0, 1, 120)})
    >>> y = np.repeat(["AA", "BBB", "C"], 40)
    >>> model = CreditRatingClassifier(grades=["AA", "BBB", "C"], width=32, random_state=0).fit(X, y)
    >>> model.predict(pd.DataFrame({"debt": [0.05, 0.5, 0.95]}))
    array(['AA', 'BBB', 'C'], dtype='<U3')
    """

    _is_shift_shared = True
    _binary_only = ("costs", "threshold")

    def __init__(
        self,
        *,
        grades: Sequence[Any] | None = None,
        protected: Sequence[str] | Literal["auto"] = "auto",
        monotone: Mapping[str, int] | None = None,
        network: str | NetworkFactory = "tabm",
        n_members: int = 8,
        n_networks: int | Literal["auto"] = "auto",
        width: int = 128,
        depth: int = 2,
        dropout: float = 0.15,
        numeric: str = "robust",
        n_bins: int | Literal["auto"] = "auto",
        learning_rate: float = 1e-3,
        weight_decay: float = 0.03,
        batch_size: int | Literal["auto"] = "auto",
        max_epochs: int = 200,
        patience: int | Literal["auto"] = "auto",
        validation_fraction: float = 0.15,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        calibrate: bool = True,
        kinds: Mapping[str, str] | None = None,
        special_codes: Mapping[str, Sequence[float]] | Literal["auto"] | None = "auto",
        max_seconds: float | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        super().__init__(
            network=network,
            n_members=n_members,
            n_networks=n_networks,
            width=width,
            depth=depth,
            dropout=dropout,
            numeric=numeric,
            n_bins=n_bins,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            patience=patience,
            validation_fraction=validation_fraction,
            class_weight=class_weight,
            calibrate=calibrate,
            kinds=kinds,
            special_codes=special_codes,
            protected=protected,
            monotone=monotone,
            max_seconds=max_seconds,
            warm_start=warm_start,
            checkpoint=checkpoint,
            device=device,
            precision=precision,
            random_state=random_state,
            progress=progress,
        )
        self.grades = grades

    def _learn_target(self, y: Any, *, n_rows: int, weight: np.ndarray | None) -> np.ndarray:
        codes = super()._learn_target(y, n_rows=n_rows, weight=weight).astype(np.int64)
        grades = self.classes_.tolist() if self.grades is None else list(self.grades)
        order = pd.Index(self.classes_).get_indexer(pd.Index(grades))
        if sorted(order) != list(range(len(self.classes_))):
            raise ValueError(f"grades must be the labels of y in order, got {grades} for {self.classes_.tolist()}.")
        self.grades_ = self.classes_[order]
        return self._ranks[codes].astype(np.float32)

    def _encode_target(self, y: Any, *, n_rows: int) -> np.ndarray:
        return self._ranks[self._codes_of(y, n_rows=n_rows)].astype(np.float32)

    @property
    def _ranks(self) -> np.ndarray:
        """Place of each label of ``classes_`` in ``grades_``: logits know grades, scikit-learn wants sorted labels."""
        return pd.Index(self.grades_).get_indexer(pd.Index(self.classes_))

    def _class_of(self, target: np.ndarray) -> np.ndarray:
        return np.argsort(self._ranks)[target.astype(np.int64)]

    def _means(self, Z: Inputs, members: Tensor | None = None) -> Tensor:
        return super()._means(Z, members)[:, self._ranks.tolist()]

    def _learn_from_held_out(self, ensemble: Ensemble, rows: TrainingData, *, is_blind: bool) -> None:
        super()._learn_from_held_out(ensemble, rows, is_blind=is_blind)
        if self.conformal_scores_:
            self.conformal_scores_ = [self.conformal_scores_[rank] for rank in self._ranks]

    def _signs(self) -> dict[str, int]:
        return dict(self.monotone or {})  # the logits rise with the grade, whatever the order of the labels

    def _make_head(self, data: TrainingData) -> Head:
        return OrdinalHead(len(self.classes_))


def _event_among(classes: np.ndarray, event: Any) -> Any:
    """Return the label of the default: the one named, or the one whose meaning is plain."""
    labels = classes.tolist()
    if event is not None:
        if event not in labels:
            raise ValueError(f"event must be one of the labels {labels}, got {event!r}.")
        return labels[labels.index(event)]
    if classes.dtype.kind in "biuf":
        return labels[1]  # the larger: 1 of 0 and 1, True, 2 of the 1 and 2 of German Credit
    known = [label for label in labels if str(label).strip().lower() in _EVENT_WORDS]
    if len(known) != 1:
        raise ValueError(
            f"event must name the label of the default: which of {labels}? For example event={labels[-1]!r}."
        )
    return known[0]
