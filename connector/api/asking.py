"""Who asks, and may they: judged once for every request, before any endpoint runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, Response, g, request
from sqlalchemy import text

from connector import audit, clock, partners
from connector.access import Actor, Door, Member, Role, Rule, missing, rule_for
from connector.api.context import hub
from connector.api.gate import HOOK, REFUSED, kind_of
from connector.keys import StoredKey, is_good, public_id_of, use_is_to_be_noted
from connector.problems import Code, Refusal, not_found

_SCHEME = "bearer "


def install(app: Flask, *, page_member: Callable[[Rule], Member | None]) -> None:
    """Judge every request that has a route. `page_member` judges those that come with a session:
    it refuses, or tells the member (None where the page belongs to no workspace).
    """

    @app.before_request
    def judged() -> None:
        if request.url_rule is None or request.routing_exception is not None:
            return  # Flask answers 404 or 405
        rule = rule_for(request.method, request.url_rule.rule)
        if rule is None:
            raise not_found()
        g.rule = rule
        kind = kind_of(request.method, request.url_rule.rule)
        if rule.door is Door.KEY:
            g.kind = kind
            g.actor = allowed(_known(), rule)
            hub().gate.pass_through(kind, g.actor.public_id)
        elif rule.door is not Door.OPEN:
            member = page_member(rule)
            if member is not None:
                g.actor = allowed(member, rule)
                hub().gate.pass_through(kind, member.name)
        elif request.method == "POST":
            hub().gate.pass_through(HOOK, request.remote_addr or "")

    _tell_limits(app)


def _tell_limits(app: Flask) -> None:
    @app.after_request
    def told(response: Response) -> Response:
        """The limit of this kind of request (draft-ietf-httpapi-ratelimit-headers-10)."""
        if policy := hub().gate.policy(g.get("kind", "")):
            response.headers["RateLimit-Policy"] = policy
        return response


def _known() -> Actor:
    """The holder of the key; an address that presents wrong ones is held up after a while, a good
    key from it is not.
    """
    try:
        return _actor()
    except Refusal:
        hub().gate.pass_through(REFUSED, request.remote_addr or "")
        raise


Asker = TypeVar("Asker", Actor, Member)


def allowed(actor: Asker, rule: Rule) -> Asker:
    """The asker, if the rule lets them; Refusal(SCOPE_MISSING) and an entry in the log if not."""
    lacking = missing(actor, rule)
    if lacking is None:
        return actor
    with hub().database.begin(actor.workspace_id) as connection:
        audit.record(
            connection,
            actor.workspace_id,
            actor=actor.name,
            action="access.refused",
            detail={"route": str(request.url_rule), "method": request.method, "lacks": lacking},
            address=request.remote_addr,
        )
    holder = "key" if isinstance(actor, Actor) else "account"
    raise Refusal(Code.SCOPE_MISSING, f"The {holder} lacks {lacking}.")


def _actor() -> Actor:
    """The holder of the key in the Authorization header. One answer to every wrong key."""
    header = request.headers.get("Authorization", "")
    presented = header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else ""
    public_id = public_id_of(presented)
    found = _stored(public_id) if public_id else None
    now = clock.now()
    if found is None or not is_good(found[1], presented, now=now):
        raise Refusal(Code.UNAUTHENTICATED)
    actor, stored = found
    if use_is_to_be_noted(stored, now=now):
        _note_use(actor)
    slug = request.headers.get(partners.HEADER)
    return actor if slug is None else partners.inside(hub().database, actor, slug)


def _stored(public_id: str) -> tuple[Actor, StoredKey] | None:
    with hub().database.across() as connection:
        row = connection.execute(
            text("SELECT * FROM ab_key(:wanted)"), {"wanted": public_id}
        ).one_or_none()
    if row is None:
        return None
    actor = Actor(row.workspace_id, row.id, public_id, Role(row.role), frozenset(row.scopes))
    stored = StoredKey(
        digest=bytes(row.digest),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
    return actor, stored


def _note_use(actor: Actor) -> None:
    with hub().database.begin(actor.workspace_id) as connection:
        # Skipped when another request of this key is writing it: nobody waits for a note of use.
        connection.execute(
            text(
                "UPDATE api_key SET last_used_at = now() WHERE id = (SELECT id FROM api_key"
                " WHERE id = :id AND (last_used_at IS NULL OR last_used_at < now() - interval"
                " '1 minute') FOR UPDATE SKIP LOCKED)"
            ),
            {"id": actor.key_id},
        )
