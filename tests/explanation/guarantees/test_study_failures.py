"""Where today's explainers crash, are silently wrong, or explain nothing: every case works here.

Each test names what fails elsewhere: shap 0.51, lime 0.2, captum 0.9 and shapiq 1.4 under pandas 3 and XGBoost 3.2.
"""

import sys

import numpy as np
import pandas as pd
import pytest
import torch
import xgboost
from torch import nn

from appkit.explanation import RaggedGame, TensorGame, explain, explain_game, lime_surrogate
from appkit.explanation.games import image_game, window_game
from appkit.explanation.trees import tree_shapley
from tests.explanation.fakes import game_of, make_numbers
from tests.explanation.guarantees.networks import N_COLUMNS, SERIES, VECTORS, CodeEmbedding, drawn, image_network
from tests.explanation.guarantees.problem import OUTPUTS, enumerated
from tests.explanation.guarantees.tables import fitted, make_credit, masked, rows_for
from tests.explanation.guarantees.tensors import normal

CREDIT, _ = make_credit(26, seed=6)
X, BACKGROUND = CREDIT[:3], CREDIT[6:]


def assert_additive(explanation):
    assert explanation.is_additive
    total = np.nansum(explanation.values, axis=1)
    np.testing.assert_allclose(total, explanation.output - explanation.base_value, rtol=1e-5, atol=1e-9)


def event(kind, rows):
    return fitted(kind).predict_proba(rows)[:, 1]


# Tables


@pytest.mark.parametrize("kind", ["pipeline", "tabm"])
def test_permutations_take_text_and_categories(kind):
    """shap Permutation: TypeError "unsupported operand type(s) for -: 'str' and 'str'"."""
    explanation = explain(fitted(kind), X, "permutation", background=BACKGROUND, random_state=0)
    assert_additive(explanation)
    np.testing.assert_allclose(explanation.output[:, 0], event(kind, X), atol=1e-6)
    assert (np.abs(explanation.values[:, 2:4]) > 0).any(axis=(0, 2)).all()  # town and job count


@pytest.mark.parametrize("kind", ["pipeline", "tabm"])
def test_lime_takes_text_and_categories(kind):
    explanation = explain(fitted(kind), X, "lime", background=BACKGROUND, random_state=0)
    assert explanation.player_names == tuple(X.columns)
    assert (explanation.values != 0).all()
    assert ((explanation.local_fit > 0.1) & (explanation.local_fit < 1)).all()


def test_a_pipeline_with_a_column_transformer_is_explained_column_by_column():
    """shap Permutation and Explainer: TypeError on the frame's text."""
    explanation = explain(fitted("pipeline"), X, "exact", background=BACKGROUND)
    truth = enumerated(lambda present: event("pipeline", masked(X[:1], BACKGROUND, present)).mean(keepdims=True), 5)
    np.testing.assert_allclose(explanation.values[0], truth, atol=1e-9)


@pytest.mark.parametrize("method", ["exact", "permutation", "regression", "lime"])
def test_missing_values_are_what_the_row_shows(method):
    """lime: ValueError "The `scale` parameter must be positive"; shap Tree path-dependent: off by a quarter."""
    rows, background = X.assign(age=np.nan), BACKGROUND.assign(age=[np.nan, 30.0] * 10)
    explanation = explain(fitted("pipeline"), rows, method, background=background, random_state=0)
    assert pd.isna(explanation.data[:, 1]).all()
    assert np.isfinite(explanation.values).all()
    np.testing.assert_allclose(explanation.output[:, 0], event("pipeline", rows), atol=1e-6)


def test_lime_takes_one_row_of_a_frame_with_named_columns():
    """lime: KeyError '0' under pandas 3."""
    rows = make_numbers(40, n_columns=4)
    explanation = explain(lambda frame: frame["x0"] - 2 * frame["x2"], rows[7:8], "lime", background=rows[10:])
    assert explanation.player_names == ("x0", "x1", "x2", "x3")
    assert np.abs(explanation.values[0, :, 0]).argmax() in (0, 2)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["shap", "lime"])
def test_the_packages_themselves_take_text_and_missing_values_through_our_door(backend):
    rows = X[:1].assign(age=np.nan)
    explanation = explain(fitted("pipeline"), rows, background=BACKGROUND[:6], backend=backend, random_state=0)
    assert np.isfinite(explanation.values).all()


@pytest.mark.parametrize("method", ["exact", "permutation"])
def test_xgboost_takes_pandas_categories_with_a_background(method):
    """shap Tree: TypeError "Cannot cast array data from dtype('O') to dtype('float64')"; shapiq Tree: TypeError."""
    rows, background = rows_for("xgboost", X), rows_for("xgboost", BACKGROUND)
    explanation = explain(fitted("xgboost"), rows, method, background=background, units="log-odds", random_state=0)
    assert_additive(explanation)
    margin = fitted("xgboost").predict(rows, output_margin=True)
    np.testing.assert_allclose(explanation.output[:, 0], margin, atol=1e-5)


