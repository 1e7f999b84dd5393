"""From a model and rows to a report: measure, explain, let the domain add its part, name every gap."""

import datetime
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from numpy.typing import ArrayLike

from appkit.domain import Domain
from appkit.explanation.games.model import is_of_histories, is_of_images
from appkit.model.costs import Costs
from appkit.model.device import on_one_thread
from appkit.reporting.advice.build import refuse_for_advice, report_on_advice
from appkit.reporting.content.assembly import assemble, body_of
from appkit.reporting.content.case import choose_case
from appkit.reporting.content.changing import Changeable, smallest_change
from appkit.reporting.content.context import Limits, ReportContext
from appkit.reporting.content.explaining import (
    EXPLAINED_ROWS,
    CaseExplanation,
    CaseOverTime,
    ModelExplanation,
    explain_case,
    explain_model,
    explain_over_time,
)
from appkit.reporting.content.image_methods import ImageMethods, explain_image
from appkit.reporting.content.image_sample import EXPLAINED_IMAGES, explain_images
from appkit.reporting.content.image_subject import NAMED, Showing
from appkit.reporting.content.inputs import (
    Background,
    Measured,
    Reference,
    background_rows,
    measure,
    protected_columns,
    reference_rows,
    refuse_what_others_have,
    resolve_domain,
    words_of,
)
from appkit.reporting.content.phrasing import Words
from appkit.reporting.content.provenance import command_text
from appkit.reporting.content.request import ReportRequest
from appkit.reporting.content.subgroups import subgroup_columns
from appkit.reporting.content.subject import ImageSubject, SeriesSubject, Subject, subject_of
from appkit.reporting.content.validation import Validation, validation_rows
from appkit.reporting.facts import Counterfactual, Limit, NotFilled
from appkit.reporting.report import Report

__all__ = ["report"]


