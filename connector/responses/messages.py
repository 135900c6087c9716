"""People or systems are told of a response: by mail, in a chat, by a signed webhook. Pure.

People are told once of a response, however often it is edited (`MessageTraits.once`); a system
hears of every revision. What was sent cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from adapters.traits import MessageTraits
from connector.responses.case import AutomationFacts, Case, Draft
from connector.responses.note import note_of
from connector.responses.steps import MESSAGE, Step
from connector.responses.wording import worded

MESSAGES = UUID("6f1f7d0c-3b1a-4c57-9a43-51c8f5f7f9d2")
ENTITY = "messages"
LONGEST_TITLE = 200
# What says who answered and what: left out where the admin wants no answers to leave.
PRIVATE = ("answers", "respondent", "hidden", "attributes", "variables", "meta")


def message_step(draft: Draft, automation: AutomationFacts, action: Mapping[str, Any]) -> None:
    """The THEN action `notify`."""
    named = (one for one in draft.facts.connections.values() if one.name == action["connection"])
    connection = next(named, None)
    traits = connection.traits.messages if connection else None
    if connection is None or traits is None:
        draft.verdicts[f"notify:{action['connection']}"] = "no_such_connection"
        return
    if traits.respondent and not draft.case.body["respondent"].get("email"):
        draft.verdicts[f"notify:{action['connection']}"] = "no_address"
        return
    if traits.respondent and draft.case.person and draft.case.person.opted_out:
        draft.verdicts[f"notify:{action['connection']}"] = "opted_out"
        return
    place = automation.body["then"].index(action)
    own = f"{automation.id}:{place}:{draft.case.key}"
    revision = "" if traits.once else f":{draft.case.marker}"
    message_id = str(uuid5(MESSAGES, own + revision))
    draft.add(
        Step(
            key=f"notify:{automation.id}:{place}",
            kind=MESSAGE,
            connection_id=connection.id,
            linger_s=connection.linger_s,
            entity=ENTITY,
            # One after the other: revisions of a response are told in their order.
            lane=f"message:{own}",
            payload={
                "match": {"field": "id", "value": message_id},
                "id": message_id,
                "once": traits.once,
                **_said(draft, automation, action, traits),
            },
            automation_id=automation.id,
            campaign_id=draft.case.campaign.id if draft.case.campaign else None,
            state="parked" if connection.waits else "pending",
            reason=connection.waits,
        )
    )


def _said(
    draft: Draft, automation: AutomationFacts, action: Mapping[str, Any], traits: MessageTraits
) -> dict[str, Any]:
    case = draft.case
    if traits.respondent:
        return _for_respondent(case)
    if not traits.once:
        told = _told(case, automation, action)
        return {"event": f"response.{case.body['event']}", "title": "", "text": "", "told": told}
    return {
        "event": f"response.{case.body['event']}",
        "title": _title(case, action),
        "text": _text(case, action, traits.limit),
        "to": list(action.get("to", ())),
    }


def _for_respondent(case: Case) -> dict[str, Any]:
    """Who has answered, and nothing of what."""
    who = case.body["respondent"]
    told = {"reference": case.body["response_id"], "name": who.get("name") or ""}
    return {
        "event": f"response.{case.body['event']}",
        "title": "",
        "text": "",
        "to": [who["email"]],
        "told": told,
    }


def _told(case: Case, automation: AutomationFacts, action: Mapping[str, Any]) -> dict[str, Any]:
    """The response as it was accepted; `answers: none` leaves out who said what."""
    hidden = PRIVATE if action["answers"] == "none" else ()
    kept = {name: one for name, one in case.body.items() if name not in hidden}
    said = {one: action[one] for one in ("subject", "text") if one in action}
    worded_ = {name: worded(one, case.variables) for name, one in said.items()}
    return {"automation": automation.body["name"], "response": kept, **worded_}


def _title(case: Case, action: Mapping[str, Any]) -> str:
    template = action.get("subject") or "{campaign.name}: {computed.score}"
    return " ".join(worded(template, case.variables).split())[:LONGEST_TITLE]


def _text(case: Case, action: Mapping[str, Any], limit: int) -> str:
    """What the admin has written, then the answers unless they are not to leave."""
    own = worded(action.get("text", ""), case.variables)
    if action["answers"] == "none":
        return own[:limit]
    room = max(1_000, limit - len(own.encode("utf-16-le")) // 2 - 2)
    note = note_of(case.body, case.marker, order=case.order, limit=room)
    return "\n\n".join(part for part in (own, note.text if note else "") if part)
