"""A number with its interval: how every figure of appkit is reported."""

from dataclasses import dataclass

__all__ = ["Estimate"]


@dataclass(frozen=True)
class Estimate:
    """A measured quantity and the interval that holds it.

    Parameters
    ----------
    name
        What was measured, in the field's word: ``"AUC"``.
    value
        Point estimate.
    low, high
        Ends of the interval; both equal ``value`` only when the quantity is exact.
    method
        How the interval was made: ``"DeLong"``, ``"Wilson"``, ``"bootstrap, 1000 resamples"``.
    n
        Rows behind the number.
    level
        Coverage the interval aims at.

    Examples
    --------
    >>> str(Estimate("AUC", 0.8164, 0.8012, 0.8309, method="DeLong", n=6000))
    'AUC 0.816 (0.801 to 0.831)'
    """

    name: str
    value: float
    low: float
    high: float
    method: str
    n: int
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.name} {self.value:.3f} ({self.low:.3f} to {self.high:.3f})"
