"""Named parts in a zip or a folder, each with its hash: written whole or not at all, read with suspicion."""

import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appkit.exceptions import ArtefactError

__all__ = ["FORMAT_VERSION", "read_archive", "read_json", "unfinished", "write_archive", "write_json"]

FORMAT = "appkit-model"
FORMAT_VERSION = 1
_MANIFEST = "manifest.json"
_PART_NAME = re.compile(r"([A-Za-z0-9_]+/)?[A-Za-z0-9_]+\.(json|safetensors)")
_FOLDER_NAME = re.compile(r"[A-Za-z0-9_]+/")  # other tools write an entry for the folder itself
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first moment a zip can name: equal parts then give equal bytes
_AGAIN = "Copy or save it again."


def write_archive(path: Path, parts: Mapping[str, bytes], *, as_folder: bool = False) -> None:
    """Write ``parts`` and a manifest of their hashes to ``path``; equal parts give equal bytes.

    Parameters
    ----------
    path
        File, or folder with ``as_folder``; an earlier artefact there is replaced once the new one is complete.
    parts
        Contents by name, such as ``"model.json"`` or ``"fitted/schema.json"``.
    as_folder
        Whether to write a folder rather than a zip.

    Raises
    ------
    FileNotFoundError
        If the folder around ``path`` does not exist.
    FileExistsError
        If a folder is to be replaced that is no artefact.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent} must be a folder to save into, and does not exist. Create it first.")
    entries = {_MANIFEST: write_json(_manifest(parts), indent=2)} | dict(sorted(parts.items()))
    with unfinished(path) as partial:
        if as_folder:
            _write_folder(partial, entries)
            _replace_folder(partial, path)
        else:
            _write_zip(partial, entries)
            os.replace(partial, path)


def read_archive(path: Path) -> dict[str, bytes]:
    """Return the parts of an artefact after checking version, names, sizes and hashes. Nothing is unpacked to disk.

    Raises
    ------
    FileNotFoundError
        If there is nothing at ``path``.
    ArtefactError
        Naming the first thing that is wrong.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} must be a saved model, and there is nothing at that path.")
    entries = _read_folder(path) if path.is_dir() else _read_zip(path)
    if _MANIFEST not in entries:
        raise ArtefactError(f"{path} has no {_MANIFEST}: it was not written by appkit.save.")
    manifest = read_json(entries.pop(_MANIFEST), where=f"{path}: {_MANIFEST}")
    _check_version(manifest, path)
    _check_parts(manifest["parts"], entries, path)
    return entries


