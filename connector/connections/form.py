"""What an admin fills in for a connection, checked against the app's traits. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from adapters.traits import (
    CLIENT_CREDENTIALS,
    GRANT,
    JWT_BEARER,
    PRIVATE_KEY,
    USERNAME,
    SettingField,
    Traits,
)
from connector.connections.budget import CALLS, MOST_PERCENT, RATE_RESERVE, RESERVE
from connector.connections.hosts import AllowedHosts, HostNotAllowed, allowed_origin
from connector.problems import Code, Place, Refusal
from schemas.phrases import phrase

# Settings that every app has: further entities, and the calls a minute of the account's plan.
ENTITIES = "entities"
LONGEST_NAME, LONGEST_KEY, MOST_ENTITIES = 120, 4_096, 20
MOST_CALLS = 100_000
_ENTITY = re.compile(r"[A-Za-z0-9_.-]{1,120}")


@dataclass(frozen=True, slots=True)
class Form:
    """A whole connection as it shall be. `secrets` are the secret settings that were filled in."""

    app: str
    name: str
    auth: str
    base_url: str | None
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)


def filled_in(
    traits: Traits,
    *,
    name: str,
    auth: str,
    base_url: str | None,
    settings: Mapping[str, Any],
    secrets_kept: Iterable[str],
    allowed: AllowedHosts,
) -> Form:
    """The form, if all of it is right; a Refusal naming every wrong place at once otherwise.

    A secret setting that is empty counts as filled in when it is among `secrets_kept`.
    """
    faults = [
        *_name_faults(name),
        *_auth_faults(traits, auth),
        *_setting_faults(traits, settings, frozenset(secrets_kept)),
        *_grant_faults(traits, settings, base_url, kept=frozenset(secrets_kept)),
    ]
    if faults:
        raise Refusal(Code.SETTING_INVALID, faults[0].text, places=faults)
    secret = {one.name for one in traits.settings if one.secret}
    plain = {key: value for key, value in settings.items() if key not in secret and value != ""}
    return Form(
        app=traits.app,
        name=name.strip(),
        auth=auth,
        base_url=_origin(traits, base_url, settings=plain, allowed=allowed),
        settings=plain,
        secrets={key: settings[key] for key in secret if settings.get(key)},
    )


def endpoints(
    traits: Traits, *, base_url: str | None, settings: Mapping[str, Any]
) -> tuple[str, ...]:
    """Every address that the secrets of a connection would be sent to, as far as its settings and
    base URL tell.
    """
    own = base_url or traits.base_url.format_map(settings)
    oauth, exchange = traits.oauth, traits.key_exchange
    templates = [oauth.authorize_url, oauth.token_url] if oauth else []
    templates += [exchange.url] if exchange else []
    return (own, *(one.format_map({**settings, "base": own}) for one in templates))


def _name_faults(name: str) -> Iterable[Place]:
    if not name.strip():
        yield Place("/name", "required", phrase("the name is missing"))
    elif len(name) > LONGEST_NAME or not name.isprintable():
        text = phrase(
            "the name may have %(longest_name)s printable characters", longest_name=LONGEST_NAME
        )
        yield Place("/name", "invalid", text)


def _auth_faults(traits: Traits, auth: str) -> Iterable[Place]:
    offered = {"oauth": traits.oauth is not None, "key": traits.key_label is not None}
    if not offered.get(auth):
        forms = " or ".join(form for form, is_offered in offered.items() if is_offered)
        yield Place(
            "/auth",
            "not_offered",
            phrase("%(label)s connects by %(forms)s", label=phrase(traits.label), forms=forms),
        )


def _setting_faults(
    traits: Traits, settings: Mapping[str, Any], kept: frozenset[str]
) -> Iterable[Place]:
    known = {one.name: one for one in traits.settings}
    for key in settings.keys() - known.keys() - {ENTITIES, CALLS, RESERVE, RATE_RESERVE}:
        yield Place(f"/settings/{_escaped(key)}", "unknown", phrase("there is no such setting"))
    for one in traits.settings:
        yield from _one_fault(one, settings.get(one.name), is_kept=one.name in kept)
    if not _are_entities(settings.get(ENTITIES, [])):
        text = phrase(
            "a list of at most %(most_entities)s entity names is needed",
            most_entities=MOST_ENTITIES,
        )
        yield Place(f"/settings/{ENTITIES}", "invalid", text)
    if not _is_rate(settings.get(CALLS, 1)):
        text = phrase("a whole number from 1 to %(most_calls)s is needed", most_calls=MOST_CALLS)
        yield Place(f"/settings/{CALLS}", "invalid", text)
    for name in (RESERVE, RATE_RESERVE):
        if not _is_percentage(settings.get(name, 0)):
            text = phrase(
                "a whole number from 0 to %(most_percent)s is needed", most_percent=MOST_PERCENT
            )
            yield Place(f"/settings/{name}", "invalid", text)


def _grant_faults(
    traits: Traits, settings: Mapping[str, Any], base_url: str | None, *, kept: frozenset[str]
) -> Iterable[Place]:
    """What a connection that signs in by itself still needs."""
    grant = settings.get(GRANT.name)
    if traits.oauth is None or grant not in traits.oauth.grants:
        return
    if grant == JWT_BEARER:
        for one in (USERNAME, PRIVATE_KEY):
            if not settings.get(one.name) and one.name not in kept:
                yield Place(
                    f"/settings/{one.name}",
                    "required",
                    phrase("%(label)s is missing", label=phrase(one.label)),
                )
    host = urlsplit(base_url or traits.base_url).hostname
    if grant == CLIENT_CREDENTIALS and host in traits.oauth.shared_hosts:
        text = phrase(
            "%(label)s takes %(client_credentials)s at the account's own address only",
            label=phrase(traits.label),
            client_credentials=CLIENT_CREDENTIALS,
        )
        yield Place("/base_url", "own_address_needed", text)


def _one_fault(one: SettingField, value: object, *, is_kept: bool) -> Iterable[Place]:
    pointer = f"/settings/{one.name}"
    if value in {None, ""}:
        if one.required and not (one.secret and is_kept):
            yield Place(
                pointer, "required", phrase("%(label)s is missing", label=phrase(one.label))
            )
        return
    seen = "".join(str(value).splitlines()) if one.lines else str(value)
    fits = isinstance(value, str) and len(value) <= one.longest and seen.isprintable()
    if not fits or (one.pattern and not re.fullmatch(one.pattern, str(value))):
        yield Place(
            pointer,
            "invalid",
            phrase(
                "%(label)s does not have the right form. %(help)s",
                label=phrase(one.label),
                help=phrase(one.help),
            ),
        )


def _are_entities(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_ENTITIES
        and all(isinstance(one, str) and _ENTITY.fullmatch(one) for one in value)
    )


def _is_rate(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_CALLS


def _is_percentage(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_PERCENT


def _origin(
    traits: Traits, base_url: str | None, *, settings: Mapping[str, Any], allowed: AllowedHosts
) -> str | None:
    """The override as an origin, None without one; then the app's own address must be allowed. An
    app whose address is a setting or the key has neither.
    """
    if not traits.base_url:
        _refuse_base_url(base_url)
        return None
    own = base_url or traits.base_url.format_map(settings)
    try:
        origin = allowed_origin(own, own_hosts=traits.hosts, allowed=allowed)
    except HostNotAllowed as exc:
        place = Place("/base_url" if base_url else "/settings", exc.code, str(exc))
        raise Refusal(Code.HOST_REFUSED, str(exc), places=(place,)) from exc
    return origin if base_url else None


def _refuse_base_url(base_url: str | None) -> None:
    if base_url:
        text = phrase("this app has no base URL: its address is filled in by itself")
        place = Place("/base_url", "not_offered", text)
        raise Refusal(Code.SETTING_INVALID, text, places=(place,))


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
