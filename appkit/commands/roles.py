"""What part the columns of a training table play: target, label of the event, and what is no feature."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_roles", "check_target", "label_written", "names_in"]

Roles = Mapping[str, str | Sequence[str] | None]
"""Column, or columns, by the option that names them."""


def names_in(roles: Roles) -> tuple[str, ...]:
    """Return the columns that have one of the roles.

    Examples
    --------
    >>> names_in({"target": "rul", "weight": None, "ignore": ["site", "note"]})
    ('rul', 'site', 'note')
    """
    return tuple(name for _, name in _pairs(roles))


def check_roles(aside: Roles, series: Roles) -> None:
    """Raise ``typer.BadParameter`` for a column that is to be left aside and read as unit or time at once."""
    read = {name: role for role, name in _pairs(series)}
    for role, name in _pairs(aside):
        if name in read:
            raise typer.BadParameter(f"{name!r} cannot be --{read[name]} and --{role} at once. Name it once.")


def check_target(y: "pd.Series", *, path: Path) -> None:
    """Raise ``ValueError`` for a target that no row has."""
    if y.isna().all():
        wanted = f"Column {y.name!r} of {path} must hold a target in at least one row"
        raise ValueError(f"{wanted}, got none in {len(y):,}. Check the file.")


def label_written(text: str, y: "pd.Series") -> Any:
    """Return the label of ``y`` that is written as ``text``, in the type it has in the table.

    Examples
    --------
    >>> import pandas as pd
    >>> label_written("1", pd.Series([0.0, 1.0, None], name="fails"))
    1.0
    """
    from appkit.data.cells import text_of

    labels = {text_of(label): label for label in y.dropna().unique().tolist()}
    if text not in labels:
        known = ", ".join(list(labels)[:20])
        raise ValueError(f"--event must be one of the labels of {y.name!r}: {known}; got {text!r}.")
    return labels[text]


def _pairs(roles: Roles) -> Iterator[tuple[str, str]]:
    for role, given in roles.items():
        for name in [given] if isinstance(given, str) else given or ():
            yield role, name
