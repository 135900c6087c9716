"""The list of resources: a new one is a file and a line here, and rows in the access table."""

from __future__ import annotations

from flask import Flask

from connector.api import (
    apps,
    campaigns,
    connections,
    contacts,
    deliveries,
    keys,
    oauth_clients,
    responses,
    surveys,
    workspaces,
)
from connector.api.description import DescribedApi
from connector.api.health import health
from connector.api.oauth import callback

RESOURCES = (
    workspaces,
    keys,
    apps,
    oauth_clients,
    connections,
    surveys,
    campaigns,
    contacts,
    responses,
    deliveries,
)


def register(app: Flask, api: DescribedApi) -> None:
    """Register every resource, described ones under /api/v1."""
    app.register_blueprint(health)
    app.register_blueprint(callback)
    for module in RESOURCES:
        api.register_blueprint(module.resource, url_prefix="/api/v1")
