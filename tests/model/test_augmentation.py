"""Augmentation alters each image of a batch on its own and leaves alone what it is not asked to change."""

import dataclasses

import pytest
import torch

from appkit.model.augmentation import AUGMENTATIONS, Augmentation


def images(n=3, *, n_channels=2, height=12, width=16):
    return torch.randn(n, n_channels, height, width, generator=torch.Generator().manual_seed(0))


def dot(*, row, column, side=33, n=40):
    """Images that are black but for one bright pixel."""
    Z = torch.zeros(n, 1, side, side)
    Z[:, :, row, column] = 1.0
    return Z


def places(Z):
    """Where the light of each image is centred, rows and columns from the middle."""
    light, middle = Z.sum(1), (Z.shape[2] - 1) / 2
    steps = torch.arange(Z.shape[2]) - middle
    total = light.sum((1, 2))
    return (light.sum(2) * steps).sum(1) / total, (light.sum(1) * steps).sum(1) / total


def drawn(augmentation, Z, *, seed=0):
    return augmentation(Z, torch.Generator().manual_seed(seed))


def test_nothing_asked_for_changes_nothing():
    Z = images()
    assert torch.equal(Augmentation()(Z), Z)


@pytest.mark.parametrize(("name", "axis"), [("flip_horizontal", 3), ("flip_vertical", 2)])
def test_a_flip_mirrors_exactly_and_as_often_as_asked(name, axis):
    Z = images(400)
    flipped = drawn(Augmentation(**{name: 0.25}), Z)
    mirrored = (flipped == Z.flip(axis)).flatten(1).all(1)
    kept = (flipped == Z).flatten(1).all(1)
    assert (mirrored ^ kept).all()
    assert mirrored.float().mean() == pytest.approx(0.25, abs=0.06)


def test_a_flip_and_a_move_mirror_too():
    Z = images(50)
    flipped = drawn(Augmentation(flip_horizontal=1.0, scale=1e-6), Z)
    torch.testing.assert_close(flipped, Z.flip(3), atol=1e-3, rtol=0)


def test_rotation_keeps_the_distance_and_stays_within_the_angle():
    rows, columns = places(drawn(Augmentation(rotate=30), dot(row=16, column=28)))
    angles = torch.atan2(rows, columns).rad2deg()
    torch.testing.assert_close(torch.hypot(rows, columns), torch.full((40,), 12.0), atol=0.5, rtol=0)
    assert 20 < angles.abs().max() <= 31
    assert angles.min() < 0 < angles.max()


def test_rotation_turns_pixels_alike_where_the_image_is_no_square():
    Z = torch.zeros(40, 1, 33, 65)
    Z[:, :, 16, 44] = 1.0
    light = drawn(Augmentation(rotate=40), Z)[:, 0]
    total = light.sum((1, 2))
    rows = (light.sum(2) * (torch.arange(33) - 16)).sum(1) / total
    columns = (light.sum(1) * (torch.arange(65) - 32)).sum(1) / total
    torch.testing.assert_close(torch.hypot(rows, columns), torch.full((40,), 12.0), atol=0.5, rtol=0)


def test_shift_goes_as_far_as_asked_in_both_directions():
    rows, columns = places(drawn(Augmentation(shift=0.2), dot(row=16, column=16, n=300)))
    for way in (rows, columns):
        assert way.max() == pytest.approx(0.2 * 33, abs=0.4)
        assert way.min() == pytest.approx(-0.2 * 33, abs=0.4)


def test_scale_enlarges_and_shrinks_by_the_same_factor():
    _, columns = places(drawn(Augmentation(scale=0.25), dot(row=16, column=28, n=300)))
    assert columns.max() == pytest.approx(12 * 1.25, abs=0.5)
    assert columns.min() == pytest.approx(12 / 1.25, abs=0.5)


