"""A step for every file of a response, at each CRM that is fed with its contact, and for the record
of the response, or what a mapping makes, where its files are wanted there. Pure.

A file that is still being fetched parks its steps (`file`); one that cannot be had makes dead steps
that say why, so that somebody sees it where they look for the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.responses.case import ConnectionFacts, Draft
from connector.responses.filefacts import FileFacts
from connector.responses.standard import at, match_as_fed
from connector.responses.steps import FIELDS, FILE, Step, contact_lane

WAITS = "file"
# What a mapping says that wants the files on what it makes.
RECORD = "record"
REMOVED = "file_removed"
REMOVED_TEXT = "the file has been deleted here: files are kept for their time only"


def file_steps(draft: Draft) -> None:
    """Files go where the contact is fed, unless the connection's own switch is off."""
    for connection in at(draft, draft.fed):
        takes = connection.traits.file_limit is not None
        match = match_as_fed(draft, connection)
        if takes and match is not None and connection.standard.get("files", True):
            for one in draft.case.files:
                home = _Home(
                    FILE,
                    connection.traits.contact_entity,
                    contact_lane(draft.person.id),
                    match,
                    linked=True,
                )
                draft.add(_step(draft, connection, one, home))
    for connection in draft.facts.connections.values():
        _on_the_record(draft, connection)
    asking = {one.id for one in draft.facts.mappings.values() if one.body.get("files") == RECORD}
    for step in [one for one in draft.steps.values() if one.kind == FIELDS]:
        if step.mapping_id in asking:
            _on_what_is_made(draft, step)


def _on_the_record(draft: Draft, connection: ConnectionFacts) -> None:
    """The files of a response on its own record: in the record's lane, so that they come with or
    after it and share its fate.
    """
    record = draft.steps.get(f"record:{connection.id}")
    if record is None or not connection.standard.get("record_files"):
        return
    if not connection.traits.takes_files(record.entity):
        return
    match = record.payload["match"]
    home = _Home("record_file", record.entity, record.lane, match, linked=False)
    for one in draft.case.files:
        draft.add(_step(draft, connection, one, home))


def _on_what_is_made(draft: Draft, made: Step) -> None:
    """The files of a response on the record that a mapping makes of it. Contacts have them anyway,
    and what is refused has none.
    """
    connection = draft.facts.connections[made.connection_id]
    traits = connection.traits
    if made.entity == traits.contact_entity or made.state == "dead":
        return
    if not traits.takes_files(made.entity):
        return
    word = f"mapping_file:{made.mapping_id}"
    match = made.payload["match"]
    home = _Home(word, made.entity, made.lane, match, linked=False, made=made)
    for one in draft.case.files:
        draft.add(_step(draft, connection, one, home))


@dataclass(frozen=True, slots=True)
class _Home:
    """What a file hangs on. `word` tells the steps of one file apart; `made`: the step of a mapping
    that makes it, which the file's then shares its mapping with.
    """

    word: str
    entity: str
    lane: str
    match: Mapping[str, str]
    linked: bool
    made: Step | None = None

    @property
    def only_made(self) -> bool:
        """Whether the record must be one that the mapping has made (made.py)."""
        return self.made is not None and self.made.payload["operation"] == "create"


def _step(draft: Draft, connection: ConnectionFacts, one: FileFacts, home: _Home) -> Step:
    campaign = draft.case.campaign
    state, reason = _state(connection, one, home.made)
    failed = state == "dead"
    return Step(
        key=f"{home.word}:{connection.id}:{one.place}:{one.answer}",
        kind=FILE,
        connection_id=connection.id,
        linger_s=connection.linger_s,
        entity=home.entity,
        lane=home.lane,
        payload={
            "match": dict(home.match),
            "linked": home.linked,
            "file": one.id,
            "answer": one.answer,
            "question": _question(draft, one),
            "title": _title(draft),
            "thread": f"{draft.person.id}-{campaign.id if campaign else 0}",
            **({"only_made": True} if home.only_made else {}),
        },
        mapping_id=home.made.mapping_id if home.made else None,
        mapping_version=home.made.mapping_version if home.made else None,
        campaign_id=campaign.id if campaign else None,
        state=state,
        reason=reason,
        error_code=(one.reason or REMOVED) if failed else None,
        error=(one.error or REMOVED_TEXT) if failed else None,
        error_field=one.answer if failed else None,
    )


def _state(
    connection: ConnectionFacts, one: FileFacts, made: Step | None
) -> tuple[str, str | None]:
    if one.state in {"failed", "removed"}:
        return "dead", WAITS
    waits = connection.waits or (made.reason if made and made.state == "parked" else None)
    if waits:
        return "parked", waits
    return ("pending", None) if one.state == "fetched" else ("parked", WAITS)


def _question(draft: Draft, one: FileFacts) -> str:
    answer: dict[str, Any] = draft.case.body["answers"][one.answer]
    return str(answer.get("title") or one.answer)


def _title(draft: Draft) -> str:
    body = draft.case.body
    for named in (body.get("campaign") or {}, body.get("survey") or {}):
        if named.get("name") or named.get("id"):
            return str(named.get("name") or named["id"])
    return str(body["response_id"])
