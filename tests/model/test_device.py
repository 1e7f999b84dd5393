"""Device and precision are chosen once, and a fall-back is said."""

import pytest
import torch

from appkit.model.device import on_one_thread, place, threads_for_batches


def test_float32_is_the_precision_of_a_cpu():
    assert place("cpu", "auto") == place("cpu", "float32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_absent_cuda_falls_back_to_the_cpu_and_says_so():
    placement = place("cuda")
    assert placement.device == "cpu"
    assert "no CUDA device" in placement.fall_backs[0]


@pytest.mark.parametrize("arguments", [{"device": "toaster"}, {"precision": "int4"}])
def test_unknown_choices_are_refused_by_name(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        place(**arguments)


@pytest.mark.parametrize(("batch_size", "expected"), [(64, 1), (1024, 3)])
def test_small_batches_train_on_one_thread_and_the_count_is_put_back(batch_size, expected):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with threads_for_batches(batch_size):
            assert torch.get_num_threads() == expected
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_one_thread_decorates_a_function_and_keeps_its_name():
    @on_one_thread()
    def count() -> int:
        return torch.get_num_threads()

    assert count() == 1
    assert count.__name__ == "count"
