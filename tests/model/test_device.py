"""Device and precision are chosen once, and a fall-back is said."""

import pytest
import torch

from appkit.model.device import place


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
