import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appkit.data.interactions import read_interactions
from appkit.model import InteractionRecommender
from benchmarks.retail import __main__ as command
from benchmarks.retail import peers
from benchmarks.retail.demand import forecasts_of, loss_lead, sold_lately
from benchmarks.retail.drivers import CaseVerdict, case_counts, judge_case, leaves_list
from benchmarks.retail.generated import random_events
from benchmarks.retail.peers import PEERS, Peer, choose_settings, highest
from benchmarks.retail.processes import GB, in_own_process, peak_memory
from benchmarks.retail.tasks import load_task


@pytest.fixture
def quick(tmp_path, capsys):
    """Run the command on tiny data; return what it printed and the lines it kept."""

    def run(*options: str) -> tuple[str, list[dict]]:
        command.main(["--quick", "--cache", str(tmp_path), *options])
        lines = [line for path in sorted(tmp_path.glob("*.jsonl")) for line in path.read_text().splitlines()]
        return capsys.readouterr().out, [json.loads(line) for line in lines if line]

    return run


@pytest.fixture
def events():
    """Five users of four items; tea and cup go together."""
    taken = {1: "tea cup", 2: "tea cup jam", 3: "tea cup", 4: "jam egg", 5: "tea egg"}
    rows = [(user, item, day) for user, items in taken.items() for day, item in enumerate(items.split())]
    return read_interactions(pd.DataFrame(rows, columns=["user", "item", "time"]), time="time")


# Tasks


def test_a_fifth_of_each_users_ratings_is_drawn_as_the_protocol_says(data_dir):
    task = load_task("movielens")
    rows = pd.concat([task.train, task.test]).sort_index()
    rank = pd.Series(np.random.default_rng(0).random(len(rows))).groupby(rows["user"].to_numpy()).rank().to_numpy()
    n_test = np.maximum(1, np.floor(0.2 * rows.groupby("user")["item"].transform("size"))).to_numpy()
    assert task.test.index.tolist() == np.flatnonzero(rank <= n_test).tolist()


def test_the_last_rating_is_the_last_row_of_equal_times(data_dir):
    task = load_task("movielens-last")
    rows = pd.concat([task.train, task.test]).sort_index().reset_index()
    last = rows.sort_values(["time", "index"]).groupby("user").tail(1)
    assert sorted(last["index"]) == sorted(task.test.index)


def test_gowalla_has_the_published_parts_and_no_times(data_dir):
    task = load_task("gowalla")
    assert (len(task.train), len(task.test), task.test["user"].nunique()) == (810_128, 217_242, 29_858)
    assert (task.time, task.inner) == (None, "random")


def test_a_shop_is_judged_by_customers_it_knows():
    task = load_task("shop-new", is_quick=True)
    assert set(task.test["user"]) <= set(task.train["user"])
    assert task.train["time"].max() < task.test["time"].min()


def test_generated_data_are_held_to_no_marks():
    task = load_task("movielens", is_quick=True)
    assert not any(measure.marks for measure in task.measures)
    assert not task.limits
    assert "generated" in task.title


# Peers


def advised(name: str, events, user: int, *, filter_seen: bool = True, **settings: float) -> list[str]:
    lists = PEERS[name].fit(events, settings).best(np.array([user]), 4, filter_seen=filter_seen)
    return events.items.values[lists[0][lists[0] >= 0]].tolist()


def test_popular_items_come_first_and_those_taken_not_at_all(events):
    assert advised("popularity", events, 4, filter_seen=False)[:2] == ["tea", "cup"]
    assert advised("popularity", events, 4)[0] == "cup"  # user 5 has tea


def test_what_was_bought_before_comes_before_what_is_popular(events):
    assert set(advised("bought before", events, 3, filter_seen=False)[:2]) == {"jam", "egg"}


def test_recency_counts_the_end_of_the_time_alone(events):
    assert advised("recency", events, 0, filter_seen=False, share=0.1) == ["jam", "cup", "egg", "tea"]  # day 2 alone


