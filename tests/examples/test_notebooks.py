"""Every notebook runs from top to bottom, reads well, and stays short."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def code_lines(notebook):
    cells = (cell.source for cell in notebook.cells if cell.cell_type == "code")
    return [line for source in cells for line in source.splitlines() if line.strip()]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_without_outputs_and_names_no_machine(path):
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert not [line for line in code_lines(notebook) if re.search(r"""["']/\w""", line)]  # no absolute path


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("credit_risk", 60),
        ("explanations", 110),
        ("remaining_life", 75),
        ("failure_prediction", 75),
        ("chest_xray", 75),
        ("recommendations", 75),
        ("demand", 75),
    ],
)
def test_notebook_is_short(name, most):
    assert len(code_lines(nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4))) < most
