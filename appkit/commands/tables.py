"""Read and write tables on disk by their suffix: CSV, Parquet, JSON."""

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appkit.archive import unfinished

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_columns", "check_folder", "check_writable_table", "is_table", "read_table", "write_table"]


def is_table(path: Path) -> bool:
    """Return whether a path ends as a table does that :func:`read_table` reads."""
    return _kind(path) in _READERS


def read_table(path: Path, *, texts: Collection[str] = ()) -> "pd.DataFrame":
    """Return the table in a CSV or Parquet file.

    Parameters
    ----------
    path
        ``.csv`` (also ``.csv.gz`` and the like) or ``.parquet``.
    texts
        Columns to read as text where they are there: a CSV does not say that 01234 is no number.

    Raises
    ------
    ValueError
        For a folder, another suffix, or a file that is not what its suffix says.
    """
    if path.is_dir():
        raise ValueError(
            f"{path} must be a table, .csv or .parquet, and is a folder. Folders of images are for models of images: "
            f"appkit fit medical, or image."
        )
    _check_suffix(path, _READERS)
    try:
        return _READERS[_kind(path)](path, texts)
    except (ValueError, UnicodeDecodeError) as err:
        raise ValueError(f"{path} cannot be read as {_kind(path)}: {err}") from err


def write_table(frame: "pd.DataFrame", path: Path) -> None:
    """Write a table as CSV, Parquet or JSON (a list of rows), whole or not at all."""
    check_writable_table(path)
    with unfinished(path) as partial:
        _WRITERS[_kind(path)](frame, partial, path)
        partial.replace(path)


def check_writable_table(path: Path) -> None:
    """Raise unless a table can go to ``path``; ask before the work, not after it."""
    _check_suffix(path, _WRITERS)
    check_folder(path)


def check_folder(path: Path) -> None:
    """Raise ``FileNotFoundError`` unless the folder around ``path`` is there."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent} must be a folder to write into, and does not exist. Create it first.")


def check_columns(frame: "pd.DataFrame", names: Iterable[str | None], *, path: Path) -> None:
    """Raise ``ValueError`` for the first name that is no column of the table in ``path``."""
    for name in names:
        if name is not None and name not in frame.columns:
            close = difflib.get_close_matches(name, frame.columns, n=1)
            hint = f" Is it {close[0]!r}?" if close else f" It has {', '.join(map(repr, frame.columns[:20]))}."
            raise ValueError(f"{path} has no column {name!r}.{hint}")


def _check_suffix(path: Path, known: Iterable[str]) -> None:
    if _kind(path) not in known:
        raise ValueError(f"{path} must end in {' or '.join(f'.{suffix}' for suffix in known)}.")


def _kind(path: Path) -> str:
    """Return the suffix without its dot, that of a compressed CSV too."""
    suffixes = [suffix[1:].lower() for suffix in path.suffixes]
    if len(suffixes) > 1 and suffixes[-1] in ("gz", "bz2", "xz", "zst"):
        return suffixes[-2]
    return suffixes[-1] if suffixes else ""


def _read_csv(path: Path, texts: Collection[str]) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_csv(path, dtype=dict.fromkeys(texts, "str"), low_memory=False)  # names that are absent do no harm


def _read_parquet(path: Path, texts: Collection[str]) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_parquet(path)


def _write_csv(frame: "pd.DataFrame", partial: Path, path: Path) -> None:
    frame.to_csv(partial, index=False, compression=_compression(path))


def _write_parquet(frame: "pd.DataFrame", partial: Path, path: Path) -> None:
    frame.to_parquet(partial, index=False)


def _write_json(frame: "pd.DataFrame", partial: Path, path: Path) -> None:
    frame.to_json(partial, orient="records", indent=1, double_precision=15, compression=_compression(path))


def _compression(path: Path) -> Any:
    """Return what pandas would infer from the real name, which the temporary one hides."""
    return {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}.get(path.suffix)


_READERS: Mapping[str, Callable[..., Any]] = {"csv": _read_csv, "parquet": _read_parquet}
_WRITERS: Mapping[str, Callable[..., Any]] = {"csv": _write_csv, "parquet": _write_parquet, "json": _write_json}
