"""The shap package, imported where it is used and without the warnings its own imports set off."""

import warnings
from types import ModuleType

__all__ = ["import_shap"]


def import_shap() -> ModuleType:
    """Return the shap package; takes seconds the first time, since it brings its plots and numba."""
    with warnings.catch_warnings():
        # shap's own use of matplotlib, nothing a caller of ours can change
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        # a TqdmWarning in notebooks without ipywidgets; its class is not imported, since that sets it off
        warnings.filterwarnings("ignore", message="IProgress not found")
        import shap

    return shap
