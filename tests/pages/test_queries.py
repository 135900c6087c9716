"""No page asks the store more than twelve things, whatever it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from connector.access import ACCESS, Door
from tests.pages.filled import fill

MOST = 12
PAGES = [
    rule for (method, rule), row in ACCESS.items() if row.door is Door.MEMBER and method == "GET"
]


@contextmanager
def counted(database: Any) -> Iterator[list[str]]:
    """The statements that are sent meanwhile, without those that open and end transactions."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("rule", PAGES)
def test_a_page_asks_few_things(alice, database, rule):
    filled = fill(alice, database)
    filled.browser.get(filled.path_of(rule))  # what is kept for the process is kept now
    with counted(database) as sent:
        answer = filled.browser.get(filled.path_of(rule))
    assert answer.status_code == 200, answer.text[:2000]
    assert len(sent) <= MOST, "\n".join([f"{len(sent)}:", *sent])


@pytest.mark.parametrize("page", ["", "/test", "/rows/1"])
def test_a_mapping_for_one_campaign_asks_few_things_too(alice, database, page):
    filled = fill(alice, database)
    filled.sql("""UPDATE mapping_version SET body = body || '{"campaign": "c-1"}'""")
    path = f"~/mappings/{filled.ids['mapping_id']}{page}"
    filled.browser.get(path)
    with counted(database) as sent:
        answer = filled.browser.get(path)
    assert answer.status_code == 200, answer.text[:2000]
    assert len(sent) <= MOST, "\n".join([f"{len(sent)}:", *sent])
