"""Where a report comes from: model, data, hashes, versions, and what it takes to make it again."""

import datetime
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.dependence import rows_words
from appkit.reporting.content.explaining import CASE_EVALUATIONS, LIME_EVALUATIONS
from appkit.reporting.content.hashing import Digests
from appkit.reporting.content.image_subject import ImageSubject
from appkit.reporting.content.phrasing import percent
from appkit.reporting.facts import Fact, NotFilled, Reproduction, Section
from appkit.reporting.numbers import count_text, date_text

__all__ = ["command_text", "facts_list", "reproduction_section", "versions"]

_PACKAGES = ("appkit", "numpy", "pandas", "scipy", "scikit-learn", "torch", "xgboost", "shap", "lime")
_DISTRIBUTIONS = {"appkit": "industry-appkit"}


def facts_list(context: ReportContext, digests: Digests, *, report_date: datetime.date | None) -> tuple[Fact, ...]:
    """Return model, data, n, events, seed, hashes and date, as a reader looks for them."""
    words, evaluation = context.words, context.evaluation
    n = rows_words(context)
    seen = (Fact("Images", _image_words(context.subject)),) if isinstance(context.subject, ImageSubject) else ()
    events = ""
    if evaluation.n_events is not None:
        events = f", {count_text(evaluation.n_events)} {words['events']} ({percent(evaluation.n_events / context.n)})"
    date: str | NotFilled = (
        NotFilled(item="Report date", why="None was given; a report never asks the clock", argument="report_date=")
        if report_date is None
        else date_text(report_date)
    )
    return (
        Fact("Model", _model_words(context.model)),
        Fact(f"Hash of the model’s {digests.hashed}", digests.model, is_code=True),
        Fact("Seed of the report", str(context.random_state)),
        Fact("Training data", _training_words(context)),
        Fact("Data of this report", f"{context.data_name or 'not named'}, {n}{events}"),
        *seen,
        Fact("Hash of these data", digests.data, is_code=True),
        Fact("Outcome", _outcome_words(context)),
        Fact("Report date", date),
        Fact("Software", ", ".join(versions()[:1] + versions()[5:6])),
    )


def reproduction_section(context: ReportContext, digests: Digests, *, command: str) -> Section:
    """Return what it takes to make the same report again."""
    training = getattr(context.model, "training_", {})
    fallbacks = (*tuple(training.get("fall_backs", ())), *context.notes)
    precision = training.get("precision", "")
    device = str(training.get("device", "CPU")).upper() if training else "CPU"
    threads = torch.get_num_threads()
    block = Reproduction(
        command=command,
        model_hash=digests.model,
        data_hash=digests.data,
        method=_method_words(context),
        budget=_budget_words(context),
        intervals=_intervals_words(context),
        split="by the caller: rows of this report are taken as unseen in training",
        device=f"{device}, {threads} {'thread' if threads == 1 else 'threads'}{', ' + precision if precision else ''}",
        seed=context.random_state,
        fallbacks=fallbacks,
        versions=versions(),
        note="Run twice with the same versions and thread count, page and JSON have the same bytes. "
        f"{_background_words(context)} for what is unknown.",
    )
    return Section(
        key="reproduction", title="Reproduction", question="The same inputs give the same bytes.", blocks=(block,)
    )


def _method_words(context: ReportContext) -> str:
    seeds = f"two seeds: {context.random_state} and {context.random_state + 1}"
    if context.methods is None:
        return f"Shapley values by antithetic permutations ({seeds}), LIME over the same game"
    by = "expected gradients" if context.explanation.shapley.method.startswith("expected") else "permutations"
    case = ", ".join(item.name for item in context.methods.methods)
    return f"all images by {by} ({seeds}), LIME over the same game; the one image by {case}"


def _background_words(context: ReportContext) -> str:
    n = context.explanation.n_background
    if context.methods is not None and context.background.origin == "model":
        return "The mean training image stands"
    stand = "stands" if context.methods is not None and n == 1 else "stand"
    return f"{count_text(n)} background {context.words['rows']} {stand}"


