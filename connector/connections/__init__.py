"""Managed authentications: how we connect to an app, keep its secrets and learn its fields."""
