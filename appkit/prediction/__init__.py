"""Metrics with intervals, operating points and costs: pure functions of outcomes and outputs."""
