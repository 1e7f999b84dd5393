"""The layout is the flow: imports run one way, in no circle, and importing does nothing but define names."""

import ast
import graphlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("appkit", "domains")
FREE = ("appkit.exceptions", "appkit.domain")
FLOW = ("data", "model", "prediction", "explanation", "plots", "reporting", "root files", "domains")
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "core", "manager"}
FOREIGN = {"shap", "lime", "torch", "sklearn", "pandas", "numpy", "xgboost", "monai", "ray", "mlflow", "typer"}


@dataclass(frozen=True)
class Import:
    """One import statement: who imports what, where, and whether it runs."""

    importer: str
    target: str
    line: int
    is_run: bool  # False under TYPE_CHECKING

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


@cache
def sources() -> dict[str, tuple[Path, ast.Module]]:
    """Return path and syntax tree of every module of ours, by dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path, ast.parse(path.read_text(encoding="utf-8"))
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Return every import of a module of ours by a module of ours."""
    return tuple(found for name, (_, tree) in sources().items() for found in imports_of(name, tree))


def imports_of(importer: str, tree: ast.AST, *, is_run: bool = True) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{importer}:{node.lineno} must import by full name."
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            targets = [name if name in sources() else str(node.module) for name in inner]
        else:
            guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            yield from imports_of(importer, node, is_run=is_run and not guarded)
            continue
        yield from (Import(importer, name, node.lineno, is_run) for name in targets if name in sources())


def stage_of(module: str) -> int:
    """Return the place of a module in the flow."""
    package, *inner = module.split(".")
    if package == "domains":
        return FLOW.index("domains")
    return FLOW.index(inner[0]) if inner and inner[0] in FLOW else FLOW.index("root files")


def test_every_module_of_ours_is_seen():
    assert {"appkit.data.schema", "appkit.model.networks", "appkit.cli", "domains.finance.model"} <= set(sources())
    assert ("appkit.model.networks", "appkit.data.table_encoder") in {(i.importer, i.target) for i in imports()}


def test_each_stage_imports_only_from_earlier_ones():
    wrong = [i for i in imports() if i.target not in FREE and stage_of(i.target) > stage_of(i.importer)]
    assert not wrong, "\n".join(map(str, wrong))


def test_what_is_free_to_all_imports_nothing_of_ours():
    wrong = [i for i in imports() if i.importer in FREE]
    assert not wrong, "\n".join(map(str, wrong))


def test_no_domain_imports_another():
    def domain_of(module: str) -> str:
        return ".".join(module.split(".")[:2])

    both = [i for i in imports() if i.importer.startswith("domains.") and i.target.startswith("domains.")]
    wrong = [i for i in both if domain_of(i.importer) != domain_of(i.target)]
    assert not wrong, "\n".join(map(str, wrong))


def test_no_module_imports_itself_by_a_detour():
    graph: dict[str, set[str]] = {name: set() for name in sources()}
    for found in imports():
        if found.is_run:
            graph[found.importer].add(found.target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as err:
        pytest.fail(" -> ".join(err.args[1]))


def test_no_module_prints_pickles_or_runs_text():
    forbidden = {"print", "eval", "exec"}
    wrong = []
    for name, (_, tree) in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in forbidden:
                wrong.append(f"{name}:{node.lineno} calls {node.func.id}")
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [getattr(node, "module", None), *(alias.name for alias in node.names)]
                wrong += [f"{name}:{node.lineno} imports {n}" for n in names if n in ("pickle", "joblib", "dill")]
    assert not wrong, "\n".join(wrong)


def test_torch_reads_files_as_plain_values_only():
    calls = [
        (f"{name}:{node.lineno}", {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords})
        for name, (_, tree) in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert calls
    assert [where for where, options in calls if options.get("weights_only") != "True"] == []


@pytest.mark.parametrize("name", sorted(sources()))
def test_module_opens_with_a_sentence(name):
    path, tree = sources()[name]
    if path.stat().st_size:
        docstring = ast.get_docstring(tree) or ""
        assert docstring.split("\n\n")[0].rstrip().endswith((".", "?", "::")), f"{path} must open with a sentence."


def test_module_names_say_what_is_inside():
    words = {part for name in sources() for part in name.split(".")}
    assert words.isdisjoint(VAGUE | FOREIGN)


def test_no_folder_is_deeper_than_two_levels():
    deepest = max(len(path.relative_to(ROOT).parts) for path, _ in sources().values())
    assert deepest <= 4  # package, two folders, file


WATCHED_IMPORT = """
import os, sys, threading
import jinja2, pandas, pooch, pyarrow, sklearn.linear_model, torch, tabm, rtdl_num_embeddings, safetensors.torch

root, opened = sys.argv[1], []
before = threading.active_count()

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and os.path.abspath(arguments[0]).startswith(root):
        if not arguments[0].endswith((".py", ".pyc")) and "/.venv/" not in arguments[0] and ".pyc." not in arguments[0]:
            opened.append(arguments[0])

sys.addaudithook(watch)
import appkit, appkit.cli, appkit.checks, domains.finance, domains.manufacturing, domains.medical, domains.retail
for name in appkit.__all__:
    getattr(appkit, name)
assert not opened, opened
assert not torch.cuda.is_initialized()
assert threading.active_count() == before
sys.stdout.write("quiet")
"""


def test_importing_everything_reads_no_data_opens_no_device_and_starts_no_thread():
    environment = os.environ | {"APPKIT_DATA": str(ROOT / "no-such-folder")}
    command = [sys.executable, "-W", "ignore", "-c", WATCHED_IMPORT, str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert result.stdout == "quiet", result.stderr
