"""Image estimators through the one door: how images are cut and filled, and which members are asked."""

import numpy as np
import pandas as pd
import pytest
import torch

from appkit.explanation import TensorGame, explain, game_for
from appkit.explanation.games.image_estimator import image_estimator_game
from appkit.explanation.games.model import is_of_images
from tests.explanation.certificate.images import CrossImages
from tests.explanation.image_models import cross_pixels, fitted


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return cross_pixels(CrossImages.drawn(6, seed=9).crosses)


def test_an_image_estimator_is_known_by_what_it_offers():
    assert is_of_images(fitted())
    assert not is_of_images(lambda rows: rows)


def test_values_sum_from_the_background_to_the_probability(images):
    model = fitted()
    found = explain(model, images, n_players=16, max_evaluations=1000, random_state=0)
    assert found.method == "shapley (permutation)"
    assert (found.units, found.output_names, found.values.shape) == ("probability", ("cross",), (3, 16, 1))
    np.testing.assert_allclose(found.output[:, 0], model.predict_proba(images)[:, 1])
    np.testing.assert_allclose(found.base_value[:, 0], model.predict_proba(model.background_)[0, 1])
    assert np.abs(found.gap).max() < 1e-9


def test_absent_segments_show_what_was_asked_for(images):
    bases = {
        fill: explain(fitted(), images, "occlusion", n_players=16, fill=fill).base_value[:, 0]
        for fill in ("background", "mean", "blur")
    }
    own = fitted().predict_proba(fitted().background_)[0, 1]
    np.testing.assert_allclose(bases["background"], own)
    np.testing.assert_allclose(bases["mean"], own)  # the background is of one colour
    assert len(np.unique(bases["blur"])) == 3


def test_background_images_of_the_user_stand_in(images):
    others = np.zeros((25, 16, 16), dtype=np.uint8)
    others[:, ::2] = np.arange(25, dtype=np.uint8)[:, None, None]
    found = explain(fitted(), images, "occlusion", background=others, n_players=4)
    np.testing.assert_allclose(found.base_value[:, 0], fitted().predict_proba(others)[:, 1].mean())


def test_superpixels_are_of_each_image_alone(images):
    found = explain(fitted(), images, "lime", players="superpixels", n_players=9, random_state=0)
    assert found.row_player_names is not None
    assert found.row_player_names[0, 0].startswith("segment 1 (row")


def test_labels_of_the_user_are_players(images):
    halves = np.repeat([[3, 8]], 8, axis=1).repeat(16, axis=0)
    found = explain(fitted(), images, players=halves)
    assert (found.player_names, found.method) == (("segment 3", "segment 8"), "shapley (exact)")


def test_log_odds_are_those_of_the_mean_probability(images):
    found = explain(fitted(), images, "occlusion", units="log-odds", n_players=4)
    expected = fitted().predict_proba(images)[:, 1]
    np.testing.assert_allclose(found.output[:, 0], np.log(expected / (1 - expected)), rtol=1e-5)


def test_a_permutation_asks_one_network_of_the_ensemble(images):
    game = game_for(fitted(), images[:1], n_players=16)
    present = torch.ones(2, 16, dtype=torch.bool)
    present[:, :3] = False
    nobody = torch.zeros(2, dtype=torch.int64)
    each = game.values(present, references=nobody, members=torch.arange(2))[0, :, 0]
    both = game.values(present, references=nobody)[0, :, 0]
    assert game.n_members == 2
    assert abs(each[0] - each[1]) > 1e-6
    assert each.mean() == pytest.approx(both.mean())


@pytest.mark.parametrize("method", ["expected_gradients", "grad_cam"])
def test_gradients_go_through_the_whole_answer(images, method):
    found = explain(fitted(), images, method, n_players=16, random_state=0)
    np.testing.assert_allclose(found.output[:, 0], fitted().predict_proba(images)[:, 1])
    assert (found.values != 0).any(axis=1).all()


def test_bfloat16_is_used_row_by_row_where_it_agrees(images):
    exact = image_estimator_game(fitted(), images, units="probability", precision="float32")
    rough = image_estimator_game(fitted(), images, units="probability", precision="bfloat16")
    assert isinstance(exact, TensorGame)
    assert isinstance(rough, TensorGame)
    assert (exact.precision, rough.precision) == ("float32", "bfloat16")
    some = torch.rand(20, 49, generator=torch.Generator().manual_seed(0)) < 0.5
    nobody = torch.zeros(20, dtype=torch.int64)
    full, low = (game.values(some, references=nobody) for game in (exact, rough))
    assert 0 < (full - low).square().mean().sqrt() < 0.02 * full.std()
    assert torch.equal(exact.values(some), rough.values(some))  # over the whole background always in full


def test_an_image_answers_alike_alone_and_in_company(images):
    alone, together = (
        explain(fitted(), some, n_players=16, max_evaluations=700, random_state=0) for some in (images[1:2], images)
    )
    assert alone.values[0].tobytes() == together.values[1].tobytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"players": {"left": ["a"]}}, "players of images must be 'patches', 'superpixels' or an array"),
        ({"players": "hexagons"}, "players must be one of"),
        ({"fill": "noise"}, "fill must be one of"),
        ({"fill": "blur", "background": np.zeros((1, 16, 16), dtype=np.uint8)}, "takes no background"),
        ({"n_players": 1}, "n_players must be an integer from 2 on"),
        ({"method": "tree"}, "XGBoost models of tables; images need"),
        ({"backend": "shap"}, "explains tables; images need backend='appkit'"),
        ({"correlated": "conditional"}, "explains tables; images need correlated='interventional'"),
        ({"units": "cycles"}, "units must be one of"),
        ({"outputs": "square"}, "outputs must be names among"),
    ],
)
def test_what_does_not_fit_images_is_refused(images, options, words):
    with pytest.raises(ValueError, match=words):
        explain(fitted(), images, **options)


@pytest.mark.parametrize("options", [{"n_players": 4}, {"fill": "blur"}])
def test_tables_have_no_segments(options):
    table = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(ValueError, match="a model of columns knows no"):
        explain(lambda rows: rows["a"], table, background=table, **options)
    with pytest.raises(ValueError, match="is for images"):
        game_for(lambda rows: rows["a"], table, background=table, **options)


def test_a_table_has_no_patches():
    table = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(ValueError, match="players must map names to lists of columns"):
        explain(lambda rows: rows["a"], table, background=table, players="patches")
