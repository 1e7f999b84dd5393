"""A killed fit goes on; anything else starts anew."""

import tracemalloc

import numpy as np
import pytest
import torch

from appkit.model import TabularClassifier
from appkit.model.checkpoint import Checkpoint, fingerprint
from appkit.model.progress import FitProgress

from .conftest import make_table


class Killed(Exception):
    """Stands for the machine going down."""


def kill_after(epochs, monkeypatch):
    seen = []

    def update(self, network, line):
        seen.append(line)
        if len(seen) == epochs:
            raise Killed

    monkeypatch.setattr(FitProgress, "update", update)


def test_killed_fit_resumes_bit_for_bit(tmp_path, table, quick, monkeypatch):
    X, y = table
    options = quick | {"n_networks": 2, "max_epochs": 5}
    expected = TabularClassifier(**options).fit(X, y).predict_proba(X)
    with monkeypatch.context() as patch:
        kill_after(7, patch)
        with pytest.raises(Killed):
            TabularClassifier(**options, checkpoint=tmp_path / "fit.pt").fit(X, y)
    assert (tmp_path / "fit.pt").exists()
    resumed = TabularClassifier(**options, checkpoint=tmp_path / "fit.pt").fit(X, y)
    assert np.array_equal(resumed.predict_proba(X), expected)
    assert resumed.history_.groupby("network").size().tolist() == [5, 5]


def test_checkpoint_of_other_data_is_ignored(tmp_path, table, quick, monkeypatch):
    X, y = table
    with monkeypatch.context() as patch:
        kill_after(2, patch)
        with pytest.raises(Killed):
            TabularClassifier(**quick, checkpoint=tmp_path / "fit.pt").fit(X, y)
    other_X, other_y = make_table(seed=1)
    plain = TabularClassifier(**quick).fit(other_X, other_y)
    kept = TabularClassifier(**quick, checkpoint=tmp_path / "fit.pt").fit(other_X, other_y)
    assert np.array_equal(kept.predict_proba(X), plain.predict_proba(X))


def test_finished_checkpoint_is_ignored(tmp_path, table, quick):
    X, y = table
    first = TabularClassifier(**quick, checkpoint=tmp_path / "fit.pt").fit(X, y)
    again = TabularClassifier(**quick, checkpoint=tmp_path / "fit.pt").fit(X, y)
    assert len(again.history_) == len(first.history_)
    assert Checkpoint(tmp_path / "fit.pt", "any").read() == ([], None)


def test_damaged_checkpoint_names_the_file(tmp_path):
    path = tmp_path / "fit.pt"
    path.write_bytes(b"no checkpoint")
    with pytest.raises(ValueError, match=r"fit\.pt"):
        Checkpoint(path, "key").read()


def test_fingerprint_sees_values_shapes_and_parameters():
    a = np.arange(4.0)
    prints = {
        fingerprint({"X": a}, {"lr": 1}),
        fingerprint({"X": a.reshape(2, 2)}, {"lr": 1}),
        fingerprint({"X": a + 1}, {"lr": 1}),
        fingerprint({"X": a}, {"lr": 2}),
        fingerprint({"X": None}, {"lr": 1}),
    }
    assert len(prints) == 5


@pytest.mark.parametrize("content", [{"weight": torch.ones(2)}, torch.ones(2)])
def test_a_file_of_something_else_is_neither_read_nor_overwritten(content, tmp_path, table, quick):
    X, y = table
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"weights\.pt' is no fit in progress: give another path"):
        TabularClassifier(**quick, checkpoint=path).fit(X, y)
    assert path.read_bytes() == before


def test_a_fingerprint_copies_no_array():
    pixels = np.zeros((1_000, 64, 64, 1), dtype=np.uint8)
    tracemalloc.start()
    fingerprint({"pixels": pixels}, {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < pixels.nbytes / 10
