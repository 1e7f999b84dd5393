"""Scans and what they show: classifiers a clinician can question, and the dossier of a reader study."""

from appkit.domain import Domain
from domains.medical.data import (
    load_brain_mri,
    load_busi,
    load_chest_xray_test,
    load_image_folder,
    load_pneumoniamnist,
)
from domains.medical.demo import demo
from domains.medical.model import MedicalImageClassifier
from domains.medical.phantoms import make_phantoms
from domains.medical.report import report_sections

__all__ = [
    "DOMAIN",
    "MedicalImageClassifier",
    "load_brain_mri",
    "load_busi",
    "load_chest_xray_test",
    "load_image_folder",
    "load_pneumoniamnist",
    "make_phantoms",
]

DOMAIN = Domain(
    name="medical",
    title="Medical imaging",
    estimators={"MedicalImageClassifier": MedicalImageClassifier},
    datasets={
        "pneumoniamnist": load_pneumoniamnist,
        "busi_128": load_busi,
        "brain_mri": load_brain_mri,
        "chest_xray_test": load_chest_xray_test,
        "make_phantoms": make_phantoms,
    },
    demo=demo,
    wording={
        "event": "finding",
        "row": "image",
        "rows": "images",
        "case": "image",
        "group": "patient",
        "groups": "patients",
        "passed": "not flagged",
        "happened": "had the finding",
        "stayed": "had no finding",
    },
    report_sections=report_sections,
)
