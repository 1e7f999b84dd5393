"""A hundred marks: shape is the decision, filled is the event."""

from appkit.reporting.charts.plot import alternative, labelled
from appkit.reporting.facts import PerHundred
from appkit.reporting.markup import Markup, shape, tag

__all__ = ["outcome_mark", "per_hundred_plot", "shares_of"]

_RINGS = {("accepted", False): "ring", ("accepted", True): "up", ("declined", False): "box0", ("declined", True): "dn"}


def per_hundred_plot(figure: PerHundred, *, name: str) -> Markup:
    """Return the marks in rows of 25, in the order of the outcomes."""
    kinds = [
        _RINGS[outcome.decision, outcome.is_event]
        for outcome, n in zip(figure.outcomes, shares_of(figure), strict=True)
        for _ in range(n)
    ]
    marks = [_mark(kind, 10 + 18 * (i % 25), 10 + 18 * (i // 25)) for i, kind in enumerate(kinds)]
    height = 2 + 18 * -(-len(kinds) // 25)
    title, desc = alternative(name, figure.description or figure.finding)
    return tag("svg", title, desc, *marks, viewBox=f"0 0 452 {height}", class_="hundred", **labelled(name))


def outcome_mark(decision: str, *, is_event: bool) -> Markup:
    """Return the mark of one outcome for the key."""
    return tag("svg", _mark(_RINGS[decision, is_event], 11, 6), viewBox="0 0 22 12", aria_hidden="true")


def shares_of(figure: PerHundred) -> tuple[int, ...]:
    """Return how many marks each outcome gets, by largest remainder; they add up to ``figure.marks``.

    Examples
    --------
    >>> from appkit.reporting.facts import Outcome
    >>> thirds = tuple(Outcome(label, 1, "accepted", False) for label in "abc")
    >>> shares_of(PerHundred(key="k", finding="f", caption="c", outcomes=thirds))
    (34, 33, 33)
    """
    total = sum(outcome.n for outcome in figure.outcomes)
    whole = [outcome.n * figure.marks // total for outcome in figure.outcomes]
    remainders = [outcome.n * figure.marks % total for outcome in figure.outcomes]
    largest = sorted(range(len(whole)), key=lambda i: (-remainders[i], i))
    for i in largest[: figure.marks - sum(whole)]:
        whole[i] += 1
    return tuple(whole)


def _mark(kind: str, x: int, y: int) -> Markup:
    if kind in ("ring", "up"):
        return shape("circle", class_=kind, cx=x, cy=y, r=5 if kind == "ring" else 5.7)
    size = 10 if kind == "box0" else 11
    return shape("rect", class_=kind, x=x - size / 2, y=y - size / 2, width=size, height=size)
