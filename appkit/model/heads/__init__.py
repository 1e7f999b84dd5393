"""What the logits of a network mean: their loss, and the probabilities or values they stand for."""

from appkit.model.heads.classification import BinaryHead, MulticlassHead, OrdinalHead, OrdinalNetwork
from appkit.model.heads.head import Head
from appkit.model.heads.regression import QuantileHead, RegressionHead

__all__ = [
    "BinaryHead",
    "Head",
    "MulticlassHead",
    "OrdinalHead",
    "OrdinalNetwork",
    "QuantileHead",
    "RegressionHead",
]
