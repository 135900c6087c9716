"""The demo from start to end.

1. engines, schema, a fresh workspace with its key; simulators, web, two workers, scheduler
2. connect, import, map: all through the API
3. push 1,000 signed responses, and wait until nothing is open
4. read everything back, check what the CRMs hold, say it; take screenshots where asked for
5. keep serving, unless asked for one run
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.engines import engines
from connector.log import configure_log
from connector.release import release
from connector.settings import Settings
from demo import screenshots, setting_up, starting
from demo.api import API
from demo.checker import Verdict, check, email_of, refused_ids
from demo.crms import SIMULATED
from demo.processes import processes
from demo.pushing import Stage, push_and_wait
from demo.report import Page, Refusal, Screen
from demo.script import Script, script
from demo.watching import Deliveries, Ledger, percentile


@dataclass(frozen=True, slots=True)
class Wish:
    """What the demo was asked for on the command line."""

    once: bool
    responses: int
    contacts: int
    seed: int
    latency_ms: int
    pace: float
    screenshots: Path | None = None


def run(wish: Wish) -> int:
    """Play it; 0 when the checker found nothing, 1 when it did."""
    screen = Screen()
    told = script(responses=wish.responses, contacts=wish.contacts, seed=wish.seed)
    settings = starting.settings_of_demo()
    configure_log(logging.ERROR, stream=sys.stderr)
    screen.say(
        f"Each call to a simulated CRM takes {wish.latency_ms} ms; the simulated Zendesk is the"
        " plan of 2,500 calls a minute."
    )
    began = time.monotonic()
    with engines(settings) as running:
        screen.done("PostgreSQL and Valkey", began)
        return _on_engines(wish, told, screen, settings=running)


def _on_engines(wish: Wish, told: Script, screen: Screen, *, settings: Settings) -> int:
    with screen.timed("schema and keys"):
        release(settings)
        number, key, guest = starting.fresh_workspace(settings)
    logs = settings.data_dir / "demo" / f"demo-{number}"
    with processes(logs, starting.environ_of_children(settings)) as running:
        with screen.timed("three simulated CRMs and the web process"):
            starting.start_crms(running, number=number, latency_ms=wish.latency_ms, seed=wish.seed)
            told = told.with_files_at(starting.start_file_host(running))
            starting.start_web(running, settings)
        starting.start_workers(running)
        api, controls = API(settings.public_url, key), starting.controls_of(running)
        stage = Stage(told, screen, api, controls, running, wish.pace)
        is_good, pages = _played(stage, number)
        screen.addresses(settings.public_url, pages, key=key, guest=guest, logs=logs)
        if wish.screenshots:
            with screen.timed("screenshots"):
                screenshots.take(wish.screenshots, settings.public_url, guest)
        if not wish.once:
            _serve(stage)
        return 0 if is_good else 1


def _played(stage: Stage, number: int) -> tuple[bool, list[Page]]:
    """Set up, push, wait, check and report."""
    _set_up(stage, number)
    stage.before = stage.states()
    setting_up.let_a_colleague_change(stage.controls)
    hook, ledger = setting_up.make_hook(stage.api), Ledger(stage.api)
    with stage.screen.timed(f"{len(stage.script.responses):,} responses pushed and delivered"):
        push_and_wait(stage, hook, ledger)
    with stage.screen.timed("read back and checked"):
        ledger.read()
        deliveries = Deliveries.read(stage.api)
        stage.after = stage.states()
        verdict = _judged(stage, deliveries)
    pages = [_page(stage, app, ledger, deliveries=deliveries) for app in stage.connections]
    for one in pages:
        stage.screen.page(one)
    stage.screen.verdict(verdict)
    return verdict.is_good, pages


def _set_up(stage: Stage, number: int) -> None:
    screen, api = stage.screen, stage.api
    with screen.timed("CRMs filled with contacts"):
        setting_up.fill(stage.controls, stage.script)
    for one in SIMULATED:
        with screen.timed(f"{one.label} connected: consent, tokens, field definitions"):
            address = stage.controls[one.app].base_url
            stage.connections[one.app] = setting_up.connect(api, one, address, run=number)
    with screen.timed(f"{len(stage.script.people):,} contacts imported"):
        setting_up.import_contacts(api, stage.script)
    with screen.timed("seven surveys told, nine mappings saved and switched on"):
        setting_up.tell_surveys(api)
        setting_up.switch_on(api)


def _judged(stage: Stage, deliveries: Deliveries) -> Verdict:
    """The checker's verdict on the CRMs. What the product says of its own work must fit as well:
    given up is what the CRMs refuse, and no more.
    """
    responses = stage.script.responses
    contacts = [one.imported() for one in stage.script.people]
    verdict = check(responses, contacts, before=stage.before, after=stage.after)
    for app, connection_id in stage.connections.items():
        refused = {stage.ids[one] for one in refused_ids(responses, app)}
        dead = {one["response_id"] for one in deliveries.dead(connection_id)}
        if dead != refused:
            verdict.complaints.append(f"{app}: given up {sorted(dead)}, refused {sorted(refused)}")
        left = set(deliveries.states(connection_id)) - {"done", "superseded", "dead"}
        if left:
            verdict.complaints.append(f"{app}: deliveries are still {sorted(left)}")
    return verdict


def _page(stage: Stage, app: str, ledger: Ledger, *, deliveries: Deliveries) -> Page:
    connection_id, counts = stage.connections[app], stage.after[app]["counts"]
    seconds = ledger.latencies(connection_id, stage.accepted)
    return Page(
        label=setting_up.label_of(app),
        address=stage.controls[app].base_url,
        responses=len(stage.of(app)),
        written=ledger.counts(connection_id),
        created=len(stage.after[app]["contacts"]) - len(stage.before[app]["contacts"]),
        superseded=deliveries.states(connection_id)["superseded"],
        calls=counts["kind"],
        throttled=counts["status"].get("429", 0),
        seconds={
            kind: (percentile(told, 50), percentile(told, 95)) for kind, told in seconds.items()
        },
        refused=[_refusal(stage, one) for one in deliveries.dead(connection_id)],
        rescored=stage.script.rescored[app],
        before=_contact(stage.scored_7[app], app, stage.script.rescored[app]),
        after=_contact(stage.after[app], app, stage.script.rescored[app]),
    )


def _refusal(stage: Stage, delivery: Mapping[str, Any]) -> Refusal:
    theirs = {number: name for name, number in stage.ids.items()}
    response_id = theirs[delivery["response_id"]]
    item = next(one for one in stage.script.responses if one["response_id"] == response_id)
    field_name = f"{delivery['error_field']}: " if delivery["error_field"] else ""
    reason = f"{field_name}{delivery['error'] or 'no word of why'}"
    return Refusal(response_id, item["respondent"]["email"], str(delivery["error_code"]), reason)


def _contact(state: Mapping[str, Any], app: str, email: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in state["contacts"] if email_of(app, one) == email)
    return found


def _serve(stage: Stage) -> None:
    """Until Ctrl-C or SIGTERM."""
    stage.screen.say("It keeps serving. Ctrl-C stops everything.")
    try:
        while True:
            stage.running.check()
            time.sleep(1)
    except KeyboardInterrupt:
        stage.screen.say("Stopping.")
