"""HubSpot: contacts, companies, deals, tickets and custom objects over the dated CRM paths."""

from adapters.hubspot.adapter import HubSpot

__all__ = ["HubSpot"]
