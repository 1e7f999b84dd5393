"""Will this customer buy within the horizon? A table classifier that can make its own tables from transactions."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from appkit import explanation as _explanation
from appkit import reporting as _reporting
from appkit.exceptions import SchemaError
from appkit.explanation import Explanation
from appkit.model import Costs, NetworkFactory, TabularClassifier
from appkit.reporting import Report
from domains.retail.behaviour import behaviour_features
from domains.retail.purchase_table import BUYS, PurchaseTable, Target, purchase_table
from domains.retail.transactions import TransactionColumns

__all__ = ["PurchaseClassifier"]


class PurchaseClassifier(TabularClassifier):
    """Probability that a customer buys within the horizon, from behaviour or straight from transactions.

    Without ``user`` it is a ``TabularClassifier`` that knows which label is the purchase: ``X`` is a table of
    behaviour, one row per customer and cut-off, such as ``purchase_table`` makes. With ``user``, ``item`` and ``time``
    it can be fitted on transactions alone, ``fit(transactions)``: snapshots of all customers are taken a horizon apart,
    and folds never part the rows of one customer. Transactions to predict are read as they stand at the midnight after
    their last row, one answer per customer in the order of :meth:`behaviour`.

    Parameters
    ----------
    event
        The label of a purchase. ``None``: ``"buys"``, the larger of two numbers, or ``True``; other texts must say.
        Several classes, such as the category bought next, have none.
    user, item, time, quantity, price, value, invoice, categories, returns
        Columns of transactions, see :func:`~domains.retail.transactions.read_transactions`; ``None`` for ``user``: the
        model is given tables of behaviour.
    horizon, target
        What is asked of transactions, see :func:`~domains.retail.purchase_table.purchase_table`; not ``"spend"``.
    lookback, season
        What behaviour is, see :func:`~domains.retail.behaviour.behaviour_features`.
    network, n_members, n_networks, width, depth, dropout, numeric, n_bins, learning_rate, weight_decay, batch_size,
    max_epochs, patience, validation_fraction, class_weight, costs, threshold, calibrate, kinds, special_codes,
    protected, monotone, max_seconds, warm_start, checkpoint, device, precision, random_state, progress
        As in ``appkit.TabularClassifier``; ``monotone`` speaks of the probability of a purchase.

    Attributes
    ----------
    event_
        The label of a purchase; ``None`` of several classes.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hours = np.sort(rng.integers(0, 300 * 24, 3000))
    >>> user = np.where(hours % 2, rng.integers(0, 20, 3000), rng.integers(0, 60, 3000))
    >>> days = pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, "h")
    >>> orders = pd.DataFrame({"user": user, "item": rng.integers(0, 9, 3000), "time": days})
    >>> model = PurchaseClassifier(user="user", item="item", time="time", n_networks=1, max_epochs=2,
    ...                            width=16, random_state=0)
    >>> model.fit(orders).purchase_probability(orders).index[:3].tolist()
    [0, 1, 2]
    """

    def __init__(
        self,
        *,
        event: Any = None,
        user: str | None = None,
        item: str | None = None,
        time: str | None = None,
        quantity: str | None = None,
        price: str | None = None,
        value: str | None = None,
        invoice: str | None = None,
        categories: str | Mapping[Any, Any] | None = None,
        returns: bool = False,
        horizon: str = "28D",
        target: Target = "any",
        lookback: str | None = None,
        season: bool = False,
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
        protected: Sequence[str] = (),
        monotone: Mapping[str, int] | None = None,
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
        self.user = user
        self.item = item
        self.time = time
        self.quantity = quantity
        self.price = price
        self.value = value
        self.invoice = invoice
        self.categories = categories
        self.returns = returns
        self.horizon = horizon
        self.target = target
        self.lookback = lookback
        self.season = season

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit on behaviour and whether each customer bought; or, with ``user`` and without ``y``, on transactions.

        Parameters
        ----------
        X
            Table of behaviour, shape (n_rows, n_columns); or transactions.
        y
            Label of each row, shape (n_rows,); ``None``: ``X`` is transactions.
        sample_weight, groups, X_val, y_val, sample_weight_val
            As in ``TabularClassifier``, of tables of behaviour. Pass ``groups``, the customers, where one has several
            rows.

        Raises
        ------
        SchemaError
            If ``X`` cannot be read; every problem is listed.
        ValueError
            If labels, or a parameter, are wrong, or transactions are too short for one horizon.
        """
        given = {
            "sample_weight": sample_weight,
            "groups": groups,
            "X_val": X_val,
            "y_val": y_val,
            "sample_weight_val": sample_weight_val,
        }
        if y is not None or self.user is None:
            return super().fit(X, y, **given)
        for name, values in given.items():
            if values is not None:
                raise ValueError(f"{name} goes with a table of behaviour and y: make one with snapshots(transactions).")
        table = self.snapshots(X)
        return super().fit(table.X, table.y, groups=table.groups)

    def snapshots(self, transactions: pd.DataFrame, *, at: Iterable[Any] | None = None) -> PurchaseTable:
        """Return customers at several cut-offs and what they bought after, as ``fit(transactions)`` makes them.

        Parameters
        ----------
        transactions
            One row per line of an order.
        at
            Cut-offs; ``None``: as many as fit, a horizon apart.
        """
        if self.target == "spend":
            raise ValueError("target='spend' asks for a number: fit TabularRegressor on purchase_table(...).")
        return purchase_table(
            transactions,
            at=at,
            horizon=self.horizon,
            target=self.target,
            lookback=self.lookback,
            season=self.season,
            **self._columns(),
        )

    def behaviour(self, transactions: pd.DataFrame, *, at: Any = None) -> pd.DataFrame:
        """Return what each customer did before a moment, one row per customer, as the model reads it.

        Parameters
        ----------
        transactions
            One row per line of an order; those from ``at`` on are not looked at.
        at
            The moment; ``None``: the midnight (UTC) after the last row.
        """
        return behaviour_features(transactions, at=at, lookback=self.lookback, season=self.season, **self._columns())

    def as_rows(self, X: Any) -> Any:
        """Return the rows that the model judges: behaviour at the end of transactions; anything else as it is."""
        return self.behaviour(X) if self._is_transactions(X) else X

    def purchase_probability(self, X: pd.DataFrame, *, at: Any = None) -> pd.Series:
        """Return the calibrated probability that each customer buys within the horizon, on the customers.

        Parameters
        ----------
        X
            Transactions, or a table of behaviour.
        at
            Of transactions the moment to predict from; ``None``: the midnight (UTC) after the last row.
        """
        self._check_binary("purchase_probability")
        rows = self.behaviour(X, at=at) if self._is_transactions(X) else X
        return pd.Series(self.predict_proba(rows)[:, self.event_index_], index=rows.index, name="purchase_probability")

    def explain(self, X: Any, **options: Any) -> Explanation:
        """Return ``appkit.explain(self, X, **options)`` of behaviour, or of transactions as they stand at their end."""
        return _explanation.explain(self, self.as_rows(X), **options)

    def report(self, X: Any, y: Any, **options: Any) -> Report:
        """Return ``appkit.report(self, X, y, **options)`` on a table of behaviour and what was bought."""
        return _reporting.report(self, X, y, **options)

    @property
    def event_index_(self) -> int:
        """Position of the purchase in ``classes_``."""
        return 1 if self.event_ is None else int(np.flatnonzero(self.classes_ == self.event_)[0])

    def _learn_target(self, y: Any, *, n_rows: int, weight: np.ndarray | None) -> np.ndarray:
        target = super()._learn_target(y, n_rows=n_rows, weight=weight)
        self.event_ = _event_among(self.classes_, self.event)
        return target

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:
        return super()._frame(self.as_rows(X), reset=reset)

    def _is_transactions(self, X: Any) -> bool:
        return isinstance(X, pd.DataFrame) and self.user is not None and {self.user, self.item, self.time} <= set(X)

    def _columns(self) -> TransactionColumns:
        if self.user is None or self.item is None or self.time is None:
            raise SchemaError("Transactions are read by their columns: give user=, item= and time=.")
        return TransactionColumns(
            user=self.user,
            item=self.item,
            time=self.time,
            quantity=self.quantity,
            price=self.price,
            value=self.value,
            invoice=self.invoice,
            categories=self.categories,
            returns=self.returns,
        )


def _event_among(classes: np.ndarray, event: Any) -> Any:
    """Return the label of the purchase: the one named, or the one whose meaning is plain; of several classes none."""
    labels = classes.tolist()
    if event is not None:
        if event not in labels:
            raise ValueError(f"event must be one of the labels {labels[:5]}, got {event!r}.")
        if len(labels) > 2:
            raise ValueError(f"event needs two classes, got {len(labels)}: {labels[:5]}.")
        return labels[labels.index(event)]
    if len(labels) > 2:
        return None
    if classes.dtype.kind in "biuf":
        return labels[1]
    if BUYS not in labels:
        raise ValueError(f"event must name the label of a purchase: which of {labels}? For example {labels[-1]!r}.")
    return BUYS
