"""What a shop would use instead of a network: rules on one number, RFM, and "buy till you die"."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, gammaln
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

__all__ = ["BetaGeometric", "fit_beta_geometric", "purchase_baselines"]


def purchase_baselines() -> dict[str, Pipeline]:
    """Return classifiers of behaviour to hold a model against, by name, not fitted.

    Each is a logistic regression of logarithms, so that the rule on one number ranks customers by that number, and has
    probabilities besides: how lately, how often, how long overdue against the customer's own rhythm, and recency,
    frequency and money together (RFM). What is missing is filled by the median.

    Examples
    --------
    >>> X = pd.DataFrame({"days_since_last": [1.0, 90.0, 4.0, 80.0], "n_orders": [9.0, 1.0, 3.0, 2.0]})
    >>> rule = purchase_baselines()["recency"].fit(X, ["buys", "stays away", "buys", "stays away"])
    >>> rule.predict(X).tolist()
    ['buys', 'stays away', 'buys', 'stays away']
    """
    return {
        "recency": _logistic("days_since_last"),
        "frequency": _logistic("n_orders"),
        "overdue": _logistic("overdue_ratio"),
        "RFM logistic": _logistic("days_since_last", "n_orders", "spend"),
    }


def _logistic(*columns: str) -> Pipeline:
    return make_pipeline(
        FunctionTransformer(_logarithms, kw_args={"columns": columns}),
        SimpleImputer(strategy="median"),
        StandardScaler(),
        LogisticRegression(),
    )


def _logarithms(X: pd.DataFrame, *, columns: Sequence[str]) -> np.ndarray:
    return np.log1p(X[[column for column in columns if column in X]].to_numpy(dtype=np.float64))


@dataclass(frozen=True)
class BetaGeometric:
    """Customers who buy at a rate of their own until they drop out, each time with a chance of their own (BG/NBD).

    A customer is told by three numbers: days on which he bought again, days from the first to the last of them, and
    days from the first to now.

    Parameters
    ----------
    r, alpha
        Shape and rate (in days) of the gamma law of purchase rates.
    a, b
        Of the beta law of the chance to drop out after a purchase.

    References
    ----------
    Fader, Hardie, Lee (2005). "Counting Your Customers" the Easy Way. Marketing Science 24(2).

    Examples
    --------
    >>> model = BetaGeometric(r=0.243, alpha=4.414, a=0.793, b=2.426)  # weeks: as in the paper
    >>> model.probability_alive(n_repeats=np.array([2.0]), last=np.array([30.43]), age=np.array([38.86])).round(2)
    array([0.73])
    """

    r: float
    alpha: float
    a: float
    b: float

    def probability_alive(self, *, n_repeats: np.ndarray, last: np.ndarray, age: np.ndarray) -> np.ndarray:
        """Return the probability that each customer has not dropped out, float64 ``(n_customers,)``."""
        repeats = np.maximum(n_repeats, 1)
        log_odds = (self.r + n_repeats) * np.log((self.alpha + age) / (self.alpha + last))
        gone = self.a / (self.b + repeats - 1) * np.exp(log_odds)
        return np.where(n_repeats > 0, 1 / (1 + gone), 1.0)  # nobody drops out before a repeat

    def purchase_probability(
        self, horizon: float, *, n_repeats: np.ndarray, last: np.ndarray, age: np.ndarray
    ) -> np.ndarray:
        """Return the probability of a purchase within the horizon, in the units of ``age``, ``(n_customers,)``."""
        none_if_alive = ((self.alpha + age) / (self.alpha + age + horizon)) ** (self.r + n_repeats)
        return self.probability_alive(n_repeats=n_repeats, last=last, age=age) * (1 - none_if_alive)


def fit_beta_geometric(*, n_repeats: np.ndarray, last: np.ndarray, age: np.ndarray) -> BetaGeometric:
    """Return the law of most likelihood, of customers' histories alone: no label is needed.

    Parameters
    ----------
    n_repeats, last, age
        Repeats of each customer, time from the first purchase to the last and to now, float64 ``(n_customers,)``.
    """
    unit = float(np.mean(age))  # of the order of 1, whatever the units
    x, t_x, T = n_repeats, last / unit, age / unit

    def loss(logs: np.ndarray) -> float:
        r, alpha, a, b = np.exp(logs)
        shared = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
        alive = -(r + x) * np.log(alpha + T)
        repeats = np.maximum(x, 1)
        gone = np.log(a / (b + repeats - 1)) - (r + x) * np.log(alpha + t_x)
        return -float(np.mean(shared + np.where(x > 0, np.logaddexp(alive, gone), alive)))

    found = minimize(loss, np.zeros(4), method="Nelder-Mead", options={"maxiter": 4_000, "xatol": 1e-6, "fatol": 1e-9})
    r, alpha, a, b = np.exp(found.x)
    return BetaGeometric(r=float(r), alpha=float(alpha * unit), a=float(a), b=float(b))
