"""Advice drawn: whose, which, and by which margin."""

import pandas as pd
import pytest

from appkit import plots
from appkit.explanation import explain
from tests.explanation.recommenders import Linear, Shop, saturating_shop

NAMES = ["green tea", "cups", "teapot", "kettle", "jam"]


@pytest.fixture
def advice():
    weights = [[0, 0, 1.5, 0.1, 0], [0, 0, 0.5, 0, 0], [0] * 5, [0] * 5, [0, 0, 0, 0.3, 0]]
    shop = Shop(Linear(pd.DataFrame(weights).to_numpy()), {"081734": [0, 1, 0]}, names=NAMES)
    return explain(shop, pd.DataFrame({"customer": ["081734"]}), k=1)


def test_the_title_says_what_is_held_against_what(advice):
    ax = plots.history(advice)
    title = ax.get_title(loc="left").replace("\n", " ")
    assert title == "Shapley (linear): teapot for 081734, rank 1, margin +1.9 over kettle at rank 2"


def test_items_bought_again_carry_their_count(advice):
    labels = [text.get_text() for text in plots.history(advice).get_yticklabels()]
    assert labels == ["cups", "green tea (2 times)"]


def test_exact_bars_have_no_whiskers_and_sampled_ones_do(advice):
    assert "no whiskers: the standard errors are 0" in _note(plots.history(advice))
    shop = saturating_shop(longest=10)
    sampled = explain(shop, pd.DataFrame({"customer": ["u0"]}), "permutation", k=3, max_evaluations=400, random_state=0)
    assert "whisker: ± 2 standard errors" in _note(plots.history(sampled))


def _note(ax):
    return " ".join(text.get_text().replace("\n", " ") for text in ax.texts)
