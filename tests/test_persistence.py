"""A saved model comes back whole, and a damaged, foreign or hostile file is refused by name."""

import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load as load_tensors
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from torch import nn

from appkit.archive import read_archive, write_archive
from appkit.exceptions import ArtefactError
from appkit.explanation import explain
from appkit.model import Costs, TableEmbedding, TabularClassifier, TabularRegressor
from appkit.model.state import model_hash
from appkit.persistence import load, read_notes, save

SMALL: dict[str, Any] = {
    "width": 16,
    "n_networks": 2,
    "max_epochs": 3,
    "n_members": 4,
    "special_codes": {"months_late": (-9,)},
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 120
    return pd.DataFrame(
        {
            "income": np.where(np.arange(n) % 7 == 0, np.nan, rng.normal(50, 10, n)),
            "months_late": np.where(np.arange(n) % 5 == 0, -9, rng.integers(0, 30, n)),
            "job": pd.Series(["clerk", "nurse", None, "smith"] * 30),
            "region": pd.Categorical(["north", "south", "west"] * 40),
            "owner": rng.random(n) < 0.5,
            "opened": pd.date_range("2020-01-01", periods=n, freq="D"),
            "band": pd.cut(rng.normal(size=n), 3),
        }
    )


@pytest.fixture(scope="module")
def labels(table: pd.DataFrame) -> np.ndarray:
    return np.where(table["months_late"] > 15, "bad", "good")


@pytest.fixture(scope="module")
def classifier(table: pd.DataFrame, labels: np.ndarray) -> TabularClassifier:
    return TabularClassifier(**SMALL).fit(table, labels)


@pytest.fixture
def saved(classifier: TabularClassifier, tmp_path: Path) -> Path:
    return save(classifier, tmp_path / "model.appkit")


def variants() -> dict[str, dict[str, Any]]:
    return {
        "plain": {},
        "one network": {"n_networks": 1},
        "mlp": {"network": "mlp"},
        "monotone": {"monotone": {"income": -1}},
        "weighted classes": {"class_weight": {"bad": 3.0, "good": 1.0}},
        "balanced": {"class_weight": "balanced"},
        "costs": {"costs": Costs(missed_event=5, false_alarm=1, currency="EUR")},
        "threshold": {"threshold": 0.2},
        "quantile": {"numeric": "quantile"},
        "uncalibrated": {"calibrate": False},
        "declared": {"kinds": {"months_late": "category"}, "special_codes": None, "protected": ["owner"]},
        "checkpointed": {"n_networks": np.int64(1), "max_seconds": 60.0},
    }


@pytest.mark.parametrize("variant", variants())
def test_loaded_classifier_predicts_the_same_bits(variant, table, labels, tmp_path):
    model = TabularClassifier(**SMALL | variants()[variant]).fit(table, labels)
    again = load(save(model, tmp_path / "model.appkit"))
    np.testing.assert_array_equal(again.predict_proba(table), model.predict_proba(table), strict=True)
    np.testing.assert_array_equal(again.predict(table), model.predict(table), strict=True)
    assert again.get_params() == model.get_params()


def test_loaded_regressor_predicts_the_same_bits_and_intervals(table, tmp_path):
    model = TabularRegressor(**SMALL).fit(table.drop(columns="income"), np.arange(120.0))
    again = load(save(model, tmp_path / "model.appkit"))
    rows = table.drop(columns="income")
    np.testing.assert_array_equal(again.predict_interval(rows), model.predict_interval(rows), strict=True)


def test_loaded_multiclass_keeps_labels_and_prediction_sets(table, tmp_path):
    grades = np.array([3, 1, 2] * 40)
    model = TabularClassifier(**SMALL).fit(table, grades)
    again = load(save(model, tmp_path / "model.appkit"))
    np.testing.assert_array_equal(again.classes_, model.classes_, strict=True)
    np.testing.assert_array_equal(again.predict_set(table), model.predict_set(table))


def test_loaded_estimators_of_domains_predict_the_same_bits(table, labels, tmp_path):
    finance = pytest.importorskip("domains.finance")
    model = finance.CreditRiskClassifier(**SMALL, master_scale=finance.MasterScale(("A", "B"), (0.3, 1.0)))
    model.fit(table, labels)
    again = load(save(model, tmp_path / "model.appkit"))
    np.testing.assert_array_equal(again.grade(table), model.grade(table))
    assert (again.event_, again.master_scale) == (model.event_, model.master_scale)


def test_loaded_ordinal_model_keeps_its_cut_points(table, tmp_path):
    finance = pytest.importorskip("domains.finance")
    model = finance.CreditRatingClassifier(**SMALL, grades=["low", "mid", "top"])
    model.fit(table, np.repeat(["low", "mid", "top"], 40))
    again = load(save(model, tmp_path / "model.appkit"))
    np.testing.assert_array_equal(again.predict_proba(table), model.predict_proba(table), strict=True)


def test_loaded_model_explains_the_same_from_its_own_background(classifier, saved, table):
    before = explain(classifier, table[:3], "permutation", random_state=0)
    after = explain(load(saved), table[:3], "permutation", random_state=0)
    np.testing.assert_array_equal(after.values, before.values, strict=True)


def test_background_comes_back_with_its_dtypes(classifier, saved):
    pd.testing.assert_frame_equal(load(saved).background_, classifier.background_)


def test_folder_and_zip_hold_the_same_parts(classifier, tmp_path):
    zipped = save(classifier, tmp_path / "model.appkit")
    folder = save(classifier, tmp_path / "model", as_folder=True)
    assert folder.is_dir()
    assert read_archive(folder) == read_archive(zipped)


def test_saving_into_an_empty_folder_writes_a_folder(classifier, table, tmp_path):
    (tmp_path / "model").mkdir()
    folder = save(classifier, tmp_path / "model")
    save(classifier, folder)  # and again over itself
    assert (folder / "manifest.json").is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]
    np.testing.assert_array_equal(load(folder).predict_proba(table), classifier.predict_proba(table))


