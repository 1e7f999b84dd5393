import json
import math
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.explain import main
from benchmarks.explanations.measures import Cost, cost_at, coverage, error_at, jaccard
from benchmarks.explanations.methods import Answer, Method
from benchmarks.explanations.networks import CountedNetwork, MeanOfMembers
from benchmarks.explanations.peers import PEERS
from benchmarks.explanations.problems import Problem, Size, make_problem
from benchmarks.explanations.records import Run, RunStore
from benchmarks.explanations.run import METHODS
from benchmarks.explanations.tables import curves_of, render
from benchmarks.explanations.truth import path_truth, remembered, shapley_truth


class _Formula(nn.Module):
    """x0 * x1 + 2 * x2, whose Shapley values against a zero background are x0 * x1 / 2 twice and 2 * x2."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return (rows[:, 0] * rows[:, 1] + 2 * rows[:, 2])[:, None]


ROWS = torch.tensor([[1.0, 2.0, 3.0], [2.0, 2.0, -1.0]])
ANSWER = np.array([[1.0, 1.0, 6.0], [2.0, 2.0, -2.0]])


@pytest.fixture
def problem() -> Problem:
    return Problem(
        "formula",
        "table",
        CountedNetwork(_Formula()),
        rows=ROWS,
        many_rows=ROWS,
        background=torch.zeros(2, 3),
        owner=torch.arange(3),
        training=torch.randn(50, 3, generator=torch.Generator().manual_seed(0)),
    )


def _run(method: str, budget: int, *, error: float, evaluations: float, number: int = 0, failure: str = "") -> Run:
    return Run(
        problem="table_24",
        problem_hash="p",
        is_quick=False,
        method=method,
        fingerprint="f",
        question="shapley",
        budget=budget,
        round=number,
        device="cpu",
        threads=1,
        evaluations=evaluations,
        seconds=evaluations / 1000,
        limit_before=1000.0,
        limit_after=1000.0,
        scores={} if failure else {"error": error, "top3": 1.0},
        top=() if failure else ((0, 1),),
        failure=failure,
    )


# Measures


def test_a_cost_between_budgets_is_interpolated_in_logarithms():
    assert cost_at(0.05, errors=[0.1, 0.025], costs=[100.0, 1600.0]) == Cost(400.0)


def test_a_cost_outside_the_budgets_is_a_bound_and_no_guess():
    assert cost_at(0.2, errors=[0.1, 0.025], costs=[100.0, 1600.0]) == Cost(100.0, "<")
    assert cost_at(0.01, errors=[0.1, 0.025], costs=[100.0, 1600.0]) == Cost(1600.0, ">")


def test_a_ratio_of_bounds_keeps_its_direction():
    assert Cost(100.0).over(Cost(1000.0, ">")) == Cost(0.1, "<")
    assert math.isnan(Cost(100.0, "<").over(Cost(1000.0, "<")).value)


def test_the_error_outside_the_budgets_is_not_told():
    assert math.isnan(error_at(50.0, errors=[0.1, 0.025], costs=[100.0, 1600.0]))


def test_agreement_of_seeds_is_the_mean_over_pairs():
    first, second, third = np.array([[2.0, 1.0, 0.0]]), np.array([[2.0, 1.0, 0.0]]), np.array([[2.0, 0.0, 1.0]])
    assert jaccard([first, second, third], k=2) == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)


def test_coverage_counts_values_within_two_standard_errors():
    assert coverage(np.array([[0.0, 0.0]]), np.array([[1.0, 1.0]]), np.array([[1.9, 2.1]])) == 0.5


# Networks and truth


def test_a_member_counts_as_its_share_of_an_evaluation():
    network = CountedNetwork(MeanOfMembers(3, width=4, n_members=4))
    network(ROWS)
    network(ROWS, torch.tensor([0, 3]))
    assert network.n_evaluations == 2.5


def test_members_average_to_the_output():
    network = MeanOfMembers(3, width=4, n_members=4)
    alone = [network(ROWS, torch.full((2,), member)) for member in range(4)]
    torch.testing.assert_close(torch.stack(alone).mean(0), network(ROWS))


def test_enumerated_truth_is_the_closed_form(problem):
    found = shapley_truth(problem, n_pairs=10)
    np.testing.assert_allclose(found.values, ANSWER, atol=1e-6)
    assert found.how == "enumerated"


def test_long_runs_agree_with_the_closed_form_and_tell_their_error(problem, monkeypatch):
    monkeypatch.setattr("benchmarks.explanations.truth._ENUMERATED_PLAYERS", 2)
    found = shapley_truth(problem, n_pairs=20)
    np.testing.assert_allclose(found.values, ANSWER, atol=1e-6)  # a pair is exact for products of two
    assert found.error == pytest.approx(0.0, abs=1e-6)


def test_gradients_along_the_line_split_a_product_evenly(problem):
    np.testing.assert_allclose(path_truth(problem).values, ANSWER, atol=1e-5)


def test_truth_is_found_once(problem, tmp_path):
    kept = tmp_path / "truth.json"
    first = remembered(kept, lambda: shapley_truth(problem, n_pairs=10))
    again = remembered(kept, lambda: pytest.fail("found twice"))
    np.testing.assert_array_equal(first.values, again.values)


# Methods


_REPEATS_DRAWS = ("captum.KernelShap", "captum.ShapleyValueSampling", "shap.Sampling", "shapiq.PermutationSamplingSV")


def _shapley_methods() -> list[object]:
    """Return the methods, shap's marked slow: they wait for a compiler."""
    chosen = [method for method in METHODS.values() if method.question == "shapley"]
    slow = pytest.mark.slow
    return [pytest.param(m, id=m.name, marks=[slow] if m.name.startswith("shap.") else []) for m in chosen]


