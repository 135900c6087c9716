"""Tasks for people: created in batches with their contact, found again through the contact by their
marker (objects API, task guide, 2026-11).
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.hubspot.associations import HUBSPOT_DEFINED, linked
from adapters.hubspot.client import Client
from adapters.hubspot.notes import bodies
from adapters.hubspot.traits import API, OWNER, ROWS
from adapters.hubspot.writing import outcomes_of, send
from adapters.values import BatchResult, Task

TASKS, BODY = "tasks", "hs_task_body"
TO_CONTACT = 204


def task(client: Client, entity: str, tasks: Sequence[Task]) -> BatchResult:
    """The port's `task`: one call, one more where the contacts' owners are asked for."""
    owners = _owners(client, entity, [one.remote_id for one in tasks if not one.owner])
    path = f"/crm/objects/{API}/{{object}}/batch/create"
    inputs = [_input(one, one.owner or owners.get(one.remote_id, "")) for one in tasks]
    answer = send(client, path, entity=TASKS, inputs=inputs, rows=len(tasks))
    keys = {one.key: frozenset({one.key}) for one in tasks}
    return BatchResult(outcomes_of(answer, keys, created=True))


def tasked(client: Client, entity: str, tasks: Sequence[Task]) -> Mapping[str, str]:
    """The port's `tasked`: all tasks of these contacts are read, two calls for most."""
    found = linked(client, entity, TASKS, sorted({one.remote_id for one in tasks}))
    ids = sorted({each for held in found.values() for each in held})
    texts = bodies(client, TASKS, BODY, ids)
    return {
        one.key: number
        for one in tasks
        for number in found.get(one.remote_id, ())
        if one.marker in texts.get(number, "")
    }


def _owners(client: Client, entity: str, ids: Sequence[str]) -> Mapping[str, str]:
    """Who looks after each contact, where somebody does."""
    found: dict[str, str] = {}
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), ROWS):
        body = {
            "properties": [OWNER],
            "propertiesWithHistory": [],
            "inputs": [{"id": one} for one in wanted[start : start + ROWS]],
        }
        path = f"/crm/objects/{API}/{{object}}/batch/read"
        told = client.call("POST", path, params={"object": entity}, body=body).body
        for one in told.get("results") or ():
            found[str(one["id"])] = str((one.get("properties") or {}).get(OWNER) or "")
    return found


def _input(one: Task, owner: str) -> Mapping[str, Any]:
    lines = "<br>".join(html.escape(line) for line in one.text.split("\n"))
    properties = {
        # HubSpot's word for when it is due.
        "hs_timestamp": f"{one.due.isoformat()}T12:00:00Z",
        "hs_task_subject": one.title,
        BODY: f"{lines}<br>ref: {one.marker}",
        "hs_task_status": "NOT_STARTED",
    }
    link = {"associationCategory": HUBSPOT_DEFINED, "associationTypeId": TO_CONTACT}
    return {
        "objectWriteTraceId": one.key,
        "properties": properties | ({OWNER: owner} if owner else {}),
        "associations": [{"to": {"id": one.remote_id}, "types": [link]}],
    }
