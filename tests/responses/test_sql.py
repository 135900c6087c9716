"""A SQL database through the whole story: answers become columns of contacts and rows of a table of
answers, exactly once, on a real PostgreSQL beside the hub's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connector.connections import choosable, connect, discover
from connector.connections.hosts import AllowedHosts
from connector.connections.profile import load
from connector.connections.views import View
from connector.engines import Postgres
from connector.problems import Refusal
from schemas.secret import Secret
from schemas.sql import CONTACTS
from tests.adapters.sql_bench import Customers, database
from tests.responses.scene import states
from tests.world import CRMSeen, World, answered, people

CONTACT_ROWS: dict[str, Any] = {
    "entity": CONTACTS,
    "identify": {"variable": "contact.email", "field": "email"},
    "rows": [
        {"variable": "answers.nps", "field": "nps_score"},
        {"variable": "answers.why", "field": "nps_comment"},
        {"variable": "contact.last_name", "field": "last_name"},
    ],
    "note": "none",
}
ANSWER_ROWS: dict[str, Any] = {
    "name": "answers",
    "entity": "answers",
    "identify": {"variable": "response.id", "field": "response"},
    "rows": [
        {"variable": "answers.nps", "field": "score"},
        {"variable": "answers.why", "field": "why"},
    ],
    "note": "none",
}


@pytest.fixture(scope="module")
def one_database(postgres: Postgres) -> Iterator[Customers]:
    with database(postgres) as one:
        yield one


@pytest.fixture
def customers(one_database: Customers) -> Customers:
    one_database.new()
    return one_database


def connected(world: World, customers: Customers, **settings: Any) -> View:
    return connect.create(
        world.hub.desk,
        world.workspace_id,
        app="sql",
        name="sql-main",
        auth="key",
        settings={**customers.settings, **settings},
        key=Secret("no-password"),
        actor="test",
    )


@pytest.fixture
def crm(world: World, customers: Customers) -> CRMSeen:
    view = connected(world, customers)
    assert view.state == "connected"
    discover.download(world.hub.desk, world.workspace_id, view.id, actor="test")
    world.crms["sql"] = CRMSeen("sql", "", view.id, "sql-main")
    world.mapping("sql", **CONTACT_ROWS)
    return world.crms["sql"]


def scores(customers: Customers) -> list[tuple[Any, ...]]:
    told = [(one["email"], one["nps_score"], one["nps_comment"]) for one in customers.rows()]
    return sorted(told, key=str)


def test_contacts_are_updated_and_made_many_at_a_time(
    world: World, crm: CRMSeen, customers: Customers
) -> None:
    del crm
    customers.seed(people(20))
    world.push(*(answered(n, score=n % 11, why=f"w{n}") for n in range(30)))
    world.settle()
    assert {one.state for one in world.deliveries()} == {"done"}
    expected = [(f"c{n}@example.test", n % 11, f"w{n}") for n in range(30)]
    assert scores(customers) == sorted(expected, key=str)


def test_the_ledger_knows_what_was_there_before(
    world: World, crm: CRMSeen, customers: Customers
) -> None:
    del crm
    (first,) = customers.seed(people(1))
    customers.run("UPDATE customers SET nps_score = 4 WHERE id = %s", int(first))
    world.push(answered(0, score=9))
    world.settle()
    told = world.rows("SELECT before, after, remote_id FROM ledger WHERE field = 'nps_score'")
    assert [(one.before, one.after, one.remote_id) for one in told] == [(4, 9, first)]


def test_each_answer_is_a_row_and_an_edit_changes_its_own(
    world: World, crm: CRMSeen, customers: Customers
) -> None:
    del crm
    world.mapping("sql", **ANSWER_ROWS)
    for revision, score in ((1, 9), (2, 3)):
        world.push(answered(0, score=score, revision=revision), answered(1, score=7))
        world.settle()
    rows = [(one["response"], one["score"]) for one in customers.rows("answers")]
    assert rows == [("r0", 3), ("r1", 7)]


@pytest.mark.parametrize("seeded", [0, 1])
def test_a_commit_whose_answer_was_lost_is_looked_up_and_not_repeated(
    world: World, crm: CRMSeen, customers: Customers, seeded: int
) -> None:
    del crm
    if seeded:
        customers.seed(people(seeded))
    # Whatever writes twice would show: the number of versions of the row.
    customers.run(
        "CREATE TABLE IF NOT EXISTS written (id bigint); TRUNCATE written;"
        "CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$BEGIN INSERT INTO written VALUES (NEW.id); RETURN NEW; END$$;"
        "CREATE TRIGGER note AFTER INSERT OR UPDATE ON customers"
        " FOR EACH ROW EXECUTE FUNCTION note()"
    )
    world.push(answered(0, score=9))
    world.plan()
    customers.line.lose_next_write = True
    world.drain("sql")
    assert world.open() == {"pending": 1}
    world.settle()
    assert scores(customers) == [("c0@example.test", 9, "Friendly 😀")]
    assert len(customers.rows("written")) == 1
    assert states(world) == [("done", None)]


def test_a_bad_value_stands_alone(world: World, crm: CRMSeen, customers: Customers) -> None:
    del crm
    customers.seed(people(3))
    customers.run("ALTER TABLE customers ADD CHECK (nps_comment <> 'bad')")
    world.push(answered(0), answered(1, why="bad"), answered(2))
    world.settle()
    told = sorted((one.state, one.error_code or "") for one in world.deliveries())
    assert told == [("dead", "invalid_value"), ("done", ""), ("done", "")]


def test_a_revoked_grant_parks_and_a_proof_resumes(
    world: World, crm: CRMSeen, customers: Customers
) -> None:
    customers.seed(people(1))
    customers.run("REVOKE UPDATE ON customers FROM crm_writer")
    world.push(answered(0, score=9))
    world.plan()
    world.drain("sql")
    assert states(world) == [("parked", "scope")]
    customers.run("GRANT UPDATE ON customers TO crm_writer")
    connect.probe(world.hub.desk, world.workspace_id, crm.connection_id, actor="test")
    world.settle()
    assert scores(customers)[0][1] == 9


def test_two_rows_of_one_address_are_left_to_a_person(
    world: World, crm: CRMSeen, customers: Customers
) -> None:
    del crm
    customers.seed(people(1) * 2)
    world.push(answered(0))
    world.settle()
    assert states(world) == [("dead", "ambiguous")]


# --- connecting -----------------------------------------------------------------------------------


def test_a_server_that_the_operator_has_not_allowed_is_refused(
    world: World, customers: Customers
) -> None:
    for server in ("db.example.com:5432", "10.0.0.5:5432"):
        with pytest.raises(Refusal) as raised:
            connected(world, customers, server=server, tls="verify")
        assert [one.code for one in raised.value.places] == ["host_not_allowed"]


def test_a_server_that_is_not_allowed_any_more_is_not_called(
    world: World, crm: CRMSeen, customers: Customers
) -> None:
    del customers
    world.hub = replace(world.hub, desk=replace(world.hub.desk, allowed=AllowedHosts()))
    world.push(answered(0))
    world.plan()
    world.drain("sql")
    assert states(world) == [("parked", "auth")]
    with world.database.begin(world.workspace_id) as store:
        told = load(store, world.workspace_id, crm.connection_id)
    assert (told.state, told.reason_code) == ("needs_attention", "host_not_allowed")


def test_tables_can_be_chosen(world: World, crm: CRMSeen) -> None:
    told = choosable.choice(world.hub.desk, world.workspace_id, crm.connection_id)
    assert told.addable
    assert {one.name for one in told.entities if not one.downloaded} >= {"customers", "secrets"}
