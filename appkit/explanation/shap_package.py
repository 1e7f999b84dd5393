"""The shap package, imported where it is used and without the deprecations it sets off in matplotlib."""

import warnings
from types import ModuleType

__all__ = ["import_shap"]


def import_shap() -> ModuleType:
    """Return the shap package; takes seconds the first time, since it brings its plots and numba."""
    with warnings.catch_warnings():
        # shap's own use of matplotlib, nothing a caller of ours can change
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        import shap

    return shap
