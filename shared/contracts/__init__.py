"""The published language: every business event, who reads it, every path. The only business words here."""

from shared.contracts import certification, enrollment, payment
from shared.contracts.registry import REGISTRY

__all__ = ["REGISTRY", "certification", "enrollment", "payment"]
