"""What a report knows of a study by itself: the facts from which reporting guidelines are filled."""

import os
from collections.abc import Sequence
from dataclasses import fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from appkit.explanation.games.model import is_of_images
from appkit.model import Augmentation
from appkit.prediction import auc
from appkit.reporting import ReportContext
from appkit.reporting.content.hashing import model_hash
from appkit.reporting.content.phrasing import label_of
from appkit.reporting.content.subject import ImageSubject
from appkit.reporting.numbers import count_text
from appkit.reporting.words import list_text
from domains.medical.checklist import SplitFacts, StudyFacts
from domains.medical.report.characteristics import characteristics_of
from domains.medical.report.parts import Overlap, Part
from domains.medical.report.points import Points
from domains.medical.report.stated import stated_study

__all__ = ["study_facts"]

_PACKAGES = {"appkit": "industry-appkit", "torch": "torch", "numpy": "numpy", "scikit-learn": "scikit-learn"}
_CALIBRATION = ("Calibration slope", "Calibration in the large", "Expected calibration error")
_METRICS = ("AUC", "Macro AUC (one against rest)", "Sensitivity", "Specificity", "Accuracy", "Brier score")
_SETTINGS = ("mixup", "learning_rate", "weight_decay", "batch_size", "dropout", "max_epochs")


def study_facts(
    context: ReportContext,
    parts: Sequence[Part],
    overlaps: Sequence[Overlap],
    *,
    points: Points | None = None,
    n_errors_shown: int | None = None,
) -> StudyFacts:
    """Return what the data, the model and the figures tell of a study, and before it what its author told.

    Parameters
    ----------
    context
        Of the report.
    parts, overlaps
        Parts of the data, and what they have in common.
    points
        Thresholds in use; ``None`` without an event.
    n_errors_shown
        Images listed among the failures; ``None`` without a list.
    """
    own = StudyFacts(
        data_name=context.data_name,
        event=str(context.subject.output) if context.subject.task == "binary" else "",
        splits=tuple(_split(part, overlaps) for part in parts),
        is_split_by_patient=_is_split_by_patient(overlaps),
        n_duplicates=_n_duplicates(overlaps),
        intended_use=context.purpose,
        interval_method=_interval_words(context),
        metrics=_figures(context, _METRICS),
        calibration=_figures(context, _CALIBRATION),
        thresholds=_threshold_words(context, points),
        subgroups=_subgroups_told(context, points),
        characteristics=tuple(map(label_of, characteristics_of(parts))),
        n_errors_shown=n_errors_shown,
        explanation=_explanation_words(context),
        explanation_checks=_check_words(context),
        software=_software(),
        model_hash=model_hash(context.model, context.output)[1],
    )
    return _with_author(_with_model(own, context), stated_study(context))


def _subgroups_told(context: ReportContext, points: Points | None) -> tuple[str, ...]:
    """Return the columns that figures are told by; none without an event, whose report has no such section."""
    if context.subgroups is None or points is None:
        return ()
    return tuple(map(label_of, context.subgroups.columns))


def _with_author(own: StudyFacts, told: StudyFacts) -> StudyFacts:
    """Return the facts found, over which go those the author gave."""
    empty = StudyFacts()
    given = {
        item.name: getattr(told, item.name)
        for item in fields(StudyFacts)
        if getattr(told, item.name) != getattr(empty, item.name)
    }
    return replace(own, **given)


def _split(part: Part, overlaps: Sequence[Overlap]) -> SplitFacts:
    """Return a part as the checklists know it; a test part that shares images or patients is not called a test."""
    classes: tuple[tuple[str, int], ...] = ()
    if part.y is not None:
        labels, counts = np.unique(part.y, return_counts=True)
        classes = tuple((str(label), int(count)) for label, count in zip(labels, counts, strict=True))
    leaks = any(one.second == part.name == "test" and not one.is_within and (one.n_equal or one.n_patients)
                for one in overlaps)  # fmt: skip
    return SplitFacts("evaluation, not kept apart" if leaks else part.name, part.n, part.n_patients, classes)


def _is_split_by_patient(overlaps: Sequence[Overlap]) -> bool | None:
    """Return whether no patient is in two parts; ``None`` where that is not known of each two."""
    between = [one.n_patients for one in overlaps if not one.is_within]
    if any(between):
        return False
    return True if between and None not in between else None


def _n_duplicates(overlaps: Sequence[Overlap]) -> int | None:
    found = [one.n_equal for one in overlaps if one.n_equal is not None]
    return sum(found) if found else None


def _interval_words(context: ReportContext) -> str:
    if context.units is None:
        return (
            "95 % intervals: DeLong for the AUC and its differences, Clopper-Pearson for shares at thresholds, "
            "bootstrap where named; images are taken as independent"
        )
    group = context.words["group"]
    return (
        f"95 % intervals clustered by {group}: DeLong after Obuchowski for the AUC and its differences, Korn-Graubard "
        f"for shares at thresholds, elsewhere whole {context.words['groups']} are redrawn; differences between "
        "subgroups are held against a Bonferroni level as well"
    )


def _figures(context: ReportContext, names: Sequence[str]) -> tuple[Any, ...]:
    known = {estimate.name: estimate for estimate in context.evaluation}
    if "AUC" in known:
        known["AUC"] = auc(context.events, context.output, groups=context.units)
    return tuple(known[name] for name in names if name in known and np.isfinite(known[name].value))


