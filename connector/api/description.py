"""The description of the API (OpenAPI 3.1), and the page that draws it under the strict policy."""

from __future__ import annotations

import http
import json
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, render_template, url_for
from flask_smorest import Api, Blueprint
from flask_smorest.utils import prepare_response
from marshmallow import Schema
from werkzeug.routing import BaseConverter

from connector.access import readable, rule_for
from connector.api.bodies import STRICT
from connector.api.errors import MEDIA_TYPE
from connector.api.versions import DEPRECATED
from schemas.problem import ProblemSchema

MAX_ID_DIGITS = 18
MAX_KEY_LENGTH = 255


class IdConverter(BaseConverter):
    """An id of ours. More digits than a bigint holds are simply no route."""

    regex = rf"[1-9][0-9]{{0,{MAX_ID_DIGITS - 1}}}"

    def to_python(self, value: str) -> int:
        return int(value)


class WholeConverter(BaseConverter):
    """The rest of the path: an id of the caller's own that may hold a slash."""

    regex = rf"[^\x00-\x1f\x7f]{{1,{MAX_KEY_LENGTH}}}"
    part_isolating = False


class KeyConverter(BaseConverter):
    """A name or an id of the caller's own: no slash, no control sign."""

    regex = rf"[^/\x00-\x1f\x7f]{{1,{MAX_KEY_LENGTH}}}"


View = TypeVar("View", bound=Callable[..., Any])


class Resource(Blueprint):  # type: ignore[misc]
    """The endpoints of one resource; their arguments come through the strict decoder."""

    ARGUMENTS_PARSER = STRICT

    def on(
        self,
        method: str,
        rule: str,
        *,
        query: type[Schema] | None = None,
        takes: type[Schema] | None = None,
        body: dict[str, Any] | None = None,
        gives: type[Schema] | None = None,
        media: str | None = None,
        status: int = 200,
    ) -> Callable[[View], View]:
        """Serve `method` at `rule`; the view gets the loaded query, then the loaded body.

        `media` is the answer's type where it is no JSON.
        The first line of the view's docstring is the operation's summary.
        """

        def served(view: View) -> View:
            made = self.response(status, gives, content_type=media)(view)
            if body is not None:  # the view reads it itself
                made = self.doc(**body)(made)
            if takes is not None:
                made = self.arguments(takes)(made)
            if query is not None:
                made = self.arguments(query, location="query")(made)
            self.route(rule, methods=[method])(made)
            return view

        return served


class DescribedApi(Api):  # type: ignore[misc]
    """flask-smorest with our problem documents and our page instead of its own."""

    ERROR_SCHEMA = ProblemSchema

    def _register_responses(self) -> None:
        statuses = {status.name: status.phrase for status in http.HTTPStatus}
        for name, phrase in {**statuses, "DEFAULT_ERROR": "A refusal"}.items():
            told: dict[str, Any] = {"description": phrase, "schema": ProblemSchema}
            prepare_response(told, self.spec, MEDIA_TYPE)
            self.spec.components.response(name, told, lazy=True)

    def _register_error_handlers(self) -> None:
        """Nothing: errors.py answers every exception of the app."""


def described(app: Flask) -> DescribedApi:
    """The API of the app, to which resources are registered."""
    app.config.update(
        API_TITLE="Answerback",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "security": [{"key": []}],
            "info": {"description": _ABOUT, "license": {"name": "Apache-2.0"}},
        },
    )
    app.url_map.converters.update(id=IdConverter, key=KeyConverter, whole=WholeConverter)
    api = DescribedApi(app)
    api.register_converter(IdConverter, _id_shape)
    api.register_converter(KeyConverter, _key_shape)
    api.register_converter(WholeConverter, _key_shape)
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    return api


def serve(app: Flask, api: DescribedApi) -> None:
    """Serve the description and the page that draws it. After the last resource is registered."""
    _tell_access(app, api)
    text = json.dumps(api.spec.to_dict(), ensure_ascii=False)

    @app.get("/api/openapi.json", endpoint="openapi")
    def openapi() -> Response:
        return Response(text, mimetype="application/json")

    @app.get("/api/docs", endpoint="api_docs")
    def api_docs() -> str:
        return render_template("api_docs.html", description_url=url_for("openapi"))


def _tell_access(app: Flask, api: DescribedApi) -> None:
    """Every operation says the scope it asks, from the one table."""
    paths = api.spec.to_dict().get("paths", {})
    for route in app.url_map.iter_rules():
        for method in route.methods or ():
            operation = paths.get(readable(route.rule), {}).get(method.lower())
            rule = rule_for(method, route.rule)
            if operation is None or rule is None:
                continue
            operation["operationId"] = route.endpoint.replace(".", "_")
            if (method, route.rule) in DEPRECATED:
                operation["deprecated"] = True
            if rule.right is None:
                operation["security"] = []
            elif rule.scope:
                operation["x-scope"] = rule.scope.value


def _id_shape(_converter: BaseConverter) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": 10**MAX_ID_DIGITS - 1}


def _key_shape(_converter: BaseConverter) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH}


_ABOUT = """Survey answers go into the CRM: push responses, connect CRMs, map answers to fields, and
read what became of each.

Send `Authorization: Bearer <key>`. Every refusal is a problem document (RFC 9457): its `code` is
stable, its `mend` says what to do. Lists come page by page: send `next` back as `cursor`."""
