"""Salesforce through simple-salesforce: contacts, accounts, leads, deals, cases, custom objects."""

from adapters.salesforce.adapter import Salesforce

__all__ = ["Salesforce"]
