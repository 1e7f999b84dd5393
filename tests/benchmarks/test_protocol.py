import numpy as np
import pandas as pd
import pytest

from benchmarks.datasets import Table, table_hash
from benchmarks.protocol import fit_and_score, make_splits


class ShareOfEvents:
    """Fake classifier: predicts the training share of each class and remembers what it was given."""

    def fit(self, X, y):
        self.rows_, self.share_ = set(X["row"]), np.bincount(y) / len(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.share_, (len(X), 1))


def table_of(n_rows: int) -> Table:
    y = (np.arange(n_rows) % 4 == 0).astype(np.int64)
    return Table("made_up", pd.DataFrame({"row": np.arange(n_rows)}), y, headline="auc")


def test_small_tables_are_split_ten_times_and_large_ones_once():
    small = list(make_splits(table_of(100), n_folds=5, repeats=None, seed=0))
    large = list(make_splits(table_of(5_000), n_folds=5, repeats=None, seed=0))
    assert (len(small), len(large)) == (50, 5)


def test_each_repetition_tests_every_row_once_and_never_on_its_training_rows():
    splits = [split for split in make_splits(table_of(103), n_folds=5, repeats=2, seed=0) if split.repeat == 1]
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(103))
    assert all(set(split.train) == set(range(103)) - set(split.test) for split in splits)


def test_folds_keep_the_share_of_events():
    splits = make_splits(table_of(200), n_folds=5, repeats=1, seed=3)
    assert {int(table_of(200).y[split.test].sum()) for split in splits} == {10}


def test_seeds_and_repetitions_split_differently():
    tests = [
        tuple(split.test) for seed in (0, 1) for split in make_splits(table_of(100), n_folds=5, repeats=10, seed=seed)
    ]
    assert len(set(tests)) == 100


def test_a_classifier_sees_only_training_rows():
    table = table_of(50)
    split = next(make_splits(table, n_folds=5, repeats=1, seed=0))
    classifier = ShareOfEvents()
    fit = fit_and_score(classifier, table, split)
    assert classifier.rows_ == set(split.train)
    assert fit.scores["auc"] == 0.5


def test_probabilities_that_do_not_sum_to_one_are_refused():
    class Wrong(ShareOfEvents):
        def predict_proba(self, X):
            return np.full((len(X), 2), 0.7)

    table = table_of(50)
    with pytest.raises(ValueError, match="sum to 1"):
        fit_and_score(Wrong(), table, next(make_splits(table, n_folds=5, repeats=1, seed=0)))


def test_the_data_hash_sees_values_order_and_labels_but_not_dtypes():
    table = table_of(20)
    as_float = Table("made_up", table.X.astype(float), table.y, headline="auc")
    other_labels = Table("made_up", table.X, 1 - table.y, headline="auc")
    other_order = Table("made_up", table.X.iloc[::-1], table.y, headline="auc")
    assert table_hash(as_float) == table_hash(table)
    assert len({table_hash(other) for other in (table, other_labels, other_order)}) == 3
