"""What each database is asked, in its own words, and what its errors mean. No server but PostgreSQL
is here: these statements were compiled by SQLAlchemy, and not run.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import mssql, mysql, oracle
from sqlalchemy.engine.interfaces import Dialect as Compiler
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from adapters.errors import OutcomeUnknown, PauseMapping, ReconnectNeeded, TryLater
from adapters.http import Wire
from adapters.sql import SQLDatabase
from adapters.sql.columns import entity_of, table_of
from adapters.sql.dialects import DIALECTS, Asked, Fault, fault_of
from adapters.sql.refusals import failed, fault_in, outcome_of, unreached
from adapters.sql.statements import MOST_VALUES, parts, reading, updating
from adapters.values import Account, Status
from schemas.fields import Entity, Field, FieldType
from schemas.sql import PRIMARY_KEY

TABLE = Entity(
    "answers",
    "answers",
    (
        Field("id", "id", FieldType.INTEGER, native_type="BIGINT" + PRIMARY_KEY),
        Field("email", "email", FieldType.EMAIL, native_type="VARCHAR(80)"),
        Field("score", "score", FieldType.INTEGER, native_type="INTEGER"),
        Field("why", "why", FieldType.LONG_TEXT, native_type="TEXT"),
    ),
)
COMPILERS: dict[str, Compiler] = {
    "mysql": mysql.dialect(),
    "sqlserver": mssql.dialect(),  # type: ignore[no-untyped-call]
    "oracle": oracle.dialect(),  # type: ignore[no-untyped-call]
}
ASKED = Asked("db.example.com", 1, "crm", "hub", "pass", None, connect_s=3.0, total_s=20.0)


def spelt(statement: Any, compiler: Compiler) -> str:
    compiled = statement.compile(dialect=compiler, compile_kwargs={"render_postcompile": True})
    return re.sub(r"\s+", " ", str(compiled))


@pytest.mark.parametrize("name", COMPILERS)
def test_many_rows_are_updated_by_one_statement_everywhere(name: str) -> None:
    table = table_of(TABLE, "crm.answers", dialect=name)
    told = spelt(updating(table, "id", {1: {"score": 9}, 2: {"why": "x"}}), COMPILERS[name])
    assert told.startswith("UPDATE crm.answers SET score=CASE WHEN (crm.answers.id = ")
    assert "ELSE crm.answers.score END" in told
    assert "WHERE crm.answers.id IN (" in told


@pytest.mark.parametrize(
    ("name", "limit"), [("mysql", "LIMIT"), ("sqlserver", "TOP"), ("oracle", "FETCH FIRST")]
)
def test_rows_are_found_by_one_statement_everywhere(name: str, limit: str) -> None:
    table = table_of(TABLE, "answers", dialect=name)
    statement = reading(table, "id", "email", ["a@x", "b@x"], want=["id"], folds=True, most=41)
    told = spelt(statement, COMPILERS[name])
    assert "WHERE lower(answers.email) IN (" in told
    assert limit in told


def test_a_name_is_quoted_and_a_value_is_bound() -> None:
    odd = Entity("t", "t", (*TABLE.fields, Field('a"b', "", FieldType.TEXT, native_type="TEXT")))
    statement = updating(table_of(odd, "Order", dialect="oracle"), "id", {1: {'a"b': "'; --"}})
    told = spelt(statement, COMPILERS["oracle"])
    assert told.startswith('UPDATE "Order" SET "a""b"=:')
    assert "--" not in told


def test_a_statement_holds_no_more_values_than_every_database_takes() -> None:
    rows = {key: dict.fromkeys(map(str, range(30)), 1) for key in range(100)}
    found = list(parts(rows))
    assert [key for one in found for key in one] == list(rows)
    assert max(sum(2 * len(v) + 1 for v in one.values()) for one in found) <= MOST_VALUES


def test_the_statements_do_what_they_say_on_another_database() -> None:
    """SQLite is no app here: it is the second opinion about the SQL."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE answers (id INTEGER PRIMARY KEY, email VARCHAR(80) UNIQUE,"
            " score INTEGER, why TEXT)"
        )
        connection.exec_driver_sql(
            "INSERT INTO answers VALUES (1, 'A@x', 1, 'a'), (2, 'b@x', 2, 'b'), (3, 'c@x', 3, 'c')"
        )
        entity = entity_of(inspect(connection), "answers", as_name="answers")
        table = table_of(entity, "answers", dialect="sqlite")
        connection.execute(updating(table, "id", {1: {"score": 9}, 2: {"why": None, "score": 0}}))
        statement = reading(
            table, "id", "email", ["a@x", "b@x"], want=["score", "why"], folds=True, most=9
        )
        assert sorted(connection.execute(statement).all()) == [
            (1, "A@x", 9, "a"),
            (2, "b@x", 0, None),
        ]
    engine.dispose()


