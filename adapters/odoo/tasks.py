"""Tasks for people: an activity on the contact each, found again by the marker in its note.

An activity that is done is deleted (measured, 11), so what a lost answer has left is only found
while it is open. Who sells to the contact gets it where nobody is named, and where nobody sells to
them the integration user, which is Odoo's own choice.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.odoo.activities import SELLER, model_id
from adapters.odoo.client import Client
from adapters.odoo.refusals import RowFault
from adapters.odoo.turns import in_turn
from adapters.odoo.writing import record_id
from adapters.values import BatchResult, Outcome, Status, Task
from schemas.odoo import ACTIVITY, kind_of

# How a user who is not there is refused: by the database (measured for other references, 11).
NO_SUCH_USER = frozenset({"integrity", "not_found"})


def task(client: Client, entity: str, tasks: Sequence[Task]) -> BatchResult:
    """The port's `task`: two calls, and one for all activities; before 12 one for each."""
    model = kind_of(entity).model
    sellers = _sellers(client, model, tasks)
    place = model_id(client, model)

    def open_(part: Sequence[Task]) -> list[Outcome]:
        rows = [_activity(one, sellers, place) for one in part]
        ids = _created(client, part, rows)
        return [
            Outcome(one.key, Status.WRITTEN, remote_id=str(made), created=True)
            for one, made in zip(part, ids, strict=True)
        ]

    done = in_turn([tasks] if client.creates_lists else [[one] for one in tasks], open_)
    return BatchResult(tuple(done[one.key] for one in tasks))


def tasked(client: Client, tasks: Sequence[Task]) -> dict[str, str]:
    """The port's `tasked`: one call. Activities are read by record and text, as committed."""
    texts = [["note", "like", one.marker] for one in tasks]
    domain = [["res_id", "in", _ids(tasks)], *(["|"] * (len(texts) - 1)), *texts]
    told = client.search_read(ACTIVITY, domain, ["res_id", "note"])
    return {
        one.key: str(held["id"])
        for one in tasks
        for held in told
        if one.marker in str(held.get("note")) and str(held.get("res_id")) == one.remote_id
    }


def _ids(tasks: Sequence[Task]) -> list[int]:
    return sorted({int(one.remote_id) for one in tasks if one.remote_id.isdigit()})


def _sellers(client: Client, model: str, tasks: Sequence[Task]) -> dict[str, int]:
    """Who sells to each contact that is there, 0 for nobody."""
    told = client.search_read(model, [["id", "in", _ids(tasks)]], [SELLER])
    return {str(one["id"]): int((one.get(SELLER) or [0])[0]) for one in told}


def _activity(one: Task, sellers: Mapping[str, int], place: int) -> dict[str, Any]:
    if one.remote_id not in sellers:
        code, message = "not_found", "Odoo has no such contact (any more)"
        raise RowFault(code, message)
    owner = _owner(one) or sellers[one.remote_id]
    lines = "<br>".join(html.escape(line) for line in one.text.split("\n"))
    return {
        "res_model_id": place,
        "res_id": record_id(one.remote_id),
        "summary": one.title,
        "note": f"<p>{lines}</p><p>ref: {one.marker}</p>",
        "date_deadline": one.due.isoformat(),
        **({SELLER: owner} if owner else {}),
    }


def _owner(one: Task) -> int:
    """The number of the user who is named, 0 where nobody is."""
    try:
        return record_id(one.owner) if one.owner else 0
    except RowFault as fault:
        raise _no_such_user(fault) from fault


def _created(client: Client, part: Sequence[Task], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    try:
        return client.create(ACTIVITY, rows)
    except RowFault as fault:
        if len(part) == 1 and part[0].owner and fault.code in NO_SUCH_USER:
            # The contact has just been read: it is the user who is not there.
            raise _no_such_user(fault) from fault
        raise


def _no_such_user(fault: RowFault) -> RowFault:
    message = "Odoo has no user of the number that the task names"
    return RowFault(
        fault.code if fault.code == "integrity" else "invalid_value", message, field=SELLER
    )