def test_tree_values_of_xgboost_take_pandas_categories_and_missing_values():
    """shapiq Tree: TypeError "Invalid value" for any XGBoost 3.2 model under pandas 3."""
    rows = rows_for("xgboost", X).assign(age=np.nan)
    explanation = tree_shapley(fitted("xgboost"), rows)
    assert_additive(explanation)
    np.testing.assert_allclose(explanation.output[:, 0], fitted("xgboost").predict(rows, output_margin=True))


def test_trees_with_vector_leaves_are_explained_by_their_predictions():
    """shap Tree: ValueError 'vector-leaf is not yet supported.'"""
    rows = make_numbers(80, n_columns=4)
    targets = np.column_stack([rows["x0"] * rows["x1"], rows["x2"]])
    model = xgboost.XGBRegressor(n_estimators=5, multi_strategy="multi_output_tree", n_jobs=1).fit(rows, targets)
    explanation = explain(model, rows[:3], background=rows[50:])
    assert_additive(explanation)
    np.testing.assert_allclose(explanation.output, model.predict(rows[:3]), atol=1e-6)


@pytest.mark.parametrize("method", ["permutation", "regression", "lime"])
def test_more_than_ten_columns_are_all_explained(method):
    """shap Kernel by default keeps ten features; the others are exactly 0."""
    rows, weights = make_numbers(60, n_columns=24), np.arange(1, 25) / 10
    game = game_of(lambda x: np.tanh(x @ weights / 4), rows[:3], rows[20:])
    explanation = explain_game(game, method, random_state=0)
    assert (explanation.values != 0).all()


# Networks


@pytest.mark.parametrize("name", VECTORS)
def test_values_are_additive_and_true_whatever_the_network_is_made_of(name):
    """shap Deep: gaps of .4 to 1.2 on LayerNorm, SiLU, attention, reused modules; in-place ReLU crashes."""
    network = drawn(VECTORS[name], 3, torch.as_tensor(normal(64, N_COLUMNS, seed=0)))
    rows, fills = torch.as_tensor(normal(1, N_COLUMNS, seed=1)), torch.as_tensor(normal(9, N_COLUMNS, seed=2))
    game = TensorGame(network, rows, fills, players=torch.arange(N_COLUMNS), player_names="abcde", output_names=OUTPUTS)

    def said(present):
        with torch.no_grad():
            return network(torch.where(torch.as_tensor(present), rows, fills)).double().mean(0).numpy()

    exact = explain_game(game, "exact")
    truth = enumerated(said, N_COLUMNS)
    np.testing.assert_allclose(exact.values[0], truth, atol=1e-5 * np.abs(truth).max())
    for method in ("permutation", "regression", "expected_gradients"):
        assert_additive(explain_game(game, method, random_state=0))


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("method", ["exact", "permutation", "regression", "expected_gradients"])
def test_recurrent_networks_are_additive(name, method):
    """shap Deep: gaps of .39 (GRU) and .33 (LSTM); captum DeepLift: .46, without a word."""
    network = drawn(SERIES[name], 1, torch.as_tensor(normal(64, 6, 2, seed=0)))
    game = window_game(network, normal(3, 6, 2, seed=1), normal(9, 6, 2, seed=2), n_segments=3, output_names=OUTPUTS)
    assert_additive(explain_game(game, method, random_state=0))


@pytest.mark.parametrize("method", ["exact", "permutation", "regression", "lime"])
def test_an_embedding_of_whole_numbers_is_explained(method):
    """shap Deep and Gradient: RuntimeError 'only Tensors of floating point dtype can require gradients'."""
    codes = torch.randint(0, 10, (12, N_COLUMNS), generator=torch.Generator().manual_seed(0))
    network = drawn(CodeEmbedding, 0)
    game = TensorGame(
        network, codes[:3], codes[3:], players=torch.arange(N_COLUMNS), player_names="abcde", output_names=OUTPUTS
    )
    explanation = explain_game(game, method, random_state=0)
    assert (explanation.values != 0).all()
    np.testing.assert_allclose(explanation.output, network(codes[:3]).detach(), atol=1e-6)


def test_gradients_of_whole_numbers_are_refused_with_another_way():
    codes = torch.zeros(2, N_COLUMNS, dtype=torch.int64)
    game = TensorGame(
        drawn(CodeEmbedding, 0),
        codes,
        codes,
        players=torch.arange(N_COLUMNS),
        player_names="abcde",
        output_names=OUTPUTS,
    )
    with pytest.raises(TypeError, match="Use method='permutation'"):
        explain_game(game, "expected_gradients")


@pytest.mark.parametrize("method", ["exact", "permutation", "expected_gradients", "lime"])
def test_a_network_in_training_mode_stays_in_it(method):
    """shap Gradient leaves ``training=False``."""
    network = drawn(VECTORS["dropout"], 0).train()
    rows = torch.as_tensor(normal(8, N_COLUMNS, seed=1))
    game = TensorGame(
        network, rows[:2], rows[2:], players=torch.arange(N_COLUMNS), player_names="abcde", output_names=OUTPUTS
    )
    explain_game(game, method, random_state=0)
    assert all(part.training for part in network.modules())


# Images