@on_one_thread()
def report(
    model: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
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
    n_explained: int | None = None,
    random_state: int = 0,
    progress: bool | Literal["auto"] = "auto",
    validation: tuple[Any, ArrayLike] | None = None,
    subgroups: pd.DataFrame | Sequence[str] | None = None,
    show_images: Showing = False,
    prevalence: float | None = None,
    study: Any = None,
    k: int | None = None,
) -> Report:
    """Measure and explain a fitted model on rows it has not seen, and return everything as a report.

    Parameters
    ----------
    model
        Fitted classifier with ``predict_proba``, or regressor; ours or anybody's.
    X, y
        Rows as the model takes them, ``(n_rows, n_columns)``, and their labels or values, ``(n_rows,)``. Of a series
        model readings, one row per unit and moment: windows that end at rows with a label are reported on, rows whose
        label is missing are history. Of an image model arrays, paths, or a frame of paths. Of a recommender later
        interactions, in the columns of its fit, and no ``y``.
    sample_weight, groups
        Weight of each row; and the patient, customer or machine behind it, which every interval then redraws whole
        (default of a series model: its units; of an image model: its column of patients), ``(n_rows,)``.
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
        Rows that stand for what is unknown; by default the model's own, else the reference, else rows of ``X``. Of a
        series model readings, or windows of ``model.windows``, that are as usual. Of an image model images that fill
        what is left out, at most 20; by default the mean training image, which the model keeps.
    reference
        Training rows to hold drift against, or ``(X_train, y_train)``; by default the background that a table model
        keeps. An image model keeps none.
    protected
        Columns for the fairness section, or their names in ``X``; by default ``model.protected_``. For tables only.
    dates, incumbent_score, challengers
        Of a domain's sections: date of each row, score of the rule in force, fitted models by name or ``"auto"``.
    case
        Row to explain: a label of the index of ``X`` or a frame of one row; of a series model a window,
        ``"engine 3, cycle 120"``, a pair ``(unit, time)``, or a unit, meaning its newest; of an image model
        ``"image 3"``, a position, or a file; of a recommender a user. By default the median, by probability, of the
        rows at the threshold or above; of a recommender a user with a history of median length.
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
        Most rows behind the importance of columns; by default 200, of images 24, of users advised 12.
    random_state
        Seed of everything drawn.
    progress
        Whether to show a progress bar; ``"auto"`` where standard error is a terminal.
    validation
        ``(X_val, y_val)``, rows set aside for choices: a domain's sections choose operating points on them, never on
        the rows reported on.
    subgroups
        Columns of ``X`` by name, or a frame of one row per row of ``X``, to tell subgroups by in a domain's sections.
    show_images
        Of an image model, whether images stand on the page: ``False``, for they may be of patients; ``True``; or
        ``"named"``, with the names of their files.
    prevalence
        Of a domain's sections: share of events where the model is to be used, between 0 and 1, where the rows hold
        another.
    study
        Of a domain's sections: what only a person can tell of the study, such as
        ``domains.medical.checklist.StudyFacts``.
    k
        Of a recommender: length of the lists, by default 10.

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
    if is_of_histories(model):
        refuse_for_advice(locals())
        with _steps(progress, n=4) as step:
            return report_on_advice(
                model,
                X,
                k=10 if k is None else k,
                purpose=purpose,
                title=title,
                data_name=data_name,
                report_date=report_date,
                limits=limits,
                case=case,
                domain=domain,
                n_explained=n_explained,
                random_state=random_state,
                step=step,
            )
    if y is None or k is not None:
        wrong = f"k is the length of a recommender's lists, got {k!r}"
        if y is None:
            wrong = "y must have one entry per row of X, got None"
        raise ValueError(f"{wrong}: {type(model).__name__} is no recommender.")
    asked = ReportRequest(
        X=X,
        y=y,
        sample_weight=sample_weight,
        groups=groups,
        purpose=purpose,
        title=title,
        data_name=data_name,
        report_date=report_date,
        limits=limits,
        costs=costs,
        threshold=threshold,
        background=background,
        reference=reference,
        protected=protected,
        dates=dates,
        incumbent_score=incumbent_score,
        challengers=challengers,
        case=case,
        changeable=changeable,
        counterfactual=counterfactual,
        n_explained=_n_explained(n_explained, model),
        random_state=random_state,
        validation=validation,
        subgroups=subgroups,
        show_images=show_images,
        prevalence=_checked_prevalence(prevalence),
        study=study,
    )
    used = resolve_domain(domain, model)
    subject = subject_of(model, X, y, output=output, show_images=show_images)
    refuse_what_others_have(subject, tables={"protected": protected, "changeable": changeable}, images=show_images)
    with _steps(progress, n=4) as step:
        step("Measuring")
        measured = _measure(asked, subject)
        seen, set_aside = reference_rows(reference, subject), validation_rows(validation, subject)
        step("Explaining")
        told = _explain(asked, subject, measured, reference=seen, words=Words(words_of(used, subject)))
        step("Comparing")
        context = _context(asked, subject, measured, reference=seen, told=told, domain=used, validation=set_aside)
        sections, tiles = body_of(context, counterfactual or _smallest_change(asked, context, told))
        step("Writing")
        command = command_text(asked.settings, asked.data | _case_printed(subject, told), random_state=random_state)
        return assemble(
            context, sections, tiles, title=title, purpose=purpose, report_date=report_date, command=command
        )


@dataclass(frozen=True, eq=False)
class _Told:
    """What was explained, of which row, and against what."""

    words: Words
    background: Background
    model: ModelExplanation
    row: pd.DataFrame
    case: CaseExplanation
    over_time: CaseOverTime | None = None
    methods: ImageMethods | None = None


def _n_explained(given: int | None, model: Any) -> int:
    if given is not None:
        return given
    return EXPLAINED_IMAGES if is_of_images(model) else EXPLAINED_ROWS


def _checked_prevalence(prevalence: float | None) -> float | None:
    if prevalence is not None and not 0 < prevalence < 1:
        raise ValueError(f"prevalence must lie strictly between 0 and 1, got {prevalence!r}.")
    return prevalence


def _case_printed(subject: Subject, told: _Told) -> dict[str, Any]:
    """Return the case as the command prints it where the caller's own word may be the name of a file."""
    is_silent = isinstance(subject, ImageSubject) and not subject.is_named and told.case.rule == NAMED
    return {"case": told.case.label} if is_silent else {}


