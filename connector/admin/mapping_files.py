"""Mappings as files: a spreadsheet or YAML taken away, changed, and brought back as the draft."""

from __future__ import annotations

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from connector.admin.language import gettext
from connector.admin.mappings import ONE, saved
from connector.admin.page import go, page, tell
from connector.api.context import changing, member, reading
from connector.api.mapping_files import MAX_YAML, XLSX, YAML
from connector.documents import read_yaml, write_yaml
from connector.problems import Code, Refusal
from connector.responses.configuration import mappings, templates
from connector.responses.configuration.files import save_file
from connector.responses.configuration.sheet.package import MAX_FILE
from connector.responses.configuration.sheet.reading import read_sheet


@page.get(f"{ONE}/mapping.xlsx")
def mapping_sheet(mapping_id: int) -> Response:
    """The newest version as a spreadsheet"""
    raw = reading(lambda store: templates.filled(store, member().workspace_id, mapping_id))
    return _download(raw, XLSX, f"mapping-{mapping_id}.xlsx")


@page.get(f"{ONE}/mapping.yaml")
def mapping_yaml(mapping_id: int) -> Response:
    """The newest version as YAML"""
    row = reading(lambda store: mappings.read(store, member().workspace_id, mapping_id))
    return _download(write_yaml(row["body"]).encode(), YAML, f"mapping-{mapping_id}.yaml")


@page.get("/w/<key:space>/fields/<id:connection_id>/mapping.xlsx")
def mapping_template(connection_id: int) -> Response:
    """A spreadsheet to fill in"""
    asked = {name: request.args.get(name) or None for name in ("entity", "campaign")}
    raw = reading(
        lambda store: templates.template(store, member().workspace_id, connection_id, **asked)
    )
    return _download(raw, XLSX, f"mapping-{connection_id}.xlsx")


@page.post("/w/<key:space>/mappings/file")
def upload_mapping() -> AnyResponse:
    """Keep a file as the draft of the mapping it names; every fault is told at once"""
    sent = request.files.get("file")
    raw = sent.stream.read(MAX_FILE + 1) if sent else b""
    if not raw:
        raise Refusal(Code.BODY_INVALID, gettext("Choose a file first."))
    # A workbook is a zip file, whatever it is called.
    is_sheet = raw.startswith(b"PK")
    if len(raw) > (MAX_FILE if is_sheet else MAX_YAML):
        raise Refusal(Code.BODY_TOO_LARGE)
    document = read_sheet(raw) if is_sheet else read_yaml(raw)
    row = changing(
        lambda store: save_file(store, member().workspace_id, document, actor=member().name),
        saved,
    )
    return tell(go("pages.mapping", mapping_id=row["id"]), gettext("Saved as a draft."))


def _download(raw: bytes, kind: str, name: str) -> Response:
    answer = Response(raw, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