def test_neighbours_are_weighed_by_their_cosine(events):
    matrix = events.matrix().toarray()
    norms = np.sqrt(matrix.sum(0))
    cosine = matrix.T @ matrix / np.outer(norms, norms)
    np.fill_diagonal(cosine, 0)
    expected = (matrix @ cosine)[4]
    expected[matrix[4] > 0] = -np.inf
    found = PEERS["item-knn"].fit(events, {"neighbours": 4, "shrink": 0.0}).best(np.array([4]), 4, filter_seen=True)
    assert found[0, :2].tolist() == np.argsort(-expected)[:2].tolist()
    assert found[0, 2:].tolist() == [-1, -1]


def test_ease_solves_for_each_item_by_the_others(events):
    matrix = events.matrix().toarray().astype(np.float64)
    penalty, expected = 0.5, np.zeros((4, 4))
    for item in range(4):
        others = [other for other in range(4) if other != item]
        A = matrix[:, others]
        solved = np.linalg.solve(A.T @ A + penalty * np.eye(3), A.T @ matrix[:, item])
        expected[others, item] = solved
    advisor = PEERS["ease"].fit(events, {"penalty": penalty})
    np.testing.assert_allclose(advisor.scores(np.arange(5)), matrix @ expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # implicit's advice about the threads of others
def test_als_of_implicit_gives_lists_without_what_was_taken(events):
    pytest.importorskip("implicit", reason="a peer, which the extra bench installs")
    found = advised("implicit als", events, 3, factors=2, regularization=0.1, alpha=1.0, iterations=5)
    assert set(found) == {"cup", "tea"}  # user 4 has the others


def test_settings_are_chosen_on_events_held_out(events):
    best = {"good": False}, {"good": True}
    seen = []

    class Oracle:
        def __init__(self, is_good: bool) -> None:
            self.is_good = is_good

        def best(self, users: np.ndarray, k: int, *, filter_seen: bool) -> np.ndarray:
            last = events.item[events.offsets[1:] - 1]  # what "last" holds out
            return (last if self.is_good else (last + 1) % 4)[users][:, None]

    def fit(data, settings):
        seen.append(len(data))
        return Oracle(settings["good"])

    assert choose_settings(Peer(fit, best), events, by="last", filter_seen=True) == {"good": True}
    assert seen == [len(events) - 5] * 2


@pytest.mark.parametrize(
    ("name", "filter_seen", "words"),
    [("recency", True, "moments"), ("bought before", True, "bought before"), ("ease", True, "more than the 3")],
)
def test_peers_say_why_they_are_left_out(events, name, filter_seen, words):
    peer = replace(PEERS[name], max_items=3)
    assert words in peer.refusal(replace(events, time=None), filter_seen=filter_seen)
    assert PEERS["popularity"].refusal(events, filter_seen=True) == ""


def test_what_is_ruled_out_is_on_no_list():
    scores = np.array([[1.0, -np.inf, 3.0, 2.0], [-np.inf, 0.0, -np.inf, -np.inf]])
    assert highest(scores, 3).tolist() == [[2, 3, 0], [1, -1, -1]]


# Processes and generated events


def test_memory_of_another_process_is_its_own():
    held = np.ones(40_000_000)  # 0.3 GB, here
    elsewhere = in_own_process(peak_memory, threads=1)
    assert peak_memory() > held.nbytes
    assert 0.01 * GB < elsewhere < peak_memory() - 0.5 * held.nbytes


def test_generated_events_are_distinct_and_some_items_much_more_popular():
    events = random_events(20_000, n_users=2_000, n_items=1_000, random_state=1)
    counts = events["item"].value_counts()
    assert not events.duplicated().any()
    assert counts.iloc[:10].mean() > 20 * counts.iloc[500:].mean()
    pd.testing.assert_frame_equal(events, random_events(20_000, n_users=2_000, n_items=1_000, random_state=1))


def test_more_events_than_pairs_are_refused():
    with pytest.raises(ValueError, match="must leave most pairs"):
        random_events(90, n_users=10, n_items=10)


# Rankings


def test_rankings_tell_ours_beside_peers_and_the_lead_over_each(quick):
    text, kept = quick("--what", "movielens", "--peers", "popularity", "ease", "recency")
    assert [record["model"] for record in kept] == ["ours", "popularity", "ease", "recency"]
    assert text.count("| popularity | 0.") == 1
    assert "NDCG@10 of ours: 0." in text
    lead = [record["scores"]["NDCG@10"] for record in kept]
    assert f"{lead[0] - lead[1]:+.4f} (" in text


def test_lists_are_kept_and_not_made_again(quick, tmp_path):
    first, _ = quick("--what", "gowalla", "--peers", "popularity")
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "lists").iterdir()}
    again, kept = quick("--what", "gowalla", "--peers", "popularity", "--out", str(tmp_path / "tables.md"))
    assert again == first
    assert len(kept) == len(made) == 2
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert (tmp_path / "tables.md").read_text().strip() == first.strip()


