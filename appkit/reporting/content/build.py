"""From a model and rows to a report: measure, explain, let the domain add its part, name every gap."""

import datetime
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import pandas as pd
from numpy.typing import ArrayLike

from appkit.domain import Domain
from appkit.model.costs import Costs
from appkit.model.device import on_one_thread
from appkit.reporting.content.assembly import assemble, body_of
from appkit.reporting.content.case import choose_case
from appkit.reporting.content.changing import Changeable, smallest_change
from appkit.reporting.content.context import Limits, ReportContext
from appkit.reporting.content.explaining import explain_case, explain_model
from appkit.reporting.content.inputs import (
    background_rows,
    measure,
    protected_columns,
    reference_rows,
    resolve_domain,
    words_of,
)
from appkit.reporting.content.phrasing import Words
from appkit.reporting.content.provenance import command_text
from appkit.reporting.content.subject import as_table, subject_of
from appkit.reporting.facts import Counterfactual, Limit
from appkit.reporting.report import Report

__all__ = ["report"]


@on_one_thread()
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
    changeable: Changeable | None = None,
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
    changeable
        Columns the case could change, ``["amount", "term"]``, or the way each may go, ``{"amount": "down", "term":
        "either"}``: the report then looks for the smallest change of them that turns the decision.
    counterfactual
        Such a change, if the caller found one.
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
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"debt": np.arange(60.0), "age": np.arange(60) % 7})
    >>> y = (X["debt"] + 5 * X["age"] > 45).astype(int)
    >>> page = report(LogisticRegression().fit(X, y), X, y, limits={"AUC": (0.75, None)})
    >>> page.tiles[0].verdict.word
    'passes'
    """
    used = resolve_domain(domain, model)
    table, subject = as_table(X, model=model), subject_of(model, X, output=output)
    with _steps(progress, n=4) as step:
        step("Measuring")
        measured = measure(
            subject, X, y, sample_weight=sample_weight, costs=costs, threshold=threshold, random_state=random_state
        )
        seen, seen_y = reference_rows(reference, model)
        fill, notes = background_rows(background, subject, reference=seen, X=table, random_state=random_state)
        words = Words(words_of(used, subject))
        step("Explaining")
        explanation = explain_model(subject, table, fill, n_explained=n_explained, random_state=random_state)
        row, rule = choose_case(table, measured.output, measured.flagged, case=case, flagged_word=words["flagged"])
        one = explain_case(
            subject, row, fill, rule=rule, threshold=measured.evaluation.threshold, random_state=random_state
        )
        step("Comparing")
        context = ReportContext(
            subject=subject,
            X=table,
            measured=measured,
            explanation=explanation,
            case=one,
            words=words,
            limits=Limits(limits),
            domain=used,
            reference=seen,
            reference_y=seen_y,
            reference_output=None if seen is None else subject(seen),
            protected=protected_columns(protected, model, table),
            dates=dates,
            incumbent_score=incumbent_score,
            challengers=challengers,
            data_name=data_name or "",
            random_state=random_state,
            notes=notes,
        )
        change = counterfactual or smallest_change(
            subject,
            row,
            fill if seen is None else seen,
            changeable=changeable,
            threshold=context.threshold if subject.task == "binary" else None,
            words=words,
            random_state=random_state,
        )
        sections, tiles = body_of(context, change)
        step("Writing")
        command = command_text(
            {"costs": costs, "threshold": threshold, "limits": limits, "changeable": changeable,
             "n_explained": n_explained},
            {"sample_weight": sample_weight, "background": background, "reference": reference, "protected": protected,
             "dates": dates, "incumbent_score": incumbent_score, "challengers": challengers, "case": case},
            random_state=random_state,
        )  # fmt: skip
        return assemble(
            context, sections, tiles, title=title, purpose=purpose, report_date=report_date, command=command
        )


@contextmanager
def _steps(progress: bool | Literal["auto"], *, n: int) -> Iterator[Callable[[str], None]]:
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
