"""What a domain package plugs in, and how it is found.

A domain (finance, medical, ...) exports one :class:`Domain` and names it in its package metadata under the entry
point group ``appkit.domains``. The command line, persistence and the report look it up here, so a new domain needs no
change in appkit.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any

__all__ = ["Domain", "discover_domains", "domain_of"]

ENTRY_POINT_GROUP = "appkit.domains"


@dataclass(frozen=True)
class Domain:
    """Declaration of a domain package.

    Parameters
    ----------
    name
        Word used on the command line, such as ``"finance"``.
    title
        Heading used in help and reports.
    estimators
        Public estimator classes by name; the first is the default of the command line.
    datasets
        Loaders by data set name; each takes no required argument and returns a ``Dataset``.
    demo
        ``demo(out_dir, *, progress) -> None``: train on embedded data, write a report. ``None`` if there is none.
    wording
        Words of the domain for the shared report: ``event`` ("default"), ``row`` ("loan"), ``rows`` ("loans"), ...
    report_sections
        ``report_sections(context) -> tuple[Section, ...]``: the domain's own sections, see ``appkit.reporting``.
    clean
        ``clean(table, *, user, item, time, quantity, price, invoice, not_products, cut)``: what is left of raw
        transactions, as an object with ``table`` and ``log`` (columns ``rule`` and ``removed``). ``None`` if there is
        none.
    """

    name: str
    title: str
    estimators: Mapping[str, type]
    datasets: Mapping[str, Callable[..., Any]]
    demo: Callable[..., Any] | None = None
    wording: Mapping[str, str] = field(default_factory=dict)
    report_sections: Callable[..., Any] | None = None
    clean: Callable[..., Any] | None = None


@cache
def discover_domains() -> Mapping[str, Domain]:
    """Return every installed domain by name, own and third-party alike.

    Examples
    --------
    >>> "finance" in discover_domains()
    True
    """
    return {domain.name: domain for domain in _load_domains()}


def domain_of(estimator: object) -> Domain | None:
    """Return the domain that declares the class of ``estimator``, or ``None``."""
    for domain in discover_domains().values():
        if type(estimator) in domain.estimators.values():
            return domain
    return None


def _load_domains() -> Iterator[Domain]:
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        domain = point.load()
        if not isinstance(domain, Domain):
            raise TypeError(f"Entry point {point.name!r} of {ENTRY_POINT_GROUP} must be a Domain, got {domain!r}.")
        yield domain
