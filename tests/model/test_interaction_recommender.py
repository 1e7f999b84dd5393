"""One face before a family of recommenders: raw ids in, lists out, and an answer to every odd question."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from appkit import load, save
from appkit.exceptions import SchemaError
from appkit.model import InteractionRecommender
from appkit.model.recommenders.families import FAMILIES
from appkit.model.recommenders.popularity import fit_popularity
from appkit.model.state import restore, state_of

ITEMS = np.array(["bread", "butter", "cup", "jam", "kettle", "tea"])


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    """Return purchases of 60 users: breakfast (bread, butter, jam) or tea time (cup, kettle, tea), at most two yet."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(60):
        group = ITEMS[[0, 1, 3]] if user % 2 else ITEMS[[2, 4, 5]]
        rows += [(f"u{user:02d}", item, day) for day, item in enumerate(rng.permutation(group)[: 2 + user % 3 // 2])]
    return pd.DataFrame(rows, columns=["user", "item", "day"])


@pytest.fixture(scope="module")
def model(events) -> InteractionRecommender:
    return InteractionRecommender(model="als", settings={"n_factors": 2}, random_state=0).fit(events)


def test_users_are_advised_what_their_kind_takes(model, events):
    advice = model.recommend(k=1)
    is_breakfast = advice["user"].str[1:].astype(int) % 2 == 1
    missing = events.groupby("user")["item"].count().reindex(advice["user"]).to_numpy() < 3
    assert advice["item"].isin(ITEMS[[0, 1, 3]])[missing].tolist() == is_breakfast[missing].tolist()


def test_seen_items_are_advised_only_when_asked_for(model, events):
    seen = set(map(tuple, events[["user", "item"]].to_numpy()))
    assert not seen & set(map(tuple, model.recommend(k=6)[["user", "item"]].to_numpy()))
    again = model.recommend(k=6, filter_seen=False)
    assert seen <= set(map(tuple, again[["user", "item"]].to_numpy()))
    assert (again.groupby("user").size() == 6).all()


def test_ranks_follow_scores_and_lists_end_where_items_do(model):
    advice = model.recommend(k=50)
    assert (advice.groupby("user")["rank"].apply(list).str[0] == 1).all()
    assert (advice.groupby("user")["score"].diff().dropna() <= 0).all()
    assert advice.groupby("user").size().max() <= 4


def test_unknown_users_are_told_what_is_popular_and_that_it_is(model, events):
    advice = model.recommend(["nobody"], k=2)
    popular = events["item"].value_counts()
    assert advice["basis"].tolist() == ["popularity"] * 2
    assert popular[advice["item"].iloc[0]] == popular.max()


def test_new_events_make_a_user_known_without_another_fit(model):
    fresh = pd.DataFrame({"user": ["new"], "item": ["tea"]})
    advice = model.recommend(["new"], k=2, interactions=fresh)
    assert advice["basis"].unique().tolist() == ["history"]
    assert set(advice["item"]) == {"cup", "kettle"}


def test_pairs_are_scored_as_in_the_lists(model):
    advice = model.recommend(k=3)
    np.testing.assert_array_equal(model.predict(advice), advice["score"])


def test_items_never_seen_have_no_score(model):
    assert np.isnan(model.predict(pd.DataFrame({"user": ["u00"], "item": ["ladder"]}))).all()


def test_candidates_and_exclusions_bound_the_advice(model):
    assert set(model.recommend(k=6, candidates=["tea", "jam", "ladder"])["item"]) == {"tea", "jam"}
    assert "tea" not in set(model.recommend(k=6, exclude=["tea", "ladder"])["item"])


def test_similar_items_are_of_a_kind(model):
    alike = model.similar_items(["bread", "tea"], k=2)
    assert set(alike.loc[alike["item"] == "bread", "similar"]) == {"butter", "jam"}
    assert set(alike.loc[alike["item"] == "tea", "similar"]) == {"cup", "kettle"}


def test_score_is_the_gain_of_the_lists(model, events):
    later = pd.DataFrame({"user": ["u01", "u01"], "item": ["ladder", model.recommend(["u01"], k=1)["item"].iloc[0]]})
    discount = 1 / np.log2([2, 3])
    assert model.score(later) == pytest.approx(discount[0] / discount.sum())


def test_score_needs_something_left_to_find(model, events):
    with pytest.raises(ValueError, match="had not taken at fit"):
        model.score(events)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"k": 0}, "k must be a whole number from 1 on, got 0"),
        ({"candidates": []}, "candidates must hold at least one id"),
        ({"candidates": ["ladder"]}, "candidates must hold items known at fit"),
        ({"users": []}, "users must hold at least one id"),
    ],
)
def test_what_cannot_be_advised_is_refused(model, asked, message):
    with pytest.raises(ValueError, match=message):
        model.recommend(**asked)


