"""From a model and rows to a report: measure, explain, let the domain add its part, name every gap."""

import datetime
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from appkit.data import check_sample_weight
from appkit.domain import Domain, discover_domains, domain_of
from appkit.model.costs import Costs
from appkit.prediction import evaluate
from appkit.reporting.content.case import case_section, choose_case
from appkit.reporting.content.context import DomainSection, Limits, ReportContext
from appkit.reporting.content.drivers import drivers_section, rank_tile
from appkit.reporting.content.explaining import explain_case, explain_model
from appkit.reporting.content.hashing import Digests, data_hash, model_hash
from appkit.reporting.content.limitations import gaps_of, limitations_section
from appkit.reporting.content.performance import performance_section, performance_tiles
from appkit.reporting.content.phrasing import Words
from appkit.reporting.content.provenance import facts_list, reproduction_section
from appkit.reporting.content.subject import Subject, as_table, subject_of
from appkit.reporting.facts import (
    Counterfactual,
    Limit,
    NotFilled,
    Option,
    RankTile,
    Section,
    Tile,
    Verdict,
    Wording,
)
from appkit.reporting.report import Report
from appkit.reporting.words import lead_sentence

__all__ = ["report"]

_SAMPLED_BACKGROUND = 200
_MOST_TILES = 6
_LEAD_WORDS = 45
_DOMAIN_OPTIONS = ("protected", "dates", "incumbent_score", "challengers")

TableTile = Tile | RankTile | NotFilled


def report(
    model: Any,
    X: Any,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    purpose: str | None = None,
    title: str | None = None,
    data_name: str | None = None,
    report_date: datetime.date | None = None,
    limits: Mapping[str, Limit | tuple[float | None, float | None]] | None = None,
    costs: Costs | None = None,
    threshold: float | None = None,
    background: Any = None,
    reference: Any = None,
    protected: pd.DataFrame | Sequence[str] | None = None,
    dates: ArrayLike | None = None,
    incumbent_score: ArrayLike | None = None,
    challengers: Mapping[str, Any] | Literal["auto"] | None = None,
    case: Any = None,
    counterfactual: Counterfactual | None = None,
    output: Any = None,
    domain: Domain | str | None = None,
    n_explained: int = 200,
    random_state: int = 0,
    progress: bool | Literal["auto"] = "auto",
) -> Report:
    """Measure and explain a fitted model on rows it has not seen, and return everything as a report.

    Parameters
    ----------
    model
        Fitted classifier with ``predict_proba``, or regressor; ours or anybody's.
    X, y
        Rows as the model takes them, ``(n_rows, n_columns)``, and their labels or values, ``(n_rows,)``.
    sample_weight
        Weight of each row, ``(n_rows,)``.
    purpose
        What the model is used for, in a sentence.
    title, data_name
        What the model predicts, and what the rows are called; made up from the domain's words where not given.
    report_date
        Date printed. A report never asks the clock, so that the same inputs give the same bytes.
    limits
        Accepted range by name, ``{"AUC": (0.75, None), "PSI": (None, 0.1)}``. Names are those of the metrics, of the
        checks of the certificate, and what the domain adds; an unknown name is an error. Without a limit nothing
        passes or fails, but the certificate has limits of its own.
    costs, threshold
        Costs of errors, and the probability from which the event is predicted; by default those of the model.
    background
        Rows that stand for what is unknown; by default the model's own, else the reference, else rows of ``X``.
    reference
        Training rows to hold drift against, or ``(X_train, y_train)``; by default the background the model keeps.
    protected
        Columns for the fairness section, or their names in ``X``; by default ``model.protected_``.
    dates, incumbent_score, challengers
        Of a domain's sections: date of each row, score of the rule in force, fitted models by name or ``"auto"``.
    case
        Row to explain: a label of the index of ``X`` or a frame of one row. By default the median, by probability, of
        the rows at the threshold or above.
    counterfactual
        Smallest change that would turn the case's decision, if the caller found one.
    output
        Class to explain where there are more than two; the last one by default.
    domain
        Domain whose words and sections are used, or its name; by default that of the model's class.
    n_explained
        Most rows behind the importance of columns.
    random_state
        Seed of everything drawn.
    progress
        Whether to show a progress bar; ``"auto"`` where standard error is a terminal.

    Raises
    ------
    ValueError
        If a limit names nothing that is measured, or an argument does not fit the rows.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"debt": np.arange(60.0), "age": np.arange(60) % 7})
    >>> y = (X["debt"] + 5 * X["age"] > 45).astype(int)
    >>> page = report(LogisticRegression().fit(X, y), X, y, limits={"AUC": (0.75, None)})
    >>> page.tiles[0].verdict.word
    'passes'
    """
    frame = as_table(X, model=model)
    subject = subject_of(model, X, output=output)
    weights = check_sample_weight(sample_weight, n_rows=len(frame))
    used = _domain(domain, model)
    with _steps(progress, n=5) as step:
        step("Measuring")
        evaluation = evaluate(
            model, X, y, sample_weight=weights, costs=costs, threshold=threshold, random_state=random_state
        )
        costs = costs if costs is not None or threshold is not None else getattr(model, "costs", None)
        known = subject(frame)
        labels = np.asarray(y).ravel()
        flagged = known >= evaluation.threshold if evaluation.threshold is not None else None
        seen, seen_y = _reference(reference, model)
        fill, notes = _background(background, subject, seen, frame, random_state)
        words = Words(_words(used, subject))
        step("Explaining")
        explanation = explain_model(subject, frame, fill, n_explained=n_explained, random_state=random_state)
        row, rule = choose_case(frame, known, flagged, case=case, flagged_word=words["flagged"])
        explained_case = explain_case(subject, row, fill, rule=rule, threshold=evaluation.threshold, seed=random_state)
        step("Comparing")
        context = ReportContext(
            subject=subject,
            X=frame,
            y=labels,
            output=known,
            evaluation=evaluation,
            is_event=labels == subject.output if subject.is_probability else None,
            flagged=flagged,
            explanation=explanation,
            case=explained_case,
            words=words,
            limits=Limits(limits),
            domain=used,
            reference=seen,
            reference_output=None if seen is None else subject(seen),
            reference_y=seen_y,
            sample_weight=weights,
            costs=costs,
            protected=_protected(protected, model, frame),
            dates=dates,
            incumbent_score=incumbent_score,
            challengers=challengers,
            data_name=data_name or "",
            random_state=random_state,
            notes=notes,
        )
        sections, tiles = _sections(context, counterfactual)
        step("Hashing")
        digests = Digests(data_hash(frame, labels, weights), *model_hash(model, known))
        facts = facts_list(context, digests, report_date=report_date)
        step("Writing")
        limitations = limitations_section(
            context, gaps_of(sections, tiles, facts), purpose=purpose, options=_options(context, n_explained)
        )
        given = {
            name: value
            for name, value in {
                "costs": costs,
                "threshold": threshold,
                "limits": limits,
                "n_explained": n_explained,
                "random_state": random_state,
            }.items()
            if value is not None
        }
        closing = reproduction_section(context, digests, command=_command(given))
        _check_limits(context.limits)
    return Report(
        title=title or _title(context),
        kicker=", ".join(part for part in ("" if used is None else used.title, data_name or "") if part)
        or "Model report",
        lead=_lead(tiles),
        tiles=tiles,
        facts=facts,
        sections=(*sections, limitations, closing),
        wording=Wording(**{item.name: words[item.name] for item in fields(Wording)}),
        running_head=f"{title or _title(context)}, model {digests.model[:8]}",
    )


