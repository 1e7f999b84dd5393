"""List the files below a folder in the order a person would put them."""

import re
from os import PathLike
from pathlib import Path

from appkit.exceptions import SchemaError

__all__ = ["files_below"]


def files_below(folder: str | PathLike[str]) -> list[Path]:
    """Return the files below a folder, relative to it, hidden ones left out, ``image 2`` before ``image 10``.

    Raises
    ------
    SchemaError
        If there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise SchemaError(f"folder must be a folder that exists, got {str(folder)!r}. Correct the path.")
    files = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted((path for path in files if not _is_hidden(path)), key=_natural_key)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _natural_key(path: Path) -> tuple[object, ...]:
    """Return words and numbers by turns for each part of a path, then the path itself where only its case differs."""
    words = [re.split(r"(\d+)", part.casefold()) for part in path.parts]
    return [[int(word) if at % 2 else word for at, word in enumerate(part)] for part in words], path.as_posix()
