"""Odoo as we know it: measured on a running Odoo 11, of later versions from memory."""

from simulators.odoo.service import Odoo

__all__ = ["Odoo"]
