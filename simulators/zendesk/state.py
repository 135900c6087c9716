"""Everything the simulated account holds: records, indexes, definitions, history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simulators.zendesk import fields, shapes
from simulators.zendesk.fields import ValueRefused
from simulators.zendesk.refusals import RecordInvalid

Record = dict[str, Any]
Wrote = Callable[[str, float, Record], None]
CHOICES = ("dropdown", "multiselect")
FIELD_KINDS = {
    "user_field": fields.USER_FIELDS,
    "organization_field": fields.ORGANIZATION_FIELDS,
    "ticket_field": fields.TICKET_FIELDS,
}


class State:
    """The account's records. The caller holds the simulator's lock."""

    def __init__(self, options: Mapping[str, Any], now: Callable[[], float], wrote: Wrote) -> None:
        self.options = options
        self.now = now
        self.wrote = wrote
        self.seeding = False
        self.last_id = shapes.ADMIN_ID + 1000
        self.last_ticket = 0
        self.users: dict[int, Record] = {}
        self.organizations: dict[int, Record] = {}
        self.tickets: dict[int, Record] = {}
        self.comments: dict[int, list[Record]] = defaultdict(list)
        self.uploads: dict[str, tuple[float, Record]] = {}
        self.contents: dict[int, str] = {}
        self.identities: dict[str, int] = {}
        self.external: dict[tuple[str, str], int] = {}
        self.merged: dict[int, int] = {}
        self.purged: dict[int, Record] = {}
        self.changed_at: dict[int, float] = {}
        self.touched: dict[int, int] = {}
        self.mails_sent: list[str] = []
        self.definitions: dict[str, dict[int, Record]] = {}
        self.objects: Record = {}
        self.writes = 0
        for kind, given in FIELD_KINDS.items():
            self.define(kind, given)
        self._add_admin()

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def new_ticket_id(self) -> int:
        self.last_ticket += 1
        return self.last_ticket

    def stamp(self) -> str:
        return shapes.stamp(self.now())

    # --- field definitions ---------------------------------------------------------------------

    def define(self, kind: str, given: Iterable[Mapping[str, Any]]) -> None:
        """Replace all field definitions of a kind."""
        self.definitions[kind] = {}
        for one in given:
            self.add_definition(kind, one)

    def add_definition(self, kind: str, given: Mapping[str, Any]) -> Record:
        number = int(given.get("id") or self.new_id())
        shown = fields.definition(kind, number, given)
        self.definitions[kind][number] = shown
        return shown

    def remove_field(self, kind: str, key: str) -> None:
        """Delete a field: its values vanish from every record, as in the real account."""
        gone = [number for number, one in self.definitions[kind].items() if one["key"] == key]
        for number in gone:
            del self.definitions[kind][number]
        holders = self.users if kind == "user_field" else self.organizations
        for record in holders.values():
            record[f"{kind}s"].pop(key, None)

    def by_key(self, kind: str) -> dict[str, Record]:
        return {one["key"]: one for one in self.definitions[kind].values()}

    def blank_fields(self, kind: str) -> Record:
        known = self.definitions[kind].values()
        return {
            one["key"]: False if one["type"] == "checkbox" else None
            for one in known
            if one["active"]
        }

    def checked_fields(self, kind: str, given: Mapping[str, Any]) -> Record:
        """The values as stored. Unknown keys are ignored without a word (U); whether a value that
        is no option is refused is a switch (U).
        """
        known = self.by_key(kind)
        settled: Record = {}
        for key, value in given.items():
            one = known.get(key)
            if one is None or not one["active"]:
                continue
            if one["type"] in CHOICES and self.options["unknown_options"] == "accepted":
                settled[key] = value or None
                continue
            try:
                settled[key] = fields.stored(one, value)
            except ValueRefused as exc:
                raise RecordInvalid(attribute=key, code=exc.code, text=exc.text) from exc
            if settled[key] is None and one["type"] == "checkbox":
                settled[key] = False
        return settled

    # --- bookkeeping ---------------------------------------------------------------------------

    def touch(
        self, record: Record, via: str, changes: Mapping[str, Any], *, contact: int | None = None
    ) -> None:
        """Note one write: time, order, what was set. Seeded ones were there all along."""
        self.writes += 1
        number = record["id"]
        self.touched[number] = self.writes
        if self.seeding:
            return
        record["updated_at"] = self.stamp()
        self.changed_at[number] = self.now()
        self.wrote(str(contact or number), self.now(), {"via": via, "set": dict(changes)})

    def indexed(self, number: int) -> bool:
        """Whether the search index has seen the record's last change."""
        lag = float(self.options["index_lag_s"])
        return self.now() - self.changed_at.get(number, 0.0) >= lag

    def _add_admin(self) -> None:
        given = {
            "name": "Alma Admin",
            "email": "alma@example.com",
            "role": "admin",
            "verified": True,
        }
        admin = shapes.user(shapes.ADMIN_ID, given, self.stamp())
        admin["user_fields"] = self.blank_fields("user_field")
        self.users[admin["id"]] = admin
        self.identities["alma@example.com"] = admin["id"]
