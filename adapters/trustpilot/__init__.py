"""Trustpilot: respondents are led to a review that is theirs."""

from adapters.trustpilot.adapter import Trustpilot

__all__ = ["Trustpilot"]
