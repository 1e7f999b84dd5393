"""Expected gradients against closed forms and a plain integral, on networks that break reference packages."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from appkit.exceptions import DataWarning
from appkit.explanation import TensorGame, on_arrays
from appkit.explanation.gradients import differentiation, expected_gradients
from tests.explanation.fakes import game_of, make_numbers

N_TIMES, N_SENSORS = 6, 4


class LastStep(nn.Module):
    """The last state of a recurrent layer."""

    def __init__(self, recurrent: type[nn.RNNBase]) -> None:
        super().__init__()
        self.recurrent, self.head = recurrent(N_SENSORS, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.recurrent(x)[0][:, -1])


class Residual(nn.Module):
    """One activation module used twice, around a residual path."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.act = nn.Linear(24, 24), nn.Linear(24, 24), nn.ReLU()
        self.norm, self.head = nn.LayerNorm(24), nn.Linear(24, 2)

    def forward(self, x):
        x = x.flatten(1)
        x = x + self.act(self.first(x))
        return self.head(self.norm(x + self.act(self.second(x))))


def _dense(*middle: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(24, 16), *middle, nn.Linear(16, 2))


NETWORKS = {
    "works in place": lambda: nn.Sequential(nn.ReLU(inplace=True), _dense(nn.ReLU(inplace=True))),
    "layer norm": lambda: _dense(nn.LayerNorm(16), nn.GELU()),
    "silu": lambda: _dense(nn.SiLU()),
    "batch norm": lambda: _dense(nn.BatchNorm1d(16), nn.ReLU()),
    "dropout": lambda: _dense(nn.Dropout(), nn.Tanh()),
    "attention": lambda: nn.Sequential(
        nn.TransformerEncoderLayer(N_SENSORS, 2, 8, batch_first=True), nn.Flatten(), nn.Linear(24, 2)
    ),
    "gru": lambda: LastStep(nn.GRU),
    "lstm": lambda: LastStep(nn.LSTM),
    "reused module": Residual,
    "convolution": lambda: nn.Sequential(
        nn.Unflatten(1, (1, N_TIMES)),
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(True),
        nn.Flatten(),
        nn.Linear(32, 2),
    ),
}
OUTPUTS = ["first", "second"]


