"""The documents that are generated say what the code says; vendored files are what they were."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from connector import access, problems

ROOT = Path(__file__).parents[2]
SWAGGER = ROOT / "connector" / "static" / "swagger"


@pytest.mark.parametrize(
    ("name", "text"),
    [("access.md", access.documented()), ("api.md", problems.documented())],
)
def test_the_generated_table_is_the_newest(name, text):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8").endswith(text)


def test_swagger_ui_is_unchanged_and_comes_with_its_licences():
    lines = (SWAGGER / "MANIFEST.sha256").read_text().split("\n")
    named = {line[66:]: line[:64] for line in lines if line}
    assert {"LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"} <= set(named)
    for file, digest in named.items():
        assert hashlib.sha256((SWAGGER / file).read_bytes()).hexdigest() == digest
    own = {"MANIFEST.sha256", "README.md"}
    assert {file.name for file in SWAGGER.iterdir()} == set(named) | own


def test_the_description_is_valid_openapi_and_has_every_route_of_the_api(app, client):
    description = client.get("/api/openapi.json").json
    validate(description)
    assert description["openapi"].startswith("3.1")
    told = {
        (method.upper(), path)
        for path, operations in description["paths"].items()
        for method in operations
        if method != "parameters"
    }
    routes = {
        (method, access.readable(rule))
        for method, rule in access.ACCESS
        if rule.startswith("/api/v1")
    }
    assert told == routes


def test_every_operation_says_its_scope_and_has_a_summary(client):
    paths = client.get("/api/openapi.json").json["paths"]
    for operations in paths.values():
        for method, operation in operations.items():
            if method != "parameters":
                assert operation["summary"]
                assert operation["x-scope"]
                assert operation["operationId"]


def test_no_secret_field_is_ever_in_an_answer(client):
    schemas = client.get("/api/openapi.json").json["components"]["schemas"]
    secrets = {"client_secret", "access_token", "refresh_token", "digest_of_key"}
    for name, schema in schemas.items():
        if not name.startswith(("New", "ConnectionChange")):
            assert not secrets & set(schema.get("properties", {})), name
