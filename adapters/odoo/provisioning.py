"""Looks through a database for our tags, fields and model, and makes what is missing, on request.

Tags need the right to edit contacts only. Fields, the model and who may see it are made through
Odoo's own models of models, which an administrator may write and the integration user must not:
an administrator connects once, makes the parts, and the integration user is connected afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from adapters.errors import PauseMapping
from adapters.odoo import loading, tagging
from adapters.odoo.client import Client
from adapters.odoo.definition import (
    EDITORS,
    SEGMENTS,
    OwnField,
    grants,
    key_field,
    parent_of,
    record_fields,
    record_model,
    tag_outside_id,
)
from adapters.odoo.refusals import NO_METHOD, RowFault, speaking
from adapters.odoo.traits import RECORD_MODEL
from adapters.provisioning import Part, Plan, State, Task, Thing, Wanted, carried_out, seen_again
from adapters.values import TagOptions
from schemas.odoo import ACTIVITY, ATTRIBUTES, CATEGORY, LEAD, PARTNER

MODEL, FIELDS, GRANTS, OUTSIDE_IDS = (
    "ir.model",
    "ir.model.fields",
    "ir.model.access",
    "ir.model.data",
)
RIGHT = "Administration / Access Rights"
HINTS = (
    "Views and menus are yours: put the field and the list of responses where your people look.",
    f"Fields, the model and its access need {RIGHT}: let an administrator connect and make them.",
)
NO_LEADS = "CRM is not installed or not open to the user: responses are not linked to leads"
RENAMED = "it has been renamed: name it so again, or delete it"
TEXTS = frozenset({"char", "text"})


class Furnishing:
    """One look at a database, and what follows from it."""

    def __init__(self, client: Client, wanted: Wanted) -> None:
        self._client = client
        self._wanted = wanted
        self._parent = parent_of(wanted.no_send)
        keyed = {one: self._described(one) for one in (PARTNER, ACTIVITY)}
        self._keyed = {one: fields for one, fields in keyed.items() if fields is not None}
        self._record = self._described(RECORD_MODEL)
        self._has_leads = self._described(LEAD) is not None
        names = [self._parent, wanted.no_send, *wanted.tags]
        self._tags = tagging.ids_of(client, names)
        self._ours = self._known_outside()

    def plan(self) -> Plan:
        """Every thing as it is now."""
        return Plan(tuple(one.thing for one in self._tasks()), HINTS)

    def carried_out(self, parts: Collection[Part]) -> tuple[Thing, ...]:
        """Make what is missing of these parts."""
        return carried_out(self._tasks(), parts)

    # --- what there is ----------------------------------------------------------------------------

    def _described(self, model: str) -> Mapping[str, Mapping[str, Any]] | None:
        """The fields of a model; None where there is none."""
        with contextlib.suppress(PauseMapping), speaking():
            told = self._client.read(model, "fields_get", None, list(ATTRIBUTES))
            return told if isinstance(told, dict) else None
        return None

    def _known_outside(self) -> Mapping[str, int]:
        """Our single tags by their ids outside of Odoo; none where the user may not look."""
        ids = {tag_outside_id(one): one for one in (self._parent, self._wanted.no_send)}
        module = next(iter(ids)).partition(".")[0]
        names = [one.partition(".")[2] for one in ids]
        domain = [["module", "=", module], ["name", "in", names], ["model", "=", CATEGORY]]
        with contextlib.suppress(PauseMapping), speaking():
            told = self._client.search_read(OUTSIDE_IDS, domain, ["name", "res_id"])
            return {ids[f"{module}.{one['name']}"]: int(one["res_id"]) for one in told}
        return {}

    def _may(self, model: str, act: str) -> bool:
        try:
            told = self._client.read(model, "check_access_rights", act, raise_exception=False)
        except RowFault as fault:
            if fault.code != NO_METHOD:
                raise
            # The name from 18 on (unverified).
            told = self._client.read(model, "has_access", [], act)
        return bool(told)

    # --- what follows -----------------------------------------------------------------------------

    def _tasks(self) -> list[Task]:
        fields = [one for one in record_fields() if self._has_leads or one.relation != LEAD]
        tasks = [
            *(
                self._field_task(Part.KEY, key_field(one), told)
                for one, told in self._keyed.items()
            ),
            self._tag_task(Part.TAGS, self._parent, "the tag above all of ours"),
            *([self._tags_task()] if self._wanted.tags else []),
            self._tag_task(Part.NO_SEND, self._wanted.no_send, "the opt-out tag of contacts"),
            self._model_task(tuple(fields)),
            *(self._record_task(one) for one in fields),
        ]
        if not self._has_leads:
            tasks.append(_no_leads())
        return [*tasks, self._access_task()]

    def _field_task(
        self, part: Part, own: OwnField, there: Mapping[str, Mapping[str, Any]]
    ) -> Task:
        held = there.get(own.name)
        text = _drift(own, held) if held is not None else ""
        state = State.MISSING if held is None else State.DRIFTED if text else State.EXISTS
        wants = f"{own.kind} to {own.relation}" if own.relation else own.kind
        thing = Thing(part, "field", own.full_name, wants, state, text)
        return Task(thing, (lambda: self._make_field(own)) if held is None else None)

    def _record_task(self, own: OwnField) -> Task:
        if self._record is not None:
            return self._field_task(Part.RECORD, own, self._record)
        # Made with its model, in the same call.
        return Task(Thing(Part.RECORD, "field", own.full_name, own.kind, State.MISSING))

    def _model_task(self, fields: tuple[OwnField, ...]) -> Task:
        there = self._record is not None
        state = State.EXISTS if there else State.MISSING
        wants = "a model of its own, one record per response"
        thing = Thing(Part.RECORD, "entity", RECORD_MODEL, wants, state)
        return Task(thing, None if there else lambda: self._make_model(fields))

    def _tag_task(self, part: Part, name: str, wants: str) -> Task:
        renamed = name not in self._tags and name in self._ours
        missing = name not in self._tags and not renamed
        state = State.MISSING if missing else State.DRIFTED if renamed else State.EXISTS
        text = RENAMED if renamed else ""
        thing = Thing(part, "tag", f"{CATEGORY}: {name}", wants, state, text)
        return Task(thing, (lambda: self._make_tag(name)) if missing else None)

    def _tags_task(self) -> Task:
        tags = self._wanted.tags
        lacking = [one for one in tags if one not in self._tags]
        state = State.MISSING if lacking else State.EXISTS
        text = f"{len(lacking)} of {len(tags)} tags are missing" if lacking else ""
        thing = Thing(Part.TAGS, "tag", f"{CATEGORY}: tags", "a tag for each score", state, text)
        return Task(thing, (lambda: self._make_tags(lacking)) if lacking else None)

    def _access_task(self) -> Task:
        given = self._record is not None and self._is_granted()
        state = State.EXISTS if given else State.MISSING
        wants = f"internal users see responses, {EDITORS} may write them"
        thing = Thing(Part.ACCESS, "grant", f"{GRANTS}: {RECORD_MODEL}", wants, state)
        return Task(thing, None if given else self._grant, frozenset({RECORD_MODEL}))

    def _is_granted(self) -> bool:
        """Who may grant sees the rules. Others are asked what they may do themselves, which says
        nothing of an administrator, who may do all on old versions (measured, 11).
        """
        if not self._may(GRANTS, "create"):
            return all(self._may(RECORD_MODEL, act) for act in ("read", "write", "create"))
        model_id = self._model_id(RECORD_MODEL)
        domain = [["model_id", "=", model_id], ["perm_create", "=", True]]
        return bool(self._client.search_read(GRANTS, domain, ["name"]))

    # --- making -----------------------------------------------------------------------------------

    def _make_field(self, own: OwnField) -> None:
        values = {"model_id": self._model_id(own.model), **own.values}
        _made(lambda: self._client.create(FIELDS, [values]))

    def _make_model(self, fields: tuple[OwnField, ...]) -> None:
        _made(lambda: self._client.create(MODEL, [record_model(fields)]))

    def _make_tag(self, name: str) -> None:
        """With an id outside of Odoo, which the database keeps unique: two hubs make one."""
        parent = self._tags.get(self._parent, []) if name != self._parent else []
        above = {"parent_id/.id": str(parent[0])} if parent else {}
        told = {"id": tag_outside_id(name), "name": name, **above}
        with speaking():
            loading.stored(self._client, CATEGORY, list(told), [list(told.values())])
        self._tags = {**self._tags, **tagging.ids_of(self._client, [name])}

    def _make_tags(self, names: Sequence[str]) -> None:
        with speaking():
            tagging.provision(self._client, [TagOptions("", tuple(names))])

    def _grant(self) -> None:
        columns, rows = grants(self._model_id(RECORD_MODEL))
        with speaking():
            loading.stored(self._client, GRANTS, columns, rows)

    def _model_id(self, model: str) -> int:
        with speaking():
            told = self._client.search_read(MODEL, [["model", "=", model]], ["model"])
        if not told:
            message = f"Odoo does not show its model {model}"
            raise PauseMapping(message, code="entity_unknown")
        return int(told[0]["id"])


def planned(client: Client, wanted: Wanted) -> Plan:
    """The port's `planned`: seven to nine calls."""
    return Furnishing(client, wanted).plan()