def _network(name: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = NETWORKS[name]()
        network(torch.randn(64, N_TIMES, N_SENSORS))  # gives batch norm something to remember
    return network.eval()


def _series(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, N_TIMES, N_SENSORS, generator=torch.Generator().manual_seed(seed))


def _game(network, rows, fills, **options) -> TensorGame:
    """Each sensor is a player."""
    options = {"output_names": OUTPUTS, **options}
    return TensorGame(network, rows, fills, players=torch.arange(N_SENSORS), player_names=list("abcd"), **options)


def _matrix_game(function, rows, fills, **options) -> TensorGame:
    players = torch.arange(rows.shape[1])
    return TensorGame(function, rows, fills, players=players, player_names=[f"x{i}" for i in players], **options)


def _integral(network, row, background, n_points=200) -> np.ndarray:
    """Return sensor-wise ``(n_players, n_outputs)`` by the midpoint rule, one reference and output at a time."""
    network = copy.deepcopy(network).double()
    position = ((torch.arange(n_points) + 0.5) / n_points).double().view(-1, 1, 1)
    values = torch.zeros(N_SENSORS, 2, dtype=torch.float64)
    for reference in background.double():
        change = row.double() - reference
        for k in range(2):
            points = (reference + position * change).requires_grad_()
            network(points.clone())[:, k].sum().backward()
            values[:, k] += (points.grad.mean(0) * change).sum(0) / len(background)
    return values.detach().numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_values_are_the_integral_and_sum_to_the_output(name):
    network, rows, background = _network(name), _series(2), _series(20, seed=1)
    found = expected_gradients(_game(network, rows, background), max_evaluations=801, random_state=0)
    scale = np.abs(found.values).sum(1).max()
    assert np.abs(found.gap).max() < 1e-5 * scale
    assert np.abs(found.residual).max() < 0.02 * scale
    for row in range(2):
        np.testing.assert_allclose(found.values[row], _integral(network, rows[row], background), atol=0.02 * scale)
    np.testing.assert_allclose(found.output, network(rows).detach(), atol=1e-6)


def test_a_linear_function_is_exact_whatever_the_references():
    rows, background, weights = torch.randn(3, 5), torch.randn(400, 5), torch.arange(5.0)
    found = expected_gradients(
        _matrix_game(lambda x: x @ weights, rows, background), max_evaluations=51, random_state=0
    )
    np.testing.assert_allclose(found.values[..., 0], weights * (rows - background.mean(0)), atol=1e-5)


def test_a_product_of_three_is_shared_as_aumann_and_shapley_share_it():
    rows, background = torch.tensor([[2.0, 3.0, 4.0]]), torch.zeros(1, 3)
    found = expected_gradients(_matrix_game(lambda x: x[:, 0] * x[:, 1] ** 2, rows, background), random_state=0)
    np.testing.assert_allclose(found.values[0, :, 0], [6.0, 12.0, 0.0], atol=0.05)  # one part and two of the cube
    assert found.values[0, 2, 0] == 0
    assert found.method == "expected gradients (Aumann-Shapley)"


def test_two_standard_errors_cover_the_whole_background_nineteen_times_in_twenty():
    network, rows, background = _network("silu"), _series(4), _series(400, seed=1)
    truth = expected_gradients(_game(network, rows, background), max_evaluations=4001, random_state=0).values
    covered = []
    for seed in range(20):
        found = expected_gradients(_game(network, rows, background), max_evaluations=41, random_state=seed)
        covered.append(np.abs(found.values - truth) <= 2 * found.standard_error)
    assert np.mean(covered) > 0.93


def test_two_standard_errors_cover_the_way_from_a_single_reference():
    network, rows, fills = _network("gru"), 3 * _series(4), 3 * _series(4, seed=1)
    truth = expected_gradients(
        _game(network, rows, fills, fills_per_row=True), max_evaluations=20001, random_state=0
    ).values
    covered = []
    for seed in range(10):
        game = _game(network, rows, fills, fills_per_row=True)
        found = expected_gradients(game, max_evaluations=61, random_state=seed)
        covered.append(np.abs(found.values - truth) <= 2 * found.standard_error + 1e-6)
    assert np.mean(covered) > 0.9


def test_each_row_goes_from_its_own_fill():
    rows, fills = torch.tensor([[2.0, 1.0], [3.0, 1.0]]), torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    game = _matrix_game(lambda x: 2 * x[:, 0] - x[:, 1], rows, fills, fills_per_row=True)
    np.testing.assert_allclose(
        expected_gradients(game, random_state=0).values[..., 0], [[2.0, 0.0], [6.0, -1.0]], atol=1e-5
    )


def test_each_row_has_its_own_players():
    rows, background = torch.tensor([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]]), torch.zeros(30, 3)
    owner = torch.tensor([[0, 0, 1], [1, 0, 0]])
    game = TensorGame(
        lambda x: x.sum(1), rows, background, players=owner, players_per_row=True, player_names=["a", "b"]
    )
    np.testing.assert_allclose(
        expected_gradients(game, random_state=0).values[..., 0], [[3.0, 4.0], [6.0, 1.0]], atol=1e-5
    )


@pytest.mark.parametrize("name", ["gru", "convolution", "attention"])
def test_the_order_of_rows_leaves_the_bytes_alone(name):
    network, rows, background = _network(name), _series(9), _series(70, seed=1)
    one, other = (
        expected_gradients(_game(network, chosen, background), max_evaluations=101, random_state=3)
        for chosen in (rows, rows.flip(0)[:5])
    )
    assert one.values[4:].tobytes() == other.values[::-1].tobytes()
    assert one.standard_error[4:].tobytes() == other.standard_error[::-1].tobytes()


