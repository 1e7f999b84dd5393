"""Evaluate coalitions in fused batches of one fixed size, so that the batching never shows in the answer."""

import contextlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from appkit.explanation.game import Game

__all__ = ["BatchedGame"]

_LEAST_BATCH = 64
_CPU_BATCH = 1024
_GPU_BATCH = 16384
_ROWS_AT_ONCE = 65536  # outputs kept until they are averaged; no batch depends on it


class BatchedGame(Game):
    """A game that pairs rows with coalitions and references, batch by batch.

    Subclasses say what the model answers to aligned rows, references and players (:meth:`_outputs`). Every batch is
    padded to a power of two, since matrix kernels treat the rows of a ragged batch differently and round accordingly:
    the last batch of a question to the next one, all others are whole. A device that runs out of memory halves the
    batch.

    Two coalitions are cheap: the full one shows nothing of the background, so one evaluation stands for all
    references; the empty one shows nothing of the row, so one row stands for all, and its answers are kept.

    Parameters
    ----------
    player_names, output_names, units, n_rows, n_references, n_members
        See :class:`~appkit.explanation.game.Game`.
    device
        Where tensors live.
    batch_size
        Model rows per call, a power of two from 64 on; ``None`` chooses by device.
    """

    def __init__(
        self,
        *,
        player_names: Sequence[str],
        output_names: Sequence[str],
        units: str,
        n_rows: int,
        n_references: int,
        n_members: int = 1,
        device: str = "cpu",
        batch_size: int | None = None,
    ) -> None:
        if n_rows == 0 or n_references == 0 or not player_names:
            raise ValueError(
                f"X, background and players must not be empty, got {n_rows} rows, {n_references} background rows "
                f"and {len(player_names)} players."
            )
        self.player_names = tuple(player_names)
        self.output_names = tuple(output_names)
        self.units = units
        self.n_rows = n_rows
        self.n_references = n_references
        self.n_members = n_members
        self.n_evaluations = 0
        self._fills_are_shared = True  # else the empty coalition shows something of the row
        self._said_of_references: dict[bool, Tensor] = {}  # (n_references, n_outputs), once asked; by roughness
        self._is_exact = False
        self._is_rough = False  # whether the present question may be answered in low precision
        self._device = device
        self._batch_size = _checked_batch_size(batch_size, device)

    @property
    def device(self) -> str:
        """Device of the tensors that go in and come out."""
        return self._device

    @contextlib.contextmanager
    def exactly(self) -> Iterator[None]:
        """Answer every question in full precision; else those that name references may be answered in less."""
        before, self._is_exact = self._is_exact, True
        try:
            yield
        finally:
            self._is_exact = before

    @abstractmethod
    def _outputs(self, rows: Tensor, references: Tensor, *, present: Tensor, members: Tensor | None) -> Tensor:
        """Return outputs, float64 ``(n, n_outputs)``, of ``n`` rows filled from as many references.

        ``rows``, ``references`` and ``members`` are int64 ``(n,)``, ``present`` is bool ``(n, n_players)``.
        """

    @torch.no_grad()
    def values(
        self,
        coalitions: Tensor,
        *,
        rows: Tensor | None = None,
        references: Tensor | None = None,
        members: Tensor | None = None,
    ) -> Tensor:
        """Return outputs, float64 ``(n_rows, n_coalitions, n_outputs)``; see :meth:`Game.values`."""
        self._is_rough = references is not None and not self._is_exact
        rows = torch.arange(self.n_rows, device=self.device) if rows is None else rows
        shape = (len(rows), len(coalitions), len(self.output_names))
        values = torch.empty(shape, dtype=torch.float64, device=self.device)
        size = coalitions.sum(1)
        empty, full = size == 0, size == coalitions.shape[1]
        inner = ~(empty | full)
        values[:, empty] = self._empty(
            rows, size[empty], references=_of(references, empty), members=_of(members, empty)
        )
        values[:, full] = self._full(rows, size[full], members=_of(members, full))
        values[:, inner] = self._mean_outputs(
            coalitions[inner], rows, references=_of(references, inner), members=_of(members, inner)
        )
        return values

    def _empty(self, rows: Tensor, asked: Tensor, *, references: Tensor | None, members: Tensor | None) -> Tensor:
        """Return outputs of as many empty coalitions as ``asked`` is long, one row standing for all where it can."""
        nobody = torch.zeros(len(asked), len(self.player_names), dtype=torch.bool, device=self.device)
        if not self._fills_are_shared or not len(asked):
            return self._mean_outputs(nobody, rows, references=references, members=members)
        if members is not None:
            return self._mean_outputs(nobody, rows[:1], references=references, members=members)
        if self._is_rough not in self._said_of_references:
            everyone = torch.arange(self.n_references, device=self.device)
            nobody = torch.zeros(self.n_references, len(self.player_names), dtype=torch.bool, device=self.device)
            said = self._mean_outputs(nobody, rows[:1] * 0, references=everyone, members=None)[0]
            self._said_of_references[self._is_rough] = said
        said = self._said_of_references[self._is_rough]
        return said.mean(0).expand(len(asked), -1) if references is None else said[references]

    def _full(self, rows: Tensor, asked: Tensor, *, members: Tensor | None) -> Tensor:
        """Return outputs of as many full coalitions as ``asked`` is long; those of the same heads are one."""
        n_asked = min(len(asked), 1) if members is None else len(asked)
        everybody = torch.ones(n_asked, len(self.player_names), dtype=torch.bool, device=self.device)
        return self._mean_outputs(everybody, rows, references=torch.zeros_like(asked[:n_asked]), members=members)

    def _mean_outputs(
        self, coalitions: Tensor, rows: Tensor, *, references: Tensor | None, members: Tensor | None
    ) -> Tensor:
        """Return outputs averaged over the references of each coalition, ``(n_rows, n_coalitions, n_outputs)``."""
        shape = (len(rows), len(coalitions), len(self.output_names))
        if 0 in shape:
            return torch.zeros(shape, dtype=torch.float64, device=self.device)
        asked = torch.arange(self.n_references, device=self.device)[None] if references is None else references[:, None]
        asked = asked.expand(len(coalitions), -1)
        n_pairs, width = len(rows) * len(coalitions), asked.shape[1]
        means = []
        for pair in torch.arange(n_pairs, device=self.device).split(max(1, _ROWS_AT_ONCE // width)):
            coalition = pair % len(coalitions)
            outputs = self._padded_outputs(
                _repeated(rows.index_select(0, pair // len(coalitions)), width),
                asked.index_select(0, coalition).flatten(),
                present=_repeated(coalitions.index_select(0, coalition), width),
                members=None if members is None else _repeated(members.index_select(0, coalition), width),
            )
            self.n_evaluations += len(outputs)
            means.append(outputs.view(len(pair), width, -1).mean(1))
        return torch.cat(means).view(shape)

    def _padded_outputs(self, rows: Tensor, references: Tensor, *, present: Tensor, members: Tensor | None) -> Tensor:
        """Return outputs of ``n`` rows, asking always for a whole batch, or for halves of it where memory ends."""
        parts = []
        start = 0
        while start < len(rows):
            n_asked = self._rows_at_once(len(rows) - start)
            try:
                outputs = self._outputs(
                    _padded(rows, start, n_asked),
                    _padded(references, start, n_asked),
                    present=_padded(present, start, n_asked),
                    members=None if members is None else _padded(members, start, n_asked),
                )
            except torch.OutOfMemoryError:
                if self._batch_size // 2 < _LEAST_BATCH:
                    raise
                self._batch_size //= 2
                continue
            parts.append(outputs[: len(rows) - start])
            start += n_asked
        return _finite(torch.cat(parts))

    def _rows_at_once(self, n_left: int) -> int:
        """Return the rows of the next batch: a CPU rounds alike in every power of two from 64 on, a GPU may not."""
        if self.device != "cpu":
            return self._batch_size
        return min(self._batch_size, max(_LEAST_BATCH, 1 << (n_left - 1).bit_length()))


def _repeated(tensor: Tensor, times: int) -> Tensor:
    return tensor if times == 1 else tensor.repeat_interleave(times, dim=0)


def _padded(tensor: Tensor, start: int, n_asked: int) -> Tensor:
    """Return ``n_asked`` entries from ``start`` on, the last of all repeated where they end."""
    part = tensor[start : start + n_asked]
    if len(part) == n_asked:
        return part
    return torch.cat([part, tensor[-1:].expand(n_asked - len(part), *tensor.shape[1:])])


def _of(tensor: Tensor | None, chosen: Tensor) -> Tensor | None:
    return None if tensor is None else tensor[chosen]


def _checked_batch_size(batch_size: int | None, device: str) -> int:
    if batch_size is None:
        return _CPU_BATCH if device == "cpu" else _GPU_BATCH
    if batch_size < _LEAST_BATCH or batch_size.bit_count() != 1:
        raise ValueError(f"batch_size must be a power of two from {_LEAST_BATCH} on, got {batch_size!r}.")
    return batch_size


def _finite(outputs: Tensor) -> Tensor:
    if not torch.isfinite(outputs).all():
        raise ValueError("The model must answer with finite numbers, got NaN or infinity for a masked row.")
    return outputs
