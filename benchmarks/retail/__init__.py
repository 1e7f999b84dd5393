"""Recommendation, its reasons, purchases and demand, held against peers and targets."""
