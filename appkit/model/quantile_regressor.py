"""Neural quantile regressor for tables, which learns from censored rows too."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from appkit.data import check_values
from appkit.model.ensemble import Ensemble
from appkit.model.heads import Head, QuantileHead
from appkit.model.networks import NetworkFactory
from appkit.model.neural_regressor import NeuralRegressor
from appkit.model.residual_quantiles import weighted_quantiles
from appkit.model.table_estimator import TableEstimator
from appkit.model.training import TrainingData

__all__ = ["TabularQuantileRegressor"]

_CENSORED = ("value", "is_censored")


class TabularQuantileRegressor(NeuralRegressor, TableEstimator):
    """Quantiles of a number, such as next week's demand: a TabM ensemble on the pinball loss.

    Reads tables as ``TabularRegressor`` does; the value predicted is the median. Rows may be censored, that is known to
    be at least so much: ``y`` is then a frame with columns ``value`` and ``is_censored``.

    Quantiles other than the median are moved by what held-out rows say: of rows like those, a share of at least
    ``level`` stays below an upper quantile, and of at least ``1 - level`` above a lower one (one-sided conformalised
    quantile regression), each row counted by its weight. Give ``groups`` where rows are not drawn one by one, such as
    the weeks of a series. Quantiles never cross.

    Parameters
    ----------
    levels
        Rising, strictly between 0 and 1, with 0.5 among them.
    bounds
        Least and greatest value of the target, ``None`` for none: quantiles are clamped to them.
    network, n_members, n_networks, width, depth, dropout, numeric, n_bins, learning_rate, weight_decay, batch_size,
    max_epochs, patience, validation_fraction, kinds, special_codes, protected, monotone, max_seconds, warm_start,
    checkpoint, device, precision, random_state, progress
        As in ``TabularRegressor``.

    Attributes
    ----------
    conformal_shifts_ : ndarray
        What is added to the quantile of each level, float64 ``(n_levels,)``; 0 where no rows could be held out.
    n_held_out_ : int
        Rows the shifts were learnt from, censored ones left out.
    target_centre_, target_scale_ : float
        (Weighted) median of ``y`` and mean distance from it, in which the networks count.
    schema_, module_, history_, training_, background_
        As in ``TabularRegressor``.

    References
    ----------
    Romano, Patterson, Candes (2019). Conformalized Quantile Regression. NeurIPS (theorem 2: one shift per end).
    Candes, Lei, Ren (2023). Conformalized survival analysis. JRSS B 85, for what censored rows ask of calibration.
    Powell (1986). Censored regression quantiles. J. Econometrics 32; see ``appkit.model.heads.QuantileHead``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"x": rng.uniform(size=400)})
    >>> y = X["x"] * rng.uniform(0, 10, size=400)
    >>> model = TabularQuantileRegressor(width=16, n_networks=1, max_epochs=3, random_state=0).fit(X, y)
    >>> bool((np.diff(model.predict_quantiles(X)) >= 0).all())
    True
    """

    head_: QuantileHead

    def __init__(
        self,
        *,
        levels: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
        bounds: tuple[float | None, float | None] = (None, None),
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
        self.levels = levels
        self.bounds = bounds

    def predict(self, X: Any) -> np.ndarray:
        """Return medians, float64 ``(n_rows,)``."""
        return self.predict_quantiles(X)[:, self.head_.median]

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Return the quantiles of ``levels``, rising, float64 ``(n_rows, n_levels)``."""
        return self._quantiles(torch.from_numpy(self._answers(X))).numpy()

    def predict_interval(self, X: Any, *, alpha: float = 0.1) -> np.ndarray:
        """Return lower and upper ends, float64 ``(n_rows, 2)``, that hold the truth with probability ``1 - alpha``.

        Raises
        ------
        ValueError
            If ``alpha / 2`` and ``1 - alpha / 2`` are not among ``levels``, or too few rows were held out for them.
        """
        check_is_fitted(self)
        ends = [self._place_of(level) for level in (alpha / 2, 1 - alpha / 2)]
        needed = math.ceil(2 / alpha) - 1
        if self.n_held_out_ < needed:
            raise ValueError(f"alpha={alpha} needs at least {needed} held-out rows, the model has {self.n_held_out_}.")
        return self.predict_quantiles(X)[:, ends]

    def _place_of(self, level: float) -> int:
        places = np.flatnonzero(np.isclose(self.head_.levels, level))
        if not len(places):
            raise ValueError(f"The interval needs levels={level:g}, the model has {self.head_.levels}.")
        return int(places[0])

    def _check_params(self) -> None:
        super()._check_params()
        QuantileHead(0.0, 1.0, levels=tuple(self.levels))
        low, high = self._range
        if not low < high:
            raise ValueError(f"bounds must be (least, greatest) with None for none, got {self.bounds!r}.")

    @property
    def _range(self) -> tuple[float, float]:
        low, high = self.bounds
        return -np.inf if low is None else float(low), np.inf if high is None else float(high)

    def _learn_target(self, y: Any, *, n_rows: int, weight: np.ndarray | None) -> np.ndarray:
        values, is_censored = _value_and_censored(y)
        values = super()._learn_target(values, n_rows=n_rows, weight=weight)
        weight = np.ones(n_rows) if weight is None else weight
        # what a few rows far out cannot move: demand has them, and a unit a hundred times too large is not learnt in
        self.target_centre_ = float(weighted_quantiles(values, weight, np.array([0.5]))[0])
        self.target_scale_ = float(np.average(np.abs(values - self.target_centre_), weights=weight)) or 1.0
        return _target(values, is_censored)

    def _encode_target(self, y: Any, *, n_rows: int) -> np.ndarray:
        values, is_censored = _value_and_censored(y)
        return _target(check_values(values, n_rows=n_rows), is_censored)

    def _make_head(self, data: TrainingData) -> Head:
        low, high = self._range
        levels = tuple(float(level) for level in self.levels)
        return QuantileHead(self.target_centre_, self.target_scale_, levels=levels, low=low, high=high)

    def _learn_from_held_out(self, ensemble: Ensemble, rows: TrainingData, *, is_blind: bool) -> None:
        levels = self.head_.levels
        self.conformal_shifts_, self.n_held_out_ = np.zeros(len(levels)), 0
        if is_blind:
            return
        held = torch.from_numpy(ensemble.held_out).to(rows.target.device)
        target = rows.target[held].cpu().numpy().reshape(len(held), -1)
        quantiles = self.head_.means(ensemble.logits).mean(dim=1).cpu().numpy()
        is_seen = np.ones(len(held), dtype=bool) if target.shape[1] == 1 else target[:, 1] == 0
        self.n_held_out_ = int(is_seen.sum())
        over = target[:, :1] - quantiles
        weight = rows.weight[held].cpu().numpy().astype(np.float64)
        shifts = [_shift(over[:, k], is_seen, weight, level) for k, level in enumerate(levels)]
        self.conformal_shifts_ = np.array(shifts)

    def _in_units(self, means: Tensor, units: str) -> Tensor:
        return self._quantiles(means)[:, [self.head_.median]]

    def _quantiles(self, means: Tensor) -> Tensor:
        """Move averaged quantiles by what held-out rows said; order is kept on either side of the median."""
        shifts = torch.from_numpy(self.conformal_shifts_).to(means.device)
        moved, middle = (means + shifts).clamp(*self._range), self.head_.median
        lower = moved[:, : middle + 1].flip(1).cummin(dim=1).values.flip(1)
        return torch.cat([lower, moved[:, middle:].cummax(dim=1).values[:, 1:]], dim=1)


