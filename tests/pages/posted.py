"""Letters as workers send them, and what arrives."""

from __future__ import annotations

import email as mails
import email.policy
import re
from email.message import EmailMessage
from typing import Any

from connector import jobs
from connector.db import Database
from connector.settings import Settings
from simulators.mail import MailServer as SimulatedMailServer
from tests.pages.conftest import NUMBERS, Browser
from tests.world import hub_on

LINK = re.compile(r"http://[^\s\"<]+(/(?:invitation|password)/[\w-]{43})")


def send(database: Database, settings: Settings, browser: Browser) -> int:
    """What a worker does when the sweep rings."""
    return jobs.post(hub_on(settings, database), browser.workspace_id)


def last_mail(server: SimulatedMailServer) -> EmailMessage:
    read: Any = mails.message_from_bytes(server.mails[-1].content, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def path_in(shown: str) -> str:
    found = LINK.search(shown)
    assert found, shown[:2_000]
    return found[1]


def newcomer() -> str:
    return f"new-{next(NUMBERS)}@example.test"
