"""Explanations that look inside a network: its gradients and its feature maps."""

from appkit.explanation.gradients.activation import grad_cam
from appkit.explanation.gradients.expected import expected_gradients

__all__ = ["expected_gradients", "grad_cam"]
