"""Low precision for sampled coalitions, where the network answers alike."""

import numpy as np
import pytest
import torch
from torch import nn

from appkit.explanation import TensorGame, exact_shapley, permutation_shapley


def network(seed=0):
    generator = torch.Generator().manual_seed(seed)
    module = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) / max(parameter.shape[-1], 1) ** 0.5
    module[0].weight.data[:, 5] = 0.0  # nobody looks at the last column
    return module


def game_of(module, *, precision, **options):
    rows = torch.randn(120, 6, generator=torch.Generator().manual_seed(1))
    names = [f"x{i}" for i in range(6)]
    return TensorGame(
        module, rows[:10], rows[20:], players=torch.arange(6), player_names=names, precision=precision, **options
    )


def test_sampled_values_agree_within_a_part_of_their_error():
    full = permutation_shapley(game_of(network(), precision="float32"), max_evaluations=1500, random_state=0)
    game = game_of(network(), precision="bfloat16")
    rough = permutation_shapley(game, max_evaluations=1500, random_state=0)
    assert game.precision == "bfloat16"
    assert 0 < np.linalg.norm(rough.values - full.values) < 0.02 * np.linalg.norm(full.values)


def test_the_sum_the_output_and_an_unused_column_stay_exact():
    module = network()
    rough = permutation_shapley(game_of(module, precision="bfloat16"), max_evaluations=1500, random_state=0)
    rows = torch.randn(120, 6, generator=torch.Generator().manual_seed(1))[:10]
    assert np.abs(rough.gap).max() < 1e-12
    np.testing.assert_allclose(rough.output, module(rows).detach(), rtol=1e-6)
    assert (rough.values[:, 5] == 0).all()


def test_enumeration_is_always_asked_in_full():
    rough = exact_shapley(game_of(network(), precision="bfloat16"))
    assert rough.values.tobytes() == exact_shapley(game_of(network(), precision="float32")).values.tobytes()


def test_a_network_that_answers_otherwise_falls_back():
    class Offset(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def forward(self, x):
            return self.inner(x) + self.inner(x).new_tensor(1000.0)  # bfloat16 has no room for the difference

    game = game_of(Offset(), precision="bfloat16")
    assert game.precision == "float32"


def test_the_default_is_full_on_a_cpu():
    assert game_of(network(), precision="auto").precision == "float32"


def test_the_batch_leaves_the_bytes_alone_in_low_precision_too():
    found = [
        permutation_shapley(
            game_of(network(), precision="bfloat16", batch_size=size), max_evaluations=700, random_state=0
        )
        for size in (64, 256, 1024)
    ]
    assert found[0].values.tobytes() == found[1].values.tobytes() == found[2].values.tobytes()


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="precision must be one of"):
        game_of(network(), precision="half")
