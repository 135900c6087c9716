"""The records of a simulated database: created, read, written and removed as Odoo does it.

A method of a call checks everything before it changes anything: an error undoes the whole call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from email.utils import parseaddr
from typing import Any

from simulators.odoo import errors
from simulators.odoo.definitions import (
    DEFAULTS,
    FIELDS,
    GRANTS,
    GROUPS,
    MODEL,
    OUTSIDE_IDS,
    Definitions,
    common,
    models,
)
from simulators.odoo.domains import test_of
from simulators.odoo.errors import OdooError
from simulators.odoo.survey_definitions import survey_models
from simulators.odoo.values import empty, stored

Record = dict[str, Any]
REMOVE, ADD, CLEAR, SET = 3, 4, 5, 6
# Measured on 11: an unknown field is left out of what is read and written, without a word.
REFUSES_UNKNOWN_FROM = 13
READS_MISSING_BELOW = 13
ADMINISTRATORS = "base.group_erp_manager"
# What an integration user has, and an administrator besides.
GROUP_IDS = {"base.group_user": 1, ADMINISTRATORS: 2, "base.group_partner_manager": 8}


class Store:
    """Everything one database holds. The caller holds the simulator's lock."""

    def __init__(self, options: Mapping[str, Any], stamp: Callable[[], str]) -> None:
        self.options = options
        self.stamp = stamp
        self.definitions: dict[str, Definitions] = models(self.version)
        if options["survey_installed"]:
            self.definitions |= survey_models(self.version)
        self.records: dict[str, dict[int, Record]] = {name: {} for name in self.definitions}
        self.last: dict[str, int] = dict.fromkeys(self.definitions, 0)
        # (model, `module.name`) -> id
        self.outside_ids: dict[tuple[str, str], int] = {
            (GROUPS, name): number for name, number in GROUP_IDS.items()
        }
        self.made: set[str] = set()
        for number in GROUP_IDS.values():
            self.records[GROUPS][number] = {"name": "group"}
        for number, name in enumerate(self.definitions, start=1):
            self.records[MODEL][number] = {
                "name": name, "model": name, "state": "base", "transient": False,
            }  # fmt: skip
            self.last[MODEL] = number

    @property
    def version(self) -> int:
        return int(self.options["version"])

    def refuses_unknown(self) -> bool:
        """Whether an unknown field is an error: by version, or as the option says (unverified)."""
        told = self.options["refuses_unknown_fields"]
        return self.version >= REFUSES_UNKNOWN_FROM if told is None else bool(told)

    def snapshot(self) -> Any:
        """All that a call may change. A record that changes is another object afterwards."""
        return {name: dict(held) for name, held in self.records.items()}, dict(self.outside_ids)

    def restore(self, kept: Any) -> None:
        """Undo a call; numbers once given are not given again."""
        self.records, self.outside_ids = kept
        self.made &= self.records.keys()

    def add_model(self, name: str) -> None:
        """A model that an administrator makes: nobody may use it until a rule says so."""
        self.definitions[name] = common()
        self.records[name] = {}
        self.last.setdefault(name, 0)
        self.made.add(name)

    # --- reading ------------------------------------------------------------------------------

    def search(self, model: str, domain: Sequence[Any], context: Mapping[str, Any]) -> list[int]:
        """The ids of the domain's records, in order; hidden ones are not among them."""
        self.check_right(model, "read")
        if model == OUTSIDE_IDS:
            self._list_outside_ids()
        test = test_of(domain, lambda name: self._known_in_leaf(model, name))
        named = {part[0] for part in domain if not isinstance(part, str)}
        all_states = context.get("active_test") is False or "active" in named
        return [
            number
            for number, record in sorted(self.records[model].items())
            if test({**record, "id": number, **self._beyond(model, number, named)})
            and (all_states or record.get("active", True))
            and number not in self.options["hidden"]
        ]

    def _beyond(self, model: str, number: int, names: Iterable[str]) -> Record:
        """The values at paths like `line_ids.write_date`: those of every record that is reached."""
        found: Record = {}
        for path in names:
            first, _, field = path.partition(".")
            if field:
                definition = self.definitions[model][first]
                back, owned = definition["relation_field"], self.records[definition["relation"]]
                found[path] = [one[field] for one in owned.values() if one.get(back) == number]
        return found

    def read(self, model: str, ids: Iterable[int], fields: Sequence[str] | None) -> list[Record]:
        """The records that are there, `id` first. Odoo 11 tells missing ones, too, where nothing
        but the id is asked for (measured 2026-11-30; up to which version is unverified).
        """
        self.check_right(model, "read")
        names = list(fields or self.definitions[model])
        unknown = [one for one in names if one not in self.definitions[model]]
        if unknown and self.refuses_unknown():
            raise errors.no_field(model, unknown[0], leaf=False, version=self.version)
        kept = [one for one in names if one not in unknown and one != "id"]
        told = []
        for number in dict.fromkeys(ids):
            record = self.records[model].get(number)
            if number in self.options["hidden"]:
                raise errors.by_a_rule(model, "read", self.version)
            if record is None and not kept and self.version < READS_MISSING_BELOW:
                told.append({"id": number})  # the database is asked for nothing
            if record is not None:
                told.append({"id": number, **{n: self._shown(model, n, record) for n in kept}})
        return told

    def _shown(self, model: str, name: str, record: Record) -> Any:
        definition = self.definitions[model][name]
        held = record.get(name, empty(definition))
        if name == "display_name":
            return record.get("name", False)
        if definition["type"] == "many2one" and held:
            return [held, self._name_of(definition["relation"], held)]
        return held

    def newest_first(self, ids: Iterable[int], model: str) -> list[int]:
        """By the time of their last change."""
        records = self.records[model]
        return sorted(ids, key=lambda one: (str(records[one]["write_date"]), one), reverse=True)

    def _name_of(self, model: str, number: int) -> str:
        record = self.records.get(model, {}).get(number, {})
        return str(record.get("name") or record.get("title") or f"{model},{number}")

    # --- writing ------------------------------------------------------------------------------

    def create(self, model: str, rows: Sequence[Record]) -> list[int]:
        """New records, all or none."""
        self.check_right(model, "create")
        blanks = {one: empty(told) for one, told in self.definitions[model].items()}
        made = []
        for given in rows:
            record = {**blanks, **DEFAULTS.get(model, {})}
            record.update(self._checked(model, record, given))
            self._check_whole(model, record)
            made.append(record)
        return [self._add(model, record) for record in made]

    def write(self, model: str, ids: Sequence[int], given: Record) -> None:
        """The same values on all, or an error and nothing."""
        self.check_right(model, "write")
        if any(number not in self.records[model] for number in ids):
            raise errors.missing(model, self.version)
        if any(number in self.options["hidden"] for number in ids):
            raise errors.by_a_rule(model, "write", self.version)
        changed = {}
        for number in ids:
            record = self.records[model][number]
            changed[number] = {**record, **self._checked(model, record, given)}
            self._check_whole(model, changed[number])
        for number, record in changed.items():
            record["write_date"] = self.stamp()
            self.records[model][number] = record

    def unlink(self, model: str, ids: Sequence[int]) -> None:
        """Remove records and the links to them."""
        self.check_right(model, "unlink")
        for number in ids:
            if self.records[model].pop(number, None) is None:
                raise errors.missing(model, self.version)
        self._unlinked(model, set(ids))

    def move_links(self, model: str, old: int, new: int) -> None:
        """What referred to a record that is merged into another refers to that one."""
        for owner, definitions in self.definitions.items():
            for name, definition in definitions.items():
                if (definition["type"], definition.get("relation")) == ("many2one", model):
                    for record in self.records[owner].values():
                        record[name] = new if record.get(name) == old else record.get(name)

    def check_right(self, model: str, act: str) -> None:
        """Raises AccessError where the option `denied` names it ("write res.partner"), and where
        no rule gives it.
        """
        if f"{act} {model}" in self.options["denied"] or not self._is_given(model, act):
            raise errors.no_right(model, act, self.version)

    def _is_given(self, model: str, act: str) -> bool:
        if self.options["administrator"] == "superuser":
            return True
        if model in self.made:
            groups = {number for name, number in GROUP_IDS.items() if name != ADMINISTRATORS}
            return any(
                rule[f"perm_{act}"] and rule["group_id"] in groups
                for rule in self.records[GRANTS].values()
                if self.records[MODEL][rule["model_id"]]["model"] == model
            )
        if self.options["administrator"]:
            return True
        return model != GRANTS and (act == "read" or model not in {MODEL, FIELDS})

    def _list_outside_ids(self) -> None:
        """The ids outside of Odoo as records of their own."""
        told = sorted(self.outside_ids.items())
        self.records[OUTSIDE_IDS] = {}
        for number, ((model, outside), res_id) in enumerate(told, start=1):
            module, _, name = outside.partition(".")
            row = {"module": module, "name": name, "model": model, "res_id": res_id}
            self.records[OUTSIDE_IDS][number] = row

    def _add(self, model: str, record: Record) -> int:
        self.last[model] += 1
        number = self.last[model]
        record["create_date"] = record["write_date"] = self.stamp()
        self.records[model][number] = record
        return number

    def _checked(self, model: str, record: Record, given: Record) -> Record:
        """The given values as they are stored on this record."""
        kept: Record = {}
        for name, value in given.items():
            definition = self.definitions[model].get(name)
            if definition is None:
                if self.refuses_unknown():
                    raise errors.no_field(model, name, leaf=False, version=self.version)
                continue
            if definition["type"] == "many2many":
                kept[name] = self._linked(definition, record.get(name, []), value)
            else:
                kept[name] = stored(model, name, definition, value)
                self._check_link(definition, kept[name])
        self._normalize(model, kept)
        return kept

    def _linked(self, definition: Any, held: Sequence[int], commands: Any) -> list[int]:
        ids = list(held)
        for command in commands or ():
            kind, number = command[0], command[1] if len(command) > 1 else 0
            if kind == ADD:
                self._check_link(definition, number)
                ids = ids if number in ids else [*ids, number]
            elif kind == REMOVE:
                ids = [one for one in ids if one != number]
            elif kind in (CLEAR, SET):
                ids = list(command[2]) if kind == SET else []
        return sorted(ids)

    def _check_link(self, definition: Mapping[str, Any], number: Any) -> None:
        relation = definition.get("relation")
        if relation in self.records and number and number not in self.records[str(relation)]:
            raise errors.not_stored(str(relation))

    def _normalize(self, model: str, kept: Record) -> None:
        source = "email_from" if model == "crm.lead" else "email"
        if source in kept and "email_normalized" in self.definitions[model]:
            address = parseaddr(str(kept[source] or ""))[1].lower()
            kept["email_normalized"] = address if "@" in address else False

    def _check_whole(self, model: str, record: Record) -> None:
        if model == "res.partner" and not record["name"] and record["type"] == "contact":
            text = "Contacts require a name."
            raise OdooError(text, "ValidationError")
        for name, definition in self.definitions[model].items():
            if definition["required"] and record.get(name) in (False, None, ""):
                raise errors.not_stored(model)

    def _known_in_leaf(self, model: str, name: str) -> None:
        if name.partition(".")[0] not in self.definitions[model]:
            raise errors.no_field(model, name, leaf=True, version=self.version)

    def _unlinked(self, model: str, gone: set[int]) -> None:
        for owner, definitions in self.definitions.items():
            for name, definition in definitions.items():
                if definition.get("relation") == model:
                    self._forget(owner, name, gone)

    def _forget(self, owner: str, name: str, gone: set[int]) -> None:
        for record in self.records[owner].values():
            held = record.get(name)
            if isinstance(held, list):
                record[name] = [one for one in held if one not in gone]
            elif held in gone:
                record[name] = False
