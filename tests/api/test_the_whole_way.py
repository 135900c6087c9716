"""By the API alone: connect a CRM, map, push, and read what was written where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import insert, update

from connector import audit
from connector.access import Role
from connector.access.api import API
from connector.accounts import people
from connector.api.mapping_files import YAML
from connector.db import Database
from connector.documents import write_yaml
from connector.jobs import hub_of
from connector.tables import connection, delivery, hook_notice, link
from schemas.secret import Secret
from simulators.hubspot import HubSpot
from simulators.kit.server import running
from tests.api.conftest import Caller
from tests.api.test_access import FORM, WEBHOOK, one_of_everything
from tests.api.test_responses import body
from tests.world import World

MAPPING = {
    "name": "After the meeting",
    "connection": "crm",
    "entity": "contacts",
    "operation": "upsert",
    "identify": {"variable": "contact.email", "field": "email"},
    "rows": [{"variable": "answers.nps", "field": "nps_score"}],
}


TAG = [{"do": "tag"}]
# No survey has told of its answers: that is a warning.
ACCEPTED = {"accept_warnings": True}
# A survey whose option is called like the CRM's, and a mapping's row for it.
TOPIC = {
    "key": "topic", "type": "multi_choice", "options": [{"value": "t1", "label": "Price"}],
}  # fmt: skip
TOPIC_ROW = {"variable": "answers.topic", "field": "nps_topics"}


@pytest.fixture
def portal() -> Iterator[str]:
    with running(HubSpot()) as url:
        yield url


@pytest.fixture
def crm(alice: Caller, portal: str) -> int:
    """The id of a connection that a person has allowed, its fields downloaded."""
    client = {"client_id": "demo-client", "client_secret": "demo-secret"}
    assert alice.put("/oauth-clients/hubspot", client).status_code == 200
    wanted = {"app": "hubspot", "name": "crm", "base_url": portal}
    made = alice.post("/connections", wanted)
    assert (made.status_code, made.json["state"]) == (201, "new")
    connection_id: int = made.json["id"]
    assert allow(alice, connection_id, portal).status_code == 200
    assert alice.post(f"/connections/{connection_id}/fields").status_code == 200
    return connection_id


def allow(caller: Caller, connection_id: int, portal: str) -> Any:
    """The browser's part: consent at the CRM, then follow it back to us."""
    url = urlsplit(caller.post(f"/connections/{connection_id}/authorize").json["url"])
    consent = requests.get(f"{portal}{url.path}?{url.query}", allow_redirects=False, timeout=5)
    back = urlsplit(consent.headers["Location"])
    return caller.client.get(f"{back.path}?{back.query}")


def switch_on(caller: Caller) -> Any:
    mapping_id = caller.post("/mappings", MAPPING).json["id"]
    return caller.post(f"/mappings/{mapping_id}/publish", ACCEPTED)


@pytest.fixture
def world(alice: Caller, settings) -> Iterator[World]:
    hub = hub_of(settings)
    yield World(hub, alice.workspace_id, alice.key)
    hub.database.close()


def test_a_pushed_answer_stands_in_the_crm_and_every_step_can_be_read(alice, crm, portal, world):
    assert switch_on(alice).json["advice"] is None
    answers = {**body()["answers"], "why": {"type": "text", "value": "Friendly"}}
    alice.post("/responses", body("r1", answers=answers))
    world.settle()
    found = alice.get("/responses/r1").json
    assert found["state"] == "done", found
    states = {step["kind"]: step["state"] for step in found["versions"][0]["steps"]}
    assert states == {"fields": "done", "tag": "done", "note": "done"}
    lines = alice.get("/ledger").json["lines"]
    scores = [(one["before"], one["after"]) for one in lines if one["field"] == "nps_score"]
    assert scores == [(None, 9)] or scores == [(None, "9")]
    contact_id = found["versions"][0]["contact_id"]
    kinds = {one["kind"] for one in alice.get(f"/contacts/{contact_id}/timeline").json["events"]}
    assert kinds == {"response", "delivery", "ledger"}


