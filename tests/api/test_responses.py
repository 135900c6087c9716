"""A 2xx to a push means stored; a repeat changes nothing; a bad item refuses no neighbour."""

from __future__ import annotations

import json
from typing import Any

import pytest

NDJSON = {"Content-Type": "application/x-ndjson"}


def body(response_id: str = "r1", score: Any = 9, **more: Any) -> dict[str, Any]:
    return {
        "response_id": response_id,
        "submitted_at": "2026-11-22T01:02:00Z",
        "respondent": {"email": "c7@example.test"},
        "campaign": {"id": "5000", "name": "Møde"},
        "answers": {"nps": {"type": "nps", "value": score}},
        **more,
    }


def test_a_pushed_response_is_stored_and_can_be_followed(alice):
    answer = alice.post("/responses", body())
    assert answer.status_code == 202
    assert (answer.json["status"], answer.json["duplicate"]) == ("accepted", False)
    found = alice.get("/responses/r1").json
    assert found["state"] == "received"
    assert [one["id"] for one in found["versions"]] == [answer.json["id"]]


def test_fault_39_the_same_push_again_answers_the_same_as_a_duplicate(alice):
    first, again = alice.post("/responses", body()), alice.post("/responses", body())
    assert again.status_code == first.status_code == 202
    assert again.json["duplicate"] is True
    assert (again.json["id"], again.json["digest"]) == (first.json["id"], first.json["digest"])


def test_fault_40_other_content_under_the_same_revision_is_a_conflict(alice):
    first = alice.post("/responses", body()).json
    answer = alice.post("/responses", body(score=3))
    assert (answer.status_code, answer.json["code"]) == (409, "response_conflict")
    assert answer.json["digest"] == first["digest"]


def test_in_a_batch_every_item_has_its_own_outcome(alice):
    alice.post("/responses", [body("known"), body("taken")])
    answer = alice.post(
        "/responses", [body("known"), body("taken", 1), body("bad", 11), body("new")]
    )
    assert answer.status_code == 202
    outcomes = [item["status"] for item in answer.json["items"]]
    assert outcomes == ["duplicate", "conflict", "invalid", "accepted"]
    assert answer.json["items"][2]["errors"][0]["pointer"] == "/2/answers/nps/value"
    counts = {name: answer.json[name] for name in ("accepted", "duplicates", "refused")}
    assert counts == {"accepted": 1, "duplicates": 1, "refused": 2}


def test_lines_that_are_no_json_do_not_refuse_their_neighbours(alice):
    lines = [json.dumps(body("a")), "{", json.dumps(body("b")), '{"response_id":"\\ud800"}']
    answer = alice.post("/responses", data="\n".join(lines), headers=NDJSON)
    assert answer.status_code == 202
    outcomes = [item["status"] for item in answer.json["items"]]
    assert outcomes == ["accepted", "invalid", "accepted", "invalid"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"source": {"platform": "x"}}, "/source"),
        ({"answers": {"x": {"type": "number", "value": 1.5}}}, "/answers/x/value"),
        ({"submitted_at": "yesterday"}, "/submitted_at"),
        ({"response_id": ""}, "/response_id"),
    ],
)
def test_a_bad_response_is_refused_with_the_place(alice, change, pointer):
    answer = alice.post("/responses", {**body(), **change})
    assert (answer.status_code, answer.json["code"]) == (422, "body_invalid")
    assert answer.json["errors"][0]["pointer"] == pointer


def test_a_batch_without_one_good_item_is_refused_as_a_whole(alice):
    answer = alice.post("/responses", [body("a", 11), body("b", -1)])
    assert answer.status_code == 422
    assert [item["status"] for item in answer.json["items"]] == ["invalid", "invalid"]


@pytest.mark.parametrize("raw", [b"[]", b"", b"\n", b"null", b"3", b'"x"', b"[[]]", b"[null]"])
def test_what_holds_no_response_is_refused(alice, raw):
    kind = "application/json"
    answer = alice.post("/responses", data=raw, headers={"Content-Type": kind})
    assert answer.status_code in {400, 422}


def test_more_than_a_thousand_in_one_request_are_refused(alice):
    answer = alice.post("/responses", [{}] * 1001)
    assert (answer.status_code, answer.json["code"]) == (413, "too_many_items")


def test_the_source_of_a_push_is_ours_to_say_and_narrows_the_question(alice):
    alice.post("/responses", body())
    assert alice.get("/responses/r1?source=api").status_code == 200
    assert alice.get("/responses/r1?source=other").status_code == 404


def test_an_id_may_hold_whatever_a_platform_puts_into_it(alice):
    for number, response_id in enumerate(["typeform:mXk2:tok_9f", "a/b//c", "æ ?#%", "🙂"]):
        alice.post("/responses", body(response_id, number))
        quoted = response_id.replace("%", "%25").replace("?", "%3F").replace("#", "%23")
        assert alice.get(f"/responses/{quoted}").json["response_id"] == response_id


def test_a_strangers_response_is_as_good_as_none(alice, charlie):
    alice.post("/responses", body())
    assert charlie.get("/responses/r1").status_code == 404
    assert charlie.post("/responses", body(score=2)).status_code == 202


def test_an_answer_never_stands_in_a_refusal(alice):
    texts = {"why": {"type": "nps", "value": "canary-answer"}}
    refused = alice.post("/responses", {**body(), "answers": texts})
    assert refused.status_code == 422
    assert "canary" not in refused.text
