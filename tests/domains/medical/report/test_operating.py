"""Thresholds come from validation alone; the figures at them are those of counting."""

from dataclasses import replace

import numpy as np
import pytest

from appkit.model.costs import Costs
from appkit.prediction import auc
from appkit.reporting.content.context import Limits
from appkit.reporting.facts import CurveFigure, DataTable, LimitTable, NotFilled, Tile
from domains.medical.report.operating import operating_section
from domains.medical.report.points import points_of
from tests.domains.medical.report.study import SpotReader, context_of, pictures, study


def section_of(context):
    return operating_section(context, points_of(context))


def limit_rows(section):
    return {row.name: row for block in section.blocks if isinstance(block, LimitTable) for row in block.rows}


def test_sensitivity_in_force_is_the_share_of_events_flagged(full):
    row = limit_rows(section_of(full))["Sensitivity, in force"]
    assert row.measure.value == pytest.approx((full.output[full.events] >= 0.5).mean())
    assert row.n == 100


def test_a_threshold_of_fixed_specificity_owes_nothing_to_the_test_images(full):
    p, y = full.validation_output, full.validation_events
    threshold = min(t for t in np.append(np.unique(p), np.nextafter(p.max(), 2)) if (p[~y] < t).mean() >= 0.9)
    row = limit_rows(section_of(full))["Sensitivity at specificity 90 %"]
    assert row.measure.value == pytest.approx((full.output[full.events] >= threshold).mean())


def test_without_validation_nothing_is_chosen(bare):
    section = section_of(bare)
    gaps = [block.argument for block in section.blocks if isinstance(block, NotFilled)]
    assert gaps[0] == "validation=(X_val, y_val)"
    assert len(next(b for b in section.blocks if isinstance(b, DataTable)).rows) == 1
    assert isinstance(section.tiles[0], NotFilled)


def test_validation_of_one_class_chooses_nothing():
    X, y = pictures(60, first=600)
    context = study(validation=(X[y == "clear"].reset_index(drop=True), y[y == "clear"]))
    assert points_of(context).gap.why == "All 40 validation images are without the finding"


@pytest.mark.parametrize(
    ("given", "name", "chosen_by"),
    [
        ({}, "Sensitivity at specificity 90 %", "the default, chosen by nobody"),
        ({"threshold": 0.3}, "Sensitivity", "as stated"),
        ({"costs": Costs(missed_event=4, false_alarm=1)}, "Sensitivity", "of the costs"),
    ],
)
def test_the_tile_is_at_a_threshold_somebody_chose(given, name, chosen_by):
    context = study(challengers=None, subgroups=None, **given)
    tile = section_of(context).tiles[0]
    assert isinstance(tile, Tile)
    assert (tile.name, points_of(context).in_force.chosen_by) == (name, chosen_by)


def test_limits_are_held_against_figures_of_their_name():
    limits = Limits({"PPV": (0.999, None), "Sensitivity at specificity 90 %": (0.5, None), "NPV": (0.5, None)})
    rows = limit_rows(section_of(study(limits=limits)))
    told = {name: row.verdict.status for name, row in rows.items() if row.limit is not None}
    assert told == {"PPV, in force": "open", "NPV, in force": "pass", "Sensitivity at specificity 90 %": "pass"}
    assert limits.never_asked() == ()


def test_the_question_gives_the_area_clustered_by_patient(full):
    area = auc(full.events, full.output, groups=full.units)
    assert section_of(full).question.startswith(f"AUC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})")
    assert "clustered by patient" in section_of(full).question


def test_a_stated_prevalence_moves_predictive_values(full):
    section = section_of(replace(full, prevalence=0.02))
    meaning = next(b for b in section.blocks if isinstance(b, DataTable) and "LR+" in b.columns)
    assert meaning.columns[-2:] == ("PPV at 2\u202f%, stated", "NPV at 2\u202f%, stated")
    at_90 = next(row for row in meaning.rows if row[0] == "Specificity 90 % on validation")
    ratio = at_90[1].value
    assert at_90[-2].value == pytest.approx(0.02 * ratio / (0.02 * ratio + 0.98))
    assert not any(isinstance(b, NotFilled) for b in section.blocks)


def test_a_prevalence_in_percent_is_refused(full):
    with pytest.raises(ValueError, match=r"prevalence must be a share strictly between 0 and 1, got 2"):
        section_of(replace(full, prevalence=2))


def test_images_without_patients_have_exact_intervals():
    context = context_of(SpotReader(patient=None), *pictures(90))
    table = next(b for b in section_of(context).blocks if isinstance(b, LimitTable))
    assert "Clopper-Pearson" in table.caption
    assert "clustered" not in table.caption


def test_a_reader_that_never_errs_has_no_bound_on_its_ratio():
    X, y = pictures(60)
    X["path"] = [np.where(label == "lesion", 1, 0) * _spot() + 80 for label in y]
    section = section_of(context_of(SpotReader(), X, y))
    meaning = next(b for b in section.blocks if isinstance(b, DataTable) and "LR+" in b.columns)
    assert str(meaning.rows[0][1]).startswith("at least ")


def test_the_decision_curve_starts_near_the_share_of_events(full):
    figure = next(block for block in section_of(full).blocks if isinstance(block, CurveFigure))
    assert [curve.name for curve in figure.curves] == ["This model", "Acting on all", "Acting on none"]
    share, odds = full.events.mean(), 0.02 / 0.98
    assert figure.curves[1].y[0] == pytest.approx(share - (1 - share) * odds)


def _spot() -> np.ndarray:
    spot = np.zeros((16, 16), dtype=np.uint8)
    spot[4:9, 4:9] = 90
    return spot
