"""Which images and patients went where, what two parts share, and how pictures came to the network."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import capital, first_that_fits
from appkit.reporting.content.subject import ImageSubject
from appkit.reporting.facts import Block, Cell, DataTable, NotFilled, Verdict, WarningBox
from appkit.reporting.numbers import count_text
from appkit.reporting.words import list_text
from domains.medical.report.characteristics import characteristics_table
from domains.medical.report.parts import Overlap, Part
from domains.medical.report.reading import reading_table
from domains.medical.report.stated import stated_study

__all__ = ["flow_section", "overlap_title"]

_MOST_CLASSES = 6
_USES = {
    "training": "the network learns from it",
    "validation": "thresholds and rules are chosen on it",
    "test": "all figures of this report",
}
_ARGUMENTS = {"training": "reference=(X_train, y_train)", "validation": "validation=(X_val, y_val)"}


def flow_section(context: ReportContext, parts: tuple[Part, ...], overlaps: tuple[Overlap, ...]) -> DomainSection:
    """Return counts by part and class, what parts share, and how images were read; a gap for each part not given."""
    blocks: tuple[Block | None, ...] = (
        _shared_box(overlaps),
        _record_box(context, parts),
        _counts(context, parts),
        characteristics_table(parts),
        *_gaps(parts),
        _left_out(context),
        _shared_table(overlaps, parts) if any(part.images is not None for part in parts) else None,
        reading_table(context, parts) if isinstance(context.subject, ImageSubject) else None,
    )
    return DomainSection(
        key="flow",
        title="Data flow",
        question=f"Which {context.words['rows']} and {context.words['groups']} went where, and is any in two places?",
        blocks=tuple(block for block in blocks if block is not None),
        after="challengers",
    )


def overlap_title(overlaps: Sequence[Overlap]) -> str:
    """Return what two parts of the data have in common.

    Examples
    --------
    >>> overlap_title([Overlap("training", "test", 0, 0, 0)])
    'No image and no patient is in two parts'
    >>> overlap_title([Overlap("training", "test", 12, 3, None)])
    '12 images are in two parts, 3 more nearly so; patients are not known'
    >>> overlap_title([Overlap("training", "test", 0, 0, 0), Overlap("validation", "test", None, None, 0)])
    'No patient is in two parts; images of some parts were not compared'
    >>> overlap_title([Overlap("test", "test", 0, 0)])
    'One part alone is known: nothing to compare it with'
    """
    between = [one for one in overlaps if not one.is_within]
    if not between:
        return "One part alone is known: nothing to compare it with"
    n_equal = sum(one.n_equal or 0 for one in between)
    n_near = sum(one.n_near or 0 for one in between)
    patients = [one.n_patients for one in between if one.n_patients is not None]
    people = f"{_counted(sum(patients), 'patient')} on two sides" if sum(patients) else "no patient is"
    people = people if patients else "patients are not known"
    if n_equal:
        more = f", {count_text(n_near)} more nearly so" if n_near else ""
        return first_that_fits(
            f"{_counted(n_equal, 'image')} {_are(n_equal)} in two parts{more}; {people}",
            f"{_counted(n_equal, 'image')} {_are(n_equal)} in two parts{more}",
        )
    if sum(patients):
        return f"{_counted(sum(patients), 'patient')} {_are(sum(patients))} in two parts"
    if n_near:
        return f"{_counted(n_near, 'image')} {_are(n_near)} nearly one of another part"
    if any(one.n_equal is None for one in between):
        no_patient = "No patient is in two parts; " if patients else ""
        return capital(f"{no_patient}images of some parts were not compared")
    if not patients:
        return "No image is in two parts; patients are not known"
    return "No image and no patient is in two parts"


def _counts(context: ReportContext, parts: tuple[Part, ...]) -> DataTable:
    words = context.words
    classes = _classes(parts)
    named = tuple(str(label) for label in classes) if len(classes) <= _MOST_CLASSES else ()
    rows: list[tuple[Cell, ...]] = []
    for part in parts:
        counts = _by_class(part, classes)
        cells = tuple(counts[label] if counts else "not known" for label in classes) if named else ()
        patients: Cell = "not known" if part.n_patients is None else part.n_patients
        rows.append((capital(part.name), _USES[part.name], part.n, patients, *cells))
    total = sum(part.n for part in parts)
    return DataTable(
        title=f"{count_text(total)} {words['rows']} in {_parts_words(len(parts))}",
        caption=f"{capital(words['rows'])} by part, in the order of use"
        + (f", {words['rows']} of each class on the right" if named else ""),
        columns=("Part", "Used for", capital(words["rows"]), capital(words["groups"]), *named),
        rows=tuple(rows),
    )


def _classes(parts: Sequence[Part]) -> list[Hashable]:
    labels: dict[Hashable, None] = {}
    for part in parts:
        if part.y is not None:
            labels.update(dict.fromkeys(np.unique(part.y).tolist()))
    return sorted(labels, key=lambda label: (str(type(label)), label))


def _by_class(part: Part, classes: Sequence[Hashable]) -> dict[Hashable, int]:
    """Return the images of each class; nothing where labels were not given."""
    if part.y is None:
        return {}
    found = Counter(np.asarray(part.y).tolist())
    return {label: found[label] for label in classes}


def _parts_words(n: int) -> str:
    return "one part" if n == 1 else f"{n} parts"


def _gaps(parts: Sequence[Part]) -> tuple[NotFilled, ...]:
    known = {part.name: part for part in parts}
    gaps = [
        NotFilled(item=f"{capital(name)} images", why="They were not given: nobody can tell whether one is tested on "
                  "twice", argument=argument)
        for name, argument in _ARGUMENTS.items()
        if name not in known
    ]  # fmt: skip
    if any(part.n_patients is None for part in parts):
        lacking = [part.name for part in parts if part.n_patients is None]
        why = f"Not known of the {list_text(tuple(lacking))} part: whether one is on two sides cannot be told"
        fill = "a frame with the column of patients that the model was told of"
        gaps.append(NotFilled(item="Patients", why=why, fill=fill, argument="patient="))
    return tuple(gaps)


def _left_out(context: ReportContext) -> Block:
    exclusions = stated_study(context).exclusions
    if not exclusions:
        why = "A report sees only what it is given; who was left out before, and why, its author must say"
        return NotFilled(item="Images left out", why=why, argument="study=StudyFacts(exclusions=...)")
    return DataTable(
        title=f"{_counted(sum(n for _, n in exclusions), 'image')} left out before the parts were made",
        caption="As stated by the author",
        columns=("Reason", "Images"),
        rows=tuple((reason, n) for reason, n in exclusions),
    )


def _record_box(context: ReportContext, parts: Sequence[Part]) -> WarningBox | None:
    """Return how the training images given differ in number from what the model remembers."""
    n_learnt = getattr(context.model, "training_", {}).get("n_rows")
    given = next((part.n for part in parts if part.name == "training"), None)
    if n_learnt is None or given is None or n_learnt == given:
        return None
    return WarningBox(
        level="open",
        finding=f"The model was trained on {_counted(n_learnt, 'image')}, {count_text(given)} were given",
        text="What is said here of the training part holds for the images given. Give the very images of the fit, "
        "without those of X_val=, as reference=(X_train, y_train).",
    )


def _shared_box(overlaps: Sequence[Overlap]) -> WarningBox | None:
    bad = [one for one in overlaps if not one.is_within and ((one.n_equal or 0) + (one.n_patients or 0))]
    if not bad:
        return None
    into_test = any(one.second == "test" for one in bad)
    told = [f"{one.first} and {one.second}: {_shared_words(one)}" for one in bad]
    consequence = "Figures of this report are too good." if into_test else "What was chosen on validation is too good."
    return WarningBox(
        level="fail",
        finding=overlap_title(overlaps),
        text=f"{capital('; '.join(told))}. {consequence} Split by patient, and give duplicates one group "
        "(appkit.data.duplicate_groups).",
    )


def _shared_words(one: Overlap) -> str:
    told = [_counted(one.n_equal, "equal image")] if one.n_equal else []
    told += [_counted(one.n_patients, "patient")] if one.n_patients else []
    return list_text(tuple(told))


def _shared_table(overlaps: Sequence[Overlap], parts: Sequence[Part]) -> DataTable:
    is_sought = all(one.n_near is not None for one in overlaps if one.n_equal is not None)
    near = (
        "nearly equal: a gradient hash and a correlation of 0.95 agree"
        if is_sought
        else f"near ones were not looked for among {count_text(sum(part.n for part in parts))} images"
    )
    return DataTable(
        title=overlap_title(overlaps),
        caption=f"Images of the second part that are, pixel by pixel as the network sees them, in the first; {near}. "
        "Within one part: repetitions",
        columns=("Parts", "Equal images", "Nearly equal", "Patients in both", "Verdict"),
        rows=tuple(_overlap_row(one) for one in overlaps),
    )


def _overlap_row(one: Overlap) -> tuple[Cell, ...]:
    name = f"Within {one.first}" if one.is_within else f"{capital(one.first)} and {one.second}"
    patients: Cell = "not known" if one.n_patients is None else one.n_patients
    return (
        name,
        "not compared" if one.n_equal is None else one.n_equal,
        "not sought" if one.n_near is None else one.n_near,
        "does not apply" if one.is_within else patients,
        _overlap_verdict(one),
    )


def _overlap_verdict(one: Overlap) -> Verdict:
    if one.is_within:
        n = (one.n_equal or 0) + (one.n_near or 0)
        return Verdict("note", "repetitions" if n else "none")
    if one.n_equal or one.n_patients:
        return Verdict("fail", "not apart")
    if one.n_equal is None and one.n_patients is None:
        return Verdict("unfilled", "not known")
    if one.n_equal is None:
        return Verdict("open", "patients apart")
    if one.n_near:
        return Verdict("open", "look at them")
    return Verdict("pass", "apart") if one.n_patients == 0 else Verdict("open", "images apart")


def _counted(n: int, thing: str) -> str:
    return f"One {thing}" if n == 1 else f"{count_text(n)} {thing}s"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
