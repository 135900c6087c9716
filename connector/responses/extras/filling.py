"""Fills in an input form for a contact: its record in the CRM is completed, or made.

    1. check     the fields stand on the form, the values fit
    2. hold      the contact's lane, as for any edit (editing.py)
    3. look      by the link; else by what identifies the contact: a colleague may have made it
    4. complete  what the record lacks, as an edit: compared with what was seen, written, settled
       or make   one with the contact's own standard fields, the form's values and its defaults
    5. look      where the answer was lost: by what identifies it, so that none is made twice

A field that was not seen was empty: what somebody else has filled in since is never overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from adapters.errors import AdapterError, BatchRefused, OutcomeUnknown, TryLater
from adapters.values import Outcome, Record, Row, Status
from connector.contacts import people as contacts
from connector.failpoints import failpoint
from connector.problems import Code, Place, Refusal
from connector.responses.case import ConnectionFacts
from connector.responses.extras import holds, showing
from connector.responses.extras.carrying import Edit, Edited, Wanted
from connector.responses.extras.checking import checked
from connector.responses.extras.choosing import READ_ONLY, Chosen
from connector.responses.extras.comparing import Change
from connector.responses.extras.editing import held, look_after
from connector.responses.extras.forms import Form, form_of
from connector.responses.extras.holds import Hold, Spot
from connector.responses.extras.live import Line
from connector.responses.extras.sending import made
from connector.responses.extras.showing import NOT_LINKED, Part, place_of
from connector.responses.extras.showing import Place as Where
from connector.responses.fold import EMPTY
from connector.responses.hub import Hub
from connector.responses.people import contact_of
from connector.responses.standard import contact_match, standard_values
from schemas.fields import Field, FieldValue
from schemas.phrases import phrase
from schemas.record import compile_record_schema, refusals

CREATED = "created"
# The place of a default: it stands in no change of the request.
NOWHERE = -1
NO_MATCH = phrase("The contact has no address or number by which the CRM could know it.")
SEVERAL = phrase("several records in the CRM are this contact: merge them there, or link one")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A contact that the CRM may not have yet: what identifies it there, and what is known of
    it.
    """

    match: Mapping[str, str]
    values: Mapping[str, FieldValue]


def to_fill(hub: Hub, workspace_id: int, contact_id: int, form_id: int) -> dict[str, Any]:
    """The form for this contact, with what the CRM holds now. Raises Refusal(NOT_FOUND)."""
    with hub.database.begin(workspace_id) as connection:
        contacts.one(connection, workspace_id, contact_id)
        form = form_of(connection, workspace_id, form_id)
        place = place_of(connection, form.chosen, contact_id, lease_s=hub.settings.lease_s)
    part = showing.part_of(hub, place)
    told = showing.shown(part)
    stored = {one["field"]: one for one in form.stored}
    fields = [_with_form(one, stored[one["field"]], form, part) for one in told["fields"]]
    head = {"form_id": form.id, "form": form.name, "create": form.creates}
    return {**told, **head, "fields": fields}


def fill(
    hub: Hub,
    workspace_id: int,
    contact_id: int,
    form_id: int,
    wanted: Wanted,
    *,
    actor: str,
    address: str | None = None,
) -> Edited:
    """Write what was filled in; its state is `created` where the record was made.

    `wanted.connection_id` does not count: the form has its own. Raises Refusal as an edit does;
    not_linked where the CRM has no record and the form makes none.
    """
    form, where, newcomer = _begun(hub, workspace_id, contact_id, form_id)
    of_form = form.chosen if newcomer is None else _for_either(form.chosen)
    changes = checked(of_form, wanted.changes, by_etag=True)
    told = changes if newcomer is None else _with_defaults(form, changes, {}, creating=True)
    hold = held(
        hub,
        where.spot,
        told,
        actor=actor,
        form_id=form.id,
        match=newcomer.match if newcomer else None,
    )
    asked = Wanted(where.spot.connection_id, wanted.changes, wanted.matches)
    one = _Filling(
        hub, where, changes, asked, hold=hold, address=address, form=form, newcomer=newcomer
    )
    return one.carried_out()


# --- before -------------------------------------------------------------------------------------


