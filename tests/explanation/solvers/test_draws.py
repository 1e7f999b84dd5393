"""From draws to values: means, errors, and what sampling left open."""

import numpy as np
import pytest
import torch

from appkit.explanation.solvers.draws import Control, estimated, explanation_from_draws
from tests.explanation.fakes import game_of, make_numbers


@pytest.fixture
def game():
    """Two rows, two players, output 3 and 5 over a base of 0."""
    X = make_numbers(2, n_columns=2).assign(x0=[1.0, 1.0], x1=[2.0, 4.0])
    return game_of(lambda x: x.sum(axis=1), X, 0 * X[:1])


def explained(game, draws):
    """Return the explanation of draws given as (n_draws, n_players), alike for both rows."""
    draws = torch.tensor(draws, dtype=torch.float64)
    return explanation_from_draws(
        game,
        lambda rows: draws[None, :, :, None].repeat(len(rows), 1, 1, 1),
        n_draws=len(draws),
        method="test",
        random_state=None,
    )


def test_errors_are_the_spread_of_the_draws_over_the_root_of_their_number(game):
    explanation = explained(game, [[1.0, 0.0], [3.0, 0.0], [5.0, 0.0]])
    assert explanation.standard_error[0, 0, 0] == pytest.approx(2 / 3**0.5)


def test_what_is_left_open_goes_to_the_players_by_their_variance(game):
    explanation = explained(game, [[0.0, 1.0], [4.0, 3.0]])  # means 2 and 2, variances 4 to 1
    np.testing.assert_allclose(explanation.residual[:, 0], [-1, 1])
    np.testing.assert_allclose(explanation.values[..., 0], [[1.2, 1.8], [2.8, 2.2]])


def test_a_player_that_never_varied_takes_no_share(game):
    explanation = explained(game, [[1.0, 0.0], [3.0, 0.0]])
    assert explanation.values[0, :, 0].tolist() == [3.0, 0.0]


def test_where_nobody_varied_contributors_share_and_the_share_is_error(game):
    explanation = explained(game, [[1.0, 0.0], [1.0, 0.0]])
    assert explanation.values[0, :, 0].tolist() == [3.0, 0.0]
    assert explanation.standard_error[0, :, 0].tolist() == [2.0, 0.0]


def test_the_error_of_the_importance_keeps_the_correlation_between_rows(game):
    explanation = explained(game, [[0.0, 1.0], [4.0, 3.0]])  # both rows err alike, so averaging them helps nothing
    np.testing.assert_allclose(explanation.global_standard_error[:, 0], [2.0, 1.0])


def test_values_that_do_not_add_up_are_an_error_of_ours(game):
    with pytest.raises(AssertionError, match="must sum to output less base_value"):
        explained(game, [[float("nan"), 0.0], [1.0, 0.0]])


def test_a_control_that_hangs_on_one_draw_is_not_used():
    features = torch.zeros(100, 2, dtype=torch.float64)
    features[3, 0], features[:, 1] = 10.0, torch.arange(100) - 49.5
    control = Control.of(features, torch.arange(20))
    assert control.own[:, 0].abs().sum() == 0
    assert control.shift.tolist() == [0.0, 40.0]


def test_a_control_moves_a_value_to_the_mean_of_the_background(game):
    features = torch.arange(10, dtype=torch.float64)[:, None].repeat(1, 2) - 4.5
    drawn = torch.tensor([0, 1, 2, 3])
    explanation = explanation_from_draws(
        game,
        lambda rows: (
            torch.stack([2.0 * drawn, 0.0 * drawn], dim=1)[None, :, :, None].repeat(len(rows), 1, 1, 1).double()
        ),
        n_draws=4,
        control=Control.of(features, drawn),
        method="test",
        random_state=None,
    )
    np.testing.assert_allclose(explanation.residual[0], 3.0 - 2 * 4.5)
    expected = 2 * features[:, 0].std(correction=0) / 10**0.5
    assert explanation.standard_error[0, 0, 0] == pytest.approx(expected)


def test_ridge_takes_out_what_the_other_players_of_the_reference_do(game):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(500, 2, generator=generator, dtype=torch.float64)
    features = (features - features.mean(0)) / features.std(0, correction=0)
    draws = features[:100, [1, 0]][None, :, :, None]  # each player's draws follow the other's feature
    with_control = estimated(draws, Control.of(features, torch.arange(100)))
    assert with_control.mean.abs().max() < 0.3 * estimated(draws).mean.abs().max()
    assert with_control.variance.max() < 0.3 * estimated(draws).variance.max()


def test_estimates_do_not_depend_on_the_rows_beside(game):
    generator = torch.Generator().manual_seed(0)
    draws = torch.randn(37, 20, 5, 2, generator=generator, dtype=torch.float64)
    control = Control.of(torch.randn(50, 5, generator=generator, dtype=torch.float64), torch.arange(20))
    together = estimated(draws, control)
    alone = [estimated(row[None], control) for row in draws]
    assert torch.equal(together.mean, torch.cat([one.mean for one in alone]))
    assert torch.equal(together.variance, torch.cat([one.variance for one in alone]))
