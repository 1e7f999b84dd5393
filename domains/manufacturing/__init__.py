"""Machines that wear and fail: sensor series and tables, with what is known about their failures."""

from domains.manufacturing.data import (
    CMAPSS_SENSORS,
    load_ai4i,
    load_cmapss,
    load_steel_plates,
    make_degradation,
    make_milling_machines,
)
from domains.manufacturing.targets import fails_within, remaining_life, time_to_event

__all__ = [
    "CMAPSS_SENSORS",
    "fails_within",
    "load_ai4i",
    "load_cmapss",
    "load_steel_plates",
    "make_degradation",
    "make_milling_machines",
    "remaining_life",
    "time_to_event",
]
