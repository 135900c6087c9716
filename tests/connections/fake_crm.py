"""A small CRM with a real authorization server, and the adapter of it that the registry gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from adapters.errors import PauseMapping, TokenExpired, TryLater
from adapters.http import Wire, requests_session
from adapters.traits import OAuthTraits, SettingField, TagPlace, TagTraits, Traits
from adapters.values import Account, Batch, BatchResult, Identity, Record, Started, TagOptions
from schemas.fields import Entity, Field, FieldType
from simulators.kit.messages import Answer, Request
from simulators.kit.oauth import AuthorizationServer, OAuthRefused, Tokens
from simulators.kit.simulator import Simulator, route

SCOPES = ("contacts.read", "contacts.write")
KEY = "fake-key-canary"


class FakeService(Simulator):
    """Answers /oauth/*, /me and /fields; what it is and does are options that tests change."""

    name = "fake"
    defaults: ClassVar[dict[str, Any]] = {
        "rotate_refresh": True,
        "require_pkce": True,
        "account": "org-1",
        "user": "user-1",
        "tells_expiry": True,
        "tells_instance": "",
        "length": 255,
        "missing_scope": "",
    }

    def set_up(self) -> None:
        self.server = AuthorizationServer(self.clock, self.rng, options=self.options)
        self.server.static(KEY, SCOPES)
        self.tag_options: list[str] = []
        self.told: list[tuple[str, dict[str, Any]]] = []

    def records(self) -> dict[str, Any]:
        return {"tag_options": self.tag_options, "told": self.told}

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        return self.server.control(told, scopes=SCOPES)

    @route("GET", r"/oauth/authorize", kind="oauth")
    def authorize(self, request: Request) -> Answer:
        return self.server.authorize(request.query, scopes=request.asked("scope").split())

    @route("POST", r"/oauth/token", kind="oauth")
    def token(self, request: Request) -> Answer:
        is_json = request.headers["content-type"].startswith("application/json")
        told = request.json() if is_json else request.form()
        self.told.append(("json" if is_json else "form", dict(told)))
        try:
            if told["grant_type"] == "refresh_token":
                tokens = self.server.refresh(told)
                self.log.token_refreshes = self.server.refreshes
            else:
                tokens = self.server.exchange(told)
        except OAuthRefused as refused:
            return Answer(400, {"error": refused.error, "error_description": refused.reason})
        return Answer(200, self._body(tokens))

    @route("POST", r"/oauth/revoke", kind="oauth")
    def revoke(self, request: Request) -> Answer:
        known = self.server.revoke(request.form().get("token", ""))
        return Answer(200 if known else 400, {})

    @route("DELETE", r"/oauth/me", kind="oauth")
    def revoke_own(self, request: Request) -> Answer:
        return Answer(204 if self.server.revoke(request.bearer() or "") else 401)

    @route("GET", r"/me", kind="read")
    def me(self, request: Request) -> Answer:
        access = self.server.access(request.bearer())
        if access is None or self.server.is_expired(access):
            return Answer(401, {"error": "invalid_token"})
        return Answer(200, {"account": self.options["account"], "user": self.options["user"]})

    @route("GET", r"/fields", kind="schema")
    def fields(self, request: Request) -> Answer:
        return Answer(200, {"length": self.options["length"]})

    @route("POST", r"/options", kind="schema")
    def options_added(self, request: Request) -> Answer:
        if self.options["missing_scope"]:
            return Answer(403, {"scope": self.options["missing_scope"]})
        self.tag_options.extend(one for one in request.json() if one not in self.tag_options)
        return Answer(200, {})

    def _body(self, tokens: Tokens) -> dict[str, Any]:
        body: dict[str, Any] = {
            "access_token": tokens.access_token,
            "token_type": "bearer",
            "scope": " ".join(tokens.scopes),
        }
        if tokens.refresh_token:
            body["refresh_token"] = tokens.refresh_token
        if self.options["tells_expiry"]:
            body["expires_in"] = tokens.expires_in
        if self.options["tells_instance"]:
            body["instance_url"] = self.options["tells_instance"]
        return body


OAUTH = OAuthTraits(
    authorize_url="https://login.fake.example/oauth/authorize",
    token_url="{base}/oauth/token",
    revoke_url="{base}/oauth/revoke",
    scopes=SCOPES,
    keeps_instance_url=True,
    refresh_margin_s=60,
)
TRAITS = Traits(
    app="fake",
    label="Fake CRM",
    base_url="https://{subdomain}.fake.example",
    hosts=("*.fake.example",),
    oauth=OAUTH,
    key_label="API key",
    settings=(
        SettingField("subdomain", "Subdomain", pattern="[a-z0-9-]{1,40}"),
        SettingField("pin", "PIN", required=False, secret=True),
    ),
    entities=("contacts",),
    contact_entity="contacts",
    write_batch=100,
    read_batch=100,
    tags=TagTraits(TagPlace.FIELD, field="tags", separator=";", needs_options=True),
    rates=(),
)


class FakeCRM:
    """The adapter: as much of the port as connections use."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        base = account.instance_url or account.base_url or ""
        self._session = requests_session(wire, base)
        self._session.headers["Authorization"] = f"Bearer {account.token}"
        self._base = base

    def probe(self) -> Identity:
        answer = self._called("GET", "/me")
        return Identity(answer["account"], f"Account {answer['account']}", user_id=answer["user"])

    def entities(self) -> tuple[Entity, ...]:
        length = self._called("GET", "/fields")["length"]
        nps = Field("nps", "NPS", FieldType.INTEGER, native_type="number")
        comment = Field("comment", "Comment", FieldType.TEXT, max_length=length)
        return (Entity("contacts", "Contact", (nps, comment)),)

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        raise NotImplementedError

    def write(self, batch: Batch) -> BatchResult | Started:
        raise NotImplementedError

    def provision_tags(self, entity: str, options: Sequence[TagOptions]) -> None:
        tags = [tag for one in options for tag in one.tags]
        self._called("POST", "/options", json=tags)

    def _called(self, method: str, path: str, json: object = None) -> Any:
        answer = self._session.request(method, self._base + path, json=json)
        if answer.status_code == 401:
            raise TokenExpired
        if answer.status_code == 403:
            scope = answer.json()["scope"]
            raise PauseMapping(code="scope_missing", scope=scope)
        if answer.status_code >= 500:
            raise TryLater(code="crm_unavailable")
        return answer.json()


def with_oauth(**changes: Any) -> Traits:
    """The traits with other OAuth data."""
    return replace(TRAITS, oauth=replace(OAUTH, **changes))
