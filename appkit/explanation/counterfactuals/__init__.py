"""Counterfactuals: what would have to be otherwise, in a table or a history, for the model to decide otherwise."""

from appkit.explanation.counterfactuals.histories import RemovalSets, removal_sets
from appkit.explanation.counterfactuals.result import Counterfactuals
from appkit.explanation.counterfactuals.smallest import counterfactuals

__all__ = ["counterfactuals", "Counterfactuals", "removal_sets", "RemovalSets"]