def _measure(asked: ReportRequest, subject: Subject) -> Measured:
    return measure(
        subject,
        asked.X,
        asked.y,
        sample_weight=asked.sample_weight,
        groups=asked.groups,
        costs=asked.costs,
        threshold=asked.threshold,
        random_state=asked.random_state,
    )


def _explain(
    asked: ReportRequest, subject: Subject, measured: Measured, *, reference: Reference | None, words: Words
) -> _Told:
    """Explain a sample of rows and one case; a window over time besides, an image by every method."""
    seed, threshold = asked.random_state, measured.evaluation.threshold
    background = background_rows(asked.background, subject, reference=reference, random_state=seed)
    rows, n_explained = background.rows, asked.n_explained
    row, rule = _case(asked, subject, measured, words)
    if isinstance(subject, ImageSubject):
        sample = explain_images(subject, rows, n_explained=n_explained, random_state=seed)
        methods = explain_image(subject, row, rows, random_state=seed)
        case = CaseExplanation.of(row, methods.leading.explanation, methods.lime, rule=rule, threshold=threshold)
        return _Told(words, background, sample, row, case, methods=methods)
    explanation = explain_model(subject, subject.table, rows, n_explained=n_explained, random_state=seed)
    case = explain_case(subject, row, rows, rule=rule, threshold=threshold, random_state=seed)
    over_time = None
    if isinstance(subject, SeriesSubject):
        over_time = explain_over_time(subject, row, rows, random_state=seed)
    return _Told(words, background, explanation, row, case, over_time)


def _case(asked: ReportRequest, subject: Subject, measured: Measured, words: Words) -> tuple[pd.DataFrame, str]:
    """Return the row to explain, as a frame of one row, and how it was chosen."""
    if asked.case is not None:
        return subject.named(asked.case)
    loss_at = "high" if subject.is_probability else words["loss_at"]
    return choose_case(subject.table, measured.output, measured.flagged, flagged_word=words["flagged"], loss_at=loss_at)


def _context(
    asked: ReportRequest,
    subject: Subject,
    measured: Measured,
    *,
    reference: Reference | None,
    told: _Told,
    domain: Domain | None,
    validation: Validation | None,
) -> ReportContext:
    return ReportContext(
        subject=subject,
        X=subject.table,
        measured=measured,
        explanation=told.model,
        case=told.case,
        over_time=told.over_time,
        methods=told.methods,
        words=told.words,
        limits=Limits(asked.limits),
        domain=domain,
        background=told.background,
        reference=None if reference is None else reference.table,
        reference_y=None if reference is None else reference.y,
        reference_output=None if reference is None else reference.output,
        reference_subject=None if reference is None else reference.subject,
        reference_images=None if reference is None else reference.images,
        validation=validation,
        subgroups=subgroup_columns(asked.subgroups, asked.X, subject),
        protected=protected_columns(asked.protected, subject),
        dates=subject.of_rows(asked.dates),
        incumbent_score=subject.of_rows(asked.incumbent_score),
        challengers=asked.challengers,
        prevalence=asked.prevalence,
        study=asked.study,
        data_name=asked.data_name or "",
        purpose=asked.purpose or "",
        random_state=asked.random_state,
        notes=told.background.notes,
    )


def _smallest_change(asked: ReportRequest, context: ReportContext, told: _Told) -> Counterfactual | NotFilled:
    """Search among real rows: those of the reference where there are any, else the background."""
    return smallest_change(
        context.subject,
        told.row,
        told.background.rows if context.reference is None else context.reference,
        changeable=asked.changeable,
        threshold=context.threshold if context.subject.task == "binary" else None,
        words=context.words,
        random_state=asked.random_state,
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
