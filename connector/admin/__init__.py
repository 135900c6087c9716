"""The pages: server-rendered, over the same functions as the API. docs/developing-pages.md says how
to add one.

    page.py       the blueprint of every page: who asks, forms that are ours, where one is sent
    language.py   texts in five languages
    shown.py      times, numbers and states as people read them
    refusing.py   what went wrong, as a page
"""

from __future__ import annotations

from flask import Flask

from connector.admin import (
    account,
    alerts,
    api_keys,
    apps,
    audit_log,
    automation_editor,
    automations,
    backfills,
    campaign_survey,
    campaigns,
    connections,
    consented,
    contact_fields,
    contacts,
    deliveries,
    extra_choice,
    fields,
    filling,
    forgotten,
    home,
    input_forms,
    invited,
    language,
    mapping_files,
    mapping_ready,
    mapping_rows,
    mappings,
    page,
    people,
    providing,
    refusing,
    responses,
    shown,
    signing_in,
    sources,
    standard,
    tag_settings,
    tour,
    trying,
    webhooks,
    why,
    workspace,
)

# Each adds its routes to the one blueprint when it is imported; a new page is a module and a word
# here, and rows in the access table.
PAGES = (
    account,
    alerts,
    api_keys,
    apps,
    audit_log,
    campaign_survey,
    campaigns,
    automation_editor,
    automations,
    backfills,
    connections,
    consented,
    contact_fields,
    contacts,
    deliveries,
    extra_choice,
    fields,
    filling,
    forgotten,
    home,
    input_forms,
    invited,
    mapping_files,
    mapping_ready,
    mapping_rows,
    mappings,
    people,
    providing,
    responses,
    signing_in,
    sources,
    tag_settings,
    standard,
    tour,
    trying,
    webhooks,
    workspace,
)


def install(app: Flask) -> None:
    """Serve the pages."""
    language.install(app)
    shown.install(app)
    why.install(app)
    refusing.install(app)
    app.register_blueprint(page.page)
