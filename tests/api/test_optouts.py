"""Many opt-outs at once: by the API and by the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from connector.responses import optouts


def known(caller: Any) -> dict[str, int]:
    """Three contacts: a and b by their addresses, c by an id of the caller's own."""
    contacts = [{"email": "A@example.test"}, {"email": "b@example.test"}, {"external_id": "C-1"}]
    told = caller.post("/contacts", contacts).json["items"]
    return dict(zip("abc", [one["id"] for one in told], strict=True))


def told(answer: Any) -> list[tuple[str, int | None]]:
    return [(one["status"], one["id"]) for one in answer.json["items"]]


def wants_none(caller: Any, contact_id: int) -> bool:
    return caller.get(f"/contacts/{contact_id}").json["opted_out_at"] is not None


def test_many_opt_out_at_once_and_each_is_told_what_became_of_it(alice):
    ids = known(alice)
    items = [
        {"email": "a@EXAMPLE.test"},
        {"external_id": "C-1"},
        {"email": "nobody"},
        {"email": "b@example.test", "id": ids["b"]},
        {"id": 10**12},
        {"email": "new@example.test"},
        {"email": "NEW@example.test"},
        {"external_id": "D-1", "opted_out": False},
        7,
    ]
    answer = alice.post("/contacts/opt-outs", items)
    assert answer.status_code == 200
    results = told(answer)
    made = results[6][1]
    assert results == [
        ("opted_out", ids["a"]),
        ("opted_out", ids["c"]),
        ("invalid", None),
        ("invalid", None),
        ("not_found", None),
        ("unchanged", made),
        ("opted_out", made),
        ("not_found", None),
        ("invalid", None),
    ]
    assert [one["place"] for one in answer.json["items"]] == list(range(9))
    assert answer.json["items"][2]["errors"][0]["pointer"] == "/2/email"
    counts = {name: answer.json[name] for name in ("opted_out", "opted_in", "refused")}
    assert counts == {"opted_out": 3, "opted_in": 0, "refused": 5}
    # The address stays as the contact has it, and b has not been asked.
    assert alice.get(f"/contacts/{ids['a']}").json["email"] == "A@example.test"
    assert [wants_none(alice, one) for one in ids.values()] == [True, False, True]
    assert made
    assert wants_none(alice, made)


def test_a_repeat_does_nothing_and_whoever_may_be_asked_again_is_told_so(alice, database):
    ids = known(alice)
    hook = {"name": "h", "url": "https://hooks.example.test/h", "events": ["contact.opted_out"]}
    alice.post("/webhooks", hook)
    items = [{"id": ids["a"]}, {"id": ids["b"]}]
    for status in ("opted_out", "unchanged"):
        answer = alice.post("/contacts/opt-outs", items)
        assert [one for one, _ in told(answer)] == [status, status]
    with database.begin(alice.workspace_id) as store:
        told_of = store.exec_driver_sql("SELECT count(*) FROM webhook_message").scalar_one()
    assert told_of == 2
    back = alice.post("/contacts/opt-outs", [{"id": ids["a"], "opted_out": False}, *items[1:]])
    assert [one for one, _ in told(back)] == ["opted_in", "unchanged"]
    # Of two wishes of one contact the later one counts.
    both = [{"id": ids["a"]}, {"id": ids["a"], "opted_out": False}]
    assert [one for one, _ in told(alice.post("/contacts/opt-outs", both))] == ["unchanged"] * 2
    assert not wants_none(alice, ids["a"])


def test_a_list_of_which_nothing_can_be_read_is_refused(alice):
    answer = alice.post("/contacts/opt-outs", {"email": "nobody"})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/email")
    assert alice.post("/contacts/opt-outs", [{}, {"name": "x"}]).status_code == 422


def test_a_workspace_opts_out_nobody_of_another(alice, charlie):
    ids = known(alice)
    answer = charlie.post("/contacts/opt-outs", [{"id": ids["a"]}, {"email": "b@example.test"}])
    assert told(answer)[0] == ("not_found", None)
    assert told(answer)[1][1] not in ids.values()
    assert not any(wants_none(alice, one) for one in ids.values())


def test_many_are_no_more_statements_than_one(alice, database):
    counted = []
    for count in (1, 1000):
        seen: list[str] = []
        count_one = _counting(seen)
        event.listen(database.engine, "before_cursor_execute", count_one)
        items = [{"email": f"p{count}-{number}@example.test"} for number in range(count)]
        answer = alice.post("/contacts/opt-outs", items)
        event.remove(database.engine, "before_cursor_execute", count_one)
        assert answer.status_code == 200, answer.json
        assert answer.json["opted_out"] == count
        counted.append(len(seen))
    # The first has a few that are asked once.
    assert counted[1] <= counted[0]


def _counting(seen: list[str]) -> Any:
    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    return count


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.txt", "a@example.test\n\n  B@example.test\n"),
        ("list.json", '[{"email": "a@example.test"}, {"email": "b@example.test"}]'),
        ("list.ndjson", '{"email": "a@example.test"}\n{"email": "b@example.test"}\n'),
    ],
)
def test_the_command_line_takes_names_and_files(
    answerback: Any, tmp_path: Path, name: str, content: str
) -> None:
    answerback("workspace", "create", "acme", "--owner", "o@example.test", "--country", "DK")
    file = tmp_path / name
    file.write_text(content)
    added = answerback("optout", "add", "acme", "C-1", "--file", file)
    assert [one["status"] for one in added] == ["opted_out"] * 3
    listed = answerback("optout", "list", "acme")
    assert {(one["email"], one["external_id"]) for one in listed} == {
        (None, "C-1"),
        ("a@example.test", None),
        (listed[-1]["email"], None),
    }
    assert {one["opted_out_by"] for one in listed} == {optouts.BY_PERSON}
    removed = answerback("optout", "remove", "acme", "a@example.test", "who@example.test")
    assert [one["status"] for one in removed] == ["opted_in", "not_found"]
    assert len(answerback("optout", "list", "acme", "--after", listed[0]["id"])) == 1


def test_the_command_line_says_what_is_wrong_with_a_file(answerback: Any, tmp_path: Path) -> None:
    answerback("workspace", "create", "acme", "--owner", "o@example.test", "--country", "DK")
    assert "Name contacts" in answerback("optout", "add", "acme", code=1)
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"email": "a@example.test"})[:-1])
    assert "list.json" in answerback("optout", "add", "acme", "--file", file, code=1)
    assert answerback("optout", "list", "acme") == []
