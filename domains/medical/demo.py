"""The tour of the medical domain: fit, measure, explain and report on generated scans, with no network."""

from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from appkit.explanation import explain, pointing_accuracy
from appkit.prediction import auc
from appkit.prediction.thresholds import threshold_at_specificity
from appkit.reporting import report
from domains.medical.checklist import StudyFacts
from domains.medical.model import MedicalImageClassifier
from domains.medical.phantoms import make_phantoms
from domains.medical.prediction import referral_outcome, referral_threshold, sensitivity_at_specificity

__all__ = ["demo"]

_N_IMAGES = 600
_WIDTH, _MAX_EPOCHS = 8, 70  # one small network, so that the tour takes half a minute
_SPECIFICITY, _WANTED_ERROR = 0.9, 0.05
_PREVALENCE = 0.1  # half the phantoms show a lesion; where a model is used, few patients have one
_KNOWN = ["sex", "age_band", "site"]  # of each patient
_FIRST = 3  # patches named in a line


def demo(out_dir: str | Path = ".", *, progress: bool = False) -> tuple[Path, Path]:
    """Fit a classifier of generated scans, print how good it is and where it looks, write ``imaging.html``.

    Parameters
    ----------
    out_dir
        Folder to write into; it must exist.
    progress
        Whether to show progress bars.

    Returns
    -------
    tuple of Path
        The page and its facts, ``imaging.json``.
    """
    console = Console()
    data = make_phantoms(_N_IMAGES)
    assert data.metadata is not None
    assert data.masks is not None
    scans = data.metadata.assign(image=list(np.asarray(data.X)))
    *_, y_train, y_val, y_test = data.split_three()
    train, val, test = (scans.loc[labels.index] for labels in (y_train, y_val, y_test))
    console.print(f"Fitting MedicalImageClassifier on {len(train)} scans of {train['patient'].nunique()} patients ...")
    model = MedicalImageClassifier(
        event=data.event,
        image="image",
        patient="patient",
        n_networks=1,
        width=_WIDTH,
        max_epochs=_MAX_EPOCHS,
        random_state=0,
        progress=progress,
    )
    model.fit(train, y_train)
    console.print(_accuracy(model, (val, y_val), (test, y_test)), highlight=False, soft_wrap=True)
    console.print(_one_scan(model, test, y_test, data.masks[y_test.index]), highlight=False, soft_wrap=True)
    console.print("Explaining and writing the report ...")
    page = report(
        model,
        test,
        y_test,
        title="Lesions in scans (generated)",
        data_name="Phantoms, test part",
        purpose="Shows what a report holds. The scans are generated, and where their lesions lie is known.",
        reference=(train, y_train),
        validation=(val, y_val),
        prevalence=_PREVALENCE,
        study=StudyFacts(
            data_source=data.source,
            data_licence=data.licence,
            acquisition="generated: no patient, no device",
            event="a lesion, known as it was drawn there",
        ),
        challengers="auto",
        subgroups=_KNOWN,
        show_images=True,  # phantoms are nobody's patients
        limits={
            "AUC": (0.9, None),
            "Sensitivity at specificity 90 %": (0.8, None),
            "Error of images kept": (None, 0.1),
        },
        random_state=0,
        progress=progress,
    )
    html, json = page.save(Path(out_dir) / "imaging.html")
    console.print(f"Wrote {html} (open it in a browser) and {json}.", soft_wrap=True)
    return html, json


def _accuracy(
    model: MedicalImageClassifier, validation: tuple[pd.DataFrame, pd.Series], test: tuple[pd.DataFrame, pd.Series]
) -> str:
    """Measure on test scans, at thresholds chosen on validation scans; every interval goes by patient."""
    (val, y_val), (X, y) = validation, test
    p_val, p = model.probability_of_finding(val), model.probability_of_finding(X)
    event_val, event = y_val == model.event_, y == model.event_
    patients = X["patient"]
    ranked = auc(event, p, groups=patients)
    caught = sensitivity_at_specificity(
        event, p, specificity=_SPECIFICITY, y_val=event_val, p_val=p_val, groups=patients
    )
    threshold = threshold_at_specificity(event_val, p_val, _SPECIFICITY)
    rule = referral_threshold(event_val, p_val, threshold=threshold, wanted_error=_WANTED_ERROR, groups=val["patient"])
    told = referral_outcome(rule, event, p, groups=patients)
    return (
        f"On {len(X)} scans of {patients.nunique()} other patients, by whom the intervals are clustered:\n"
        f"{ranked}\n"
        f"{caught}, threshold {threshold:.2f} chosen on {len(val)} validation scans\n"
        f"A reader takes what the model is least sure of, by a rule that leaves {_WANTED_ERROR:.0%} errors on "
        f"validation scans: {told.referred.value:.1%} go to the reader, and {told.error.value:.1%} of the rest are "
        f"wrong ({told.error.low:.1%} to {told.error.high:.1%})."
    )


def _one_scan(model: MedicalImageClassifier, X: pd.DataFrame, y: pd.Series, masks: np.ndarray) -> str:
    """Explain the test scan of a lesion that stands in the middle by its probability, and look where the lesion is."""
    p = model.probability_of_finding(X)
    shown = np.flatnonzero(y == model.event_)
    scan = int(shown[np.argsort(p[shown], kind="stable")[len(shown) // 2]])
    why = explain(model, X.iloc[[scan]], random_state=0)
    effects, errors = why.values[0, :, 0], why.standard_error[0, :, 0]
    strongest = np.argsort(-np.abs(effects), kind="stable")[:_FIRST]
    named = [f"{why.player_names[i]} {effects[i]:+.2f} (standard error {errors[i]:.3f})" for i in strongest]
    is_hit = bool(pointing_accuracy(why, masks[[scan]]).hits[0])
    return (
        f"One scan, of {X['patient'].iloc[scan]}: probability of a lesion {p[scan]:.2f}, against "
        f"{why.base_value[0, 0]:.2f} for the mean training scan. Strongest patches: {'; '.join(named)}.\n"
        f"The first of them {'lies on' if is_hit else 'misses'} the true lesion, known as the scan is generated."
    )
