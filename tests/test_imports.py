"""Importing is quick and quiet: packages that only some calls need are not loaded before those calls."""

import json
import subprocess
import sys

HEAVY = {"shap", "lime", "xgboost", "matplotlib", "numba", "pooch"}

IMPORT_SHAP_IN_A_NOTEBOOK = """
import json, sys, types, warnings
sys.modules["ipykernel.zmqshell"] = types.ModuleType("ipykernel.zmqshell")
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: None)
sys.modules["ipywidgets"] = None  # absent
from appkit.explanation.shap_package import import_shap
for name in [name for name in sys.modules if name.split(".")[0] == "tqdm"]:
    del sys.modules[name]  # whoever came before shap may have set the warning off already
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import_shap()
    assert "tqdm.auto" in sys.modules
print(json.dumps([str(warning.message) for warning in caught]))
"""


def printed_by(script: str) -> object:
    """Return the JSON that a fresh interpreter prints."""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def test_importing_everything_public_leaves_heavy_packages_alone():
    domains = "domains.finance, domains.manufacturing, domains.medical, domains.retail"
    ours = f"appkit, appkit.explanation, appkit.reporting, {domains}"
    loaded = printed_by(f"import json, sys, {ours}; print(json.dumps(sorted(sys.modules)))")
    assert HEAVY.isdisjoint(loaded)


def test_shap_says_nothing_about_the_progress_bars_of_notebooks():
    assert not [text for text in printed_by(IMPORT_SHAP_IN_A_NOTEBOOK) if "IProgress" in text]