def test_ours_can_run_alone_and_a_missing_package_is_told(quick, monkeypatch):
    gone = Peer(lambda data, settings: None, packages=("no-such-distribution",))
    monkeypatch.setitem(peers.PEERS, "implicit als", gone)
    text, kept = quick("--what", "beauty", "--peers", "implicit als")
    assert [record["model"] for record in kept] == ["ours"]
    assert "Left out: implicit als: no-such-distribution is needed" in text
    assert "--peers none" in quick("--what", "beauty", "--peers", "none")[0]


def test_a_shop_is_told_with_and_without_what_was_bought_before(quick):
    text, kept = quick("--what", "shop", "--peers", "bought before")
    assert [(record["table"], record["model"]) for record in kept] == [
        ("shop-again", "ours"),
        ("shop-again", "bought before"),
        ("shop-new", "ours"),
    ]
    assert text.index("new articles only") < text.index("articles bought before as well")


# Drivers


def test_a_driver_among_the_two_largest_effects_counts():
    verdict = judge_case(np.array([0.5, 0.4, 0.3]), ["decoy", "a", "b"], drivers=["b", "a"], decoys=["decoy"], rank=11)
    assert verdict == CaseVerdict(
        is_first=False, is_in_top_two=True, is_decoy_first=True, all_above=False, is_listed=False
    )


def test_effects_against_the_advice_are_no_reasons_for_it():
    verdict = judge_case(np.array([-0.9, 0.1, 0.2]), ["a", "b", "c"], drivers=["a"], decoys=[], rank=1)
    assert (verdict.is_in_top_two, verdict.is_listed) == (False, True)


def test_cases_are_counted_in_all_and_on_the_list():
    right = CaseVerdict(is_first=True, is_in_top_two=True, is_decoy_first=False, all_above=True, is_listed=True)
    wrong = CaseVerdict(is_first=False, is_in_top_two=False, is_decoy_first=True, all_above=False, is_listed=False)
    counts = case_counts([right, right, wrong])
    assert (counts["all: cases"], counts["all: top two"], counts["all: decoy first"]) == (3, 2, 1)
    assert (counts["listed: cases"], counts["listed: top two"]) == (2, 2)


def test_an_item_leaves_the_list_when_its_reason_is_gone():
    bought = {1: "tea pot", 2: "tea pot", 3: "jam egg", 4: "tea jam", 5: "jam egg", 6: "tea pot"}
    rows = [(user, item) for user, items in bought.items() for item in items.split()]
    table = pd.DataFrame(rows, columns=["user", "item"])
    model = InteractionRecommender(model="als", settings={"n_factors": 4}, random_state=0).fit(table)
    cases = pd.DataFrame({"user": [4, 4, 4], "item": ["pot", "pot", "egg"]})
    assert leaves_list(model, table, cases, [["tea"], ["jam"], ["jam"]], k=1).tolist() == [True, False, True]


