"""Say what was reached of what is asked."""

from collections.abc import Mapping

__all__ = ["told"]


def told(value: float, marks: Mapping[str, float], *, digits: int = 3, less_is_better: bool = False) -> str:
    """Return a value beside the marks set for it, each reached or missed, before rounding.

    Examples
    --------
    >>> told(0.9801, {"floor": 0.975, "goal": 0.985})
    '0.980: floor 0.975 reached, goal 0.985 missed by 0.005'
    >>> told(1.2, {"floor": 1.0}, digits=1, less_is_better=True)
    '1.2: floor 1.0 missed by 0.2'
    """
    said = []
    for name, mark in marks.items():
        short = value - mark if less_is_better else mark - value
        end = "reached" if short <= 0 else f"missed by {short:.{digits}f}"
        said.append(f"{name} {mark:.{digits}f} {end}")
    return f"{value:.{digits}f}: {', '.join(said)}"
