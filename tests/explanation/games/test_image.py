"""Images: every way to cut, every way to fill, modules and functions, tiny ones included."""

import numpy as np
import pytest
import torch
from torch import nn

from appkit.exceptions import DataWarning
from appkit.explanation import ImageLayout, RaggedGame, explain_game
from appkit.explanation.games import image_game
from tests.explanation.games.networks import SmallConv, facts_of, seeded, shapley_by_orders, state_of


@pytest.fixture(scope="module")
def network():
    return seeded(SmallConv).eval()


def make_images(n_images, *shape, seed=0):
    return np.random.default_rng(seed).random((n_images, *shape)).astype(np.float32)


def logits(network, image):
    """Return what a network says to one image (height, width) or (height, width, n_channels)."""
    channels = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    with torch.no_grad():
        return network(torch.tensor(channels[None], dtype=torch.float32))[0].numpy()


def quarters(height, width):
    """Return masks of the quarters of an image, from the top left."""
    top, left = np.arange(height)[:, None] < height // 2, np.arange(width)[None] < width // 2
    return [top & left, top & ~left, ~top & left, ~top & ~left]


def test_four_patches_match_all_orders(network):
    images, background = make_images(2, 8, 8), make_images(3, 8, 8, seed=1)
    game = image_game(
        network, images, n_players=4, fill="background", background=background, output_names=["no", "yes"]
    )
    explanation = explain_game(game, "exact")
    masks = quarters(8, 8)
    for row in range(2):

        def value(present, row=row):
            shown = sum((mask for mask, is_in in zip(masks, present, strict=True) if is_in), np.zeros((8, 8), bool))
            return np.mean([logits(network, np.where(shown, images[row], fill))[1] for fill in background])

        np.testing.assert_allclose(explanation.values[row, :, 1], shapley_by_orders(value, 4), atol=1e-5)


