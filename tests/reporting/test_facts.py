from dataclasses import FrozenInstanceError, replace

import pytest

from appkit.reporting.facts import (
    BarRows,
    Block,
    Check,
    DataTable,
    Figure,
    Limit,
    Measure,
    NotFilled,
    RankTile,
    ReasonCodes,
    Section,
    Tile,
    Verdict,
    WarningBox,
    WaterfallFigure,
    Wording,
    block_types,
    verdict,
    worst_status,
)
from appkit.reporting.facts.explanations import OtherSteps, Reason, Step

AT_LEAST = Limit(low=0.8)
BETWEEN = Limit(low=0.9, high=1.1)


@pytest.mark.parametrize(
    ("measure", "limit", "word"),
    [
        (Measure(0.84, 0.81, 0.89), AT_LEAST, "passes"),
        (Measure(0.84, 0.80, 0.89), AT_LEAST, "passes"),
        (Measure(0.84, 0.78, 0.89), AT_LEAST, "not settled"),
        (Measure(0.76, 0.72, 0.80), AT_LEAST, "not settled"),
        (Measure(0.76, 0.72, 0.79), AT_LEAST, "fails"),
        (Measure(0.06, 0.04, 0.10), Limit(high=0.1), "passes"),
        (Measure(0.06, 0.04, 0.11), Limit(high=0.1), "not settled"),
        (Measure(0.14, 0.11, 0.18), Limit(high=0.1), "fails"),
        (Measure(1.00, 0.92, 1.06), BETWEEN, "passes"),
        (Measure(1.00, 0.80, 1.20), BETWEEN, "not settled"),
        (Measure(1.30, 1.20, 1.40), BETWEEN, "fails"),
        (Measure(0.70, 0.60, 0.80), BETWEEN, "fails"),
        (Measure(-1.0, -1.2, -0.8), Limit(high=-0.5), "passes"),
        (Measure.exact(0.8), AT_LEAST, "passes"),
        (Measure.exact(0.79), AT_LEAST, "fails"),
        (Measure(0.99), AT_LEAST, "not settled"),
        (Measure(0.84, 0.81, 0.89), None, "no limit set"),
    ],
)
def test_the_interval_decides(measure, limit, word):
    assert verdict(measure, limit).word == word


@pytest.mark.parametrize("numbers", [(float("nan"), None, None), (0.5, 0.4, float("inf")), (0.5, 0.6, 0.4)])
def test_a_measure_refuses_what_is_no_interval(numbers):
    with pytest.raises(ValueError, match="must"):
        Measure(*numbers)


def test_a_measure_needs_both_ends_or_none():
    with pytest.raises(ValueError, match="given together"):
        Measure(0.5, low=0.4)


def test_a_limit_needs_an_end():
    with pytest.raises(ValueError, match="limit=None"):
        Limit()


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        (("pass", "fail", "open"), "fail"),
        (("pass", "unfilled", "note"), "unfilled"),
        (("pass", "note"), "pass"),
        (("open", "unfilled"), "open"),
        ((), "note"),
    ],
)
def test_the_worst_status_wins(statuses, worst):
    assert worst_status(statuses) == worst


def test_a_section_takes_the_status_of_its_worst_block():
    blocks = (Tile(name="AUC", measure=Measure(0.9, 0.88, 0.92), limit=AT_LEAST), NotFilled(item="PSI", why="no dates"))
    assert Section(key="s", title="S", question="?", blocks=blocks).status == "unfilled"


def test_a_warning_does_not_turn_green_beside_a_pass():
    box = WarningBox(level="open", finding="f", text="t")
    good = Tile(name="AUC", measure=Measure(0.9, 0.88, 0.92), limit=AT_LEAST)
    assert Section(key="s", title="S", question="?", blocks=(good, box)).status == "open"


@pytest.mark.parametrize(("reliable", "word"), [(14, "passes"), (7, "limited"), (0, "not reliable")])
def test_a_ranking_passes_only_as_a_whole(reliable, word):
    assert RankTile(name="Ranking", reliable=reliable, total=14).verdict.word == word


def test_facts_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Measure(0.5).value = 0.6  # type: ignore[misc]


def test_steps_must_add_up_to_the_output():
    step = Step("Age", "30", 0.1, 0.01)
    with pytest.raises(ValueError, match=r"add up to output=0\.4"):
        WaterfallFigure(key="w", finding="f", caption="c", axis_label="p", average=0.2, output=0.4, steps=(step,))


def test_other_columns_count_in_the_sum():
    step, others = Step("Age", "30", 0.1, 0.01), OtherSteps(3, 0.1, 0.02)
    figure = WaterfallFigure(
        key="w", finding="f", caption="c", axis_label="p", average=0.2, output=0.4, steps=(step,), others=others
    )
    assert figure.status == "note"


def test_a_waterfall_has_at_most_eight_steps():
    steps = tuple(Step(str(i), "1", 0.0, 0.01) for i in range(9))
    with pytest.raises(ValueError, match="1 to 8 entries, got 9"):
        WaterfallFigure(key="w", finding="f", caption="c", axis_label="p", average=0.2, output=0.2, steps=steps)


def test_a_reason_within_two_standard_errors_is_refused():
    with pytest.raises(ValueError, match="two standard errors"):
        ReasonCodes(title="t", note="", reasons=(Reason("Debt is high", 0.01, 0.005),))


def test_a_check_in_words_needs_its_outcome():
    with pytest.raises(ValueError, match="with its outcome"):
        Check("Order", "Are places settled?", result="places 1 to 7")


def test_a_check_keeps_the_outcome_it_is_given():
    check = Check("Order", "?", result="1 to 7", outcome=Verdict("open", "limited"))
    assert check.verdict.word == "limited"


def test_a_table_names_the_row_that_is_too_short():
    with pytest.raises(ValueError, match=r"rows\[1\] must have 2 cells"):
        DataTable(caption="c", columns=("a", "b"), rows=(("x", 1), ("y",)))


def test_more_than_thirty_rows_do_not_fit_a_figure(credit_report):
    bars = next(block for section in credit_report.sections for block in section.blocks if isinstance(block, BarRows))
    with pytest.raises(ValueError, match="1 to 30 entries, got 31"):
        replace(bars, bars=bars.bars[:1] * 31)


def test_keys_must_be_unique(credit_report):
    with pytest.raises(ValueError, match="unique"):
        replace(credit_report, sections=credit_report.sections[:1] * 2)


@pytest.mark.parametrize("key", ["a b", 'x"', "Überblick", ""])
def test_keys_are_plain(small_report, key):
    with pytest.raises(ValueError, match="small letters"):
        replace(small_report, sections=(replace(small_report.sections[0], key=key),))


def test_wording_leaves_unknown_words_aside():
    assert Wording.of({"rows": "loans", "horizon": "cycles"}) == Wording(rows="loans")


def test_the_sample_shows_every_kind_of_block(credit_report):
    shown = {type(block).__name__ for section in credit_report.sections for block in section.blocks}
    shown |= {type(tile).__name__ for tile in credit_report.tiles}
    assert {name for name in block_types() if _is_own(name)} <= shown | {"DataTable"}


def test_a_block_name_is_taken_once():
    with pytest.raises(TypeError, match="exists already"):
        type("Tile", (Block,), {"__module__": "somewhere.else"})


def test_figure_is_a_base_not_a_block():
    assert Figure.__name__ not in block_types()


def _is_own(name: str) -> bool:
    return block_types()[name].__module__.startswith("appkit.")
