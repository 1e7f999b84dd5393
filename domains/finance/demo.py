"""The tour of the finance domain: fit, measure, explain and report on German Credit, with no network."""

from pathlib import Path

from rich.console import Console

from appkit.model import Costs
from appkit.prediction import evaluate
from appkit.reporting import report
from domains.finance.data import load_german_credit
from domains.finance.model import CreditRiskClassifier

__all__ = ["demo"]


def demo(out_dir: str | Path = ".", *, progress: bool = False) -> tuple[Path, Path]:
    """Fit a credit model on German Credit, print its metrics, write ``credit.html`` and ``credit.json``.

    Parameters
    ----------
    out_dir
        Folder to write into; it must exist.
    progress
        Whether to show progress bars.

    Returns
    -------
    tuple of Path
        The page and its facts.
    """
    console = Console()
    data = load_german_credit()
    X_train, X_test, y_train, y_test = data.split()
    assert data.costs is not None
    costs = Costs(missed_event=data.costs["missed_event"], false_alarm=data.costs["false_alarm"])
    console.print(f"Fitting CreditRiskClassifier on {len(X_train)} loans of {data.name} ...")
    model = CreditRiskClassifier(
        event=data.event, protected=data.protected, costs=costs, random_state=0, progress=progress
    )
    model.fit(X_train, y_train)
    console.print(str(evaluate(model, X_test, y_test)), highlight=False)
    console.print("Explaining and writing the report ...")
    page = report(
        model,
        X_test,
        y_test,
        title="Credit default (German Credit)",
        data_name="German Credit, test part",
        purpose="Shows what a report holds. Nobody decides by this model: the data are from 1973 to 1975.",
        reference=(X_train, y_train),
        challengers="auto",
        changeable={"credit_amount": "down", "duration_months": "either", "savings": "either"},
        limits={"AUC": (0.7, None), "Calibration slope": (0.7, 1.3), "PSI": (None, 0.1), "Approval ratio": (0.8, None)},
        random_state=0,
        progress=progress,
    )
    html, json = page.save(Path(out_dir) / "credit.html")
    console.print(f"Wrote {html} (open it in a browser) and {json}.", soft_wrap=True)
    return html, json
