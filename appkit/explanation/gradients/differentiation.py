"""Differentiate a network in batches of one fixed size, and leave it as it was found."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from appkit.explanation.games.tensor import TensorGame
from appkit.model.evaluating import evaluating

__all__ = ["batched", "differentiating", "gradients", "gradients_of"]

# more rows a call are no faster where measured (GRU, 1-D CNN, ResNet-18), fewer lose up to half
_CPU_BATCH, _GPU_BATCH, _LEAST_BATCH = 256, 4096, 8
# a backward pass keeps every activation: rows of more numbers come in smaller batches
_CPU_ELEMENTS, _GPU_ELEMENTS = 2**19, 2**26


@contextlib.contextmanager
def differentiating(network: object, device: torch.device) -> Iterator[None]:
    """Switch gradients on and training off, whatever the caller has set; all is as before afterwards."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(evaluating(network))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if device.type == "cuda" and _may_be_recurrent(network):
            # cuDNN differentiates a recurrent layer in training mode only; torch's own kernels do in either
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield


def gradients(outputs: Tensor, inputs: Tensor) -> list[Tensor]:
    """Return the gradient of each output, one tensor like ``inputs`` per column of ``outputs`` ``(n, n_outputs)``.

    Parameters are not differentiated and nobody's ``.grad`` is touched.

    Raises
    ------
    ValueError
        If the outputs do not depend on the inputs in a way torch can follow.
    """
    last = outputs.shape[1] - 1
    return [gradients_of(outputs[:, k], [inputs], keep=k < last)[0] for k in range(last + 1)]


def batched(game: TensorGame, answer: Callable[..., Tensor], columns: Sequence[Tensor]) -> Tensor:
    """Return what ``answer`` says to columns, each ``(n, ...)``, joined along the first axis.

    Every call has the same number of rows, the last filled up: kernels round a ragged batch differently. A device that
    runs out of memory halves the batch.

    Raises
    ------
    ValueError
        If an answer is not finite.
    """
    n, size = len(columns[0]), _batch_size(game)
    parts: list[Tensor] = []
    start = 0
    while start < n:
        taken = torch.arange(start, start + size, device=columns[0].device).clamp(max=n - 1)
        try:
            part = answer(*(column[taken] for column in columns))
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            size //= 2
            continue
        parts.append(part[: n - start])
        start += size
    game.n_evaluations += n
    answers = torch.cat(parts)
    if not torch.isfinite(answers).all():
        raise ValueError(
            "The network must have finite gradients, got NaN or infinity. Use method='permutation', which needs none."
        )
    return answers


def _batch_size(game: TensorGame) -> int:
    on_cpu = torch.device(game.device).type == "cpu"
    most, elements = (_CPU_BATCH, _CPU_ELEMENTS) if on_cpu else (_GPU_BATCH, _GPU_ELEMENTS)
    fitting = elements // math.prod(game.elements.shape[1:])
    return min(most, 1 << max(fitting, _LEAST_BATCH).bit_length() - 1)


def _may_be_recurrent(network: object) -> bool:
    """Return whether a recurrent layer may be inside; a function does not show what it calls."""
    return not isinstance(network, nn.Module) or any(isinstance(part, nn.RNNBase) for part in network.modules())


def gradients_of(output: Tensor, inputs: Sequence[Tensor], *, keep: bool = False) -> list[Tensor]:
    """Return the gradient of one output, ``(n,)``, in each of several inputs.

    ``keep`` says whether the graph is differentiated once more. See :func:`gradients`.
    """
    found: tuple[Tensor | None, ...] = (None,)
    if output.requires_grad:
        found = torch.autograd.grad(output.sum(), list(inputs), retain_graph=keep, allow_unused=True)
    known = [gradient for gradient in found if gradient is not None]
    if len(known) < len(inputs):
        raise ValueError(
            "The network must be differentiable in its input, got an output torch knows no gradient of (arrays, "
            "detached tensors or rounding on the way). Use method='permutation', which asks for outputs only."
        )
    return known
