"""Images on the command line: folders, tables of paths and single files, and what is said when they do not fit."""

import inspect
import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from appkit.cli import app
from appkit.explanation import explain
from appkit.explanation.layouts import ImageLayout
from appkit.persistence import load, read_notes
from appkit.reporting import report as real_report
from domains.medical import make_phantoms

SMALL = ["--param", "max_epochs=1", "--param", "n_networks=1", "--param", "width=4", "--param", "size=14"]
PATIENT = r"(P\d+)"


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said_by(result: Any) -> str:
    return " ".join(result.stderr.replace("│", " ").split())


def write_scans(folder: Path, n: int, *, seed: int) -> pd.DataFrame:
    """Write phantoms by class, ``lesion/P3_7.png``; return path, finding, patient and sex of each."""
    data = make_phantoms(n, random_state=seed)
    assert data.groups is not None
    assert data.metadata is not None
    patients = data.groups.str.replace("patient ", f"P{seed}0")
    paths = [f"{label}/{patient}_{row}.png" for row, (label, patient) in enumerate(zip(data.y, patients, strict=True))]
    for pixels, path in zip(data.X, paths, strict=True):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / path)
    return pd.DataFrame({"file": paths, "finding": data.y, "pid": patients, "sex": data.metadata["sex"]})


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with scans to learn from, ``train``, and others, ``test``, each with a table beside it."""
    root = tmp_path_factory.mktemp("images")
    for part, n, seed in (("train", 48, 1), ("test", 24, 2)):
        table = write_scans(root / part, n, seed=seed)
        table.assign(file=part + "/" + table["file"]).to_csv(root / f"{part}.csv", index=False)
    return root


@pytest.fixture(scope="module")
def fitted(scans: Path) -> Any:
    """Return what was said while a model was fitted to a folder."""
    options = ["--patient", PATIENT, *SMALL, "--out", scans / "scans.appkit"]
    result = run("fit", "medical", scans / "train", *options)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def model_file(fitted: Any, scans: Path) -> Path:
    return scans / "scans.appkit"


def test_a_folder_is_learnt_with_its_patients(model_file, fitted):
    model = load(model_file)
    assert type(model).__name__ == "MedicalImageClassifier"
    assert (model.event_, model.patient, model.classes_.tolist()) == ("lesion", "patient", ["clear", "lesion"])
    n_patients = pd.read_csv(model_file.parent / "train.csv")["pid"].nunique()
    assert f"to 48 images of {n_patients} patients of train." in said_by(fitted)
    assert f"appkit report {model_file} FOLDER --patient '{PATIENT}' --out report.html" in said_by(fitted)


def test_the_notes_hold_a_digest_of_every_name_and_byte(model_file, scans, tmp_path):
    def digest(folder):
        options = ["--patient", PATIENT, *SMALL, "--out", tmp_path / "m.appkit"]
        assert run("fit", "image", folder, *options).exit_code == 0
        return read_notes(tmp_path / "m.appkit")["sha256"]

    shutil.copytree(scans / "train", tmp_path / "train")
    first = sorted((tmp_path / "train" / "clear").iterdir())[0]
    assert digest(tmp_path / "train") == read_notes(model_file)["sha256"]
    first.rename(first.with_stem(f"{first.stem}a"))
    renamed = digest(tmp_path / "train")
    Image.new("L", (28, 28)).save(first.with_stem(f"{first.stem}a"))
    assert len({read_notes(model_file)["sha256"], renamed, digest(tmp_path / "train")}) == 3


def test_a_table_of_paths_is_learnt_with_a_validation_table(scans, tmp_path):
    columns = ["--image", "file", "--target", "finding", "--patient", "pid", "--event", "lesion"]
    out = tmp_path / "m.appkit"
    result = run("fit", "medical", scans / "train.csv", *columns, *SMALL, "--val", scans / "test.csv", "--out", out)
    assert result.exit_code == 0, result.output
    assert (load(out).image, load(out).patient) == ("file", "pid")
    assert (read_notes(out)["data"], read_notes(out)["validation"]["data"]) == ("train.csv", "test.csv")


def test_a_patient_in_training_and_validation_is_named(scans, tmp_path):
    shared = pd.read_csv(scans / "train.csv")[:1]
    mixed = pd.concat([pd.read_csv(scans / "test.csv"), shared])
    mixed.to_csv(scans / "mixed.csv", index=False)
    columns = ["--image", "file", "--target", "finding", "--patient", "pid", "--val", scans / "mixed.csv"]
    result = run("fit", "image", scans / "train.csv", *columns, *SMALL, "--out", tmp_path / "m.appkit")
    assert result.exit_code == 1
    assert str(shared["pid"][0]) in said_by(result)


def test_predictions_of_a_folder_name_each_file_below_it(model_file, scans, tmp_path):
    assert run("predict", model_file, scans / "test", "--out", tmp_path / "out.csv").exit_code == 0
    written = pd.read_csv(tmp_path / "out.csv")
    assert written.columns.tolist() == ["path", "prediction", "probability_clear", "probability_lesion"]
    assert (len(written), written["path"][0]) == (24, "clear/P201_0.png")
    expected = load(model_file).predict_proba([scans / "test" / path for path in written["path"]])
    np.testing.assert_allclose(written[["probability_clear", "probability_lesion"]], expected, rtol=1e-6)


def test_predictions_need_no_folders_by_class(model_file, scans, tmp_path):
    (tmp_path / "new").mkdir()
    shutil.copy(next((scans / "test" / "lesion").iterdir()), tmp_path / "new" / "a.png")
    assert run("predict", model_file, tmp_path / "new", "--out", tmp_path / "out.csv").exit_code == 0
    assert pd.read_csv(tmp_path / "out.csv")["path"].tolist() == ["a.png"]


def test_predictions_read_dicom_without_an_ending(scans, tmp_path):
    pydicom_data = pytest.importorskip("pydicom.data")
    folder = tmp_path / "study"
    folder.mkdir()
    shutil.copy(pydicom_data.get_testdata_file("CT_small.dcm"), folder / "IM0001")
    deep = tmp_path / "train"
    for path in [*(scans / "train").rglob("*.png")]:
        target = deep / path.relative_to(scans / "train")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) * 257).save(target)
    assert run("fit", "image", deep, *SMALL, "--out", tmp_path / "m.appkit").exit_code == 0
    result = run("predict", tmp_path / "m.appkit", folder, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "out.csv")["path"].tolist() == ["IM0001"]


def test_predictions_of_a_table_keep_its_columns(model_file, scans, tmp_path):
    options = ["--image", "file", "--keep", "pid", "--out", tmp_path / "out.parquet"]
    assert run("predict", model_file, scans / "test.csv", *options).exit_code == 0
    written, given = pd.read_parquet(tmp_path / "out.parquet"), pd.read_csv(scans / "test.csv")
    assert written[["path", "pid"]].to_numpy().tolist() == given[["file", "pid"]].to_numpy().tolist()


def test_one_image_is_explained_patch_by_patch(model_file, scans, tmp_path):
    path = sorted((scans / "test" / "lesion").iterdir())[0]
    options = ["--max-evaluations", 2000, "--out", tmp_path / "why.csv"]
    result = run("explain", model_file, path, *options)
    assert result.exit_code == 0, result.output
    written = pd.read_csv(tmp_path / "why.csv")
    expected = explain(load(model_file), [path], max_evaluations=2000, random_state=0)
    np.testing.assert_allclose(written["value"], expected.values[0, :, 0], rtol=1e-6, atol=1e-12)
    assert written.columns.tolist()[:5] == ["path", "output", "segment", "pixel_rows", "pixel_columns"]
    assert written.iloc[8][["path", "pixel_rows", "pixel_columns"]].tolist() == [path.name, "2 to 3", "2 to 3"]


def test_superpixels_differ_from_image_to_image(model_file, scans, tmp_path):
    options = ["--image", "file", "--rows", 2, "--players", "superpixels", "--n-players", 8]
    out = tmp_path / "why.json"
    assert run("explain", model_file, scans / "test.csv", *options, "--keep", "sex", "--out", out).exit_code == 0
    lines = pd.DataFrame(json.loads(out.read_text()))
    expected = explain(
        load(model_file),
        [scans / path for path in lines["path"].unique()],
        players="superpixels",
        n_players=8,
        random_state=0,
    )
    assert isinstance(expected.layout, ImageLayout)
    sizes = [len(np.unique(segments)) for segments in expected.layout.segments]
    assert lines.groupby("path", sort=False).size().tolist() == sizes
    last = np.argwhere(expected.layout.segments[1] == sizes[1] - 1)
    rows, columns = (f"{low} to {high}" for low, high in zip(last.min(axis=0), last.max(axis=0), strict=True))
    assert lines.iloc[-1][["pixel_rows", "pixel_columns"]].tolist() == [rows, columns]


@pytest.fixture(scope="module")
def asked_of_report(model_file: Path, scans: Path) -> Any:
    """Return a function that gives what ``appkit report`` would ask of the report, without writing one."""

    def asked(*options: Any) -> dict[str, Any]:
        seen: dict[str, Any] = {}

        def report(model: Any, X: Any, y: Any, **given: Any) -> Any:
            inspect.signature(real_report).bind(model, X, y, **given)
            seen.update(given, X=X, y=y)
            raise ValueError("that will do")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("appkit.reporting.content.report", report)
            result = run("report", model_file, *options, "--out", scans / "page.html")
        assert said_by(result).endswith("error: that will do"), result.output
        return seen

    return asked


def test_a_report_on_a_folder_goes_by_patient(asked_of_report, scans):
    seen = asked_of_report(scans / "test", "--patient", PATIENT)
    assert (len(seen["X"]), seen["y"].unique().tolist()) == (24, ["clear", "lesion"])
    assert seen["groups"].nunique() == pd.read_csv(scans / "test.csv")["pid"].nunique()
    assert (seen["show_images"], seen["validation"], seen["subgroups"]) == (False, None, None)


def test_a_report_on_a_table_knows_its_columns_by_the_names_of_the_model(asked_of_report, scans):
    columns = ["--image", "file", "--target", "finding", "--patient", "pid", "--subgroup", "sex"]
    others = ["--validation", scans / "train.csv", "--reference", scans / "train.csv", "--show-images"]
    seen = asked_of_report(scans / "test.csv", *columns, *others, "--prevalence", 0.1)
    assert {"path", "patient", "sex"} == set(seen["X"]) == set(seen["validation"][0])
    assert (seen["subgroups"].columns.tolist(), seen["show_images"], seen["prevalence"]) == (["sex"], True, 0.1)
    assert [len(part) for part in seen["reference"]] == [48, 48]


@pytest.mark.slow
def test_a_report_is_written(model_file, scans, tmp_path):
    columns = ["--image", "file", "--target", "finding", "--patient", "pid", "--subgroup", "sex"]
    out = tmp_path / "study.html"
    result = run("report", model_file, scans / "test.csv", *columns, "--validation", scans / "train.csv", "--out", out)
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "study.json").read_text())
    assert facts["wording"]["columns"] == "patches"
    assert "data:image" not in out.read_text(encoding="utf-8")


@pytest.fixture
def few_phantoms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appkit.commands.datasets._loaders", lambda: {"make_phantoms": partial(make_phantoms, 60)})


@pytest.mark.usefixtures("few_phantoms")
def test_phantoms_are_written_as_files_by_class(tmp_path):
    result = run("datasets", "make_phantoms", "--out", tmp_path / "phantoms")
    assert result.exit_code == 0, result.output
    assert "Wrote 60 images of 2 classes" in said_by(result)
    assert said_by(result).endswith("the target is finding, the event 'lesion', patients are in patient.")
    assert len(list((tmp_path / "phantoms" / "lesion").iterdir())) == 30
    assert [path.name for path in tmp_path.iterdir()] == ["phantoms"]


@pytest.mark.usefixtures("few_phantoms")
def test_image_sets_are_listed_by_their_pixels():
    assert run("datasets").stdout.splitlines()[1].split()[:5] == ["make_phantoms", "60", "28", "x", "28"]


def spoil(root: Path, scans: Path) -> dict[str, Path]:
    """Make a folder for each thing that can be wrong, and a table model's data."""
    for name in ("EMPTY", "ONE/lesion", "BESIDE"):
        (root / name).mkdir(parents=True)
    shutil.copytree(scans / "test" / "lesion", root / "ONE" / "lesion", dirs_exist_ok=True)
    for name in ("BESIDE", "DAMAGED"):
        shutil.copytree(scans / "test", root / name, dirs_exist_ok=True)
    shutil.copy(next((root / "ONE" / "lesion").iterdir()), root / "BESIDE" / "stray.png")
    (root / "DAMAGED" / "lesion" / "P9_0.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    scores = pd.DataFrame({"x": range(40), "y": [0, 1] * 20})
    scores.to_csv(root / "ROWS.csv", index=False)
    pd.read_csv(scans / "test.csv").rename(columns={"file": "paths"}).to_csv(root / "NEAR.csv", index=False)
    pd.DataFrame({"path": ["a.png", None], "y": [0, 1]}).to_csv(root / "GAP.csv", index=False)
    names = ("EMPTY", "ONE", "BESIDE", "DAMAGED", "ROWS.csv", "NEAR.csv", "GAP.csv")
    return {Path(name).stem: root / name for name in names}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory, scans: Path, model_file: Path) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("spoilt")
    paths = spoil(root, scans) | {"TRAIN": scans / "train", "TABLE": scans / "test.csv", "SCANS": model_file}
    options = ["--target", "y", *SMALL[:6], "--out", root / "rows.appkit"]
    assert run("fit", "table", paths["ROWS"], *options).exit_code == 0
    return paths | {"TABULAR": root / "rows.appkit", "PNG": next((scans / "test" / "clear").iterdir())}


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("fit image EMPTY --out o", 1, "got no image in"),
        ("fit image ONE --out o", 1, "at least two classes, got only 'lesion'"),
        ("fit image BESIDE --out o", 1, "(first: 'stray.png')"),
        ("fit image DAMAGED --out o", 1, "P9_0.png"),
        (r"fit image TRAIN --patient P\d+ --out o", 1, "with one group"),
        (r"fit image TRAIN --patient (X\d+) --out o", 1, "must match every path"),
        ("fit image PNG --target y --out o", 1, "must be a folder of images with a sub-folder per class, or a table"),
        ("fit image TABLE --out o", 2, "--target must name the column"),
        ("fit image TABLE --image fil --target finding --out o", 1, "no column 'fil'. Is it 'file'?"),
        ("fit image TABLE --target finding --out o", 1, "name it with --image"),
        ("fit image TABLE --image file --target finding --patient pod --out o", 1, "'pod'. Is it 'pid'?"),
        ("fit image TABLE --image file --target finding --patient pid --group pid --out o", 2, "--patient and --group"),
        ("fit image GAP --target y --out o", 1, "must name an image in every row, and is empty in 1 (first: row 1)"),
        ("fit image TRAIN --unit machine --out o", 1, "ImageClassifier reads no series and takes no --unit"),
        ("fit table TRAIN --target y --out o", 1, "must be a table, .csv or .parquet, and is a folder"),
        ("fit table ROWS --target y --patient x --out o", 1, "TabularClassifier reads no images and takes no"),
        ("predict SCANS EMPTY --out o.csv", 1, "must hold images, got none"),
        ("predict SCANS DAMAGED --out o.csv", 1, "P9_0.png"),
        ("predict SCANS ROWS --out o.csv", 1, "no column 'path'. It has 'x', 'y'. A model of images needs a column"),
        ("predict SCANS NEAR --out o.csv", 1, "no column 'path'. Is it 'paths'?"),
        ("predict SCANS TRAIN --last --out o.csv", 1, "--last needs a model of series"),
        ("predict SCANS TRAIN --keep sex --out o.csv", 1, "no column 'sex'"),
        ("predict TABULAR TRAIN --out o.csv", 1, "must be a table, .csv or .parquet, and is a folder"),
        ("predict TABULAR ROWS --image x --out o.csv", 1, "--image is for models of images; TabularClassifier"),
        ("explain TABULAR ROWS --players patches --out o.csv", 1, "--players is for models of images"),
        ("explain TABULAR ROWS --n-players 9 --out o.csv", 1, "--n-players is for models of images"),
        ("explain SCANS TRAIN --rows last --out o.csv", 1, "--rows last needs a model of series"),
        ("explain SCANS TRAIN --players pixels --out o.csv", 2, "'pixels' is not one of 'patches', 'superpixels'"),
        ("report SCANS TABLE --image file --out o.html", 2, "--target must name the column"),
        ("report SCANS TRAIN --subgroup sex --out o.html", 1, "no column 'sex'"),
        ("report SCANS ONE --out o.html", 1, "at least two classes"),
        ("report TABULAR ROWS --target y --show-images --out o.html", 1, "--show-images is for models of images"),
        ("report TABULAR ROWS --target y --subgroup x --out o.html", 1, "--subgroup is for models of images"),
        ("report TABULAR ROWS --target y --prevalence 0 --out o.html", 1, "--prevalence is for models of images"),
        ("report TABULAR ROWS --out o.html", 2, "--target must name the column"),
        ("datasets make_phantoms --out o.csv", 1, "o.csv must be a folder, for phantoms holds images"),
        ("datasets make_phantoms --out ONE", 1, "must be a new or an empty folder"),
    ],
)
def test_what_cannot_be_done_is_said(command, code, said, spoilt, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*[spoilt.get(word, word) for word in command.split()])
    assert result.exit_code == code, result.output
    assert said in said_by(result)
    assert list(tmp_path.iterdir()) == []
