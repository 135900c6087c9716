"""A process is killed in the middle of a person's edit: whoever looks next finds out what became of
it.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

import pytest
from sqlalchemy import text

from connector.responses.extras import choosing, showing
from tests.faults.processes import START_S, Processes
from tests.responses.scene import known
from tests.world import CRMSeen, World, answered

EMAIL, COMMENT = "c0@example.test", "nps_comment"


@pytest.mark.parametrize(
    ("at", "state", "holds", "line"),
    [
        ("edit_compared=kill", "not_written", "seen", []),
        ("crm_sent=kill", "written", "ours", [("seen", "ours")]),
        ("edit_written=kill", "written", "ours", [("seen", "ours")]),
    ],
)
def test_an_edit_that_is_killed_is_found_out(
    world: World,
    connected: Callable[..., CRMSeen],
    processes: Processes,
    *,
    at: str,
    state: str,
    holds: str,
    line: list[tuple[str, str]],
) -> None:
    crm = connected("hubspot")
    known(world, crm, 1)
    crm.control("seed", {"edit": {EMAIL: {COMMENT: "seen"}}})
    with world.database.begin(world.workspace_id) as store:
        choosing.save(store, world.workspace_id, crm.connection_id, [{"field": COMMENT}])
    changes = json.dumps([{"field": COMMENT, "was": "seen", "value": "ours"}])
    ids = [str(one) for one in (world.workspace_id, 1, crm.connection_id)]
    one = processes.start("edit", *ids, changes, ANSWERBACK_FAILPOINTS=at)
    one.join(START_S)
    assert one.exitcode == -signal.SIGKILL
    assert crm.value(EMAIL, "comment") == holds
    let_the_lease_run_out(world)
    (part,) = showing.show(world.hub, world.workspace_id, 1)
    assert showing.shown(part)["fields"][0]["value"] == holds
    (edit,) = world.rows("SELECT state FROM edit")
    assert edit.state == state
    told = world.rows("SELECT before, after FROM ledger WHERE edit_id IS NOT NULL")
    assert [(row.before, row.after) for row in told] == line
    world.push(answered(0, at="2030-01-01T00:00:00Z", why="later"))
    world.settle()
    assert crm.value(EMAIL, "comment") == "later"


def let_the_lease_run_out(world: World) -> None:
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE edit SET held_until = now() - interval '1 s'"))
