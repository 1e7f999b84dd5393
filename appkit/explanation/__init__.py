"""Shapley values and LIME over games, each with its own error."""
