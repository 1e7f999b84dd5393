import pytest

from appkit.reporting.content.context import ReportContext
from tests.domains.medical.report.study import study


@pytest.fixture(scope="session")
def full() -> ReportContext:
    """Everything given: training, validation, subgroups, baselines."""
    return study()


@pytest.fixture(scope="session")
def bare() -> ReportContext:
    """The images reported on, and nothing else."""
    return study(reference=None, validation=None, subgroups=None, challengers=None)
