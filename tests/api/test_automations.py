"""Automations by the API: put in order, switched, tried on what came, and their versions."""

from __future__ import annotations

from tests.api.conftest import Caller


def saved(caller: Caller, name: str, **changes: object) -> int:
    body = {"name": name, "if": "answers.nps <= 6", "then": [{"do": "tag"}], **changes}
    return int(caller.post("/automations", body).json["id"])


def names(caller: Caller) -> list[str]:
    return [one["name"] for one in caller.get("/automations").json["automations"]]


def test_those_that_are_named_run_first_and_the_others_as_before(alice):
    a, b, c, d = (saved(alice, name) for name in "dcba")
    assert names(alice) == ["d", "c", "b", "a"]
    ordered = alice.put("/automations/order", {"automations": [c, a]})
    assert [one["id"] for one in ordered.json["automations"]] == [c, a, b, d]
    saved(alice, "new")
    assert names(alice) == ["b", "d", "c", "a", "new"]


def test_an_order_names_what_is_there_and_once(alice, charlie):
    mine, theirs = saved(alice, "mine"), saved(charlie, "theirs")
    for wanted, pointer in (([mine, theirs], "/automations/1"), ([mine, mine], "/automations/1")):
        answer = alice.put("/automations/order", {"automations": wanted})
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_it_is_switched_off_and_on_without_a_new_version(alice):
    number = saved(alice, "switched")
    alice.post(f"/automations/{number}/publish")
    off = alice.post(f"/automations/{number}/switch-off").json
    assert (off["enabled"], off["latest"]) == (False, 1)
    assert alice.post(f"/automations/{number}/switch-on").json["enabled"]


def test_its_versions_are_kept(alice):
    number = saved(alice, "kept")
    alice.post(f"/automations/{number}/publish")
    saved(alice, "kept", **{"if": "answers.nps <= 3"})
    versions = alice.get(f"/automations/{number}/versions").json["versions"]
    assert [(one["version"], one["state"]) for one in versions] == [(2, "draft"), (1, "published")]


def test_a_condition_is_tried_on_the_last_responses_and_a_broken_one_has_a_caret(alice):
    told = alice.post("/automations/matches", {"if": "answers.nps <= 6"}).json
    assert told == {"matched": 0, "looked_at": 0, "missing": 0, "broken": 0}
    answer = alice.post("/automations/matches", {"if": "answers.nps <="})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/if"
    assert "^" in answer.json["errors"][0]["text"]