def test_saving_over_a_folder_of_other_files_is_refused(classifier, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="holds other files"):
        save(classifier, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_saving_into_an_absent_folder_says_so(classifier, tmp_path):
    with pytest.raises(FileNotFoundError, match="Create it first"):
        save(classifier, tmp_path / "absent" / "model.appkit")


def test_equal_fits_give_equal_bytes(classifier, saved, table, labels, tmp_path):
    twin = TabularClassifier(**SMALL).fit(table, labels)
    other = save(twin, tmp_path / "twin.appkit")
    assert other.read_bytes() == saved.read_bytes()
    assert save(load(saved), tmp_path / "again.appkit").read_bytes() == saved.read_bytes()


def test_model_hash_tells_equal_models_from_others(classifier, saved, table, labels):
    other = TabularClassifier(**SMALL | {"random_state": 1}).fit(table, labels)
    assert model_hash(load(saved)) == model_hash(classifier)
    assert model_hash(other) != model_hash(classifier)


def test_weights_lie_in_the_file_as_plain_safetensors(classifier, saved):
    tensors = load_tensors(read_archive(saved)["weights.safetensors"])
    weight = classifier.module_.networks[0].output.weight.detach().numpy()
    np.testing.assert_array_equal(tensors["module_/networks.0.output.weight"], weight)


def test_saving_and_loading_leave_the_random_generators_alone(classifier, saved):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002  # the global one is the point
    load(saved)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_notes_are_read_back(classifier, tmp_path):
    path = save(classifier, tmp_path / "model.appkit", notes={"auc": 0.75, "by": ["validator"]})
    assert read_notes(path) == {"auc": 0.75, "by": ["validator"]}
    with pytest.raises(TypeError, match="notes must be plain JSON values"):
        save(classifier, tmp_path / "model.appkit", notes={"auc": classifier})


def test_failed_save_leaves_the_earlier_model_and_nothing_else(classifier, saved, monkeypatch):
    before = saved.read_bytes()

    def break_off(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", break_off)
    with pytest.raises(OSError, match="disk full"):
        save(classifier, saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_unfitted_model_is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        save(TabularClassifier(), tmp_path / "model.appkit")


def test_foreign_estimator_is_refused(classifier, tmp_path):
    with pytest.raises(TypeError, match="Of a pipeline save the estimator"):
        save(make_pipeline(classifier), tmp_path / "model.appkit")


def test_fitted_attribute_of_another_type_is_named(table, labels, tmp_path):
    model = TabularClassifier(**SMALL | {"n_networks": 1}).fit(table, labels)
    model.clock_ = iter(())
    with pytest.raises(TypeError, match=r"clock_ cannot be saved"):
        save(model, tmp_path / "model.appkit")


def test_live_generator_is_kept_as_none_with_a_remark(table, labels, tmp_path):
    model = TabularClassifier(**SMALL | {"n_networks": 1, "random_state": np.random.RandomState(0)})
    path = save(model.fit(table, labels), tmp_path / "model.appkit")
    assert load(path).random_state is None
    assert "random_state was a live generator" in json.loads(read_archive(path)["model.json"])["remarks"][0]


def linear(layout: Any, n_outputs: int) -> nn.Module:
    embedding = TableEmbedding(layout)
    return nn.Sequential(embedding, nn.Linear(embedding.width, n_outputs))


def test_model_of_a_factory_is_loaded_with_that_factory(table, labels, tmp_path):
    model = TabularClassifier(**SMALL | {"network": linear}).fit(table, labels)
    path = save(model, tmp_path / "model.appkit")
    with pytest.raises(ArtefactError, match=r"built by '.*linear'.*load\(path, network=...\)"):
        load(path)
    np.testing.assert_array_equal(load(path, network=linear).predict_proba(table), model.predict_proba(table))


def test_factory_for_a_model_without_one_is_refused(saved):
    with pytest.raises(ArtefactError, match="is for models built by a factory"):
        load(saved, network=linear)


def test_device_is_chosen_at_loading_and_not_kept(saved):
    assert "fitted/device.json" not in read_archive(saved)
    assert load(saved, device="auto").device_ in ("cpu", "cuda")


@pytest.mark.gpu
def test_model_trained_on_a_gpu_opens_on_the_cpu(table, labels, tmp_path):
    model = TabularClassifier(**SMALL | {"device": "cuda"}).fit(table, labels)
    again = load(save(model, tmp_path / "model.appkit"))
    assert {parameter.device.type for parameter in again.module_.parameters()} == {"cpu"}
    np.testing.assert_allclose(again.predict_proba(table), model.predict_proba(table), atol=1e-5)


def test_absent_path_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing at that path"):
        load(tmp_path / "model.appkit")


# What follows damages an artefact in one way and expects the message to name it.


def rezip(path: Path, change: Callable[[zipfile.ZipFile, dict[str, bytes]], None]) -> Path:
    """Write the entries of a zip again after ``change``, hashes as they were."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        change(archive, entries)
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def rewrite(path: Path, part: str, edit: Callable[[Any], Any]) -> Path:
    """Edit one JSON part and give it a right hash: what a forger would do."""
    parts = read_archive(path)
    parts[part] = json.dumps(edit(json.loads(parts[part]))).encode()
    write_archive(path, parts)
    return path


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_truncated_artefact_is_refused(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ArtefactError, match="no complete zip"):
        load(saved)


def test_flipped_byte_is_refused(saved):
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 1
    saved.write_bytes(bytes(content))
    with pytest.raises(ArtefactError, match=r"weights.safetensors.*damaged"):
        load(saved)


def test_changed_part_is_refused_by_its_hash(saved):
    def swap(_: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        entries["fitted/classes.json"] = entries["fitted/classes.json"].replace(b"bad", b"BAD")

    with pytest.raises(ArtefactError, match=r"'fitted/classes.json' has another hash"):
        load(rezip(saved, swap))


@pytest.mark.parametrize("name", ["../evil.json", "/etc/evil.json", "fitted/../../evil.json", "C:/evil.json", "run.py"])
def test_path_escape_is_refused(saved, name):
    with pytest.raises(ArtefactError, match="path escape"):
        load(rezip(saved, lambda archive, _: archive.writestr(name, b"{}")))


def test_link_in_a_zip_is_refused(saved):
    def link(archive: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        info = zipfile.ZipInfo("fitted/link.json")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, b"/etc/passwd")

    with pytest.raises(ArtefactError, match=r"'fitted/link.json' is a link"):
        load(rezip(saved, link))


def test_link_in_a_folder_is_refused(classifier, tmp_path):
    folder = save(classifier, tmp_path / "model", as_folder=True)
    (folder / "link.json").symlink_to(folder / "model.json")
    with pytest.raises(ArtefactError, match=r"'link.json' is a link"):
        load(folder)


def test_missing_part_is_refused(classifier, tmp_path):
    folder = save(classifier, tmp_path / "model", as_folder=True)
    (folder / "fitted" / "schema.json").unlink()
    with pytest.raises(ArtefactError, match=r"'fitted/schema.json' is missing"):
        load(folder)


def test_part_that_is_not_listed_is_refused(saved):
    with pytest.raises(ArtefactError, match=r"'extra.json' is not listed"):
        load(rezip(saved, lambda archive, _: archive.writestr("extra.json", b"{}")))


def test_doubled_part_is_refused(saved):
    def double(archive: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        archive.writestr("model.json", b"{}")

    with pytest.warns(UserWarning, match="Duplicate name"):
        rezip(saved, double)
    with pytest.raises(ArtefactError, match="more than once"):
        load(saved)


def test_zip_bomb_is_refused_by_its_declared_size(saved):
    def inflate(archive: zipfile.ZipFile, _: dict[str, bytes]) -> None:
        archive.writestr("fitted/bomb.json", bytes(2**27), compress_type=zipfile.ZIP_DEFLATED)

    with pytest.raises(ArtefactError, match="zip bomb"):
        load(rezip(saved, inflate))


def test_other_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("model.json", b"{}")
    with pytest.raises(ArtefactError, match=r"not written by appkit\.save"):
        load(tmp_path / "other.zip")


def change_manifest(path: Path, **fields: Any) -> Path:
    def edit(_: zipfile.ZipFile, entries: dict[str, bytes]) -> None:
        entries["manifest.json"] = json.dumps(json.loads(entries["manifest.json"]) | fields).encode()

    return rezip(path, edit)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format_version": 2}, "format version 2; this appkit reads up to 1. Upgrade"),
        ({"format_version": "1"}, "format_version must be a whole number"),
        ({"format": "other"}, "format must be 'appkit-model'"),
        ({"signature": "x"}, "unknown field 'signature'"),
        ({"parts": []}, "parts of manifest.json"),
    ],
)
def test_manifest_that_does_not_fit_is_refused(saved, fields, message):
    with pytest.raises(ArtefactError, match=message):
        load(change_manifest(saved, **fields))


@pytest.mark.parametrize(
    ("part", "edit", "message"),
    [
        ("model.json", lambda d: d | {"estimator": "os.system"}, "holds a 'os.system'; installed are .*SequenceCl"),
        ("model.json", lambda d: d | {"estimator": "Costs"}, "holds a 'Costs'"),
        ("model.json", lambda d: d | {"hook": "x"}, "unknown field 'hook'"),
        ("model.json", lambda d: d | {"parameters": d["parameters"] | {"widht": 3}}, "parameter 'widht' is unknown"),
        ("model.json", lambda d: d | {"parameters": d["parameters"] | {"width": 17}}, "weights do not fit"),
        (
            "model.json",
            lambda d: d | {"parameters": d["parameters"] | {"width": 30_000}},
            "at least 900,000,000 weights",
        ),
        (
            "model.json",
            lambda d: d | {"parameters": d["parameters"] | {"depth": 10**9}},
            "at least 255,999,999,744 wei",
        ),
        ("model.json", lambda d: d | {"parameters": d["parameters"] | {"n_members": 10**9}}, "at least 16,000,000,000"),
        ("model.json", lambda d: d | {"parameters": d["parameters"] | {"costs": {"$eval": "1"}}}, "parameter 'costs'"),
        ("fitted/schema.json", lambda d: {"schema_": {"$schema": {"columns": [], "x": 1}}}, "unknown field 'x'"),
        ("fitted/schema.json", lambda d: {"schema_": "none"}, "'schema_' must be a Schema"),
        ("fitted/schema.json", lambda d: {"predict_proba": 1}, "must hold 'schema_' alone"),
        ("fitted/encoder.json", lambda d: {"encoder_": {"$encoder": {}}}, "'encoder_' lacks"),
        ("fitted/head.json", lambda d: {"head_": {"$object": {"class": "Popen", "fields": {}}}}, "'Popen' is not"),
        ("fitted/background.json", lambda d: {"background_": {"$table": {"columns": [3]}}}, "lacks the field 'n_rows'"),
        ("fitted/conformal_scores.json", lambda d: {"conformal_scores_": {"$tensor": "no"}}, "lacks 'no'"),
    ],
)
def test_forged_part_is_refused_by_name(saved, part, edit, message):
    with pytest.raises(ArtefactError, match=message):
        load(rewrite(saved, part, edit))


def test_forged_name_of_a_fitted_attribute_is_refused(saved):
    parts = read_archive(saved) | {"fitted/threshold.json": b'{"threshold_": 0.1}'}
    write_archive(saved, parts)
    with pytest.raises(ArtefactError, match=r"'threshold_' is unknown"):
        load(saved)


@pytest.mark.parametrize("text", ["{", "[]", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, "\xff"])
def test_part_that_is_no_json_object_is_refused(saved, text):
    write_archive(saved, read_archive(saved) | {"model.json": text.encode("latin-1")})
    with pytest.raises(ArtefactError, match=r"model.json (is not valid JSON|must hold a JSON object)"):
        load(saved)


def test_tensors_that_are_none_are_refused(saved):
    write_archive(saved, read_archive(saved) | {"weights.safetensors": b"\x80\x04pickle"})
    with pytest.raises(ArtefactError, match=r"weights.safetensors cannot be read"):
        load(saved)


def test_folder_zipped_by_another_tool_opens(classifier, table, tmp_path):
    folder = save(classifier, tmp_path / "model", as_folder=True)
    copy = shutil.make_archive(str(tmp_path / "copy"), "zip", folder)
    np.testing.assert_array_equal(load(copy).predict_proba(table), classifier.predict_proba(table), strict=True)
