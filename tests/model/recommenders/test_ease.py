import numpy as np
import pandas as pd
import pytest
import torch

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders.ease import co_occurrence, fit_ease


def purchases(*, n_users: int = 80, n_items: int = 15, seed: int = 0) -> Interactions:
    """Users of three tastes, one to eight items each."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        odds = np.where(np.arange(n_items) % 3 == user % 3, 1.0, 0.15)
        chosen = rng.choice(n_items, size=rng.integers(1, 9), replace=False, p=odds / odds.sum())
        rows += [(user, item) for item in chosen]
    rows += [(n_users, item) for item in range(n_items)]
    return read_interactions(pd.DataFrame(rows, columns=["user", "item"]))


def regressions(taken: np.ndarray, *, penalty: float, relative: float, exponent: float) -> np.ndarray:
    """Return one ridge regression after another, each item on all others, by the textbook."""
    importance = taken.sum(axis=1) ** -exponent
    weights = np.zeros((taken.shape[1], taken.shape[1]))
    for item in range(taken.shape[1]):
        others = np.flatnonzero(np.arange(taken.shape[1]) != item)
        x = taken[:, others]
        gram = x.T @ (importance[:, None] * x)
        ridge = gram + np.diag(penalty + relative * gram.diagonal())
        weights[others, item] = np.linalg.solve(ridge, x.T @ (importance * taken[:, item]))
    return weights


@pytest.mark.parametrize(
    ("penalty", "relative", "exponent"), [(3.0, 0.0, 0.0), (0.5, 0.7, 0.0), (1.0, 0.2, 0.5), (0.2, 0.0, 1.0)]
)
def test_weights_are_those_of_one_ridge_regression_for_each_item(penalty, relative, exponent):
    data = purchases()
    scorer = fit_ease(data, penalty=penalty, relative_penalty=relative, user_exponent=exponent, dtype=torch.float64)
    taken = data.matrix().toarray().astype(np.float64)
    expected = regressions(taken, penalty=penalty, relative=relative, exponent=exponent)
    np.testing.assert_allclose(scorer.weights, expected, atol=2e-6)


def test_single_precision_gives_the_same_weights():
    exact, single = (fit_ease(purchases(), penalty=2.0, dtype=dtype) for dtype in (torch.float64, torch.float32))
    torch.testing.assert_close(exact.weights, single.weights, atol=1e-5, rtol=1e-4)


def test_taking_an_item_twice_changes_nothing():
    X = purchases().to_frame()
    again = pd.concat([X, X.iloc[:40]], ignore_index=True).assign(day=range(len(X) + 40))
    fits = [fit_ease(read_interactions(frame, time=time)) for frame, time in ((X, None), (again, "day"))]
    assert torch.equal(fits[0].weights, fits[1].weights)


def test_order_and_names_of_the_table_do_not_count():
    X = purchases().to_frame()
    shuffled = X.sample(frac=1, random_state=0)
    weights = [fit_ease(read_interactions(frame)).weights for frame in (X, shuffled)]
    torch.testing.assert_close(*weights)


def test_an_item_known_but_never_taken_scores_0():
    data = purchases()
    data = data.take(data.item != 5)
    scores = fit_ease(data, penalty=1.0)(torch.tensor([[0, 1, 2]]))
    assert scores[0, 5].item() == 0
    assert torch.isfinite(scores).all()


def test_co_occurrence_counts_users_of_pairs():
    data = read_interactions(pd.DataFrame({"user": [1, 1, 2, 2, 2], "item": [0, 1, 0, 1, 2]}))
    assert co_occurrence(data).toarray().tolist() == [[2, 2, 1], [2, 2, 1], [1, 1, 1]]
    by_user = co_occurrence(data, user_exponent=1.0).toarray()
    assert by_user[0, 1] == pytest.approx(1 / 2 + 1 / 3)


def test_long_histories_are_cut_where_there_would_be_too_many_pairs():
    data = purchases()
    lengths = np.bincount(data.user)
    at_four = (np.minimum(lengths, 4) ** 2).sum()
    whole, cut = co_occurrence(data), co_occurrence(data, max_pairs=at_four)
    assert cut.diagonal().sum() == np.minimum(lengths, 4).sum()
    assert co_occurrence(data, max_pairs=at_four - 1).diagonal().sum() == np.minimum(lengths, 3).sum()
    assert (cut.toarray() <= whole.toarray()).all()
    assert (co_occurrence(data, max_pairs=(lengths**2).sum()) != whole).nnz == 0


def test_too_many_items_are_refused_with_a_way_out():
    with pytest.raises(ValueError, match=r"at most max_items=14 items, got 15\. Use the graph filter"):
        fit_ease(purchases(), max_items=14)


@pytest.mark.parametrize(("name", "value"), [("penalty", 0.0), ("penalty", float("nan")), ("relative_penalty", -1.0)])
def test_penalties_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        fit_ease(purchases(), **{name: value})