def test_one_name_is_no_list_of_users(model):
    with pytest.raises(TypeError, match=r"Write \['u00'\]"):
        model.recommend("u00")


def test_numbers_are_refused_where_ids_were_text(model):
    with pytest.raises(SchemaError, match="must hold text, as at fit"):
        model.recommend([17])


def test_unknown_items_have_no_neighbours(model):
    with pytest.raises(SchemaError, match="'ladder'"):
        model.similar_items(["ladder"])


def test_auto_keeps_what_it_tried_and_takes_the_best(events):
    model = InteractionRecommender(time="day", split="last", random_state=0, progress=False).fit(events)
    assert {"popularity", "recency"} <= set(model.candidates_["model"])
    assert (
        model.model_.split(",")[0] == model.candidates_.loc[model.candidates_["gain"].idxmax(), "model"].split(",")[0]
    )


def test_one_user_alone_can_be_fitted_by_name_but_not_chosen_for(events):
    alone = events[events["user"] == "u02"]
    model = InteractionRecommender(model="popularity").fit(alone)
    assert model.recommend(["u02"], k=3).empty
    with pytest.raises(ValueError, match="leaves nothing to choose a model by"):
        InteractionRecommender().fit(alone.head(1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "magic"}, "model must be 'auto' or one of"),
        ({"settings": {"n_factors": 3}}, "settings= are those of a named model"),
        ({"split": "first"}, "split must be"),
        ({"max_seconds": 0}, "max_seconds must be above 0"),
    ],
)
def test_unknown_parameters_are_refused(events, options, message):
    with pytest.raises(ValueError, match=message):
        InteractionRecommender(**options).fit(events)


def test_a_loaded_recommender_gives_the_same_advice(model, tmp_path):
    again = load(save(model, tmp_path / "shop.appkit"))
    pd.testing.assert_frame_equal(again.recommend(k=4), model.recommend(k=4))
    assert again.histories(["u03"])[0].tolist() == model.histories(["u03"])[0].tolist()


def test_items_are_named_as_most_often():
    X = pd.DataFrame({"user": [1, 2, 3], "item": [7, 7, 7], "text": ["Tea", "TEA BAG", "Tea"]})
    assert InteractionRecommender(model="popularity", item_name="text").fit(X).item_names_.tolist() == ["Tea"]


def test_the_events_of_the_fit_are_kept(events):
    model = InteractionRecommender(time="day", model="recency").fit(events)
    kept = model.training_events().to_frame(time="day").sort_values(["user", "day"], ignore_index=True)
    expected = events.sort_values(["user", "day"], ignore_index=True)
    pd.testing.assert_frame_equal(kept, expected, check_dtype=False)


