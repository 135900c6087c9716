"""What users, organizations and tickets look like in answers, key by key as recorded. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

ADMIN_ID = 361_000_000_000_001
BRAND_ID = 361_000_000_000_101
FORM_ID = 361_000_000_000_102
STATUS_ID = 361_000_000_000_103
# Recordings of 2024 name the requester here, those of 2023 left it empty.
API_VIA: dict[str, Any] = {
    "channel": "api",
    "source": {
        "from": {},
        "rel": None,
        "to": {"address": "alma@example.com", "name": "Alma Admin"},
    },
}


def stamp(seconds: float) -> str:
    """A time of the simulator's clock as Zendesk writes it."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def user(number: int, given: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A user as stored. `given` holds what the caller set; custom fields are added by the store."""
    role = given.get("role", "end-user")
    staff = role != "end-user"
    return {
        "active": True,
        "alias": given.get("alias"),
        "created_at": at,
        "custom_role_id": None,
        "default_group_id": None,
        "details": given.get("details"),
        "email": given.get("email"),
        "external_id": given.get("external_id"),
        "iana_time_zone": "Europe/Copenhagen",
        "id": number,
        "last_login_at": None,
        "locale": given.get("locale", "en-US"),
        "locale_id": 1,
        "moderator": staff,
        "name": given.get("name"),
        "notes": given.get("notes"),
        "only_private_comments": False,
        "organization_id": given.get("organization_id"),
        "phone": given.get("phone"),
        "photo": None,
        "report_csv": staff,
        "restricted_agent": not staff,
        "role": role,
        "role_type": 4 if role == "admin" else None,
        "shared": False,
        "shared_agent": False,
        "shared_phone_number": None,
        "signature": None,
        "suspended": False,
        "tags": [],
        "ticket_restriction": None if staff else "requested",
        "time_zone": "Copenhagen",
        "two_factor_auth_enabled": False,
        "updated_at": at,
        "user_fields": {},
        "verified": bool(given.get("verified", False)),
    }


def organization(number: int, given: Mapping[str, Any], at: str) -> dict[str, Any]:
    """An organization as stored."""
    return {
        "created_at": at,
        "details": given.get("details"),
        "domain_names": list(given.get("domain_names") or []),
        "external_id": given.get("external_id"),
        "group_id": given.get("group_id"),
        "id": number,
        "name": given.get("name"),
        "notes": given.get("notes"),
        "organization_fields": {},
        "shared_comments": False,
        "shared_tickets": False,
        "tags": [],
        "updated_at": at,
    }


def ticket(number: int, given: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A ticket as stored; requester, tags and custom fields are settled by the store."""
    subject = given.get("subject")
    return {
        "allow_attachments": True,
        "allow_channelback": False,
        "assignee_id": given.get("assignee_id"),
        "brand_id": BRAND_ID,
        "collaborator_ids": [],
        "created_at": at,
        "custom_fields": [],
        "custom_status_id": given.get("custom_status_id") or STATUS_ID,
        "description": "",
        # Only tasks have one (documented); whether others refuse it is not known.
        "due_at": given.get("due_at") if given.get("type") == "task" else None,
        "email_cc_ids": [],
        "external_id": given.get("external_id"),
        "fields": [],
        "follower_ids": [],
        "followup_ids": [],
        "forum_topic_id": None,
        "from_messaging_channel": False,
        "generated_timestamp": 0,
        "group_id": given.get("group_id"),
        "has_incidents": False,
        "id": number,
        "is_public": True,
        "organization_id": None,
        "priority": given.get("priority"),
        "problem_id": None,
        "raw_subject": subject,
        "recipient": None,
        "requester_id": ADMIN_ID,
        "satisfaction_rating": None,
        "sharing_agreement_ids": [],
        "status": given.get("status", "new"),
        "subject": subject,
        "submitter_id": ADMIN_ID,
        "tags": [],
        "ticket_form_id": FORM_ID,
        "type": given.get("type"),
        "updated_at": at,
        "via": API_VIA,
    }


def comment(number: int, audit: int, given: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A comment as the list of a ticket's comments shows it. HTML wins over plain text."""
    told = given.get("html_body")
    plain = plain_text(given)
    rich = told if told is not None else html.escape(plain, quote=False).replace("\n", "<br>")
    return {
        "attachments": [],
        "audit_id": audit,
        "author_id": given.get("author_id", ADMIN_ID),
        "body": plain,
        "created_at": at,
        "html_body": f'<div class="zd-comment" dir="auto">{rich}</div>',
        "id": number,
        "metadata": _metadata(),
        "plain_body": plain,
        "public": given.get("public", True),
        "type": "Comment",
        "via": API_VIA,
    }


def plain_text(given: Mapping[str, Any]) -> str:
    """A comment's text: of `html_body` without its tags, else `body`."""
    told = given.get("html_body")
    if told is None:
        return str(given.get("body") or "")
    lines = re.sub(r"<br\s*/?>|</(p|div|li|h[1-6]|tr)>", "\n", str(told))
    return html.unescape(re.sub(r"<[^>]*>", "", lines)).strip()


def audit(number: int, ticket_id: int, events: list[dict[str, Any]], at: str) -> dict[str, Any]:
    """The audit that stands beside a ticket in the answer to its creation or update."""
    return {
        "author_id": ADMIN_ID,
        "created_at": at,
        "events": events,
        "id": number,
        "metadata": _metadata(),
        "ticket_id": ticket_id,
        "via": API_VIA,
    }


def comment_event(one: Mapping[str, Any]) -> dict[str, Any]:
    """A comment as an audit's event: the list's form without its own time, metadata and channel."""
    return {
        key: value for key, value in one.items() if key not in {"created_at", "metadata", "via"}
    }


def _metadata() -> dict[str, Any]:
    system = {
        "client": "Answerback",
        "ip_address": "127.0.0.1",
        "latitude": 55.68,
        "location": "Copenhagen, Denmark",
        "longitude": 12.57,
    }
    return {"custom": {}, "system": system}