# --- the line -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DIALECTS)
def test_every_driver_is_given_a_deadline(name: str) -> None:
    told = str(DIALECTS[name].arguments(ASKED))
    wanted = r"statement_timeout=20000|read_timeout': 20|tcp_connect_timeout': 3|'timeout': 20"
    assert re.search(wanted, told)


def test_tls_checks_certificate_and_name_or_there_is_none() -> None:
    from requests.utils import DEFAULT_CA_BUNDLE_PATH  # noqa: PLC0415 - for this test alone

    asked = Asked("db", 1, "crm", "hub", "p", str(DEFAULT_CA_BUNDLE_PATH), 3.0, 20.0)
    assert DIALECTS["postgresql"].arguments(asked)["sslmode"] == "verify-full"
    context = DIALECTS["mysql"].arguments(asked)["ssl"]
    assert (context.check_hostname, context.verify_mode.name) == (True, "CERT_REQUIRED")
    assert DIALECTS["sqlserver"].query(asked)["TrustServerCertificate"] == "no"
    oracle_told = DIALECTS["oracle"].arguments(asked)
    assert oracle_told["dsn"].startswith("tcps://")
    assert oracle_told["ssl_server_dn_match"] is True


# --- errors ---------------------------------------------------------------------------------------


class MySQLError(Exception):
    """As pymysql raises them: number and text."""


class OracleError(Exception):
    """As oracledb raises them: an object with a code."""

    def __init__(self, code: int) -> None:
        super().__init__(type("Told", (), {"code": code, "__str__": lambda _s: f"ORA-{code:05}"})())


def wrapped(kind: type[DBAPIError], orig: BaseException) -> DBAPIError:
    return kind("", None, orig)


@pytest.mark.parametrize(
    ("name", "orig", "fault"),
    [
        ("mysql", MySQLError(1062, "Duplicate entry 'canary' for key 'email'"), Fault.DUPLICATE),
        ("mysql", MySQLError(1048, "Column 'score' cannot be null"), Fault.REQUIRED),
        ("mariadb", MySQLError(1406, "Data too long for column 'why' at row 1"), Fault.TOO_LONG),
        ("mariadb", MySQLError(1213, "Deadlock found"), Fault.BUSY),
        ("oracle", OracleError(1), Fault.DUPLICATE),
        ("oracle", OracleError(12899), Fault.TOO_LONG),
        ("oracle", OracleError(942), Fault.NO_TABLE),
        (
            "sqlserver",
            Exception("Violation of UNIQUE KEY (2627) (SQLExecDirectW)"),
            Fault.DUPLICATE,
        ),
        ("sqlserver", Exception("[515] Cannot insert NULL into column 'score'"), Fault.REQUIRED),
    ],
)
def test_a_code_is_read_in_each_databases_own_way(
    name: str, orig: BaseException, fault: Fault
) -> None:
    assert fault_in(DIALECTS[name], wrapped(DBAPIError, orig)) is fault


@pytest.mark.parametrize("kind", [IntegrityError, DataError])
def test_an_unknown_code_is_the_rows_fault_by_its_class(kind: type[DBAPIError]) -> None:
    exc = wrapped(kind, Exception("something about the column score, value canary"))
    fault = fault_in(DIALECTS["sqlserver"], exc)
    assert fault is Fault.VALUE
    told = outcome_of("k", fault, exc, ["score", "why"])
    assert (told.status, told.field) == (Status.REJECTED, "score")
    assert "canary" not in told.message


def test_a_class_of_states_stands_for_those_that_are_not_listed() -> None:
    postgresql = DIALECTS["postgresql"]
    assert fault_of(postgresql, "22P02") is Fault.VALUE
    assert fault_of(postgresql, "57P01") is Fault.AWAY
    assert fault_of(postgresql, "XX000") is None


def test_what_an_error_means_for_the_whole_call() -> None:
    dialect = DIALECTS["mysql"]
    lost = wrapped(OperationalError, MySQLError(2013, "Lost connection"))
    assert isinstance(failed(dialect, lost, committing=True), OutcomeUnknown)
    before = failed(dialect, lost, committing=False)
    assert isinstance(before, TryLater)
    assert not isinstance(before, OutcomeUnknown)
    denied = wrapped(OperationalError, MySQLError(1142, "UPDATE command denied"))
    assert isinstance(failed(dialect, denied, committing=False), PauseMapping)
    refused = wrapped(OperationalError, MySQLError(1045, "Access denied for user"))
    assert isinstance(unreached(dialect, refused), ReconnectNeeded)


# --- the drivers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["off", "verify"])
@pytest.mark.parametrize("kind", ["mysql", "mariadb", "oracle"])
def test_the_real_driver_takes_our_arguments_as_far_as_the_dead_port(kind: str, tls: str) -> None:
    settings = {"kind": kind, "server": "127.0.0.1:1", "database": "crm", "user": "hub", "tls": tls}
    adapter = SQLDatabase(Account("pass", settings=settings), Wire(connect_s=1.0), {})
    with pytest.raises(TryLater) as raised:
        adapter.probe()
    assert raised.value.code == "connect_failed"
