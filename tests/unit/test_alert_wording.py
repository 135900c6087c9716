"""An alert is told in the language and on the clock of its workspace, and to systems in neither."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from connector.admin.language import said_in
from connector.connections.parking import what_to_do
from connector.responses.alerts.wording import Occasion, Reader, said, tried_out

BEGAN = datetime(2026, 11, 30, 11, 5, tzinfo=UTC)
HOME = "https://hub.example.test/w/acme"


def reader(language: str) -> Reader:
    return Reader(language, ZoneInfo("Europe/Copenhagen"), said_in)


def occasion(kind: str, figures: dict[str, object], **options) -> Occasion:
    return Occasion(kind, 7, "HubSpot EU", figures, "Acme", HOME, BEGAN, **options)


@pytest.mark.parametrize(
    ("language", "title", "words"),
    [
        (
            "en",
            "Alert: deliveries to HubSpot EU fail",
            "Of 1,200 deliveries in an hour, 40",
        ),
        ("da", "Advarsel: leverancer til HubSpot EU mislykkes", "Af 1.200 leverancer"),
        ("de", "Warnung: Zustellungen an HubSpot EU scheitern", "Von 1.200 Zustellungen"),
        ("fr", "Alerte\xa0: les envois vers HubSpot EU échouent", "Sur 1\u202f200 envois"),
        ("it", "Avviso: le consegne a HubSpot EU falliscono", "Su 1.200 consegne"),
    ],
)
def test_an_alert_is_told_in_five_languages(language, title, words):
    told = said(occasion("errors", {"settled": 1200, "failed": 40}), reader(language))
    assert told.title == title
    assert words in told.text
    assert told.told["began_at"] == "2026-11-30T11:05:00+00:00"


def test_a_time_is_told_on_the_clock_of_the_workspace():
    told = said(occasion("lag", {"since": "2026-11-30T10:40:00+00:00"}), reader("de"))
    assert "30. November 2026, 11:40:00 MEZ" in told.text
    assert "30. November 2026, 12:05:00 MEZ" in told.text


def test_a_connection_is_told_with_what_to_do():
    of = occasion("connection", {"reason": "key_refused"}, why=what_to_do("key_refused"))
    assert "Le CRM refuse la clé. Saisissez-en une valide." in said(of, reader("fr")).text


def test_the_end_and_a_test_are_told_in_that_language_too():
    over = said(occasion("parked", {"count": 3}, ended_at=BEGAN), reader("it"))
    assert over.title == "Di nuovo tutto bene: le consegne a HubSpot EU sono sospese"
    assert tried_out(reader("da")).title == "Test af en advarsel"
