"""Trustpilot by its API: it writes to respondents itself, or makes the link they are led to."""

from adapters.trustpilot_api.adapter import TrustpilotAPI

__all__ = ["TrustpilotAPI"]
