import numpy as np
import pandas as pd
import pytest

from benchmarks.datasets import load_table
from benchmarks.tabular import main


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """A folder with a made-up table in the place and layout of ai4i2020.csv, and no other table."""
    rng = np.random.default_rng(0)
    leaks = ["UDI", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF"]
    frame = pd.DataFrame(rng.integers(0, 9, size=(60, 9)), columns=["Torque [Nm]", "Type", *leaks])
    frame["Machine failure"] = (np.arange(60) % 3 == 0).astype(int)
    path = tmp_path / "manufacturing" / "ai4i2020" / "ai4i2020.csv"
    path.parent.mkdir(parents=True)
    frame.to_csv(path, index=False)
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def run(data_folder, capsys):
    def run_logistic(*options: str) -> tuple[str, int]:
        main(["--data", "ai4i2020", "--models", "logistic", "--cache", str(data_folder / "results"), *options])
        stored = data_folder / "results" / "ai4i2020.jsonl"
        return capsys.readouterr().out, stored.read_text().count('"model"') if stored.exists() else 0

    return run_logistic


def test_a_run_is_continued_not_repeated(run):
    assert run("--max-folds", "2")[1] == 2
    assert run("--max-folds", "3")[1] == 3


def test_the_summary_prints_the_cache_and_fits_nothing(run):
    run("--max-folds", "2")
    text, n_fits = run("--summary")
    assert "| logistic | 2 |" in text
    assert n_fits == 2


def test_no_fit_starts_after_the_time_is_over(run):
    assert run("--max-minutes", "0")[1] == 0


def test_absent_data_are_said_and_the_rest_goes_on(data_folder, capsys):
    main(
        ["--data", "steel_plates", "ai4i2020", "--models", "logistic", "--max-folds", "1", "--cache", str(data_folder)]
    )
    printed = capsys.readouterr()
    assert "steel_plates: not run: faults.csv" in printed.err
    assert "### ai4i2020" in printed.out


def test_leaking_columns_never_reach_a_model(data_folder):
    assert list(load_table("ai4i2020").X.columns) == ["Torque [Nm]", "Type"]
