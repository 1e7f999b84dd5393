"""Numbers over folds: scores, their spread, and paired differences with an interval that folds deserve."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t
from sklearn.metrics import average_precision_score, f1_score, log_loss, roc_auc_score

__all__ = ["LOWER_IS_BETTER", "Difference", "corrected_difference", "mean_ranks", "score"]

LOWER_IS_BETTER = frozenset({"log_loss", "brier"})


@dataclass(frozen=True)
class Difference:
    """Mean difference of two models over the folds both ran, and the interval that holds it."""

    value: float
    low: float
    high: float
    n_folds: int


def corrected_difference(ours: np.ndarray, theirs: np.ndarray, *, test_share: float, level: float = 0.95) -> Difference:
    """Return the corrected resampled t-interval of the mean of ``ours - theirs``.

    Training parts of different folds overlap, so their differences are correlated and the plain t-interval is too
    short. The variance of the mean is taken as ``(1 / n + n_test / n_train)`` times the variance of one difference.

    Parameters
    ----------
    ours, theirs
        Scores of the same folds in the same order, shape (n_folds,).
    test_share
        Share of the rows in one test part: 0.2 for five folds.
    level
        Coverage of the interval. With a single fold both ends are NaN.

    References
    ----------
    C. Nadeau and Y. Bengio (2003), "Inference for the generalization error", Machine Learning 52.

    Examples
    --------
    >>> round(corrected_difference(np.array([0.8, 0.9]), np.array([0.7, 0.7]), test_share=0.2).value, 3)
    0.15
    """
    differences = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    n_folds = len(differences)
    mean = float(np.mean(differences))
    if n_folds < 2:
        return Difference(mean, math.nan, math.nan, n_folds)
    variance_factor = 1 / n_folds + test_share / (1 - test_share)
    standard_error = math.sqrt(variance_factor * float(np.var(differences, ddof=1)))
    half_width = float(student_t.ppf(0.5 + level / 2, df=n_folds - 1)) * standard_error
    return Difference(mean, mean - half_width, mean + half_width, n_folds)


def score(y: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Return every metric of the benchmark for class probabilities, shape (n_rows, n_classes).

    Two classes give AUC, average precision and F1 of class 1 (at probability one half) and the Brier score of class 1;
    more give the mean one-against-rest AUC, macro-F1 and the Brier score summed over classes.

    Examples
    --------
    >>> round(score(np.array([0, 1]), np.array([[0.8, 0.2], [0.4, 0.6]]))["brier"], 3)
    0.1
    """
    probability = np.asarray(probability, dtype=np.float64)
    n_classes = probability.shape[1]
    probability = probability / probability.sum(axis=1, keepdims=True)
    losses = {"log_loss": float(log_loss(y, probability, labels=np.arange(n_classes)))}
    if n_classes == 2:
        return losses | _two_class_scores(y, probability[:, 1])
    return losses | _many_class_scores(y, probability)


def mean_ranks(scores: dict[str, dict[str, float]], *, lower_is_better: dict[str, bool]) -> dict[str, float]:
    """Return each model's mean rank over the tables on which every model has a score.

    Parameters
    ----------
    scores
        Score by table, then by model. Ties share the mean of their ranks.
    lower_is_better
        Direction of the score by table.

    Examples
    --------
    >>> mean_ranks({"a": {"x": 0.9, "y": 0.8}}, lower_is_better={"a": False})
    {'x': 1.0, 'y': 2.0}
    """
    models = sorted({model for row in scores.values() for model in row})
    complete = {table: row for table, row in scores.items() if len(row) == len(models)}
    if not complete:
        return {}
    ranks: dict[str, list[float]] = {model: [] for model in models}
    for table, row in complete.items():
        sign = 1 if lower_is_better[table] else -1
        values = sign * np.array([row[model] for model in models])
        for model, value in zip(models, values, strict=True):
            ranks[model].append(1 + np.sum(values < value) + (np.sum(values == value) - 1) / 2)
    return {model: float(np.mean(ranks[model])) for model in models}


def _two_class_scores(y: np.ndarray, event_probability: np.ndarray) -> dict[str, float]:
    return {
        "auc": float(roc_auc_score(y, event_probability)),
        "average_precision": float(average_precision_score(y, event_probability)),
        "f1": float(f1_score(y, event_probability >= 0.5, zero_division=0)),
        "brier": float(np.mean((event_probability - y) ** 2)),
    }


def _many_class_scores(y: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    truth = np.eye(probability.shape[1])[y]
    return {
        "auc": float(roc_auc_score(truth, probability, average="macro")),
        "macro_f1": float(f1_score(y, probability.argmax(axis=1), average="macro")),
        "brier": float(np.mean(np.sum((probability - truth) ** 2, axis=1))),
    }
