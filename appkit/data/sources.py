"""Find the file or folder of a public data set: on disk, in the user's cache, or at its publisher."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

from appkit.exceptions import DatasetNotFoundError

__all__ = ["Source", "download", "find_file", "find_folder"]


@dataclass(frozen=True)
class Source:
    """Where a file comes from and where it lies.

    Parameters
    ----------
    path
        Place below ``$APPKIT_DATA`` or the cache, such as ``"finance/adult/adult.data.gz"``.
    address
        Page at which a person gets the file.
    url, known_hash
        Direct address and the checksum *the publisher* gives for it (``"sha256:..."``, ``"md5:..."``); ``None`` where
        there is none, and then the file is never downloaded for the user.
    """

    path: str
    address: str
    url: str | None = None
    known_hash: str | None = None


def find_file(source: Source) -> Path:
    """Return the path of a file: under ``$APPKIT_DATA``, else in the user's cache, else downloaded into that cache.

    A compressed file (``.gz``) is also found uncompressed.

    Raises
    ------
    DatasetNotFoundError
        Saying where to get the file and where to put it.
    """
    for folder in _folders():
        for name in (source.path, source.path.removesuffix(".gz")):
            if (folder / name).is_file():
                return folder / name
    if source.url is None or source.known_hash is None:
        raise DatasetNotFoundError(_advice(source))
    return download(source.url, known_hash=source.known_hash, target=_cache_folder() / source.path)


def find_folder(source: Source) -> Path:
    """Return the path of a folder of files: under ``$APPKIT_DATA``, else in the user's cache.

    Raises
    ------
    DatasetNotFoundError
        Saying where to get it and where to put it.
    """
    for folder in _folders():
        if (folder / source.path).is_dir():
            return folder / source.path
    raise DatasetNotFoundError(_advice(source))


def download(url: str, *, known_hash: str, target: Path) -> Path:
    """Fetch a file, check it against the publisher's checksum, and put it at ``target``.

    Nothing is left behind when the download breaks off or the checksum differs.

    Raises
    ------
    ValueError
        For a checksum that is empty, or that the file does not have.
    DatasetNotFoundError
        When the address cannot be reached.
    """
    if not known_hash:
        raise ValueError(f"known_hash must be the publisher's checksum of {url}, got {known_hash!r}.")
    import pooch  # brings requests and a progress bar: only for who downloads

    try:
        return Path(pooch.retrieve(url, known_hash, fname=target.name, path=target.parent))
    except OSError as error:
        raise DatasetNotFoundError(
            f"{url} cannot be reached from here ({type(error).__name__}). Fetch it elsewhere and put it at {target}."
        ) from error


def _folders() -> list[Path]:
    declared = os.environ.get("APPKIT_DATA")
    return [Path(declared), _cache_folder()] if declared else [_cache_folder()]


def _cache_folder() -> Path:
    import pooch

    return Path(pooch.os_cache("appkit"))


def _advice(source: Source) -> str:
    declared = os.environ.get("APPKIT_DATA")
    place = f"$APPKIT_DATA ({declared})" if declared else "$APPKIT_DATA (not set)"
    publisher = urlparse(source.address).netloc
    return (
        f"{Path(source.path).name} is neither under {place} nor in the cache, and cannot be fetched for you: "
        f"{publisher} gives no checksum, or asks you to register. Get it from {source.address} and save it as "
        f"{_cache_folder() / source.path}, or set APPKIT_DATA to a folder that holds {source.path}."
    )
