"""`answerback survey`, `answerback mapping` and `answerback automation`: configuration as files."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from connector import audit
from connector.campaigns import surveys
from connector.cli.connections import named
from connector.cli.files import content, document, parsed
from connector.cli.shell import ACTOR, Shell
from connector.documents import write_yaml
from connector.problems import Code, Refusal
from connector.responses.backfill import asked as backfill
from connector.responses.configuration import (
    automations,
    editing,
    mappings,
    readiness,
    templates,
)
from connector.responses.configuration.files import save_file
from connector.responses.configuration.sheet.reading import read_sheet
from schemas.campaign import SurveySchema
from schemas.config import AutomationSchema

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
WRITTEN = click.Path(path_type=Path, dir_okay=False)
SHEET = ".xlsx"
DAY = click.DateTime(["%Y-%m-%d"])
ACCEPT = click.option(
    "--accept-warnings", is_flag=True, help="What it is warned of may stay so: publish it."
)


@click.group()
def survey() -> None:
    """Surveys with their questions."""


@survey.command("push")
@click.argument("slug")
@click.argument("platform_id")
@click.argument("file", type=FILE)
@click.pass_obj
def push_survey(shell: Shell, slug: str, platform_id: str, file: Path) -> None:
    """Push a survey as a whole from a YAML or JSON file; the same again makes no version."""
    body = document(file, SurveySchema())
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            row = surveys.save(
                connection, workspace_id, platform_id=platform_id, body=body, learnt_from="api"
            )
            _note(connection, workspace_id, "survey.saved", f"survey:{row['id']}")
    shell.say(row, f"Survey {platform_id} is in version {row['version']}.")


@click.group()
def mapping() -> None:
    """Mappings of answers to CRM fields."""


@mapping.command("template")
@click.argument("slug")
@click.argument("connection_name")
@click.argument("file", type=WRITTEN)
@click.option("--entity", default=None, help="The CRM's entity; its contacts by default.")
@click.option("--campaign", default=None, help="The campaign that it is for, by the platform's id.")
@click.option("--survey", default=None, help="The survey, by the platform's id; the campaign's.")
@click.pass_obj
def write_template(
    shell: Shell,
    slug: str,
    connection_name: str,
    file: Path,
    *,
    entity: str | None,
    campaign: str | None,
    survey: str | None,
) -> None:
    """Write a spreadsheet (.xlsx) to fill in: the survey's questions, the fields to choose from."""
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        with opened.database.begin(workspace_id) as connection:
            raw = templates.template(
                connection,
                workspace_id,
                connection_id,
                entity=entity,
                campaign=campaign,
                survey=survey,
            )
    file.write_bytes(raw)
    shell.say({"file": str(file)}, f"Written: {file}. Fill it in, then `answerback mapping apply`.")


@mapping.command("apply")
@click.argument("slug")
@click.argument("file", type=FILE)
@click.option("--publish", is_flag=True, help="Save and switch on: publish it, and feed it.")
@ACCEPT
@click.pass_obj
def apply_mapping(
    shell: Shell, slug: str, file: Path, *, publish: bool, accept_warnings: bool
) -> None:
    """Save a mapping from a YAML, JSON or .xlsx file as a draft under its name.

    It is checked as for publishing; where anything is wrong nothing is saved.
    """
    said = read_sheet(content(file)) if file.suffix == SHEET else parsed(file)
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            row = save_file(connection, workspace_id, said, actor=ACTOR)
            _note(connection, workspace_id, "mapping.saved", f"mapping:{row['id']}")
        warnings = [asdict(one) for one in row["warnings"]]
        if publish:
            row = _published(
                opened.database.begin(workspace_id),
                workspace_id,
                row["id"],
                accept_warnings=accept_warnings,
            )
    words = [f"Mapping {row['name']}: version {row['latest']}. {row['advice'] or ''}"]
    words += [f"  warning: {one['where']}: {one['text']}" for one in warnings]
    shell.say({**row, "warnings": warnings}, "\n".join(words))