def test_the_timeline_pages_do_not_miss_or_repeat_an_event(alice, crm, world):
    switch_on(alice)
    for number in range(3):
        alice.post("/responses", body(f"r{number}", number))
    world.settle()
    contact_id = alice.get("/contacts?email=c7@example.test").json["contacts"][0]["id"]
    whole = alice.get(f"/contacts/{contact_id}/timeline").json["events"]
    seen: list[object] = []
    cursor: str | None = ""
    while cursor is not None:
        page = alice.get(f"/contacts/{contact_id}/timeline?limit=2{cursor}").json
        seen += page["events"]
        cursor = f"&cursor={page['next']}" if page["next"] else None
    assert seen == whole
    assert len(whole) > 6


def test_publishing_makes_the_automation_once(alice, crm):
    first = switch_on(alice).json
    assert first["triggered_by"] == ["After the meeting: every response"]
    assert alice.post(f"/mappings/{first['id']}/publish", ACCEPTED).status_code == 200
    assert len(alice.get("/automations").json["automations"]) == 1


def test_published_without_switching_on_it_says_that_nothing_triggers_it(alice, crm):
    mapping_id = alice.post("/mappings", MAPPING).json["id"]
    wanted = {"switch_on": False, **ACCEPTED}
    answer = alice.post(f"/mappings/{mapping_id}/publish", wanted).json
    assert (answer["published"], answer["triggered_by"]) == (1, [])
    assert "Nothing triggers" in answer["advice"]


def test_a_draft_leaves_the_published_version_alone(alice, crm):
    mapping_id = switch_on(alice).json["id"]
    changed = {**MAPPING, "note": "all"}
    draft = alice.put(f"/mappings/{mapping_id}", changed).json
    assert (draft["published"], draft["latest"], draft["draft"]) == (1, 2, True)
    again = alice.put(f"/mappings/{mapping_id}", changed).json
    assert again["latest"] == 2
    states = [
        one["state"] for one in alice.get(f"/mappings/{mapping_id}/versions").json["versions"]
    ]
    assert states == ["draft", "published"]
    alice.post(f"/mappings/{mapping_id}/publish", ACCEPTED)
    states = [
        one["state"] for one in alice.get(f"/mappings/{mapping_id}/versions").json["versions"]
    ]
    assert states == ["published", "retired"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"rows": [{"variable": "answers.nps", "field": "nps_scor"}]}, "/rows/0/field"),
        ({"rows": [{"variable": "computed.scor", "field": "nps_score"}]}, "/rows/0/variable"),
        ({"identify": {"variable": "contact.email", "field": "nps_score"}}, "/identify/field"),
        ({"entity": "kontakte"}, "/entity"),
    ],
)
def test_a_mapping_that_cannot_work_is_not_published_and_the_row_is_named(
    alice, crm, change, pointer
):
    saved = alice.post("/mappings", {**MAPPING, **change})
    assert saved.status_code == 201
    answer = alice.post(f"/mappings/{saved.json['id']}/publish")
    assert (answer.status_code, answer.json["code"]) == (422, "mapping_invalid")
    assert answer.json["errors"][0]["pointer"] == pointer


def test_an_answer_is_held_against_the_survey_of_the_campaign_where_it_is_known(alice, crm):
    alice.put("/surveys/s", {"questions": [{"key": "score", "type": "nps"}]})
    trusted = alice.post("/mappings/check", MAPPING).json
    assert (trusted["publishable"], trusted["problems"][0]["warning"]) == (True, True)
    alice.put("/campaigns/5000", {"name": "A", "survey": "s"})
    judged = alice.post("/mappings/check", {**MAPPING, "campaign": "5000"}).json
    assert (judged["publishable"], judged["problems"][0]["code"]) == (False, "unknown_variable")


