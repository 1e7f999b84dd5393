"""How a certificate is printed, and that asking cheaply changes no answer."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from appkit.explanation import game_for, permutation_shapley
from appkit.explanation.certificate import Check as Certified
from appkit.explanation.certificate import certify
from appkit.prediction import Estimate
from appkit.reporting.content.certificate import certificate
from appkit.reporting.content.context import Limits
from appkit.reporting.content.drivers import ranking_badge
from appkit.reporting.content.economy import SharedEnds
from appkit.reporting.content.explaining import ModelExplanation
from appkit.reporting.content.phrasing import Words
from appkit.reporting.facts import Limit
from tests.explanation.fakes import FakeEnsemble, game_of, make_numbers, make_table

WEIGHTS = np.array([3.0, 2.0, 1.0, 0.5, 0.2])


def context_of(function, *, limits=None, changed=lambda certified: certified) -> SimpleNamespace:
    """Return what the certificate of a function of five columns is printed from."""
    X = make_numbers(40, n_columns=5)
    game = game_of(function, X, X[:1] * 0)
    shapley = permutation_shapley(game, random_state=0)
    explanation = ModelExplanation(
        rows=np.arange(40),
        n_rows=40,
        shapley=shapley,
        lime=None,
        certificate=changed(certify(game, shapley)),
        n_background=1,
    )
    subject = SimpleNamespace(is_probability=False)
    return SimpleNamespace(explanation=explanation, words=Words(), limits=Limits(limits), subject=subject)


def with_check(check: Certified):
    return lambda certified: replace(certified, checks=(check,))


def test_every_check_is_printed_and_an_additive_model_passes_all():
    table = certificate(context_of(lambda x: x @ WEIGHTS))
    assert [check.name for check in table.checks] == [
        "Additivity gap", "Sampling error", "Second seed", "Deletion", "Insertion", "SHAP and LIME", "Order of places"
    ]  # fmt: skip
    assert table.title == "The explanation passed all 6 of its checks"
    assert table.status == "pass"


def test_printed_verdicts_are_those_of_the_certificate():
    context = context_of(lambda x: x @ WEIGHTS)
    printed = {check.name: check.verdict.status for check in certificate(context).checks}
    expected = {"ok": "pass", "warn": "open", "bad": "fail", "info": "note"}
    found = {check.name: expected[check.verdict] for check in context.explanation.certificate.checks}
    assert printed == found


def test_agreement_of_two_methods_is_no_verdict_unless_the_caller_sets_a_limit():
    plain, limited = (
        certificate(context_of(lambda x: x @ WEIGHTS, limits=limits)) for limits in (None, {"SHAP and LIME": (2, None)})
    )
    by_name = [{check.name: check for check in table.checks} for table in (plain, limited)]
    assert by_name[0]["SHAP and LIME"].verdict.word == "no limit set"
    assert by_name[1]["SHAP and LIME"].verdict.status == "fail"
    assert by_name[1]["SHAP and LIME"].limit == Limit(low=2)


def test_methods_that_contradict_each_other_are_an_open_point():
    opposed = Estimate("SHAP and LIME", -0.8, -0.9, -0.7, method="Wald", n=40)
    check = Certified("SHAP and LIME", "How alike?", "-0.80", "warn", opposed)
    table = certificate(context_of(lambda x: x @ WEIGHTS, changed=with_check(check)))
    assert table.checks[0].verdict.status == "open"


def test_a_check_without_a_number_is_printed_in_its_words():
    check = Certified("Second seed", "Does it stay?", "nothing was drawn", "ok")
    table = certificate(context_of(lambda x: x @ WEIGHTS, changed=with_check(check)))
    assert (table.checks[0].result, table.checks[0].verdict.status) == ("nothing was drawn", "pass")


def test_the_badge_says_when_a_check_speaks_against_every_place():
    def against(certified):
        verdict = replace(certified.overall, status="not reliable", rank=0, reason="Its order moves the output little.")
        return replace(certified, overall=verdict)

    badge = ranking_badge(context_of(lambda x: x @ WEIGHTS, changed=against))
    assert badge.level == "fail"
    assert badge.reason == "Its order moves the output little."


def test_the_badge_of_a_model_that_says_the_same_of_all_ranks_nothing():
    badge = ranking_badge(context_of(lambda x: np.zeros(len(x))))
    assert badge.claim == "Nothing to rank: no column has an effect."


@pytest.fixture(scope="module")
def ensemble_game():
    X, background = make_table(6, seed=0), make_table(30, seed=1)
    model = FakeEnsemble()
    return lambda: game_for(model, X, background=background)


def test_shared_ends_change_no_value(ensemble_game):
    plain = permutation_shapley(ensemble_game(), random_state=0)
    shared = permutation_shapley(SharedEnds(ensemble_game()), random_state=0)
    assert np.array_equal(plain.values, shared.values)


def test_shared_ends_are_evaluated_once(ensemble_game):
    game = SharedEnds(ensemble_game())
    game.ends()
    before = game.n_evaluations
    game.ends()
    assert game.n_evaluations == before
