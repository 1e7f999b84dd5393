"""Reason codes: what raised an applicant's risk, in the bank's own words, and only as far as it is certain."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from appkit.explanation.explanation import Explanation

__all__ = ["ReasonCode", "default_wording", "read_wording", "reason_codes", "write_wording"]

_COLUMNS = ["code", "concept", "sentence"]


@dataclass(frozen=True)
class ReasonCode:
    """One reason given to an applicant.

    Parameters
    ----------
    code
        Short code of the bank, such as ``"R03"``.
    concept
        What the reason is about: one column, or several that mean one thing.
    sentence
        Words for the applicant.
    effect
        By how much the concept raised the risk over the reference, in the units of the explanation.
    standard_error
        Of ``effect``.
    columns
        Columns merged into the concept, largest effect first.
    reference
        Whom the applicant is compared with.
    """

    code: str
    concept: str
    sentence: str
    effect: float
    standard_error: float
    columns: tuple[str, ...]
    reference: str


def reason_codes(
    explanation: Explanation,
    *,
    reference: str,
    concepts: Mapping[str, str] | None = None,
    wording: pd.DataFrame | None = None,
    top: int = 4,
    protected: Iterable[str] = (),
    output: int = 0,
) -> list[tuple[ReasonCode, ...]]:
    """Return the reasons of each row, strongest first; a row may have none.

    A reason must raise the risk, and by more than two of its standard errors. Effects of one concept are added before
    they are judged, so two columns that say the same do not take two places, and opposite effects cancel. The standard
    error of a sum is taken as if its parts were independent: Shapley values of a row sum to a known total, so their
    errors lean against each other and this errs on the cautious side.

    Parameters
    ----------
    explanation
        Shapley values of the probability of default (or its log-odds), one player per column.
    reference
        Whom the background rows stand for, in words: ``"all training applicants"``, ``"approved applicants"``. It is
        kept with each reason, because the same applicant has other reasons against another reference.
    concepts
        Concept of each column; a column not named is a concept of its own.
    wording
        Columns ``code``, ``concept`` and ``sentence``, see :func:`default_wording`. ``{value}`` in a sentence is
        replaced by what the concept's strongest column showed.
    top
        Most reasons per row.
    protected
        Columns that must not drive a decision.
    output
        Which output of the explanation is the probability of default.

    Raises
    ------
    ValueError
        If a protected column is among the players: it drives the model, and leaving it out of the list would hide
        that. If the method has no standard error or is not additive.
    """
    names = explanation.player_names
    _check_usable(explanation, reference, top=top, protected=set(protected))
    concept_of = {name: (concepts or {}).get(name, name) for name in names}
    order = list(dict.fromkeys(concept_of.values()))
    words = _words_for(order, default_wording(order) if wording is None else _checked_wording(wording))
    membership = np.array([[concept_of[name] == concept for concept in order] for name in names], dtype=np.float64)
    values = explanation.values[..., output]
    effects = values @ membership
    errors = np.sqrt(explanation.standard_error[..., output] ** 2 @ membership)
    reasons = []
    for row in range(len(values)):
        certain = np.flatnonzero((effects[row] > 0) & (effects[row] > 2 * errors[row]))
        ranked = certain[np.argsort(-effects[row, certain], kind="stable")][:top]
        reasons.append(
            tuple(
                _reason(
                    words[order[place]],
                    values[row],
                    explanation.data[row],
                    members=np.flatnonzero(membership[:, place]),
                    names=names,
                    effect=(float(effects[row, place]), float(errors[row, place])),
                    reference=reference,
                )
                for place in ranked
            )
        )
    return reasons


def default_wording(concepts: Sequence[str]) -> pd.DataFrame:
    """Return a wording table to start from: one plain sentence per concept, meant to be edited by the bank.

    Examples
    --------
    >>> default_wording(["credit_utilisation"]).loc[0, "sentence"]
    'Credit utilisation ({value}) raises the estimated risk'
    """
    rows = [
        (f"R{place:02d}", concept, f"{_spoken(concept)} ({{value}}) raises the estimated risk")
        for place, concept in enumerate(concepts, start=1)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def read_wording(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a wording table from a UTF-8 CSV file with the columns ``code``, ``concept`` and ``sentence``."""
    return _checked_wording(pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig"))


def write_wording(wording: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a wording table as CSV; an interrupted write leaves the old file as it was."""
    target = Path(path)
    partial = target.with_name(target.name + ".part")
    _checked_wording(wording).to_csv(partial, index=False, encoding="utf-8")
    partial.replace(target)


def _check_usable(explanation: Explanation, reference: str, *, top: int, protected: set[str]) -> None:
    if not reference.strip():
        raise ValueError("reference must name whom applicants are compared with, such as 'approved applicants'.")
    if top < 1:
        raise ValueError(f"top must be at least 1, got {top!r}.")
    used = [name for name in explanation.player_names if name in protected]
    if used:
        raise ValueError(
            f"Protected columns {used} drive the model, so reasons that leave them out would be untrue. "
            "Fit the model without them."
        )
    if not explanation.is_additive or np.isnan(explanation.standard_error).any():
        raise ValueError(
            f"Reason codes need effects that add up, with standard errors; {explanation.method!r} gives none. "
            "Explain with method='shapley'."
        )


def _checked_wording(wording: pd.DataFrame) -> pd.DataFrame:
    missing = [column for column in _COLUMNS if column not in wording.columns]
    if missing:
        raise ValueError(f"The wording table must have the columns {_COLUMNS}, {missing} are missing.")
    table = wording[_COLUMNS].astype(str).reset_index(drop=True)
    empty = [int(row) for row in np.flatnonzero((table.apply(lambda column: column.str.strip()) == "").any(axis=1))]
    if empty:
        raise ValueError(f"The wording table must have no empty cell, got some in rows {empty[:5]}.")
    repeated = sorted(set(table["concept"][table["concept"].duplicated()]))
    if repeated:
        raise ValueError(f"The wording table must have one row per concept, got several for {repeated}.")
    return table


def _words_for(concepts: Sequence[str], wording: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    known = {
        concept: (code, concept, sentence)
        for code, concept, sentence in zip(*(wording[column] for column in _COLUMNS), strict=True)
    }
    unworded = [concept for concept in concepts if concept not in known]
    if unworded:
        raise ValueError(f"The wording table must have a sentence for every concept, {unworded} have none.")
    return known


def _reason(
    words: tuple[str, str, str],
    values: np.ndarray,
    shown: np.ndarray,
    *,
    members: np.ndarray,
    names: Sequence[str],
    effect: tuple[float, float],
    reference: str,
) -> ReasonCode:
    ranked = members[np.argsort(-values[members], kind="stable")]
    code, concept, sentence = words
    # replaced, not formatted: a table that people edit must not reach into Python objects
    filled = sentence.replace("{value}", _as_text(shown[ranked[0]]))
    return ReasonCode(code, concept, filled, *effect, tuple(names[place] for place in ranked), reference)


def _as_text(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "not given"
    if isinstance(value, float | np.floating):
        return f"{value:,.10g}".replace(",", " ")
    return str(value)


def _spoken(concept: str) -> str:
    words = re.sub(r"[_\-.]+", " ", concept).strip()
    return words[:1].upper() + words[1:]
