"""Splio as its OpenAPI documents and guides show it (state August 2026)."""

from simulators.splio.service import Splio

__all__ = ["Splio"]
