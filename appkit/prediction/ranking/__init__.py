"""How good ranked lists of advice are: accuracy, variety, paired differences, and for whom."""

from appkit.prediction.ranking.comparison import (
    PairedDifference,
    RankingComparison,
    compare_rankings,
    paired_difference,
)
from appkit.prediction.ranking.evaluation import RankingResult, evaluate_ranking
from appkit.prediction.ranking.history import HistoryGroup, by_history
from appkit.prediction.ranking.similarity import ItemSimilarity

__all__ = [
    "HistoryGroup",
    "ItemSimilarity",
    "PairedDifference",
    "RankingComparison",
    "RankingResult",
    "by_history",
    "compare_rankings",
    "evaluate_ranking",
    "paired_difference",
]
