"""Splio: contacts of one universe, and the lists they are on."""

from adapters.splio.adapter import Splio

__all__ = ["Splio"]
