"""A simulated HubSpot portal: `python -m simulators.hubspot`, or `running(HubSpot())` in a test."""

from simulators.hubspot.service import HubSpot

__all__ = ["HubSpot"]
