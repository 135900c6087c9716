"""Mappings: the list, a new one, and the editor of one's head and rows. Rows: mapping_rows.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from connector.admin.language import gettext, marked
from connector.admin.page import field, go, page, problem_words, show, tell
from connector.api.context import Told, changing, member, reading
from connector.campaigns import register
from connector.connections import browsing
from connector.documents import write_yaml
from connector.problems import Code, Refusal
from connector.responses.configuration import drafting, editing, mappings
from connector.responses.configuration.editing import Desk
from connector.responses.configuration.readiness import Finding, readiness
from connector.responses.fitting import FITS
from connector.responses.vocabulary import Kind

ONE = "/w/<key:space>/mappings/<id:mapping_id>"
STATES = {
    "draft": (marked("Draft"), "secondary"),
    "changed": (marked("Published, with a newer draft"), "azure"),
    "published": (marked("Published"), "green"),
    "paused": (marked("Paused"), "yellow"),
    "drift": (marked("The CRM has changed"), "red"),
}
OPERATIONS = {
    "update": marked("Only update"),
    "upsert": marked("Update, or create"),
    "create": marked("Always create"),
}
VARIABLES = {
    "text": marked("Text"),
    "number": marked("Number"),
    "boolean": marked("Yes or no"),
    "date": marked("Date"),
    "datetime": marked("Date and time"),
    "choice": marked("Choice"),
    "choices": marked("Several choices"),
    "ranking": marked("Ranking"),
    "files": marked("Files"),
    "matrix": marked("Matrix"),
    "any": marked("Known from the response"),
}
# What a record can be linked to.
LINKED = {"contact": marked("Link to the contact"), "company": marked("Link to the company")}
# Results of one search for a field.
MOST_FOUND = 20
MOST_CAMPAIGNS = 200


@page.app_template_filter("mapping_word")
def mapping_word(state: str) -> str:
    """What a mapping's state is called."""
    return gettext(STATES[state][0]) if state in STATES else state


@page.app_template_filter("mapping_colour")
def mapping_colour(state: str) -> str:
    """The colour of a mapping's state."""
    return STATES[state][1] if state in STATES else "secondary"


@page.app_template_filter("kind_of_variable")
def kind_of_variable(kind: str) -> str:
    """What a variable holds."""
    return gettext(VARIABLES.get(kind, kind))


@page.app_template_filter("operation_word")
def operation_word(operation: str) -> str:
    """What an operation is called."""
    return gettext(OPERATIONS.get(operation, operation))


@page.app_template_filter("as_yaml")
def as_yaml(value: Any) -> str:  # noqa: ANN401 - a part of a body
    """A part of a mapping as a person reads it."""
    return write_yaml(value).strip() if isinstance(value, dict | list) else str(value)


@page.get("/w/<key:space>/mappings")
def mapping_list() -> Response:
    """Every mapping and how it is"""
    found = reading(lambda store: editing.overview(store, member().workspace_id))
    return show("pages/mappings/list.html", mappings=found)


@page.get("/w/<key:space>/mappings/new")
def new_mapping() -> Response:
    """Where a mapping begins"""
    return _new({}, {})


@page.post("/w/<key:space>/mappings/new")
def begin_mapping() -> AnyResponse:
    """Make the draft and open it"""
    connection_id, _, entity = field("target").partition(":")
    name = field("name", most=120).strip()
    faults = {}
    if not name:
        faults["name"] = gettext("Give it a name.")
    if not (connection_id.isdigit() and len(connection_id) < 19 and entity):
        faults["target"] = gettext("Choose where it writes to.")
    if faults:
        return _new(request.form, faults)
    try:
        row = changing(
            lambda store: editing.begin(
                store, member().workspace_id, name=name, connection_id=int(connection_id),
                entity=entity, campaign=field("campaign") or None, start=field("start"),
                actor=member().name,
            ),
            saved,
        )  # fmt: skip
    except Refusal as refusal:
        if not refusal.places:
            raise
        return _new(request.form, problem_words(refusal))
    return go("pages.mapping", mapping_id=row["id"])


