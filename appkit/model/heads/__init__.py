"""What the logits of a network mean: their loss, and the probabilities or values they stand for."""

from appkit.model.heads.classification import BinaryHead, MulticlassHead, MultiLabelHead, OrdinalHead, OrdinalNetwork
from appkit.model.heads.hazard import HazardHead, hazard_edges, hazard_head
from appkit.model.heads.head import Head
from appkit.model.heads.regression import QuantileHead, RegressionHead
from appkit.model.heads.survival import expected_life, survival_at

__all__ = [
    "BinaryHead",
    "HazardHead",
    "Head",
    "MultiLabelHead",
    "MulticlassHead",
    "OrdinalHead",
    "OrdinalNetwork",
    "QuantileHead",
    "RegressionHead",
    "expected_life",
    "hazard_edges",
    "hazard_head",
    "survival_at",
]