def test_readiness_names_who_mends_what_where_and_warnings_are_accepted(alice, crm):
    alice.put("/surveys/topics", {"questions": [TOPIC]})
    body = {**MAPPING, "operation": "update", "rows": [TOPIC_ROW]}
    mapping_id = alice.post("/mappings", body).json["id"]
    (found,) = alice.get(f"/mappings/{mapping_id}/readiness").json["problems"]
    assert (found["code"], found["field"], found["who"]) == (
        "option_uncovered", "nps_topics", "admin",
    )  # fmt: skip
    assert (found["page"], found["fix"]) == (f"mappings/{mapping_id}/rows/1", True)
    # No acceptance helps against an error.
    refused = alice.post(f"/mappings/{mapping_id}/publish", ACCEPTED)
    assert (refused.status_code, refused.json["code"]) == (422, "mapping_invalid")
    where = {"pointer": found["pointer"], "code": found["code"]}
    mended = alice.post(f"/mappings/{mapping_id}/mend", where).json
    assert mended["body"]["rows"][0]["transforms"][0]["values"] == {"t1": "price"}
    assert alice.get(f"/mappings/{mapping_id}/readiness").json["problems"] == []
    assert alice.post(f"/mappings/{mapping_id}/mend", where).json["code"] == "change_refused"
    alice.put(f"/mappings/{mapping_id}", {**body, "rows": MAPPING["rows"]})
    warned = alice.post(f"/mappings/{mapping_id}/publish")
    assert (warned.status_code, warned.json["code"]) == (409, "warnings_not_accepted")
    assert warned.json["errors"][0]["code"] == "unchecked_variable"
    assert alice.post(f"/mappings/{mapping_id}/publish", ACCEPTED).json["published"] == 1


def test_checking_a_mapping_saves_nothing(alice, crm):
    assert alice.post("/mappings/check", MAPPING).json["publishable"] is True
    bad = {**MAPPING, "rows": [{"variable": "answers.nps", "field": "none"}]}
    answer = alice.post("/mappings/check", bad).json
    assert (answer["publishable"], answer["problems"][0]["pointer"]) == (False, "/rows/0/field")
    assert alice.get("/mappings").json["mappings"] == []


def test_a_mapping_needs_a_connection_with_field_definitions(alice):
    alice.post("/connections", {"app": "hubspot", "name": "crm"})
    mapping_id = alice.post("/mappings", MAPPING).json["id"]
    answer = alice.post(f"/mappings/{mapping_id}/publish")
    assert (answer.status_code, answer.json["code"]) == (409, "no_field_definitions")


def test_a_mapping_can_only_use_a_connection_that_is_connected(alice, crm):
    mapping_id = alice.post("/mappings", MAPPING).json["id"]
    ended = alice.post(f"/connections/{crm}/disconnect")
    assert ended.json == {"revoked": True, "waiting": 0}
    answer = alice.post(f"/mappings/{mapping_id}/publish")
    assert (answer.status_code, answer.json["code"]) == (409, "not_connected")


def test_a_paused_mapping_parks_what_comes_and_goes_on_in_order(alice, crm, world):
    mapping_id = switch_on(alice).json["id"]
    alice.post(f"/mappings/{mapping_id}/pause")
    alice.post("/responses", body("r1", 9))
    world.plan()
    parked = alice.get("/deliveries?state=parked").json["deliveries"]
    assert {(one["kind"], one["reason"]) for one in parked} >= {("fields", "paused")}
    world.settle()
    (tag,) = alice.get("/deliveries?kind=tag").json["deliveries"]
    assert (tag["state"], tag["error_code"]) == ("dead", "not_found")
    alice.post(f"/mappings/{mapping_id}/resume")
    world.settle()
    told = alice.get("/responses/r1").json
    assert told["state"] == "done"
    assert {one["state"] for one in told["versions"][0]["steps"]} == {"done"}


