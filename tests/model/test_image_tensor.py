"""Images stay as they were decoded until a batch is asked for."""

import numpy as np
import pytest
import torch

from appkit.model.image_tensor import image_tensor


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_batch_is_standardised_whatever_the_depth(dtype):
    pixels = np.array([0, 200, 255, 7], dtype=dtype).reshape(2, 1, 2, 1)
    batch = image_tensor(pixels, centre=(100.0,), scale=(10.0,))[torch.tensor([1])]
    assert batch.tolist() == [[[[pytest.approx(15.5), pytest.approx(-9.3)]]]]


def test_sixteen_bits_are_kept():
    pixels = np.array([0, 40_000, 65_535], dtype=np.uint16).reshape(3, 1, 1, 1)
    assert image_tensor(pixels, centre=(0.0,), scale=(1.0,))[:].flatten().tolist() == [0.0, 40_000.0, 65_535.0]


def test_chosen_images_share_the_memory_of_all():
    pixels = np.zeros((5, 2, 2, 1), dtype=np.uint8)
    part = image_tensor(pixels, centre=(0.0,), scale=(1.0,)).take(torch.tensor([4, 2]))
    pixels[4] = 9
    assert part.shape == (2, 1, 2, 2)
    assert part[torch.tensor([0])].unique().tolist() == [9.0]


def test_a_read_only_memory_map_is_not_copied(tmp_path):
    np.save(tmp_path / "pixels.npy", np.full((2, 3, 3, 1), 5, dtype=np.uint8))
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    tensor = image_tensor(mapped, centre=(5.0,), scale=(1.0,))
    assert tensor.pixels.data_ptr() == mapped.ctypes.data
    assert tensor[:].abs().max() == 0


def test_a_batch_lies_in_memory_channels_last():
    pixels = np.zeros((2, 3, 4, 3), dtype=np.uint8)
    batch = image_tensor(pixels, centre=(0.0,) * 3, scale=(1.0,) * 3)[:]
    assert batch.is_contiguous(memory_format=torch.channels_last)