def _threshold_words(context: ReportContext, points: Points | None) -> str:
    if points is None:
        return ""
    said = f"in force is {points.in_force.threshold:.3g}, {points.in_force.chosen_by}"
    if not points.chosen:
        return said
    assert context.validation is not None
    return f"{said}; others were chosen on {count_text(len(context.validation))} validation images"


def _explanation_words(context: ReportContext) -> str:
    if context.methods is None:
        return "Shapley values and LIME"
    names = list_text(tuple(item.name for item in context.methods.methods))
    return f"one image by {names}; the mean effect of places over {context.explanation.n_explained} images"


def _check_words(context: ReportContext) -> tuple[str, ...]:
    if context.methods is None:
        return ()
    return tuple(check.name.lower() for check in context.methods.leading.certificate.checks)


def _software() -> tuple[tuple[str, str], ...]:
    found = []
    for name, distribution in _PACKAGES.items():
        try:
            found.append((name, version(distribution)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def _with_model(facts: StudyFacts, context: ReportContext) -> StudyFacts:
    """Return the facts with what an image model of ours tells of itself."""
    model = context.model
    if not (is_of_images(model) and isinstance(context.subject, ImageSubject) and hasattr(model, "training_")):
        return facts
    training = model.training_
    return replace(
        facts,
        network=_network_words(model),
        n_parameters=training["n_parameters"],
        n_networks=training["n_networks"],
        input_shape=_shape_words(context.subject),
        initial_weights=_weight_words(model),
        preprocessing=_steps(model, context.subject),
        training=_settings(model, training),
        selection=_selection_words(model),
        class_balance=_balance_words(model),
        hardware=f"{str(training['device']).upper()} in {training['precision']}",
    )


def _network_words(model: Any) -> str:
    if isinstance(model.network, str):
        width = f" of width {model.width}" if model.network in ("resnet", "convnext") else ""
        return f"{model.network}{width}"
    return getattr(model.network, "__name__", type(model.network).__name__)


def _shape_words(subject: ImageSubject) -> str:
    shape, dtype = subject.images.shape, subject.images.pixels.dtype
    colour = {1: "grey", 3: "colour"}.get(shape.n_channels, f"{shape.n_channels} channels")
    return f"{shape.height} × {shape.width} pixels, {colour}, {dtype}"


def _weight_words(model: Any) -> str:
    if model.weights is None:
        seed = f", seed {model.random_state}" if isinstance(model.random_state, int) else ""
        return f"at random{seed}"
    source = model.weights if model.weights == "published" else Path(str(model.weights)).name
    return f"from {model.network} ({source}), fine-tuned: {model.fine_tune}"


def _steps(model: Any, subject: ImageSubject) -> tuple[str, ...]:
    learnt = "standardised by mean and deviation of the training pixels"
    has_own_scale = getattr(model.encoder_, "mean", None) is not None
    return (*_reading_steps(model, subject), "scaled as the starting weights want" if has_own_scale else learnt)


def _reading_steps(model: Any, subject: ImageSubject) -> tuple[str, ...]:
    """Return what became of files, or of arrays, before their grey values were scaled."""
    shape = subject.images.shape
    size = f"{shape.height} × {shape.width} pixels"
    brought = f"brought to {size}, " + (
        "keeping proportions, with black borders" if model.resize == "pad" else "stretched"
    )
    if not os.path.isfile(str(subject.images.names[0])):
        is_whole = getattr(model, "array_size_", ()) == (shape.height, shape.width)
        return (f"arrays of {size} as given",) if is_whole else ("arrays as given", brought)
    decoded = "files decoded at their full depth (of DICOM: rescaled, windowed, bright is dense)"
    return decoded, brought, {1: "as grey", 3: "as colour"}.get(shape.n_channels, f"{shape.n_channels} channels")


def _settings(model: Any, training: Any) -> tuple[tuple[str, str], ...]:
    if getattr(model, "fine_tune", "full") == "none":
        return (("last layer", "logistic regression with a penalty, on features that stay as they were"),)
    found = [(name.replace("_", " "), str(getattr(model, name))) for name in _SETTINGS if hasattr(model, name)]
    augment = getattr(model, "augment", None)
    altered = "none" if augment is None else "own" if isinstance(augment, Augmentation) else str(augment)
    return (("optimiser", "AdamW, one cycle"), ("augmentation", altered), *found,
            ("epochs over all networks", str(training["n_epochs"])))  # fmt: skip


def _selection_words(model: Any) -> str:
    """Return by which rule and on which images a network was kept; no images are named where none were held out."""
    n_given = model.training_.get("n_validation", 0)
    share = f"held out of training ({100 * model.validation_fraction:.0f} %)"
    where = f"of {count_text(n_given)} images set aside for it" if n_given else f"of images {share}"
    if not n_given and not _has_held_out(model):
        return "images were too few to hold any out: what fits the training images best is kept"
    if model.fine_tune == "none":
        return f"the last layer alone was fitted, with the penalty of least loss {where}"
    return f"each network keeps the weights of the epoch of least loss {where}"


def _has_held_out(model: Any) -> bool:
    return not any("hold any out" in sentence for sentence in model.training_["fall_backs"])


def _balance_words(model: Any) -> str:
    is_calibrated = model.calibrate and (model.training_.get("n_validation", 0) or _has_held_out(model))
    after = "; one affine map on held-out logits sets the probabilities right" if is_calibrated else ""
    if model.class_weight is None:
        return f"nothing was done about rare classes{after}"
    return f"class weights: {model.class_weight}{after}"