@pytest.mark.parametrize("fill", ["blur", "mean"])
@pytest.mark.parametrize("shape", [(28, 28), (32, 32, 3), (8, 8), (9, 13)])
@pytest.mark.parametrize("players", ["patches", "superpixels"])
def test_values_sum_to_the_output_less_the_base(fill, shape, players):
    network = seeded(lambda: SmallConv(n_channels=3 if len(shape) == 3 else 1)).eval()
    images = make_images(2, *shape)
    game = image_game(network, images, players=players, n_players=6, fill=fill, output_names=["no", "yes"])
    explanation = explain_game(game, "permutation", max_evaluations=600, random_state=0)
    total = np.nansum(explanation.values, axis=1)
    np.testing.assert_allclose(total, explanation.output - explanation.base_value, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(explanation.output, [logits(network, image) for image in images], atol=1e-5)
    assert (np.isfinite(explanation.values[..., 0]).sum(1) > 1).all()


@pytest.mark.parametrize("method", ["exact", "permutation"])
@pytest.mark.parametrize("players", ["patches", "superpixels"])
def test_a_segment_the_model_does_not_read_weighs_exactly_nothing(method, players):
    game = image_game(
        lambda x: np.tanh(x[:, 0, 0]) * x[:, 7, 7], make_images(3, 8, 8), players=players, n_players=6, fill="mean"
    )
    explanation = explain_game(game, method, random_state=0)
    for row, owner in enumerate(explanation.layout.segments):
        read = np.isin(np.arange(explanation.values.shape[1]), [owner[0, 0], owner[7, 7]])
        unread = explanation.values[row, ~read, 0]
        assert set(unread[~np.isnan(unread)]) == {0.0}
        assert (explanation.values[row, read, 0] != 0).all()


@pytest.mark.parametrize("method", ["exact", "permutation", "lime"])
def test_the_same_bytes_whatever_the_batch_size(network, method):
    images = make_images(5, 12, 12)
    told = {
        facts_of(
            explain_game(
                image_game(network, images, n_players=6, outputs=[1], batch_size=batch_size), method, random_state=3
            )
        )
        for batch_size in (64, 128, 512)
    }
    assert len(told) == 1


@pytest.mark.parametrize("players", ["patches", "superpixels"])
@pytest.mark.parametrize("fill", ["blur", "mean"])
def test_rows_come_back_in_the_order_they_came(network, players, fill):
    images = make_images(6, 16, 16)
    images[::2, 4:9, 4:9] += 3  # superpixels of different number
    order = np.array([4, 0, 5, 3, 1, 2])
    straight, shuffled = (
        explain_game(
            image_game(network, some, players=players, n_players=5, fill=fill, outputs=[0]), "exact", random_state=0
        )
        for some in (images, images[order])
    )
    assert straight.values[order].tobytes() == shuffled.values.tobytes()
    assert straight.output[order].tobytes() == shuffled.output.tobytes()
    np.testing.assert_array_equal(straight.layout.images[order], shuffled.layout.images)


@pytest.mark.parametrize("players", ["patches", "superpixels"])
def test_an_image_is_explained_alike_alone_and_in_company(network, players):
    images = make_images(4, 16, 16)
    alone, together = (
        explain_game(image_game(network, some, players=players, n_players=5, outputs=[0]), "exact")
        for some in (images[2:3], images)
    )
    n_players = alone.values.shape[1]
    assert alone.values[0].tobytes() == together.values[2, :n_players].tobytes()


def test_superpixels_have_names_of_their_own_and_one_explanation(network):
    images = np.zeros((2, 16, 16), dtype=np.float32)
    images[0, :8, :8] = images[1, 8:, 8:] = 1
    game = image_game(network, images, players="superpixels", n_players=9, outputs=[0])
    assert isinstance(game, RaggedGame)
    explanation = explain_game(game, "lime", random_state=0)
    assert explanation.row_player_names[0, 0] == "segment 1 (row 4, column 4)"
    missing = explanation.row_player_names == None  # noqa: E711, elementwise
    np.testing.assert_array_equal(np.isnan(explanation.values[..., 0]), missing)
    np.testing.assert_array_equal(explanation.layout.segments.max((1, 2)) + 1, (~missing).sum(1))


def test_superpixels_show_their_mean_in_the_units_of_the_image():
    images = np.zeros((1, 8, 8), dtype=np.uint16)
    images[:, :, 4:] = 50_000
    explanation = explain_game(
        image_game(lambda x: x.mean((1, 2)), images, players="superpixels", n_players=4), "exact"
    )
    left = explanation.layout.segments[0, 0, 0]
    assert explanation.data[0, left] == 0
    assert explanation.data[0].max() == 50_000


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float64, np.float16, bool])
@pytest.mark.parametrize(("shape", "channels"), [((6, 6), "last"), ((6, 6, 2), "last"), ((2, 6, 6), "first")])
def test_a_function_sees_arrays_of_the_layout_and_dtype_given(dtype, shape, channels):
    images = (make_images(2, *shape) * 100 > 50).astype(dtype) * dtype(1)
    seen = []
    game = image_game(lambda x: seen.append(x) or x.reshape(len(x), -1).mean(1), images, n_players=4, channels=channels)
    explanation = explain_game(game, "exact")
    assert {(x.dtype, x.shape[1:]) for x in seen} == {(images.dtype, shape)}
    np.testing.assert_allclose(explanation.output[:, 0], images.reshape(2, -1).astype(float).mean(1), rtol=1e-3)


@pytest.mark.parametrize("channels", ["first", "last"])
def test_a_module_sees_channels_first_whatever_it_is_given(channels):
    network = seeded(lambda: SmallConv(n_channels=3)).eval()
    images = make_images(2, 8, 10, 3)
    given = images if channels == "last" else np.moveaxis(images, -1, 1)
    explanation = explain_game(image_game(network, given, n_players=4, channels=channels, outputs=[1]), "exact")
    np.testing.assert_allclose(explanation.output[:, 0], [logits(network, image)[1] for image in images], atol=1e-5)
    np.testing.assert_array_equal(explanation.layout.images, images)


def test_a_module_and_a_function_of_it_agree(network):
    images = make_images(2, 9, 7)

    def predict(arrays):
        with torch.no_grad():
            return network(torch.tensor(arrays)[:, None]).numpy()

    for fill in ("blur", "mean"):
        by_module, by_function = (
            explain_game(image_game(asked, images, n_players=4, fill=fill, outputs=[0]), "exact")
            for asked in (network, predict)
        )
        np.testing.assert_allclose(by_module.values, by_function.values, atol=1e-6)
        np.testing.assert_allclose(by_module.data.astype(float), by_function.data.astype(float))


