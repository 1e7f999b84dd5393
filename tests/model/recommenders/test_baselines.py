"""Simple rules: buying again stands beside them where it may be advised."""

import pandas as pd
import torch

from appkit.data.interactions import read_interactions
from appkit.model.recommenders.baselines import fit_baselines

EVENTS = read_interactions(
    pd.DataFrame({"user": [1, 1, 1, 2], "item": ["tea", "tea", "cup", "jam"], "day": [1, 2, 3, 4]}), time="day"
)


def test_rules_follow_from_what_is_known():
    assert list(fit_baselines(EVENTS)) == ["popularity", "recency", "item-knn"]
    assert list(fit_baselines(EVENTS, filter_seen=False)) == ["popularity", "recency", "item-knn", "bought before"]


def test_what_was_bought_most_often_comes_first_again():
    scorer = fit_baselines(EVENTS, filter_seen=False)["bought before"]
    scores = scorer(torch.from_numpy(EVENTS.padded(EVENTS.users.codes([1]))))[0]
    order = EVENTS.items.values[scores.argsort(descending=True).numpy()]
    assert order.tolist() == ["tea", "cup", "jam"]
    assert scores[EVENTS.items.codes(["jam"])[0]] == 0