def test_an_app_without_contacts_has_no_standard_integration_to_switch_on(alice, database):
    chat = alice.post("/connections", {"app": "hubspot", "name": "talk"}).json["id"]
    with database.begin(alice.workspace_id) as store:
        # A chat of its own would be called when it is connected.
        store.execute(update(connection).where(connection.c.id == chat).values(app="chat"))
    answer = alice.put(f"/connections/{chat}/standard", {"enabled": True})
    assert (answer.status_code, answer.json["code"]) == (422, "setting_invalid")
    assert answer.json["errors"][0]["pointer"] == "/enabled"
    assert alice.put(f"/connections/{chat}/standard", {"enabled": False}).status_code == 200


def test_a_mapping_that_is_fed_is_not_deleted(alice, crm):
    mapping_id = switch_on(alice).json["id"]
    answer = alice.delete(f"/mappings/{mapping_id}")
    assert (answer.status_code, answer.json["code"]) == (409, "still_in_use")
    assert answer.json["automations"] == ["After the meeting: every response"]
    automation_id = alice.get("/automations").json["automations"][0]["id"]
    assert alice.delete(f"/automations/{automation_id}").status_code == 204
    assert alice.delete(f"/mappings/{mapping_id}").status_code == 204


def test_a_condition_that_names_nothing_is_refused_with_a_caret(alice, crm):
    body_ = {"name": "A", "if": "computed.scor > 3", "then": [{"do": "tag"}]}
    automation_id = alice.post("/automations", body_).json["id"]
    answer = alice.post(f"/automations/{automation_id}/publish")
    assert (answer.status_code, answer.json["code"]) == (422, "automation_invalid")
    assert answer.json["errors"][0]["pointer"] == "/if"
    assert "^" in answer.json["errors"][0]["text"]


def test_a_condition_may_name_answers_of_a_survey_that_is_not_known_yet(alice):
    rule = {"name": "A", "if": 'answers.nps >= 9 && answers.why.contains("x")', "then": TAG}
    automation_id = alice.post("/automations", rule).json["id"]
    assert alice.post(f"/automations/{automation_id}/publish").status_code == 200
    alice.put("/surveys/s", {"questions": [{"key": "score", "type": "nps"}]})
    alice.put("/campaigns/5000", {"name": "A", "survey": "s"})
    rule = {**rule, "name": "B", "campaign": "5000"}
    automation_id = alice.post("/automations", rule).json["id"]
    assert alice.post(f"/automations/{automation_id}/publish").status_code == 422


def test_an_automation_names_what_is_there(alice, crm):
    body_ = {"name": "A", "then": [{"do": "feed", "mapping": "none"}]}
    automation_id = alice.post("/automations", body_).json["id"]
    answer = alice.post(f"/automations/{automation_id}/publish")
    assert answer.json["errors"][0]["pointer"] == "/then/0/mapping"


def test_a_dead_delivery_is_replayed_once(alice, crm, world, database):
    switch_on(alice)
    alice.post("/responses", body("r1", 9))
    world.settle()
    delivery_id = alice.get("/deliveries").json["deliveries"][0]["id"]
    assert alice.post(f"/deliveries/{delivery_id}/replay").status_code == 409
    with database.begin(alice.workspace_id) as connection:
        connection.execute(
            update(delivery).where(delivery.c.id == delivery_id).values(state="dead")
        )
    only = {"state": "dead", "connection_id": crm}
    assert alice.post("/deliveries/replay", only).json == {"replayed": 1}
    assert alice.post("/deliveries/replay", only).json == {"replayed": 0}
    world.settle()
    assert alice.get(f"/deliveries/{delivery_id}").json["state"] in {"done", "superseded"}


