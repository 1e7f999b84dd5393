"""How images came to the network: kinds, sizes and depths of files, and what became of them."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from appkit.data.image_files import read_header
from appkit.exceptions import MissingDependencyError, SchemaError
from appkit.reporting import ReportContext
from appkit.reporting.content.phrasing import capital
from appkit.reporting.content.subject import ImageSubject
from appkit.reporting.facts import DataTable
from appkit.reporting.numbers import count_text
from domains.medical.report.parts import Part

__all__ = ["reading_table"]

_MOST_HEADERS = 300  # files of each part that are looked at


def reading_table(context: ReportContext, parts: Sequence[Part]) -> DataTable:
    """Return kind, size and depth of the files of each part, and what the network is given of them."""
    assert isinstance(context.subject, ImageSubject)
    seen = _seen_words(context)
    held = [part for part in parts if part.images is not None]
    return DataTable(
        title=f"The network sees {seen}",
        caption="Files as they are stored, and what became of them; counts of files in brackets",
        columns=("Part", "Kind", "Stored size", "Stored depth", "As the network sees them"),
        rows=tuple((capital(part.name), *_stored_words(part), seen) for part in held),
    )


def _seen_words(context: ReportContext) -> str:
    assert isinstance(context.subject, ImageSubject)
    shape, dtype = context.subject.images.shape, context.subject.images.pixels.dtype
    return f"{shape.height} × {shape.width} pixels, {_colour(shape.n_channels)}, {_depth(dtype)}"


def _stored_words(part: Part) -> tuple[str, str, str]:
    """Return kind, size and depth of the files of a part; at most 300 of them are opened."""
    assert part.images is not None
    names = part.images.names.astype(str)
    chosen = names[np.unique(np.linspace(0, len(names) - 1, min(len(names), _MOST_HEADERS)).astype(int))]
    if not os.path.isfile(chosen[0]):
        return "arrays", "not kept", "not kept"
    kinds: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    depths: Counter[str] = Counter()
    for name in chosen:
        try:
            header = read_header(name)
        except (SchemaError, MissingDependencyError):  # moved or changed since it was read
            continue
        kinds[Path(name).suffix.lstrip(".").upper() or "no suffix"] += 1
        sizes[f"{header.height} × {header.width}"] += 1
        depths[f"{_colour(header.n_channels)}, {_depth(header.dtype)}"] += 1
    some = "" if len(chosen) == len(names) else f"; {len(chosen)} of {count_text(len(names))} looked at"
    return f"{_most_common(kinds)}{some}", _most_common(sizes), _most_common(depths)


def _most_common(found: Counter[str], *, most: int = 3) -> str:
    told = [f"{name} ({count_text(n)})" for name, n in found.most_common(most)]
    rest = len(found) - most
    return ", ".join([*told, *([f"{rest} others"] if rest > 0 else [])])


def _colour(n_channels: int) -> str:
    return {1: "grey", 3: "colour"}.get(n_channels, f"{n_channels} channels")


def _depth(dtype: np.dtype) -> str:
    return "real numbers" if dtype.kind == "f" else f"{8 * dtype.itemsize} bits"
