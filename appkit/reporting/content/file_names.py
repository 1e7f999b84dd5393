"""Names of files as a page may print them: short, different from one another, without the folders all share."""

import os
from collections import Counter

import numpy as np

__all__ = ["short_names"]


def short_names(paths: np.ndarray) -> np.ndarray:
    """Return paths below the folder they all share, object ``(n,)``; what occurs twice is numbered.

    Parameters
    ----------
    paths
        str ``(n,)``; a name that is no path stays as it is.

    Examples
    --------
    >>> short_names(np.array(["/scans/a/1.png", "/scans/b/1.png", "/scans/b/1.png"])).tolist()
    ['a/1.png', 'b/1.png', 'b/1.png (2)']
    """
    plain = [str(path).replace("\\", "/") for path in paths]
    folders = {os.path.dirname(path) for path in plain}
    shared = os.path.commonpath(folders) if all(folders) and _are_alike(folders) else ""
    below = [path.removeprefix(shared).lstrip("/") if shared else path for path in plain]
    seen: Counter[str] = Counter()
    names = np.empty(len(below), dtype=object)
    for i, name in enumerate(below):
        seen[name] += 1
        names[i] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return names


def _are_alike(folders: set[str]) -> bool:
    """Return whether all folders are absolute, or none is: only then have they one in common."""
    return len({os.path.isabs(folder) for folder in folders}) == 1
