"""`answerback survey`, `answerback mapping` and `answerback automation`: configuration as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from connector import audit
from connector.campaigns import surveys
from connector.cli.files import document, written
from connector.cli.shell import ACTOR, Shell
from connector.problems import Code, Refusal
from connector.responses.configuration import automations, mappings
from schemas.campaign import SurveySchema
from schemas.config import AutomationSchema, MappingSchema

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


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


@mapping.command("apply")
@click.argument("slug")
@click.argument("file", type=FILE)
@click.option("--publish", is_flag=True, help="Save and switch on: publish it, and feed it.")
@click.pass_obj
def apply_mapping(shell: Shell, slug: str, file: Path, *, publish: bool) -> None:
    """Save a mapping from a YAML or JSON file as a draft under its name."""
    body = document(file, MappingSchema())
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            row = mappings.save(connection, workspace_id, body=body, actor=ACTOR, mapping_id=None)
            _note(connection, workspace_id, "mapping.saved", f"mapping:{row['id']}")
        if publish:
            row = _published(opened.database.begin(workspace_id), workspace_id, row["id"])
    shell.say(row, f"Mapping {row['name']}: version {row['latest']}. {row['advice'] or ''}")


@mapping.command("publish")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def publish_mapping(shell: Shell, slug: str, name: str) -> None:
    """Save and switch on: publish the newest version, and feed it from the next response on."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            found = _named(mappings.listed(connection, workspace_id), name)
        row = _published(opened.database.begin(workspace_id), workspace_id, found["id"])
    shell.say(row, f"Mapping {name} works in version {row['published']}. {row['advice'] or ''}")


@mapping.command("export")
@click.argument("slug")
@click.argument("name")
@click.pass_obj
def export_mapping(shell: Shell, slug: str, name: str) -> None:
    """Print a mapping's newest version as YAML."""
    with shell.opened() as opened:
        workspace_id = opened.workspace_id(slug)
        with opened.database.begin(workspace_id) as connection:
            found = _named(mappings.listed(connection, workspace_id), name)
    shell.say(found["body"], written(found["body"]).rstrip())


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


def _published(transaction: Any, workspace_id: int, mapping_id: int) -> dict[str, Any]:  # noqa: ANN401
    with transaction as connection:
        row = mappings.publish(connection, workspace_id, mapping_id, actor=ACTOR, switch_on=True)
        _note(connection, workspace_id, "mapping.published", f"mapping:{mapping_id}")
    return row


def _named(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for row in rows:
        if row["name"] == name:
            return row
    raise Refusal(Code.NOT_FOUND, "There is no mapping of that name.")


def _note(connection: Connection, workspace_id: int, action: str, changed: str) -> None:
    audit.record(connection, workspace_id, actor=ACTOR, action=action, object=changed)