def test_a_connection_shows_its_account_and_never_a_secret(alice, crm):
    shown = alice.get(f"/connections/{crm}")
    assert shown.json["state"] == "connected"
    assert shown.json["secrets"]["grant"]["set"] is True
    assert "demo-secret" not in shown.text + alice.get("/oauth-clients").text
    assert alice.post(f"/connections/{crm}/probe").json["account_id"]
    paused = alice.post(f"/connections/{crm}/pause").json
    assert (paused["state"], alice.post(f"/connections/{crm}/resume").json["state"]) == (
        "paused",
        "connected",
    )


def test_the_field_definitions_are_listed_and_come_as_a_table(alice, crm):
    entities = alice.get(f"/connections/{crm}/fields?entity=contacts").json["entities"]
    assert "email" in {field["name"] for field in entities[0]["fields"]}
    table = alice.get(f"/connections/{crm}/fields.csv")
    assert table.mimetype == "text/csv"
    assert "attachment" in table.headers["Content-Disposition"]
    assert "nps_score" in table.text
    assert alice.get(f"/connections/{crm}/fields?entity=none").status_code == 404


def test_the_standard_integration_is_one_switch(alice, crm):
    assert alice.get(f"/connections/{crm}/standard").json["enabled"] is False
    answer = alice.put(f"/connections/{crm}/standard", {"enabled": True, "default": True})
    assert answer.json["enabled"] is True
    assert answer.json["missing_fields"] == []


def test_the_standard_integration_is_gone_on_from_as_a_mapping(alice, crm):
    told = alice.get(f"/connections/{crm}/standard/mapping").json
    assert told["open"] == []
    made = alice.post("/mappings", told["mapping"])
    assert made.status_code == 201, made.text
    wanted = {"switch_on": False, **ACCEPTED}
    checked = alice.post(f"/mappings/{made.json['id']}/publish", wanted)
    assert checked.status_code == 200, checked.text
    assert {"variable": "contact.first_name", "field": "firstname"}.items() <= (
        told["mapping"]["rows"][0].items()
    )


def test_a_callback_with_a_made_up_or_used_state_connects_nothing(alice, portal):
    alice.put(
        "/oauth-clients/hubspot", {"client_id": "demo-client", "client_secret": "demo-secret"}
    )
    made = alice.post("/connections", {"app": "hubspot", "name": "crm", "base_url": portal}).json
    url = urlsplit(alice.post(f"/connections/{made['id']}/authorize").json["url"])
    consent = requests.get(f"{portal}{url.path}?{url.query}", allow_redirects=False, timeout=5)
    back = urlsplit(consent.headers["Location"])
    for path in ("/oauth/callback/hubspot", "/oauth/callback/hubspot?state=x&code=y"):
        assert alice.client.get(path).status_code == 400
    assert alice.client.get(f"{back.path}?{back.query}").status_code == 200
    again = alice.client.get(f"{back.path}?{back.query}")
    assert again.status_code == 400
    told = alice.client.get("/oauth/callback/hubspot?state=%3Cscript%3Ealert(1)%3C/script%3E")
    for page in (again.text, told.text):
        assert page.count("<script") == page.count("<script src=") > 0
        assert "alert(1)" not in page


def test_a_host_that_nobody_allowed_is_refused_when_saved(alice):
    wanted = {"app": "hubspot", "name": "crm", "base_url": "https://169.254.169.254"}
    answer = alice.post("/connections", wanted)
    assert (answer.status_code, answer.json["code"]) == (422, "host_refused")


def test_the_catalogue_tells_what_each_app_can_do(alice):
    apps = {one["app"]: one for one in alice.get("/apps").json["apps"]}
    assert {"hubspot", "salesforce"} <= set(apps)
    assert apps["hubspot"]["contact_entity"] == "contacts"
    assert [one["app"] for one in alice.get("/apps?search=HubS").json["apps"]] == ["hubspot"]
    assert alice.get("/apps/none").status_code == 404


