"""The models of the table benchmark: ours and what a user would pick instead."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

import appkit
from appkit.exceptions import MissingDependencyError
from benchmarks.encodings import NativeCategories, imputed_categories, one_hot
from benchmarks.search import LIGHT_TUNE, SearchedXGBoost

__all__ = ["MODELS", "Model", "model_named", "variant_of_ours"]


@dataclass(frozen=True)
class Model:
    """How to build one competitor, and what its cached results depend on.

    Parameters
    ----------
    name
        Name on the command line.
    build
        ``build(seed, threads, parameters)`` returns an unfitted classifier that takes raw frames.
    packages
        Distributions whose versions its results depend on.
    parameters
        What differs from the library's defaults.
    encoding
        How the raw table reaches it.
    sources
        Folders of our own whose code its results depend on.
    """

    name: str
    build: Callable[[int, int, Mapping[str, Any]], Any]
    packages: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    encoding: str = "native"
    sources: tuple[str, ...] = ()

    def make(self, *, seed: int, threads: int) -> Any:
        """Return an unfitted classifier.

        Raises
        ------
        MissingDependencyError
            If a package it needs is absent; the message is the command that installs it.
        """
        self.versions()
        return self.build(seed, threads, self.parameters)

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages behind it."""
        return {package: _version(package) for package in self.packages}

    def fingerprint(self) -> str:
        """Return a hash of name, versions, parameters, encoding and, for ours, source files."""
        facts = [self.name, self.versions(), dict(self.parameters), self.encoding]
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for path in _source_files(self.sources):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + path.read_bytes())
        return digest.hexdigest()[:16]


def model_named(name: str) -> Model:
    """Return the competitor called ``name``."""
    if name not in MODELS:
        raise ValueError(f"models must be among {', '.join(MODELS)}, got {name!r}.")
    return MODELS[name]


def variant_of_ours(name: str, parameters: Mapping[str, Any]) -> Model:
    """Return our classifier with other parameters, shown as ``ours:name``."""
    return replace(MODELS["ours"], name=f"ours:{name}", parameters=dict(parameters))


def _ours(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
    from appkit.model import TabularClassifier

    return TabularClassifier(**parameters, random_state=seed)


def _logistic(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
    return make_pipeline(one_hot(), LogisticRegression(**parameters, random_state=seed))


def _mlp(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
    return make_pipeline(one_hot(), MLPClassifier(**parameters, random_state=seed))


def _hist_gradient_boosting(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
    return make_pipeline(NativeCategories(), HistGradientBoostingClassifier(**parameters, random_state=seed))


def _xgboost(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
    from xgboost import XGBClassifier

    model = XGBClassifier(**parameters, enable_categorical=True, n_jobs=threads, random_state=seed)
    return make_pipeline(NativeCategories(), model)


def _xgboost_search(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
    return SearchedXGBoost(**parameters, n_jobs=threads, random_state=seed)


def _tabm(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
    from pytabkit import TabM_D_Classifier

    model = TabM_D_Classifier(**parameters, device="cpu", n_threads=threads, random_state=seed)
    return make_pipeline(imputed_categories(), model)


def _realmlp(seed: int, threads: int, parameters: Mapping[str, Any]) -> Any:
    from pytabkit import RealMLP_TD_Classifier

    model = RealMLP_TD_Classifier(**parameters, device="cpu", n_threads=threads, random_state=seed)
    return make_pipeline(imputed_categories(), model)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError as err:
        raise MissingDependencyError(f"{package} is needed: pip install 'industry-appkit[bench]'.") from err


def _source_files(sources: tuple[str, ...]) -> list[Path]:
    return [path for source in sources for path in sorted((_PACKAGE / source).rglob("*.py"))]


_PACKAGE = Path(appkit.__file__).parent

# Stopping on cross-entropy, without label smoothing: pytabkit's defaults serve accuracy, this table judges
# probabilities, so each network also runs in the variant that suits the metric.
_CROSS_ENTROPY = {"val_metric_name": "cross_entropy"}

# scikit-learn's own early stopping gives up after ten epochs of four steps each on a table of 1,000 rows.
_PATIENT = {"early_stopping": True, "n_iter_no_change": 30, "batch_size": 64}

_OUR_PACKAGES = ("torch", "scikit-learn", "pandas", "tabm", "rtdl_num_embeddings")

_ALL = (
    Model("ours", _ours, _OUR_PACKAGES, sources=("data", "model")),
    Model("logistic", _logistic, ("scikit-learn",), {"max_iter": 2000}, "one-hot, imputed, standardised"),
    Model("histgb", _hist_gradient_boosting, ("scikit-learn",), {"categorical_features": "from_dtype"}),
    Model("xgboost", _xgboost, ("xgboost",)),
    Model("xgboost_light", _xgboost, ("xgboost",), LIGHT_TUNE),
    Model("mlp", _mlp, ("scikit-learn",), _PATIENT, "one-hot, imputed, standardised"),
    Model(
        "xgboost_search",
        _xgboost_search,
        ("xgboost",),
        {"n_trials": 50, "n_inner": 3, "max_cpu_seconds": 300.0},
        "native; log-loss on inner folds, first trial light tune, pruned at 2 %",
    ),
    Model("tabm", _tabm, ("pytabkit", "torch"), {}, "imputed, categories"),
    Model("tabm_ce", _tabm, ("pytabkit", "torch"), _CROSS_ENTROPY, "imputed, categories"),
    Model("realmlp", _realmlp, ("pytabkit", "torch"), {}, "imputed, categories"),
    Model("realmlp_ce", _realmlp, ("pytabkit", "torch"), {**_CROSS_ENTROPY, "use_ls": False}, "imputed, categories"),
)
MODELS = {model.name: model for model in _ALL}
