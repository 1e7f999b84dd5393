"""The last layer alone, against scikit-learn's logistic regression."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from appkit.model.heads import BinaryHead, MulticlassHead
from appkit.model.linear_head import fit_linear_head


def problem(n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(3.0, 2.0, (90, 4))
    score = x[:, :1] * np.arange(n_classes) + rng.normal(size=(90, n_classes)) * 3
    return x, score.argmax(1)


def folds():
    rows = np.arange(90)
    return [(rows[rows % 3 != i], rows[rows % 3 == i]) for i in range(3)]


def fit(x, y, head, *, weight=None, strengths=(0.1,)):
    weight = np.ones(len(x)) if weight is None else weight
    numbers = (torch.from_numpy(np.asarray(values, dtype=np.float32)) for values in (x, y, weight))
    return fit_linear_head(*numbers, head=head, folds=folds(), strengths=strengths)


@pytest.mark.parametrize(("n_classes", "head"), [(2, BinaryHead()), (3, MulticlassHead(3))])
def test_coefficients_are_those_of_a_ridge_logistic_regression(n_classes, head):
    x, y = problem(n_classes)
    found = fit(x, y, head)
    scaled = (x - x.mean(0)) / x.std(0)
    oracle = LogisticRegression(C=0.1, tol=1e-8, max_iter=1000).fit(scaled, y)
    logits = x @ found.weight.double().numpy().T + found.bias.numpy()
    assert logits.squeeze() == pytest.approx(oracle.decision_function(scaled), abs=1e-3)


def test_held_out_logits_come_from_the_other_folds():
    x, y = problem()
    found = fit(x, y, BinaryHead())
    rows, held = folds()[1]
    scaled = (x - x.mean(0)) / x.std(0)
    oracle = LogisticRegression(C=0.1, tol=1e-8).fit(scaled[rows], y[rows])
    assert np.array_equal(found.held_out[30:60], held)
    assert found.logits[30:60, 0].numpy() == pytest.approx(oracle.decision_function(scaled[held]), abs=1e-3)


def test_the_strength_with_the_best_held_out_loss_is_taken():
    x, y = problem()
    found = fit(x, y, BinaryHead(), strengths=(1e-6, 0.01))
    losses = [line.validation_loss for line in found.history]
    assert losses[1] < losses[0]
    assert torch.equal(found.weight, fit(x, y, BinaryHead(), strengths=(0.01,)).weight)


def test_rows_that_are_only_judged_teach_nothing():
    x, y = problem()
    numbers = [torch.from_numpy(np.asarray(values, dtype=np.float32)) for values in (x, y, np.ones(90))]
    learnt, held = np.arange(60), np.arange(60, 90)
    found = fit_linear_head(*numbers, head=BinaryHead(), folds=[(learnt, held)], learnt=learnt, strengths=(0.1,))
    scaled = (x - x[:60].mean(0)) / x[:60].std(0)
    oracle = LogisticRegression(C=0.1, tol=1e-8).fit(scaled[:60], y[:60])
    assert found.logits[:, 0].numpy() == pytest.approx(oracle.decision_function(scaled[60:]), abs=1e-3)


def test_weights_count_as_copies_do():
    x, y = problem()
    weight = np.where(np.arange(90) % 2, 2.0, 1.0)
    copied = np.repeat(np.arange(90), weight.astype(int))
    scaled = (x - np.average(x, axis=0, weights=weight)) / x[copied].std(0)
    oracle = LogisticRegression(C=0.1, tol=1e-8).fit(scaled[copied], y[copied])
    found = fit(x, y, BinaryHead(), weight=weight)
    logits = x @ found.weight.double().numpy().T + found.bias.numpy()
    assert logits[:, 0] == pytest.approx(oracle.decision_function(scaled), abs=1e-3)
