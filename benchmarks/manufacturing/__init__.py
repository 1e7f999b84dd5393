"""Machines that fail against peers: ``python -m benchmarks.manufacturing --what life``, see ``__main__``."""