def test_shear_moves_rows_sideways_and_not_up():
    rows, columns = places(drawn(Augmentation(shear=20), dot(row=26, column=16, n=100)))
    torch.testing.assert_close(rows, torch.full((100,), 10.0), atol=0.1, rtol=0)
    assert columns.max() == pytest.approx(10 * 0.364, abs=0.4)  # tan 20 degrees


def test_what_comes_in_from_outside_repeats_the_border():
    Z = torch.full((20, 1, 9, 9), -2.5)
    torch.testing.assert_close(drawn(Augmentation(rotate=45, shift=0.5, scale=0.5), Z), Z)


def test_gamma_keeps_extremes_and_order():
    Z = images(n_channels=1)
    out = drawn(Augmentation(gamma=0.5), Z)
    for before, after in zip(Z.flatten(1), out.flatten(1), strict=True):
        torch.testing.assert_close(after.aminmax(), before.aminmax())
        assert torch.equal(after.argsort(), before.argsort())
        assert not torch.allclose(after, before)


def test_gamma_leaves_a_blank_image_blank():
    Z = torch.full((3, 1, 5, 5), 0.7)
    torch.testing.assert_close(drawn(Augmentation(gamma=0.5), Z), Z)


def test_contrast_keeps_the_mean_and_stretches_within_its_range():
    Z = images(200)
    out = drawn(Augmentation(contrast=0.5), Z)
    torch.testing.assert_close(out.mean((1, 2, 3)), Z.mean((1, 2, 3)))
    ratio = out.std((1, 2, 3)) / Z.std((1, 2, 3))
    assert 1 / 1.5 - 1e-4 <= ratio.min() < 0.75
    assert 1.4 < ratio.max() <= 1.5 + 1e-4


def test_brightness_adds_one_number_per_image():
    Z = images(200)
    added = drawn(Augmentation(brightness=0.4), Z) - Z
    torch.testing.assert_close(added.amax((1, 2, 3)), added.amin((1, 2, 3)), atol=1e-5, rtol=0)
    assert 0.35 < added.abs().max() <= 0.4 + 1e-5


def test_noise_differs_from_pixel_to_pixel_and_is_no_larger_than_asked():
    added = drawn(Augmentation(noise=0.3), torch.zeros(100, 1, 40, 40))
    spread = added.std((1, 2, 3))
    assert 0.25 < spread.max() < 0.32
    assert spread.min() < 0.05


def test_images_of_a_batch_are_altered_differently():
    Z = images(1).expand(4, -1, -1, -1)
    out = drawn(Augmentation.named("chest"), Z)
    assert len({tuple(image.flatten()[:20].tolist()) for image in out}) == 4


def test_draws_come_from_the_global_generator_when_none_is_given():
    Z = images()
    with torch.random.fork_rng():
        torch.manual_seed(3)
        first = Augmentation.named("chest")(Z)
        torch.manual_seed(3)
        assert torch.equal(Augmentation.named("chest")(Z), first)


def test_the_batch_itself_is_left_as_it_was():
    Z = images()
    before = Z.clone()
    drawn(Augmentation.named("any way up"), Z)
    assert torch.equal(Z, before)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_presets_keep_shape_and_dtype(name):
    out = drawn(Augmentation.named(name), images())
    assert out.shape == (3, 2, 12, 16)
    assert out.dtype == torch.float32
    assert out.isfinite().all()


def test_no_preset_mirrors_but_the_one_that_says_so():
    mirroring = {name for name, a in AUGMENTATIONS.items() if a.flip_horizontal or a.flip_vertical}
    assert mirroring == {"any way up"}


def test_an_unknown_preset_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="augment must be one of mild, chest"):
        Augmentation.named("wild")


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Augmentation)])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_range_must_be_finite_and_not_negative(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a finite number of at least 0"):
        Augmentation(**{name: value})


def test_a_probability_must_be_at_most_one():
    with pytest.raises(ValueError, match="flip_vertical is a probability and must be at most 1, got 2"):
        Augmentation(flip_vertical=2)
