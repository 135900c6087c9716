"""The adapter for Trustpilot's invitations: a mail that Trustpilot sends, a link that it makes.

2xx JSON object   taken; a mail's answer may have no body at all
401               the token is renewed once
403, 404          the key's rights, the business unit: nothing goes on before somebody mends it
400, 409, 422     this one invitation is refused
429               `Retry-After`, where it tells one
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests
import urllib3

from adapters.errors import (
    AdapterError,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.http import Wire, failure, origin_of, requests_session
from adapters.pause import asked_wait_s
from adapters.recordless import Recordless
from adapters.traits import Traits
from adapters.trustpilot_api.traits import (
    LOCALE,
    REPLY_TO,
    RETURN,
    SENDER,
    SENDER_NAME,
    TEMPLATE,
    TRAITS,
    UNIT,
)
from adapters.values import Account, Identity, Message, Outcome, Status
from schemas.fields import Entity
from schemas.phrases import phrase

HOME = "trustpilot.com"
NO_TEMPLATE = "Trustpilot does not list the template {template}: mails may be refused."
# The words of a refusal are unverified, so none of them is passed on.
REFUSED = frozenset({400, 409, 422})


class InvitationRefused(Exception):
    """Trustpilot does not take this one invitation."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Trustpilot answered {status}")
        self.status = status


class TrustpilotAPI(Recordless):
    """One business unit. Made for one job or visit, used by one thread, thrown away."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        del entities
        self._settings = account.settings
        self._origin = origin_of(account.base_url or TRAITS.base_url)
        self._unit = f"{self._origin}/v1/private/business-units/{account.settings.get(UNIT)}"
        self._session = requests_session(wire, self._origin)
        self._session.headers.update(
            {"Authorization": f"Bearer {account.token}", "Accept": "application/json"}
        )

    def probe(self) -> Identity:
        """The port's `probe`: the templates of the unit, which prove token and unit alike."""
        try:
            told = self._called("GET", "templates")
        except InvitationRefused as exc:
            message = "Trustpilot does not tell its templates"
            raise BrokenContract(message, code="bad_request") from exc
        unit, template = str(self._settings.get(UNIT)), self._settings.get(TEMPLATE)
        listed = {str(one.get("id")) for one in _list(told.get("templates"))}
        lacks = bool(template and listed) and template not in listed
        return Identity(
            account_id=unit,
            account_name=unit,
            notes=(NO_TEMPLATE.format(template=template),) if lacks else (),
        )

    def review_link(self, *, reference: str, email: str, name: str) -> str:
        """The port's `review_link`: one call. Only an address of Trustpilot's is taken."""
        body = {"referenceId": reference, "email": email, "name": name, **self._said(LINK)}
        try:
            told = self._called("POST", "invitation-links", body)
        except InvitationRefused as exc:
            message = "Trustpilot makes no link for this respondent"
            raise BrokenContract(message, code="invitation_refused") from exc
        url = told.get("url")
        if not isinstance(url, str) or not self._is_theirs(url):
            message = "Trustpilot's answer holds no address of its own"
            raise OutcomeUnknown(message, code="answer_unreadable")
        return url

    def tell(self, message: Message) -> Outcome:
        """The port's `tell`: Trustpilot writes to the respondent, by its own template."""
        body = {
            "consumerEmail": message.to[0],
            "consumerName": str(message.told.get("name") or ""),
            "referenceNumber": str(message.told.get("reference") or ""),
            **self._said(MAIL),
            "serviceReviewInvitation": self._said(REVIEW),
        }
        try:
            self._called("POST", "email-invitations", body)
        except InvitationRefused as exc:
            text = f"Trustpilot does not take this invitation ({exc.status})"
            return Outcome(message.key, Status.REJECTED, code="invitation_refused", message=text)
        return Outcome(message.key, Status.WRITTEN, message.id, created=True)

    def _said(self, names: Mapping[str, str]) -> dict[str, str]:
        """Those settings that say something, by Trustpilot's names."""
        told = {name: self._settings.get(setting) for name, setting in names.items()}
        return {name: str(value) for name, value in told.items() if value}

    def _is_theirs(self, url: str) -> bool:
        parts = urlsplit(url)
        host = str(parts.hostname or "")
        is_home = parts.scheme == "https" and (host == HOME or host.endswith(f".{HOME}"))
        # Elsewhere the API is a simulator, which links to itself.
        return is_home or url.startswith(f"{self._origin}/")

    def _called(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        try:
            answer = self._session.request(method, f"{self._unit}/{path}", json=body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise failure(exc) from exc
        if answer.status_code in REFUSED:
            raise InvitationRefused(answer.status_code)
        if not 200 <= answer.status_code < 300:
            raise _refused(answer, writes=method != "GET")
        return _object(answer)


# Trustpilot's names of what the settings say: for a link, for a mail, for the review it asks for.
LINK = {"locale": LOCALE, "redirectUri": RETURN}
MAIL = {
    "locale": LOCALE,
    "senderEmail": SENDER,
    "senderName": SENDER_NAME,
    "replyTo": REPLY_TO,
}
REVIEW = {"templateId": TEMPLATE, "redirectUri": RETURN}


def _list(told: object) -> list[Mapping[str, Any]]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _object(answer: requests.Response) -> Mapping[str, Any]:
    """The answer's object; {} where nothing is told."""
    if not answer.content.strip():
        return {}
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        message = "Trustpilot's answer is not the JSON it should be"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return told


def _refused(answer: requests.Response, *, writes: bool) -> AdapterError:
    status, wait_s = answer.status_code, asked_wait_s(answer.headers)
    if status == 401:
        return TokenExpired("Trustpilot refuses the token")
    if status == 403:
        message = phrase("Trustpilot does not let this key or user invite for the business unit")
        return PauseMapping(message, code="missing_scope", scope="invitations of the business unit")
    if status == 404:
        message = phrase("Trustpilot has no such business unit")
        return PauseMapping(message, code="missing_scope", scope="the business unit")
    if status == 429:
        return Throttled("Trustpilot asked for a pause", wait_s=wait_s)
    if status >= 500:
        # 503 comes from who has not passed the call on; after the others it may have been applied.
        kind = OutcomeUnknown if writes and status != 503 else TryLater
        return kind(f"Trustpilot answered {status}", wait_s=wait_s, code="crm_failed")
    return BrokenContract(f"Trustpilot answered {status}", code=f"crm_{status}")
