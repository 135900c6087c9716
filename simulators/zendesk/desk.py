"""Tickets and their comments: the place of notes in Zendesk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulators.zendesk import shapes, tags
from simulators.zendesk.people import People
from simulators.zendesk.refusals import RecordInvalid, Refused, not_found
from simulators.zendesk.state import Record, State

CHANGEABLE = (
    *("subject", "priority", "type", "status", "custom_status_id"),
    *("external_id", "assignee_id", "group_id"),
)
CREATED_EVENTS = (
    "subject",
    "requester_id",
    "priority",
    "type",
    "status",
    "organization_id",
    "brand_id",
)


class Desk:
    """The account's tickets."""

    def __init__(self, state: State, people: People) -> None:
        self.state = state
        self.people = people

    def ticket(self, number: int | str) -> Record:
        found = self.state.tickets.get(int(number)) if str(number).isdigit() else None
        if found is None:
            raise not_found()
        return found

    def by_external(self, external_id: str) -> list[Record]:
        """Every ticket with that external id: it is not unique."""
        return [one for one in self.state.tickets.values() if one["external_id"] == external_id]

    def create(self, given: Mapping[str, Any], number: int | None = None) -> tuple[Record, Record]:
        """The ticket and its audit. Requester's and organization's tags are copied."""
        told = self._first_comment(given)
        requester = self._requester(given)
        self._judge_assignee(given)
        made = shapes.ticket(number or self.state.new_ticket_id(), given, self.state.stamp())
        made["description"] = shapes.plain_text(told)
        made["raw_subject"] = made["subject"] = given.get("subject") or made["description"][:80]
        made["requester_id"] = requester["id"]
        made["organization_id"] = requester["organization_id"]
        made["is_public"] = told.get("public", True)
        made["tags"] = self._tags_of(requester, given)
        made["custom_fields"] = made["fields"] = self._custom_fields(given)
        self.state.tickets[made["id"]] = made
        audit = self._say(made, told)
        audit["events"].extend(self._created(made, name) for name in CREATED_EVENTS)
        self.state.touch(made, "POST tickets", given, contact=made["requester_id"])
        return made, audit

    def _judge_assignee(self, given: Mapping[str, Any]) -> None:
        """A solved ticket needs an assignee (the vendor's documentation of 2012; the words are U),
        who must be in a group (quoted by a third party, 2024).
        """
        needed = given.get("status") == "solved" and self.state.options["solved_needs_assignee"]
        if given.get("assignee_id") is None:
            if needed:
                text = "Assignee: is required when solving a ticket"
                raise RecordInvalid(attribute="base", code="BlankValue", text=text)
        elif not self._is_agent(given["assignee_id"]):
            text = "Assignee: is invalid"
            raise RecordInvalid(attribute="assignee", code="InvalidValue", text=text)
        elif not self.state.options["agent_in_group"]:
            text = "Assignee: is not a member of the group"
            raise RecordInvalid(attribute="assignee", code="InvalidValue", text=text)

    def _is_agent(self, number: object) -> bool:
        found = self.state.users.get(int(str(number)))
        return found is not None and found["role"] != "end-user"

    def update(self, one: Record, given: Mapping[str, Any]) -> tuple[Record, Record]:
        """Set attributes and append a comment. Refuses closed ones and a stale safe_update."""
        if one["status"] == "closed":
            raise RecordInvalid(
                attribute="status",
                code="InvalidValue",
                text="Status: closed prevents ticket update",
            )
        if given.get("safe_update") and given.get("updated_stamp") != one["updated_at"]:
            told = "Safe Update prevented the update due to outdated ticket data"
            raise Refused(409, {"error": "UpdateConflict", "description": told})
        changes = [self._changed(one, name, given[name]) for name in CHANGEABLE if name in given]
        one.update({name: given[name] for name in CHANGEABLE if name in given})
        one["raw_subject"] = one["subject"]
        values = {int(each["id"]): each.get("value") for each in given.get("custom_fields") or ()}
        for each in one["custom_fields"]:
            each["value"] = values.get(each["id"], each["value"])
        if "tags" in given:
            one["tags"] = tags.kept(given["tags"], self.state.options["tag_rules"])
        said = given.get("comment")
        audit = (
            self._say(one, said)
            if said
            else shapes.audit(self.state.new_id(), one["id"], [], self.state.stamp())
        )
        audit["events"].extend(change for change in changes if change)
        self.state.touch(one, "PUT tickets", given, contact=one["requester_id"])
        return one, audit

    def delete(self, one: Record) -> None:
        del self.state.tickets[one["id"]]

    def _first_comment(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        told = given.get("comment") or {"body": given.get("description")}
        if not (told.get("body") or told.get("html_body")):
            raise RecordInvalid(
                attribute="base", code="BlankValue", text="Description: cannot be blank"
            )
        return told

    def _requester(self, given: Mapping[str, Any]) -> Record:
        """By id, or by name and e-mail: an unknown e-mail creates the person."""
        if given.get("requester_id"):
            found = self.state.users.get(int(given["requester_id"]))
            if found is None or not found["active"]:
                raise RecordInvalid(
                    attribute="requester", code="InvalidValue", text="Requester: is invalid"
                )
            return found
        who = given.get("requester")
        if not who:
            return self.state.users[shapes.ADMIN_ID]
        return self.people.matching_user(who) or self.people.create_user(who, "POST tickets")

    def _tags_of(self, requester: Record, given: Mapping[str, Any]) -> list[str]:
        copied = list(requester["tags"])
        home = self.state.organizations.get(requester["organization_id"] or 0)
        copied += home["tags"] if home else []
        own = tags.kept(given.get("tags") or [], self.state.options["tag_rules"])
        return sorted({*copied, *own})

    def _custom_fields(self, given: Mapping[str, Any]) -> list[Record]:
        """Every custom field of tickets with its value; options are not checked (documented)."""
        told = {int(one["id"]): one.get("value") for one in given.get("custom_fields") or []}
        known = self.state.definitions["ticket_field"].values()
        custom = [one for one in known if one["removable"] and one["active"]]
        return [{"id": one["id"], "value": told.get(one["id"])} for one in custom]

    def _say(self, one: Record, told: Mapping[str, Any]) -> Record:
        at, audit_id = self.state.stamp(), self.state.new_id()
        given = told.get("uploads") or ()
        tokens = [given] if isinstance(given, str) else given
        attachments = [self._taken_up(token) for token in tokens]
        said = shapes.comment(self.state.new_id(), audit_id, told, at)
        said["attachments"] = attachments
        self.state.comments[one["id"]].append(said)
        return shapes.audit(audit_id, one["id"], [shapes.comment_event(said)], at)

    def _taken_up(self, token: str) -> Record:
        """The upload of that token, which no other comment can take any more."""
        until, attachment = self.state.uploads.pop(token, (0.0, {}))
        if not attachment or until < self.state.now():
            raise RecordInvalid(
                attribute="uploads", code="InvalidValue", text="Uploads: token is invalid"
            )
        return attachment

    def _created(self, one: Record, name: str) -> Record:
        value = one[name]
        text = str(value) if isinstance(value, int) else value
        return {"field_name": name, "id": self.state.new_id(), "type": "Create", "value": text}

    def _changed(self, one: Record, name: str, value: Any) -> Record | None:
        if one[name] == value:
            return None
        change = {"field_name": name, "id": self.state.new_id(), "type": "Change"}
        return change | {"previous_value": one[name], "value": value}
