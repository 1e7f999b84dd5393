"""Networks, training and the scikit-learn face."""

from appkit.model.classifier import TabularClassifier
from appkit.model.costs import Costs, bayes_decision, cost_threshold
from appkit.model.networks import MLP, NetworkFactory, TableEmbedding, TabM
from appkit.model.regressor import TabularRegressor

__all__ = [
    "MLP",
    "Costs",
    "NetworkFactory",
    "TabM",
    "TableEmbedding",
    "TabularClassifier",
    "TabularRegressor",
    "bayes_decision",
    "cost_threshold",
]
