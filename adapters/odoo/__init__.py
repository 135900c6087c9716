"""Odoo 11 to 19, hosted or on a customer's own server, over JSON-RPC or /json/2, without an SDK."""

from adapters.odoo.adapter import Odoo

__all__ = ["Odoo"]
