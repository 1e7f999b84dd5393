"""LIME against a regression done by hand, and its errors against what happens."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from appkit.explanation import game_for, lime_surrogate
from appkit.explanation.solvers.references import clipped_features, standardised_features
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table, tangled

POPULATION = make_numbers(2000, n_columns=4, seed=7)


class Recording:
    """A game that remembers what it was asked and what it answered; the perturbations come last."""

    def __init__(self, game):
        self._game = game
        self.asked = []
        self.references = []

    def __getattr__(self, name):
        return getattr(self._game, name)

    def values(self, coalitions, **options):
        answer = self._game.values(coalitions, **options)
        self.asked.append((coalitions.double().numpy(), answer.numpy()))
        self.references.append(options.get("references"))
        return answer


def recorded(*, has_features):
    inner = game_of(tangled, make_numbers(3, n_columns=4), POPULATION[:50])
    if not has_features:
        inner.reference_features = lambda: None
    return Recording(inner)


def kernel_of(presence):
    return np.sqrt(np.exp(-(1 - presence).sum(1) / (0.75 * np.sqrt(4)) ** 2))


def test_weights_equal_a_weighted_ridge_regression_row_by_row():
    game = recorded(has_features=False)
    explanation = lime_surrogate(game, random_state=0, max_evaluations=200)
    presence, outputs = game.asked[-1]
    for row in range(3):
        ridge = Ridge(alpha=1.0).fit(presence, outputs[row, :, 0], sample_weight=kernel_of(presence))
        np.testing.assert_allclose(explanation.values[row, :, 0], ridge.coef_, atol=1e-10)
        fit = ridge.score(presence, outputs[row, :, 0], sample_weight=kernel_of(presence))
        assert explanation.local_fit[row, 0] == pytest.approx(fit)


def test_what_the_background_showed_is_regressed_on_besides():
    game = recorded(has_features=True)
    explanation = lime_surrogate(game, random_state=0, max_evaluations=200)
    presence, outputs = game.asked[-1]
    features = clipped_features(standardised_features(game)).numpy()[game.references[-1]]
    regressors = np.hstack([presence, (1 - presence) * features])
    ridge = Ridge(alpha=1.0).fit(regressors, outputs[0, :, 0], sample_weight=kernel_of(presence))
    np.testing.assert_allclose(explanation.values[0, :, 0], ridge.coef_[:4], atol=1e-10)


def test_telling_the_regression_what_the_background_showed_brings_it_nearer_to_its_aim():
    X, budget = make_numbers(5, n_columns=4), {"max_evaluations": 400}
    aim = lime_surrogate(game_of(tangled, X, POPULATION), max_evaluations=60_000, random_state=9).values
    misses = {True: [], False: []}
    for has_features, found in misses.items():
        for seed in range(8):
            game = game_of(tangled, X, POPULATION)
            if not has_features:
                game.reference_features = lambda: None
            found.append(np.abs(lime_surrogate(game, random_state=seed, **budget).values - aim).mean())
    assert np.mean(misses[True]) < 0.85 * np.mean(misses[False])


def test_perturbations_come_in_opposite_pairs_after_the_row_itself():
    game = Recording(game_of(tangled, make_numbers(1, n_columns=4), POPULATION[:50]))
    lime_surrogate(game, random_state=0, max_evaluations=200)
    presence = game.asked[-1][0]
    assert presence[0].all()
    assert (presence[1::2] + presence[2::2] == 1).all()


def test_the_effective_number_of_samples_is_kishs():
    game = Recording(game_of(tangled, make_numbers(1, n_columns=4), POPULATION[:50]))
    explanation = lime_surrogate(game, random_state=0, kernel_width=0.5)
    kernel = np.sqrt(np.exp(-(1 - game.asked[-1][0]).sum(1) / 0.5**2))
    assert explanation.n_effective == pytest.approx(kernel.sum() ** 2 / (kernel**2).sum())
    assert explanation.n_effective < 1000


def test_a_narrow_kernel_weighs_the_nearest_perturbations():
    X = make_numbers(5, n_columns=4)
    wide, narrow = (
        lime_surrogate(game_of(tangled, X, POPULATION), random_state=0, kernel_width=width, max_evaluations=4000)
        for width in (100.0, 0.5)
    )
    assert np.abs(wide.values - narrow.values).max() > 0.1


def test_an_additive_model_on_one_background_row_is_fitted_all_but_perfectly():
    X, weights = make_numbers(3, n_columns=4), np.array([1.0, -2.0, 0.0, 4.0])
    explanation = lime_surrogate(game_of(lambda x: x @ weights, X, POPULATION[:1]), random_state=0)
    expected = weights * (X.to_numpy() - POPULATION[:1].to_numpy())
    np.testing.assert_allclose(explanation.values[..., 0], expected, rtol=0.01, atol=0.01)  # the penalty shrinks
    assert explanation.local_fit.min() > 0.999


def test_a_constant_model_weighs_nothing_and_fits():
    X = make_numbers(5, n_columns=3)
    explanation = lime_surrogate(game_of(lambda x: 0 * x[:, 0], X, X), random_state=0)
    assert (explanation.values == 0).all()
    assert (explanation.local_fit == 1).all()


def test_two_standard_errors_cover_what_very_many_perturbations_say():
    X = make_numbers(6, n_columns=4)
    truth = lime_surrogate(game_of(tangled, X, POPULATION), random_state=999, max_evaluations=100_000)
    covered = []
    for seed in range(60):
        found = lime_surrogate(game_of(tangled, X, POPULATION), random_state=seed, max_evaluations=500)
        covered.append(np.abs(found.values - truth.values) < 2 * found.standard_error)
    assert 0.90 < np.mean(covered) < 0.99


def test_weights_promise_no_sum():
    explanation = lime_surrogate(game_of(tangled, make_numbers(2, n_columns=4), POPULATION), random_state=0)
    assert not explanation.is_additive
    assert np.isnan(explanation.residual).all()
    assert np.isnan(explanation.gap).all()


def test_one_player_is_refused():
    X = make_numbers(2, n_columns=1)
    with pytest.raises(ValueError, match="needs two at least"):
        lime_surrogate(game_of(lambda x: x[:, 0], X, X), random_state=0)


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan")])
def test_a_kernel_without_width_is_refused(width):
    X = make_numbers(2, n_columns=3)
    with pytest.raises(ValueError, match="kernel_width must be positive"):
        lime_surrogate(game_of(tangled, X, X), kernel_width=width, random_state=0)


def test_too_few_perturbations_are_refused():
    X = make_numbers(2, n_columns=3)
    with pytest.raises(ValueError, match="at least 26 for LIME over 3 players, got 25"):
        lime_surrogate(game_of(tangled, X, X), max_evaluations=25, random_state=0)


def test_all_rows_are_asked_the_same_perturbations():
    game = Recording(game_of(tangled, make_numbers(3, n_columns=4), POPULATION[:50]))
    lime_surrogate(game, random_state=0)
    assert game.asked[-1][1].shape == (3, 2047, 1)


def ensemble_game():
    return game_for(FakeEnsemble(), make_table(6), background=make_table(30, seed=1))


def test_two_standard_errors_cover_the_members_that_were_not_asked():
    truth = lime_surrogate(ensemble_game(), random_state=999, max_evaluations=50_000)
    covered = []
    for seed in range(60):
        found = lime_surrogate(ensemble_game(), members="one", random_state=seed, max_evaluations=500)
        covered.append(np.abs(found.values - truth.values) <= 2 * found.standard_error)
    assert 0.90 < np.mean(covered) < 0.99


def test_what_members_disagree_on_counts_as_error_and_as_unexplained():
    every, one = (lime_surrogate(ensemble_game(), members=members, random_state=0) for members in ("all", "one"))
    assert one.standard_error[:, :3].mean() > every.standard_error[:, :3].mean()
    assert one.local_fit.mean() < every.local_fit.mean()


def test_pairs_share_their_member_and_members_are_asked_equally_often():
    asked = []

    class Asked(Recording):
        def values(self, coalitions, **options):
            asked.append(options.get("members"))
            return super().values(coalitions, **options)

    lime_surrogate(Asked(ensemble_game()), members="one", random_state=0, max_evaluations=602)
    members = next(found for found in asked if found is not None)
    assert (members[1::2] == members[2::2]).all()
    assert np.bincount(members[1:]).tolist() == [200, 200, 200]


def test_a_game_without_members_is_asked_the_same_either_way():
    X = make_numbers(3, n_columns=4)
    every, one = (lime_surrogate(game_of(tangled, X, X), members=word, random_state=0) for word in ("all", "one"))
    np.testing.assert_array_equal(every.values, one.values)


def test_another_word_for_members_is_refused():
    X = make_numbers(2, n_columns=3)
    with pytest.raises(ValueError, match="members must be 'all' or 'one', got 'some'"):
        lime_surrogate(game_of(tangled, X, X), members="some", random_state=0)
