"""Every effect of a response at every app, where the response is edited, changes its score, or is
deleted: what stands in the end, as one table.

Each contact is a case of its own: a world takes longer to make than to use. What happens in any
order and when calls fail is asked in test_edits.py and test_deletions.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from connector.connections import discover
from connector.db import Database
from connector.engines import Postgres
from connector.settings import Settings
from simulators.kit.server import running
from tests.adapters.sql_bench import Customers
from tests.adapters.sql_bench import database as customers_of
from tests.responses import test_records, test_sql
from tests.responses.filehost import PDF, TAKERS, FileHost, founded_with_files, hosting, png
from tests.responses.scene import joined
from tests.responses.test_deletions import delete, gone, who
from tests.responses.test_edits import left, told
from tests.responses.test_made_files import standing
from tests.responses.test_tasks import rule, tasks
from tests.world import FIELDS, CRMSeen, World, answered, people

EDITED, CHANGED, DELETED = range(3)
CRMS = ("field", "tag", "note", "file", "task")
# What each app has of the effects; records are asked below: they want an account of their own.
EFFECTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(TAKERS, CRMS),
    "adobe": ("field", "subscription"),
    "brevo": ("field", "subscription"),
    "pipedrive": ("field", "note"),
    "splio": ("field", "subscription"),
    "sql": ("field",),
    "zendesk": (*CRMS, "ticket_file"),
}
# What stands at first, and then for the response that was edited, whose score has changed, and that
# was deleted.
STANDS: Mapping[str, tuple[Any, tuple[Any, Any, Any]]] = {
    "field": ((9, "first"), ((9, "second"), (3, "second"), (None, None))),
    "tag": (["9"], (["9"], ["3"], [])),
    "note": (["first"], (["second"], ["second"], [])),
    "file": (2, (2, 2, 0)),
    "ticket_file": (2, (2, 2, 0)),
    "subscription": (1, (1, 0, 0)),
    # Somebody works on it: it stays as it was.
    "task": (["Said 9"], (["Said 9"], ["Said 9"], ["Said 9"])),
}


def field(crm: CRMSeen, number: int) -> tuple[float | None, str | None]:
    score, comment = (crm.value(who(number), one) for one in ("score", "comment"))
    return (float(score) if score else None), (comment or None)


def tag(crm: CRMSeen, number: int) -> list[str]:
    sign = "_" if crm.app == "zendesk" else "."
    return [one.rpartition(sign)[2] for one in crm.tags(who(number))]


def file(crm: CRMSeen, number: int) -> int:
    """How many files hang on the contact; Zendesk's stay in their comments, crossed out."""
    if crm.app == "zendesk":
        return sum(one.startswith(("Photos: ", "Sign: ")) for one in left(crm, number))
    return len(crm.contacts()[who(number)]["files"])


def ticket_file(crm: CRMSeen, number: int) -> int:
    """How many files hang on the ticket that a mapping has made, and are not crossed out."""
    every = crm.control("state")["tickets"]
    return sum(len(standing(one)) for one in every if one["external_id"] == f"r{number}")


def subscription(crm: CRMSeen, number: int) -> int:
    return len(crm.contacts()[who(number)]["lists"])


def task(crm: CRMSeen, number: int) -> list[str]:
    """The words of the open tasks about the contact."""
    mine = [one for one in tasks(crm) if one["subject"].endswith(f"Contact {number}")]
    return [word for one in mine for word in ("Said 9", "Said 3") if word in one["text"]]


READ: Mapping[str, Callable[[CRMSeen, int], Any]] = {
    "field": field,
    "tag": tag,
    "note": told,
    "file": file,
    "ticket_file": ticket_file,
    "subscription": subscription,
    "task": task,
}


def standing_at(crm: CRMSeen) -> dict[str, tuple[Any, ...]]:
    """What stands of each effect, for the three contacts."""
    return {one: tuple(READ[one](crm, n) for n in range(3)) for one in EFFECTS[crm.app]}


def version(number: int, revision: int, score: int, host: FileHost) -> dict[str, Any]:
    """A version of contact `number`'s response, with a signature and a photo of its own."""
    said = {1: "first", 2: "second"}[revision]
    at = f"2026-11-2{revision}T01:02:00Z"
    body = answered(number, score=score, why=said, at=at, revision=revision)
    photo = host.put(f"/{said}.pdf", PDF + said.encode())
    answers = {
        "sign": {
            "type": "signature",
            "value": {"url": host.put("/s.png", png(1))},
            "title": "Sign",
        },
        "photo": {"type": "file", "value": [{"url": photo, "name": "a.pdf"}], "title": "Photos"},
    }
    return {**body, "answers": {**body["answers"], **answers}}


