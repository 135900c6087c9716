"""One place refreshes tokens: once, whoever asks, and without losing the connection by mistake."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from adapters.errors import OutcomeUnknown, ReconnectNeeded, TryLater
from connector.connections import connect, parking, tokens
from connector.connections.views import view
from connector.tables import credential
from schemas.secret import Secret
from tests.connections.conftest import ALICE, House, states_of
from tests.connections.fake_crm import KEY
from tests.connections.refreshers import Order, refresh_together

Waiting = Callable[..., list[int]]
# What a worker imports on first use: imported once for all of them, not twenty times at once.
PRELOADED = [
    "tests.connections.refreshers",
    "tests.connections.fake_crm",
    "authlib.integrations.requests_client",
    "sqlalchemy.dialects.postgresql.psycopg",
    "psycopg",
]


def token(house: House, connection_id: int, *, seen: int | None = None) -> tokens.Token:
    return tokens.access_token(house.desk, house.workspace_id, connection_id, seen_version=seen)


def make_due(house: House, connection_id: int, *, seconds_left: int = 0) -> None:
    """The access token expires in so many seconds; its lifetime was half an hour."""
    with house.desk.database.begin(house.workspace_id) as connection:
        connection.execute(
            update(credential)
            .where(credential.c.connection_id == connection_id)
            .values(expires_at=func.now() + text(f"interval '{seconds_left} seconds'"))
        )


def endpoint_does(house: House, *, times: int = 1, **action: Any) -> None:
    house.crm.faults.order(
        {"method": "POST", "path": "/oauth/token", "times": times, "action": action}
    )


def after_the_cooldown(house: House) -> None:
    with house.desk.database.begin(house.workspace_id) as connection:
        connection.execute(update(credential).values(refresh_failed_at=None))


@contextmanager
def row_held(house: House) -> Iterator[None]:
    """Another process holds the credential's row, as if it waited for the provider."""
    with house.desk.database.begin(house.workspace_id) as connection:
        connection.execute(select(credential).with_for_update()).one()
        yield


def test_a_fresh_token_is_used_as_it_is(house: House) -> None:
    connection_id = house.connected()
    first = token(house, connection_id)
    assert token(house, connection_id) == first
    assert house.refreshes() == 0


def test_a_token_is_refreshed_ahead_of_its_expiry(house: House) -> None:
    connection_id = house.connected()
    before = token(house, connection_id)
    make_due(house, connection_id, seconds_left=30)
    after = token(house, connection_id)
    assert after.version == before.version + 1
    assert after.value != before.value
    assert house.refreshes() == 1


def test_the_margin_is_at_most_half_of_a_short_lifetime(house: House) -> None:
    house.crm.options["access_ttl_s"] = 40
    connection_id = house.connected()
    token(house, connection_id)
    assert house.refreshes() == 0


def test_fault_51_a_token_that_expired_is_refreshed_once(house: House) -> None:
    connection_id = house.connected()
    make_due(house, connection_id, seconds_left=-1)
    first = token(house, connection_id)
    assert token(house, connection_id) == first
    assert house.refreshes() == 1


def test_a_refused_token_is_refreshed(house: House) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    newer = token(house, connection_id, seen=seen.version)
    assert newer.version == seen.version + 1
    assert house.refreshes() == 1


def test_whoever_saw_an_older_version_gets_the_newer_one_without_a_call(house: House) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    newer = token(house, connection_id, seen=seen.version)
    assert token(house, connection_id, seen=seen.version) == newer
    assert house.refreshes() == 1


def test_a_provider_without_expiry_is_refreshed_on_refusal_alone(house: House) -> None:
    house.crm.options["tells_expiry"] = False
    connection_id = house.connected()
    seen = token(house, connection_id)
    assert token(house, connection_id) == seen
    token(house, connection_id, seen=seen.version)
    assert house.refreshes() == 1


def test_a_rotated_refresh_token_is_kept(house: House) -> None:
    connection_id = house.connected()
    for _ in range(3):
        token(house, connection_id, seen=token(house, connection_id).version)
    assert house.refreshes() == 3


def test_a_refresh_answer_without_a_refresh_token_keeps_the_old_one(house: House) -> None:
    house.crm.options.update(rotate_refresh=False, omit_refresh=True)
    connection_id = house.connected()
    for _ in range(2):
        token(house, connection_id, seen=token(house, connection_id).version)
    assert house.refreshes() == 2


def test_a_new_instance_is_kept_at_a_refresh(house: House) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    house.crm.options["tells_instance"] = house.crm_url
    reached = tokens.reach(house.desk, house.workspace_id, connection_id, seen_version=seen.version)
    assert reached.account.instance_url == house.crm_url


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_fault_54_an_ill_token_endpoint_parks_nothing(
    house: House, waiting_deliveries: Waiting, status: int
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id)
    seen = token(house, connection_id)
    endpoint_does(house, status=status, body={"error": "invalid_grant"})
    with pytest.raises(TryLater):
        token(house, connection_id, seen=seen.version)
    assert view(house.desk, house.workspace_id, connection_id).state == "connected"
    assert {state for state, _ in states_of(house, connection_id)} == {"pending"}
    after_the_cooldown(house)
    assert token(house, connection_id, seen=seen.version).version == seen.version + 1


