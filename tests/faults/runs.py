"""A fault run: one response with every effect its CRM can hold, a neighbour beside it, and a fault
aimed at one effect's call.

One account of each CRM serves all its runs; every run has people of its own. What stands afterwards
is read from the CRM alone.
"""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.responses import replay
from simulators.kit.server import running
from tests.faults.conftest import OPTIONS, SIMULATORS
from tests.faults.verdict import COMMENT, SCORE, folded, note_text
from tests.responses.test_records import SETTINGS, furnished, records
from tests.world import FIELDS, CRMSeen, World, answered

FIELD, TAG, NOTE, RECORD, FILE = "field", "tag", "note", "record", "file"
# In the order in which a wave makes them; the kind of their delivery.
EFFECTS_IN_TIME = (FIELD, TAG, NOTE, FILE, RECORD)
KINDS = {FIELD: "fields", TAG: "tag", NOTE: "note", FILE: "file", RECORD: "fields"}
EFFECTS: Mapping[str, tuple[str, ...]] = {
    "hubspot": (FIELD, TAG, NOTE, RECORD, FILE),
    "odoo": (FIELD, TAG, NOTE, RECORD, FILE),
    "salesforce": (FIELD, TAG, NOTE, RECORD, FILE),
    "zendesk": (FIELD, TAG, NOTE, RECORD, FILE),
}
Call = Mapping[str, str]
DOCS = Path(__file__).parents[2] / "docs"
ERRORS = "".join((DOCS / one).read_text("utf-8") for one in ("errors.md", "connections.md"))
PARTNER = r'"res\.partner",\s*'
RESPONSE = r'"x_npstoday_response",\s*'
ATTACHMENT = r'"ir\.attachment",\s*'
# The call that makes each effect. Where the tag travels with the fields, theirs is its own.
WRITES: Mapping[str, Mapping[str, Call]] = {
    "hubspot": {
        FIELD: {"path": "/contacts/batch/update$"},
        NOTE: {"path": "/notes/batch/create$"},
        RECORD: {"path": "npstoday_response/batch/create$"},
        FILE: {"path": "/files/v3/files$"},
    },
    "odoo": {
        FIELD: {"path": "/jsonrpc", "body": PARTNER + '"write"'},
        NOTE: {"path": "/jsonrpc", "body": '"message_post"'},
        RECORD: {"path": "/jsonrpc", "body": RESPONSE + '"load"'},
        FILE: {"path": "/jsonrpc", "body": ATTACHMENT + '"create"'},
    },
    "salesforce": {
        FIELD: {"method": "PATCH", "path": "/composite/sobjects/?$"},
        NOTE: {"path": "/composite/?$"},
        RECORD: {"method": "POST", "path": "/composite/sobjects/?$"},
        FILE: {"path": "/sobjects/ContentVersion"},
    },
    "zendesk": {
        FIELD: {"path": r"/users/update_many|/users/\d+\.json", "method": "PUT"},
        TAG: {"path": r"/users/\d+/tags", "method": "PUT"},
        NOTE: {"path": "/tickets", "method": "POST|PUT", "body": "^(?!.*uploads)"},
        RECORD: {"path": "/npstoday_response/records$", "method": "POST"},
        FILE: {"path": "/uploads"},
    },
}
# The last call before it: what is read there may have changed when the effect is written. Where
# each of the two people has a call of their own, it is the last
# of these.
READS: Mapping[str, Mapping[str, Call]] = {
    "hubspot": {
        FIELD: {"path": "/contacts/batch/read$"},
        NOTE: WRITES["hubspot"][FIELD],
        # One that is certainly new is not looked for: what comes before it was the contact's, the
        # note that carries the files.
        RECORD: {**WRITES["hubspot"][NOTE], "occurrence": "2"},
        FILE: {"path": "/files/v3/files$"},
    },
    "odoo": {
        FIELD: {"path": "/jsonrpc", "body": PARTNER + '"(search_read|read)"'},
        # Each person's fields, then the tag that both get by one call.
        NOTE: {**WRITES["odoo"][FIELD], "occurrence": "3"},
        RECORD: {"path": "/jsonrpc", "body": RESPONSE + '"search_read"'},
        FILE: {"path": "/jsonrpc", "body": ATTACHMENT + '"search_read"'},
    },
    "salesforce": {
        FIELD: {"path": "/composite/sobjects/Contact"},
        NOTE: WRITES["salesforce"][FIELD],
        RECORD: {**WRITES["salesforce"][FILE], "occurrence": "2"},
        FILE: WRITES["salesforce"][NOTE],
    },
    "zendesk": {
        FIELD: {"path": "/users/show_many"},
        TAG: {"path": "/users/show_many", "occurrence": "2"},
        NOTE: {**WRITES["zendesk"][TAG], "occurrence": "2"},
        # The third look at people is whether those are there whom the records name.
        RECORD: {"path": "/users/show_many", "occurrence": "3"},
        FILE: {"path": "/uploads"},
    },
}


