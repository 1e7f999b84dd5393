"""Explanations against peers: problems with a known answer, methods of all libraries, one table."""
