"""Speaks OAuth 2 with a CRM's own endpoints: the URL to consent at, code to grant, refresh, revoke.

No database here. The endpoints are data (adapters.traits.OAuthTraits); what they raise is named for
what the caller does:

    ReconnectNeeded     the grant or the client is refused for good: a person must connect again
    Throttled, TryLater the endpoint is busy, broken or out of reach: the old grant still stands
    OutcomeUnknown      the call left us and no readable answer came: the grant may be replaced
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from adapters.errors import AdapterError, ReconnectNeeded, TryLater
from adapters.http import Wire, failure, requests_session
from adapters.traits import OAuthTraits, Traits
from connector.connections.grants import Grant, grant_in, judged
from connector.connections.hosts import AllowedHosts, HostNotAllowed, allowed_origin
from schemas.secret import Secret


@dataclass(frozen=True, slots=True)
class Client:
    """The registration under which we ask: the workspace's own, or the operator's."""

    client_id: str
    client_secret: Secret


@dataclass(frozen=True, slots=True)
class Provider:
    """One connection's OAuth endpoints, made from the app's traits and the connection's settings.

    `base_url` is the connection's own override (sandbox, simulator) or None. With an override every
    endpoint keeps its path and moves to that origin: one address serves them all.
    """

    traits: Traits
    settings: Mapping[str, Any]
    base_url: str | None
    allowed: AllowedHosts
    wire: Wire = field(default_factory=Wire)

    @property
    def oauth(self) -> OAuthTraits:
        """The app's OAuth data; only apps that have it get here."""
        assert self.traits.oauth is not None  # noqa: S101 - connect.py refuses OAuth for other apps
        return self.traits.oauth

    def endpoint(self, template: str) -> str:
        """The URL of an endpoint. Raises HostNotAllowed when a setting leads to a foreign host."""
        own = self.base_url or self.traits.base_url.format_map(self.settings)
        url = template.format_map({**self.settings, "base": own.rstrip("/")})
        parts = urlsplit(url)
        origin = self.checked(f"{parts.scheme}://{parts.netloc}")
        if self.base_url is not None:
            origin = self.checked(self.base_url)
        return origin + parts.path

    def checked(self, origin: str) -> str:
        """An origin this app may have: its own hosts, its endpoints' hosts, the operator's list."""
        own_hosts = (*self.traits.hosts, *_fixed_hosts(self.traits))
        return allowed_origin(origin, own_hosts=own_hosts, allowed=self.allowed)


def prepare() -> None:
    """Import what a call needs; do it before locking a row. Authlib costs half a second."""
    import authlib.integrations.requests_client  # noqa: F401, PLC0415 - most processes never need it


def consent_url(
    provider: Provider, client: Client, *, redirect_uri: str, state: str, verifier: str
) -> str:
    """The provider's page where a person allows the connection. PKCE S256 always (RFC 7636)."""
    oauth = provider.oauth
    with _session(provider, client, oauth.authorize_url) as session:
        url, _ = session.create_authorization_url(
            provider.endpoint(oauth.authorize_url),
            state=state,
            code_verifier=verifier,
            redirect_uri=redirect_uri,
            scope=oauth.scope_separator.join(oauth.wanted(provider.settings)),
            **oauth.extra_authorize,
        )
    return str(url)


def exchange(
    provider: Provider, client: Client, *, code: str, redirect_uri: str, verifier: str
) -> Grant:
    """The grant for a code; a code serves once, so no error here is worth a second try."""
    url = provider.endpoint(provider.oauth.token_url)
    with _session(provider, client, provider.oauth.token_url) as session:
        answer = told(
            lambda: session.fetch_token(
                url,
                grant_type="authorization_code",
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=verifier,
                allow_redirects=False,
            )
        )
    return grant_of(provider, answer)


def refresh(provider: Provider, client: Client, *, refresh_token: Secret) -> Grant:
    """A new grant for the refresh token, which may be dead from then on."""
    url = provider.endpoint(provider.oauth.token_url)
    with _session(provider, client, provider.oauth.token_url) as session:
        answer = told(
            lambda: session.refresh_token(
                url, refresh_token=refresh_token.reveal(), allow_redirects=False
            )
        )
    return grant_of(provider, answer)


def revoke(
    provider: Provider, client: Client, *, access_token: Secret, refresh_token: Secret | None
) -> bool:
    """Whether the provider took the grant back; False when it has no endpoint for that.

    Raises AdapterError when it could not be reached or refused: the caller says so to the admin.
    """
    template = provider.oauth.revoke_url
    if template is None:
        return False
    if provider.oauth.revoke_body == "delete":
        answer = _deleted(provider, template, access_token)
    else:
        # Ending the refresh token ends the access tokens that came of it as well (RFC 7009).
        answer = _posted(provider, client, template, token=refresh_token or access_token)
    if answer.status_code >= 300:
        message = f"the provider answered {answer.status_code} to the revocation"
        raise TryLater(message, code="revoke_failed")
    return True


