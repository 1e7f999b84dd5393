"""Sentences about a study, each from its facts: what is said, and what is still lacking."""

from dataclasses import dataclass

from appkit.prediction import Estimate
from domains.medical.checklist.study_facts import SplitFacts, StudyFacts

__all__ = [
    "Said",
    "acquisition",
    "balance",
    "calculation",
    "characteristics",
    "data_source",
    "disjoint",
    "ensemble",
    "exclusions",
    "explanation",
    "external",
    "failures",
    "flow",
    "initial_weights",
    "intended_use",
    "internal",
    "measures",
    "missing_data",
    "model",
    "outcome",
    "output",
    "participants",
    "partition",
    "performance",
    "preparation",
    "preprocessing",
    "robustness",
    "selection",
    "software",
    "specification",
    "subgroup_performance",
    "training",
    "uncertainty",
]


@dataclass(frozen=True)
class Said:
    """What the facts say on an item: nothing where ``text`` is empty; all of it where ``lacking`` is."""

    text: str = ""
    lacking: str = ""


def data_source(facts: StudyFacts) -> Said:
    """Name, origin and terms of the data."""
    if not (facts.data_name or facts.data_source):
        return Said()
    parts = [facts.data_name or "Unnamed data"]
    parts += [f"from {facts.data_source}"] if facts.data_source else []
    parts += [f"under {facts.data_licence}"] if facts.data_licence else []
    lacking = [] if facts.data_source else ["Say where the data come from."]
    lacking += [] if facts.data_licence else ["Say under which terms they can be used."]
    return Said(f"{', '.join(parts)}.", " ".join(lacking))


def acquisition(facts: StudyFacts) -> Said:
    """Modality and devices."""
    return Said(_sentence(facts.acquisition))


def outcome(facts: StudyFacts) -> Said:
    """What is predicted."""
    return Said(f"The event is {facts.event}." if facts.event else "")


def exclusions(facts: StudyFacts) -> Said:
    """What was left out and why."""
    if not facts.exclusions:
        return Said()
    return Said(f"Left out: {_list([f'{count} images ({reason})' for reason, count in facts.exclusions])}.")


def preprocessing(facts: StudyFacts) -> Said:
    """Steps from file to network."""
    return Said(_sentence("; ".join(facts.preprocessing)))


def preparation(facts: StudyFacts) -> Said:
    """Steps from file to network, and the search for duplicates."""
    steps = preprocessing(facts).text
    if facts.n_duplicates is None:
        return Said(steps, "Say whether images occur more than once." if steps else "")
    return Said(f"{steps} Images found more than once: {facts.n_duplicates}.".strip())


def missing_data(facts: StudyFacts) -> Said:
    """What was done about missing data."""
    return Said(_sentence(facts.missing_data))


def partition(facts: StudyFacts) -> Said:
    """Sizes and shares of the partitions."""
    if not facts.splits:
        return Said()
    total = sum(split.n_images for split in facts.splits)
    shares = [f"{_size(split)} ({100 * split.n_images / total:.0f} %) for {split.name}" for split in facts.splits]
    drawn = "" if facts.seed is None else f" Seed {facts.seed}."
    return Said(f"{_list(shares)}.{drawn}", "" if _has_training(facts) else "Give the images of training.")


def disjoint(facts: StudyFacts) -> Said:
    """At which level the partitions are apart."""
    if facts.is_split_by_patient is None:
        known = "" if facts.n_duplicates is None else _duplicates(facts.n_duplicates)
        return Said(known, "Say whether images of one patient may lie in two partitions." if known else "")
    apart = "No patient is in two partitions." if facts.is_split_by_patient else "Patients may be in two partitions."
    if facts.n_duplicates is None:
        return Said(apart, "Say whether images occur more than once.")
    return Said(f"{apart} {_duplicates(facts.n_duplicates)}")


def participants(facts: StudyFacts) -> Said:
    """Participants and events of each step."""
    if not facts.splits:
        return Said()
    lacking = "" if all(split.classes for split in facts.splits) else "Give the events of each partition."
    return Said(f"{_list([_counted(split) for split in facts.splits], by='; ')}.", lacking)


def flow(facts: StudyFacts) -> Said:
    """Counts in and out."""
    told = participants(facts)
    if not told.text:
        return Said()
    left_out = exclusions(facts).text
    lacking = [told.lacking] if told.lacking else []
    lacking += [] if left_out else ["Say who was left out and why, or that nobody was."]
    lacking += [] if all(split.n_patients for split in facts.splits) else ["Give the number of patients."]
    return Said(f"{told.text} {left_out}".strip(), " ".join(lacking))


def characteristics(facts: StudyFacts) -> Said:
    """Columns told by partition."""
    if not facts.characteristics:
        return Said()
    return Said(f"By partition the report tells {_list(list(facts.characteristics))}.")


def model(facts: StudyFacts) -> Said:
    """Network, input and size."""
    if not facts.network:
        return Said()
    parts = [facts.network]
    parts += [f"input {facts.input_shape}"] if facts.input_shape else []
    parts += [f"{facts.n_parameters:,} parameters"] if facts.n_parameters else []
    lacking = [] if facts.input_shape else ["Say what the network is given."]
    lacking += [] if facts.n_parameters else ["Give the number of parameters."]
    return Said(f"{', '.join(parts)}.", " ".join(lacking))


def software(facts: StudyFacts) -> Said:
    """Packages and versions, and the machine."""
    if not facts.software:
        return Said()
    machine = f" Trained on {facts.hardware}." if facts.hardware else ""
    return Said(f"{_list([f'{name} {version}' for name, version in facts.software])}.{machine}")


