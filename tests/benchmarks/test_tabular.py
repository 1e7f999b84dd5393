import numpy as np
import pytest

from benchmarks.tabular import main


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """A folder with a made-up table in the place and layout of german.data."""
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 9, size=(60, 20)).astype(str)
    target = np.where(np.arange(60) % 3 == 0, "2", "1")
    path = tmp_path / "finance" / "german_credit" / "german.data"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(" ".join([*row, label]) for row, label in zip(numbers, target, strict=True)))
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(data_folder, capsys):
    def run_logistic(*options: str) -> tuple[str, int]:
        main(["--data", "german_credit", "--models", "logistic", "--cache", str(data_folder / "results"), *options])
        stored = data_folder / "results" / "german_credit.jsonl"
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
    main(["--data", "heloc", "german_credit", "--models", "logistic", "--max-folds", "1", "--cache", str(data_folder)])
    printed = capsys.readouterr()
    assert "heloc: not run: No file" in printed.err
    assert "### german_credit" in printed.out
