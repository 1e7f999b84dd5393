"""appkit: neural estimators whose explanations carry their own proof.

Five verbs, the same for every kind of data: ``fit``, ``predict``, ``explain``, ``report``, ``save``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from appkit.data import Schema
    from appkit.domain import Domain
    from appkit.explanation import Explanation, explain
    from appkit.model import (
        ImageClassifier,
        InteractionRecommender,
        SequenceClassifier,
        SequenceRegressor,
        TabularClassifier,
        TabularRegressor,
    )
    from appkit.persistence import load, save
    from appkit.prediction import evaluate
    from appkit.reporting import Report, report

__all__ = [
    "Schema",
    "TabularClassifier",
    "TabularRegressor",
    "SequenceClassifier",
    "SequenceRegressor",
    "ImageClassifier",
    "InteractionRecommender",
    "evaluate",
    "explain",
    "Explanation",
    "report",
    "Report",
    "save",
    "load",
    "Domain",
]

__version__ = "0.1.0"

_HOME = {
    "Schema": "appkit.data",
    "TabularClassifier": "appkit.model",
    "TabularRegressor": "appkit.model",
    "SequenceClassifier": "appkit.model",
    "SequenceRegressor": "appkit.model",
    "ImageClassifier": "appkit.model",
    "InteractionRecommender": "appkit.model",
    "evaluate": "appkit.prediction",
    "explain": "appkit.explanation",
    "Explanation": "appkit.explanation",
    "report": "appkit.reporting",
    "Report": "appkit.reporting",
    "save": "appkit.persistence",
    "load": "appkit.persistence",
    "Domain": "appkit.domain",
}


if not TYPE_CHECKING:  # a type checker reads the imports above, and would take any name on trust from this function

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first asked for: ``appkit --help`` should not wait for torch."""
        if name not in _HOME:
            raise AttributeError(f"module 'appkit' has no attribute {name!r}.")
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
