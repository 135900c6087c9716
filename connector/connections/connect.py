"""Makes, changes and proves connections: what an admin does with them.

A secret goes in and never comes out: the view says only that it is set and since when. An empty
secret field keeps the secret there is.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from adapters.errors import AdapterError, ReconnectNeeded, TokenExpired
from connector.connections import credentials, machine, parking, profile, tokens
from connector.connections.credentials import Kept
from connector.connections.desk import Desk
from connector.connections.establish import OTHER_ACCOUNT, Established, establish, identify
from connector.connections.form import LONGEST_KEY, Form, endpoints, filled_in
from connector.connections.holding import audited, forget_consents, held, rewrite
from connector.connections.profile import Profile, app_traits, refused_setting
from connector.connections.refusals import refusal_of
from connector.connections.views import View, view
from connector.db import sqlstate
from connector.problems import Code, Refusal
from connector.tables import connection as connections
from schemas.phrases import phrase
from schemas.secret import Secret

_UNIQUE = "23505"
_NOTHING = Secret("")


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change; None leaves a thing as it is, an empty `base_url` removes the override.

    `settings` are laid over those there are. An empty key or secret setting changes nothing.
    """

    name: str | None = None
    base_url: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    key: Secret = _NOTHING


def create(
    desk: Desk,
    workspace_id: int,
    *,
    app: str,
    name: str,
    auth: str,
    base_url: str | None = None,
    settings: Mapping[str, Any] | None = None,
    key: Secret = _NOTHING,
    actor: str,
) -> View:
    """A new connection. With a key it is proved at once; by OAuth it waits for `oauth.authorize`.

    Refusal setting_invalid or host_refused naming every wrong place, name_taken, app_unknown.
    """
    form = filled_in(
        app_traits(app),
        name=name,
        auth=auth,
        base_url=base_url or None,
        settings=settings or {},
        secrets_kept=(),
        allowed=desk.allowed,
    )
    _check_key(auth, key, is_kept=False)
    with _unique_names(), desk.database.begin(workspace_id) as connection:
        here = _added(connection, workspace_id, form)
        _keep_secrets(connection, desk, here, kept=None, form=form, key=key)
        audited(connection, here, action="created", actor=actor)
    return _proved_if_key(desk, here)


def change(
    desk: Desk, workspace_id: int, connection_id: int, *, changes: Changes, actor: str
) -> View:
    """The connection with the changes made; one with a key is proved again.

    Where a change leads to another host, the stored secrets are dropped and not sent there: the
    key must come with the change, or the connection be authorized again.
    """
    with _unique_names(), desk.database.begin(workspace_id) as connection:
        here, kept = held(connection, desk, workspace_id, connection_id=connection_id)
        form = _changed(desk, here, kept, changes)
        moved = _has_moved(here, form)
        if moved:
            kept = None
        _check_key(here.auth, changes.key, is_kept=kept is not None and kept.token is not None)
        renewed = bool(moved or changes.key or form.secrets)
        _rewrite(connection, here, form, moved=moved, renewed=renewed)
        if moved:
            forget_consents(connection, here)
        if renewed:
            _keep_secrets(connection, desk, here, kept=kept, form=form, key=changes.key)
        audited(connection, here, action="changed", actor=actor, detail={"moved": moved})
    return _proved_if_key(desk, here)


def probe(desk: Desk, workspace_id: int, connection_id: int, *, actor: str | None) -> Established:
    """Prove the connection with one call; what needed attention and has healed is resumed.

    Refusal not_connected, crm_refused (then it needs attention, `extra["reason"]` is the code),
    crm_unavailable, or conflict when another account answers. `actor` None: it is part of an act
    that has its audit entry.
    """
    try:
        reached = tokens.reach_anyhow(desk, workspace_id, connection_id)
        try:
            answered = identify(reached.profile.app, reached.account, allowed=desk.allowed)
        except TokenExpired:
            reached = tokens.reach_anyhow(
                desk, workspace_id, connection_id, seen_version=reached.version
            )
            answered = identify(reached.profile.app, reached.account, allowed=desk.allowed)
    except AdapterError as exc:
        raise _not_proved(desk, workspace_id, connection_id, exc) from exc
    try:
        return establish(
            desk, reached.profile, answered, document=None, instance_url=None, actor=actor
        )
    except Refusal as exc:
        if exc.extra.get("reason") == OTHER_ACCOUNT:
            parking.park(desk, workspace_id, connection_id, code=OTHER_ACCOUNT, seen_version=None)
        raise


