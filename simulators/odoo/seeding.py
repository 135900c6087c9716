"""What tests seed in the simulated Odoo, what they read of it, and what its page shows."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from typing import Any

from simulators.kit.pages import Shown, readable
from simulators.kit.simulator import Simulator
from simulators.odoo.definitions import field
from simulators.odoo.store import Record, Store


class Seeding(Simulator):
    """The control endpoints' half.

    `POST /__sim__/seed` takes, all optional: `contacts`, `companies`, `leads`: lists of values (of
    a contact also `tags`: names); `tags`: names, each time a new one; `archive`, `delete`: ids of
    contacts; `delete_files`: of attachments; `done`: of activities; `merge`: [[survivor, loser]];
    `edit`: {id: values}; `fields`: {model: {name: {type, string...}}}; `remove_fields`: {model:
    [names]}; `rename_tags`: {old: new}; `users`: names; `delete_tags`: names. Of any model:
    `create`: {model: [values]}, `change`: {model: {id: values}}, `remove`: {model: [ids]}.
    """

    store: Store

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        """Answers the ids of the new records, in order."""
        self._define(told)
        for name in told.get("tags", ()):
            self.store.create("res.partner.category", [{"name": name}])
        made: dict[str, Any] = {
            "contacts": [self._contact_seeded(one) for one in told.get("contacts", ())],
            "companies": [
                self._seeded("res.partner", {**one, "is_company": True})
                for one in told.get("companies", ())
            ],
            "leads": [self._seeded("crm.lead", one) for one in told.get("leads", ())],
            "users": [
                self.store.create("res.users", [{"name": one, "login": one}])[0]
                for one in told.get("users", ())
            ],
        }
        self._act(told)
        for model, rows in told.get("create", {}).items():
            made[model] = self.store.create(model, rows)
        for model, every in told.get("change", {}).items():
            for number, values in every.items():
                self.store.write(model, [int(number)], values)
        for model, ids in told.get("remove", {}).items():
            self.store.unlink(model, ids)
        return made

    def records(self) -> dict[str, Any]:
        """Contacts with fields, tags, notes and files, companies, leads; all tags and files."""
        partners = sorted(self.store.records["res.partner"].items())
        people = [(number, one) for number, one in partners if not one["is_company"]]
        return {
            "contacts": [self._contact(number, one) for number, one in people],
            "companies": [
                {"id": str(number), "fields": _filled(one)}
                for number, one in partners
                if one["is_company"]
            ],
            "leads": [
                {
                    "id": str(number),
                    "fields": _filled(one),
                    "files": self.files("crm.lead", number),
                }
                for number, one in sorted(self.store.records["crm.lead"].items())
            ],
            "tags": self.tags(),
            "files": self.files(),
            "activities": [
                {"id": str(number), "fields": _filled(one)}
                for number, one in sorted(self.store.records["mail.activity"].items())
            ],
            "made": {
                model: [
                    {
                        "id": str(number),
                        "fields": _filled(one),
                        "files": self.files(model, number),
                    }
                    for number, one in sorted(self.store.records[model].items())
                ]
                for model in sorted(self.store.made)
            },
        }

    def tags(self) -> list[dict[str, Any]]:
        """All tags, with their ids: a name may stand twice."""
        held = self.store.records["res.partner.category"]
        return [
            {"id": number, "name": one["name"], "parent": one["parent_id"]}
            for number, one in sorted(held.items())
        ]

    def shown(self) -> list[Shown]:
        """The page's contacts, those written last first."""
        partners = [
            (number, one)
            for number, one in self.store.records["res.partner"].items()
            if not one["is_company"]
        ]
        partners.sort(key=lambda pair: (str(pair[1]["write_date"]), pair[0]), reverse=True)
        told = [self._contact(number, one) for number, one in partners]
        return [
            Shown(
                one["id"],
                f"{one['fields'].get('name', '')} {one['email'] or ''}".strip(),
                one["fields"],
                one["tags"],
                [readable(note["body"]) for note in one["notes"]],
            )
            for one in told
        ]

    def _contact(self, number: int, record: Record) -> dict[str, Any]:
        names = {one["id"]: one["name"] for one in self.tags()}
        messages = sorted(self.store.records["mail.message"].items())
        return {
            "id": str(number),
            "email": record["email"],
            "fields": _filled(record),
            "tags": [names[one] for one in record["category_id"]],
            "notes": [
                {"id": str(at), "body": one["body"]}
                for at, one in messages
                if (one["model"], one["res_id"]) == ("res.partner", number)
            ],
            "files": [one for one in self.files() if one["contact"] == str(number)],
        }

    def files(self, model: str = "res.partner", only: int | None = None) -> list[dict[str, Any]]:
        """Attachments of contacts or of one record, and how many messages name them."""
        messages = self.store.records["mail.message"].values()
        return [
            {
                "id": str(number),
                "contact": str(one["res_id"]),
                "name": one["name"],
                "sha256": hashlib.sha256(b64decode(str(one["datas"]))).hexdigest(),
                "noted": sum(number in told["attachment_ids"] for told in messages),
            }
            for number, one in sorted(self.store.records["ir.attachment"].items())
            if one["res_model"] == model and only in {None, one["res_id"]}
        ]

    def _define(self, told: dict[str, Any]) -> None:
        for model, fields in told.get("fields", {}).items():
            for name, one in fields.items():
                more = {key: value for key, value in one.items() if key not in {"type", "string"}}
                made = field(one["type"], one.get("string", name), **more)
                self.store.definitions[model][name] = made
        for model, names in told.get("remove_fields", {}).items():
            for name in names:
                del self.store.definitions[model][name]
                for record in self.store.records[model].values():
                    record.pop(name, None)

    def _contact_seeded(self, told: Record) -> str:
        names = [str(one) for one in told.get("tags", ())]
        values = {key: value for key, value in told.items() if key != "tags"}
        values.setdefault("name", values.get("email"))
        values["category_id"] = [[6, 0, [self._tag(one) for one in names]]]
        return self._seeded("res.partner", values)

    def _tag(self, name: str) -> int:
        held = [one["id"] for one in self.tags() if one["name"] == name]
        return int(
            held[0] if held else self.store.create("res.partner.category", [{"name": name}])[0]
        )

    def _seeded(self, model: str, values: Record) -> str:
        return str(self.store.create(model, [values])[0])

    def _act(self, told: dict[str, Any]) -> None:
        partners = self.store.records["res.partner"]
        for one in told.get("archive", ()):
            partners[int(one)]["active"] = False
        for survivor, loser in told.get("merge", ()):
            for message in self.store.records["mail.message"].values():
                if (message["model"], message["res_id"]) == ("res.partner", int(loser)):
                    message["res_id"] = int(survivor)
            self.store.move_links("res.partner", int(loser), int(survivor))
            self.store.unlink("res.partner", [int(loser)])
        for one in told.get("delete", ()):
            self.store.unlink("res.partner", [int(one)])
        # An activity that somebody has done is deleted (measured, 11).
        self.store.unlink("mail.activity", [int(one) for one in told.get("done", ())])
        for record in self.store.records["res.partner.category"].values():
            record["name"] = told.get("rename_tags", {}).get(record["name"], record["name"])
        self.store.unlink("ir.attachment", [int(one) for one in told.get("delete_files", ())])
        gone = [one["id"] for one in self.tags() if one["name"] in told.get("delete_tags", ())]
        self.store.unlink("res.partner.category", gone)
        for number, values in told.get("edit", {}).items():
            self.store.write("res.partner", [int(number)], values)


def _filled(record: Record) -> Record:
    """The values that say something; an integer always does."""
    # 0 is a score, and equal to False.
    return {
        name: value
        for name, value in record.items()
        if value is not False and value is not None and value != []
    }