# A choice field of the contact, and the option of it that every response chooses.
CHOICE: Mapping[str, tuple[str, str]] = {
    "hubspot": ("nps_segment", "promoter"),
    "odoo": ("x_nps_segment", "promoter"),
    "salesforce": ("Satisfaction__c", "Satisfied"),
    "zendesk": ("nps_group", "nps_promoter"),
}


# A field of several choices, and what every response chooses there.
SEVERAL: Mapping[str, tuple[str, str]] = {"zendesk": ("survey_topics", "topic_service")}


@dataclass
class Runs:
    """One CRM's account with all its runs."""

    world: World
    crm: CRMSeen
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    undoing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def app(self) -> str:
        return self.crm.app

    def order(self, call: Call, *, times: int = 1, **action: Any) -> None:
        """The next `times` of these calls meet `action`; 0: all until the run ends."""
        at = 0 if times == 0 else int(call.get("occurrence", 1))
        told = {"method": ".*", **call, "occurrence": at, "times": times, "action": action}
        self.crm.control("fault", told)

    def begun(self) -> Run:
        """A run whose two responses are planned and whose contacts are known to us."""
        latest = self.world.rows("SELECT coalesce(max(id), 0) AS id FROM delivery")[0].id
        number = next(self.numbers)
        emails = tuple(f"{who}{number}@example.test" for who in ("struck", "neighbour"))
        ids = self.crm.seed([{"email": one, "last_name": "Contact"} for one in emails])
        run = Run(self, number, latest + 1, ids[0])
        self.world.linked(self.app, dict(zip(emails, ids, strict=True)))
        self.world.push(*(run.item(one) for one in run.emails))
        self.world.plan()
        return run

    def meddle(self, does: Mapping[str, Any], undoes: Mapping[str, Any]) -> None:
        """Somebody else does something in the account; how it is undone."""
        for name, body in does.items():
            self.crm.control(name, body)
        self.undoing = undoes

    def at_peace(self) -> None:
        """The account is whole again, and connected."""
        self.crm.control("fault", {"clear": True})
        self.meddle(self.undoing, {})
        (row,) = self.world.rows("SELECT state FROM connection")
        if row.state != "connected":
            self.world.reconnect(self.app, self.crm.connection_id, self.crm.url)

    def ended(self) -> None:
        """Nothing of a run waits any more."""
        self.at_peace()
        self.world.rows(
            "UPDATE delivery SET state = 'cancelled', lease_until = NULL, lease_token = NULL"
            " WHERE state IN ('pending', 'leased', 'awaiting', 'parked') RETURNING id"
        )


