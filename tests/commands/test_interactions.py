"""Interactions on the command line: from a shop's orders to a model, its advice, and because of which purchases."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from appkit.cli import app
from appkit.data import split_interactions
from appkit.explanation import explain
from appkit.persistence import load, read_notes
from appkit.prediction.ranking import evaluate_ranking
from domains.retail import ProductRecommender, make_purchases


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _one_shop(monkeypatch):
    monkeypatch.setattr("appkit.commands.datasets._loaders", lambda: {"make_purchases": partial(make_purchases, 20)})


def test_a_table_of_interactions_is_listed_by_rows_and_columns():
    n_rows = f"{len(make_purchases(20).X):,}"
    assert run("datasets").stdout.splitlines()[1].split()[:4] == ["make_purchases", n_rows, "6", "yes"]


def test_a_table_of_interactions_is_described():
    assert "users: 20 (column 'customer')" in run("datasets", "make_purchases").stdout


def test_written_interactions_say_which_options_their_columns_are(tmp_path):
    result = run("datasets", "make_purchases", "--out", tmp_path / "shop.parquet")
    said = " ".join(result.stderr.replace("│", " ").split())
    assert said.endswith("the user customer, the item item, the time time, the value quantity.")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "shop.parquet"), make_purchases(20).X, check_dtype=False)


QUICK = ["--model", "als", "--param", 'settings={"n_factors": 8}']


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder with the orders of a shop, those before November and since, and a model of the former."""
    folder = tmp_path_factory.mktemp("shop")
    orders = make_purchases(60).X
    orders.to_parquet(folder / "orders.parquet")
    is_later = orders["time"] >= "2024-11-01"
    orders[~is_later].to_csv(folder / "before.csv", index=False)
    orders[is_later].to_parquet(folder / "later.parquet")
    result = run("fit", "retail", folder / "before.csv", *QUICK, "--out", folder / "m.appkit")
    assert result.exit_code == 0, result.output
    (folder / "said.txt").write_text(" ".join(result.stderr.split()))
    return folder


@pytest.fixture(scope="module")
def advice(folder) -> pd.DataFrame:
    result = run("predict", folder / "m.appkit", "--k", 3, "--out", folder / "advice.csv")
    assert result.exit_code == 0, result.output
    return pd.read_csv(folder / "advice.csv")


def said(result: Any) -> str:
    return " ".join(result.stderr.replace("│", " ").split())


def test_fit_tells_which_columns_it_took_by_their_names(folder):
    assert "Taken by their names: --user customer, --item item, --time time." in (folder / "said.txt").read_text()


def test_fit_measures_on_the_latest_events_beside_simple_rules(folder):
    measured = read_notes(folder / "m.appkit")["measured"]
    assert measured["held_out"].startswith("all events from 2024-")
    assert list(measured["results"]) == ["popularity", "recency", "item-knn", "ProductRecommender"]
    value, low, high = measured["results"]["popularity"]["NDCG@10"]
    assert 0 < low < value < high < 1
    assert f"popularity: NDCG@10 {value:.3f} ({low:.3f} to {high:.3f})" in (folder / "said.txt").read_text()


def test_the_saved_model_knows_all_events(folder):
    model, before = load(folder / "m.appkit"), pd.read_csv(folder / "before.csv")
    assert type(model).__name__ == "ProductRecommender"
    assert len(model.history_items_) == len(before.drop_duplicates(["customer", "item", "time"]))


def test_what_was_measured_is_a_fit_to_the_earlier_events_alone(folder):
    """The note equals a measurement by hand: split, fit, evaluate."""
    before = pd.read_csv(folder / "before.csv", parse_dates=["time"])
    split = split_interactions(before, user="customer", item="item", time="time", test_size=0.2)
    own = {"user": "customer", "item": "item", "time": "time", "random_state": 0}
    model = ProductRecommender(**own, model="als", settings={"n_factors": 8}).fit(split.train)
    lists, names = model.recommend(split.test["customer"].unique(), 10), {"customer": "user"}
    train, truth = split.train.rename(columns=names), split.test.rename(columns=names)
    expected = evaluate_ranking(lists, truth, train=train, seen="left out", catalogue=model.items_.values)
    measured = read_notes(folder / "m.appkit")["measured"]["results"]["ProductRecommender"]
    assert measured["NDCG@10"][0] == pytest.approx(expected.estimates["ndcg"].value, abs=1e-12)