@pytest.mark.parametrize("method", _shapley_methods())
def test_every_shapley_method_finds_the_closed_form(problem, method: Method):
    budgets = _budgets_or_skip(method, problem)
    answer = method.explain(problem, budgets[-1], 0)
    tolerance = 1.0 if method.name in _REPEATS_DRAWS else 1e-3
    np.testing.assert_allclose(answer.values, ANSWER, atol=tolerance)


@pytest.mark.parametrize("method", [m for m in PEERS if m.question == "surrogate"], ids=lambda m: m.name)
def test_lime_weighs_every_player(problem, method: Method):
    answer = method.explain(problem, 200, 0)
    assert (answer.values != 0).all()


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda m: m.name)
def test_every_sampling_method_has_four_budgets(problem, method: Method):
    budgets = list(method.ladder(problem))
    assert budgets == sorted(budgets)
    assert len(budgets) >= 4 or budgets == [0] or method.name in ("shap.Deep", "captum.DeepLiftShap")


def test_peers_leave_global_generators_alone(problem):
    before = np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002, what is tested
    METHODS["shap.Kernel"].explain(problem, 20, 0)
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002, what is tested
    assert torch.equal(torch.random.get_rng_state(), before[1])


@pytest.mark.parametrize("name", ["shap.Deep", "captum.DeepLiftShap"])
def test_peers_leave_the_network_alone_and_are_counted(name: str):
    pytest.importorskip(name.split(".")[0])
    problem = make_problem("windows", Size(n_rows=1, n_many_rows=2, epochs=0))
    before = problem.fingerprint()
    with suppress(AssertionError):  # shap's own check: recurrent layers are beyond it
        METHODS[name].explain(problem, 10, 0)
    assert problem.fingerprint() == before
    assert problem.network.n_evaluations >= 10


def test_a_population_is_given_to_peers_as_a_sample():
    problem = make_problem("population_12", Size(n_rows=1, n_many_rows=2, epochs=0))
    assert len(problem.background) == 4000
    assert problem.peer_background(0).shape == (100, 12)


def test_problems_are_the_same_every_time():
    size = Size(n_rows=1, n_many_rows=2, epochs=0)
    assert make_problem("windows", size).fingerprint() == make_problem("windows", size).fingerprint()