def _image_words(subject: ImageSubject) -> str:
    """Return size, colour and depth of the images as the network sees them."""
    shape, dtype = subject.images.shape, subject.images.pixels.dtype
    colour = {1: "grey", 3: "colour"}.get(shape.n_channels, f"{shape.n_channels} channels")
    depth = "real numbers" if dtype.kind == "f" else f"{8 * dtype.itemsize} bits"
    return f"{shape.height} × {shape.width} pixels, {colour}, {depth}, as the network sees them"


def _intervals_words(context: ReportContext) -> str:
    if context.evaluation.n_groups is not None:
        return f"{context.evaluation.resampling}; the rest as named in the table of metrics"
    return "95 %; DeLong for the AUC, Wilson for rates, the rest as named in the table of metrics"


def _budget_words(context: ReportContext) -> str:
    explanation, row = context.explanation, context.words["row"]
    if context.methods is not None:
        return (
            f"{count_text(explanation.n_explained)} {context.words['rows']}: "
            f"{count_text(explanation.shapley.n_evaluations)} gradients or evaluations an {row} and seed; "
            f"{count_text(context.methods.n_evaluations)} for the one {context.words['case']} by all methods, their "
            "checks not counted"
        )
    lime = "" if explanation.lime is None else f", {count_text(LIME_EVALUATIONS)} for LIME"
    return (
        f"{count_text(explanation.n_explained)} {context.words['rows']}: "
        f"{count_text(explanation.shapley.n_evaluations)} evaluations a {row} and seed{lime}; "
        f"{count_text(CASE_EVALUATIONS)} for the one {context.words['case']}{_map_words(context)}"
    )


def _map_words(context: ReportContext) -> str:
    if context.over_time is None:
        return ""
    return f" and {count_text(context.over_time.shapley.n_evaluations)} a seed for its map"


def _model_words(model: Any) -> str:
    words = [type(model).__name__]
    members = getattr(model, "n_members_", None)
    if members:
        words.append(f"{members} {'member' if members == 1 else 'members'}")
    monotone = getattr(model, "monotone", None)
    if monotone:
        words.append(f"monotone in {len(monotone)} {'column' if len(monotone) == 1 else 'columns'}")
    return ", ".join(words)


def _training_words(context: ReportContext) -> str:
    training = getattr(context.model, "training_", {})
    if "n_rows" in training:
        n_units = len(getattr(context.model, "units_", ()))
        of_units = f" of {count_text(n_units)} {context.words['groups']}" if n_units else ""
        return f"n = {count_text(training['n_rows'])}{of_units}, seed {context.model.random_state}"
    if context.reference_y is not None and context.reference is not None:
        return f"n = {count_text(len(context.reference))}"
    return "not recorded by the model"


def _outcome_words(context: ReportContext) -> str:
    if context.subject.task == "binary":
        return f"{context.words['event']} (label {context.subject.output!r})"
    if context.subject.task == "multiclass":
        return f"{len(context.model.classes_)} classes; explained is the probability of {context.subject.output!r}"
    value, unit = context.words["value"], context.words["unit"]
    return f"{value} in {unit}" if unit else "a value" if value == "value" else value


def versions() -> tuple[str, ...]:
    """Return the packages that a report depends on, and Python, each with its version."""
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(_DISTRIBUTIONS.get(package, package))}")
        except PackageNotFoundError:
            continue
    return (*found, f"Python {platform.python_version()}")


def command_text(settings: Mapping[str, Any], data: Mapping[str, Any], *, random_state: int) -> str:
    """Return the call that makes the report again; data stand by their names.

    Examples
    --------
    >>> print(command_text({"threshold": 0.2, "limits": None}, {"dates": ["2020-01-01"]}, random_state=0))
    appkit.report(
        model, X, y,
        threshold=0.2,
        dates=dates,
        random_state=0,
    ).save("report.html")
    """
    lines = [f"    {name}={_literal(value)}," for name, value in settings.items() if value is not None]
    lines += [
        f"    {name}={value!r}," if isinstance(value, str) else f"    {name}={name},"
        for name, value in data.items()
        if value is not None
    ]
    lines.append(f"    random_state={random_state},")
    return "\n".join(["appkit.report(", "    model, X, y,", *lines, ').save("report.html")'])


def _literal(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {_literal(item)}" for name, item in value.items()) + "}"
    return repr(value)
