"""The report on a recommender: later events in, verdicts, reasons and gaps out, the same bytes twice."""

import numpy as np
import pandas as pd
import pytest

from appkit import report
from appkit.exceptions import SchemaError
from appkit.model import InteractionRecommender
from appkit.prediction import Estimate
from appkit.reporting import Report
from appkit.reporting.advice.performance import comparison_finding


def purchases(n_users: int, *, seed: int) -> pd.DataFrame:
    """Return purchases of customers of two tastes, three of six items each, one a day."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        own = rng.permutation(6)[:4] + 6 * (user % 2)
        rows += [(user, f"item {item:02d}", f"2024-01-{day + 1:02d}") for day, item in enumerate(own)]
    return pd.DataFrame(rows, columns=["customer", "article", "day"])


@pytest.fixture(scope="module")
def parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    X = purchases(80, seed=0)
    is_last = X["day"] == "2024-01-04"
    later = pd.concat([X[is_last], pd.DataFrame({"customer": [999], "article": ["item 00"], "day": ["2024-01-05"]})])
    return X[~is_last], later


@pytest.fixture(scope="module")
def model(parts) -> InteractionRecommender:
    columns = {"user": "customer", "item": "article", "time": "day"}
    return InteractionRecommender(**columns, model="als", settings={"n_factors": 4}, random_state=0).fit(parts[0])


@pytest.fixture(scope="module")
def page(model, parts) -> Report:
    return report(model, parts[1], k=2, limits={"NDCG@2": (0.1, None)}, n_explained=5, data_name="Two tastes")


def texts(page: Report) -> str:
    return page.to_html()


def test_the_dossier_has_its_sections_in_order(page):
    keys = [section.key for section in page.sections]
    assert keys == ["performance", "case", "drivers", "data", "limits", "reproduction"]


def test_every_simple_rule_stands_beside_the_model(page):
    (figure,) = [block for block in page.sections[0].blocks if getattr(block, "key", "") == "baselines"]
    assert {bar.label for bar in figure.bars} == {"this model", "popularity", "recency", "item-knn"}


def test_a_limit_is_held_against_the_interval(page):
    assert page.tiles[0].verdict.word == "passes"


def test_limits_of_nothing_are_refused(model, parts):
    with pytest.raises(ValueError, match="limits must name what is measured"):
        report(model, parts[1], k=2, n_explained=2, limits={"Magic": (0, 1)})


def test_equal_calls_give_equal_bytes(model, parts, page):
    again = report(model, parts[1], k=2, limits={"NDCG@2": (0.1, None)}, n_explained=5, data_name="Two tastes")
    assert again.to_json() == page.to_json()


def test_facts_survive_json(page):
    assert Report.from_json(page.to_json()) == page


def test_new_customers_are_counted(page):
    assert "1 customers and 0 items are new" in texts(page)


def test_a_named_case_is_told_of(model, parts):
    page = report(model, parts[1], k=2, n_explained=2, case=3)
    assert "Customer 3, named by the caller" in texts(page)


def test_a_stranger_cannot_be_the_case(model, parts):
    with pytest.raises(ValueError, match="case must be a user of these events"):
        report(model, parts[1], k=2, n_explained=2, case=12345)


def test_arguments_of_other_models_are_refused(model, parts):
    with pytest.raises(ValueError, match="threshold is not for recommenders"):
        report(model, parts[1], threshold=0.5)


def test_k_is_for_recommenders_alone():
    from sklearn.linear_model import LogisticRegression

    X = pd.DataFrame({"x": np.arange(20.0)})
    fitted = LogisticRegression().fit(X, X["x"] > 9)
    with pytest.raises(ValueError, match="LogisticRegression is no recommender"):
        report(fitted, X, X["x"] > 9, k=5)
    with pytest.raises(ValueError, match="y must have one entry per row of X, got None"):
        report(fitted, X)


def test_events_of_the_fit_among_the_later_ones_are_told(model, parts):
    mixed = pd.concat([parts[1], parts[0].head(3)])
    page = report(model, mixed, k=2, n_explained=2)
    assert "events of the fit know of the later ones" in texts(page)


@pytest.mark.parametrize(
    ("low", "high", "finding"),
    [
        (0.01, 0.03, "The advice beats the best simple rule, recency, on the same customers"),
        (-0.03, -0.01, "A simple rule, recency, beats the advice on the same customers"),
        (-0.01, 0.03, "Whether the advice beats the best simple rule, recency, is not settled"),
    ],
)
def test_the_finding_claims_no_more_than_the_interval(low, high, finding):
    assert comparison_finding("recency", Estimate("d", (low + high) / 2, low, high, method="bootstrap", n=9)) == finding


def test_the_figure_ends_with_what_leaves_the_list_without_which_purchases(page):
    (section,) = [section for section in page.sections if section.key == "case"]
    figure, table = section.blocks
    assert figure.caption.endswith(table.rows[0][-1])


def test_one_customer_is_reported_on_without_intervals(model, parts):
    alone = parts[1][parts[1]["customer"] == model.users_.values[0]]
    page = report(model, alone, k=2)
    assert "not known of one customer" in texts(page)
    assert "is not settled" in texts(page)


def test_customers_with_nothing_left_behind_the_list_are_not_explained(model, parts):
    n_items = len(model.items_)
    with pytest.raises(ValueError, match=rf"got k={n_items} and {n_items} items.* Pass a smaller k="):
        report(model, parts[1], k=n_items)


def test_later_events_are_read_as_those_of_the_fit(model, parts):
    with pytest.raises(SchemaError, match="Column 'customer' is missing"):
        report(model, parts[1].drop(columns="customer"), k=2)
    with pytest.raises(SchemaError, match="at least one interaction"):
        report(model, parts[1].head(0), k=2)


def test_a_column_may_be_called_as_the_report_calls_its_own(parts):
    train, later = (part.assign(user="clerk", item="till", time="noon") for part in parts)
    model = InteractionRecommender(user="customer", item="article", time="day", model="item-knn").fit(train)
    assert report(model, later, k=2, n_explained=2).title == "What to offer to each customer"


def test_a_model_of_new_items_is_not_reported_on_by_old_ones(model, parts):
    with pytest.raises(ValueError, match=r"later must hold items its users had not taken .* filter_seen=False"):
        report(model, parts[0], k=2)
