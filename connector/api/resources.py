"""The list of resources: a new one is a file and a line here, and rows in the access table."""

from __future__ import annotations

from flask import Flask

from connector.api import contacts, deliveries, keys, responses, workspaces
from connector.api.description import DescribedApi
from connector.api.health import health

RESOURCES = (workspaces, keys, contacts, responses, deliveries)


def register(app: Flask, api: DescribedApi) -> None:
    """Register every resource, described ones under /api/v1."""
    app.register_blueprint(health)
    for module in RESOURCES:
        api.register_blueprint(module.resource, url_prefix="/api/v1")
