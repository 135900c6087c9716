"""Contacts: imported (bulk), found and shown (people), what happened to one (timeline)."""
