"""Automations: WHEN an event IF a condition THEN actions; drafts first, published in versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Connection, Row, Select, func, or_, select, text, true, update

from connector.problems import Code, Place, Refusal
from connector.responses.configuration import actions, versioned
from connector.responses.configuration.checking import words_for
from connector.responses.configuration.versioned import AUTOMATION
from connector.responses.plan import AUTOMATION_PARKED
from connector.responses.rules import ExpressionInvalid, condition
from connector.tables import automation, automation_version, mapping, response
from connector.tables import connection as connections
from schemas.phrases import phrase

Body = Mapping[str, Any]
# Reads every response of the workspace once.
STATEMENT_MS = 60_000


def save(
    connection: Connection,
    workspace_id: int,
    *,
    body: Body,
    actor: str,
    automation_id: int | None = None,
) -> dict[str, Any]:
    """Keep `body` as the automation's draft; the automation afterwards.

    Without an id the automation of that name is changed, or made. Raises Refusal: NOT_FOUND,
    NAME_TAKEN.
    """
    row = _row(connection, workspace_id, body["name"], automation_id)
    if row is None:
        values = {"workspace_id": workspace_id, "name": body["name"]}
        row = versioned.made(connection, AUTOMATION, values)
    elif row.name != body["name"]:
        versioned.rename(connection, AUTOMATION, row, name=body["name"])
    versioned.keep_draft(connection, AUTOMATION, row, body=body, actor=actor)
    return read(connection, workspace_id, row.id)


def publish(connection: Connection, workspace_id: int, automation_id: int) -> dict[str, Any]:
    """Let the newest version work from the next response on; what had parked it is forgotten, and
    what came meanwhile is planned again.

    Raises Refusal(AUTOMATION_INVALID) naming the condition with a caret, unknown mappings and
    connections. A repeat changes nothing.
    """
    row = versioned.one(connection, AUTOMATION, workspace_id, row_id=automation_id, lock=True)
    body = versioned.body_of(connection, AUTOMATION, row)
    faults = list(_faults(connection, workspace_id, body))
    if faults:
        raise Refusal(Code.AUTOMATION_INVALID, places=faults)
    values = {"enabled": body["enabled"], "parked_reason": None}
    versioned.publish(connection, AUTOMATION, row, values)
    if row.parked_reason is not None:
        _plan_again(connection, workspace_id, automation_id, why=row.parked_reason)
    return read(connection, workspace_id, automation_id)


def _plan_again(connection: Connection, workspace_id: int, automation_id: int, *, why: str) -> None:
    """Responses whose verdict waits for this automation, and those that broke it, are planned anew;
    steps that stand already are not made twice.
    """
    connection.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MS}"))
    connection.execute(
        update(response)
        .where(
            response.c.workspace_id == workspace_id,
            response.c.planned_at.is_not(None),
            response.c.verdicts[f"automation:{automation_id}"].astext.in_((AUTOMATION_PARKED, why)),
        )
        .values(planned_at=None, plan_due_at=func.now(), plan_failures=0)
    )


def feed_every_response(
    connection: Connection, workspace_id: int, *, mapping: str, campaign: str | None, actor: str
) -> dict[str, Any]:
    """The automation "every completed response of this campaign" for a mapping, published.

    The one made for another campaign of the mapping before follows it; one that a person has
    changed is left alone.
    """
    body = {
        "campaign": campaign,
        "when": "response.completed",
        "if": None,
        "then": [{"do": "feed", "mapping": mapping, "connection": None, "answers": "all"}],
        "enabled": True,
    }
    wish = f"{mapping[:100]}: every response"
    named = {**body, "name": _free_name(connection, workspace_id, wish, body)}
    made = save(connection, workspace_id, body=named, actor=actor)
    return publish(connection, workspace_id, made["id"])


def _free_name(connection: Connection, workspace_id: int, wish: str, body: Body) -> str:
    """The wish, numbered where an automation of that name does something else."""
    for number in count(1):
        name = wish if number == 1 else f"{wish} {number}"
        row = versioned.named(connection, AUTOMATION, workspace_id, name=name)
        held = {} if row is None else versioned.body_of(connection, AUTOMATION, row)
        if row is None or all(held[one] == body[one] for one in ("when", "if", "then")):
            return name
    raise AssertionError  # the loop ends at a name that nobody has


def triggering(
    connection: Connection, workspace_id: int, mapping_name: str, *, campaign: str | None
) -> list[str]:
    """The automations that feed the mapping and can be set off by its campaign; None: by any."""
    fits = automation_version.c.body["campaign"].astext.is_not_distinct_from
    of_campaign = or_(fits(None), fits(campaign)) if campaign is not None else true()
    rows = connection.execute(_feeding(workspace_id, mapping_name).where(of_campaign))
    return [row.name for row in rows]


def of_campaign(
    connection: Connection, workspace_id: int, *, campaign: str
) -> list[dict[str, Any]]:
    """The automations whose newest version is set off by this campaign (its platform's id) or by
    any, by name: id, name, published, enabled, body.
    """
    rows = connection.execute(OF_CAMPAIGN, {"w": workspace_id, "campaign": campaign})
    return [dict(row) for row in rows.mappings()]


OF_CAMPAIGN = text(
    """
    SELECT a.id, a.name, a.published, a.enabled, v.body FROM automation a
      CROSS JOIN LATERAL (
        SELECT body FROM automation_version
         WHERE automation_id = a.id ORDER BY version DESC LIMIT 1) v
     WHERE a.workspace_id = :w AND a.deleted_at IS NULL
       AND coalesce(v.body ->> 'campaign', :campaign) = :campaign
     ORDER BY a.name LIMIT 200
    """
)


def feeding(connection: Connection, workspace_id: int, mapping_name: str) -> list[str]:
    """The names of the enabled, published automations that feed the mapping."""
    return [row.name for row in connection.execute(_feeding(workspace_id, mapping_name))]


def _feeding(workspace_id: int, mapping_name: str) -> Select[Any]:
    return (
        select(automation.c.name)
        .join(
            automation_version,
            (automation_version.c.automation_id == automation.c.id)
            & (automation_version.c.version == automation.c.published),
        )
        .where(
            automation.c.workspace_id == workspace_id,
            automation.c.deleted_at.is_(None),
            automation.c.enabled,
            text(
                "EXISTS (SELECT FROM jsonb_array_elements(automation_version.body -> 'then') t"
                " WHERE t ->> 'do' = 'feed' AND t ->> 'mapping' = :mapping_name)"
            ).bindparams(mapping_name=mapping_name),
        )
        .order_by(automation.c.name)
    )


def delete(connection: Connection, workspace_id: int, automation_id: int) -> None:
    """Take the automation off the list; it triggers nothing from now on."""
    versioned.one(connection, AUTOMATION, workspace_id, row_id=automation_id, lock=True)
    connection.execute(
        update(automation)
        .where(automation.c.id == automation_id)
        .values(deleted_at=func.now(), enabled=False, published=None)
    )


def read(connection: Connection, workspace_id: int, automation_id: int) -> dict[str, Any]:
    """The automation in its newest version. Raises Refusal(NOT_FOUND)."""
    row = versioned.one(connection, AUTOMATION, workspace_id, row_id=automation_id)
    return _shown(connection, row, actions.inviting(connection, workspace_id))


def listed(connection: Connection, workspace_id: int) -> list[dict[str, Any]]:
    """Every automation in the order in which they run."""
    rows = versioned.all_of(connection, AUTOMATION, workspace_id)
    inviting = actions.inviting(connection, workspace_id)
    return [_shown(connection, row, inviting) for row in sorted(rows, key=_in_order)]


def versions(connection: Connection, workspace_id: int, automation_id: int) -> list[dict[str, Any]]:
    """Every version, newest first. Raises Refusal(NOT_FOUND)."""
    row = versioned.one(connection, AUTOMATION, workspace_id, row_id=automation_id)
    return versioned.versions_of(connection, AUTOMATION, row)


def switch(
    connection: Connection, workspace_id: int, automation_id: int, *, enabled: bool
) -> dict[str, Any]:
    """On or off, from the next response on; what came while it was off is not made up for. A repeat
    changes nothing. Raises Refusal(NOT_FOUND).
    """
    versioned.one(connection, AUTOMATION, workspace_id, row_id=automation_id, lock=True)
    connection.execute(
        update(automation).where(automation.c.id == automation_id).values(enabled=enabled)
    )
    return read(connection, workspace_id, automation_id)


def put_in_order(
    connection: Connection, workspace_id: int, wanted: Sequence[int]
) -> list[dict[str, Any]]:
    """Run the named ones first, in this order, and then the others as before; all of them.

    Raises Refusal(BODY_INVALID) naming an id that is none, or stands twice.
    """
    rows = {one.id: one for one in versioned.all_of(connection, AUTOMATION, workspace_id)}
    for number, one in enumerate(wanted):
        if one not in rows or one in wanted[:number]:
            fault = "unknown" if one not in rows else "duplicate"
            words = (
                phrase("there is no such automation")
                if one not in rows
                else phrase("it stands twice")
            )
            place = Place(f"/automations/{number}", fault, words)
            raise Refusal(Code.BODY_INVALID, places=[place])
    rest = [one.id for one in sorted(rows.values(), key=_in_order) if one.id not in set(wanted)]
    connection.execute(PLACES, {"w": workspace_id, "ids": [*wanted, *rest]})
    return listed(connection, workspace_id)


def _in_order(row: Row[Any]) -> tuple[bool, int, int]:
    return row.place is None, row.place or 0, row.id


def _faults(connection: Connection, workspace_id: int, body: Body) -> Iterable[Place]:
    if body.get("if"):
        try:
            campaign_id, source = body.get("campaign"), body["if"]
            words = words_for(connection, workspace_id, source=source, campaign_id=campaign_id)
            condition(source, words)
        except ExpressionInvalid as exc:
            yield Place("/if", "expression_invalid", str(exc))
    known = _names(connection, workspace_id, mapping)
    profiles = _apps(connection, workspace_id)
    for number, action in enumerate(body["then"]):
        place, name = f"/then/{number}", action.get("connection")
        if action.get("mapping") and action["mapping"] not in known:
            yield Place(f"{place}/mapping", "unknown", phrase("there is no mapping of that name"))
        if name and name not in profiles:
            yield Place(
                f"{place}/connection", "unknown", phrase("there is no connection of that name")
            )
        elif name:
            app = profiles[name]
            yield from actions.faults(connection, workspace_id, action, app=app, place=place)
        yield from actions.word_faults(connection, workspace_id, body, action, place=place)


def _apps(connection: Connection, workspace_id: int) -> dict[str, str]:
    """The app of every connection, by name."""
    rows = connection.execute(
        select(connections.c.name, connections.c.app).where(
            connections.c.workspace_id == workspace_id, connections.c.deleted_at.is_(None)
        )
    )
    return {one.name: one.app for one in rows}


def _names(connection: Connection, workspace_id: int, table: Any) -> set[str]:  # noqa: ANN401
    rows = connection.execute(
        select(table.c.name).where(
            table.c.workspace_id == workspace_id, table.c.deleted_at.is_(None)
        )
    )
    return set(rows.scalars())


def _shown(connection: Connection, row: Row[Any], inviting: frozenset[str]) -> dict[str, Any]:
    body = versioned.body_of(connection, AUTOMATION, row)
    return {
        "id": row.id,
        "name": row.name,
        "published": row.published,
        "latest": row.latest,
        "draft": row.published != row.latest,
        "enabled": row.enabled,
        "parked_reason": row.parked_reason,
        "body": body,
        "warnings": [
            {"pointer": one.pointer, "code": one.code, "text": one.text}
            for one in actions.warnings(body, inviting=inviting)
        ],
    }


def _row(
    connection: Connection, workspace_id: int, name: str, automation_id: int | None
) -> Row[Any] | None:
    if automation_id is None:
        return versioned.named(connection, AUTOMATION, workspace_id, name=name)
    return versioned.one(connection, AUTOMATION, workspace_id, row_id=automation_id, lock=True)


PLACES = text(
    """
    UPDATE automation a SET place = o.place
      FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS o(id, place)
     WHERE a.id = o.id AND a.workspace_id = :w AND a.place IS DISTINCT FROM o.place
    """
)