def furnish(client: Client, wanted: Wanted, parts: Collection[Part]) -> Plan:
    """The port's `furnish`."""
    done = Furnishing(client, wanted).carried_out(parts)
    return seen_again(_with_model(done), Furnishing(client, wanted).plan())


def _with_model(done: Sequence[Thing]) -> list[Thing]:
    """The fields of a model that has just been made, with it."""
    made = any(one.kind == "entity" and one.made for one in done)
    return [
        Thing(one.part, one.kind, one.name, one.wants, one.state, one.text, made=True)
        if made and one.part is Part.RECORD and one.state is State.MISSING
        else one
        for one in done
    ]


def _made(act: Callable[[], object]) -> None:
    """Make it; somebody who was faster is as good."""
    with speaking():
        try:
            act()
        except RowFault as fault:
            if fault.code != "duplicate":
                raise


def _no_leads() -> Task:
    name = next(one.full_name for one in record_fields() if one.relation == LEAD)
    return Task(Thing(Part.RECORD, "field", name, LEAD, State.IMPOSSIBLE, NO_LEADS))


def _drift(own: OwnField, held: Mapping[str, Any]) -> str:
    """What is wrong with a field, in words; empty where it will do."""
    kind = str(held.get("type"))
    if kind != own.kind and not {kind, own.kind} <= TEXTS:
        return f"it is of the type {kind}, it must be {own.kind}: remove or rename it"
    if own.relation and held.get("relation") != own.relation:
        return f"it refers to {held.get('relation')}, it must refer to {own.relation}: remove it"
    options = {str(one[0]) for one in held.get("selection") or ()}
    wanted = [one for one in SEGMENTS if own.kind == "selection" and one not in options]
    return f"the options {', '.join(wanted)} are missing: add them" if wanted else ""
