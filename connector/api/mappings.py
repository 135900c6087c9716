"""Mappings: save a draft, check it, publish it (save and switch on), pause it."""

from __future__ import annotations

from typing import Any

from flask import request

from connector.access import Scope
from connector.api.context import Told, actor, changing, reading
from connector.api.description import Resource
from connector.api.extras import jobs
from connector.responses.configuration import bench, editing, looking, proved, proving
from connector.responses.configuration import mappings as story
from connector.responses.configuration.bench import Asked
from connector.responses.configuration.readiness import Readiness, readiness, told
from connector.responses.configuration.seeing import Eyes
from schemas.config import MappingSchema
from schemas.configuration import (
    MappingListSchema,
    MappingShownSchema,
    MendSchema,
    PublishedMappingSchema,
    PublishSchema,
    ReadinessSchema,
    VersionListSchema,
)
from schemas.trials import TrialSchema, TrialSendSchema, TrialSentSchema, TrialShownSchema

_ONE = "/mappings/<id:mapping_id>"
resource = Resource("mappings", __name__, description="Mappings of answers to CRM fields")


@resource.on("GET", "/mappings", gives=MappingListSchema)
def list_mappings() -> dict[str, Any]:
    """Every mapping with its newest version"""
    return {"mappings": reading(lambda c: story.listed(c, actor().workspace_id))}


@resource.on("POST", "/mappings", takes=MappingSchema, gives=MappingShownSchema, status=201)
def save_mapping(body: dict[str, Any]) -> dict[str, Any]:
    """Save a draft under its name; a mapping of that name gets a new version"""
    return _saved(body, None)


@resource.on("POST", "/mappings/check", takes=MappingSchema, gives=ReadinessSchema)
def check_mapping(body: dict[str, Any]) -> dict[str, Any]:
    """Say what stands against publishing a mapping, row by row; nothing is saved"""
    return _shown(reading(lambda c: readiness(c, actor().workspace_id, body)))


@resource.on("GET", f"{_ONE}/readiness", gives=ReadinessSchema)
def read_readiness(mapping_id: int) -> dict[str, Any]:
    """Everything that stands against publishing the newest version, who mends it, and where"""
    return _shown(reading(lambda c: story.readiness_of(c, actor().workspace_id, mapping_id)))


@resource.on("POST", f"{_ONE}/mend", takes=MendSchema, gives=MappingShownSchema)
def mend_mapping(wanted: dict[str, Any], mapping_id: int) -> dict[str, Any]:
    """Mend in the draft what readiness says can be mended by itself"""
    return changing(
        lambda connection: editing.mend(
            connection,
            actor().workspace_id,
            mapping_id,
            pointer=wanted["pointer"],
            code=wanted["code"],
            seen=None,
            actor=actor().name,
        ),
        _told,
    )


@resource.on("GET", _ONE, gives=MappingShownSchema)
def read_mapping(mapping_id: int) -> dict[str, Any]:
    """One mapping, and what triggers it"""
    return reading(lambda c: story.read(c, actor().workspace_id, mapping_id))


@resource.on("PUT", _ONE, takes=MappingSchema, gives=MappingShownSchema)
def change_mapping(body: dict[str, Any], mapping_id: int) -> dict[str, Any]:
    """Save a draft of this mapping, under a new name if it has one"""
    return _saved(body, mapping_id)


@resource.on("GET", f"{_ONE}/versions", gives=VersionListSchema)
def read_versions(mapping_id: int) -> dict[str, Any]:
    """Every version, newest first"""
    return {"versions": reading(lambda c: story.versions(c, actor().workspace_id, mapping_id))}


@resource.on("POST", f"{_ONE}/trial", takes=TrialSchema, gives=TrialShownSchema)
def try_mapping(wanted: dict[str, Any], mapping_id: int) -> dict[str, Any]:
    """What the newest version would do with a record of the CRM, and the calls that would do it

    Reading calls are made; those that write are built by the adapter and kept back. Score tag and
    note, which the same response brings, are shown, too.
    """
    asked = _asked(wanted)
    return looking.shown(looking.look(jobs(), actor().workspace_id, mapping_id, asked), _eyes())


@resource.on("POST", f"{_ONE}/trial/send", takes=TrialSendSchema, gives=TrialSentSchema)
def send_trial(wanted: dict[str, Any], mapping_id: int) -> dict[str, Any]:
    """Write the newest version's values to the record that is named, and read it back

    It writes in the CRM; score tag and note only where they are asked for. A field where a newer
    answer stands is left alone, and real answers that come are written over the test.
    """
    done = proving.prove(
        jobs(),
        actor().workspace_id,
        mapping_id,
        _asked(wanted),
        actor=actor().name,
        address=request.remote_addr,
    )
    return proved.shown(done, _eyes())


@resource.on("POST", f"{_ONE}/publish", takes=PublishSchema, gives=PublishedMappingSchema)
def publish_mapping(wanted: dict[str, Any], mapping_id: int) -> dict[str, Any]:
    """Publish the newest version and, unless told otherwise, switch it on

    Switched on, it feeds from the next response on: unless an automation feeds the mapping already,
    one is made for every completed response of its campaign. Errors of its readiness keep it from
    being published; warnings, until they are accepted.
    """
    return changing(
        lambda connection: story.publish(
            connection,
            actor().workspace_id,
            mapping_id,
            actor=actor().name,
            switch_on=wanted["switch_on"],
            accept_warnings=wanted["accept_warnings"],
        ),
        _told,
    )


@resource.on("POST", f"{_ONE}/pause", gives=MappingShownSchema)
def pause_mapping(mapping_id: int) -> dict[str, Any]:
    """Park what waits for the mapping and what comes"""
    return changing(lambda c: story.pause(c, actor().workspace_id, mapping_id), _told)


@resource.on("POST", f"{_ONE}/resume", gives=MappingShownSchema)
def resume_mapping(mapping_id: int) -> dict[str, Any]:
    """Let the mapping work again; what it parked goes on in order"""
    return changing(lambda c: story.resume(c, actor().workspace_id, mapping_id), _told)


@resource.on("DELETE", _ONE, status=204)
def delete_mapping(mapping_id: int) -> None:
    """Take a mapping off the list that nothing feeds and nothing waits for"""
    changing(
        lambda connection: story.delete(connection, actor().workspace_id, mapping_id),
        lambda _: Told(f"mapping:{mapping_id}"),
    )


def _saved(body: dict[str, Any], mapping_id: int | None) -> dict[str, Any]:
    return changing(
        lambda connection: story.save(
            connection,
            actor().workspace_id,
            body=body,
            actor=actor().name,
            mapping_id=mapping_id,
        ),
        _told,
    )


def _asked(wanted: dict[str, Any]) -> Asked:
    response = wanted["response"]
    number = (
        None
        if response is None
        else reading(lambda c: bench.numbered(c, actor().workspace_id, response))
    )
    marks = frozenset(one for one in ("tag", "note") if wanted.get(one))
    return Asked(number, wanted["record"] or "", marks)


def _eyes() -> Eyes:
    """What the key may see: answers and records have scopes of their own."""
    scopes = actor().scopes
    return Eyes(
        answers=Scope.RESPONSES_READ.value in scopes, records=Scope.CONTACTS_READ.value in scopes
    )


def _shown(seen: Readiness) -> dict[str, Any]:
    return {
        "publishable": seen.publishable,
        "connected": seen.connected,
        "problems": told(seen.findings),
    }


def _told(row: dict[str, Any]) -> Told:
    return Told(f"mapping:{row['id']}", {"version": row["latest"]})
