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
    apps,
    connections,
    deliveries,
    fields,
    home,
    language,
    mapping_files,
    mapping_rows,
    mappings,
    page,
    refusing,
    shown,
    signing_in,
    trying,
)

# Each adds its routes to the one blueprint when it is imported; a new page is a module and a word
# here, and rows in the access table.
PAGES = (
    account,
    apps,
    connections,
    deliveries,
    fields,
    home,
    mapping_files,
    mapping_rows,
    mappings,
    signing_in,
    trying,
)


def install(app: Flask) -> None:
    """Serve the pages."""
    language.install(app)
    shown.install(app)
    refusing.install(app)
    app.register_blueprint(page.page)