def test_nothing_is_held_out_where_nobody_wants_a_measurement(folder, tmp_path):
    result = run("fit", "retail", folder / "before.csv", *QUICK, "--test-size", 0, "--out", tmp_path / "m.appkit")
    assert result.exit_code == 0, result.output
    assert "Held out" not in result.stderr
    assert "measured" not in read_notes(tmp_path / "m.appkit")


def test_options_become_parameters_of_the_model(folder, tmp_path):
    options = ["--value", "quantity", "--item-name", "item", "--split", "random", "--rebuy", "--model", "popularity"]
    assert run("fit", "retail", folder / "before.csv", *options, "--out", tmp_path / "m.appkit").exit_code == 0
    model = load(tmp_path / "m.appkit")
    assert (model.value, model.item_name, model.split) == ("quantity", "item", "random")
    assert (model.filter_seen, model.model) == (False, "popularity")


def test_a_recommender_of_no_domain_is_fitted_too(folder, tmp_path):
    options = ["--model", "popularity", "--test-size", 0, "--out", tmp_path / "m.appkit"]
    assert run("fit", "interactions", folder / "before.csv", *options).exit_code == 0
    assert type(load(tmp_path / "m.appkit")).__name__ == "InteractionRecommender"


def test_predict_writes_the_lists_of_everybody(folder, advice):
    expected = load(folder / "m.appkit").recommend(k=3)
    pd.testing.assert_frame_equal(advice.astype({"item": str}), expected.astype({"item": str}), check_dtype=False)


