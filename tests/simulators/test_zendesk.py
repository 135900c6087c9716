"""The simulated Zendesk over several calls: sign-in, limits, jobs, tags, deletion, faults."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from simulators.kit.server import running
from simulators.zendesk import Zendesk
from tests.simulators.conformance import Client

CALLBACK = "http://127.0.0.1/oauth/callback/zendesk"
CLIENT = {"client_id": "demo-client", "client_secret": "demo-secret"}
ANNA = {"id": 501, "name": "Anna", "email": "anna@example.com", "external_id": "k1"}
BO = {"id": 502, "name": "Bo", "email": "bo@example.com", "external_id": "k2"}


@pytest.fixture
def client() -> Iterator[Client]:
    with running(Zendesk(options={"job_delay_s": 0, "index_lag_s": 0})) as base_url:
        line = Client(base_url)
        line.headers["Authorization"] = "Bearer " + issued(line)
        yield line
        line.close()


def issued(client: Client, scopes: list[str] | None = None) -> str:
    told = {"issue": {"scopes": scopes} if scopes else {}}
    return str(client.control("oauth", told)["access_token"])


def api(client: Client, method: str, path: str, body: Any = None) -> Any:
    heard = client.call(method, f"/api/v2{path}", body)
    assert heard.status < 300, heard.body
    return heard.json()


def status_of(client: Client, method: str, path: str, body: Any = None) -> int:
    return client.call(method, f"/api/v2{path}", body).status


def job(client: Client, method: str, path: str, body: Any) -> list[dict[str, Any]]:
    started = api(client, method, path, body)["job_status"]
    assert started["status"] == "queued"
    done = api(client, "GET", f"/job_statuses/{started['id']}.json")["job_status"]
    assert done["status"] == "completed"
    results: list[dict[str, Any]] = done["results"]
    return results


# --- sign-in --------------------------------------------------------------------------------------


def authorized(client: Client, verifier: str = "v" * 43, **more: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": "demo-client",
        "redirect_uri": CALLBACK,
        "scope": "users:read users:write",
        "state": "s1",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **more,
    }
    heard = client.call("GET", "/oauth/authorizations/new?" + urlencode(asked))
    assert heard.status == 302
    told = parse_qs(urlsplit(heard.headers["location"]).query)
    assert told["state"] == ["s1"]
    return told["code"][0]


def exchanged(client: Client, code: str, verifier: str = "v" * 43) -> Any:
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    return client.call("POST", "/oauth/tokens", {**body, **CLIENT, "code_verifier": verifier})


def refreshed(client: Client, token: str) -> Any:
    body = {"grant_type": "refresh_token", "refresh_token": token, **CLIENT}
    return client.call("POST", "/oauth/tokens", body)


def test_a_code_becomes_tokens_once(client: Client) -> None:
    code = authorized(client)
    told = exchanged(client, code).json()
    assert told["token_type"] == "bearer"
    assert told["scope"] == "users:read users:write"
    assert told["expires_in"] == 1800
    assert told["refresh_token_expires_in"] == 2_592_000
    assert exchanged(client, code).json()["error"] == "invalid_grant"


def test_a_code_lives_two_minutes(client: Client) -> None:
    code = authorized(client)
    client.control("clock", {"offset_s": 121})
    assert exchanged(client, code).status == 400


def test_another_verifier_gets_no_token(client: Client) -> None:
    assert exchanged(client, authorized(client), "w" * 43).status == 400


def test_a_refresh_kills_both_old_tokens(client: Client) -> None:
    first = exchanged(client, authorized(client)).json()
    second = refreshed(client, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    client.headers["Authorization"] = "Bearer " + first["access_token"]
    assert status_of(client, "GET", "/users/me.json") == 401
    client.headers["Authorization"] = "Bearer " + second["access_token"]
    assert status_of(client, "GET", "/users/me.json") == 200
    assert client.state()["token_refreshes"] == 1


def test_using_a_spent_refresh_token_revokes_the_grant(client: Client) -> None:
    first = exchanged(client, authorized(client)).json()
    second = refreshed(client, first["refresh_token"]).json()
    assert refreshed(client, first["refresh_token"]).json()["error"] == "invalid_grant"
    assert refreshed(client, second["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_refresh_token_dies_after_thirty_days(client: Client) -> None:
    first = exchanged(client, authorized(client)).json()
    client.control("clock", {"offset_s": 31 * 86_400})
    assert refreshed(client, first["refresh_token"]).json()["error"] == "invalid_grant"


def test_an_access_token_dies_after_half_an_hour(client: Client) -> None:
    client.control("clock", {"offset_s": 1801})
    heard = client.call("GET", "/api/v2/users/me.json")
    assert (heard.status, heard.json()["error"]) == (401, "invalid_token")


def test_a_missing_scope_is_named(client: Client) -> None:
    client.headers["Authorization"] = "Bearer " + issued(client, ["users:read"])
    assert status_of(client, "GET", "/users.json") == 200
    heard = client.call("PUT", "/api/v2/users/501.json", {"user": {"notes": "x"}})
    assert heard.status == 403
    assert "users:write" in heard.json()["description"]


def test_nobody_is_an_end_user_without_an_id(client: Client) -> None:
    del client.headers["Authorization"]
    assert api(client, "GET", "/users/me.json")["user"]["id"] is None
    assert status_of(client, "GET", "/users.json") == 401


def test_a_revoked_token_is_refused(client: Client) -> None:
    assert status_of(client, "DELETE", "/oauth/tokens/current.json") == 204
    assert status_of(client, "GET", "/users/me.json") == 401


# --- limits ---------------------------------------------------------------------------------------


def test_the_plan_limits_the_calls_of_a_minute(client: Client) -> None:
    client.control("options", {"plan": "team"})
    assert {status_of(client, "GET", "/users/me.json") for _ in range(200)} == {200}
    heard = client.call("GET", "/api/v2/users/me.json")
    assert heard.status == 429
    assert 1 <= int(heard.headers["retry-after"]) <= 60
    client.control("clock", {"offset_s": 61})
    assert status_of(client, "GET", "/users/me.json") == 200


def test_thirty_jobs_may_live_at_once(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA]})
    client.control("options", {"job_delay_s": 60})
    rows = {"users": [{"id": 501, "notes": "x"}]}
    started = {status_of(client, "PUT", "/users/update_many.json", rows) for _ in range(30)}
    assert started == {200}
    assert status_of(client, "PUT", "/users/update_many.json", rows) == 429


# --- jobs -----------------------------------------------------------------------------------------


def test_a_job_is_queued_then_works_then_is_done(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA, BO]})
    client.control("options", {"job_delay_s": 10})
    body = {"users": [{"id": 501, "notes": "x"}, {"id": 502, "notes": "y"}]}
    number = api(client, "PUT", "/users/update_many.json", body)["job_status"]["id"]
    seen = []
    for offset in (0, 5, 11):
        client.control("clock", {"offset_s": offset})
        seen.append(api(client, "GET", f"/job_statuses/{number}.json")["job_status"]["status"])
    assert seen == ["queued", "working", "completed"]
    assert client.state()["contacts"][0]["fields"]["notes"] == "x"


def test_nothing_is_written_before_the_job_is_due(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA]})
    client.control("options", {"job_delay_s": 10})
    api(client, "PUT", "/users/update_many.json", {"users": [{"id": 501, "notes": "x"}]})
    assert "notes" not in client.state()["contacts"][0]["fields"]


def test_results_stand_in_the_order_of_the_request(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA, BO]})
    rows = [{"id": 502, "notes": "x"}, {"id": 999}, {"id": 501, "notes": "y"}]
    results = job(client, "PUT", "/users/update_many.json", {"users": rows})
    assert [one["id"] for one in results] == [502, 999, 501]
    assert results[0] == {"id": 502, "action": "update", "status": "Updated", "success": True}
    assert (results[1]["index"], results[1]["error"]) == (1, "UserUpdateFailed")


def test_a_failed_row_of_an_upsert_carries_its_index_as_id(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA]})
    rows = [{"email": "anna@example.com", "notes": "x"}, {"name": "C", "email": "c@example.com"}]
    rows.append({"name": "D", "email": "broken"})
    results = job(client, "POST", "/users/create_or_update_many.json", {"users": rows})
    assert [one["status"] for one in results] == ["Updated", "Created", "Failed"]
    assert results[2]["id"] == 2
    assert results[2]["details"] == "Name: Email: broken is not properly formatted"


def test_a_job_is_forgotten_after_an_hour(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA]})
    body = {"users": [{"id": 501, "notes": "x"}]}
    number = api(client, "PUT", "/users/update_many.json", body)["job_status"]["id"]
    client.control("clock", {"offset_s": 3700})
    issue = issued(client)
    client.headers["Authorization"] = f"Bearer {issue}"
    assert status_of(client, "GET", f"/job_statuses/{number}.json") == 404


def test_a_killed_job_writes_nothing(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA]})
    client.control("options", {"job_delay_s": 5})
    body = {"users": [{"id": 501, "notes": "x"}]}
    number = api(client, "PUT", "/users/update_many.json", body)["job_status"]["id"]
    assert client.control("seed", {"kill_jobs": True})["killed"] == 1
    client.control("clock", {"offset_s": 10})
    shown = api(client, "GET", f"/job_statuses/{number}.json")["job_status"]
    assert shown["status"] == "killed"
    assert "notes" not in client.state()["contacts"][0]["fields"]


def test_an_ordered_row_fails_inside_its_batch(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA, BO]})
    client.control("fault", {"action": {"row": {"key": "bo@example.com", "error": {"text": "no"}}}})
    rows = [{"id": 501, "notes": "x"}, {"id": 502, "notes": "y"}]
    results = job(client, "PUT", "/users/update_many.json", {"users": rows})
    assert "success" in results[0]
    assert results[1]["error"] == "UserUpdateFailed"


# --- people ---------------------------------------------------------------------------------------


def test_a_person_is_mailed_unless_it_is_forbidden(client: Client) -> None:
    api(client, "POST", "/users.json", {"user": {"name": "C", "email": "c@example.com"}})
    quiet = {"name": "D", "email": "d@example.com", "skip_verify_email": True}
    api(client, "POST", "/users.json", {"user": quiet})
    assert client.state()["mails_sent"] == ["c@example.com"]


def test_tags_in_an_update_replace_the_list(client: Client) -> None:
    client.control("seed", {"contacts": [{**ANNA, "tags": ["vip", "dk"]}]})
    shown = api(client, "PUT", "/users/501.json", {"user": {"tags": ["new"]}})
    assert shown["user"]["tags"] == ["new"]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("verbatim", ["NPSToday.Møde.9"]),
        ("strict", ["npstodaymøde9"]),
        ("ascii", ["npstodaymde9"]),
    ],
)
def test_the_account_keeps_a_tag_by_its_rule(client: Client, rule: str, kept: list[str]) -> None:
    client.control("seed", {"contacts": [ANNA]})
    client.control("options", {"tag_rules": rule})
    shown = api(client, "PUT", "/users/501/tags.json", {"tags": ["NPSToday.Møde.9"]})
    assert shown["tags"] == kept


def test_a_deleted_person_can_no_longer_be_written(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA]})
    api(client, "DELETE", "/users/501.json")
    assert api(client, "GET", "/users/501.json")["user"]["active"] is False
    assert status_of(client, "PUT", "/users/501.json", {"user": {"notes": "x"}}) == 404
    assert api(client, "GET", "/users/show_many.json?external_ids=k1")["users"] == []


def test_an_e_mail_of_a_merged_person_leads_to_the_survivor(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA, BO], "merge": [[501, 502]]})
    body = {"user": {"email": "anna@example.com", "notes": "x"}}
    shown = api(client, "POST", "/users/create_or_update.json", body)
    assert shown["user"]["id"] == 502


def test_a_deleted_field_takes_its_values_along(client: Client) -> None:
    client.control("seed", {"contacts": [{**ANNA, "user_fields": {"nps_score": 9}}]})
    client.control("seed", {"remove_user_fields": ["nps_score"]})
    assert "nps_score" not in api(client, "GET", "/users/501.json")["user"]["user_fields"]


def test_an_idempotency_key_makes_one_ticket(client: Client) -> None:
    client.headers["Idempotency-Key"] = "resp-1"
    ticket = {"ticket": {"subject": "NPS", "comment": {"body": "x", "public": False}}}
    first = client.call("POST", "/api/v2/tickets.json", ticket)
    second = client.call("POST", "/api/v2/tickets.json", ticket)
    assert first.headers["x-idempotency-lookup"] == "miss"
    assert second.headers["x-idempotency-lookup"] == "hit"
    assert first.json()["ticket"]["id"] == second.json()["ticket"]["id"]


def test_the_page_escapes_what_people_wrote(client: Client) -> None:
    client.control("seed", {"contacts": [{**ANNA, "name": "<script>x</script>"}]})
    page = client.call("GET", "/").body.decode()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_writes_are_remembered_by_contact(client: Client) -> None:
    client.control("seed", {"contacts": [ANNA]})
    api(client, "PUT", "/users/501.json", {"user": {"user_fields": {"nps_score": 9}}})
    state = client.state()
    assert state["history"]["501"][0]["set"] == {"user_fields": {"nps_score": 9}}
    assert state["counts"]["kind"]["write"] == 1