# Not for the contact: what it is told is read from its own tickets.
TICKETS: Mapping[str, Any] = {
    "name": "tickets",
    "entity": "tickets",
    "identify": {"variable": "response.id", "field": "external_id"},
    "rows": [{"variable": "response.id", "field": "subject"},
             {"variable": "response.id", "field": "description"}],
    "files": "record",
    "note": "none",
}  # fmt: skip


def mapped(app: str) -> dict[str, Any]:
    """What a mapping says where the app has lists: promoters join one."""
    if "subscription" not in EFFECTS[app]:
        return {}
    names = {"adobe": "service_SVC2"}
    joins = {
        "variable": "answers.nps",
        "field": names.get(app, "list_26"),
        "transforms": [{"name": "cel", "expression": "value >= 9"}],
    }
    fields = FIELDS[app]
    rows = [
        {"variable": "answers.nps", "field": fields["score"]},
        {"variable": "answers.why", "field": fields["comment"]},
    ]
    return {"note": "none", "rows": [*rows, joins]}


class CustomersSeen(CRMSeen):
    """A table of contacts of the customer's, as a CRM is seen."""

    customers: Customers

    def seed(self, contacts: Any) -> list[str]:
        """Rows of the table."""
        return self.customers.seed(contacts)

    def value(self, email: str, what: str) -> Any:
        """What a column holds."""
        (row,) = [one for one in self.customers.rows() if one["email"] == email]
        return row[FIELDS["sql"][what]]


@contextmanager
def at(world: World, app: str, postgres: Postgres) -> Iterator[CRMSeen]:
    """The app, connected, with its mapping."""
    if app != "sql":
        with joined(world, app, **mapped(app)) as crm:
            if "ticket_file" in EFFECTS[app]:
                world.mapping(app, **TICKETS)
            yield crm
        return
    with customers_of(postgres) as customers:
        customers.new()
        view = test_sql.connected(world, customers)
        discover.download(world.hub.desk, world.workspace_id, view.id, actor="test")
        seen = CustomersSeen("sql", "", view.id, "sql-main")
        seen.customers = customers
        world.crms["sql"] = seen
        world.mapping("sql", **test_sql.CONTACT_ROWS)
        yield seen


@pytest.mark.parametrize("app", sorted(EFFECTS))
def test_each_effect_ends_right_when_a_response_is_edited_changed_or_deleted(
    settings: Settings, database: Database, postgres: Postgres, app: str
) -> None:
    world = founded_with_files(settings, database)
    with at(world, app, postgres) as crm, hosting() as host:
        crm.seed(people(3))
        if "task" in EFFECTS[app]:
            rule(world, condition=None, connection=crm.name, text="Said {computed.score}")
        world.push(*(version(n, 1, 9, host) for n in range(3)))
        world.settle()
        assert standing_at(crm) == {one: (STANDS[one][0],) * 3 for one in EFFECTS[app]}
        world.push(version(EDITED, 2, 9, host), version(CHANGED, 2, 3, host), gone("r2"))
        world.settle()
        assert standing_at(crm) == {one: STANDS[one][1] for one in EFFECTS[app]}
        ended = {"done", "superseded"}
        assert {one.state for one in world.deliveries()} <= ended
        if "file" in EFFECTS[app]:
            # A signature that an edit has left alone is not sent again.
            homes = 2 if "ticket_file" in EFFECTS[app] else 1
            assert len(world.deliveries(kind="file")) == 8 * homes
            # No note that carried a file is left behind.
            assert crm.app == "zendesk" or crm.notes(who(DELETED)) == []


@pytest.mark.parametrize("app", sorted(test_records.EMPTY))
def test_a_record_ends_right_and_stays_on_its_contact(world: World, app: str) -> None:
    with running(test_records.empty(app)) as url:
        crm = world.connect(app, url, **test_records.SETTINGS.get(app, {}))
        test_records.furnished(world, crm)
        world.standard(app, record=True, create=True, note=False)
        crm.seed(people(3))
        world.push(*(answered(n, score=9) for n in range(3)))
        world.settle()
        world.push(
            answered(EDITED, score=9, why="second", revision=2),
            answered(CHANGED, score=3, revision=2),
        )
        delete(world, "r2")
        assert set(world.states()) == {"done"}
        contacts = {str(one["id"]): email for email, one in crm.contacts().items()}
        records = {contacts[one["contacts"][0]]: one for one in test_records.records(crm)}
        scores = {email: one["score"] for email, one in records.items()}
        assert {email: float(one) if one else None for email, one in scores.items()} == {
            who(EDITED): 9,
            who(CHANGED): 3,
            who(DELETED): None,
        }
        emptied = records[who(DELETED)]
        assert [emptied[one] or None for one in ("segment", "tag")] == [None] * 2
        assert emptied["key"]
        assert [crm.tags(who(n)) != [] for n in range(3)] == [True, True, False]