# Tables


def test_costs_at_equal_error_are_ratios_to_shap():
    ours = [_run("appkit.permutation", b, error=e, evaluations=b) for b, e in ((100, 0.1), (400, 0.025))]
    theirs = [_run("shap.Permutation", b, error=e, evaluations=10 * b) for b, e in ((100, 0.1), (400, 0.025))]
    text = render([*ours, *theirs], fingerprints={}, absent={})
    assert "table_24: evaluations at 5 %, permutation / shap.Permutation | 1/10.0 | 1/8 | 1/10 |" in text


def test_a_failure_is_a_line_of_the_table():
    text = render(
        [_run("shap.Deep", 10, error=0, evaluations=1, failure="AssertionError: no sum")], fingerprints={}, absent={}
    )
    assert "| shap.Deep* | 10 | failed: AssertionError: no sum |" in text


def test_runs_of_earlier_sources_are_never_mixed_with_present_ones():
    old = _run("appkit.permutation", 100, error=0.5, evaluations=100)
    new = Run(**{**vars(old), "fingerprint": "g", "scores": {"error": 0.1, "top3": 1.0}})
    (curve,) = curves_of([old, new], fingerprints={"appkit.permutation": "g"})
    assert [point.error for point in curve.points] == [0.1]


def test_a_line_cut_off_by_a_kill_loses_one_run(tmp_path):
    store = RunStore(tmp_path)
    store.add(_run("appkit.permutation", 100, error=0.5, evaluations=100))
    with (tmp_path / "table_24.jsonl").open("a") as file:
        file.write('\n{"problem": "tab')
    store.add(_run("appkit.permutation", 200, error=0.5, evaluations=100))
    assert [run.budget for run in store.read("table_24")] == [100, 200]


# The command


@pytest.fixture
def quick(tmp_path, capsys):
    def run(*options: str) -> tuple[str, list[dict]]:
        main(["--quick", "--problems", "table_10", "--cache", str(tmp_path), *options])
        lines = (tmp_path / "table_10.jsonl").read_text().split("\n")
        return capsys.readouterr().out, [json.loads(line) for line in lines if line]

    return run


def test_a_benchmark_is_continued_not_repeated(quick):
    assert len(quick("--methods", "appkit.permutation", "--rounds", "1")[1]) == 2
    assert len(quick("--methods", "appkit.permutation", "--rounds", "2")[1]) == 4


def test_a_crash_is_kept_and_the_rest_goes_on(quick, monkeypatch):
    def crash(problem: Problem, budget: int, seed: int) -> Answer:
        raise RuntimeError("view size is not compatible")

    crashing = Method("shap.Kernel", "shapley", frozenset({"table"}), lambda problem: (40,), crash, ())
    monkeypatch.setattr("benchmarks.explanations.run.METHODS", {**METHODS, "shap.Kernel": crashing})
    text, runs = quick("--methods", "shap.Kernel", "appkit.permutation", "--rounds", "1")
    assert "failed: RuntimeError: view size is not compatible" in text
    assert sum(run["failure"] == "" for run in runs) == 2


def test_an_absent_library_is_listed(quick, monkeypatch):
    def absent() -> None:
        raise ImportError("No module named 'shapiq'")

    missing = Method("shapiq.KernelSHAP", "shapley", frozenset({"table"}), lambda problem: (40,), None, (), find=absent)
    monkeypatch.setattr("benchmarks.explanations.run.METHODS", {**METHODS, "shapiq.KernelSHAP": missing})
    text, _ = quick("--methods", "shapiq.KernelSHAP", "appkit.permutation", "--rounds", "1")
    assert "Absent: shapiq.KernelSHAP: No module named 'shapiq'" in text


def _budgets_or_skip(method: Method, problem: Problem) -> list[int]:
    try:
        method.versions()
    except ImportError as err:
        pytest.skip(str(err))
    return list(method.ladder(problem))