def initial_weights(facts: StudyFacts) -> Said:
    """Where the weights started."""
    seed = "" if facts.seed is None else f", seed {facts.seed}"
    return Said(f"Weights started {facts.initial_weights}{seed}." if facts.initial_weights else "")


def training(facts: StudyFacts) -> Said:
    """Settings of the training."""
    settings = "; ".join(f"{name}: {value}" for name, value in facts.training)
    return Said(_sentence(settings))


def selection(facts: StudyFacts) -> Said:
    """How the final model was picked."""
    return Said(_sentence(facts.selection))


def ensemble(facts: StudyFacts) -> Said:
    """How many networks answer."""
    if facts.n_networks is None:
        return Said()
    if facts.n_networks == 1:
        return Said("One network; nothing is combined.")
    return Said(f"The probabilities of {facts.n_networks} networks are averaged.")


def measures(facts: StudyFacts) -> Said:
    """Names of what was measured."""
    figures = (*facts.metrics, *facts.calibration)
    if not figures:
        return Said()
    lacking = "" if facts.calibration else "Tell how well probabilities are calibrated."
    return Said(f"{_list(list(dict.fromkeys(figure.name for figure in figures)))}.", lacking)


def uncertainty(facts: StudyFacts) -> Said:
    """How intervals were made."""
    return Said(_sentence(facts.interval_method))


def performance(facts: StudyFacts) -> Said:
    """Figures with their intervals."""
    if not facts.metrics:
        return Said()
    bare = [figure.name for figure in facts.metrics if not figure.low <= figure.high]
    lacking = f"Give an interval for {_list(bare)}." if bare else ""
    return Said(f"{_list([_figure(figure) for figure in facts.metrics], by='; ')}.", lacking)


def subgroup_performance(facts: StudyFacts) -> Said:
    """Figures with their intervals, and the subgroups they are told for."""
    told = performance(facts)
    if not told.text:
        return told
    if not facts.subgroups:
        return Said(told.text, f"{told.lacking} Tell the figures for subgroups such as sex and age.".strip())
    return Said(f"{told.text} Also by {_list(list(facts.subgroups))}.", told.lacking)


def internal(facts: StudyFacts) -> Said:
    """Figures on unseen data of the same source."""
    tests = [split for split in facts.splits if "test" in split.name and "external" not in split.name]
    figures = performance(facts)
    if not (tests and figures.text):
        return Said()
    sizes = _list([_size(split) for split in tests])
    if _has_training(facts):
        return Said(f"On {sizes} kept apart: {figures.text}", figures.lacking)
    return Said(f"On {sizes}: {figures.text}", f"{figures.lacking} Show that they were kept apart of training.".strip())


def external(facts: StudyFacts) -> Said:
    """Data from elsewhere."""
    return Said(_sentence(facts.external_test))


def failures(facts: StudyFacts) -> Said:
    """The list of errors."""
    if facts.n_errors_shown is None:
        return Said()
    return Said(f"The report lists {facts.n_errors_shown} wrongly decided images, the most confident first.")


def explanation(facts: StudyFacts) -> Said:
    """Method of explanation and its checks."""
    if not facts.explanation:
        return Said()
    if not facts.explanation_checks:
        return Said(_sentence(facts.explanation), "Say how the explanations were checked.")
    return Said(f"{_sentence(facts.explanation)} Checked by {_list(list(facts.explanation_checks))}.")


def robustness(facts: StudyFacts) -> Said:
    """What was varied."""
    return Said(_sentence(facts.robustness))


def balance(facts: StudyFacts) -> Said:
    """What was done about rare classes."""
    return Said(_sentence(facts.class_balance))


def output(facts: StudyFacts) -> Said:
    """What the model puts out and where it decides."""
    if not facts.event:
        return Said()
    said = f"The probability of {facts.event}."
    if not facts.thresholds:
        return Said(said, "Say which thresholds are used and how they were found.")
    return Said(f"{said} {_sentence(facts.thresholds)}")


def calculation(facts: StudyFacts) -> Said:
    """How predictions were computed."""
    return Said(f"By the stored model, run as: {facts.command}" if facts.command else "")


def specification(facts: StudyFacts) -> Said:
    """Which stored model, and how it is made again."""
    if not facts.model_hash:
        return Said()
    made = f", made again by: {facts.command}" if facts.command else "."
    return Said(f"The stored model has hash {facts.model_hash}{made}")


def intended_use(facts: StudyFacts) -> Said:
    """For whom the model is meant."""
    return Said(_sentence(facts.intended_use))


def _has_training(facts: StudyFacts) -> bool:
    return any("training" in split.name for split in facts.splits)


def _sentence(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def _list(parts: list[str], *, by: str = ", ") -> str:
    return by.join(parts)


def _figure(figure: Estimate) -> str:
    if not figure.low <= figure.high:
        return f"{figure.name} {figure.value:.3f}"
    return f"{figure.name} {figure.value:.3f} ({100 * figure.level:g} % interval {figure.low:.3f} to {figure.high:.3f})"


def _size(split: SplitFacts) -> str:
    return f"{split.n_images:,} images" + ("" if split.n_patients is None else f" of {split.n_patients:,} patients")


def _counted(split: SplitFacts) -> str:
    classes = f" ({_list([f'{count:,} {label}' for label, count in split.classes])})" if split.classes else ""
    return f"{split.name}: {_size(split)}{classes}"


def _duplicates(count: int) -> str:
    return "No image occurs twice." if count == 0 else f"{count} images occur more than once."
