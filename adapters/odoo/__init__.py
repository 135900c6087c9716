"""Odoo 11 to 18, hosted or on a customer's own server, over JSON-RPC without an SDK."""

from adapters.odoo.adapter import Odoo

__all__ = ["Odoo"]