def test_drivers_are_counted_and_sets_are_checked_by_asking_again(quick):
    text, kept = quick("--what", "drivers", "--models", "als", "--seeds", "0")
    scores = kept[0]["scores"]
    assert scores["all: cases"] > 20
    assert scores["sets: verified"] == scores["sets: gone"] == scores["sets: found"] > 0
    assert f"{scores['all: top two'] / scores['all: cases']:.1%}" in text


# Speed and memory


def test_lists_are_timed_in_turn_with_implicit(quick):
    pytest.importorskip("implicit", reason="a peer, which the extra bench installs")
    text, kept = quick("--what", "speed", "--models", "als", "--seeds", "0", "1")
    assert [record["seed"] for record in kept] == [0, 1]
    assert all(record["fit_cpu"] > 0 and record["predict_cpu"] > 0 for record in kept)
    assert "als, median ratio" in text


def test_memory_is_told_before_and_after_the_fit(quick):
    text, kept = quick("--what", "memory", "--models", "als")
    scores = kept[0]["scores"]
    assert 0 < scores["before the fit, GB"] <= scores["after the fit, GB"] <= scores["peak, GB"]
    assert "limit 8.00" in text


# Purchases and demand


def test_buyers_are_foretold_beside_rules_and_trees(quick):
    text, kept = quick("--what", "purchases", "--seeds", "0")
    scores = kept[0]["scores"]
    for name in ("ours", "RFM logistic", "BG/NBD", "histgb", "xgboost_light"):
        assert 0.3 < scores[f"{name}: auc"] < 1
        assert f"| {name} |" in text
    assert scores["recency: lead"] == pytest.approx(scores["ours: auc"] - scores["recency: auc"])


def test_forecasts_are_made_from_what_was_known():
    weeks = pd.date_range("2024-01-01", periods=6, freq="W-MON")
    series = pd.DataFrame({"item": "tea", "week": weeks, "demand": np.arange(6.0), "is_censored": False})

    def make(known: pd.DataFrame) -> pd.DataFrame:
        last = known.iloc[-1]
        return pd.DataFrame(
            {"item": "tea", "week": last["week"] + pd.to_timedelta([7, 14], "D"), "q50": last["demand"]}
        )

    found = forecasts_of(series, cut=weeks[3], n_origins=3, make=make)
    assert found["q50"].tolist() == [2, 2, 3, 3, 4]  # the week after the last is not known
    assert found["demand"].tolist() == [3, 4, 4, 5, 5]


def test_items_that_stopped_selling_or_are_new_are_not_forecast():
    weeks = pd.date_range("2024-01-01", periods=40, freq="W-MON")
    old, stopped = ({"item": name, "week": weeks, "demand": sold} for name, sold in (("old", 1.0), ("stopped", 0.0)))
    new = {"item": "new", "week": weeks[-8:], "demand": 9.0}
    series = pd.concat(map(pd.DataFrame, (old, stopped, new)), ignore_index=True)
    sold = sold_lately(series, cut=weeks[36])
    assert sold.to_dict() == {"old": 26.0}


def test_losses_are_compared_as_shares_of_the_demand():
    demand, items = np.array([10.0, 30.0]), np.array(["tea", "cup"])
    exact, none = np.tile(demand[:, None], 7), np.zeros((2, 7))
    lead = loss_lead(demand, exact, none, items=items)  # of nothing at all, a level times twice the demand is lost
    assert lead.value == pytest.approx(-2 * np.mean([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]))


def test_demand_is_forecast_beside_smoothing(quick):
    text, kept = quick("--what", "demand", "--seeds", "0")
    scores = kept[0]["scores"]
    assert scores["all: ours: wape"] > 0
    lead = scores["all: naive: lead"]
    assert lead == pytest.approx(scores["all: ours: wape"] - scores["all: naive: wape"])
    assert "| exponential_smoothing, mean |" in text
