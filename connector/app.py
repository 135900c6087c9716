"""The web process: create_app puts the API together, as a table of contents would."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from connector import admin
from connector.admin import page
from connector.api import asking, context, description, errors, headers, resources, versions
from connector.api.gate import Gate
from connector.connections.desk import Desk
from connector.db import Database
from connector.queues import Doorbell
from connector.responses.limiter import Limiter
from connector.responses.permit import permitting
from connector.settings import Settings, load_settings

# Nothing answers there, so that every ring is given up at once and the sweep does the work.
_NO_REDIS = "redis://127.0.0.1:1"


def create_app(settings: Settings | None = None, database: Database | None = None) -> Flask:
    """The WSGI application.

    The database is opened at the first use, so that the app starts while it is away. Raises
    KeysUnusable or SettingsError where keys or settings are wrong: refuse to start.
    """
    settings = settings or load_settings()
    app = Flask(__name__, static_folder=None, template_folder="templates")
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.config["TRAP_HTTP_EXCEPTIONS"] = False
    # A redirect to a tidied address would turn a POST into a surprise: an untidy one is no address.
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    context.install(app, open_hub(settings, database or Database(settings)))
    headers.install(app, https=settings.public_url.startswith("https://"))
    errors.install(app)
    asking.install(app, page_member=page.judged)
    versions.install(app)
    app.static_folder = "static"
    app.add_url_rule("/static/<path:filename>", "static", app.send_static_file)
    api = description.described(app)
    resources.register(app, api)
    admin.install(app)
    description.serve(app, api)
    if settings.proxies:
        proxied = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0)
        app.wsgi_app = proxied  # type: ignore[method-assign]
    return app


def open_hub(settings: Settings, database: Database) -> context.Hub:
    """What the app's requests work with."""
    bell = Doorbell(settings.redis_url or _NO_REDIS)
    limiter = Limiter(settings.redis_url or _NO_REDIS)
    desk = Desk.of(settings, database, permit=permitting(limiter, settings.rate_share))
    gate = Gate(settings.api_limits, settings.redis_url)
    return context.Hub(settings, database, desk, bell, gate, limiter)
