"""Which items of a checklist the facts of a study fill, and what its author must supply."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from domains.medical.checklist import sentences
from domains.medical.checklist.claim import CLAIM
from domains.medical.checklist.items import ChecklistItem
from domains.medical.checklist.sentences import Said
from domains.medical.checklist.study_facts import StudyFacts
from domains.medical.checklist.tripod import TRIPOD_AI

__all__ = ["ChecklistCount", "FilledItem", "count_items", "fill"]


@dataclass(frozen=True)
class FilledItem:
    """An item, and what a report can say on it.

    Parameters
    ----------
    item
        What is asked.
    status
        ``"filled"``, ``"partly"`` or ``"missing"``.
    text
        What the facts, or the author, say; empty where missing.
    needed
        What the author must supply; empty where filled.
    """

    item: ChecklistItem
    status: str
    text: str
    needed: str


@dataclass(frozen=True)
class ChecklistCount:
    """How far a checklist is filled."""

    checklist: str
    n_filled: int
    n_partly: int
    n_missing: int


@dataclass(frozen=True)
class _Rule:
    """What the facts say on an item, and what to ask the author for; a rule that does not ``complete`` always asks."""

    ask: str
    say: Callable[[StudyFacts], Said] | None = None
    completes: bool = True


def fill(facts: StudyFacts, items: Iterable[ChecklistItem] = (*CLAIM, *TRIPOD_AI)) -> tuple[FilledItem, ...]:
    """Return every item with what the facts say on it.

    A text of the author in ``facts.statements`` fills its item and goes before ours. Facts never fill what only a
    person can answer for (ethics, how the truth was established, limitations): such items stay missing, or partly so.

    Raises
    ------
    ValueError
        For a statement on an item there is not.

    Examples
    --------
    >>> facts = StudyFacts(data_name="PneumoniaMNIST", statements={"CLAIM 44": "No funding."})
    >>> found = {filled.item.key: filled for filled in fill(facts)}
    >>> found["CLAIM 7"].status, found["CLAIM 7"].needed
    ('partly', 'Say where the data come from. Say under which terms they can be used.')
    >>> found["CLAIM 44"].status, found["TRIPOD+AI 18a"].status
    ('filled', 'missing')
    """
    wanted = tuple(items)
    _check_statements(facts, [item.key for item in wanted])
    return tuple(_filled(item, facts) for item in wanted)


def count_items(filled: Iterable[FilledItem]) -> tuple[ChecklistCount, ...]:
    """Return how many items of each checklist are filled, partly filled and missing.

    Examples
    --------
    >>> count_items(fill(StudyFacts()))[0]
    ChecklistCount(checklist='CLAIM', n_filled=0, n_partly=0, n_missing=44)
    """
    given = tuple(filled)
    return tuple(
        ChecklistCount(
            name,
            *(
                sum(one.item.checklist == name and one.status == status for one in given)
                for status in ("filled", "partly", "missing")
            ),
        )
        for name in dict.fromkeys(one.item.checklist for one in given)
    )


def _filled(item: ChecklistItem, facts: StudyFacts) -> FilledItem:
    if statement := facts.statements.get(item.key, "").strip():
        return FilledItem(item, "filled", statement, "")
    rule = _RULES[item.key]
    said = Said() if rule.say is None else rule.say(facts)
    if not said.text:
        return FilledItem(item, "missing", "", rule.ask)
    needed = " ".join(part for part in (said.lacking, "" if rule.completes else rule.ask) if part)
    return FilledItem(item, "partly" if needed else "filled", said.text, needed)


def _check_statements(facts: StudyFacts, keys: list[str]) -> None:
    unknown = [key for key in facts.statements if key not in keys]
    if unknown:
        near = get_close_matches(unknown[0], keys, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"statements must name items such as {keys[0]!r}, got {unknown}.{hint}")


_CLAIM_RULES = {
    "1": _Rule("Write a title that names deep learning, or the kind of model used."),
    "2": _Rule("Write the abstract."),
    "3": _Rule("Tell the clinical background.", sentences.intended_use, completes=False),
    "4": _Rule("State the aims and hypotheses."),
    "5": _Rule("Say whether the data were collected for this study or before it."),
    "6": _Rule("State the goal of the study.", sentences.intended_use, completes=False),
    "7": _Rule("Name the data, where they come from and under which terms.", sentences.data_source),
    "8": _Rule("State who was eligible, where and when.", sentences.exclusions, completes=False),
    "9": _Rule("Describe each step from file to network.", sentences.preprocessing),
    "10": _Rule("Say whether parts of examinations were picked, and how."),
    "11": _Rule("Say how the data were de-identified."),
    "12": _Rule("Say what was done about missing data.", sentences.missing_data),
    "13": _Rule("Describe devices and protocol.", sentences.acquisition),
    "14": _Rule("Define how the truth was established.", sentences.outcome, completes=False),
    "15": _Rule("Say why this reference standard was chosen."),
    "16": _Rule("Say who assigned the truth, and their training."),
    "17": _Rule("Say how and with which tools test images were annotated."),
    "18": _Rule("Tell the agreement of readers, and how disagreement was settled."),
    "19": _Rule("Say how images were assigned to partitions.", sentences.partition),
    "20": _Rule("Say at which level partitions are apart.", sentences.disjoint),
    "21": _Rule("Say how the size of the test set was determined."),
    "22": _Rule("Describe the network.", sentences.model),
    "23": _Rule("List software and versions.", sentences.software),
    "24": _Rule("Say where the weights started.", sentences.initial_weights),
    "25": _Rule("List the settings of the training.", sentences.training),
    "26": _Rule("Say how the final model was picked, and on which data.", sentences.selection),
    "27": _Rule("Say whether models were combined.", sentences.ensemble),
    "28": _Rule("Name the measures of performance.", sentences.measures),
    "29": _Rule("Say how intervals and tests were made.", sentences.uncertainty),
    "30": _Rule("Vary data or settings and tell what changes.", sentences.robustness),
    "31": _Rule("Explain the model's answers, or say that this was not done.", sentences.explanation),
    "32": _Rule("Test on data kept apart.", sentences.internal),
    "33": _Rule("Test on data from elsewhere, or say why not.", sentences.external),
    "34": _Rule("Give the registration, or say that this is no trial."),
    "35": _Rule("Count who was in and out.", sentences.flow),
    "36": _Rule("Tell age, sex and disease by partition.", sentences.characteristics),
    "37": _Rule("Give figures by partition and subgroup.", sentences.subgroup_performance),
    "38": _Rule("Give accuracy figures with intervals.", sentences.performance),
    "39": _Rule("Discuss the errors in their clinical context.", sentences.failures, completes=False),
    "40": _Rule("Discuss the limitations."),
    "41": _Rule("Discuss what follows for practice.", sentences.intended_use, completes=False),
    "42": _Rule("Say where the protocol is found."),
    "43": _Rule("Say where software, model and data can be had.", sentences.specification, completes=False),
    "44": _Rule("Name who paid, and their part."),
}

_TRIPOD_RULES = {
    "1": _Rule("Write a title that names the model, the patients and the outcome."),
    "2": _Rule("Write the abstract."),
    "3a": _Rule("Tell the background and the models there are."),
    "3b": _Rule("State for whom, where and by whom the model is to be used.", sentences.intended_use),
    "3c": _Rule("Tell the health inequalities that are known."),
    "4": _Rule("State the objectives."),
    "5a": _Rule("Say whom the data represent, for each partition.", sentences.data_source, completes=False),
    "5b": _Rule("Give the dates of collection."),
    "6a": _Rule("Describe the setting and the centres."),
    "6b": _Rule("State who was eligible.", sentences.exclusions, completes=False),
    "6c": _Rule("Tell the treatments, or that they do not matter."),
    "7": _Rule("Describe how the data were prepared.", sentences.preparation),
    "8a": _Rule("Say how and when the outcome was established.", sentences.outcome, completes=False),
    "8b": _Rule("Say who judged the outcome."),
    "8c": _Rule("Say what those who judged the outcome knew."),
    "9a": _Rule("Say why images, and these images, are the input.", sentences.model, completes=False),
    "9b": _Rule("Describe how and when images were made.", sentences.acquisition),
    "9c": _Rule("Say whether the input takes a reader's judgement."),
    "10": _Rule("Justify the size of the study.", sentences.partition, completes=False),
    "11": _Rule("Say what was done about missing data.", sentences.missing_data),
    "12a": _Rule("Say which data developed and which evaluated the model.", sentences.partition),
    "12b": _Rule("Say how images were scaled.", sentences.preprocessing),
    "12c": _Rule("Say why this type of model, and how it was tuned.", sentences.selection, completes=False),
    "12d": _Rule("Say how centres were allowed for.", sentences.uncertainty, completes=False),
    "12e": _Rule("Say why these measures and plots.", sentences.measures, completes=False),
    "12f": _Rule("Say whether the model was changed after its evaluation."),
    "12g": _Rule("Say how predictions were computed.", sentences.calculation),
    "13": _Rule("Say what was done about rare classes, or that nothing was.", sentences.balance),
    "14": _Rule("Say what was done for fairness, or that nothing was."),
    "15": _Rule("Say what the model puts out and where it decides.", sentences.output),
    "16": _Rule("Say how evaluation data differ from those of development.", sentences.external, completes=False),
    "17": _Rule("Name the ethics committee, and consent or its waiver."),
    "18a": _Rule("Name who paid, and their part."),
    "18b": _Rule("Declare interests."),
    "18c": _Rule("Say where the protocol is found, or that there was none."),
    "18d": _Rule("Give the registration, or say that there was none."),
    "18e": _Rule("Say how the data can be had.", sentences.data_source),
    "18f": _Rule("Say where the code can be had.", sentences.calculation, completes=False),
    "19": _Rule("Say what part patients and the public had, or none."),
    "20a": _Rule("Count participants with and without the outcome.", sentences.flow),
    "20b": _Rule("Tell what was missing, and how groups differ.", sentences.characteristics, completes=False),
    "20c": _Rule("Compare the partitions.", sentences.characteristics),
    "21": _Rule("Count participants and events of each step.", sentences.participants),
    "22": _Rule("Make the model available, or say under which restrictions.", sentences.specification),
    "23a": _Rule("Give figures with intervals, for subgroups too.", sentences.subgroup_performance),
    "23b": _Rule("Tell how figures differ between centres, if that was looked at."),
    "24": _Rule("Describe the changed model, or say that it was not changed."),
    "25": _Rule("Interpret the results, fairness included."),
    "26": _Rule("Discuss the limitations."),
    "27a": _Rule("Say what to do where an image is bad or absent."),
    "27b": _Rule("Say what users must do and know.", sentences.intended_use, completes=False),
    "27c": _Rule("Say what is to be studied next."),
}

_RULES = {f"CLAIM {number}": rule for number, rule in _CLAIM_RULES.items()} | {
    f"TRIPOD+AI {number}": rule for number, rule in _TRIPOD_RULES.items()
}
