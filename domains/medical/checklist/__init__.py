"""Reporting guidelines for imaging studies, filled from what a report knows."""

from domains.medical.checklist.claim import CLAIM
from domains.medical.checklist.filling import ChecklistCount, FilledItem, count_items, fill
from domains.medical.checklist.items import ChecklistItem
from domains.medical.checklist.study_facts import SplitFacts, StudyFacts
from domains.medical.checklist.tripod import TRIPOD_AI

__all__ = [
    "CLAIM",
    "TRIPOD_AI",
    "ChecklistItem",
    "SplitFacts",
    "StudyFacts",
    "FilledItem",
    "ChecklistCount",
    "fill",
    "count_items",
]
