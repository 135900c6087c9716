"""A simulated Salesforce org as the adapter tests use it: served, seeded, its definitions known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from adapters.http import Wire
from adapters.salesforce import Salesforce
from adapters.values import Account
from schemas.fields import Entity, FieldType, FieldValue
from simulators.kit.server import running
from simulators.salesforce import Salesforce as Simulated
from tests.adapters.contract import Bench

VALUES: Mapping[FieldType, tuple[str, FieldValue, FieldValue]] = {
    FieldType.TEXT: ("NPS_Comment__c", "Très bien 😀", 'He said "no"; \\ & <b>'),
    FieldType.LONG_TEXT: ("NPS_Full_Comment__c", "line one\nline two", "x" * 32_768),
    FieldType.EMAIL: ("Invoice_Email__c", "faktura@example.dk", "rechnung@example.de"),
    FieldType.PHONE: ("Callback_Phone__c", "+45 33 12 34 56", "+49 30 1234567"),
    FieldType.URL: ("Survey_Signature__c", "https://example.com/a?b=1", "https://example.com/2"),
    FieldType.INTEGER: ("NPS_Score__c", 9, 0),
    FieldType.NUMBER: ("Basket_Value__c", "1234.5", "-0.01"),
    FieldType.BOOLEAN: ("Would_Recommend__c", True, False),
    FieldType.DATE: ("Survey_Date__c", "2026-11-22", "2024-02-29"),
    FieldType.DATETIME: ("Survey_Answered_At__c", "2026-11-22T04:30:00Z", "2020-01-01T00:00:00Z"),
    FieldType.CHOICE: ("Satisfaction__c", "Satisfied", "Neutral"),
    FieldType.MULTI_CHOICE: ("Contact_Channels__c", ("E-mail", "Store"), ("Phone",)),
}


class Org:
    """A simulated org with its definitions downloaded once."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.bench: Bench
        self.definitions: Mapping[str, Entity] = {}

    def token(self) -> str:
        issued: str = self.bench.control("oauth", {"issue": {}})["access_token"]
        return issued

    def make(
        self, wire: Wire | None = None, *, token: str | None = None, **more: Any
    ) -> Salesforce:
        account = Account(token=token or self.token(), base_url=self.base_url, **more)
        return Salesforce(account, wire or Wire(), self.definitions)

    def seed(self, contacts: Sequence[Mapping[str, str]]) -> list[str]:
        rows = [
            {"Email": one["email"], "FirstName": one["first_name"], "LastName": one["last_name"]}
            for one in contacts
        ]
        ids: list[str] = self.bench.control("seed", {"contacts": rows})["contacts"]
        return ids


@contextmanager
def served() -> Iterator[Org]:
    """A fresh org whose definitions have been downloaded."""
    with running(Simulated()) as base_url:
        org = Org(base_url)
        org.bench = bench_of(org)
        org.definitions = definitions()
        yield org


@cache
def definitions() -> Mapping[str, Entity]:
    """The definitions of a fresh org, downloaded once."""
    with running(Simulated()) as base_url:
        org = Org(base_url)
        org.bench = bench_of(org)
        return {one.name: one for one in org.make().entities()}


def bench_of(org: Org) -> Bench:
    return Bench(
        base_url=org.base_url,
        make=org.make,
        seed=org.seed,
        entity="Contact",
        email_field="Email",
        values=VALUES,
        new_contact=lambda email: {"LastName": "New", "Email": email},
        bad=("Satisfaction__c", "canary of a value"),
        read_path=r"/composite/sobjects/Contact$",
        write_path=r"/composite/sobjects$",
        unique_email=False,
    )