def _sections(
    context: ReportContext, counterfactual: Counterfactual | None
) -> tuple[tuple[Section, ...], tuple[TableTile, ...]]:
    """Return all sections but the closing ones, the domain's merged in, and the verdict strip."""
    own = [performance_section(context), drivers_section(context), case_section(context, counterfactual)]
    added: tuple[Section, ...] = ()
    if context.domain is not None and context.domain.report_sections is not None:
        added = tuple(context.domain.report_sections(context))
    gaps = _unused_options(context) if not added else ()
    tiles = (
        *performance_tiles(context),
        *(tile for section in added if isinstance(section, DomainSection) for tile in section.tiles),
        rank_tile(context),
    )
    sections = _merged(own, added)
    if gaps:
        sections[-1] = _with_blocks(sections[-1], gaps)
    return tuple(sections), tiles[: _MOST_TILES - 1] + tiles[-1:] if len(tiles) > _MOST_TILES else tiles


def _merged(own: Sequence[Section], added: Sequence[Section]) -> list[Section]:
    """Return sections in reading order: blocks of a known key are added to that section, the others put in place."""
    sections = list(own)
    for section in added:
        keys = [known.key for known in sections]
        plain = Section(**{item.name: getattr(section, item.name) for item in fields(Section)})
        if section.key in keys:
            place = keys.index(section.key)
            sections[place] = _with_blocks(sections[place], section.blocks)
            continue
        after = getattr(section, "after", "")
        sections.insert(keys.index(after) + 1 if after in keys else len(sections), plain)
    return sections


def _with_blocks(section: Section, blocks: Sequence[Any]) -> Section:
    values = {item.name: getattr(section, item.name) for item in fields(Section)}
    return Section(**(values | {"blocks": (*section.blocks, *blocks)}))


def _unused_options(context: ReportContext) -> tuple[NotFilled, ...]:
    """Return a named gap for each option that only a domain's sections read."""
    given = [
        name
        for name in _DOMAIN_OPTIONS
        if getattr(context, name) is not None and not (name == "protected" and context.protected is None)
    ]
    return tuple(
        NotFilled(item=f"What {name}= was given for", why="Only a domain’s sections use it", argument="domain=")
        for name in given
    )


def _domain(domain: Domain | str | None, model: Any) -> Domain | None:
    if not isinstance(domain, str):
        return domain or domain_of(model)
    known = discover_domains()
    if domain not in known:
        raise ValueError(f"domain must be one of {sorted(known)}, got {domain!r}.")
    return known[domain]


