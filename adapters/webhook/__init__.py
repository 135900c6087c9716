"""Signed webhooks to a system of the customer's own."""

from adapters.webhook.adapter import Webhook

__all__ = ["Webhook"]