def test_preprocessing_runs_on_images_as_given_before_they_are_masked():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8), dtype=np.uint8)
    seen = []

    def to_tensor(arrays):
        seen.append((arrays.dtype, arrays.shape))
        return (torch.tensor(arrays, dtype=torch.float32)[:, None] / 255 - 0.5) / 0.25

    network = seeded(SmallConv).eval()
    explanation = explain_game(image_game(network, images, n_players=4, to_tensor=to_tensor, outputs=[0]), "exact")
    expected = [logits(network, (image / 255 - 0.5) / 0.25)[0] for image in images]
    np.testing.assert_allclose(explanation.output[:, 0], expected, atol=1e-5)
    assert seen == [(np.dtype(np.uint8), (2, 8, 8))] * 2
    assert explanation.data[0, 0] == images[0, :4, :4].mean()


def test_the_network_is_left_as_found():
    network = seeded(SmallConv).train()
    network.stem.weight.requires_grad_(False)
    network.norms[0].eval()
    before = state_of(network)
    game = image_game(network, make_images(2, 8, 8), n_players=4, outputs=[0])
    first = explain_game(game, "permutation", random_state=0)
    assert state_of(network) == before
    again = explain_game(game, "permutation", random_state=0)
    assert facts_of(first) == facts_of(again)  # neither dropout nor batch statistics


def test_each_image_may_have_an_output_of_its_own(network):
    images = make_images(3, 8, 8)
    both = explain_game(image_game(network, images, n_players=4, output_names=["no", "yes"]), "exact")
    own = explain_game(image_game(network, images, n_players=4, outputs=[[1], [0], [1]]), "exact")
    for row, output in enumerate([1, 0, 1]):
        np.testing.assert_array_equal(own.values[row, :, 0], both.values[row, :, output])
        assert own.base_value[row, 0] == both.base_value[row, output]


def test_each_superpixelled_image_may_have_an_output_of_its_own(network):
    images = make_images(4, 12, 12)
    images[::2, 3:6, 3:6] += 3
    options = {"players": "superpixels", "n_players": 5}
    both = explain_game(image_game(network, images, output_names=["no", "yes"], **options), "exact")
    own = explain_game(image_game(network, images, outputs=np.array([[1], [0], [1], [0]]), **options), "exact")
    np.testing.assert_array_equal(own.values[..., 0], both.values[np.arange(4), :, [1, 0, 1, 0]])


def test_labels_mean_the_same_in_every_image_and_negative_ones_are_always_shown():
    images = make_images(2, 2, 2)
    labels = np.array([[[5, 5], [9, -1]], [[5, 9], [9, 9]]])
    game = image_game(lambda x: x.sum((1, 2)), images, players=labels, fill="mean")
    assert game.player_names == ("segment 5", "segment 9")
    explanation = explain_game(game, "exact")
    mean = images.mean((1, 2))
    np.testing.assert_allclose(
        explanation.values[..., 0],
        [
            [images[0, 0].sum() - 2 * mean[0], images[0, 1, 0] - mean[0]],
            [images[1, 0, 0] - mean[1], images[1].sum() - images[1, 0, 0] - 3 * mean[1]],
        ],
        atol=1e-5,
    )
    assert explanation.base_value[0, 0] == pytest.approx(3 * mean[0] + images[0, 1, 1])
    assert isinstance(explanation.layout, ImageLayout)


def test_a_label_an_image_lacks_weighs_nothing_and_shows_nothing():
    labels = np.array([[[0, 1]], [[0, 2]]])
    explanation = explain_game(
        image_game(lambda x: x.sum((1, 2)), make_images(2, 1, 2), players=labels, fill="mean"), "exact"
    )
    assert explanation.values[0, 2, 0] == explanation.values[1, 1, 0] == 0
    assert np.isnan(explanation.data[0, 2])


def test_a_mean_of_the_background_is_one_colour_for_all():
    images, background = np.zeros((2, 2, 2, 2)), np.zeros((3, 2, 2, 2))
    background[..., 0], background[0, ..., 1] = 4, 6
    game = image_game(lambda x: x[:, 0, 0], images, n_players=4, fill="mean", background=background, output_names="ab")
    explanation = explain_game(game, "exact")
    np.testing.assert_allclose(explanation.base_value, [[4, 2], [4, 2]])