def _posted(
    provider: Provider, client: Client, template: str, *, token: Secret
) -> requests.Response:
    url = provider.endpoint(template)
    with _session(provider, client, template, body=provider.oauth.revoke_body) as session:
        answer: requests.Response = told(
            lambda: session.revoke_token(url, token=token.reveal(), allow_redirects=False)
        )
    return answer


def _deleted(provider: Provider, template: str, access_token: Secret) -> requests.Response:
    """Some revoke by deleting the caller's own token: the bearer says which one."""
    parts = urlsplit(provider.endpoint(template))
    origin = f"{parts.scheme}://{parts.netloc}"
    bearer = {"Authorization": f"Bearer {access_token.reveal()}"}
    with requests_session(provider.wire, origin) as session:
        answer: requests.Response = told(
            lambda: session.delete(origin + parts.path, headers=bearer, allow_redirects=False)
        )
    return answer


def _session(provider: Provider, client: Client, template: str, *, body: str | None = None) -> Any:  # noqa: ANN401 - authlib has no types
    # Authlib costs half a second to import, and most processes never refresh.
    from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415

    session = OAuth2Session(
        client_id=client.client_id,
        code_challenge_method="S256",
        token_endpoint_auth_method=_signed(provider, client, body=body or provider.oauth.body),
        revocation_endpoint_auth_method=_signed(
            provider, client, body=body or provider.oauth.revoke_body, extra={}
        ),
    )
    session.register_compliance_hook("access_token_response", judged)
    session.register_compliance_hook("refresh_token_response", judged)
    _confine(session, provider, template)
    return session


def _confine(session: requests.Session, provider: Provider, template: str) -> None:
    """Give Authlib's session our transport: one origin, one deadline, no redirects, no netrc."""
    parts = urlsplit(provider.endpoint(template))
    ours = requests_session(provider.wire, f"{parts.scheme}://{parts.netloc}")
    session.adapters = ours.adapters
    session.trust_env = False
    # No call follows one; with 0, requests would raise before we can judge the answer.
    session.max_redirects = 1


def _signed(
    provider: Provider, client: Client, *, body: str, extra: Mapping[str, Any] | None = None
) -> Callable[..., tuple[str, dict[str, str], str]]:
    """Puts the client's id and secret into the body, a form or JSON: all three want them there."""
    added = {
        "client_id": client.client_id,
        "client_secret": client.client_secret.reveal(),
        **(provider.oauth.extra_token if extra is None else extra),
    }

    def sign(
        _auth: object, _method: str, url: str, headers: dict[str, str], form: str | None
    ) -> tuple[str, dict[str, str], str]:
        fields = {**dict(parse_qsl(form or "", keep_blank_values=True)), **added}
        if body == "json":
            headers["Content-Type"] = "application/json"
            return url, headers, json.dumps(fields)
        return url, headers, urlencode(fields)

    return sign


def told(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - authlib has no types
    """The call's answer, or the port's error for whatever it raised."""
    try:
        return call()
    except (requests.RequestException, AdapterError) as exc:
        raise failure(exc) from exc


def grant_of(provider: Provider, said: Mapping[str, Any]) -> Grant:
    """The grant in an answer that was judged to be one."""
    instance_url = _instance_url(provider, said.get("instance_url"))
    return grant_in(said, assumed_s=provider.oauth.expires_in_s, instance_url=instance_url)


def _instance_url(provider: Provider, said: object) -> str | None:
    """Where the account lives. The token goes there, so it must be a host the app may have."""
    if not provider.oauth.keeps_instance_url or not isinstance(said, str):
        return None
    try:
        return provider.checked(said)
    except HostNotAllowed as exc:
        message = "the provider named an instance on a host that is not allowed"
        raise ReconnectNeeded(message, code="instance_not_allowed") from exc


def _fixed_hosts(traits: Traits) -> Iterable[str]:
    """Hosts that the app's own data spells out, such as a consent page on another host."""
    for template in sign_in_urls(traits):
        host = urlsplit(template).netloc
        if host and "{" not in host:
            yield host


def sign_in_urls(traits: Traits) -> tuple[str, ...]:
    """The templates of every endpoint that a connection signs in or out at."""
    oauth, exchange = traits.oauth, traits.key_exchange
    of_oauth = (oauth.authorize_url, oauth.token_url, oauth.revoke_url or "") if oauth else ()
    return (*of_oauth, *((exchange.url,) if exchange else ()))
