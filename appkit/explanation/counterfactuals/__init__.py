"""Counterfactuals for tables: what would have to be otherwise for the model to decide otherwise."""

from appkit.explanation.counterfactuals.result import Counterfactuals
from appkit.explanation.counterfactuals.smallest import counterfactuals

__all__ = ["counterfactuals", "Counterfactuals"]