def test_background_images_are_averaged_over_with_an_error():
    images, background = make_images(2, 4, 4), make_images(5, 4, 4, seed=1)
    game = image_game(lambda x: x[:, 0, 0] * x[:, 3, 3], images, n_players=4, fill="background", background=background)
    explanation = explain_game(game, "exact")
    expected = (background[:, 0, 0] * background[:, 3, 3]).mean()
    np.testing.assert_allclose(explanation.base_value[:, 0], expected, rtol=1e-5)
    assert (explanation.standard_error[:, [0, 3]] > 0).all()


def test_names_say_where_a_patch_is():
    game = image_game(lambda x: x.mean((1, 2)), make_images(1, 5, 3), n_players=6)
    assert game.player_names[:2] == ("rows 0-1, columns 0-1", "rows 0-1, column 2")


def test_a_network_with_probabilities_is_a_module_too(network):
    images = make_images(2, 8, 8)
    game = image_game(nn.Sequential(network, nn.Softmax(1)), images, n_players=4, output_names=["no", "yes"])
    np.testing.assert_allclose(explain_game(game, "exact").output.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((8, 8)), "A single image needs a first axis"),
        (np.zeros((0, 8, 8)), "none empty"),
        (np.array([[["a", "b"]]]), "images must hold numbers"),
        (np.array([[[0.0, 1.0]], [[np.nan, 1.0]]]), "first: image 1"),
        (np.zeros((1, 1, 1)), "at least two pixels"),
    ],
)
def test_images_that_are_none_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        image_game(len, images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"players": "quickshift"}, "players must be one of"),
        ({"players": np.zeros((8, 8))}, "players must be integers of shape"),
        ({"players": np.zeros((8, 8), dtype=int)}, "at least two segments, got labels"),
        ({"players": np.eye(8, dtype=int), "n_players": 3}, "n_players is for patches"),
        ({"n_players": 1}, "integer from 2 on, got 1"),
        ({"fill": "inpaint"}, "fill must be one of"),
        ({"fill": "background"}, "needs images to fill with"),
        ({"fill": "blur", "background": np.zeros((1, 8, 8))}, "takes no background"),
        ({"fill": "mean", "background": np.zeros((1, 8, 8), dtype=np.uint8)}, "Prepare both alike"),
        ({"fill": "mean", "background": np.zeros((1, 8, 9))}, "Prepare both alike"),
        ({"fill": "mean", "background": np.full((2, 8, 8), np.nan)}, "background must be finite"),
        ({"channels": "middle"}, "channels must be"),
        ({"to_tensor": torch.as_tensor}, "to_tensor is for modules"),
        ({"outputs": [-1]}, "outputs must be positions"),
    ],
)
def test_a_wrong_parameter_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        image_game(lambda x: x.mean((1, 2)), np.zeros((2, 8, 8)), **options)


def test_preprocessing_that_moves_pixels_is_refused(network):
    def halved(images):
        return torch.tensor(images)[:, None, ::2, ::2]

    with pytest.raises(ValueError, match=r"to_tensor must return shape \(2, n_channels, 8, 8\).*got \(2, 1, 4, 4\)"):
        image_game(network, np.zeros((2, 8, 8), dtype=np.float32), to_tensor=halved)


def test_preprocessing_that_makes_no_tensor_is_refused(network):
    with pytest.raises(TypeError, match="to_tensor must return a tensor, got ndarray"):
        image_game(network, np.zeros((2, 8, 8)), to_tensor=lambda images: images)


def test_a_model_that_is_no_function_is_refused():
    with pytest.raises(TypeError, match="network must be a module or a function of arrays"):
        image_game("resnet", np.zeros((2, 8, 8)))


def test_an_output_the_network_lacks_is_refused(network):
    game = image_game(network, make_images(1, 8, 8), n_players=4, outputs=[2])
    with pytest.raises(ValueError, match="column 2 being explained, got shape"):
        explain_game(game, "exact")


def test_a_superpixel_that_takes_all_falls_back_to_a_grid_and_says_so():
    images = np.zeros((2, 8, 8))
    images[1, :, 4:] = 1
    with pytest.warns(DataWarning, match="images 0, 1: a grid"):
        game = image_game(lambda x: x.mean((1, 2)), images, players="superpixels", n_players=2)
    assert len(game.games[0].player_names) == 2
