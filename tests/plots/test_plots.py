"""What all plots promise: they return axes, take the caller's, say the method and what a mark is, survive odd data."""

import ast
import inspect
import sys
from ast import unparse
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from appkit import plots
from appkit.exceptions import MissingDependencyError
from tests.plots.samples import (
    explanation_of,
    history_explanation,
    image_explanation,
    superpixel_explanation,
    table_explanation,
    window_explanation,
)

NEGATIVE = explanation_of(-np.arange(1.0, 13.0).reshape(3, 4), 0.1)
EXACT = explanation_of(np.tile([3.0, 2.0, 1.0, 0.0], (3, 1)), 0.0)
NO_ERRORS = replace(
    EXACT,
    standard_error=np.full_like(EXACT.standard_error, np.nan),
    global_standard_error=np.full_like(EXACT.global_standard_error, np.nan),
)
TABLES = {
    "12 players": table_explanation(60),
    "2 players": table_explanation(60, 2),
    "30 players": table_explanation(60, 30),
    "one row": table_explanation(1, 4),
    "all negative": NEGATIVE,
    "no width": EXACT,
    "no errors": NO_ERRORS,
    "all zero": explanation_of(np.zeros((3, 2)), 0.0),
}
OF_ONE = [name for name in plots.__all__ if name != "image_methods"]  # that one draws several explanations
LAID_OUT = {"image_map": image_explanation(), "sensor_map": window_explanation(), "history": history_explanation()}


def draw(name: str, explanation, **options) -> Axes:
    if name == "dependence":
        options["player"] = 0
    return getattr(plots, name)(explanation, **options)


def words(ax: Axes) -> str:
    return " ".join([ax.get_title("left"), *(text.get_text() for text in ax.texts)]).replace("\n", " ")


def sample(name: str):
    return LAID_OUT.get(name, TABLES["12 players"])


@pytest.mark.parametrize("name", OF_ONE)
def test_a_plot_draws_on_the_axes_it_is_given(name):
    _, ax = plt.subplots()
    assert draw(name, sample(name), ax=ax) is ax


@pytest.mark.parametrize("name", OF_ONE)
def test_a_plot_says_method_and_marks_and_names_its_units(name):
    ax = draw(name, sample(name))
    assert "Shapley (permutation)" in words(ax)
    assert "2 standard errors" in words(ax) or name == "beeswarm"
    labels = " ".join(axes.get_xlabel() + axes.get_ylabel() for axes in (ax, *ax.child_axes)).replace("\n", " ")
    assert any(unit in labels for unit in ("(percentage points)", "(%)", "(cycles)", "(score)"))


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("name", ["bar", "beeswarm", "waterfall", "dependence"])
def test_tables_of_any_size_and_sign_are_drawn(name, kind):
    ax = draw(name, TABLES[kind])
    ax.figure.canvas.draw()
    assert ax.get_xlabel()


@pytest.mark.parametrize("name", OF_ONE)
def test_a_missing_layout_or_ragged_rows_are_refused_with_a_way_out(name):
    wrong = table_explanation(5, 3) if name in LAID_OUT else superpixel_explanation()
    if name == "waterfall":
        assert draw(name, wrong).get_yticks().size == 5
        return
    with pytest.raises(ValueError, match="explanation must have"):
        draw(name, wrong)


@pytest.mark.parametrize("name", OF_ONE)
def test_one_of_several_outputs_must_be_named(name):
    one = sample(name)
    two = replace(
        one,
        values=np.repeat(one.values, 2, axis=2),
        standard_error=np.repeat(one.standard_error, 2, axis=2),
        base_value=np.repeat(one.base_value, 2, axis=1),
        output=np.repeat(one.output, 2, axis=1),
        global_importance=np.repeat(one.global_importance, 2, axis=1),
        global_standard_error=np.repeat(one.global_standard_error, 2, axis=1),
        output_names=("no", "yes"),
    )
    with pytest.raises(ValueError, match=r"output must be one of \['no', 'yes'\]"):
        draw(name, two)
    assert draw(name, two, output="yes").get_title("left")


@pytest.mark.parametrize("name", ["waterfall", "image_map", "sensor_map", "history"])
def test_a_row_that_is_not_there_is_named(name):
    with pytest.raises(ValueError, match="row must be the position of one of"):
        draw(name, sample(name), row=1_000)


@pytest.mark.parametrize("name", OF_ONE)
def test_options_are_keywords(name):
    positional = [p for p in inspect.signature(getattr(plots, name)).parameters.values() if p.kind != p.KEYWORD_ONLY]
    assert len(positional) <= 2


def test_matplotlib_is_imported_by_one_function_of_one_module():
    folder = Path(plots.__file__).parent
    outside = {}
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [
            n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom) and "matplotlib" in unparse(n)
        ]
        guarded = [n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in unparse(n.test)]
        typed = {id(n) for block in guarded for n in ast.walk(block)}
        if run := [n for n in imports if id(n) not in typed]:
            outside[path.name] = {n.col_offset > 0 for n in run}
    assert outside == {"canvas.py": {True}}


def test_without_matplotlib_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'industry-appkit\[plots\]'"):
        plots.bar(EXACT)


def test_a_dark_ground_gets_the_dark_colours():
    from appkit.plots.palette import DARK

    _, ax = plt.subplots(subplot_kw={"facecolor": "black"})
    assert plt.matplotlib.colors.to_hex(plots.bar(EXACT, ax=ax).patches[0].get_facecolor()) == DARK.mark


def test_long_names_are_broken_and_kept_whole():
    ax = plots.bar(TABLES["12 players"])
    label = ax.get_yticklabels()[0].get_text()
    assert label.replace("\n", "") == "number_of_months_since_last_missed_paymen"
    assert max(map(len, label.split("\n"))) <= 30
