import json
from dataclasses import replace

import pytest

from benchmarks.results import Record, ResultStore
from benchmarks.summary import current_records, rank_models, render, summarise

RECORD = Record(
    table="made_up",
    data_hash="d",
    model="ours",
    fingerprint="f",
    seed=0,
    n_folds=5,
    repeat=0,
    fold=0,
    threads=1,
    scores={"auc": 0.8, "log_loss": 0.5, "brier": 0.2},
    fit_cpu=1.0,
    fit_wall=2.0,
    predict_cpu=0.1,
    predict_wall=0.2,
    n_train=80,
    n_test=20,
)
RUN = {"data_hash": "d", "seed": 0, "n_folds": 5, "threads": 1}


def scored(model: str, aucs: dict[int, float], **changes: object) -> list[Record]:
    made = [replace(RECORD, model=model, fold=fold, scores={**RECORD.scores, "auc": auc}) for fold, auc in aucs.items()]
    return [replace(record, **changes) for record in made]


def summary_of(by_model: dict[str, list[Record]], **fingerprints: str):
    wanted = {model: fingerprints.get(model, "f") for model in by_model}
    return summarise(
        "made_up", by_model, headline="auc", seed=0, reference="ours", fingerprints=wanted, absent={"tabm": "absent"}
    )


def test_records_survive_the_disk(tmp_path):
    ResultStore(tmp_path).add(RECORD)
    assert ResultStore(tmp_path).read("made_up") == [RECORD]


def test_a_line_cut_off_by_a_kill_costs_only_itself(tmp_path):
    store = ResultStore(tmp_path)
    store.add(RECORD)
    path = tmp_path / "made_up.jsonl"
    path.write_text(path.read_text() + "\n" + json.dumps({"table": "made_up"})[:-5])
    store.add(replace(RECORD, fold=1))
    assert [record.fold for record in store.read("made_up")] == [0, 1]


@pytest.mark.parametrize(
    "changes", [{"data_hash": "e"}, {"fingerprint": "g"}, {"fold": 1}, {"seed": 1}, {"threads": 2}]
)
def test_a_fit_is_repeated_when_anything_it_depends_on_changes(changes):
    assert replace(RECORD, **changes).key != RECORD.key


def test_results_of_earlier_sources_are_never_mixed_with_present_ones():
    records = [*scored("ours", {0: 0.7, 1: 0.7}, fingerprint="old"), *scored("ours", {0: 0.8})]
    kept = current_records(records, **RUN, fingerprints={"ours": "f"})
    assert [record.scores["auc"] for record in kept["ours"]] == [0.8]


def test_without_present_results_the_last_ones_are_shown_as_stale():
    records = scored("ours", {0: 0.7}, fingerprint="old")
    kept = current_records(records, **RUN, fingerprints={"ours": "f"})
    assert "| ours* |" in render(summary_of(kept), layout="markdown")


def test_models_are_compared_on_the_folds_both_ran():
    by_model = {"ours": scored("ours", {0: 0.8, 1: 0.9, 2: 0.1}), "peer": scored("peer", {0: 0.7, 1: 0.7, 3: 1.0})}
    (peer,) = (row for row in summary_of(by_model).rows if row.model == "peer")
    assert peer.headline_difference.value == pytest.approx(0.15)
    assert (peer.headline_difference.n_folds, peer.n_folds) == (2, 3)


def test_the_best_model_comes_first_and_absent_ones_say_why():
    text = render(summary_of({"peer": scored("peer", {0: 0.7}), "ours": scored("ours", {0: 0.8})}), layout="markdown")
    assert text.index("| ours |") < text.index("| peer |")
    assert "not run: tabm: absent" in text


def test_a_model_with_fewer_folds_is_listed_last_and_not_ranked():
    summary = summary_of({"lucky": scored("lucky", {0: 0.9}), "ours": scored("ours", {0: 0.8, 1: 0.6})})
    assert [row.model for row in summary.rows] == ["ours", "lucky"]
    assert rank_models([summary]) == {"ours": 1.0}


def test_ranks_leave_out_models_that_missed_a_table():
    both = {"peer": scored("peer", {0: 0.7}), "ours": scored("ours", {0: 0.8})}
    alone = {**both, "slow": scored("slow", {0: 0.9})}
    assert rank_models([summary_of(both), summary_of(alone)]) == {"ours": 1.0, "peer": 2.0}