@pytest.mark.parametrize("name", ["gru", "convolution", "attention", "layer norm"])
def test_the_batch_leaves_the_bytes_alone(name, monkeypatch):
    found = []
    for size in (64, 256):
        monkeypatch.setattr(differentiation, "_CPU_BATCH", size)
        game = _game(_network(name), _series(5), _series(70, seed=1))
        found.append(expected_gradients(game, max_evaluations=101, random_state=3).values.tobytes())
    assert found[0] == found[1]


def test_memory_that_ends_halves_the_batch():
    sizes = []

    def forgetful(x):
        sizes.append(len(x))
        if x.requires_grad and len(x) > 40:
            raise torch.OutOfMemoryError("too many rows")
        return x.sum(1)

    rows, background = torch.ones(1, 2), torch.zeros(30, 2)
    found = expected_gradients(_matrix_game(forgetful, rows, background), max_evaluations=31, random_state=0)
    assert {256, 128, 64, 32} <= set(sizes)
    np.testing.assert_allclose(found.values[0, :, 0], [1.0, 1.0], atol=1e-6)


def test_the_network_is_left_as_it_was_found():
    network = _network("dropout").train()
    network[1].bias.requires_grad_(False)
    before = copy.deepcopy(network)
    random_state = torch.get_rng_state()
    expected_gradients(_game(network, _series(2), _series(30)), max_evaluations=31, random_state=0)
    assert [part.training for part in network.modules()] == [part.training for part in before.modules()]
    assert [p.requires_grad for p in network.parameters()] == [p.requires_grad for p in before.parameters()]
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), random_state)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_caller_that_switched_gradients_off_is_served_all_the_same(mode):
    game = _matrix_game(lambda x: 2 * x[:, 0], torch.ones(1, 2), torch.zeros(30, 2))
    with mode():
        found = expected_gradients(game, random_state=0)
        assert not torch.is_grad_enabled()
    np.testing.assert_allclose(found.values[0, :, 0], [2.0, 0.0], atol=1e-6)


def test_evaluations_are_gradients_and_the_endpoints():
    game = _game(_network("silu"), _series(10), _series(30, seed=1))
    assert expected_gradients(game, max_evaluations=100, random_state=0).n_evaluations == 3 * 30 + 1 + 30 / 10


def test_whole_numbers_are_refused_with_the_way_out():
    game = _matrix_game(nn.Embedding(9, 1), torch.ones(1, 2, dtype=torch.int64), torch.zeros(3, 2, dtype=torch.int64))
    with pytest.raises(TypeError, match=r"int64.*permutation"):
        expected_gradients(game, random_state=0)


@pytest.mark.parametrize("function", [on_arrays(lambda x: x.sum(1)), lambda x: x.detach().sum(1)])
def test_a_function_torch_cannot_follow_is_refused_with_the_way_out(function):
    class NoGradient(nn.Module):
        def forward(self, x):
            return function(x.detach())

    with pytest.raises(ValueError, match=r"differentiable.*permutation"):
        expected_gradients(_matrix_game(NoGradient(), torch.ones(1, 2), torch.zeros(3, 2)), random_state=0)


def test_a_gradient_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="finite gradients"):
        expected_gradients(
            _matrix_game(lambda x: x[:, 0].sqrt() * 0, torch.zeros(1, 2), torch.zeros(3, 2)), random_state=0
        )


def test_steps_that_gradients_do_not_see_are_told():
    background = torch.linspace(-1, 1, 40)[:, None].repeat(1, 2)
    game = _matrix_game(lambda x: x[:, 0] + (x[:, 1] > 0.5) * 5.0, torch.ones(1, 2), background)
    with pytest.warns(DataWarning, match="steps"):
        expected_gradients(game, random_state=0)


def test_a_table_is_refused():
    X = make_numbers(3, n_columns=2)
    with pytest.raises(TypeError, match=r"FrameGame.*permutation"):
        expected_gradients(game_of(lambda x: x[:, 0], X, X), random_state=0)


def test_a_budget_below_twenty_gradients_is_refused():
    with pytest.raises(ValueError, match="at least 21 gradients, got 20"):
        expected_gradients(
            _matrix_game(lambda x: x[:, 0], torch.ones(1, 1), torch.ones(1, 1)), max_evaluations=20, random_state=0
        )
