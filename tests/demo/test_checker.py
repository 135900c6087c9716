"""The checker accepts what is right and finds each thing that is wrong."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.checker import check, refused_ids

ROOT = Path(__file__).resolve().parents[2]
State = dict[str, Any]
METTE = "mette@kunde.example"


def answered(number: int, score: int, at: str, **more: Any) -> dict[str, Any]:
    """A response of Mette to the campaign that goes to all three CRMs."""
    return {
        "response_id": f"r-{number}",
        "campaign": {"id": "5007", "name": "Annual review 2026"},
        "respondent": {"email": METTE, "external_id": "DK1", "name": "Mette Kjær"},
        "answers": {
            "nps": {"type": "nps", "value": score, "title": "Anbefale?"},
            "why": {"type": "text", "value": f"Fordi {score} <3", "title": "Hvorfor?"},
            "reason": {
                "type": "single_choice",
                "value": "price",
                "label": "Prisen",
                "title": "Hvad tæller?",
            },
            "improve": {
                "type": "ranking",
                "value": ["speed", "price"],
                "labels": ["Hastighed", "Pris"],
                "title": "Rækkefølge",
            },
        },
        "submitted_at": at,
        "locale": "da-DK",
    } | more


SEVEN = answered(1, 7, "2026-11-18T23:30:00Z")
NINE = answered(2, 9, "2026-11-19T10:00:00Z")
HEADS = (
    "Annual review 2026 · 2026-11-18 23:30 UTC",
    "Annual review 2026 · 2026-11-19 10:00 UTC",
)
CONTACT = {"email": METTE, "external_id": "DK1", "first_name": "Mette", "last_name": "Kjær"}


def whole_note(head: str, score: int) -> str:
    return (
        f"{head}\nAnbefale?: {score}/10\nHvorfor?: Fordi {score} <3\nHvad tæller?: Prisen\n"
        "Rækkefølge:\n  1. Hastighed\n  2. Pris\nref: 1234"
    )


def as_html(text: str) -> str:
    lines = text.replace("&", "&amp;").replace("<", "&lt;").split("\n")
    return "".join(f"<p>{line}</p>" for line in lines)


def short_note(head: str) -> str:
    return f"{head}\nHvad tæller?\nPrisen\nRækkefølge\n1. Hastighed\n2. Pris\nref: 1234"


def before() -> dict[str, State]:
    """Mette in three CRMs, and Otto, whom nobody asks."""
    return {
        "hubspot": {
            "contacts": [
                {
                    "properties": {"email": METTE, "lastmodifieddate": "a", "company": "Nordlys"},
                    "tags": ["VIP", "NPSToday.Annual review 2026.3"],
                    "notes": [],
                },
                {"properties": {"email": "otto@kunde.example"}, "tags": [], "notes": []},
            ],
            "companies": [{"id": "1", "properties": {"name": "Nordlys"}}],
        },
        "salesforce": {
            "contacts": [{"fields": {"Email": METTE, "Phone": "1"}, "tags": ["VIP"], "notes": []}]
        },
        "zendesk": {
            "contacts": [
                {"email": METTE, "fields": {"name": "Mette"}, "tags": ["vip"], "notes": []}
            ],
            "tickets": [],
        },
    }


def after() -> dict[str, State]:
    """What must stand after 7 and then 9, written down by hand."""
    held = before()
    hubspot, salesforce, zendesk = (held[crm]["contacts"][0] for crm in held)
    hubspot["properties"] |= {
        "lastmodifieddate": "b",
        "nps_score": "9",
        "nps_segment": "promoter",
        "nps_comment": "Fordi 9 <3",
        "nps_answered_at": "2026-11-19T10:00:00Z",
        "nps_summary": "Prisen",
    }
    hubspot["tags"] = ["VIP", "NPSToday.Annual review 2026.9"]
    hubspot["notes"] = [
        {"body": as_html(whole_note(head, score))}
        for head, score in zip(HEADS, (7, 9), strict=True)
    ]
    salesforce["fields"] |= {
        "NPS_Score__c": 9.0,
        "NPS_Category__c": "Promoter",
        "NPS_Full_Comment__c": "Fordi 9 <3",
        "Survey_Answered_At__c": "2026-11-19T10:00:00.000+0000",
        "Survey_Language__c": "da",
        "Survey_Name__c": "Annual review 2026",
        "SystemModstamp": "now",
    }
    salesforce["tags"] = ["VIP", "NPSToday.Annual review 2026.9"]
    salesforce["notes"] = [{"title": "t", "text": short_note(head)} for head in HEADS]
    zendesk["fields"] |= {
        "nps_score": 9,
        "nps_group": "nps_promoter",
        "nps_comment": "Fordi 9 <3",
        "nps_date": "2026-11-19T00:00:00+00:00",
        "last_campaign": "Annual review 2026",
    }
    zendesk["tags"] = ["npstoday_annual_review_2026_9", "vip"]
    zendesk["notes"] = [whole_note(head, score) for head, score in zip(HEADS, (7, 9), strict=True)]
    return held


def complaints(now: dict[str, State], *responses: Any) -> list[str]:
    return check(responses or (NINE, SEVEN), [CONTACT], before=before(), after=now).complaints


def test_what_is_right_is_accepted_and_counted() -> None:
    verdict = check((SEVEN, NINE), [CONTACT], before=before(), after=after())
    assert verdict.complaints == []
    assert (verdict.contacts, verdict.tags, verdict.notes) == (4, 3, 6)
    assert verdict.values == 5 + 6 + 5


def _hubspot(now: dict[str, State]) -> State:
    held: State = now["hubspot"]["contacts"][0]
    return held


def _missing_note(now: dict[str, State]) -> None:
    _hubspot(now)["notes"].pop()


def _duplicate_note(now: dict[str, State]) -> None:
    _hubspot(now)["notes"] *= 2


def _note_of_nobody(now: dict[str, State]) -> None:
    _hubspot(now)["notes"].append({"body": "Another campaign · 2026-11-19 10:00 UTC"})


def _note_without_an_answer(now: dict[str, State]) -> None:
    _hubspot(now)["notes"][1]["body"] = as_html(HEADS[1])


def _note_that_repeats_a_field(now: dict[str, State]) -> None:
    now["salesforce"]["contacts"][0]["notes"][0]["text"] += "\nHvorfor?: Fordi 7 <3"


def _public_note(now: dict[str, State]) -> None:
    now["zendesk"]["tickets"] = [{"comments": [{"public": True}]}]


def _stale_tag(now: dict[str, State]) -> None:
    _hubspot(now)["tags"] = ["VIP", "NPSToday.Annual review 2026.7"]


def _two_tags(now: dict[str, State]) -> None:
    now["zendesk"]["contacts"][0]["tags"].append("npstoday_annual_review_2026_7")


def _foreign_tag_removed(now: dict[str, State]) -> None:
    _hubspot(now)["tags"].remove("VIP")


def _older_value(now: dict[str, State]) -> None:
    now["salesforce"]["contacts"][0]["fields"]["NPS_Score__c"] = 7.0


def _missing_value(now: dict[str, State]) -> None:
    del now["zendesk"]["contacts"][0]["fields"]["nps_date"]


def _another_day(now: dict[str, State]) -> None:
    now["zendesk"]["contacts"][0]["fields"]["nps_date"] = "2026-11-18T00:00:00+00:00"


def _foreign_field(now: dict[str, State]) -> None:
    _hubspot(now)["properties"]["company"] = "Nordlys A/S"


def _stranger_touched(now: dict[str, State]) -> None:
    now["hubspot"]["contacts"][1]["properties"]["nps_score"] = "0"


def _contact_gone(now: dict[str, State]) -> None:
    now["hubspot"]["contacts"].pop()


def _contact_twice(now: dict[str, State]) -> None:
    now["salesforce"]["contacts"] *= 2


def _contact_made(now: dict[str, State]) -> None:
    fresh = {
        "properties": {"email": "new@kunde.example", "nps_score": "9"},
        "tags": [],
        "notes": [],
    }
    now["hubspot"]["contacts"].append(fresh)


def _company_changed(now: dict[str, State]) -> None:
    now["hubspot"]["companies"] = []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_missing_note, "0 notes of response r-2, not one"),
        (_duplicate_note, "2 notes of response r-1, not one"),
        (_note_of_nobody, "1 notes of no response"),
        (_note_without_an_answer, "does not say 'Hvorfor? Fordi 9 <3'"),
        (_note_that_repeats_a_field, "repeats 'Hvorfor?'"),
        (_public_note, "a note is public"),
        (_stale_tag, "['NPSToday.Annual review 2026.9'] are missing"),
        (_two_tags, "['npstoday_annual_review_2026_7'] should not be there"),
        (_foreign_tag_removed, "['VIP'] are missing"),
        (_older_value, "NPS_Score__c is 7.0 and must be Decimal('9')"),
        (_missing_value, "nps_date is None and must be"),
        (_another_day, "nps_date is '2026-11-18T00:00:00+00:00' and must be"),
        (_foreign_field, "company was 'Nordlys' and is 'Nordlys A/S'"),
        (_stranger_touched, "otto@kunde.example: nps_score was None and is '0'"),
        (_contact_gone, "otto@kunde.example is not there"),
        (_contact_twice, "several contacts have one address"),
        (_contact_made, "new@kunde.example: email was None"),
        (_company_changed, "its companies have changed"),
    ],
)
def test_what_is_wrong_is_found(spoil: Callable[[dict[str, State]], None], told: str) -> None:
    now = after()
    spoil(now)
    assert any(told in one for one in complaints(now)), complaints(now)


def test_an_anonymous_response_must_leave_no_trace() -> None:
    nobody = answered(3, 2, "2026-11-19T12:00:00Z", respondent={"anonymous": True})
    assert complaints(after(), SEVEN, NINE, nobody) == []
    assert complaints(before(), nobody) == []


def test_what_the_crm_refuses_must_not_stand_in_its_fields_but_is_tagged_and_noted() -> None:
    refused = answered(4, 5, "2026-11-19T11:00:00Z", campaign={"id": "5003", "name": "Lieferung"})
    refused["answers"] = {
        "nps": refused["answers"]["nps"],
        "invoice": {"type": "text", "value": "x@bäckerei.example", "title": "Rechnung"},
        "staff": {"type": "text", "value": "Frau Weiß", "title": "Wer?"},
    }
    now = copy.deepcopy(before())
    contact = now["salesforce"]["contacts"][0]
    contact["tags"] = ["VIP", "NPSToday.Lieferung.5"]
    head = "Lieferung · 2026-11-19 11:00 UTC"
    contact["notes"] = [{"title": "t", "text": f"{head}\nWer?\nFrau Weiß"}]
    assert refused_ids([refused], "salesforce") == {"r-4"}
    assert complaints(now, refused) == []
    contact["fields"]["NPS_Score__c"] = 5.0
    assert any("NPS_Score__c was None and is 5.0" in one for one in complaints(now, refused))


def test_a_contact_the_crm_did_not_have_must_be_made_with_what_is_known() -> None:
    was = before()
    was["zendesk"]["contacts"] = []
    now = after()
    zendesk = now["zendesk"]["contacts"][0]
    zendesk["tags"].remove("vip")
    zendesk["fields"] |= {"name": "Mette Kjær", "role": "end-user", "wants_contact": False}
    known = CONTACT | {"name": "Mette Kjær"}
    good = check((SEVEN, NINE), [known], before=was, after=now)
    assert good.complaints == []
    zendesk["fields"]["name"] = "mette@kunde.example"
    bad = check((SEVEN, NINE), [known], before=was, after=now)
    assert len(bad.complaints) == 1


def test_the_checker_imports_nothing_of_the_product() -> None:
    script = (
        "import sys, demo.checker; "
        "print([one for one in sys.modules "
        "if one.partition('.')[0] in {'connector', 'adapters', 'schemas', 'simulators'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
