"""Neural classifier for tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from appkit.model.costs import Costs
from appkit.model.networks import NetworkFactory
from appkit.model.neural_classifier import NeuralClassifier
from appkit.model.table_estimator import TableEstimator

__all__ = ["TabularClassifier"]


class TabularClassifier(NeuralClassifier, TableEstimator):
    """Neural classifier for tables: a TabM ensemble with piecewise-linear embeddings, calibrated on held-out rows.

    Takes a DataFrame as it is: numbers, text, categories, booleans, dates, missing values, categories never seen
    before. Networks are trained over folds, each stopped on the log-loss of rows it never saw, and one affine map on
    the members' logits makes the averaged probability match frequencies in the (weighted) training population.

    Parameters
    ----------
    network
        ``"tabm"`` (ensemble of ``n_members`` that share weights), ``"mlp"`` (plain), or a factory
        ``factory(layout, n_outputs) -> nn.Module``, see ``appkit.model.networks.NetworkFactory``.
    n_members
        Members of each TabM.
    n_networks
        Networks trained over folds and averaged; ``"auto"``: 8 under 3,000 rows, 5 under 20,000, else 2.
    width, depth, dropout
        Hidden units, hidden layers, share of units dropped.
    numeric
        ``"robust"`` (median, quartiles, smooth clipping) or ``"quantile"`` scaling of numbers.
    n_bins
        Most bins of the piecewise-linear embedding of a number; ``"auto"``: one per 128 rows, from 16 to 256.
    learning_rate, weight_decay, batch_size, max_epochs
        AdamW; ``batch_size="auto"`` is 32 to 256 by the number of rows, and 1024 with twice the rate from 20,000 rows.
    patience
        Epochs without a better held-out loss before a network stops; its best epoch is restored.
    validation_fraction
        Share of rows each network holds out where there are fewer networks than ``1 / validation_fraction``.
    class_weight
        ``None``, ``"balanced"`` or weights by class: multiplies ``sample_weight``, so probabilities are calibrated to
        the weighted population.
    costs
        ``Costs`` of a binary decision: ``predict`` then raises the event where that costs less. ``None``: the more
        probable class.
    threshold
        Probability of the event from which ``predict`` says the event; not together with ``costs``.
    calibrate
        Whether to fit the affine map; off leaves raw network probabilities.
    kinds
        Kind of a column (``"numeric"``, ``"category"``, ``"boolean"``, ``"time"``) where its dtype misleads.
    special_codes
        Codes among numbers by column, such as ``{"x": (-9, -8)}``; ``"auto"`` detects and warns.
    protected
        Columns that stay out of the features but may be in the table (sex, age).
    monotone
        ``{"column": 1 or -1}``: the probability of the second class (the event) never falls, or never rises, in it.
        Holds by construction; missing values and special codes are excepted.
    max_seconds
        Time after which no further epoch starts; shared evenly over networks.
    warm_start
        Go on from the fitted networks, schema and encoder.
    checkpoint
        File to keep a fit in progress; a killed fit with the same data and parameters goes on from there.
    device, precision
        ``"auto"`` or a torch device; ``"auto"``, ``"float32"`` or ``"bfloat16"``.
    random_state
        Seed; equal seeds give equal bits on a CPU at equal thread count.
    progress
        Progress bar: ``"auto"`` on a terminal.

    Attributes
    ----------
    classes_ : ndarray
        Labels in the order of ``predict_proba``.
    class_weight_ : ndarray
        Weight of each of them, learnt from ``y``; rows given as ``X_val`` weigh the same.
    schema_ : Schema
        Columns as learnt.
    module_ : torch.nn.Module
        Trained networks.
    calibration_ : AffineCalibration
        Map on member logits.
    history_ : DataFrame
        One row per network and epoch: losses and seconds.
    training_ : dict
        Device, precision, sizes, seconds and every fall-back.
    background_ : DataFrame
        Sample of training rows that stands for "feature unknown" in explanations.

    References
    ----------
    Gorishniy, Kotelnikov, Babenko (2025). TabM. ICLR.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"age": [20, 30, 40, 50] * 20, "job": ["a", "b", "b", None] * 20})
    >>> y = ["bad", "good", "good", "good"] * 20
    >>> model = TabularClassifier(width=32, max_epochs=60, random_state=0).fit(X, y)
    >>> model.predict(X[:4])
    array(['bad', 'good', 'good', 'good'], dtype='<U4')
    """

    _binary_only: tuple[str, ...] = ("costs", "threshold", "monotone")

    def __init__(
        self,
        *,
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
        self.class_weight = class_weight
        self.costs = costs
        self.threshold = threshold
        self.calibrate = calibrate

    def _signs(self) -> dict[str, int]:
        flip = 1 if self.event_index_ == 1 else -1
        return {name: flip * sign for name, sign in super()._signs().items()}