@page.get(ONE)
def mapping(mapping_id: int) -> Response:
    """The editor"""
    return editor(mapping_id)


@page.get(f"{ONE}/fields")
def mapping_fields(mapping_id: int) -> Response:
    """The fields that a search finds, for a new row"""
    desk = reading(lambda store: editing.desk(store, member().workspace_id, mapping_id))
    return show("pages/mappings/found.html", desk=desk, found=_found(desk), asked=request.args)


@page.post(ONE)
def change_mapping(mapping_id: int) -> AnyResponse:
    """Keep another head"""
    changes = {
        "name": field("name").strip(),
        "operation": field("operation"),
        "campaign": field("campaign") or None,
        "note": field("note"),
        "ambiguous": field("ambiguous"),
        "identify": {"variable": field("variable").strip(), "field": field("match").strip()},
        **_beside(request.form),
    }
    try:
        change(mapping_id, lambda body: drafting.headed(body, changes))
    except Refusal as refusal:
        if refusal.code is Code.CONFLICT or not refusal.places:
            raise
        return editor(mapping_id, faults=problem_words(refusal))
    return tell(go("pages.mapping", mapping_id=mapping_id), gettext("Saved as a draft."))


def _beside(form: Mapping[str, str]) -> dict[str, Any]:
    """The files and links of what is made, where the form asks for them."""
    asked = {"files": form["files"]} if "files" in form else {}
    if not any(f"link-{to}" in form for to in LINKED):
        return asked
    links = {to: form.get(f"link-{to}", "") for to in LINKED}
    return {**asked, "links": {to: name for to, name in links.items() if name}}


@page.post(f"{ONE}/rows")
def add_row(mapping_id: int) -> AnyResponse:
    """Keep new rows: one that was chosen, or all that suggest themselves"""
    chosen = request.form.getlist("pair") or [f"{field('variable')}|{field('field')}"]
    pairs = [tuple(one.partition("|")[::2]) for one in chosen[:500]]
    rows = [(variable, name) for variable, name in pairs if variable and name]
    if not rows:
        words = gettext("Choose a variable and a field first.")
        return tell(go("pages.mapping", mapping_id=mapping_id), words, kind="warning")
    change(mapping_id, lambda body: drafting.with_rows(body, rows))
    return tell(go("pages.mapping", mapping_id=mapping_id), gettext("Saved as a draft."))


@page.post(f"{ONE}/pause")
def pause_mapping(mapping_id: int) -> AnyResponse:
    """Park what waits for it and what comes"""
    changing(lambda store: mappings.pause(store, member().workspace_id, mapping_id), saved)
    words = gettext("Paused. What comes waits until you resume it; nothing is lost.")
    return tell(go("pages.mapping", mapping_id=mapping_id), words)


@page.post(f"{ONE}/resume")
def resume_mapping(mapping_id: int) -> AnyResponse:
    """Let it work again"""
    changing(lambda store: mappings.resume(store, member().workspace_id, mapping_id), saved)
    return tell(go("pages.mapping", mapping_id=mapping_id), gettext("It works again, in order."))


@page.post(f"{ONE}/remove")
def remove_mapping(mapping_id: int) -> AnyResponse:
    """Take it off the list"""
    changing(
        lambda store: mappings.delete(store, member().workspace_id, mapping_id),
        lambda _: Told(f"mapping:{mapping_id}"),
    )
    return tell(go("pages.mapping_list"), gettext("Removed. What it wrote stays in the CRM."))


@page.get(f"{ONE}/versions")
def mapping_versions(mapping_id: int) -> Response:
    """What differs between two versions"""
    every = reading(lambda store: mappings.versions(store, member().workspace_id, mapping_id))
    numbers = {str(one["version"]): one for one in every}
    after = numbers.get(request.args.get("after", ""), every[0])
    before = numbers.get(request.args.get("before", ""), every[min(1, len(every) - 1)])
    return show(
        "pages/versions.html", versions=every, before=before, after=after, area="mappings",
        differences=editing.compared(before["body"], after["body"]),
        ids={"mapping_id": mapping_id}, one="pages.mapping", compare="pages.mapping_versions",
        restore="pages.restore_mapping",
    )  # fmt: skip