def test_every_change_writes_exactly_the_entry_that_the_access_table_names(
    alice, charlie, crm, portal, database, settings
):
    """Each unsafe route once, with success; what the log gained must be that one action."""
    ids = one_of_everything(alice)
    alice.put("/surveys/topics", {"questions": [TOPIC]})
    linked(database, alice, ids, portal)
    ids["key_id"] = alice.post("/keys", {"name": "to be revoked"}).json["id"]
    forms = {"name": "forms", "platform": "typeform", "token": "tfp_token"}
    made = alice.post("/sources", forms)
    assert made.status_code == 201, made.text
    ids["source_id"] = made.json["id"]
    emptied(database, alice, ids["source_id"])
    # The last owner can be neither changed nor removed.
    ids["member_id"] = people.add(
        database, settings.environment, alice.workspace_id, email="ben@example.test", name="Ben",
        role=Role.VIEWER, password=Secret("a meadow in late June"), actor="operator",
    )  # fmt: skip
    calls = {
        ("PATCH", "/workspace"): {"name": "Alice & Co"},
        ("POST", "/keys"): {"name": "k"},
        ("PUT", "/oauth-clients/<key:app>"): {"client_id": "a", "client_secret": "b"},
        ("POST", "/connections"): {"app": "hubspot", "name": "second"},
        ("PATCH", "/connections/<id:connection_id>"): {"name": "crm"},
        ("PUT", "/connections/<id:connection_id>/standard"): {"enabled": True},
        ("PUT", "/connections/<id:connection_id>/extra-fields"): {"fields": [{"field": "phone"}]},
        ("PATCH", "/contacts/<id:contact_id>/fields"): {
            "connection_id": crm,
            "changes": [{"field": "phone", "was": None, "value": "12 34 56 78"}],
        },
        ("POST", "/connections/<id:connection_id>/provisioning"): {"parts": ["no_send"]},
        ("PUT", "/surveys/<key:survey>"): {"questions": []},
        ("PUT", "/segments/<key:segment>"): {"attributes": {}},
        ("PUT", "/campaigns/<key:campaign>"): {"name": "C"},
        ("PUT", "/campaigns/<key:campaign>/distributions/<key:distribution>"): {},
        ("POST", "/contacts"): {"external_id": "1"},
        ("POST", "/contacts/opt-outs"): [{"external_id": "1"}],
        ("POST", "/mappings"): {**MAPPING, "connection": "crm"},
        ("PUT", "/mappings/<id:mapping_id>"): {
            **MAPPING,
            "name": "M2",
            "connection": "crm",
            "rows": [TOPIC_ROW],
        },
        ("POST", "/mappings/<id:mapping_id>/mend"): {
            "pointer": "/rows/0/transforms",
            "code": "option_uncovered",
        },
        ("POST", "/mappings/<id:mapping_id>/publish"): {"switch_on": True, **ACCEPTED},
        ("POST", "/mappings/<id:mapping_id>/trial/send"): {"record": "a@example.test"},
        ("POST", "/automations"): {"name": "B", "then": [{"do": "tag"}]},
        ("PUT", "/automations/<id:automation_id>"): {"name": "A2", "then": [{"do": "tag"}]},
        ("PUT", "/automations/order"): {"automations": [ids["automation_id"]]},
        ("POST", "/sources"): {"name": "another"},
        ("POST", "/webhooks"): {**WEBHOOK, "name": "another"},
        ("POST", "/grants"): {"key": charlie.public_id, "name": "p", "scopes": ["settings:read"]},
        ("POST", "/sources/<id:source_id>/emptied"): {"gone": 37},
        ("POST", "/sources/<id:source_id>/test"): {"email": "c1@example.test"},
        ("POST", "/members/invitations"): {"email": "o@example.test"},
        ("PATCH", "/members/<id:member_id>"): {"role": "editor"},
        ("POST", "/input-forms"): {**FORM, "name": "F2"},
        ("PUT", "/input-forms/<id:form_id>"): {**FORM, "name": "F3"},
        ("POST", "/contacts/<id:contact_id>/forms/<id:form_id>"): {
            "changes": [{"field": "phone", "was": "12 34 56 78", "value": "98 76 54 32"}]
        },
    }
    # What takes no JSON: its body and its content type.
    files = {
        ("POST", "/mappings/file"): {
            "data": write_yaml({**MAPPING, "name": "M3", "connection": "crm"}),
            "headers": {"Content-Type": YAML},
        },
        ("POST", "/input-forms/file"): {
            "data": write_yaml({**FORM, "name": "F4"}),
            "headers": {"Content-Type": YAML},
        },
    }
    last = [("DELETE", "/connections/<id:connection_id>")]
    rules = {
        (method, rule.removeprefix("/api/v1")): asked
        for (method, rule), asked in API.items()
        if asked.audited
    }
    wrong = []
    for route in sorted(rules, key=lambda one: (one in last, ends(one), order(one))):
        if route == ("DELETE", "/mappings/<id:mapping_id>"):
            # The other one is switched on: an automation feeds it.
            unfed = alice.post("/mappings", {**MAPPING, "name": "M9"})
            ids["mapping_id"] = unfed.json["id"]
        if route in last:
            connections = alice.get("/connections").json["connections"]
            ids["connection_id"] = next(c["id"] for c in connections if c["name"] == "second")
        before = entries(database, alice)
        sent = files.get(route, {"json": calls.get(route, {})})
        answer = alice.call(route[0], filled(route[1], ids), **sent)
        gained = entries(database, alice)[len(before) :]
        if answer.status_code >= 300 or gained != [rules[route].audited]:
            wrong.append((route, answer.status_code, answer.get_data()[:300], gained))
    assert not wrong, "\n".join(map(str, wrong))


