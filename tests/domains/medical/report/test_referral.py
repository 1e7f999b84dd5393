"""Referral: a rule from validation measured here, and sets of labels against their promise."""

from dataclasses import replace

import numpy as np
import pytest

from appkit.prediction import Estimate
from appkit.reporting.content.context import Limits
from appkit.reporting.facts import CurveFigure, DataTable, NotFilled, Tile, WarningBox
from domains.medical.prediction import ConformalSummary, distance_uncertainty
from domains.medical.report.label_sets import sets_title
from domains.medical.report.referral import referral_finding, referral_section
from tests.domains.medical.report.study import SpotReader, context_of, pictures, study


def share(name: str, value: float, low: float, high: float) -> Estimate:
    return Estimate(name, value, low, high, method="exact", n=200)


def table(section, start: str) -> DataTable:
    return next(b for b in section.blocks if isinstance(b, DataTable) and b.title.startswith(start))


def test_the_curve_starts_at_the_error_of_all_decisions(full):
    figure = next(block for block in referral_section(full).blocks if isinstance(block, CurveFigure))
    assert figure.curves[0].y[0] == pytest.approx((full.flagged != full.events).mean())
    assert figure.curves[0].x[1] == pytest.approx(0.05)


def test_the_rule_refers_what_is_nearer_than_its_cutoff_from_validation(full):
    wrong = (full.validation_output >= 0.5) != full.validation_events
    doubt = distance_uncertainty(full.validation_output, threshold=0.5)
    cutoff = max(c for c in doubt if wrong[doubt <= c].mean() <= 0.5 * wrong.mean())
    referred = distance_uncertainty(full.output, threshold=0.5) > cutoff
    tile = referral_section(full).tiles[0]
    assert isinstance(tile, Tile)
    assert tile.measure.value == pytest.approx(referred.mean())


def test_without_validation_no_rule_is_chosen(bare):
    section = referral_section(bare)
    assert isinstance(section.tiles[0], NotFilled)
    assert [b.argument for b in section.blocks if isinstance(b, NotFilled)] == ["validation=(X_val, y_val)"]
    assert next(b for b in section.blocks if isinstance(b, CurveFigure)).point is None


def test_validation_without_an_error_leaves_nothing_to_refer_for():
    context = study()
    sure = np.where(context.validation.is_event, 0.9, 0.1)
    context = replace(context, validation=replace(context.validation, output=sure))
    gap = referral_section(context).tiles[0]
    assert isinstance(gap, NotFilled)
    assert gap.why == "No decision is wrong on 180 validation images: nothing to refer for"


def test_a_model_whose_doubt_says_nothing_gets_no_rule():
    context = study()
    output = np.where(np.arange(180) % 2, 0.9, 0.1)
    context = replace(context, validation=replace(context.validation, output=output))
    section = referral_section(context)
    box = next(block for block in section.blocks if isinstance(block, WarningBox))
    assert box.finding == "No rule of referral reaches the error wanted"
    assert section.tiles[0].measure.value == 1.0


def test_limits_on_referral_and_sets_are_asked():
    limits = Limits({"Referred": (None, 0.9), "Error of images kept": (None, 0.9), "Set coverage": (0.1, None)})
    section = referral_section(study(limits=limits))
    assert limits.never_asked() == ()
    assert table(section, "The rule refers").rows[0][3].status == "pass"
    assert section.tiles[0].status == "pass"


def test_sets_are_counted_by_size_and_class(full):
    sets = full.model.predict_set(full.subject.images.pixels, alpha=0.1)
    own = sets[np.arange(300), full.events.astype(int)]
    rows = {str(row[0]): row[1] for block in referral_section(full).blocks[2:] for row in block.rows}
    assert rows["Coverage of lesion"].value == pytest.approx(own[full.events].mean())
    assert rows["One label: share of images"].value == pytest.approx((sets.sum(axis=1) == 1).mean())


def test_a_model_without_held_out_scores_has_no_sets():
    class Unsure(SpotReader):
        def predict_set(self, X, *, alpha):
            raise ValueError("predict_set needs held-out rows; this model was fitted on too few to hold any out.")

    gap = referral_section(context_of(Unsure(), *pictures(60))).blocks[-1]
    assert isinstance(gap, NotFilled)
    assert gap.why.startswith("predict_set needs held-out rows")


def test_a_threshold_at_the_edge_has_no_doubt():
    section = referral_section(context_of(SpotReader(), *pictures(60), threshold=0.0))
    assert [block.item for block in section.blocks[:1]] == ["Curve of referral"]


@pytest.mark.parametrize(
    ("referred", "told"),
    [((0.60, 0.50, 0.70), "With 20"), ((0.20, 0.10, 0.35), "Referring 20"), ((np.nan,) * 3, "What referring images")],
)
def test_referral_helps_only_where_the_referred_err_more(referred, told):
    shares = share("Error", 0.2, 0.17, 0.23), share("Error", 0.1, 0.07, 0.14), share("Error", *referred)
    assert referral_finding(*shares, share=0.2, rows="images").startswith(told)


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ((0.92, 0.97), "Sets keep their promise of 90\u202f%"),
        ((0.85, 0.95), "No class is told to miss the promised 90\u202f%"),
        ((0.70, 0.88), "Sets miss the promised 90\u202f% for lesion"),
    ],
)
def test_the_promise_of_sets_is_judged_by_intervals(ends, told):
    sizes = tuple(share(f"Sets of {n}", p, p, p) for n, p in enumerate((0.0, 0.8, 0.2)))
    by_class = share("Coverage of clear", 0.95, 0.93, 0.97), share("Coverage of lesion", sum(ends) / 2, *ends)
    summary = ConformalSummary(by_class[0], by_class, sizes, sizes[1], promised=0.9)
    assert sets_title(summary).startswith(told)
