import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from threadpoolctl import threadpool_limits

from appkit.data.interactions import Interactions, read_interactions
from appkit.model.recommenders.als import ALSScorer, alternate, fit_als
from appkit.model.recommenders.normal_equations import WeightedLists, diagonal_basis

SETTINGS = {"regularisation": 0.02, "unobserved_weight": 0.3}


def tastes(n_users: int = 60, n_items: int = 24, *, seed: int = 0) -> Interactions:
    """Users of three tastes, who mostly take what belongs to theirs; lists of 1 to 9 items."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        odds = np.where(np.arange(n_items) % 3 == user % 3, 1.0, 0.1)
        chosen = rng.choice(n_items, size=rng.integers(1, 10), replace=False, p=odds / odds.sum())
        rows += [(user, item) for item in chosen]
    rows += [(0, item) for item in range(n_items)]  # one who took everything
    return read_interactions(pd.DataFrame(rows, columns=["user", "item"]))


def ridge(lists: list[np.ndarray], fixed: np.ndarray, *, regularisation: float, unobserved_weight: float) -> np.ndarray:
    """Return the factors of one side by the textbook: one full system for each row."""
    gram = unobserved_weight * fixed.T @ fixed
    solved = []
    for entries in lists:
        penalty = regularisation * (len(entries) + unobserved_weight * len(fixed))
        matrix = gram + fixed[entries].T @ fixed[entries] + penalty * np.eye(fixed.shape[1])
        solved.append(np.linalg.solve(matrix, fixed[entries].sum(axis=0)))
    return np.array(solved)


def loss(taken: np.ndarray, users: np.ndarray, items: np.ndarray) -> float:
    """Return the loss of the docstring, pair by pair."""
    scores, alpha = users @ items.T, SETTINGS["unobserved_weight"]
    penalties = (taken.sum(axis=1) + alpha * len(items)) @ (users**2).sum(axis=1)
    penalties += (taken.sum(axis=0) + alpha * len(users)) @ (items**2).sum(axis=1)
    squares = (taken * (1 - scores) ** 2).sum() + alpha * (scores**2).sum()
    return squares + SETTINGS["regularisation"] * penalties


def penalties(lists: WeightedLists, n_others: int) -> torch.Tensor:
    return SETTINGS["regularisation"] * (lists.lengths + SETTINGS["unobserved_weight"] * n_others)


def history_rows(data: Interactions) -> torch.Tensor:
    return torch.from_numpy(data.padded(np.arange(data.n_users)))


def test_one_factor_on_one_pair_reaches_the_closed_form():
    scorer = fit_als(
        read_interactions(pd.DataFrame({"user": [1], "item": [1]})),
        n_factors=1, regularisation=0.1, unobserved_weight=0.5, n_iterations=200, random_state=0,
    )  # fmt: skip
    # The loss (1 - s)^2 + 0.5 s^2 + 2 * 0.15 s, with s = x h and |x| = |h|, is least at s = (1 - 0.15) / 1.5.
    assert scorer(torch.tensor([[0]])).item() == pytest.approx(0.85 / 1.5, abs=1e-4)


@pytest.mark.parametrize("n_factors", [3, 12])
def test_half_a_step_equals_the_textbook_loop_for_short_and_long_lists(n_factors):
    data = tastes()
    items = np.random.default_rng(1).normal(size=(data.n_items, n_factors)).astype(np.float32)
    lists = WeightedLists.of(data.matrix())
    users = alternate(lists, torch.from_numpy(items), penalties(lists, data.n_items), unobserved_weight=0.3)
    rotated, _ = diagonal_basis(torch.from_numpy(items))
    expected = ridge([np.unique(data.history(u)) for u in range(data.n_users)], items.astype(float), **SETTINGS)
    np.testing.assert_allclose(users @ rotated.T, expected @ items.T, atol=2e-4)


def test_every_half_step_lowers_the_loss():
    data = tastes()
    taken, alpha = data.matrix(), SETTINGS["unobserved_weight"]
    by_user, by_item = WeightedLists.of(taken), WeightedLists.of(taken.T.tocsr())
    fixed = torch.randn(data.n_items, 5, generator=torch.Generator().manual_seed(0))
    losses = []
    for step in range(8):
        lists, n_others = (by_user, data.n_items) if step % 2 == 0 else (by_item, data.n_users)
        basis, _ = diagonal_basis(fixed)
        solved = alternate(lists, fixed, penalties(lists, n_others), unobserved_weight=alpha)
        users, items = (solved, basis) if step % 2 == 0 else (basis, solved)
        losses.append(loss(taken.toarray(), users.double().numpy(), items.double().numpy()))
        fixed = solved
    assert (np.diff(losses) < 0).all()


def test_scores_of_known_users_are_those_of_their_own_last_half_step():
    data = tastes()
    scorer = fit_als(data, n_factors=4, n_iterations=3, random_state=0, **SETTINGS)
    items = scorer.item_factors.double().numpy()
    users = ridge([np.unique(data.history(u)) for u in range(data.n_users)], items, **SETTINGS)
    np.testing.assert_allclose(scorer(history_rows(data)), users @ items.T, atol=1e-4)


def test_plain_regularisation_is_the_same_for_all_rows():
    data = tastes()
    scorer = fit_als(data, n_factors=2, n_iterations=2, scaled_regularisation=False, random_state=0, **SETTINGS)
    items = scorer.item_factors.double().numpy()
    matrix = items[[3]].T @ items[[3]] + 0.3 * items.T @ items + 0.02 * np.eye(2)
    expected = items @ np.linalg.solve(matrix, items[3])
    np.testing.assert_allclose(scorer(torch.tensor([[data.n_items, 3]]))[0], expected, atol=1e-4)


def test_an_empty_history_scores_zero_and_leaves_its_neighbours_alone():
    scorer = fit_als(tastes(), n_factors=4, random_state=0)
    pad = scorer.n_items
    scores = scorer(torch.tensor([[pad, pad], [pad, 5]]))
    assert scores[0].tolist() == [0.0] * scorer.n_items
    torch.testing.assert_close(scores[1:], scorer(torch.tensor([[5]])))


def test_order_and_repeats_of_a_history_do_not_matter():
    scorer = fit_als(tastes(), n_factors=4, random_state=0)
    torch.testing.assert_close(scorer(torch.tensor([[2, 7, 2, 2]])), scorer(torch.tensor([[24, 24, 7, 2]])))


def test_users_are_advised_items_of_their_own_taste():
    data = tastes(n_users=300)
    scores = fit_als(data, n_factors=3, random_state=0)(torch.tensor([[1, 4]]))[0]
    assert set((scores.topk(6).indices % 3).tolist()) == {1}


def test_equal_seeds_give_equal_bits_and_config_rebuilds_the_scorer():
    data = tastes()
    scorer = fit_als(data, n_factors=4, random_state=3)
    assert torch.equal(scorer.item_factors, fit_als(data, n_factors=4, random_state=3).item_factors)
    rebuilt = ALSScorer(**scorer.config())
    rebuilt.load_state_dict(scorer.state_dict())
    assert torch.equal(rebuilt(history_rows(data)), scorer(history_rows(data)))


def test_all_pairs_weigh_eight_times_the_taken_ones_unless_told_otherwise():
    data = read_interactions(pd.DataFrame({"user": [0, 1, 2, 3, 0], "item": [0, 1, 2, 3, 4]}))
    assert fit_als(data, n_factors=2, random_state=0).unobserved_weight == pytest.approx(8 * 5 / 20)


def test_progress_is_told_after_every_pass():
    told = []
    fit_als(tastes(), n_factors=2, n_iterations=3, random_state=0, progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("name", "value"), [("n_factors", 0), ("n_iterations", 0), ("regularisation", 0.0), ("unobserved_weight", -1.0)]
)
def test_settings_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=name):
        fit_als(tastes(), **{name: value})


def test_more_factors_than_items_and_a_single_user_work():
    data = read_interactions(pd.DataFrame({"user": ["a", "a"], "item": ["tea", "cup"]}))
    scores = fit_als(data, n_factors=8, random_state=0)(torch.tensor([[0]]))
    assert torch.isfinite(scores).all()


def test_ranks_as_well_as_implicit_on_pairs_held_out():
    als = pytest.importorskip("implicit.cpu.als", reason="implicit is a peer of the benchmarks, not a dependency")
    data = tastes(n_users=400, n_items=60, seed=2)
    held_out = np.random.default_rng(0).random(len(data)) < 0.25
    seen, asked = data.take(~held_out), data.take(held_out).matrix().toarray() > 0
    with threadpool_limits(1, "blas"):  # implicit warns of anything else
        peer = als.AlternatingLeastSquares(
            factors=4, regularization=1.0, alpha=1.0, iterations=16, use_cg=False, num_threads=1, random_state=0
        )
        peer.fit(sparse.csr_matrix(seen.matrix()), show_progress=False)
    ours = fit_als(seen, n_factors=4, unobserved_weight=1.0, regularisation=0.02, random_state=0)
    assert _recall(ours(history_rows(seen)).numpy(), seen, asked) >= (
        _recall(peer.user_factors @ peer.item_factors.T, seen, asked) - 0.01
    )


def _recall(scores: np.ndarray, seen: Interactions, asked: np.ndarray) -> float:
    """Return the mean share of held-out items among the first 10 of those not seen."""
    ranked = np.where(seen.matrix().toarray() > 0, -np.inf, scores).argsort(axis=1)[:, ::-1][:, :10]
    some = asked.any(axis=1)
    return float((np.take_along_axis(asked, ranked, axis=1).sum(axis=1) / asked.sum(axis=1).clip(1))[some].mean())
