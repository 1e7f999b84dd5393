"""Credit risk: probability of default and ratings, with the measures, reason codes and sections a validator wants."""

from appkit.domain import Domain
from domains.finance.data import (
    load_adult,
    load_german_credit,
    load_give_me_some_credit,
    load_heloc,
    load_hmeq,
    make_loans,
)
from domains.finance.demo import demo
from domains.finance.model import CreditRatingClassifier, CreditRiskClassifier, find_protected
from domains.finance.report import report_sections
from domains.finance.scale import MasterScale, pd_from_points, score_points

__all__ = [
    "DOMAIN",
    "CreditRatingClassifier",
    "CreditRiskClassifier",
    "MasterScale",
    "find_protected",
    "load_adult",
    "load_german_credit",
    "load_give_me_some_credit",
    "load_heloc",
    "load_hmeq",
    "make_loans",
    "pd_from_points",
    "score_points",
]

DOMAIN = Domain(
    name="finance",
    title="Credit risk",
    estimators={
        "CreditRiskClassifier": CreditRiskClassifier,
        "CreditRatingClassifier": CreditRatingClassifier,
    },
    datasets={
        "german_credit": load_german_credit,
        "adult": load_adult,
        "heloc": load_heloc,
        "hmeq": load_hmeq,
        "give_me_some_credit": load_give_me_some_credit,
        "make_loans": make_loans,
    },
    demo=demo,
    wording={
        "event": "default",
        "row": "loan",
        "rows": "loans",
        "others": "good loans",
        "case": "applicant",
        "flags": "declines",
        "flagged": "declined",
        "passed": "accepted",
        "happened": "defaulted",
        "stayed": "repaid",
    },
    report_sections=report_sections,
)
