"""Recommenders as modules: from a user's history to a score of every item, and how each is fitted."""
