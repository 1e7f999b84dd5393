"""Remaining useful life of machines from their sensor series, with intervals and survival curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from appkit import explanation as _explanation
from appkit import reporting as _reporting
from appkit.explanation import Explanation
from appkit.model import SequenceRegressor, SeriesNetworkFactory
from appkit.model.neural_estimator import Examples
from appkit.reporting import Report
from domains.manufacturing.failure_modes import check_failure_modes

__all__ = ["RemainingLifeRegressor"]

_HEALTHY_SHARE = 0.25  # of the training windows: those with most life left


class RemainingLifeRegressor(SequenceRegressor):
    """Time a machine has left, judged from its last ``window`` readings, with an interval that says how sure.

    A ``SequenceRegressor`` whose values lie between 0 and ``cap`` and whose explanations compare with healthy windows.

    Parameters
    ----------
    cap
        Longest life told apart, in units of ``time``: a machine far from failure shows nothing that would tell how far.
        125 cycles is usual for the C-MAPSS engines. ``None``: no cap.
    head
        ``"mean"``, ``"quantile"``, or ``"hazard"``: the last learns from machines that have not failed yet, too, and
        gives survival curves; ``y`` is then a frame with columns ``event`` and ``duration``, see
        ``domains.manufacturing.time_to_event``.
    failure_modes
        Sensors that each failure mode shows in, ``{"bearing": ["vibration", "heat"]}``; not used for learning, but to
        say which mode the drivers of a prediction point to, see ``domains.manufacturing.explanation.point_to_modes``.
    network
        ``"statistics"`` by default: wear shows in levels and trends. On C-MAPSS FD001, cross-validated by engine, it
        was as good as convolutions at a fifth of their cost, and windows of 80 readings far better than of 30.
    unit, time, sensors, window, stride, conditions, use_age, n_networks, width, depth, dropout, learning_rate,
    weight_decay, batch_size, max_epochs, patience, validation_fraction, max_seconds, warm_start, checkpoint, device,
    precision, random_state, progress
        As in ``appkit.SequenceRegressor``.

    Attributes
    ----------
    background_ : ndarray
        Healthy windows: whole ones from the quarter of training windows with most life left.
    encoder_, layout_, sensors_, units_, intervals_, module_, history_, training_
        As in ``appkit.SequenceRegressor``.

    References
    ----------
    Heimes (2008). Recurrent neural networks for remaining useful life estimation. PHM, for the capped target.

    Examples
    --------
    >>> from domains.manufacturing import make_degradation
    >>> data = make_degradation(n_units=30, random_state=0)
    >>> X_train, X_test, y_train, y_test = data.split()
    >>> model = RemainingLifeRegressor(
    ...     unit=data.unit, time=data.time_column, cap=60, n_networks=1, max_epochs=2, random_state=0
    ... )
    >>> bool((model.fit(X_train, y_train).predict(X_test) <= 60).all())
    True
    """

    predicts_time: ClassVar[bool] = True  # values are counted as the time column counts

    def __init__(
        self,
        *,
        unit: str = "unit",
        time: str = "time",
        cap: float | None = None,
        head: Literal["mean", "quantile", "hazard"] = "mean",
        failure_modes: Mapping[str, Sequence[str]] | None = None,
        sensors: Sequence[str] | None = None,
        window: int = 80,
        stride: int = 1,
        conditions: Sequence[str] = (),
        use_age: bool = True,
        network: str | SeriesNetworkFactory = "statistics",
        n_networks: int | Literal["auto"] = "auto",
        width: int = 16,
        depth: int | None = None,
        dropout: float = 0.1,
        learning_rate: float = 2e-3,
        weight_decay: float = 1.0,
        batch_size: int | Literal["auto"] = "auto",
        max_epochs: int | Literal["auto"] = "auto",
        patience: int | Literal["auto"] = "auto",
        validation_fraction: float = 0.2,
        max_seconds: float | None = None,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        progress: bool | Literal["auto"] = "auto",
    ) -> None:
        super().__init__(
            unit=unit,
            time=time,
            head=head,
            sensors=sensors,
            window=window,
            stride=stride,
            conditions=conditions,
            use_age=use_age,
            network=network,
            n_networks=n_networks,
            width=width,
            depth=depth,
            dropout=dropout,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            patience=patience,
            validation_fraction=validation_fraction,
            max_seconds=max_seconds,
            warm_start=warm_start,
            checkpoint=checkpoint,
            device=device,
            precision=precision,
            random_state=random_state,
            progress=progress,
        )
        self.cap = cap
        self.failure_modes = failure_modes

    def explain(self, X: Any, **options: Any) -> Explanation:
        """Return ``appkit.explain(self, X, **options)``: effects of sensors over time on the life left."""
        return _explanation.explain(self, X, **options)

    def report(self, X: Any, y: Any, **options: Any) -> Report:
        """Return ``appkit.report(self, X, y, **options)``: the maintenance dossier."""
        return _reporting.report(self, X, y, **options)

    def _check_params(self) -> None:
        if self.cap is not None and not self.cap > 0:
            raise ValueError(f"cap must be a positive time or None, got {self.cap!r}.")
        super()._check_params()

    def _training_examples(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> Examples:
        examples = super()._training_examples(X, y, sample_weight, groups)
        check_failure_modes(self.failure_modes, self.sensors_)
        return examples

    @property
    def _range(self) -> tuple[float, float]:
        return 0.0, np.inf if self.cap is None else float(self.cap)

    def _is_typical(self, target: np.ndarray) -> np.ndarray:
        left = target if target.ndim == 1 else target[:, 1]
        return left >= np.quantile(left, 1 - _HEALTHY_SHARE)