def write_json(value: Any, *, indent: int | None = None) -> bytes:
    """Return JSON text as bytes, keys in their order, no NaN."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(value, allow_nan=False, indent=indent, separators=separators).encode("ascii")


def read_json(content: bytes, *, where: str) -> dict[str, Any]:
    """Return the JSON object in ``content``; ``ArtefactError`` if it is none, ``where`` says which part it was."""
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_no_doubles, parse_constant=_no_constant)
    except (ValueError, RecursionError) as err:
        raise ArtefactError(f"{where} is not valid JSON ({err}). {_AGAIN}") from err
    if not isinstance(value, dict):
        raise ArtefactError(f"{where} must hold a JSON object, got {type(value).__name__}. {_AGAIN}")
    return value


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` to write under and rename from; leave nothing of that name behind."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        yield partial
    finally:
        _remove(partial)


def _manifest(parts: Mapping[str, bytes]) -> dict[str, Any]:
    facts = {n: {"bytes": len(parts[n]), "sha256": hashlib.sha256(parts[n]).hexdigest()} for n in sorted(parts)}
    return {"format": FORMAT, "format_version": FORMAT_VERSION, "parts": facts}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_zip(path: Path, entries: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name, date_time=_EARLIEST)
            info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16  # the same on every platform
            archive.writestr(info, content)  # stored, not deflated: weights do not shrink


def _write_folder(path: Path, entries: Mapping[str, bytes]) -> None:
    for name, content in entries.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _replace_folder(new: Path, path: Path) -> None:
    if not path.exists():
        os.replace(new, path)
        return
    if not path.is_dir() or (any(path.iterdir()) and not (path / _MANIFEST).is_file()):
        raise FileExistsError(f"{path} must be free, empty or a saved model to be replaced, and holds other files.")
    with unfinished(path) as old:
        os.replace(path, old)
        os.replace(new, path)


def _read_zip(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_zip(archive, path)
            files = [info for info in archive.infolist() if not info.is_dir()]
            return {info.filename: _read_entry(archive, info, path) for info in files}
    except (zipfile.BadZipFile, NotImplementedError) as err:
        raise ArtefactError(f"{path} is no complete zip ({err}): cut off, or no saved model. {_AGAIN}") from err


def _read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> bytes:
    try:
        return archive.read(info)
    except Exception as err:  # zipfile raises errors of struct, zlib and its own on damaged entries
        raise ArtefactError(f"{path}: part {info.filename!r} is damaged ({err}). {_AGAIN}") from err


def _check_zip(archive: zipfile.ZipFile, path: Path) -> None:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    for info in infos:
        _check_name(info.filename, path)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ArtefactError(f"{path}: {info.filename!r} is a link. A saved model holds plain files only.")
        if names.count(info.filename) > 1:
            raise ArtefactError(f"{path}: {info.filename!r} is there more than once. {_AGAIN}")
    declared, size = sum(info.file_size for info in infos), path.stat().st_size
    if declared > 2**26 + 20 * size:
        raise ArtefactError(f"{path} would unpack from {size:,} to {declared:,} bytes: refused as a zip bomb.")


def _read_folder(path: Path) -> dict[str, bytes]:
    entries = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.is_symlink():
            raise ArtefactError(f"{path}: {name!r} is a link. A saved model holds plain files only.")
        if file.is_dir():
            continue
        _check_name(name, path)
        entries[name] = file.read_bytes()
    return entries


def _check_name(name: str, path: Path) -> None:
    if not _PART_NAME.fullmatch(name) and not _FOLDER_NAME.fullmatch(name):
        raise ArtefactError(f"{path}: {name!r} is no name of a part of a saved model: foreign file, or path escape.")


def _check_version(manifest: Mapping[str, Any], path: Path) -> None:
    if manifest.get("format") != FORMAT:
        raise ArtefactError(f"{path}: format must be {FORMAT!r}, got {manifest.get('format')!r}.")
    version = manifest.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ArtefactError(f"{path}: format_version must be a whole number from 1, got {version!r}.")
    if version > FORMAT_VERSION:
        raise ArtefactError(
            f"{path} has format version {version}; this appkit reads up to {FORMAT_VERSION}. "
            "Upgrade it: pip install --upgrade industry-appkit."
        )
    for field in manifest:
        if field not in ("format", "format_version", "parts"):
            raise ArtefactError(f"{path}: {_MANIFEST} has the unknown field {field!r}.")


def _check_parts(listed: Any, entries: Mapping[str, bytes], path: Path) -> None:
    if not isinstance(listed, dict) or not all(isinstance(fact, dict) for fact in listed.values()):
        raise ArtefactError(f"{path}: parts of {_MANIFEST} must be facts by name.")
    for name in [*listed, *entries]:
        if name not in entries:
            raise ArtefactError(f"{path}: part {name!r} is missing. {_AGAIN}")
        if name not in listed:
            raise ArtefactError(f"{path}: {name!r} is not listed in {_MANIFEST}. Remove it.")
        if hashlib.sha256(entries[name]).hexdigest() != listed[name].get("sha256"):
            raise ArtefactError(f"{path}: part {name!r} has another hash than {_MANIFEST} says: changed or damaged.")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field appears twice")
    return fields


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
