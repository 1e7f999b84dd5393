"""Machines that wear and fail: how long they have left, whether they fail soon, and which sensor says so."""

from appkit.domain import Domain
from domains.manufacturing.data import (
    CMAPSS_SENSORS,
    load_ai4i,
    load_cmapss,
    load_steel_plates,
    make_degradation,
    make_milling_machines,
)
from domains.manufacturing.demo import demo
from domains.manufacturing.failure import FailureClassifier
from domains.manufacturing.remaining_life import RemainingLifeRegressor
from domains.manufacturing.report import report_sections
from domains.manufacturing.targets import fails_within, remaining_life, time_to_event

__all__ = [
    "CMAPSS_SENSORS",
    "DOMAIN",
    "FailureClassifier",
    "RemainingLifeRegressor",
    "fails_within",
    "load_ai4i",
    "load_cmapss",
    "load_steel_plates",
    "make_degradation",
    "make_milling_machines",
    "remaining_life",
    "time_to_event",
]

DOMAIN = Domain(
    name="manufacturing",
    title="Predictive maintenance",
    estimators={
        "RemainingLifeRegressor": RemainingLifeRegressor,
        "FailureClassifier": FailureClassifier,
    },
    datasets={
        "cmapss_fd001": load_cmapss,
        "ai4i2020": load_ai4i,
        "steel_plates": load_steel_plates,
        "make_milling_machines": make_milling_machines,
        "make_degradation": make_degradation,
    },
    demo=demo,
    # rows are windows of a series or lines of a table: what a report calls them comes with the data
    wording={
        "event": "failure",
        "passed": "not flagged",
        "happened": "failed",
        "stayed": "did not fail",
        "value": "remaining life",
        "loss_at": "low",
        "usual": "healthy windows",
    },
    report_sections=report_sections,
)