@page.post(f"{ONE}/versions/<id:version>/restore")
def restore_mapping(mapping_id: int, version: int) -> AnyResponse:
    """Make a former version the draft"""
    changing(
        lambda store: editing.restore(
            store, member().workspace_id, mapping_id, version=version, actor=member().name
        ),
        saved,
    )
    words = gettext("Version %(number)s is the draft now. Publish it to let it work.",
                    number=version)  # fmt: skip
    return tell(go("pages.mapping", mapping_id=mapping_id), words)


def change(mapping_id: int, edit: Any) -> dict[str, Any]:  # noqa: ANN401 - body to body
    """Keep what `edit` makes of the draft that the form was made of."""
    return changing(
        lambda store: editing.change(
            store, member().workspace_id, mapping_id, edit, seen=field("mark"),
            actor=member().name,
        ),
        saved,
    )  # fmt: skip


def saved(row: dict[str, Any]) -> Told:
    """What the audit entry says of a mapping."""
    return Told(f"mapping:{row['id']}", {"version": row["latest"]})


def editor(mapping_id: int, *, faults: Any = None) -> Response:  # noqa: ANN401 - words by field
    """The editor's page with what stands against publishing."""
    workspace_id = member().workspace_id

    def story(store: Connection) -> tuple[Desk, Sequence[Finding], list[dict[str, Any]]]:
        desk = editing.desk(store, workspace_id, mapping_id)
        body = desk.mapping["body"]
        findings = (
            readiness(
                store, workspace_id, body, mapping_id=mapping_id,
                at_hand={desk.mapping["connection_id"]: desk.entity},
            ).findings
            if desk.entity
            else ()
        )  # fmt: skip
        campaigns = register.listed(store, workspace_id, after=0, limit=MOST_CAMPAIGNS)
        return desk, findings, campaigns

    desk, findings, campaigns = reading(story)
    suggested = (
        drafting.suggestions(desk.known, desk.entity, desk.mapping["body"]) if desk.entity else ()
    )
    return show(
        "pages/mappings/editor.html", status=400 if faults else 200, desk=desk, faults=faults or {},
        mapping=desk.mapping, body=desk.mapping["body"], findings=findings, campaigns=campaigns,
        state=_state(desk.mapping), suggested=suggested, found=_found(desk), asked=request.args,
        operations=OPERATIONS, linked=LINKED,
        fields=desk.entity.by_name() if desk.entity else {},
        kinds={one.variable: one.kind for one in desk.known},
        questions={one.variable: one.question for one in desk.known},
    )  # fmt: skip


def _state(row: Any) -> str:  # noqa: ANN401 - a mapping as shown
    if row["published"] is None:
        return "draft"
    if row["paused_at"]:
        return "paused"
    return "changed" if row["draft"] else "published"


def _found(desk: Desk) -> list[tuple[Any, bool]]:
    """The fields that the search finds, with whether the chosen variable fits into each."""
    search = request.args.get("search", "")[:200]
    if not desk.entity or not search:
        return []
    kinds = {one.variable: one.kind for one in desk.known}
    fits = FITS[Kind(kinds.get(request.args.get("variable", ""), "any"))]
    taken = {row["field"] for row in desk.mapping["body"]["rows"]}
    free = [one for one in desk.entity.fields if one.name not in taken]
    found = browsing.matching(free, search=search, only="writable")
    ranked = sorted(found, key=lambda one: one.type not in fits)
    return [(one, one.type in fits) for one in ranked[:MOST_FOUND]]


def _new(form: Any, faults: Any) -> Response:  # noqa: ANN401 - what was typed, words by field
    def story(store: Connection) -> tuple[Any, Any]:
        workspace_id = member().workspace_id
        return (
            browsing.summaries(store, workspace_id),
            register.listed(store, workspace_id, after=0, limit=MOST_CAMPAIGNS),
        )

    summaries, campaigns = reading(story)
    return show("pages/mappings/new.html", status=400 if faults else 200, summaries=summaries,
                campaigns=campaigns, form=form, faults=faults)  # fmt: skip