def _proved_if_key(desk: Desk, here: Profile) -> View:
    """The view after the first call, where no person has to consent before it; a refusal is not
    raised but stands in the view.
    """
    by_itself = machine.kind_of(here.traits, here.settings) is not None
    if here.auth == "key" or by_itself:
        with suppress(Refusal):
            probe(desk, here.workspace_id, here.id, actor=None)
    return view(desk, here.workspace_id, here.id)


def _not_proved(desk: Desk, workspace_id: int, connection_id: int, exc: AdapterError) -> Refusal:
    """Say on the connection why it does not work; what to tell who asked for the probe."""
    if isinstance(exc, TokenExpired):
        exc = ReconnectNeeded(code="token_refused")
    if not isinstance(exc, ReconnectNeeded):
        _note_why_not(desk, workspace_id, connection_id, code=exc.code)
    elif exc.code != "not_connected":
        parking.park(desk, workspace_id, connection_id, code=exc.code, seen_version=None)
    return refusal_of(exc)


def _note_why_not(desk: Desk, workspace_id: int, connection_id: int, *, code: str) -> None:
    """Let a connection that was never proved say why; one that works stays as it is."""
    with desk.database.begin(workspace_id) as connection:
        here = profile.locked(connection, workspace_id, connection_id)
        if here.state == "new":
            reason = phrase("The CRM did not answer as expected. Probe the connection again.")
            rewrite(connection, here, {"reason_code": code, "reason": reason})


def _added(connection: Connection, workspace_id: int, form: Form) -> Profile:
    connection_id = connection.execute(
        insert(connections)
        .values(
            workspace_id=workspace_id,
            app=form.app,
            name=form.name,
            auth=form.auth,
            base_url=form.base_url,
            settings=dict(form.settings),
        )
        .returning(connections.c.id)
    ).scalar_one()
    return profile.load(connection, workspace_id, int(connection_id))


def _changed(desk: Desk, here: Profile, kept: Kept | None, changes: Changes) -> Form:
    return filled_in(
        here.traits,
        name=here.name if changes.name is None else changes.name,
        auth=here.auth,
        base_url=here.base_url if changes.base_url is None else changes.base_url or None,
        settings={**here.settings, **changes.settings},
        secrets_kept=kept.document.get("settings", {}) if kept else (),
        allowed=desk.allowed,
    )


def _has_moved(here: Profile, form: Form) -> bool:
    """Whether calls or tokens would go to other addresses than before."""
    before = endpoints(here.traits, base_url=here.base_url, settings=here.settings)
    return before != endpoints(here.traits, base_url=form.base_url, settings=form.settings)


def _rewrite(
    connection: Connection, here: Profile, form: Form, *, moved: bool, renewed: bool
) -> None:
    """Store the form. New secrets are not used before the same account has answered to them."""
    values: dict[str, Any] = {
        "name": form.name,
        "base_url": form.base_url,
        "settings": dict(form.settings),
    }
    if renewed:
        values.update(state="new", reason_code=None, reason=None)
    if moved:
        values["instance_url"] = None
    rewrite(connection, here, values)


def _keep_secrets(
    connection: Connection,
    desk: Desk,
    here: Profile,
    *,
    kept: Kept | None,
    form: Form,
    key: Secret,
) -> None:
    """Seal what was filled in over what there was; `kept` None: nothing there was is kept."""
    document = dict(kept.document) if kept else {}
    document["settings"] = {**document.get("settings", {}), **form.secrets}
    if key:
        # A token that an older key was exchanged for goes with it.
        document = {"settings": document["settings"], "key": key.reveal()}
    credentials.save(connection, desk, here.workspace_id, connection_id=here.id, document=document)


def _check_key(auth: str, key: Secret, *, is_kept: bool) -> None:
    text = ""
    if auth == "oauth" and key:
        text = phrase("this connection uses OAuth: it has no key")
    elif auth == "key" and not key and not is_kept:
        text = phrase("the key is missing")
    elif len(key.reveal()) > LONGEST_KEY or not key.reveal().isprintable():
        text = phrase("the key does not have the form of a key")
    if text:
        raise refused_setting(pointer="/key", code="invalid" if key else "required", text=text)


@contextmanager
def _unique_names() -> Iterator[None]:
    try:
        yield
    except IntegrityError as exc:
        if sqlstate(exc) != _UNIQUE:
            raise
        raise Refusal(Code.NAME_TAKEN) from exc
