"""Grad-CAM: where the feature map that a convolutional network decides on lights up."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from appkit.explanation.explanation import Explanation
from appkit.explanation.games.tensor import TensorGame
from appkit.explanation.gradients.differentiation import batched, differentiating, gradients_of
from appkit.explanation.seeds import RandomState
from appkit.explanation.solvers.draws import endpoints
from appkit.model.flip_average import FlipAverage
from appkit.model.networks import MultiNetwork

__all__ = ["LEAST_MAP_SIDE", "grad_cam"]

LEAST_MAP_SIDE = 7
_POOLING = (nn.AvgPool2d, nn.MaxPool2d, nn.LPPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


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

    Of an ensemble the maps of its networks are added, each weighed by the gradient of what they say together. A network
    that also looks at the mirrored image has a map of that look, too, which is mirrored back.

    Parameters
    ----------
    game
        Images ``(n_rows, n_channels, height, width)``.
    layer
        Name of the module whose output is taken, as in ``named_modules()`` of the network (of each one in an ensemble),
        or the module itself. ``None`` takes the last feature map of at least 7 x 7 cells.
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
    feature_maps = _feature_maps(game, layer)
    ends = endpoints(game)
    values = _player_values(game, feature_maps)
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
        method=f"grad-cam ({'; '.join(dict.fromkeys(map(str, feature_maps)))})",
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
    root: object  # the network it is in, one of an ensemble
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


def _player_values(game: TensorGame, feature_maps: Sequence[_FeatureMap]) -> np.ndarray:
    """Return the mean map over each player's pixels, float64 ``(n_rows, n_players, n_outputs)``."""
    everyone = torch.arange(game.n_rows, device=game.device)
    with differentiating(game.network, everyone.device):
        values = batched(game, lambda rows: _map_values(game, feature_maps, rows), [everyone])
    return values.cpu().numpy()


def _map_values(game: TensorGame, feature_maps: Sequence[_FeatureMap], rows: Tensor) -> Tensor:
    elements = game.elements[rows]
    with contextlib.ExitStack() as stack:
        taps = [stack.enter_context(_Tap.on(found, elements)) for found in feature_maps]
        outputs = game.ask(elements, rows)
    looks = [look for tap in taps for look in tap.looks]
    values = []
    last = outputs.shape[1] - 1
    for k in range(last + 1):
        leaves = [look.leaf for look in looks]
        slopes = gradients_of(outputs[:, k], leaves, keep=k < last)
        maps = [_laid_over(look, slope, elements.shape[-2:]) for look, slope in zip(looks, slopes, strict=True)]
        over_image = torch.stack(maps).sum(0)
        values.append(game.player_means(over_image.expand(elements.shape), rows=rows))
    return torch.stack(values, dim=2)


def _laid_over(look: "_Look", slope: Tensor, size: torch.Size) -> Tensor:
    """Return the map of one look at the image in the size of the image, ``(n, 1, height, width)``."""
    weights = slope.mean((2, 3), keepdim=True)
    cam = (weights * look.leaf.detach()).sum(1, keepdim=True).relu()
    over_image = F.interpolate(cam, size=size, mode="bilinear", align_corners=False)
    return over_image.flip(-1) if look.is_mirrored else over_image


@dataclass(frozen=True)
class _Look:
    """A feature map of one pass of a network."""

    leaf: Tensor
    is_mirrored: bool


@dataclass
class _Tap:
    """Cuts the graph at a module, so that nothing before it is differentiated and nothing after writes into it.

    A module used several times in a pass is cut every time, and the last cut counts. A network asked several times has
    as many looks at the image.
    """

    images: Tensor
    looks: list[_Look] = field(default_factory=list)
    _is_new_pass: bool = True
    _is_mirrored: bool = False

    @classmethod
    @contextlib.contextmanager
    def on(cls, found: _FeatureMap, images: Tensor) -> Iterator["_Tap"]:
        tap = cls(images)
        with contextlib.ExitStack() as stack:
            if isinstance(found.root, nn.Module) and found.root is not found.module:
                stack.callback(found.root.register_forward_pre_hook(tap._begin).remove)
            stack.callback(found.module.register_forward_hook(tap._cut).remove)
            yield tap

    def _begin(self, root: nn.Module, inputs: tuple[object, ...]) -> None:
        seen = inputs[0] if inputs else None
        self._is_new_pass = True
        has_shape = isinstance(seen, Tensor) and seen.shape == self.images.shape
        self._is_mirrored = has_shape and torch.equal(seen, self.images.flip(-1))  # type: ignore[arg-type]

    def _cut(self, module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        look = _Look(output.detach().requires_grad_(), self._is_mirrored)
        if self._is_new_pass:
            self.looks.append(look)
        else:
            self.looks[-1] = look
        self._is_new_pass = False
        return look.leaf.clone()  # the next layer may work in place


def _feature_maps(game: TensorGame, layer: str | nn.Module | None) -> list[_FeatureMap]:
    """Return the map to take in each network of an ensemble, or in the only network."""
    if not isinstance(game, TensorGame):
        raise TypeError(f"Grad-CAM needs a game of images, got {type(game).__name__}. Use method='permutation'.")
    if isinstance(layer, nn.Module):
        return [_feature_map(game, game.network if isinstance(game.network, nn.Module) else layer, layer)]
    if not isinstance(game.network, nn.Module):
        raise TypeError(f"Grad-CAM needs a torch module, got the function {game.network!r}. Pass its module as layer=.")
    return [_feature_map(game, root, _module_named(root, layer)) for root in _looking_networks(game.network)]


def _looking_networks(network: nn.Module) -> list[nn.Module]:
    """Return the networks that look at images: those of an ensemble, without what makes them look at mirror images."""
    parts = list(network.modules())
    mirrored = [part.network for part in parts if isinstance(part, FlipAverage)]
    ensemble = next((part for part in parts if isinstance(part, MultiNetwork)), None)
    return mirrored or ([network] if ensemble is None else list(ensemble.networks))


def _module_named(root: nn.Module, layer: str | None) -> nn.Module | None:
    if layer is None:
        return None
    modules = dict(root.named_modules())
    if layer not in modules:
        raise ValueError(f"layer must be one of {[name for name in modules if name]}, got {layer!r}.")
    return modules[layer]


def _feature_map(game: TensorGame, root: nn.Module, wanted: nn.Module | None) -> _FeatureMap:
    nobody_else = torch.zeros(1, dtype=torch.int64, device=game.device)
    seen = _seen_maps(root, lambda: game.ask(game.elements[:1], nobody_else))
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


def _seen_maps(root: nn.Module, ask: Callable[[], Tensor]) -> list[_FeatureMap]:
    """Return the feature maps of one pass, in the order in which they are finished.

    A ``Sequential`` is left out, for its output is that of its last part.
    """
    seen: list[_FeatureMap] = []

    def watch(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def note(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output.is_floating_point():
                seen.append(_FeatureMap(root, name, module, *output.shape[2:]))

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
    """Return whether a map can be the image shrunk: a transformer's attention or its channels-last maps cannot.

    Nor is a pooled map one of its own: padded, it may even reach beyond the image.
    """
    if isinstance(found.module, _POOLING):
        return False
    height, width = game.elements.shape[-2:]
    return found.height <= height and abs(found.width - found.height * width / height) <= 1
