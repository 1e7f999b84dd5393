import dataclasses

import pytest

from appkit.prediction import Estimate
from domains.medical.checklist import CLAIM, TRIPOD_AI, SplitFacts, StudyFacts, count_items, fill

AUC = Estimate("AUC", 0.95, 0.92, 0.97, method="DeLong", n=624)

KNOWN = StudyFacts(
    data_name="PneumoniaMNIST",
    data_source="medmnist.com",
    data_licence="CC BY 4.0",
    acquisition="radiographs of children's chests",
    event="pneumonia",
    splits=(
        SplitFacts("training", 4708, 3000, (("normal", 1214), ("pneumonia", 3494))),
        SplitFacts("test", 624, 400, (("normal", 234), ("pneumonia", 390))),
    ),
    exclusions=(("no label", 3),),
    is_split_by_patient=True,
    n_duplicates=0,
    preprocessing=("resized to 28 x 28", "scaled to mean 0"),
    missing_data="images without a label were left out",
    network="residual network",
    n_parameters=120_000,
    input_shape="28 x 28 pixels, grey",
    initial_weights="at random",
    training=(("epochs", "30"), ("augmentation", "chest")),
    n_networks=5,
    selection="lowest log-loss on validation rows",
    class_balance="none",
    thresholds="95 % sensitivity on validation rows",
    seed=0,
    software=(("torch", "2.13"),),
    hardware="2 cores",
    metrics=(AUC,),
    interval_method="DeLong, clustered by patient",
    calibration=(Estimate("Calibration slope", 1.0, 0.9, 1.1, method="Wald", n=624),),
    subgroups=("sex",),
    characteristics=("age", "sex"),
    n_errors_shown=8,
    explanation="patch Shapley values",
    explanation_checks=("weight randomisation",),
    robustness="three seeds",
    external_test="none: no other data at hand",
    intended_use="triage of children's radiographs",
    model_hash="abc123",
    command="python -m benchmarks.medical",
)


def found(facts):
    return {one.item.key: one for one in fill(facts)}


def test_each_checklist_has_the_items_its_publication_counts():
    assert [item.number for item in CLAIM] == [str(number) for number in range(1, 45)]
    assert len(TRIPOD_AI) == 52
    assert {"".join(filter(str.isdigit, item.number)) for item in TRIPOD_AI} == {str(n) for n in range(1, 28)}


def test_letters_of_an_item_have_no_gap():
    letters: dict[str, str] = {}
    for item in TRIPOD_AI:
        number = item.number.rstrip("abcdefg")
        letters[number] = letters.get(number, "") + item.number[len(number) :]
    assert set(letters.values()) <= {"", "ab", "abc", "abcdef", "abcdefg"}


def test_each_item_asks_in_one_sentence():
    assert all(item.what[-1] in ".?" and len(item.what) < 130 for item in (*CLAIM, *TRIPOD_AI))


def test_nothing_known_leaves_everything_missing_and_says_what_is_needed():
    filled = fill(StudyFacts())
    assert {one.status for one in filled} == {"missing"}
    assert all(one.needed.endswith(".") for one in filled)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(StudyFacts)[:-1]])  # not the statements
def test_every_fact_is_told_somewhere(field):
    without = dataclasses.replace(KNOWN, **{field: getattr(StudyFacts(), field)})
    assert [one.text for one in fill(KNOWN)] != [one.text for one in fill(without)]


def test_a_full_study_says_so_item_by_item():
    filled = found(KNOWN)
    assert filled["CLAIM 7"].text == "PneumoniaMNIST, from medmnist.com, under CC BY 4.0."
    assert filled["CLAIM 38"].text == "AUC 0.950 (95 % interval 0.920 to 0.970)."
    assert filled["TRIPOD+AI 20a"].text == (
        "training: 4,708 images of 3,000 patients (1,214 normal, 3,494 pneumonia); "
        "test: 624 images of 400 patients (234 normal, 390 pneumonia). Left out: 3 images (no label)."
    )
    assert filled["CLAIM 20"].text == "No patient is in two partitions. No image occurs twice."
    assert filled["CLAIM 27"].text == "The probabilities of 5 networks are averaged."


def test_facts_never_answer_for_a_person():
    filled = found(KNOWN)
    for key in ("CLAIM 11", "CLAIM 15", "CLAIM 16", "CLAIM 40", "TRIPOD+AI 17", "TRIPOD+AI 18b", "TRIPOD+AI 26"):
        assert filled[key].status == "missing"
    assert filled["CLAIM 14"].status == "partly"
    assert filled["CLAIM 14"].needed == "Define how the truth was established."


def test_a_statement_of_the_author_fills_its_item():
    filled = found(dataclasses.replace(KNOWN, statements={"CLAIM 40": " Children only. ", "CLAIM 7": "Our own."}))
    assert (filled["CLAIM 40"].status, filled["CLAIM 40"].text) == ("filled", "Children only.")
    assert filled["CLAIM 7"].text == "Our own."


def test_a_statement_on_no_item_is_refused_with_a_near_one():
    with pytest.raises(ValueError, match=r"statements must name items .*Did you mean 'TRIPOD\+AI 18a'"):
        fill(StudyFacts(statements={"TRIPOD 18a": "No funding."}))


def test_a_figure_without_an_interval_is_asked_for_one():
    bare = dataclasses.replace(AUC, low=float("nan"), high=float("nan"))
    one = found(dataclasses.replace(KNOWN, metrics=(bare,)))["CLAIM 38"]
    assert (one.status, one.text, one.needed) == ("partly", "AUC 0.950.", "Give an interval for AUC.")


def test_figures_without_subgroups_are_half_the_answer():
    one = found(dataclasses.replace(KNOWN, subgroups=()))["TRIPOD+AI 23a"]
    assert (one.status, one.needed) == ("partly", "Tell the figures for subgroups such as sex and age.")


def test_patients_in_two_partitions_are_not_hidden():
    one = found(dataclasses.replace(KNOWN, is_split_by_patient=False, n_duplicates=4))["CLAIM 20"]
    assert one.text == "Patients may be in two partitions. 4 images occur more than once."


def test_unknown_patients_leave_the_flow_open():
    one = found(dataclasses.replace(KNOWN, splits=(SplitFacts("test", 10),), exclusions=()))["CLAIM 35"]
    assert one.needed == (
        "Give the events of each partition. Say who was left out and why, or that nobody was. "
        "Give the number of patients."
    )


def test_counts_add_up_to_the_items():
    counts = count_items(fill(KNOWN))
    assert [(c.checklist, c.n_filled + c.n_partly + c.n_missing) for c in counts] == [("CLAIM", 44), ("TRIPOD+AI", 52)]


def test_one_checklist_can_be_filled_alone():
    assert len(fill(KNOWN, CLAIM)) == 44


def test_a_test_part_alone_is_not_said_to_be_kept_apart():
    filled = found(dataclasses.replace(KNOWN, splits=KNOWN.splits[1:]))
    assert "kept apart" not in filled["CLAIM 32"].text
    assert filled["CLAIM 32"].needed == "Show that they were kept apart of training."
    assert (filled["CLAIM 19"].status, filled["CLAIM 19"].needed) == ("partly", "Give the images of training.")