def _begun(
    hub: Hub, workspace_id: int, contact_id: int, form_id: int
) -> tuple[Form, Where, Newcomer | None]:
    """The form, the contact's record, and what is known of a contact without one; an edit that was
    left is looked up before.
    """
    with hub.database.begin(workspace_id) as connection:
        contacts.one(connection, workspace_id, contact_id)
        form = form_of(connection, workspace_id, form_id)
        where, left = _place(connection, form, contact_id, lease_s=hub.settings.lease_s)
        newcomer = None if where.remote_id else _newcomer(connection, form, contact_id)
    if left is None:
        return form, where, newcomer
    look_after(hub, form.chosen, left)
    with hub.database.begin(workspace_id) as connection:
        where, _ = _place(connection, form, contact_id, lease_s=hub.settings.lease_s)
    return form, where, None if where.remote_id else newcomer


def _place(
    connection: Connection, form: Form, contact_id: int, *, lease_s: float
) -> tuple[Where, Hold | None]:
    where = place_of(connection, form.chosen, contact_id, lease_s=lease_s)
    if where.remote_id is not None:
        return where, where.left
    return where, holds.take_over(connection, where.spot, lease_s=lease_s)


def _newcomer(connection: Connection, form: Form, contact_id: int) -> Newcomer:
    profile, entity = form.chosen.profile, form.chosen.entity
    person = contact_of(connection, contact_id)
    if entity is None:
        raise Refusal(Code.NO_FIELD_DEFINITIONS)
    here = ConnectionFacts(
        profile.id, profile.app, profile.name, profile.traits, {}, {entity.name: entity}
    )
    match = None if person is None else contact_match(here, person)
    if person is None or match is None:
        raise Refusal(Code.NOT_LINKED, NO_MATCH)
    known = entity.by_name()
    values = {
        name: value
        for name, value in standard_values(here, person).items()
        if known[name].creatable
    }
    return Newcomer(match, values)


def _for_either(chosen: Chosen) -> Chosen:
    """The form's fields where it is not known yet whether a record is completed or made: what is
    wrong only with one of the two is told when that is known.
    """
    extras = tuple(
        replace(one, why_not=None)
        if one.why_not == READ_ONLY and one.field is not None and one.field.creatable
        else one
        for one in chosen.extras
    )
    return Chosen(chosen.profile, None, extras)


def _with_form(
    told: Mapping[str, Any], stored: Mapping[str, Any], form: Form, part: Part
) -> dict[str, Any]:
    """A field as it is shown, with what the form says of it."""
    field = next((one.field for one in form.chosen.extras if one.name == told["field"]), None)
    why_not = told["why_not"]
    if part.state == NOT_LINKED and field is not None and why_not in {None, READ_ONLY}:
        why_not = None if field.creatable else READ_ONLY
    return {
        **told,
        "why_not": why_not,
        "editable": why_not is None,
        "help": stored.get("help"),
        "required": bool(stored.get("required")),
        "default": None if field is None else form.default_of(field),
    }


def _with_defaults(
    form: Form, changes: Sequence[Change], held: Mapping[str, FieldValue], *, creating: bool
) -> tuple[Change, ...]:
    """The changes, and the defaults of fields that nobody has filled in, here or at the CRM."""
    given = {one.name for one in changes if one.value not in EMPTY}
    fields = [one.field for one in form.chosen.extras if one.field is not None]
    defaults = [
        Change(field, value, held.get(field.name), NOWHERE)
        for field in fields
        if field.name not in given
        and held.get(field.name) in EMPTY
        and (field.creatable if creating else field.updatable)
        and (value := form.default_of(field)) is not None
    ]
    replaced = {one.name for one in defaults}
    return (*(one for one in changes if one.name not in replaced), *defaults)


