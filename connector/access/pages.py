"""The pages: what each asks. A page's address names its workspace: /w/<space>/..."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connector.access.rules import Door, Right, Rule

_SPACE = "/w/<key:space>"
_MAPPING = f"{_SPACE}/mappings/<id:mapping_id>"
_ROW = f"{_MAPPING}/rows/<id:place>"
_FIELDS = f"{_SPACE}/fields/<id:connection_id>"


def _open(reason: str) -> Rule:
    return Rule(None, reason=reason, door=Door.OPEN)


def _own(audited: str | None, reason: str) -> Rule:
    """For whoever is signed in, about themselves."""
    return Rule(None, None, audited, reason, Door.PERSON)


def _shows(right: Right = Right.READ) -> Rule:
    return Rule(right, door=Door.MEMBER)


def _does(audited: str, right: Right = Right.SETTINGS) -> Rule:
    return Rule(right, None, audited, door=Door.MEMBER)


_SELF = "one's own account"

PAGES: Mapping[tuple[str, str], Rule] = MappingProxyType(
    {
        ("GET", "/"): _open("leads to the sign-in, or to one's own workspace"),
        ("GET", "/sign-in"): _open("where people sign in"),
        ("POST", "/sign-in"): _open("the password authenticates; failures are counted"),
        ("GET", "/sign-in/code"): _open("the session that waits for the code authenticates"),
        ("POST", "/sign-in/code"): _open("the code authenticates; failures are counted"),
        ("POST", "/sign-out"): _open("ends the session that asks, if there is one"),
        ("POST", "/preferences"): _open("a browser's own language and colours"),
        ("GET", "/account"): _own(None, _SELF),
        ("POST", "/account/password"): _own("person.password_changed", _SELF),
        ("GET", "/account/codes"): _own(None, _SELF),
        ("POST", "/account/codes"): _own("person.codes_begun", _SELF),
        ("POST", "/account/codes/confirm"): _own("person.codes_on", _SELF),
        ("POST", "/account/codes/remove"): _own("person.codes_off", _SELF),
        ("POST", "/account/sessions/end"): _own("person.sessions_ended", _SELF),
        ("GET", f"{_SPACE}/"): _shows(),
        ("GET", f"{_SPACE}/fields"): _shows(),
        ("GET", f"{_FIELDS}"): _shows(),
        ("GET", f"{_FIELDS}/csv"): _shows(),
        ("GET", f"{_FIELDS}/compare"): _shows(),
        ("POST", f"{_FIELDS}/download"): _does("connection.fields_downloaded"),
        ("GET", f"{_SPACE}/apps"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/apps/<key:app>"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/apps/<key:app>"): _does("connection.created"),
        ("GET", f"{_SPACE}/connections/<id:connection_id>"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/connections/<id:connection_id>"): _does("connection.changed"),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/authorize"): _does(
            "connection.authorizing"
        ),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/probe"): _does("connection.probed"),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/pause"): _does("connection.paused"),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/resume"): _does("connection.unpaused"),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/disconnect"): _does(
            "connection.disconnected"
        ),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/remove"): _does("connection.removed"),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/fields"): _does(
            "connection.fields_downloaded"
        ),
        ("GET", f"{_SPACE}/connections/<id:connection_id>/preflight"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/connections/<id:connection_id>/quota"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/connections/<id:connection_id>/drift"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/quota"): _does("connection.quota_asked"),
        ("GET", f"{_SPACE}/deliveries"): _shows(),
        ("GET", f"{_SPACE}/deliveries/<id:delivery_id>"): _shows(),
        ("POST", f"{_SPACE}/deliveries/<id:delivery_id>/replay"): _does(
            "delivery.replayed", Right.WORK
        ),
        ("GET", f"{_SPACE}/deliveries/replay"): _shows(Right.WORK),
        ("POST", f"{_SPACE}/deliveries/replay"): _does("deliveries.replayed", Right.WORK),
        ("GET", f"{_FIELDS}/mapping.xlsx"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/mappings"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/mappings/new"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/mappings/new"): _does("mapping.saved"),
        ("POST", f"{_SPACE}/mappings/file"): _does("mapping.saved"),
        ("GET", _MAPPING): _shows(Right.SETTINGS),
        ("POST", _MAPPING): _does("mapping.saved"),
        ("GET", f"{_MAPPING}/fields"): _shows(Right.SETTINGS),
        ("GET", f"{_MAPPING}/mapping.xlsx"): _shows(Right.SETTINGS),
        ("GET", f"{_MAPPING}/mapping.yaml"): _shows(Right.SETTINGS),
        ("GET", f"{_MAPPING}/test"): _shows(Right.SETTINGS),
        ("GET", f"{_MAPPING}/versions"): _shows(Right.SETTINGS),
        ("POST", f"{_MAPPING}/versions/<id:version>/restore"): _does("mapping.saved"),
        ("POST", f"{_MAPPING}/publish"): _does("mapping.published"),
        ("POST", f"{_MAPPING}/pause"): _does("mapping.paused"),
        ("POST", f"{_MAPPING}/resume"): _does("mapping.resumed"),
        ("POST", f"{_MAPPING}/remove"): _does("mapping.deleted"),
        ("POST", f"{_MAPPING}/rows"): _does("mapping.saved"),
        ("GET", _ROW): _shows(Right.SETTINGS),
        ("POST", _ROW): _does("mapping.saved"),
        ("GET", f"{_ROW}/preview"): _shows(Right.SETTINGS),
        ("POST", f"{_ROW}/remove"): _does("mapping.saved"),
    }
)