@dataclass(frozen=True)
class Run:
    """Two people, `struck` and `neighbour`, each with one response."""

    runs: Runs
    number: int
    first: int
    struck_id: str

    @property
    def struck(self) -> str:
        return f"struck{self.number}@example.test"

    @property
    def neighbour(self) -> str:
        return f"neighbour{self.number}@example.test"

    @property
    def emails(self) -> tuple[str, str]:
        return self.struck, self.neighbour

    def content(self, email: str) -> bytes:
        """The signed paper of that person: no other is the same."""
        return f"%PDF-1.4\n% of {email}\n%%EOF\n".encode()

    def item(self, email: str) -> dict[str, Any]:
        told = answered(0, email=email, response_id=f"of {email}", why=f"Reason of {email}")
        encoded = base64.b64encode(self.content(email)).decode()
        told["answers"]["sign"] = {
            "type": "signature",
            "title": "Signature",
            "value": {"content": f"data:application/pdf;base64,{encoded}", "name": "sign.pdf"},
        }
        chosen = CHOICE[self.runs.app][1]
        told["answers"]["choice"] = {"type": "single_choice", "value": chosen, "title": "Choice"}
        if self.runs.app in SEVERAL:
            several = [SEVERAL[self.runs.app][1]]
            told["answers"]["several"] = {"type": "multi_choice", "value": several, "title": "All"}
        return told

    # --- what became of it ---

    def wrongs(self, email: str, *, at: str | None = None) -> set[str]:
        """The effects of that response that do not stand on its person (or `at`) exactly once."""
        crm, home = self.runs.crm, crm_contact(self.runs.crm, at or email)
        if home is None:
            return {"contact"}
        held = home.get("properties") or home.get("fields") or {}
        several = [SEVERAL[crm.app]] if crm.app in SEVERAL else []
        seen = {
            FIELD: held.get(COMMENT[crm.app]) == f"Reason of {email}"
            and float(held.get(SCORE[crm.app]) or 0) == 9
            and held.get(CHOICE[crm.app][0]) == CHOICE[crm.app][1]
            and all(held.get(name) == [one] for name, one in several),
            TAG: [folded(one) for one in home["tags"]] == ["npstoday_moede_9"],
            NOTE: sum(f"Reason of {email}" in text for text in texts(home)) == 1,
        }
        if FILE in EFFECTS[crm.app]:
            digest = hashlib.sha256(self.content(email)).hexdigest()
            seen[FILE] = [one["sha256"] for one in home["files"]].count(digest) == 1
        if RECORD in EFFECTS[crm.app]:
            linked = [one["contacts"] for one in records(crm) if home["id"] in one["contacts"]]
            seen[RECORD] = linked == [[home["id"]]]
        return {effect for effect, fine in seen.items() if not fine}

    def deliveries(self) -> list[Any]:
        """The outbox rows of this run."""
        return [one for one in self.runs.world.deliveries() if one.id >= self.first]

    def waiting(self) -> list[Any]:
        """Those on which a person must act."""
        return [one for one in self.deliveries() if one.state in {"dead", "parked"}]

    @property
    def record_key(self) -> str:
        """What the struck person's record is known by."""
        first, _ = (one for one in self.deliveries() if one.step.startswith("record:"))
        return str(first.payload["match"]["value"])

    @property
    def link(self) -> str:
        """The record that we know the struck person by."""
        contact = self.deliveries()[0].contact_id
        (row,) = self.runs.world.rows("SELECT remote_id FROM link WHERE contact_id = :c", c=contact)
        return str(row.remote_id)

    def survivor(self) -> str:
        """The id of another record of the struck person. Odoo keeps nothing of the loser: there it
        has the same address, which is why somebody merges them.
        """
        email = self.struck if self.runs.app == "odoo" else f"other.{self.struck}"
        (made,) = self.runs.crm.seed([{"email": email, "last_name": "Contact"}])
        return made

    def merge_into(self, survivor: str) -> dict[str, Any]:
        """The seed by which somebody merges the struck person's record into the other one."""
        pair = [survivor, self.struck_id]
        if self.runs.app == "salesforce":
            return {"merge": [{"loser": self.struck_id, "survivor": survivor}]}
        return {"merge": [pair[::-1] if self.runs.app == "zendesk" else pair]}

    def everything(self) -> dict[str, Any]:
        """What is wrong with anything of both people, and what waits for a person: nothing."""
        found = {one: self.wrongs(one) for one in self.emails}
        waits = {one.step: one.error for one in self.waiting()}
        return {name: one for name, one in (found | {"waits": waits}).items() if one}

    def says_what_to_do(self) -> str:
        """The texts of what waits: a sentence each, and a word that docs/errors.md explains."""
        told = self.waiting()
        short = [
            (one.step, one.state, one.reason, one.error_code, one.error)
            for one in told
            if len(str(one.error).split()) < 4
        ]
        assert not short, short
        unknown = {one.error_code for one in told if f"`{one.error_code}`" not in ERRORS}
        assert not unknown, unknown
        return " ".join(str(one.error) for one in told)

    def tried_again(self) -> None:
        """A person has mended it and replays what waits."""
        world = self.runs.world
        with world.database.begin(world.workspace_id) as store:
            replay.replay_all(store, world.workspace_id, {})
        world.settle()


def crm_contact(crm: CRMSeen, name: str) -> Mapping[str, Any] | None:
    """The contact of that e-mail address or id."""
    every = crm.contacts()
    return every.get(name) or next((one for one in every.values() if one["id"] == name), None)


def texts(contact: Mapping[str, Any]) -> list[str]:
    return [html.unescape(note_text(one)) for one in contact["notes"]]


# What an account needs to hold every effect.
MORE: Mapping[str, Mapping[str, Any]] = {
    "hubspot": {"enterprise": True, "ten_secondly": 100_000},
    "odoo": {"administrator": True},
}


@contextmanager
def account(world: World, app: str) -> Iterator[Runs]:
    """An account that holds every effect, connected; its campaign is known from an earlier run."""
    with running(SIMULATORS[app](options={**OPTIONS[app], **MORE.get(app, {})})) as url:
        crm = world.connect(app, url, **SETTINGS.get(app, {}))
        if RECORD in EFFECTS[app]:
            furnished(world, crm)
            world.standard(app, record=True, fields=False, note=False)
        fields = FIELDS[app]
        rows = {
            "answers.nps": fields["score"],
            "answers.why": fields["comment"],
            "answers.choice": CHOICE[app][0],
            **({"answers.several": SEVERAL[app][0]} if app in SEVERAL else {}),
        }
        world.mapping(app, rows=[{"variable": one, "field": rows[one]} for one in rows])
        runs = Runs(world, crm)
        runs.begun()
        world.settle()
        yield runs
