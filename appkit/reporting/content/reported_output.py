"""Which one output of a model a report is about: a value, the event, or one of several classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from appkit.model.heads import MultiLabelHead
from appkit.prediction import event_of

__all__ = ["ReportedOutput", "reported_output"]


@dataclass(frozen=True)
class ReportedOutput:
    """The output of a model that a report is about.

    Parameters
    ----------
    task
        ``"binary"``, ``"multiclass"`` or ``"regression"``.
    label
        Label of the event or class whose probability is meant; ``None`` for a value.
    position
        Its column of ``predict_proba``; 0 for a value.
    """

    task: str
    label: Any
    position: int


def reported_output(model: Any, *, output: Any = None) -> ReportedOutput:
    """Return the event of two classes, ``output`` of several (the last one by default), or the value.

    Raises
    ------
    ValueError
        If ``output`` is no class of the model, or its labels go together.
    """
    if not (is_classifier(model) or hasattr(model, "predict_proba")):
        return ReportedOutput("regression", None, 0)
    classes = np.asarray(model.classes_).tolist()
    if isinstance(getattr(model, "head_", None), MultiLabelHead):
        raise ValueError(
            f"A report is about classes of which one holds, {type(model).__name__} tells labels that go together: "
            f"{classes[:5]}. Fit a classifier of one of them, y == 1, and report on that."
        )
    if len(classes) == 2:
        event = event_of(model)
        return ReportedOutput("binary", event, classes.index(event))
    if output is not None and output not in classes:
        raise ValueError(f"output must be one of the classes {classes}, got {output!r}.")
    label = classes[-1] if output is None else output
    return ReportedOutput("multiclass", label, classes.index(label))