@mapping.command("publish")
@click.argument("slug")
@click.argument("name")
@ACCEPT
@click.pass_obj
def publish_mapping(shell: Shell, slug: str, name: str, *, accept_warnings: bool) -> None:
    """Save and switch on: publish the newest version, and feed it from the next response on."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            found = named_mapping(mappings.listed(connection, workspace_id), name)
        row = _published(
            opened.database.begin(workspace_id),
            workspace_id,
            found["id"],
            accept_warnings=accept_warnings,
        )
    shell.say(row, f"Mapping {name} works in version {row['published']}. {_advice(row)}")


@mapping.command("check")
@click.argument("slug")
@click.argument("name")
@click.option("--mend", is_flag=True, help="Mend in the draft what can be mended by itself.")
@click.pass_obj
def check_readiness(shell: Shell, slug: str, name: str, *, mend: bool) -> None:
    """Say whether the newest version is ready to go live, and who mends what is not, and where.

    Ends with 1 where an error stands against it.
    """
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            row = named_mapping(mappings.listed(connection, workspace_id), name)
            seen = mappings.readiness_of(connection, workspace_id, row["id"])
            for one in [each for each in seen.findings if mend and each.fix]:
                editing.mend(
                    connection, workspace_id, row["id"], pointer=one.pointer, code=one.code,
                    seen=None, actor=ACTOR,
                )  # fmt: skip
                _note(connection, workspace_id, "mapping.saved", f"mapping:{row['id']}")
            seen = mappings.readiness_of(connection, workspace_id, row["id"]) if mend else seen
    lines = [
        f"{'warning' if one.warning else 'error'}: {one.pointer}: {one.text}"
        f" ({one.code}; {one.who}: {one.page})"
        for one in seen.findings
    ]
    told = {"publishable": seen.publishable, "problems": readiness.told(seen.findings)}
    shell.say(told, "\n".join(lines) or f"Nothing stands against publishing {name}.")
    if not seen.publishable:
        raise SystemExit(1)


@mapping.command("export")
@click.argument("slug")
@click.argument("name")
@click.argument("file", type=WRITTEN, required=False)
@click.pass_obj
def export_mapping(shell: Shell, slug: str, name: str, file: Path | None) -> None:
    """Print a mapping's newest version as YAML, or write it into a YAML or .xlsx file."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            found = named_mapping(mappings.listed(connection, workspace_id), name)
            is_sheet = file is not None and file.suffix == SHEET
            sheet = templates.filled(connection, workspace_id, found["id"]) if is_sheet else b""
    if file is None:
        shell.say(found["body"], write_yaml(found["body"]).rstrip())
        return
    file.write_bytes(sheet or write_yaml(found["body"]).encode())
    shell.say({"file": str(file)}, f"Written: {file}")


@mapping.command("backfill")
@click.argument("slug")
@click.argument("name")
@click.option("--since", type=DAY, default=None, help="The first day, in the workspace's zone.")
@click.option("--until", type=DAY, default=None, help="The last day, included.")
@click.option("--campaign", "campaigns", multiple=True, help="Only this one, by the platform's id.")
@click.option("--notes", is_flag=True, help="With the notes and files of these responses.")
@click.option("--start", is_flag=True, help="Begin it; without, only say what would happen.")
@click.option("--stop", is_flag=True, help="Stop the one that runs.")
@click.pass_obj
def backfill_mapping(
    shell: Shell,
    slug: str,
    name: str,
    *,
    since: datetime | None,
    until: datetime | None,
    campaigns: tuple[str, ...],
    notes: bool,
    start: bool,
    stop: bool,
) -> None:
    """Apply the published mapping to stored responses: what it would do, begin it, stop it."""
    asked = {
        "since": since and since.date(),
        "until": until and until.date(),
        "campaigns": campaigns,
        "notes": notes,
    }
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        desk = None if start or stop else opened.desk()
        with opened.database.begin(workspace_id) as connection:
            found = named_mapping(mappings.listed(connection, workspace_id), name)["id"]
            span = backfill.span_of(connection, workspace_id, asked)
            if desk is not None:
                row = backfill.preview(
                    connection, desk, workspace_id, found, span=span,
                    share=opened.settings.rate_share, linger_s=opened.settings.linger_s,
                )  # fmt: skip
            elif stop:
                row = _stopped(connection, workspace_id, found)
            else:
                row = backfill.start(connection, workspace_id, found, span=span, actor=ACTOR)
                _note(connection, workspace_id, "backfill.started", f"mapping:{found}")
    shell.say(row, "\n".join(_backfill_words(row)))


