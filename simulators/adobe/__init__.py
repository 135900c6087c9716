"""Adobe Campaign's REST interface as its documentation shows it (state November 2026)."""

from simulators.adobe.service import AdobeCampaign

__all__ = ["AdobeCampaign"]
