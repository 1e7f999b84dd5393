from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from appkit.explanation.explanation import Explanation
from domains.finance.explanation import default_wording, read_wording, reason_codes, write_wording

NAMES = ("utilisation", "balance", "missed_payment", "income")
ALL = "all training applicants"


@pytest.fixture
def explanation():
    values = np.array([[[0.05], [0.03], [0.04], [-0.02]], [[-0.05], [0.03], [0.0], [0.001]]])
    error = np.array([[[0.006], [0.008], [0.001], [0.001]]] * 2)
    nothing = np.zeros((2, 1))
    return Explanation(
        values=values,
        standard_error=error,
        base_value=nothing + 0.1,
        output=nothing + 0.1 + values.sum(axis=1),
        residual=nothing,
        data=np.array([[0.91, 14500.0, "4 months ago", None], [0.2, 100.0, "never", 2000.0]], dtype=object),
        player_names=NAMES,
        output_names=("default",),
        method="shapley (permutation)",
        units="probability",
        n_evaluations=100,
        is_additive=True,
        random_state=0,
        global_importance=np.abs(values).mean(axis=0),
        global_standard_error=np.zeros((4, 1)),
        local_fit=np.full((2, 1), np.nan),
    )


def test_reasons_raise_the_risk_and_come_strongest_first(explanation):
    first, _ = reason_codes(explanation, reference=ALL)
    assert [reason.concept for reason in first] == ["utilisation", "missed_payment", "balance"]
    assert [reason.effect for reason in first] == pytest.approx([0.05, 0.04, 0.03])


def test_columns_of_a_concept_are_merged_with_their_errors(explanation):
    concepts = {"utilisation": "credit use", "balance": "credit use"}
    reason = reason_codes(explanation, reference=ALL, concepts=concepts)[0][0]
    assert (reason.concept, reason.columns) == ("credit use", ("utilisation", "balance"))
    assert (reason.effect, reason.standard_error) == pytest.approx((0.08, 0.01))


def test_opposite_effects_of_one_concept_cancel(explanation):
    concepts = {"utilisation": "credit use", "balance": "credit use"}
    assert reason_codes(explanation, reference=ALL, concepts=concepts)[1] == ()


def test_an_effect_within_two_standard_errors_is_no_reason(explanation):
    _, second = reason_codes(explanation, reference=ALL)
    assert [reason.concept for reason in second] == ["balance"]


def test_no_more_reasons_than_asked(explanation):
    assert [len(reasons) for reasons in reason_codes(explanation, reference=ALL, top=2)] == [2, 1]


def test_each_reason_names_whom_it_compares_with(explanation):
    assert reason_codes(explanation, reference="approved applicants")[0][0].reference == "approved applicants"


def test_a_protected_column_among_the_players_is_an_error(explanation):
    with pytest.raises(ValueError, match=r"\['income'\] drive the model"):
        reason_codes(explanation, reference=ALL, protected=["income", "sex"])


def test_an_unnamed_reference_is_an_error(explanation):
    with pytest.raises(ValueError, match="reference must name"):
        reason_codes(explanation, reference=" ")


def test_weights_without_standard_errors_are_an_error(explanation):
    lime = replace(explanation, method="lime", is_additive=False)
    with pytest.raises(ValueError, match="'lime' gives none"):
        reason_codes(lime, reference=ALL)


def test_words_and_codes_are_the_banks_own(explanation):
    table = pd.DataFrame(
        {
            "code": ["U1", "B1", "M1", "I1"],
            "concept": list(NAMES),
            "sentence": ["{value} of credit is in use", "Balance is high", "Missed: {value}", "Income"],
        }
    )
    first, _ = reason_codes(explanation, reference=ALL, wording=table)
    assert (first[0].code, first[0].sentence) == ("U1", "0.91 of credit is in use")
    assert first[1].sentence == "Missed: 4 months ago"


def test_braces_of_a_wording_table_reach_no_python_object(explanation):
    table = default_wording(NAMES).assign(sentence="{value.__class__}")
    assert reason_codes(explanation, reference=ALL, wording=table)[0][0].sentence == "{value.__class__}"


def test_a_concept_without_words_is_named(explanation):
    with pytest.raises(ValueError, match="missed_payment"):
        reason_codes(explanation, reference=ALL, wording=default_wording(["utilisation", "balance", "income"]))


def test_wording_survives_a_file(tmp_path):
    table = default_wording(["Zahlungsrückstand", "NA"])
    write_wording(table, tmp_path / "wording.csv")
    pd.testing.assert_frame_equal(read_wording(tmp_path / "wording.csv"), table)
    assert [path.name for path in tmp_path.iterdir()] == ["wording.csv"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code,concept\nR1,a\n", r"\['sentence'\] are missing"),
        ("code,concept,sentence\nR1,a,x\nR2,a,y\n", r"several for \['a'\]"),
        ("code,concept,sentence\nR1,a,\n", r"rows \[0\]"),
    ],
)
def test_a_faulty_wording_file_is_refused(tmp_path, text, message):
    path = tmp_path / "wording.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_wording(path)
