"""Mappings as files: a spreadsheet to fill in, a mapping as spreadsheet or YAML, and the upload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from connector.api.bodies import KIB, media_type, raw_body
from connector.api.context import Told, actor, changing, reading
from connector.api.description import Resource
from connector.documents import Document, read_yaml, write_yaml
from connector.responses.configuration import mappings, templates
from connector.responses.configuration.files import save_file
from connector.responses.configuration.sheet.package import MAX_FILE
from connector.responses.configuration.sheet.reading import read_sheet
from schemas.configuration import MappingFiledSchema, TemplateQuerySchema

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
YAML = "application/yaml"
# A hundred KiB of YAML take two seconds to read; 500 rows with their steps have fifty.
MAX_YAML = 128 * KIB
_READERS: dict[str, tuple[int, Callable[[bytes], Document]]] = {
    XLSX: (MAX_FILE, read_sheet),
    YAML: (MAX_YAML, read_yaml),
}
_ONE = "/mappings/<id:mapping_id>"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {XLSX: _BINARY, YAML: {"schema": {"type": "string"}}},
    }
}
resource = Resource("mapping files", __name__, description="Mappings as spreadsheets and YAML")


@resource.on(
    "GET", "/connections/<id:connection_id>/mapping.xlsx", query=TemplateQuerySchema, media=XLSX
)
def read_template(asked: dict[str, Any], connection_id: int) -> Response:
    """A spreadsheet to fill in: a survey's questions, and an entity's fields to choose from"""
    raw = reading(
        lambda store: templates.template(store, actor().workspace_id, connection_id, **asked)
    )
    return download(raw, XLSX, f"mapping-{connection_id}.xlsx")


@resource.on("GET", f"{_ONE}/mapping.xlsx", media=XLSX)
def read_as_sheet(mapping_id: int) -> Response:
    """The mapping's newest version as a spreadsheet, to change and upload"""
    raw = reading(lambda store: templates.filled(store, actor().workspace_id, mapping_id))
    return download(raw, XLSX, f"mapping-{mapping_id}.xlsx")


@resource.on("GET", f"{_ONE}/mapping.yaml", media=YAML)
def read_as_yaml(mapping_id: int) -> Response:
    """The mapping's newest version as YAML, to change and upload"""
    row = reading(lambda store: mappings.read(store, actor().workspace_id, mapping_id))
    return download(write_yaml(row["body"]).encode(), YAML, f"mapping-{mapping_id}.yaml")


@resource.on("POST", "/mappings/file", body=_UPLOAD, gives=MappingFiledSchema, status=201)
def save_mapping_file() -> dict[str, Any]:
    """Save a filled-in spreadsheet or a YAML file as the draft of the mapping it names

    It is checked as for publishing. Where anything is wrong nothing is stored, and every place is
    told at once, with its cell or line in `where`.
    """
    longest, read = _READERS[media_type(*_READERS)]
    document = read(raw_body(longest))
    return changing(
        lambda store: save_file(store, actor().workspace_id, document, actor=actor().name),
        lambda row: Told(f"mapping:{row['id']}", {"version": row["latest"]}),
    )


def download(raw: bytes, kind: str, name: str) -> Response:
    """A file to be kept under that name."""
    answer = Response(raw, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
