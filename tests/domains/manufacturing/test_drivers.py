"""On machines whose wear is known, explanations put a true driver first."""

import numpy as np

from appkit.explanation import explain_game, series_game
from domains.manufacturing import RemainingLifeRegressor, make_degradation


def test_a_true_driver_ranks_first_before_at_least_nineteen_failures_in_twenty():
    pumps = make_degradation(60, random_state=0)
    train, test, left, _ = pumps.split(random_state=0)
    model = RemainingLifeRegressor(
        unit=pumps.unit, time=pumps.time_column, cap=60, conditions=pumps.conditions, n_networks=1, random_state=0
    ).fit(train, left)
    failed = [pump for pump in test[pumps.unit].unique() if pumps.failed[pump]]
    newest = model.windows(test[test[pumps.unit].isin(failed)], rows="last")
    effects = explain_game(series_game(model, newest, n_segments=1), max_evaluations=2000, random_state=0)
    first = np.array(effects.player_names)[np.abs(effects.values[..., 0]).argmax(axis=1)]
    right = [sensor in pumps.drivers_of(pump) for pump, sensor in zip(failed, first, strict=True)]
    assert len(right) >= 10
    assert np.mean(right) >= 0.95