def test_fault_54_an_old_token_that_lives_is_used_while_the_endpoint_is_ill(house: House) -> None:
    connection_id = house.connected()
    before = token(house, connection_id)
    make_due(house, connection_id, seconds_left=30)
    endpoint_does(house, times=5, status=500)
    assert token(house, connection_id) == before


@pytest.mark.parametrize(
    "action",
    [
        {"drop_before": True},
        {"html_before": True},
        {"status": 403, "body": "<html>proxy</html>"},
        {"status": 400, "body": {"error": "temporarily_unavailable"}},
        {"status": 429, "headers": {"Retry-After": "7"}},
    ],
    ids=["reset", "html", "proxy page", "busy", "throttled"],
)
def test_fault_54_other_hiccups_of_the_endpoint_park_nothing(
    house: House, action: dict[str, Any]
) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    endpoint_does(house, **action)
    with pytest.raises(TryLater):
        token(house, connection_id, seen=seen.version)
    assert view(house.desk, house.workspace_id, connection_id).state == "connected"


def test_fault_54_an_endpoint_that_does_not_answer_in_time_parks_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    monkeypatch.setattr(tokens, "PROVIDER_S", 0.3)
    endpoint_does(house, delay_s=1.0)
    with pytest.raises(OutcomeUnknown):
        token(house, connection_id, seen=seen.version)
    assert view(house.desk, house.workspace_id, connection_id).state == "connected"


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"token_type":"bearer"}', b'{"access_token":7}'])
def test_an_answer_without_a_token_is_an_unknown_outcome(house: House, body: bytes) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    endpoint_does(house, status=200, body=body.decode())
    with pytest.raises(OutcomeUnknown):
        token(house, connection_id, seen=seen.version)


def test_after_a_failed_refresh_nobody_asks_again_for_a_while(house: House) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    endpoint_does(house, times=5, status=503)
    calls = house.token_calls()
    for _ in range(4):
        with pytest.raises(TryLater):
            token(house, connection_id, seen=seen.version)
    assert house.token_calls() == calls + 1


def test_the_cooldown_says_how_long_to_wait(house: House) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    endpoint_does(house, status=503)
    with pytest.raises(TryLater):
        token(house, connection_id, seen=seen.version)
    with pytest.raises(TryLater) as caught:
        token(house, connection_id, seen=seen.version)
    assert caught.value.code == "refresh_cooling_down"
    assert 0 < (caught.value.wait_s or 0) <= tokens.COOLDOWN_S


def test_fault_53_a_dead_grant_parks_the_connection_and_says_what_to_do(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id)
    seen = token(house, connection_id)
    house.crm.oauth_control({"revoke": True})
    with pytest.raises(ReconnectNeeded):
        token(house, connection_id, seen=seen.version)
    shown = view(house.desk, house.workspace_id, connection_id)
    assert (shown.state, shown.reason_code) == ("needs_attention", "invalid_grant")
    assert "Connect again" in (shown.reason or "")
    assert states_of(house, connection_id) == [("parked", "auth")] * 3


def test_fault_53_the_alert_is_given_once_and_nobody_asks_any_more(house: House) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    house.crm.oauth_control({"revoke": True})
    for _ in range(3):
        with pytest.raises(ReconnectNeeded):
            token(house, connection_id, seen=seen.version)
    assert house.audited("connection.needs_attention") == 1
    assert house.token_calls() == 2  # the exchange, and one refresh


def test_fault_53_a_reconnect_resumes_the_parked_work(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id)
    house.crm.oauth_control({"revoke": True})
    with pytest.raises(ReconnectNeeded):
        token(house, connection_id, seen=token(house, connection_id).version)
    done = house.connect(connection_id)
    assert done.resumed == 3
    assert states_of(house, connection_id) == [("pending", None)] * 3
    assert view(house.desk, house.workspace_id, connection_id).state == "connected"


def test_a_wrong_client_secret_parks_with_its_own_reason(house: House) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    house.crm.options["clients"] = {"demo-client": {"secret": "changed"}}
    with pytest.raises(ReconnectNeeded) as caught:
        token(house, connection_id, seen=seen.version)
    assert caught.value.code == "invalid_client"


def test_a_connection_that_was_mended_meanwhile_is_not_parked(house: House) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    house.connect(connection_id)
    news = parking.park(
        house.desk,
        house.workspace_id,
        connection_id,
        code="invalid_grant",
        seen_version=seen.version,
    )
    assert not news
    assert view(house.desk, house.workspace_id, connection_id).state == "connected"


def test_a_waiter_that_waits_too_long_gives_its_work_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    monkeypatch.setattr(tokens, "LOCK_S", 0.2)
    with row_held(house), pytest.raises(TryLater) as caught:
        token(house, connection_id, seen=seen.version)
    assert caught.value.code == "refresh_busy"
    assert house.refreshes() == 0


