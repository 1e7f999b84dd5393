"""Networks, training and the scikit-learn face."""

from appkit.model.augmentation import AUGMENTATIONS, Augmentation
from appkit.model.classifier import TabularClassifier
from appkit.model.costs import Costs, bayes_decision, cost_threshold
from appkit.model.image_classifier import ImageClassifier
from appkit.model.image_networks import ImageNetworkFactory
from appkit.model.interaction_recommender import InteractionRecommender
from appkit.model.multilabel_image_classifier import MultiLabelImageClassifier
from appkit.model.networks import MLP, NetworkFactory, TableEmbedding, TabM
from appkit.model.quantile_regressor import TabularQuantileRegressor
from appkit.model.regressor import TabularRegressor
from appkit.model.sequence_classifier import SequenceClassifier
from appkit.model.sequence_regressor import SequenceRegressor
from appkit.model.series_networks import SeriesNetworkFactory

__all__ = [
    "AUGMENTATIONS",
    "MLP",
    "Augmentation",
    "Costs",
    "ImageClassifier",
    "ImageNetworkFactory",
    "InteractionRecommender",
    "MultiLabelImageClassifier",
    "NetworkFactory",
    "SequenceClassifier",
    "SequenceRegressor",
    "SeriesNetworkFactory",
    "TabM",
    "TableEmbedding",
    "TabularClassifier",
    "TabularQuantileRegressor",
    "TabularRegressor",
    "bayes_decision",
    "cost_threshold",
]
