"""The documents that are generated say what the code says; vendored files are what they were."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from connector import access, problems

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "connector" / "static"
AXE = ROOT / "tests" / "browser" / "axe"
VENDORED = [*(STATIC / name for name in ("swagger", "tabler", "htmx", "uplot", "icons")), AXE]


@pytest.mark.parametrize(
    ("name", "text"),
    [("access.md", access.documented()), ("api.md", problems.documented())],
)
def test_the_generated_table_is_the_newest(name, text):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8").endswith(text)


@pytest.mark.parametrize("folder", VENDORED, ids=lambda folder: folder.name)
def test_a_vendored_asset_is_unchanged_and_comes_with_its_licence(folder):
    lines = (folder / "MANIFEST.sha256").read_text().split("\n")
    named = {line[66:]: line[:64] for line in lines if line}
    assert "LICENSE" in named
    for file, digest in named.items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
    own = {"MANIFEST.sha256", "README.md"}
    assert {file.name for file in folder.iterdir()} == set(named) | own


def test_every_folder_of_assets_is_vendored_or_ours():
    static = {folder.name for folder in STATIC.iterdir()}
    assert static - {"docs", "pages"} == {folder.name for folder in VENDORED if folder != AXE}


def test_swagger_ui_brings_the_licences_of_what_it_bundles():
    assert (STATIC / "swagger" / "NOTICE").is_file()
    assert (STATIC / "swagger" / "swagger-ui-bundle.js.LICENSE.txt").is_file()


def test_no_asset_asks_another_site_for_anything():
    """Links in licences and messages are not followed; imports, fonts and sourcemaps would be."""
    for path in STATIC.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", text), path


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
