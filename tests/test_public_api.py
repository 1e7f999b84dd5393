"""What is public resolves, is documented, and is what the documents name."""

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

import mypy.api
import pytest

import appkit
import domains

STAGES = ("data", "model", "prediction", "explanation", "reporting")


def modules() -> list[str]:
    """Return every importable module of ours."""
    return [
        found.name
        for package in (appkit, domains)
        for found in pkgutil.walk_packages(package.__path__, prefix=f"{package.__name__}.")
    ]


def packages() -> list[str]:
    return [name for name in modules() if hasattr(load(name), "__path__")]


def load(name: str) -> ModuleType:
    return importlib.import_module(name)


def test_the_top_level_has_the_promised_names():
    promised = {"TabularClassifier", "TabularRegressor", "explain", "report", "evaluate", "save", "load"}
    promised |= {"Explanation", "Report", "Schema", "Domain"}
    assert promised <= set(appkit.__all__)
    assert [name for name in promised if getattr(appkit, name, None) is None] == []


def test_an_unknown_top_level_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'magic'"):
        appkit.magic  # noqa: B018  # asking is the test


@pytest.mark.parametrize(
    "name",
    [
        "appkit",
        *(f"appkit.{stage}" for stage in STAGES),
        "domains.finance",
        "domains.manufacturing",
        "domains.medical",
        "domains.retail",
    ],
)
def test_packages_say_what_is_public(name):
    assert load(name).__all__


@pytest.mark.parametrize("name", ["appkit", *modules()])
def test_public_names_resolve_and_are_listed_once(name):
    public = getattr(load(name), "__all__", [])
    assert [entry for entry in public if not hasattr(load(name), entry)] == []
    assert len(set(public)) == len(public)


@pytest.mark.parametrize("name", ["appkit", *packages()])
def test_what_a_package_offers_is_documented(name):
    package = load(name)
    offered = {entry: getattr(package, entry) for entry in getattr(package, "__all__", [])}
    described = {entry: value for entry, value in offered.items() if inspect.isroutine(value) or inspect.isclass(value)}
    assert [entry for entry, value in described.items() if not (value.__doc__ or "").strip()] == []


@pytest.mark.parametrize("name", ["appkit", *packages()])
def test_public_methods_of_what_a_package_offers_are_documented(name):
    package = load(name)
    classes = [value for entry in getattr(package, "__all__", []) if inspect.isclass(value := getattr(package, entry))]
    missing = [
        f"{value.__name__}.{method}"
        for value in classes
        for method, function in vars(value).items()
        if not method.startswith("_") and inspect.isfunction(function) and not inspect.getdoc(getattr(value, method))
    ]
    assert missing == []


def test_a_type_checker_sees_through_the_lazy_names(tmp_path, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text("import appkit\nreveal_type(appkit.TabularClassifier().fit([[1]], [1]))\nappkit.magic\n")
    monkeypatch.chdir(Path(appkit.__file__).parents[1])  # our own settings and cache
    said, _, _ = mypy.api.run([str(script)])
    assert 'Revealed type is "appkit.model.classifier.TabularClassifier"' in said
    assert 'Module has no attribute "magic"' in said
