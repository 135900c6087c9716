"""Mail by the customer's own mail server."""

from adapters.mail.adapter import Mail

__all__ = ["Mail"]
