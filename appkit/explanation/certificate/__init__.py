"""The proof an explanation carries: what was checked, and how far its rankings hold."""

from appkit.explanation.certificate.agreement import rank_agreement, top_kept
from appkit.explanation.certificate.certificate import Certificate, certify
from appkit.explanation.certificate.checks import CHECK_LIMITS, Check
from appkit.explanation.certificate.pointing import Pointing, pointing_accuracy
from appkit.explanation.certificate.randomisation import RandomisationTest, randomisation_test
from appkit.explanation.certificate.ranking import Ranking, rank_players
from appkit.explanation.certificate.removal import RemovalTest, removal_test
from appkit.explanation.certificate.verdict import Verdict

__all__ = [
    "certify",
    "Certificate",
    "Check",
    "CHECK_LIMITS",
    "Verdict",
    "Ranking",
    "rank_players",
    "RemovalTest",
    "removal_test",
    "rank_agreement",
    "top_kept",
    "RandomisationTest",
    "randomisation_test",
    "Pointing",
    "pointing_accuracy",
]
