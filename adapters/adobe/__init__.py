"""Adobe Campaign (Standard, and what was migrated from it): profiles and their subscriptions."""

from adapters.adobe.adapter import AdobeCampaign

__all__ = ["AdobeCampaign"]
