"""The simulated Zendesk: all routes together, and what a test can seed, order and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulators.kit.pages import Shown
from simulators.zendesk import shapes
from simulators.zendesk.account import SCOPES
from simulators.zendesk.definitions import Definitions
from simulators.zendesk.exports import Exports
from simulators.zendesk.jobs import updated
from simulators.zendesk.objects import Objects
from simulators.zendesk.organizations import Organizations
from simulators.zendesk.sign_in import SignIn
from simulators.zendesk.state import FIELD_KINDS, Record
from simulators.zendesk.tickets import Tickets
from simulators.zendesk.uploads import Uploads, attachment
from simulators.zendesk.users import Users

PLAIN_FIELDS = ("name", "phone", "notes", "details", "alias", "organization_id", "role")


class Zendesk(Users, Organizations, Tickets, Objects, Uploads, Definitions, Exports, SignIn):
    """Zendesk Support, API v2. See `defaults` in account.py for the switches."""

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        """Put records in as they were there all along; answers the ids made.

        `contacts` (or `users`), `organizations`, `tickets`: as the API takes them.
        `user_fields`, `organization_fields`, `ticket_fields`: replace all definitions of that kind;
        `remove_user_fields`: keys to delete. `jobs`: (`id`, `status`, `results`, `total`).
        `custom_objects`: (`key`, `title`, `fields`, `records`), each in place of that of its key;
        `remove_object_fields`: {object: keys to delete}.
        `uploads`: tokens of files that wait for a comment.
        `edit`: {user id: attributes}, `merge`: [[loser, winner]], `delete`: user ids, `kill_jobs`,
        `forget_jobs`: true.
        """
        self.account.seeding = True
        try:
            self._seed_definitions(told)
            self._seed_uploads(told.get("uploads", []))
            objects = {"custom_objects": self.seed_objects(told.get("custom_objects", []))}
            self.remove_object_fields(told.get("remove_object_fields", {}))
            return {**self._seed_records(told), **self._seed_events(told), **objects}
        finally:
            self.account.seeding = False

    def records(self) -> dict[str, Any]:
        """Contacts with fields, tags and notes; organizations; tickets; mails sent to people."""
        self.jobs.work()
        living = [
            user
            for user in self.account.users.values()
            if user["active"] and user["role"] == "end-user"
        ]
        notes = self._notes()
        return {
            "contacts": [self._contact(user, notes) for user in living],
            "organizations": list(self.account.organizations.values()),
            "tickets": [
                {
                    **each,
                    "comments": self.account.comments[each["id"]],
                    "files": self._attached(each["id"]),
                }
                for each in self.account.tickets.values()
            ],
            "custom_objects": {
                key: list(held.records.values()) for key, held in self.account.objects.items()
            },
            "merged": {str(loser): winner for loser, winner in self.account.merged.items()},
            "mails_sent": list(self.account.mails_sent),
            "jobs": len(self.jobs.jobs),
        }

    def shown(self) -> list[Shown]:
        """The page's contacts, last written first."""
        self.jobs.work()
        notes = self._notes()
        living = [
            user
            for user in self.account.users.values()
            if user["active"] and user["role"] == "end-user"
        ]
        living.sort(key=lambda user: -self.account.touched.get(user["id"], 0))
        told = [self._contact(user, notes) for user in living]
        return [
            Shown(
                one["id"],
                f"{one['name']} <{one['email']}>",
                one["fields"],
                one["tags"],
                one["notes"],
            )
            for one in told
        ]

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        return self.grants.control(told, scopes=SCOPES)

    # --- parts ---------------------------------------------------------------------------------

    def _contact(self, user: Record, notes: Mapping[int, list[str]]) -> Record:
        plain = {key: user[key] for key in PLAIN_FIELDS if user[key] is not None}
        return {
            "id": str(user["id"]),
            "name": user["name"],
            "email": user["email"],
            "external_id": user["external_id"],
            "fields": {**plain, **user["user_fields"]},
            "tags": list(user["tags"]),
            "notes": notes.get(user["id"], []),
            "files": self._files(user["id"]),
        }

    def _notes(self) -> dict[int, list[str]]:
        """All comments of a contact's tickets."""
        notes: dict[int, list[str]] = {}
        for ticket in self.account.tickets.values():
            said = [one["plain_body"] for one in self.account.comments[ticket["id"]]]
            notes.setdefault(ticket["requester_id"], []).extend(said)
        return notes

    def _files(self, user_id: int) -> list[Record]:
        """The attachments of a contact's tickets."""
        return [
            each
            for ticket in self.account.tickets.values()
            if ticket["requester_id"] == user_id
            for each in self._attached(ticket["id"])
        ]

    def _attached(self, ticket_id: int) -> list[Record]:
        """The attachments of a ticket, each with what its comment says."""
        return [
            {
                "name": one["file_name"],
                "type": one["content_type"],
                "sha256": self.account.contents[one["id"]],
                "comment": said["plain_body"],
            }
            for said in self.account.comments[ticket_id]
            for one in said["attachments"]
        ]

    def _seed_uploads(self, tokens: list[str]) -> None:
        for token in tokens:
            number = self.account.new_id()
            made = attachment(number, "a.txt", "text/plain", size=1, host=self.base_url)
            self.account.contents[number] = ""
            self.account.uploads[token] = (self.clock.now() + 60, made)

    def _seed_definitions(self, told: Record) -> None:
        for kind in FIELD_KINDS:
            if f"{kind}s" in told:
                self.account.define(kind, told[f"{kind}s"])
                self._blank(kind)
            for key in told.get(f"remove_{kind}s", ()):
                self.account.remove_field(kind, key)

    def _blank(self, kind: str) -> None:
        """Existing records get the new fields, empty."""
        holders = {
            "user_field": self.account.users,
            "organization_field": self.account.organizations,
        }.get(kind, {})
        for record in holders.values():
            kept = record[f"{kind}s"]
            blank = self.account.blank_fields(kind)
            record[f"{kind}s"] = {key: kept.get(key, value) for key, value in blank.items()}

    def _seed_records(self, told: Record) -> Record:
        organizations = [
            self.people.create_organization(one, "seed", one.get("id"))
            for one in told.get("organizations", ())
        ]
        given = [*told.get("contacts", ()), *told.get("users", ())]
        users = [self.people.create_user(one, "seed", one.get("id")) for one in given]
        tickets = [self.desk.create(one, one.get("id"))[0] for one in told.get("tickets", ())]
        self.account.last_ticket = max([self.account.last_ticket, *(one["id"] for one in tickets)])
        made = {"contacts": users, "organizations": organizations, "tickets": tickets}
        return {name: [str(one["id"]) for one in records] for name, records in made.items()}

    def _seed_events(self, told: Record) -> Record:
        for loser, winner in told.get("merge", ()):
            self.people.merge_user(self.people.user(loser), self.people.user(winner))
        for number, given in told.get("edit", {}).items():
            self.people.update_user(self.people.user(number), given, "agent")
        for number in told.get("delete", ()):
            self.people.delete_user(self.people.user(number))
        for one in told.get("jobs", ()):
            self._seed_job(one)
        if told.get("forget_jobs"):
            self.jobs.work()
            self.jobs.forget()
        return {"killed": self.jobs.kill()} if told.get("kill_jobs") else {}

    def _seed_job(self, told: Record) -> None:
        """A job as a recording shows it."""
        rows = [{"id": shapes.ADMIN_ID}] * int(told["total"] or 1)
        job = self.jobs.start(told.get("verb", "Updating user"), rows, lambda _, row: updated(row))
        del self.jobs.jobs[job.id]
        job.id, job.results = told["id"], told.get("results")
        share = {"queued": 0.1, "working": 0.6}.get(told["status"], 1.0)
        job.started_at, job.due_at = (
            self.clock.now() - 1000 * share,
            self.clock.now() + 1000 * (1 - share),
        )
        self.jobs.jobs[job.id] = job
