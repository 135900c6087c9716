"""The list of resources: a new one is a file and a line here, and rows in the access table."""

from __future__ import annotations

from flask import Flask

from connector.api import contacts, keys, workspaces
from connector.api.description import DescribedApi
from connector.api.health import health


def register(app: Flask, api: DescribedApi) -> None:
    """Register every resource, described ones under /api/v1."""
    app.register_blueprint(health)
    for resource in (workspaces.resource, keys.resource, contacts.resource):
        api.register_blueprint(resource, url_prefix="/api/v1")
