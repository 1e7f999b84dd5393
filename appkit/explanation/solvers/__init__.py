"""Solvers that see a game only: regression on coalitions."""

from appkit.explanation.solvers.coalitions import (
    PairedCoalitions,
    draw_paired_coalitions,
    n_all_pairs,
    one_player_apart,
)

__all__ = [
    "PairedCoalitions",
    "draw_paired_coalitions",
    "n_all_pairs",
    "one_player_apart",
]