def ends(route: tuple[str, str]) -> bool:
    """Whether something is gone afterwards that others need; a card goes before its connection."""
    return route[0] == "DELETE" and not route[1].endswith("/card")


def linked(database: Database, caller: Caller, ids: dict[str, int], portal: str) -> None:
    """The contact has a record in the CRM."""
    contact = {"email": "a@example.test"}
    made = requests.post(f"{portal}/__sim__/seed", json={"contacts": [contact]}, timeout=5).json()
    with database.begin(caller.workspace_id) as store:
        store.execute(
            insert(link).values(
                workspace_id=caller.workspace_id,
                connection_id=ids["connection_id"],
                contact_id=ids["contact_id"],
                entity="contacts",
                remote_id=made["contacts"][0],
            )
        )


def emptied(database: Database, caller: Caller, source_id: int) -> None:
    """Of the source's responses nearly all are gone, as a look would tell."""
    told = {"gone": 37, "asked": 40, "at": "2026-11-22T01:02:00+00:00"}
    with database.begin(caller.workspace_id) as store:
        store.execute(
            insert(hook_notice).values(
                workspace_id=caller.workspace_id,
                source_id=source_id,
                key="poll",
                what={"poll": "new", "held": json.dumps(told)},
            )
        )


def order(route: tuple[str, str]) -> int:
    """Saving comes first, ending a connection last."""
    if route[1] in {"/connections/<id:connection_id>/disconnect", "/deliveries/replay"}:
        return 2
    return 1 if "<id:" in route[1] else 0


def filled(rule: str, ids: dict[str, int]) -> str:
    named = {"app": "hubspot", "survey": "s", "segment": "s", "campaign": "c", "distribution": "d"}
    path = re.sub(r"<id:(\w+)>", lambda found: str(ids[found[1]]), rule)
    return re.sub(r"<key:(\w+)>", lambda found: named[found[1]], path)


def entries(database: Database, caller: Caller) -> list[str]:
    with database.begin(caller.workspace_id) as connection:
        return [one.action for one in audit.entries(connection, caller.workspace_id, limit=1000)]