def _words(domain: Domain | None, subject: Subject) -> Mapping[str, str]:
    if domain is not None:
        return domain.wording
    return {"event": f"event {subject.output!r}", "events": "events"} if subject.task == "binary" else {}


def _reference(reference: Any, model: Any) -> tuple[pd.DataFrame | None, np.ndarray | None]:
    if reference is None:
        return getattr(model, "background_", None), None
    if isinstance(reference, tuple):
        if len(reference) != 2 or len(reference[0]) != len(reference[1]):
            raise ValueError("reference must be training rows or (X_train, y_train) of equal length.")
        return as_table(reference[0], model=model), np.asarray(reference[1]).ravel()
    return as_table(reference, model=model), None


def _background(
    background: Any, subject: Subject, seen: pd.DataFrame | None, X: pd.DataFrame, random_state: int
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows that stand for what is unknown, and what fell back."""
    if background is not None:
        return as_table(background, model=subject.model), ()
    if subject.is_ours:
        return subject.model.background_, ()
    source, note = (X, "rows of this report") if seen is None else (seen, "rows of the reference")
    n = min(_SAMPLED_BACKGROUND, len(source))
    chosen = np.sort(np.random.default_rng(random_state).choice(len(source), n, replace=False))
    return source.iloc[chosen], (f"No background was given: {n} {note}, drawn by the seed, stand in.",)


def _protected(protected: Any, model: Any, X: pd.DataFrame) -> pd.DataFrame | None:
    if isinstance(protected, pd.DataFrame):
        if len(protected) != len(X):
            raise ValueError(f"protected must have one row per row of X, got {len(protected)} for {len(X)}.")
        return protected
    if protected is None:
        present = [name for name in getattr(model, "protected_", ()) if name in X.columns]
        return X[present] if present else None
    absent = [name for name in protected if name not in X.columns]
    if absent:
        raise ValueError(f"protected must name columns of X or be a frame, {absent} are not in X.")
    return X[list(protected)]


def _options(context: ReportContext, n_explained: int) -> tuple[Option, ...]:
    evaluation = context.evaluation
    options = [
        Option("Rows explained", f"at most {n_explained}", "behind the importance of columns", n_explained == 200),
        Option("Seed", str(context.random_state), "of resamples, permutations and the case", context.random_state == 0),
    ]
    if evaluation.threshold is not None:
        source = "from the costs" if context.costs is not None else "as set"
        meaning = f"probability from which a {context.words['row']} is {context.words['flagged']}, {source}"
        options.insert(0, Option("Threshold", f"{evaluation.threshold:.4g}", meaning, evaluation.threshold == 0.5))
    return tuple(options)


def _command(given: Mapping[str, Any]) -> str:
    lines = [f"    {name}={_literal(value)}," for name, value in given.items()]
    return "\n".join(["appkit.report(", "    model, X, y,", *lines, ').save("report.html")'])


def _literal(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {_literal(item)}" for name, item in value.items()) + "}"
    return repr(value)


def _title(context: ReportContext) -> str:
    if context.subject.task == "binary":
        return f"Probability of {context.words['event']}"
    if context.subject.task == "multiclass":
        return f"Class among {len(context.model.classes_)}"
    return "Predicted value"


def _lead(tiles: tuple[TableTile, ...]) -> str:
    """Return what fails, what is open and what passes, in at most 45 words."""
    verdicts = tuple(
        (
            tile.item if isinstance(tile, NotFilled) else tile.name,
            Verdict("unfilled", "") if isinstance(tile, NotFilled) else tile.verdict,
        )
        for tile in tiles
    )
    judged = tuple((name, item) for name, item in verdicts if item.status != "note")
    unjudged = len(verdicts) - len(judged)
    text = lead_sentence(tuple((_plain(name), item) for name, item in judged))
    if unjudged:
        text = f"{text} No limit was set for {'one measure' if unjudged == 1 else f'{unjudged} measures'}.".strip()
    if len(text.split()) <= _LEAD_WORDS:
        return text
    counts = {status: sum(1 for _, item in verdicts if item.status == status) for status in ("fail", "open", "pass")}
    n = len(verdicts)
    return f"Of {n} measures {counts['fail']} fail, {counts['open']} are not settled and {counts['pass']} pass."


def _plain(name: str) -> str:
    return name if name.startswith(("AUC", "PSI", "RMSE", "R2")) else name[:1].lower() + name[1:]


def _check_limits(limits: Limits) -> None:
    unknown = limits.never_asked()
    if unknown:
        raise ValueError(f"limits must name what is measured, among {list(limits.known())}, got {list(unknown)}.")


@contextmanager
def _steps(progress: bool | Literal["auto"], *, n: int) -> Iterator[Any]:
    """Give a function that names the next step, on a bar where one is wanted."""
    if not (sys.stderr.isatty() if progress == "auto" else progress):
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Report", total=n)

        def step(name: str) -> None:
            bar.update(task, advance=1, description=name)

        yield step
