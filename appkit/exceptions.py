"""What a caller may catch.

==========================  ==================  ====================================================
class                       is also             raised when
==========================  ==================  ====================================================
``SchemaError``             ``ValueError``      a table does not fit what a model or file expects
``LeakageError``            ``ValueError``      a unit is on both sides of a split
``ArtefactError``           ``ValueError``      a saved model is damaged, foreign or from the future
``DatasetNotFoundError``    ``FileNotFoundError``  a data set is neither on disk nor downloadable
``MissingDependencyError``  ``ImportError``     an optional package is needed and absent
``DataWarning``             ``UserWarning``     a result stands, but its data may surprise
==========================  ==================  ====================================================
"""

from collections.abc import Sequence

__all__ = [
    "ArtefactError",
    "DataWarning",
    "DatasetNotFoundError",
    "LeakageError",
    "MissingDependencyError",
    "SchemaError",
]


class SchemaError(ValueError):
    """A table does not fit the schema; ``problems`` lists every fault found, one sentence each."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type, tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class LeakageError(ValueError):
    """A machine, patient or customer is on both sides of a split; the message names the first."""


class ArtefactError(ValueError):
    """A saved model cannot be opened; the message names the first part that is wrong."""


class DatasetNotFoundError(FileNotFoundError):
    """A data set is not on this machine; the message says where to get it and where to put it."""


class MissingDependencyError(ImportError):
    """An optional package is absent; the message is the command that installs it."""


class DataWarning(UserWarning):
    """Data were accepted but something about them may surprise (a constant column, codes among numbers)."""