def test_a_waiter_with_a_token_that_lives_goes_on_with_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_id = house.connected()
    before = token(house, connection_id)
    make_due(house, connection_id, seconds_left=30)
    monkeypatch.setattr(tokens, "LOCK_S", 0.2)
    with row_held(house):
        assert token(house, connection_id) == before


def test_the_provider_has_less_time_than_a_waiter() -> None:
    assert tokens.PROVIDER_S < tokens.LOCK_S


def test_at_most_two_threads_hold_a_database_connection_for_a_refresh(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    monkeypatch.setattr(tokens, "LOCK_S", 0.2)
    assert house.desk.refreshing.acquire(timeout=1)
    assert house.desk.refreshing.acquire(timeout=1)
    with pytest.raises(TryLater) as caught:
        token(house, connection_id, seen=seen.version)
    assert caught.value.code == "refresh_busy"


def test_twenty_threads_make_one_refresh(house: House) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    gate = threading.Barrier(20)

    def ask(_: int) -> tokens.Token:
        gate.wait(20)
        return token(house, connection_id, seen=seen.version)

    with ThreadPoolExecutor(20) as pool:
        found = set(pool.map(ask, range(20)))
    assert len(found) == 1
    assert house.refreshes() == 1


def test_fault_52_twenty_worker_processes_make_one_refresh(
    house: House, child_environ: dict[str, str]
) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    order = Order(child_environ, house.workspace_id, connection_id, seen.version)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    barrier, results = context.Barrier(20), context.Queue()
    workers = [
        context.Process(target=refresh_together, args=(order, barrier, results)) for _ in range(20)
    ]
    for worker in workers:
        worker.start()
    found = {results.get(timeout=90) for _ in workers}
    for worker in workers:
        worker.join(20)
    assert len(found) == 1, found
    assert house.refreshes() == 1
    assert token(house, connection_id).version == seen.version + 1


def test_fault_08_killed_after_the_provider_rotated_parks_and_loses_nothing(
    house: House, child_environ: dict[str, str], waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id)
    seen = token(house, connection_id)
    killed = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.connections.refreshers",
            str(house.workspace_id),
            str(connection_id),
            str(seen.version),
        ],
        env={**child_environ, "ANSWERBACK_FAILPOINTS": "rotated=kill"},
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    assert house.refreshes() == 1
    with pytest.raises(ReconnectNeeded):
        token(house, connection_id, seen=seen.version)
    assert states_of(house, connection_id) == [("parked", "auth")] * 3
    assert house.audited("connection.needs_attention") == 1
    assert house.connect(connection_id).resumed == 3


def test_secrets_that_do_not_open_park_the_connection_and_stay_as_they_are(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id, count=1)
    with house.desk.database.begin(house.workspace_id) as connection:
        connection.execute(
            text("UPDATE credential SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)")
        )
        spoilt = connection.execute(select(credential.c.sealed)).scalar_one()
    with pytest.raises(ReconnectNeeded) as caught:
        token(house, connection_id)
    with house.desk.database.begin(house.workspace_id) as connection:
        assert connection.execute(select(credential.c.sealed)).scalar_one() == spoilt
    assert caught.value.code == parking.CRYPTO_CODE
    assert states_of(house, connection_id) == [("parked", "crypto")]
    assert house.connect(connection_id).resumed == 1


def test_a_refused_key_parks_the_connection(house: House) -> None:
    connection_id = house.new(auth="key", key=Secret(KEY))
    seen = token(house, connection_id)
    with pytest.raises(ReconnectNeeded) as caught:
        token(house, connection_id, seen=seen.version)
    assert caught.value.code == "key_refused"
    assert view(house.desk, house.workspace_id, connection_id).state == "needs_attention"


def test_a_connection_that_was_never_connected_gives_no_token(house: House) -> None:
    with pytest.raises(ReconnectNeeded) as caught:
        token(house, house.new())
    assert caught.value.code == "not_connected"


def test_a_probe_finds_that_a_mended_client_has_healed_the_connection(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id = house.connected()
    waiting_deliveries(connection_id, count=2)
    make_due(house, connection_id)
    house.crm.options["clients"] = {"demo-client": {"secret": "changed"}}
    with pytest.raises(ReconnectNeeded):
        token(house, connection_id)
    house.crm.options["clients"] = {"demo-client": {"secret": "demo-secret"}}
    after_the_cooldown(house)
    done = connect.probe(house.desk, house.workspace_id, connection_id, actor=ALICE)
    assert done.resumed == 2
    assert view(house.desk, house.workspace_id, connection_id).state == "connected"


def test_no_token_stands_in_a_log_line_or_an_error(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    connection_id = house.connected()
    seen = token(house, connection_id)
    house.crm.oauth_control({"revoke": True})
    with pytest.raises(ReconnectNeeded) as caught:
        token(house, connection_id, seen=seen.version)
    written = "".join(capsys.readouterr())
    written += repr(caught.value) + repr(seen) + repr(house.desk)
    assert seen.value.reveal() not in written
    assert "demo-secret" not in written
    assert "connection_needs_attention" in written