@pytest.fixture(scope="module")
def tastes() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return purchases of two tastes, and features that tell them apart, also of new users and a new item."""
    rng = np.random.default_rng(0)
    rows = [(user, item) for user in range(80) for item in rng.permutation(8)[:5] + 8 * (user % 2)]
    users = pd.DataFrame({"taste": ["sweet", "salty"] * 41}, index=range(82))
    items = pd.DataFrame({"kind": ["cake"] * 8 + ["chips"] * 8 + ["cake"]}, index=range(17))
    return pd.DataFrame(rows, columns=["user", "item"]), users, items


@pytest.fixture(scope="module")
def towers(tastes) -> InteractionRecommender:
    X, users, items = tastes
    model = InteractionRecommender(model="two-tower", settings={"max_epochs": 30, "n_factors": 8}, random_state=0)
    return model.fit(X, user_features=users, item_features=items)


def test_users_known_by_features_alone_are_advised_by_them(towers):
    advice = towers.recommend([80, 81, 99], k=3)
    assert advice.groupby("user")["basis"].first().to_dict() == {80: "features", 81: "features", 99: "popularity"}
    assert (advice.loc[advice["user"] == 81, "item"].between(8, 15)).all()


def test_features_are_a_basis_only_where_there_are_any(tastes):
    X, users, _ = tastes
    model = InteractionRecommender(model="two-tower", settings={"n_epochs": 1}, random_state=0)
    model.fit(X, user_features=users.drop(index=3))
    advice = model.recommend([2, 3], k=1, interactions=X[X["user"] == 7])  # of whom no event is told now
    assert advice["basis"].tolist() == ["features", "popularity"]


def test_items_nobody_took_are_advised_by_their_features(towers):
    ranks = towers.recommend([0], k=17).set_index("item")["rank"]
    assert ranks[16] < ranks[list(range(8, 16))].min()


def test_towers_are_loaded_with_their_features(towers, tmp_path):
    again = load(save(towers, tmp_path / "towers.appkit"))
    pd.testing.assert_frame_equal(again.recommend([80, 0], k=4), towers.recommend([80, 0], k=4))


def test_features_need_one_row_each(tastes):
    X, users, _ = tastes
    with pytest.raises(SchemaError, match="must have one row for each user, got 0 twice"):
        InteractionRecommender(model="two-tower").fit(X, user_features=pd.concat([users, users.head(1)]))


def test_features_are_indexed_by_ids_of_the_same_kind(tastes):
    X, users, _ = tastes
    with pytest.raises(SchemaError, match="index of user_features"):
        InteractionRecommender(model="two-tower").fit(X, user_features=users.rename(index=str))


def test_pairs_of_towers_are_scored_as_in_their_lists(towers):
    advice = towers.recommend([80, 0, 99, 5], k=5)
    shuffled = advice.sample(frac=1, random_state=0)
    np.testing.assert_allclose(towers.predict(shuffled), shuffled["score"], rtol=1e-4)


def test_what_was_chosen_is_fitted_again_without_a_choice(events):
    options = {"time": "day", "split": "last", "random_state": 0, "progress": False}
    chosen = InteractionRecommender(**options).fit(events)
    again = InteractionRecommender(**options | chosen.chosen_).fit(events)
    assert again.candidates_.empty
    assert again.model_ == chosen.model_
    pd.testing.assert_frame_equal(again.recommend(k=3), chosen.recommend(k=3))


def test_a_blend_is_of_something(events):
    with pytest.raises(ValueError, match="model='blend' needs settings="):
        InteractionRecommender(model="blend").fit(events)


def test_where_nobody_comes_back_late_models_are_chosen_by_last_events():
    users = [*np.repeat(np.arange(10), 2), *range(10, 16)]  # regulars first, then passers-by
    events = pd.DataFrame({"user": users, "item": np.arange(26) % 7, "day": np.arange(26)})
    model = InteractionRecommender(time="day", max_seconds=1e-3, random_state=0).fit(events)
    assert model.training_["split"] == "last"
    assert model.candidates_["gain"].notna().all()


def test_where_nobody_comes_back_at_all_there_is_no_choice():
    passers_by = pd.DataFrame({"user": np.arange(40), "item": np.arange(40) % 7, "day": np.arange(40)})
    with pytest.raises(ValueError, match=r"of 40 users none has a past .* Name a model="):
        InteractionRecommender(time="day").fit(passers_by)
    assert InteractionRecommender(model="popularity").fit(passers_by).training_["split"] is None


def test_the_gain_of_one_judged_user_has_no_standard_error():
    events = pd.DataFrame({"user": [1, 1, 2, 3], "item": [1, 2, 1, 3], "day": [1, 4, 2, 3]})
    model = InteractionRecommender(time="day", max_seconds=1e-3).fit(events)
    assert model.candidates_["n_users"].tolist() == [1]
    assert model.candidates_["standard_error"].isna().all()


@pytest.mark.parametrize("family", ["sequential", "two-tower"])
def test_networks_need_nobody_to_be_judged_by(family):
    one = pd.DataFrame({"user": [7], "item": ["tea"], "day": [1.0]})
    model = InteractionRecommender(time="day", model=family, max_seconds=0.1, random_state=0).fit(one)
    assert model.recommend([7], k=3, filter_seen=False)["item"].tolist() == ["tea"]


def test_a_network_is_fitted_on_all_events_for_as_long_as_it_was_tried(events, monkeypatch):
    deadlines = []

    def fit(data, settings, context):
        deadlines.append(context.deadline)
        return fit_popularity(data), settings | {"n_epochs": 7}

    monkeypatch.setitem(FAMILIES, "sequential", fit)
    model = InteractionRecommender(time="day", model="sequential", split="last", max_seconds=60).fit(events)
    assert model.chosen_["settings"] == {"n_epochs": 7}
    assert [deadline is None for deadline in deadlines] == [False, True]


def test_ids_come_back_as_they_were_at_fit():
    events = pd.DataFrame({"user": [3, 3, 5], "item": [10, 20, 10]})
    model = InteractionRecommender(model="als", random_state=0).fit(events)
    advice = model.recommend([5.0, np.float32(3)], k=1, filter_seen=False)
    assert advice["user"].tolist() == [5, 3]
    assert advice["user"].dtype == model.similar_items([10.0])["item"].dtype == np.int64


def test_lists_without_rows_have_the_types_of_others(model):
    full, empty = model.recommend(k=1), model.recommend(["nobody"], exclude=ITEMS)
    assert empty.empty
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


def test_a_list_longer_than_the_catalogue_needs_no_room(model):
    assert len(model.recommend(["u00"], k=10**15, filter_seen=False)) == len(ITEMS)


def test_items_equally_alike_come_in_order_of_their_ids():
    events = pd.DataFrame({"user": np.arange(40), "item": np.arange(40)})
    model = InteractionRecommender(model="popularity").fit(events)
    assert model.similar_items([5], k=4)["similar"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("asked", [{"exclude": "tea"}, {"users": pd.DataFrame({"user": ["u00"]})}])
def test_what_is_no_list_of_ids_is_refused(model, asked):
    with pytest.raises(TypeError, match="must be a list of ids"):
        model.recommend(**asked)


def test_events_of_unknown_items_alone_are_no_history(model):
    elsewhere = pd.DataFrame({"user": ["u00", "x"], "item": ["ladder", "saw"]})
    assert set(model.recommend(k=1, interactions=elsewhere)["basis"]) == {"popularity"}


def test_fits_and_loading_leave_the_global_generator_as_it_was(events, tmp_path):
    before = torch.get_rng_state()
    for family in ("sequential", "two-tower"):
        model = InteractionRecommender(time="day", model=family, settings={"n_epochs": 1}, random_state=0).fit(events)
        load(save(model, tmp_path / "shop.appkit"))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "forged", "message"),
    [
        ("history_items_", np.array([99, 0]), "history_offsets_ must rise from 0 to the number of events, 2"),
        ("history_offsets_", np.array([0, 10**15]), "history_offsets_ must be an array of 61 rows"),
        ("history_times_", np.zeros(3), "history_times_ must be an array of 140 rows"),
        ("item_names_", np.array(["tea"], dtype=object), "item_names_ must be an array of 6 rows"),
    ],
)
def test_histories_that_do_not_fit_together_are_not_opened(model, name, forged, message):
    forgery = clone(model)
    vars(forgery).update(vars(model) | {name: forged})
    with pytest.raises(ValueError, match=message):
        restore(type(model), state_of(forgery))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_what_is_loaded_scores_alike_to_the_last_bit(events, family, tmp_path):
    settings = {"n_epochs": 1} if family in ("sequential", "two-tower") else {}
    if family == "blend":
        settings = {"parts": (("ease", {}, 1.0), ("transition", {}, 2.0), ("sequential", {"n_epochs": 1}, 3.0))}
    model = InteractionRecommender(time="day", model=family, settings=settings, random_state=0).fit(events)
    again = load(save(model, tmp_path / "shop.appkit"))
    pd.testing.assert_frame_equal(again.recommend(k=6), model.recommend(k=6), check_exact=True)
    np.testing.assert_array_equal(again.predict(events), model.predict(events))
    assert again.chosen_ == model.chosen_