def _shift(over: np.ndarray, is_seen: np.ndarray, weight: np.ndarray, level: float) -> float:
    """Return what to add to a quantile that held-out truths were over by, or at least by where not seen.

    The quantile of the residuals' weighted Kaplan-Meier curve, one more row at risk for the row to come: of rows all
    seen and of one weight the conformal quantile. The median stays as it was learnt.
    """
    order = np.lexsort((~is_seen, over))
    is_seen, steps, weight = is_seen[order], over[order], weight[order]
    at_risk = weight.mean() + np.cumsum(weight[::-1])[::-1]
    share_below = 1 - np.cumprod(1 - is_seen * weight / at_risk)[is_seen]
    place = np.searchsorted(share_below, level - 1e-9) if level > 0.5 else np.sum(share_below < level + 1e-9) - 1
    is_known = level != 0.5 and 0 <= place < len(share_below)  # too few rows: predict_interval says so
    return float(steps[is_seen][place]) if is_known else 0.0


def _value_and_censored(y: Any) -> tuple[Any, np.ndarray | None]:
    """Return values, not yet checked, and which are censored, where ``y`` says so."""
    if not (isinstance(y, pd.DataFrame) and set(_CENSORED) & set(y.columns)):
        return y, None
    missing = [name for name in _CENSORED if name not in y]
    if missing:
        raise ValueError(f"y must have the columns value and is_censored, got {list(y.columns)}: no {missing[0]!r}.")
    flags = y["is_censored"].to_numpy(dtype=np.float64, na_value=np.nan)
    is_wrong = ~np.isin(flags, (0.0, 1.0))
    if is_wrong.any():
        row = int(is_wrong.argmax())
        raise ValueError(f"is_censored must be true or false, got {flags[row]:g} in row {y.index[row]}.")
    return y["value"], flags > 0


def _target(values: np.ndarray, is_censored: np.ndarray | None) -> np.ndarray:
    return values if is_censored is None else np.column_stack([values, is_censored])