def test_predict_writes_the_lists_of_some_and_says_who_has_no_history(folder, advice, tmp_path):
    (tmp_path / "users.csv").write_text(f"customer\n{advice['user'][0]}\n7\n")
    result = run("predict", folder / "m.appkit", tmp_path / "users.csv", "--k", 2, "--out", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    assert pd.read_json(tmp_path / "out.json")["basis"].tolist() == ["history"] * 2 + ["popularity"] * 2
    assert "Wrote 4 items for 2 users" in said(result)
    assert "1 of them have no history" in said(result)


def test_predict_advises_by_newer_events(folder, tmp_path):
    later = pd.read_parquet(folder / "later.parquet")[:40]
    later.to_parquet(tmp_path / "newer.parquet")
    options = ["--history", tmp_path / "newer.parquet", "--out", tmp_path / "out.csv"]
    assert run("predict", folder / "m.appkit", *options).exit_code == 0
    assert set(pd.read_csv(tmp_path / "out.csv")["user"]) == set(later["customer"])


def test_explain_says_because_of_which_purchases(folder, advice, tmp_path):
    advice[:2].to_csv(tmp_path / "pairs.csv", index=False)
    result = run("explain", folder / "m.appkit", tmp_path / "pairs.csv", "--out", tmp_path / "why.csv")
    assert result.exit_code == 0, result.output
    written = pd.read_csv(tmp_path / "why.csv", dtype={"item": str, "because": str})
    model = load(folder / "m.appkit")
    pairs = advice[:2].astype({"item": int if not model.items_.is_text else str})
    expected = explain(model, pairs.rename(columns={"user": "customer"})[["customer", "item"]], random_state=0)
    own = written[written["item"] == str(advice["item"][0])]
    codes = model.histories([advice["user"][0]])[0]
    assert set(own["because"]) == set(map(str, model.items_.values[codes]))
    assert own["n_purchases"].sum() == len(codes)
    assert own["value"].is_monotonic_decreasing
    assert own["value"].sum() == pytest.approx(np.nansum(expected.values[0]))


def test_explain_leaves_out_what_no_past_explains(folder, advice, tmp_path):
    advice[:2].assign(basis=["popularity", "history"]).to_csv(tmp_path / "pairs.csv", index=False)
    result = run("explain", folder / "m.appkit", tmp_path / "pairs.csv", "--out", tmp_path / "why.csv")
    assert "Left out: 1 items advised to users without a history" in said(result)
    assert pd.read_csv(tmp_path / "why.csv")["rank"].unique().tolist() == [2]


def test_ids_written_with_leading_zeros_stay_text(tmp_path):
    rows = [f"{user},0{item},2024-01-{1 + user + item:02d}" for user in range(9) for item in range(user % 3, 5)]
    (tmp_path / "orders.csv").write_text("\n".join(["customer_id,sku,date", *rows]))
    options = ["--model", "popularity", "--test-size", 0, "--out", tmp_path / "m.appkit"]
    assert run("fit", "retail", tmp_path / "orders.csv", *options).exit_code == 0
    model = load(tmp_path / "m.appkit")
    assert model.items_.values.tolist() == ["00", "01", "02", "03", "04"]
    assert model.users_.values.tolist() == list(range(9))
    assert run("predict", tmp_path / "m.appkit", tmp_path / "orders.csv", "--out", tmp_path / "out.csv").exit_code == 0


def test_readable_names_stand_beside_ids(folder, tmp_path):
    orders = pd.read_csv(folder / "before.csv")
    orders.assign(label="the " + orders["item"].astype(str)).to_csv(tmp_path / "named.csv", index=False)
    options = [*QUICK, "--item-name", "label", "--test-size", 0, "--out", tmp_path / "m.appkit"]
    assert run("fit", "retail", tmp_path / "named.csv", *options).exit_code == 0
    assert run("predict", tmp_path / "m.appkit", "--k", 1, "--out", tmp_path / "out.csv").exit_code == 0
    written = pd.read_csv(tmp_path / "out.csv")
    assert written.columns.tolist() == ["user", "item", "name", "rank", "score", "basis"]
    assert written["name"].tolist() == [f"the {item}" for item in written["item"]]
    written[:1].to_csv(tmp_path / "one.csv", index=False)
    assert run("explain", tmp_path / "m.appkit", tmp_path / "one.csv", "--out", tmp_path / "why.csv").exit_code == 0
    why = pd.read_csv(tmp_path / "why.csv")
    assert why["because_name"].tolist() == [f"the {item}" for item in why["because"]]


@pytest.fixture(scope="module")
def returned(folder) -> Path:
    """Return orders of which some came back, some have no customer and some are postage."""
    orders = pd.read_csv(folder / "before.csv")
    back = orders[::50].assign(quantity=-orders["quantity"][::50], invoice="C" + orders["invoice"][::50].astype(str))
    post = orders[:3].assign(item="POST", quantity=1)
    path = folder / "returned.csv"
    pd.concat([orders.astype({"invoice": str, "item": str}), back, post, orders[5:9].assign(customer=None)]).to_csv(
        path, index=False
    )
    return path


CLEAN = ["--clean", "--not-product", "POST", "--model", "popularity"]


def test_cleaning_tells_what_it_takes_out_and_is_noted(folder, returned, tmp_path):
    result = run("fit", "retail", returned, *CLEAN, "--out", tmp_path / "m.appkit")
    assert result.exit_code == 0, result.output
    assert "no customer 4, no product 3, taken back" in said(result)
    assert "POST" not in load(tmp_path / "m.appkit").items_.values.tolist()
    noted = {"value": "quantity", "price": "price", "invoice": "invoice", "not_products": ["POST"]}
    assert read_notes(tmp_path / "m.appkit")["cleaning"] == noted


def test_raw_transactions_are_refused_with_the_option_that_cleans_them(returned, tmp_path):
    options = ["--model", "popularity", "--value", "quantity", "--out", tmp_path / "m.appkit"]
    result = run("fit", "retail", returned, *options)
    assert result.exit_code == 1
    assert "--clean leaves out" in said(result)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["fit", "retail", "CSV", "--user", "custmer", "--out", "x"], 1, "no column 'custmer'. Is it 'customer'?"),
        (["fit", "retail", "CSV", "--target", "item", "--out", "x"], 1, "takes no --target"),
        (["fit", "retail", "CSV", "--unit", "item", "--out", "x"], 1, "reads no series and takes no --unit"),
        (["fit", "retail", "CSV", "--model", "magic", "--out", "x"], 1, "model must be 'auto' or one of"),
        (["fit", "retail", "CSV", "--price", "price", "--out", "x"], 2, "goes with --clean"),
        (["fit", "retail", "CSV", "--test-size", "1", "--out", "x"], 2, "--test-size must be a share"),
        (["fit", "retail", "BARE", "--out", "x"], 1, "--user must name the column of"),
        (["fit", "finance", "CSV", "--user", "customer", "--target", "item", "--out", "x"], 1, "takes no --user"),
        (["fit", "finance", "CSV", "--rebuy", "--target", "item", "--out", "x"], 1, "--filter-seen or --rebuy"),
        (["fit", "finance", "CSV", "--clean", "--target", "item", "--out", "x"], 1, "is no recommender"),
        (["fit", "interactions", "CSV", "--clean", "--out", "x"], 1, "appkit fit retail"),
        (["predict", "MODEL", "BARE", "--out", "x.csv"], 1, "no column 'customer'"),
        (["predict", "MODEL", "--keep", "item", "--out", "x.csv"], 1, "takes no --keep"),
        (["predict", "MODEL", "--last", "--out", "x.csv"], 1, "takes no --last"),
        (["explain", "MODEL", "CSV", "--shape", "wide", "--out", "x.csv"], 1, "takes no --shape wide"),
        (["explain", "MODEL", "CSV", "--rows", "last", "--out", "x.csv"], 1, "takes no --rows last"),
        (["report", "MODEL", "CSV", "--target", "item", "--out", "x.html"], 1, "takes no --target"),
        (["report", "MODEL", "BARE", "--out", "x.html"], 1, "no column 'customer'"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(folder, arguments, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (folder / "bare.csv").write_text("a,b\n1,2\n3,4\n")
    paths = {"CSV": folder / "before.csv", "BARE": folder / "bare.csv", "MODEL": folder / "m.appkit"}
    result = run(*[paths.get(argument, argument) for argument in arguments])
    assert result.exit_code == code, result.output
    assert message in said(result)
    assert list(tmp_path.iterdir()) == []


def test_columns_that_could_both_hold_users_must_be_named(tmp_path):
    (tmp_path / "two.csv").write_text("user_id,customer,item\n1,2,3\n")
    result = run("fit", "retail", tmp_path / "two.csv", "--out", tmp_path / "m.appkit")
    assert "--user must name the column of" in said(result)
    assert "which of 'user_id', 'customer'?" in said(result)


def test_report_on_later_events_writes_a_page(folder, tmp_path):
    result = run("report", folder / "m.appkit", folder / "later.parquet", "--k", 5, "--out", tmp_path / "shop.html")
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "shop.json").read_text())
    assert "lists of 5" in json.dumps(facts)
    assert "later.parquet" in (tmp_path / "shop.html").read_text()


def test_report_cleans_later_events_as_those_of_the_fit(folder, returned, tmp_path):
    assert run("fit", "retail", returned, *CLEAN, "--test-size", 0, "--out", tmp_path / "m.appkit").exit_code == 0
    later = pd.read_parquet(folder / "later.parquet").astype({"item": str})
    gone = later[:1].assign(quantity=-later["quantity"][:1], invoice="C1")
    pd.concat([later, gone]).to_csv(tmp_path / "later.csv", index=False)
    result = run("report", tmp_path / "m.appkit", tmp_path / "later.csv", "--out", tmp_path / "shop.html")
    assert result.exit_code == 0, result.output
    assert "taken back 1, return 1." in said(result)
    assert f"Reporting on {len(later) - 1:,} later events." in said(result)
