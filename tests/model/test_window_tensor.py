"""Windows as tensors that are cut when asked for."""

import numpy as np
import torch

from appkit.model.training import TrainingData
from appkit.model.window_tensor import WindowTensor


def windows(n_rows=12, length=4):
    """Two units of six rows, one channel beside the one that says which steps are real."""
    rows = torch.stack([torch.arange(1.0, n_rows + 1), torch.ones(n_rows)], dim=1)
    rows = torch.cat([rows, torch.zeros(1, 2)])
    ends = torch.arange(n_rows)
    return WindowTensor(rows, ends, (ends // 6) * 6, length)


def test_windows_end_at_their_row_and_are_padded_before_their_unit():
    assert windows()[torch.tensor([1, 7, 11])][..., 0].tolist() == [[0, 0, 1, 2], [0, 0, 7, 8], [9, 10, 11, 12]]
    assert windows()[torch.tensor([1])][0, :, 1].tolist() == [0, 0, 1, 1]


def test_slices_and_positions_agree():
    assert torch.equal(windows()[3:9], windows()[torch.arange(3, 9)])
    assert torch.equal(windows().take(torch.tensor([5, 2]))[:], windows()[torch.tensor([5, 2])])


def test_its_shape_is_that_of_the_windows():
    assert tuple(windows().shape) == (12, 4, 2) == tuple(windows()[:].shape)
    assert len(windows()) == 12


def test_chosen_training_rows_stay_uncut():
    data = TrainingData(windows(), torch.arange(12.0), torch.ones(12))
    part = data.take(torch.tensor([4, 8]))
    assert isinstance(part.Z, WindowTensor)
    assert part.Z.rows is data.Z.rows
    assert part.target.tolist() == [4, 8]


def test_a_fingerprint_sees_readings_and_ends():
    arrays = TrainingData(windows(), torch.arange(12.0), torch.ones(12)).arrays()
    assert set(arrays) == {"rows", "ends", "starts", "target", "weight"}
    assert np.array_equal(arrays["ends"], np.arange(12))


def test_ten_million_windows_cost_an_index_each():
    ends = torch.arange(10**7)
    rows = torch.zeros(1001, 2)
    some = WindowTensor(rows, ends % 1000, torch.zeros(1, dtype=torch.int64).expand(10**7), 500)
    assert some.ends.nbytes == 8 * 10**7
    assert some[torch.tensor([999])].shape == (1, 500, 2)
