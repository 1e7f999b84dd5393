"""The sample reports as fixtures, so that the sample is one module the tests and a reader can run."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from appkit.reporting import Report


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    """Module of the invented reports."""
    spec = importlib.util.spec_from_file_location("report_sample", Path(__file__).with_name("sample.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def credit_report(sample: ModuleType) -> Report:
    """Report that holds every block once."""
    return sample.credit_report()


@pytest.fixture(scope="session")
def credit_page(credit_report: Report) -> str:
    """The same report as a page."""
    return credit_report.to_html()


@pytest.fixture(scope="session")
def small_report(sample: ModuleType) -> Report:
    """Report of one tile, one fact and one table."""
    return sample.small_report()
