"""The list of resources: a new one is a file and a line here, and rows in the access table."""

from __future__ import annotations

from flask import Flask

from connector.api import (
    apps,
    audits,
    automations,
    backfills,
    campaigns,
    cards,
    connections,
    contacts,
    deliveries,
    drifts,
    extras,
    fields,
    grants,
    input_forms,
    keys,
    links,
    mapping_files,
    mappings,
    members,
    oauth_clients,
    provisioning,
    quotas,
    responses,
    sources,
    surveys,
    webhooks,
    workspaces,
)
from connector.api.card_requests import card_requests
from connector.api.crm_events import crm_events
from connector.api.description import DescribedApi
from connector.api.files import files
from connector.api.go import go
from connector.api.health import health
from connector.api.hooks import hooks
from connector.api.metrics import metrics

# What the survey platform's engineers come for is described first.
RESOURCES = (
    responses,
    workspaces,
    grants,
    members,
    keys,
    apps,
    oauth_clients,
    connections,
    fields,
    quotas,
    drifts,
    provisioning,
    cards,
    surveys,
    campaigns,
    contacts,
    extras,
    input_forms,
    links,
    mappings,
    backfills,
    mapping_files,
    automations,
    deliveries,
    sources,
    webhooks,
    audits,
)


def register(app: Flask, api: DescribedApi) -> None:
    """Register every resource, described ones under /api/v1."""
    app.register_blueprint(health)
    app.register_blueprint(metrics)
    app.register_blueprint(hooks)
    app.register_blueprint(card_requests)
    app.register_blueprint(crm_events)
    app.register_blueprint(go)
    app.register_blueprint(files)
    for module in RESOURCES:
        api.register_blueprint(module.resource, url_prefix="/api/v1")
