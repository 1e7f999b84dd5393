"""The thresholds a dossier speaks of: the one in force, and those chosen on validation images."""

from dataclasses import dataclass

from appkit.reporting import ReportContext
from appkit.reporting.facts import Measure, NotFilled
from appkit.reporting.numbers import value_text
from domains.medical.prediction import ChosenPoint, operating_points

__all__ = ["FIXED", "IN_FORCE", "Points", "points_of", "threshold_text", "validation_gap"]

FIXED = (0.9, 0.95)
"""Sensitivities and specificities at which the other is told."""

IN_FORCE = "in force"
_DEFAULT = 0.5


@dataclass(frozen=True)
class Points:
    """Thresholds, none of them chosen on the images of the report.

    Parameters
    ----------
    in_force
        At which the model decides.
    is_stated
        Whether anybody chose that one, by costs or by a threshold.
    chosen
        Those chosen on validation images; empty where none could be.
    gap
        Why none could be; ``None`` where they could.
    """

    in_force: ChosenPoint
    is_stated: bool
    chosen: tuple[ChosenPoint, ...]
    gap: NotFilled | None

    @property
    def all(self) -> tuple[ChosenPoint, ...]:
        """All of them, the one in force first."""
        return (self.in_force, *self.chosen)


def points_of(context: ReportContext) -> Points:
    """Return the threshold in force, and thresholds from the validation images where these hold both classes."""
    assert context.threshold is not None, "two classes"
    is_stated = context.costs is not None or context.threshold != _DEFAULT
    how = "of the costs" if context.costs is not None else "as stated" if is_stated else "the default, chosen by nobody"
    in_force = ChosenPoint(IN_FORCE, float(context.threshold), how)
    gap = validation_gap(context, item="Operating points")
    if gap is not None:
        return Points(in_force, is_stated, (), gap)
    assert context.validation_events is not None
    assert context.validation_output is not None
    chosen = operating_points(
        context.validation_events, context.validation_output, sensitivities=FIXED, specificities=FIXED
    )
    return Points(in_force, is_stated, chosen, None)


def validation_gap(context: ReportContext, *, item: str) -> NotFilled | None:
    """Return why nothing can be chosen on validation images; ``None`` where they hold both classes."""
    events = context.validation_events
    if events is None:
        why = "They are chosen on images that neither trained nor test the model, and none were given"
        return NotFilled(item=item, why=why, argument="validation=(X_val, y_val)")
    if events.all() or not events.any():
        which = "with" if events.all() else "without"
        why = f"All {len(events)} validation images are {which} the {context.words['event']}"
        return NotFilled(item=item, why=why, fill="images of both classes", argument="validation=(X_val, y_val)")
    return None


def threshold_text(threshold: float) -> str:
    """Return a threshold as a probability.

    Examples
    --------
    >>> threshold_text(0.5), threshold_text(0.0342)
    ('50.0\u202f%', '3.4\u202f%')
    """
    return value_text(Measure(threshold, unit="%", decimals=1 if 0.005 <= threshold <= 0.995 else 2))
