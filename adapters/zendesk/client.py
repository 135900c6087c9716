"""The zenpy client of one job: our session under it, its answers judged before it reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from adapters.errors import BrokenContract
from adapters.http import Wire, failure, origin_of, requests_session
from adapters.values import Account
from adapters.zendesk.answers import (
    Forbidden,
    RecordBusy,
    RecordGone,
    RowRefused,
    forbidden,
    judge,
    paused,
)
from adapters.zendesk.traits import TICKET_UPDATE

try:
    import zenpy
    from zenpy.lib.exception import ZenpyException
    from zenpy.lib.mapping import ZendeskObjectMapping
except ImportError:  # pragma: no cover - the lock installs it; NOTICE says why it is optional
    zenpy = ZendeskObjectMapping = None
    ZenpyException = RuntimeError

DOMAIN = "zendesk.com"
# An API token is given as Zendesk itself writes it: agent@example.com/token:secret.
BASIC_MARK = "/token:"
MISSING = (
    "the app zendesk needs the optional library zenpy (GPL-3): install answerback with its extra"
    " zendesk"
)


class ExtraMissing(ImportError):
    """zenpy is not installed."""


class Client:
    """`zenpy` for objects, `session` for the few calls that zenpy cannot express."""

    def __init__(self, account: Account, wire: Wire) -> None:
        if zenpy is None:
            raise ExtraMissing(MISSING)
        subdomain, domain, target = address_of(account)
        self.origin = f"https://{subdomain}.{domain}"
        self.session = requests_session(wire, self.origin, target=target, kind_of=kind_of)
        self.session.hooks["response"].extend([self._heard, judge])
        self.headers: Mapping[str, str] = {}
        # disable_cache: else a record that was read before is answered from memory.
        self.zenpy: Any = zenpy.Zenpy(
            domain=domain,
            subdomain=subdomain,
            session=self.session,
            disable_cache=True,
            **_credentials(account.token),
        )

    def _heard(self, answer: requests.Response, *_: object, **__: object) -> None:
        """Keep the last answer's headers: they tell the account's limit."""
        self.headers = answer.headers

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """A call that zenpy has no method for; the answer's JSON object."""
        url = f"{self.origin}/api/v2/{path}"
        told: dict[str, Any] = self.session.get(url, params=params).json()
        return told

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A change that zenpy has no method for; the answer's JSON object."""
        url = f"{self.origin}/api/v2/{path}"
        told: dict[str, Any] = self.session.request(method, url, json=body).json()
        return told


def kind_of(method: str, path: str) -> str | None:
    """The limit that a call counts against beside the account's (traits.py)."""
    is_ticket = re.search(r"/tickets/\d+(\.json)?$", path) is not None
    return TICKET_UPDATE if method == "PUT" and is_ticket else None


def object_of(singular: str, body: Mapping[str, Any]) -> Any:
    """A fresh zenpy object that knows only what is to be sent.

    Fresh for every attempt: after a failed update zenpy may count an object's changes as sent.
    Attributes are set one by one: its constructor drops None, and None clears a field.
    """
    made = ZendeskObjectMapping.class_mapping[singular]()
    for name, value in body.items():
        setattr(made, name, value)
    return made


def address_of(account: Account) -> tuple[str, str, str | None]:
    """(subdomain, domain, where the calls really go): zenpy only knows https and a subdomain.

    A base URL that is a Zendesk host of its own (a sandbox, zendesk-staging.com) becomes subdomain
    and domain; any other (a simulator) is the target of the account's own address.
    """
    subdomain = str(account.settings.get("subdomain") or "account")
    if account.base_url is None:
        return subdomain, DOMAIN, None
    origin = origin_of(account.base_url)
    host = urlsplit(origin).netloc
    first, _, rest = host.partition(".")
    if origin.startswith("https://") and rest.startswith("zendesk"):
        return first, rest, None
    return subdomain, DOMAIN, origin


@contextmanager
def reaching() -> Iterator[None]:
    """Around one call: what the network raises becomes the port's errors."""
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
        raise failure(exc) from exc


@contextmanager
def speaking() -> Iterator[None]:
    """Around a method of the port: nothing but the port's errors comes out."""
    try:
        with reaching():
            yield
    except Forbidden as exc:
        raise forbidden() from exc
    except RecordBusy as exc:
        raise paused(exc) from exc
    except (RecordGone, RowRefused, ZenpyException) as exc:
        message = "Zendesk refused a call that speaks of no single record"
        raise BrokenContract(message) from exc


def _credentials(token: str) -> dict[str, str]:
    email, mark, secret = token.partition(BASIC_MARK)
    return {"email": email, "token": secret} if mark else {"oauth_token": token}
