"""Baselines are the rules they are called by, and buy-till-you-die the published law."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, gamma
from sklearn.metrics import roc_auc_score

from domains.retail.purchase_baselines import BetaGeometric, fit_beta_geometric, purchase_baselines

PAPER = BetaGeometric(r=0.243, alpha=4.414, a=0.793, b=2.426)


@pytest.fixture(scope="module")
def behaviour() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "days_since_last": rng.exponential(60, 400),
            "n_orders": rng.integers(1, 20, 400).astype(float),
            "spend": rng.exponential(300, 400),
            "overdue_ratio": np.where(rng.random(400) < 0.3, np.nan, rng.exponential(1, 400)),
        }
    )
    return X, np.where(X["n_orders"] + rng.normal(0, 4, 400) > 9, "buys", "stays away")


@pytest.mark.parametrize(("name", "column"), [("recency", "days_since_last"), ("frequency", "n_orders")])
def test_a_rule_ranks_by_its_number_alone(name, column, behaviour):
    X, y = behaviour
    p = purchase_baselines()[name].fit(X, y).predict_proba(X)[:, 0]
    expected = roc_auc_score(y == "buys", X[column])
    assert roc_auc_score(y == "buys", p) == pytest.approx(max(expected, 1 - expected))


def test_recency_frequency_and_money_do_without_money_where_there_is_none(behaviour):
    X, y = behaviour
    pennyless = X.drop(columns="spend")
    p = purchase_baselines()["RFM logistic"].fit(pennyless, y).predict_proba(pennyless)[:, 0]
    assert roc_auc_score(y == "buys", p) > 0.8


def test_customers_without_a_rhythm_are_ranked_too(behaviour):
    X, y = behaviour
    assert np.isfinite(purchase_baselines()["overdue"].fit(X, y).predict_proba(X)).all()


def likelihood(rate: np.ndarray, drop: np.ndarray, *, x: int, last: float, age: float) -> tuple:
    """Return the likelihood of a history with the customer alive, and gone, at the end of it."""
    alive = (1 - drop) ** x * rate**x * np.exp(-rate * age)
    gone = drop * (1 - drop) ** (x - 1) * rate**x * np.exp(-rate * last) if x else 0 * alive
    return alive, gone


@pytest.mark.parametrize(("x", "last", "age"), [(2, 30.43, 38.86), (0, 0.0, 20.0), (5, 6.0, 35.0)])
def test_probabilities_equal_those_integrated_over_rates_and_drop_outs(x, last, age):
    nodes, weights = np.polynomial.legendre.leggauss(200)
    rate, drop = 2 * (nodes[:, None] + 1), (nodes[None, :] + 1) / 2  # rates over 4 have no weight to speak of
    weight = 2 * weights[:, None] * weights[None, :] / 2 * gamma(2.5, scale=1 / 9).pdf(rate) * beta(1.8, 3.2).pdf(drop)
    model, horizon = BetaGeometric(r=2.5, alpha=9.0, a=1.8, b=3.2), 8.0
    if_alive, if_gone = likelihood(rate, drop, x=x, last=last, age=age)
    alive, gone = (weight * if_alive).sum(), (weight * if_gone).sum()
    buys = (weight * if_alive * (1 - np.exp(-rate * horizon))).sum()
    history = {"n_repeats": np.array([float(x)]), "last": np.array([last]), "age": np.array([age])}
    assert model.probability_alive(**history)[0] == pytest.approx(alive / (alive + gone), rel=1e-5)
    assert model.purchase_probability(horizon, **history)[0] == pytest.approx(buys / (alive + gone), rel=1e-5)


def simulated(n: int, *, model: BetaGeometric, age: float, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    rates, drops = rng.gamma(model.r, 1 / model.alpha, n), rng.beta(model.a, model.b, n)
    repeats, last = np.zeros(n), np.zeros(n)
    for i in range(n):
        now = rng.exponential(1 / rates[i])
        while now < age:
            repeats[i], last[i] = repeats[i] + 1, now
            if rng.random() < drops[i]:
                break
            now += rng.exponential(1 / rates[i])
    return {"n_repeats": repeats, "last": last, "age": np.full(n, age)}


def test_the_law_is_found_again_from_customers_drawn_from_it():
    truth = BetaGeometric(r=0.8, alpha=8.0, a=0.9, b=2.5)
    history = simulated(6_000, model=truth, age=60.0, seed=0)
    found = fit_beta_geometric(**history)
    assert found.r / found.alpha == pytest.approx(truth.r / truth.alpha, rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(truth.a / (truth.a + truth.b), rel=0.1)
    expected = truth.purchase_probability(10.0, **history)
    assert found.purchase_probability(10.0, **history) == pytest.approx(expected, abs=0.03)


def test_the_law_does_not_depend_on_the_unit_of_time():
    history = simulated(800, model=BetaGeometric(r=0.8, alpha=8.0, a=0.9, b=2.5), age=60.0, seed=1)
    in_hours = {name: values * (1 if name == "n_repeats" else 24) for name, values in history.items()}
    days, hours = fit_beta_geometric(**history), fit_beta_geometric(**in_hours)
    assert hours.alpha == pytest.approx(24 * days.alpha, rel=1e-3)
    assert hours.r == pytest.approx(days.r, rel=1e-3)


def test_nobody_drops_out_before_a_repeat():
    history = {"n_repeats": np.array([0.0]), "last": np.array([0.0]), "age": np.array([500.0])}
    assert PAPER.probability_alive(**history).tolist() == [1.0]
