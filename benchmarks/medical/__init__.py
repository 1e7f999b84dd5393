"""Image classifiers and their explanations against peers: ``python -m benchmarks.medical --what chest``."""