# --- filling in ---------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Filling(Edit):
    """One filling that holds its contact. `met`: a record that the CRM has told us of meanwhile."""

    form: Form
    newcomer: Newcomer | None = None
    met: str | None = None

    def _tried(self, line: Line) -> Edited | None:
        if self.newcomer is None:
            return self._written_on(line, self._read(line))
        record = self._known(line, self.newcomer)
        self._check_lost(line)
        if record is not None:
            return self._written_on(line, record)
        return self._made(line, self.newcomer)

    def _known(self, line: Line, newcomer: Newcomer) -> Record | None:
        """The record that stands for the contact at the CRM after all."""
        if self.met is not None:
            return line.record(self.met)
        found = line.matching(newcomer.match["field"], newcomer.match["value"])
        if len(found) > 1:
            raise Refusal(Code.CHANGE_REFUSED, places=[Place("/changes", "ambiguous", SEVERAL)])
        return found[0] if found else None

    # --- complete -------------------------------------------------------------------------------

    def _completed(self, changes: tuple[Change, ...], record: Record) -> tuple[Change, ...]:
        whole = _with_defaults(self.form, changes, record.values, creating=False)
        values = {**record.values, **{one.name: one.value for one in whole}}
        writes = {one.name: one.value for one in self.changes}
        self._refuse_unfit(values, writes, creating=False)
        return whole

    def _refuse_unfit(
        self, values: Mapping[str, FieldValue], writes: Mapping[str, FieldValue], *, creating: bool
    ) -> None:
        """Raises Refusal(CHANGE_REFUSED) with every field that would be left empty or is wrong."""
        at = {one.name: one.place for one in self.changes}
        places = [
            Place(_pointer(at.get(name)), rule, message)
            for name, rule, message in self._unfit(values, writes, creating=creating)
        ]
        if places:
            raise Refusal(Code.CHANGE_REFUSED, places=places)

    def _unfit(
        self, values: Mapping[str, FieldValue], writes: Mapping[str, FieldValue], *, creating: bool
    ) -> Iterator[tuple[str, str, str]]:
        lacking = {
            one.name: one.label
            for one in self.form.required
            if one.field is not None
            and _is_writable(one.field, creating=creating)
            and values.get(one.name) in EMPTY
        }
        for name, label in lacking.items():
            yield name, "required", f"{label} has to be filled in"
        entity = self.form.chosen.entity
        if entity is None:
            return
        schema = compile_record_schema(entity)()
        for one in refusals(schema, entity, writes, creating=creating):
            if one.field not in lacking:
                yield one.field, one.rule, one.message

    # --- make -----------------------------------------------------------------------------------

    def _made(self, line: Line, newcomer: Newcomer) -> Edited | None:
        match = newcomer.match
        if not self.form.creates or match["field"] == self.form.chosen.profile.traits.id_field:
            raise Refusal(Code.NOT_LINKED)
        if self.wanted.matches is not None:
            # Somebody saw a record that is not there any more.
            raise Refusal(Code.PRECONDITION_FAILED, extra={"conflicts": []})
        whole = _with_defaults(self.form, self.changes, {}, creating=True)
        given = {one.name: one.value for one in whole if one.value not in EMPTY}
        values = {match["field"]: match["value"], **newcomer.values, **given}
        self._refuse_unfit(values, values, creating=True)
        outcome = self._sent(line, Row(f"edit-{self.hold.id}", values), match)
        if outcome.status in {Status.WRITTEN, Status.UNCHANGED} and outcome.remote_id:
            return self._settled_new(outcome.remote_id, values)
        if outcome.code == "duplicate" and outcome.remote_id:
            self.met = outcome.remote_id
            return None
        self._refuse(outcome)
        return None

    def _sent(self, line: Line, row: Row, match: Mapping[str, str]) -> Outcome:
        entity = self.where.spot.entity
        failpoint("edit_compared")
        try:
            with line.caller.writing():
                outcome = line.caller.call(
                    lambda crm: made(crm, entity, row, match_field=match["field"])
                )
        except OutcomeUnknown as exc:
            line.failed(exc)
            return self._found_after(line, row, exc)
        except BatchRefused as exc:
            return Outcome(row.key, Status.REJECTED, code=exc.code, message=str(exc))
        failpoint("edit_written")
        return outcome

    def _found_after(self, line: Line, row: Row, exc: OutcomeUnknown) -> Outcome:
        """The answer was lost: what identifies the contact tells whether it was made."""
        try:
            record = None if self.newcomer is None else self._known(line, self.newcomer)
        except AdapterError as again:
            line.failed(again)
            raise self._unknown() from again
        if record is not None:
            return Outcome(row.key, Status.WRITTEN, record.remote_id)
        message = "the CRM did not take the contact: nothing was written"
        raise TryLater(message, wait_s=exc.wait_s, code=exc.code) from exc

    def _settled_new(self, remote_id: str, values: Mapping[str, FieldValue]) -> Edited:
        self.end(holds.WRITTEN, record=Record(remote_id, {}), before={}, after=values)
        spot: Spot = self.where.spot
        return Edited(self.hold.id, spot.connection_id, CREATED, remote_id, {}, dict(values))


def _is_writable(field: Field, *, creating: bool) -> bool:
    return field.creatable if creating else field.updatable


def _pointer(place: int | None) -> str:
    return "/changes" if place is None or place == NOWHERE else f"/changes/{place}/value"