@pytest.mark.parametrize("shape", [(28, 28), (32, 32), (28, 28, 1), (32, 32, 3), (8, 8)])
def test_small_images_have_more_than_one_segment(shape):
    """lime image: one segment, an empty explanation and no warning."""
    n_channels = shape[2] if len(shape) == 3 else 1
    images = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    game = image_game(drawn(image_network(n_channels), 0), images, output_names=OUTPUTS)
    assert len(game.player_names) >= 16
    explanation = explain_game(game, "lime", max_evaluations=800, random_state=0)
    assert (np.abs(explanation.values).max(axis=1) > 0).all()


@pytest.mark.parametrize("shape", [(28, 28), (32, 32, 3)])
def test_superpixels_of_noise_are_never_one(shape):
    """lime's quickshift: one segment for noise; SLIC: two."""
    pytest.importorskip("skimage")
    n_channels = shape[2] if len(shape) == 3 else 1
    images = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    game = image_game(
        drawn(image_network(n_channels), 0), images, players="superpixels", n_players=9, output_names=OUTPUTS
    )
    explanation = explain_game(game, "permutation", random_state=0)
    assert (np.isfinite(explanation.values[..., 0]).sum(axis=1) >= 4).all()
    assert_additive(explanation)


def test_an_image_of_one_colour_is_cut_all_the_same():
    pytest.importorskip("skimage")
    flat = np.full((1, 28, 28), 0.5, dtype=np.float32)
    game = image_game(drawn(image_network(1), 0), flat, players="superpixels", n_players=9, output_names=OUTPUTS)
    assert isinstance(game, RaggedGame)
    assert len([name for name in game.names[0] if name is not None]) >= 4


def test_lime_refuses_one_segment():
    """lime image gives an empty explanation."""
    images = torch.as_tensor(normal(1, 1, 8, 8, seed=0))
    game = TensorGame(
        drawn(image_network(1), 0),
        images,
        images * 0,
        players=torch.zeros(8, 8, dtype=torch.int64),
        player_names=["everything"],
        output_names=OUTPUTS,
    )
    with pytest.raises(ValueError, match="needs two at least"):
        lime_surrogate(game, random_state=0)


def test_blur_needs_no_opencv(monkeypatch):
    """shap maskers.Image: ModuleNotFoundError cv2."""
    monkeypatch.setitem(sys.modules, "cv2", None)  # as if it were not installed
    images = normal(1, 12, 12, seed=0)
    game = image_game(drawn(image_network(1), 0), images, n_players=4, fill="blur", output_names=OUTPUTS)
    assert_additive(explain_game(game, "exact"))


def test_nothing_is_printed_and_no_bar_shown(capsys):
    """lime image prints progress bars that cannot be switched off."""
    game = image_game(drawn(image_network(1), 0), normal(2, 12, 12, seed=0), n_players=4, output_names=OUTPUTS)
    explain_game(game, "lime", random_state=0)
    explain_game(game, "permutation", random_state=0)
    assert capsys.readouterr() == ("", "")


class Flattening(nn.Module):
    """A network that asks for a view of its input, which strides can forbid."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3 * 12 * 12, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(images.view(len(images), -1))


@pytest.mark.parametrize("method", ["exact", "permutation", "expected_gradients"])
@pytest.mark.parametrize(
    "lay_out",
    [
        lambda images: images.to(memory_format=torch.channels_last),
        lambda images: images.transpose(2, 3),
        lambda images: images[:1].expand(len(images), -1, -1, -1),
    ],
    ids=["channels_last", "transposed", "expanded"],
)
def test_inputs_that_are_not_contiguous_are_explained_as_their_contiguous_copies(lay_out, method):
    """captum ShapleyValueSampling: 'view size is not compatible with input tensor's size and stride'."""
    network = drawn(Flattening, 0)
    rows, fills = (lay_out(torch.as_tensor(normal(4, 3, 12, 12, seed=seed))) for seed in (1, 2))
    quarter = torch.arange(12) // 6
    assert not rows.is_contiguous()

    def explanation(rows, fills):
        game = TensorGame(
            network,
            rows,
            fills,
            players=quarter[:, None] * 2 + quarter,
            player_names="abcd",
            output_names=OUTPUTS,
        )
        return explain_game(game, method, random_state=0)

    found = explanation(rows, fills)
    assert_additive(found)
    np.testing.assert_allclose(found.values, explanation(rows.contiguous(), fills.contiguous()).values, atol=1e-6)


@pytest.mark.parametrize("method", ["exact", "permutation"])
def test_a_network_in_channels_last_is_explained(method):
    network = drawn(image_network(3), 0)
    images = normal(2, 12, 12, 3, seed=0)
    plain = image_game(network, images, n_players=4, output_names=OUTPUTS)
    expected = explain_game(plain, method, random_state=0)
    last = drawn(image_network(3), 0).to(memory_format=torch.channels_last)
    game = image_game(
        last,
        images,
        n_players=4,
        output_names=OUTPUTS,
        to_tensor=lambda x: torch.from_numpy(x).permute(0, 3, 1, 2),
    )
    np.testing.assert_allclose(explain_game(game, method, random_state=0).values, expected.values, atol=1e-5)
