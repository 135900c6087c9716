"""Zendesk Support. zenpy (GPL-3) is imported here only, and only where the extra is installed."""

from adapters.zendesk.crm import Zendesk

__all__ = ["Zendesk"]
