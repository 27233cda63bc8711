"""The published language: every business event, who reads it, and every path. The only business words in `shared`."""

from shared.contracts import certification, enrollment, payment
from shared.contracts.registry import REGISTRY

__all__ = ["REGISTRY", "certification", "enrollment", "payment"]
