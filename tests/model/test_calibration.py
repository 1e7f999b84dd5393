"""Calibration repairs slope and prior, and keeps order."""

import numpy as np
import pytest
import torch

from appkit.model.calibration import AffineCalibration, fit_calibration
from appkit.model.heads import BinaryHead, MulticlassHead, OrdinalHead


def sample(n, *, slope, shift, seed=0):
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randn(n, generator=generator) * 1.5 - 1
    y = (torch.rand(n, generator=generator) < torch.sigmoid(truth)).float()
    return ((truth - shift) / slope).view(-1, 1, 1).float(), y


def test_known_slope_and_shift_are_found():
    logits, y = sample(40_000, slope=0.5, shift=0.7)
    found = fit_calibration(logits, y, torch.ones(len(y)), head=BinaryHead())
    assert found.slope == pytest.approx(0.5, abs=0.02)
    assert found.shift[0] == pytest.approx(0.7, abs=0.03)


def test_mean_probability_matches_the_weighted_population():
    logits, y = sample(20_000, slope=2.0, shift=-1.0)
    weight = torch.where(y == 1, 3.0, 1.0)
    calibration = fit_calibration(logits, y, weight, head=BinaryHead())
    p = BinaryHead().means(calibration(logits)).mean(dim=1)[:, 1]
    assert float((p * weight).sum() / weight.sum()) == pytest.approx(float((y * weight).sum() / weight.sum()), abs=1e-3)


def test_few_rows_hold_the_map_near_the_identity():
    logits, y = sample(8, slope=0.2, shift=3.0)
    found = fit_calibration(logits, y, torch.ones(8), head=BinaryHead())
    assert 0.4 < found.slope < 1.5


def test_slope_is_positive_even_for_a_ranking_upside_down():
    logits, y = sample(500, slope=1.0, shift=0.0)
    assert fit_calibration(-logits, y, torch.ones(500), head=BinaryHead()).slope > 0


def test_ordered_cut_points_share_one_shift():
    logits = torch.randn(300, 2, 3).sort(dim=-1, descending=True).values
    y = torch.from_numpy(np.random.default_rng(0).integers(0, 4, 300)).float()
    found = fit_calibration(logits, y, torch.ones(300), head=OrdinalHead(4), is_shift_shared=True)
    assert len(set(found.shift)) == 1


def test_calibration_never_raises_the_held_out_loss():
    logits, y = torch.randn(400, 4, 3), torch.randint(0, 3, (400,)).float()
    head, weight = MulticlassHead(3), torch.ones(400)

    def loss(calibration):
        return float(head.score(head.means(calibration(logits)).mean(dim=1), y).mean())

    assert loss(fit_calibration(logits, y, weight, head=head)) <= loss(AffineCalibration(shift=(0.0,) * 3)) + 1e-9