def _stopped(connection: Connection, workspace_id: int, mapping_id: int) -> dict[str, Any]:
    for one in backfill.listed(connection, workspace_id, mapping_id):
        if one["state"] == "running":
            _note(connection, workspace_id, "backfill.stopped", f"mapping:{mapping_id}")
            return backfill.stop(connection, workspace_id, mapping_id, one["id"])
    raise Refusal(Code.NOT_FOUND, "No backfill of this mapping is running.")


def _backfill_words(row: dict[str, Any]) -> list[str]:
    words = [f"{name}: {count}" for name, count in row["counts"].items() if count]
    if "state" in row:
        return [f"{row['state']}: {row['looked_at']} of {row['total']} responses.", *words]
    calls = "not measured yet" if row["calls"] is None else f"about {row['calls']}"
    left = "" if row["calls_left"] is None else f"; the day has {row['calls_left']} left for this"
    first = f"{row['responses']} responses, {row['contacts']} contacts, calls: {calls}{left}."
    return [first, *words, "Nothing is written yet: --start begins it."]


@mapping.command("list")
@click.argument("slug")
@click.pass_obj
def list_mappings(shell: Shell, slug: str) -> None:
    """Every mapping with its state."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            rows = mappings.listed(connection, workspace_id)
    shell.table(rows, ["id", "name", "connection", "published", "latest", "advice"])


@click.group()
def automation() -> None:
    """What follows a response: WHEN, IF, THEN."""


@automation.command("apply")
@click.argument("slug")
@click.argument("file", type=FILE)
@click.pass_obj
def apply_automation(shell: Shell, slug: str, file: Path) -> None:
    """Save an automation from a YAML or JSON file and publish it."""
    body = document(file, AutomationSchema())
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            saved = automations.save(connection, workspace_id, body=body, actor=ACTOR)
            row = automations.publish(connection, workspace_id, saved["id"])
            _note(connection, workspace_id, "automation.published", f"automation:{row['id']}")
    shell.say(row, f"Automation {row['name']} works in version {row['published']}.")


def _published(
    transaction: Any,  # noqa: ANN401 - a context of the store
    workspace_id: int,
    mapping_id: int,
    *,
    accept_warnings: bool,
) -> dict[str, Any]:
    with transaction as connection:
        row = mappings.publish(
            connection,
            workspace_id,
            mapping_id,
            actor=ACTOR,
            switch_on=True,
            accept_warnings=accept_warnings,
        )
        _note(connection, workspace_id, "mapping.published", f"mapping:{mapping_id}")
    return row


def _advice(row: dict[str, Any]) -> str:
    warned = [f"warning: {one['text']}" for one in row.get("warnings", ()) if one["warning"]]
    return "\n".join(filter(None, (row["advice"], *warned)))


def named_mapping(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The mapping of that name. Raises Refusal(NOT_FOUND)."""
    for row in rows:
        if row["name"] == name:
            return row
    raise Refusal(Code.NOT_FOUND, "There is no mapping of that name.")


def _note(connection: Connection, workspace_id: int, action: str, changed: str) -> None:
    audit.record(connection, workspace_id, actor=ACTOR, action=action, object=changed)
