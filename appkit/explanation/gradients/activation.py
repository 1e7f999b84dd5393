"""Grad-CAM: where the feature map that a convolutional network decides on lights up."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from appkit.explanation.explanation import Explanation
from appkit.explanation.games.tensor import TensorGame
from appkit.explanation.gradients.differentiation import batched, differentiating, gradients
from appkit.explanation.seeds import RandomState
from appkit.explanation.solvers.draws import endpoints

__all__ = ["LEAST_MAP_SIDE", "grad_cam"]

LEAST_MAP_SIDE = 7


def grad_cam(
    game: TensorGame,
    *,
    layer: str | nn.Module | None = None,
    max_evaluations: int | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return the Grad-CAM map of each image, averaged over each player's pixels.

    A map's channels are weighed by the mean gradient of the output and summed; what speaks against the output is cut
    off at 0, and the rest is laid over the image. Values say where, not how much: they have no units, sum to nothing
    and compare within one image and output only. One gradient per image and output.

    Parameters
    ----------
    game
        Images ``(n_rows, n_channels, height, width)``.
    layer
        Name of the module whose output is taken, as in ``network.named_modules()``, or the module itself. ``None``
        takes the last feature map of at least 7 x 7 cells.
    max_evaluations, random_state, progress
        Unused, nothing is drawn; here so that every explainer is called alike.

    Returns
    -------
    Explanation
        Standard errors are NaN: the method has none.

    Raises
    ------
    TypeError
        If the game holds no tensors, or the network is a function and no module is given.
    ValueError
        If there is no such layer, or no feature map of at least 7 x 7 cells: one of few cells lights up anywhere.

    References
    ----------
    Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra (2017), Grad-CAM. ICCV.

    Examples
    --------
    >>> images = torch.zeros(1, 1, 8, 8)
    >>> images[0, 0, :4, :4] = 1.0  # bright, top left
    >>> conv = nn.Conv2d(1, 1, 1)
    >>> _ = nn.init.ones_(conv.weight), nn.init.zeros_(conv.bias)
    >>> network = nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> quarter = torch.arange(8) // 4
    >>> game = TensorGame(network, images, images * 0, players=quarter[:, None] * 2 + quarter, player_names="abcd")
    >>> explanation = grad_cam(game)
    >>> explanation.method
    'grad-cam (0, 8x8)'
    >>> bool(explanation.values[0, 0, 0] > 4 * explanation.values[0, 1, 0])
    True
    """
    started = game.n_evaluations
    feature_map = _feature_map(game, layer)
    ends = endpoints(game)
    values = _player_values(game, feature_map)
    return Explanation(
        values=values,
        standard_error=np.full_like(values, np.nan),
        base_value=ends.base.cpu().numpy(),
        output=ends.output.cpu().numpy(),
        residual=np.full(tuple(ends.output.shape), np.nan),
        data=game.data(),
        layout=game.layout(),
        player_names=game.player_names,
        output_names=game.output_names,
        method=f"grad-cam ({feature_map})",
        units="activation",
        n_evaluations=-(-(game.n_evaluations - started) // game.n_rows),
        is_additive=False,
        random_state=None,
        global_importance=np.abs(values).mean(0),
        global_standard_error=np.full(values.shape[1:], np.nan),
        local_fit=np.full(tuple(ends.output.shape), np.nan),
    )


@dataclass(frozen=True)
class _FeatureMap:
    name: str
    module: nn.Module
    height: int
    width: int

    def __str__(self) -> str:
        size = f"{self.height}x{self.width}"
        return f"{self.name}, {size}" if self.name else size

    @property
    def is_fine(self) -> bool:
        return min(self.height, self.width) >= LEAST_MAP_SIDE


def _player_values(game: TensorGame, feature_map: _FeatureMap) -> np.ndarray:
    """Return the mean map over each player's pixels, float64 ``(n_rows, n_players, n_outputs)``."""
    everyone = torch.arange(game.n_rows, device=game.device)
    with differentiating(game.network, everyone.device):
        values = batched(game, lambda rows: _map_values(game, feature_map, rows), [everyone])
    return values.cpu().numpy()


def _map_values(game: TensorGame, feature_map: _FeatureMap, rows: Tensor) -> Tensor:
    elements = game.elements[rows]
    with _Tap.on(feature_map.module) as tap:
        outputs = game.ask(elements, rows)
    values = []
    for gradient in gradients(outputs, tap.leaf):
        weights = gradient.mean((2, 3), keepdim=True)
        cam = (weights * tap.leaf.detach()).sum(1, keepdim=True).relu()
        over_image = F.interpolate(cam, size=elements.shape[-2:], mode="bilinear", align_corners=False)
        values.append(game.player_means(over_image.expand(elements.shape), rows=rows))
    return torch.stack(values, dim=2)


@dataclass
class _Tap:
    """Cuts the graph at a module, so that nothing before it is differentiated and nothing after writes into it."""

    leaf: Tensor = field(default_factory=lambda: torch.zeros(0))

    @classmethod
    @contextlib.contextmanager
    def on(cls, module: nn.Module) -> Iterator["_Tap"]:
        tap = cls()
        hook = module.register_forward_hook(tap._cut)
        try:
            yield tap
        finally:
            hook.remove()

    def _cut(self, module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        self.leaf = output.detach().requires_grad_()
        return self.leaf.clone()  # the next layer may work in place


def _feature_map(game: TensorGame, layer: str | nn.Module | None) -> _FeatureMap:
    if not isinstance(game, TensorGame):
        raise TypeError(f"Grad-CAM needs a game of images, got {type(game).__name__}. Use method='permutation'.")
    root, wanted = _modules(game.network, layer)
    seen = _seen_maps(root, lambda: game.ask(game.elements[:1], torch.zeros(1, dtype=torch.int64, device=game.device)))
    if wanted is not None:
        seen = [found for found in seen if found.module is wanted]
    fine = [found for found in seen if found.is_fine and (wanted is not None or _fits(found, game))]
    if not fine:
        shown = ", ".join(f"({found})" for found in seen[-3:]) or "none"
        raise ValueError(
            f"Grad-CAM needs a feature map of at least {LEAST_MAP_SIDE}x{LEAST_MAP_SIDE} cells, for a coarser one does "
            f"not say where; the last {'of the network are' if wanted is None else 'of the layer is'} {shown}. "
            "Explain larger images, name an earlier layer with layer=, or use method='permutation'."
        )
    return fine[-1]


def _modules(network: object, layer: str | nn.Module | None) -> tuple[nn.Module, nn.Module | None]:
    """Return where to look for feature maps, and the module asked for, if any."""
    if isinstance(layer, nn.Module):
        return network if isinstance(network, nn.Module) else layer, layer
    if not isinstance(network, nn.Module):
        raise TypeError(f"Grad-CAM needs a torch module, got the function {network!r}. Pass its module as layer=.")
    if layer is None:
        return network, None
    modules = dict(network.named_modules())
    if layer not in modules:
        raise ValueError(f"layer must be one of {[name for name in modules if name]}, got {layer!r}.")
    return network, modules[layer]


def _seen_maps(root: nn.Module, ask: Callable[[], Tensor]) -> list[_FeatureMap]:
    """Return the feature maps of one pass, in the order in which they are finished.

    A ``Sequential`` is left out, for its output is that of its last part.
    """
    seen: list[_FeatureMap] = []

    def watch(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def note(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output.is_floating_point():
                seen.append(_FeatureMap(name, module, *output.shape[2:]))

        return module.register_forward_hook(note)

    parts = [(name, part) for name, part in root.named_modules() if not isinstance(part, nn.Sequential)]
    hooks = [watch(name, part) for name, part in parts]
    try:
        with differentiating(root, next((p.device for p in root.parameters()), torch.device("cpu"))), torch.no_grad():
            ask()
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _fits(found: _FeatureMap, game: TensorGame) -> bool:
    """Return whether a map can be the image shrunk: a transformer's attention or its channels-last maps cannot."""
    height, width = game.elements.shape[-2:]
    return found.height <= height and abs(found.width - found.height * width / height) <= 1
