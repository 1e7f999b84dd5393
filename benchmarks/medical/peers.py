"""What a user would build without this package: a plain ResNet-18, and a logistic regression on frozen features."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional

from appkit.data import split_by_group
from appkit.data.images import ImageShape
from appkit.model.device import place_images
from appkit.model.frozen_features import feature_matrix
from appkit.model.image_tensor import image_tensor
from appkit.model.pretrained import named_network, preprocessing
from appkit.model.resnet import ResNet
from benchmarks.medical.ours import LEARNING
from benchmarks.peers import Model

__all__ = ["FrozenRegression", "PlainResNet18", "frozen_regression", "plain_resnet"]

_SMALL = 64  # pixels a side under which the first layer must not go down, as MedMNIST's does not
_PENALTIES = tuple(10.0**k for k in range(-4, 2))


def plain_resnet(*, epochs: int) -> Model:
    """Return the peer that trains a ResNet-18 as MedMNIST's authors did, but for the number of epochs (theirs: 100)."""

    def build(seed: int, threads: int, shown: Mapping[str, Any]) -> Any:
        return PlainResNet18(epochs=epochs, random_state=seed)

    how = "pixels less .5 by .5; Adam .001, tenfold less at half and three quarters; epoch of best validation AUC"
    return Model("plain ResNet-18", build, ("torch",), {"epochs": epochs}, how)


def frozen_regression(name: str = "frozen features, logistic") -> Model:
    """Return the peer that reads the last features of an ImageNet network by a logistic regression."""

    def build(seed: int, threads: int, shown: Mapping[str, Any]) -> Any:
        return FrozenRegression(random_state=seed)

    how = "EfficientNet-Lite0 on the images as they are, what its own last layer reads, standardised; penalty by AUC "
    how += "over 5 inner folds of groups"
    return Model(name, build, ("torch", "scikit-learn"), {"penalties": list(_PENALTIES)}, how, sources=LEARNING)


class PlainResNet18:
    """A bare torch loop over a ResNet-18 for grey images.

    Parameters
    ----------
    epochs
        Passes over the images.
    batch_size
        Images per step.
    random_state
        Seed of weights and order.

    References
    ----------
    Yang et al. (2023). MedMNIST v2. Scientific Data 10:41: recipe, and no pooling after the first layer at 28 pixels.
    """

    def __init__(self, *, epochs: int, batch_size: int = 128, random_state: int = 0) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(
        self, X: np.ndarray, y: np.ndarray, groups: Any = None, *, X_val: Any = None, y_val: Any = None
    ) -> "PlainResNet18":
        """Train; without validation images on four fifths of the groups, the epoch chosen on the rest."""
        if X_val is None:
            kept, held = split_by_group(groups, test_size=0.2, random_state=self.random_state, y=y)
            X, y, X_val, y_val = X[kept], y[kept], X[held], y[held]
        with torch.random.fork_rng():
            torch.manual_seed(self.random_state)
            self.network = _SmallResNet() if min(X.shape[1:3]) < _SMALL else ResNet(18, n_channels=1, n_outputs=1)
            self.network = self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self._train(_scaled(X), torch.tensor(y, dtype=torch.float32), X_val, y_val)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of no event and of the event."""
        self.network.eval()
        with torch.no_grad():
            logits = torch.cat([self.network(part)[:, 0] for part in _scaled(X).split(256)])
        event = torch.sigmoid(logits.double()).numpy()
        return np.column_stack([1 - event, event])

    def _train(self, Z: Tensor, target: Tensor, X_val: np.ndarray, y_val: np.ndarray) -> None:
        optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        marks = [self.epochs // 2, self.epochs * 3 // 4]
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=marks, gamma=0.1)
        best, kept = -1.0, dict(self.network.state_dict())
        for _ in range(self.epochs):
            self._learn(Z, target, optimizer)
            schedule.step()
            area = float(roc_auc_score(y_val, self.predict_proba(X_val)[:, 1]))
            if area > best:
                best, kept = area, {name: value.clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(kept)

    def _learn(self, Z: Tensor, target: Tensor, optimizer: torch.optim.Optimizer) -> None:
        self.network.train()
        for rows in torch.randperm(len(Z)).split(self.batch_size):
            if len(rows) < 2:  # batch normalisation needs two
                continue
            with place_images("cpu").autocast():
                logits = self.network(Z[rows])[:, 0].float()
            loss = functional.binary_cross_entropy_with_logits(logits, target[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()


class FrozenRegression:
    """A logistic regression on the features that the last layer of an ImageNet network reads.

    Parameters
    ----------
    random_state
        Seed of the inner folds.
    """

    def __init__(self, *, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> "FrozenRegression":
        """Compute features once; choose the penalty on inner folds of whole groups."""
        self.features = _last_features(X.shape[1:])
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=self.random_state)
        regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
        grid = {"logisticregression__C": list(_PENALTIES)}
        self.search = GridSearchCV(regression, grid, scoring="roc_auc", cv=folds)
        self.search.fit(self._read(X), y, groups=groups)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of no event and of the event."""
        return self.search.predict_proba(self._read(X))

    def _read(self, X: np.ndarray) -> np.ndarray:
        scaling = preprocessing("efficientnet-lite0", n_channels=1)
        centre, scale = ([255 * value for value in moments] for moments in (scaling.mean, scaling.std))
        images = image_tensor(np.ascontiguousarray(X[..., None]), centre=centre, scale=scale)
        return feature_matrix(self.features, images, place_images("cpu")).numpy()


class _SmallResNet(ResNet):
    """A ResNet-18 whose first layer keeps the resolution."""

    def __init__(self) -> None:
        super().__init__(18, n_channels=1, n_outputs=1)
        self.conv1 = nn.Conv2d(1, 64, 3, padding=1, bias=False)

    def maps(self, x: Tensor) -> Any:
        x = functional.relu(self.bn1(self.conv1(x)))
        for k in range(1, 5):
            x = self.get_submodule(f"layer{k}")(x)
            yield x


def _last_features(sides: tuple[int, ...]) -> nn.Module:
    shape = ImageShape(n_channels=1, height=sides[0], width=sides[1])
    options: dict[str, Any] = {"weights": "published", "pooling": "last", "longest_side": None}
    return named_network("efficientnet-lite0", shape, 1, **options).eval()


def _scaled(X: np.ndarray) -> Tensor:
    """Return grey bytes between -1 and 1, float32 ``(n, 1, height, width)``."""
    return (torch.from_numpy(np.ascontiguousarray(X))[:, None].float() / 255 - 0.5) / 0.5
