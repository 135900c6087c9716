"""Files at Odoo: an attachment of the contact and the note that names it, once each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.errors import OutcomeUnknown, PauseMapping
from adapters.values import Attachment, Status
from schemas.odoo import PARTNER
from tests.adapters.contract import people
from tests.adapters.odoo_bench import OdooBench, served
from tests.responses.filehost import png

AT = datetime(2026, 11, 22, 1, 2, tzinfo=UTC)


# They differ in how a download is named and how a note is posted.
@pytest.fixture(params=(11, 12, 14, 17))
def bench(request: pytest.FixtureRequest) -> Iterator[OdooBench]:
    with served(request.param) as one:
        yield one


def signature(remote_id: str, number: int = 1) -> Attachment:
    return Attachment(
        key=f"f{number}",
        remote_id=remote_id,
        marker=f"answerback-{number:032x}",
        name="sign_ø.png",
        content_type="image/png",
        question="Signature <b>",
        title="Møde",
        at=AT,
        thread="1-1",
        content=png(number),
    )


def contact(bench: OdooBench) -> str:
    return bench.seed(people(1))[0]


def fault_at(bench: OdooBench, method: str, **action: Any) -> None:
    order = {"method": ".*", "path": "jsonrpc", "body": f'"{method}"', "occurrence": 1, "times": 1}
    bench.control("fault", {**order, "action": action})


def test_a_file_hangs_on_its_contact_and_a_note_names_it(bench: OdooBench) -> None:
    one = contact(bench)
    since = len(bench.calls())
    outcome = bench.adapter().file(PARTNER, signature(one))
    assert outcome.status is Status.WRITTEN
    assert bench.kinds(since) == ["read", "write", "note"]
    held = bench.contact(one)
    (made,) = held["files"]
    assert made["id"] == outcome.remote_id
    assert (made["name"], made["noted"]) == ("sign_ø.png", 1)
    assert made["sha256"] == hashlib.sha256(png(1)).hexdigest()
    (note,) = held["notes"]
    assert "Signature &lt;b&gt;: sign_ø.png" in note["body"]


def test_it_is_found_by_its_own_marker_alone(bench: OdooBench) -> None:
    first, second = bench.seed(people(2))
    made = bench.adapter().file(PARTNER, signature(first))
    assert bench.adapter().filed(PARTNER, signature(first)) == made.remote_id
    assert bench.adapter().filed(PARTNER, signature(first, 2)) is None
    assert bench.adapter().filed(PARTNER, signature(second)) is None


def test_several_files_of_a_contact_are_each_their_own(bench: OdooBench) -> None:
    one = contact(bench)
    made = [bench.adapter().file(PARTNER, signature(one, number)) for number in (1, 2)]
    held = bench.contact(one)["files"]
    assert [file["id"] for file in held] == [outcome.remote_id for outcome in made]
    digests = [hashlib.sha256(png(number)).hexdigest() for number in (1, 2)]
    assert [file["sha256"] for file in held] == digests


@pytest.mark.parametrize("method", ["create", "message_post"])
def test_a_half_that_stands_is_taken_up(bench: OdooBench, method: str) -> None:
    one = contact(bench)
    fault_at(bench, method, drop_after=True)
    with pytest.raises(OutcomeUnknown):
        bench.adapter().file(PARTNER, signature(one))
    adapter = bench.adapter()
    assert adapter.filed(PARTNER, signature(one)) or adapter.file(PARTNER, signature(one))
    held = bench.contact(one)
    assert [made["noted"] for made in held["files"]] == [1]
    assert len(held["notes"]) == 1


def test_a_file_that_somebody_has_deleted_since_is_not_sent_again(bench: OdooBench) -> None:
    one = contact(bench)
    made = bench.adapter().file(PARTNER, signature(one))
    bench.control("seed", {"delete_files": [made.remote_id]})
    assert bench.adapter().filed(PARTNER, signature(one)) == bench.contact(one)["notes"][0]["id"]


def test_a_proxy_that_takes_no_request_of_this_size_refuses_the_file_alone(
    bench: OdooBench,
) -> None:
    one = contact(bench)
    fault_at(bench, "create", status=413)
    outcome = bench.adapter().file(PARTNER, signature(one))
    assert (outcome.status, outcome.code) == (Status.REJECTED, "file_refused")
    assert "client_max_body_size" in outcome.message
    assert bench.adapter().file(PARTNER, signature(one, 2)).status is Status.WRITTEN


def test_a_contact_that_is_gone_is_not_found(bench: OdooBench) -> None:
    one = contact(bench)
    bench.control("seed", {"delete": [one]})
    outcome = bench.adapter().file(PARTNER, signature(one))
    assert (outcome.status, outcome.code) == (Status.REJECTED, "not_found")


def test_a_right_that_is_missing_is_named(bench: OdooBench) -> None:
    one = contact(bench)
    bench.control("options", {"denied": ["create ir.attachment"]})
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().file(PARTNER, signature(one))
    assert raised.value.scope == "create on ir.attachment"
