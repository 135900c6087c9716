"""Survey sources: the address at which a platform pushes, what came through it, and trying it out.

The address and a secret of ours are shown when they are made, and never again.
"""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector import clock
from connector.admin.language import gettext, said
from connector.admin.page import field, go, loaded, page, problem_words, show, tell, whole_number
from connector.api.context import Told, changing, hub, member, noting, reading
from connector.connections.profile import Profile, load_all
from connector.documents import read_yaml, write_yaml
from connector.problems import Code, Place, Refusal, not_found
from connector.queues import GATHER, PLAN
from connector.responses import emptied, notices, surveydues, tracking, trial
from connector.responses import sources as story
from connector.responses.platforms import Described, described
from connector.responses.sourcefile import settings_of
from connector.responses.sources import FreshSource
from schemas.source import (
    ChangeSourceSchema,
    ConfirmEmptiedSchema,
    NewSourceSchema,
    TrySourceSchema,
)
from schemas.sources import PLATFORMS

_ALL = "/w/<key:space>/settings/sources"
_ONE = f"{_ALL}/<id:source_id>"
MOST_SETTINGS = 64 * 1024
MOST_NOTICES = 20
MENDED_HERE = {
    Code.BODY_INVALID, Code.SETTING_INVALID, Code.NAME_TAKEN, Code.JSON_INVALID, Code.JSON_REFUSED,
    Code.FILE_INVALID,
}  # fmt: skip


@page.get(_ALL)
def source_list() -> Response:
    """Every source, and what came through it lately"""
    rows, came = reading(
        lambda store: (
            story.listed(store, member().workspace_id),
            story.lately(store, member().workspace_id),
        )
    )
    found = [
        (row, described(row["platform"], row["settings"]), came.get(f"hook:{row['id']}"))
        for row in rows
    ]
    return show("pages/settings/sources.html", found=found, scheme_word=scheme_word)


@page.get(f"{_ALL}/new")
def new_source() -> Response:
    """Which platform, then what it needs"""
    return _new()


@page.post(f"{_ALL}/new")
def create_source() -> Response:
    """Make a source; this answer is the only one that shows its address and secret"""
    try:
        settings = _settings()
        wanted = loaded(NewSourceSchema(), _filled("platform") | {"settings": settings})
        made = changing(
            lambda store: story.create(store, hub().desk, member().workspace_id, **wanted), _told
        )
    except Refusal as refusal:
        if refusal.code not in MENDED_HERE:
            raise
        return _new(refusal=refusal)
    return _shown(made.id, fresh=made)


@page.get(_ONE)
def source(source_id: int) -> Response:
    """Its platform, its settings, what came through it"""
    return _shown(source_id)


@page.post(_ONE)
def change_source(source_id: int) -> Response:
    """Other settings, or a secret that the platform has made; empty keeps the one there is"""
    try:
        wanted: dict[str, Any] = {
            name: value for name, value in _filled().items() if name in {"secret", "token"}
        }
        wanted |= {"settings": _settings()} if "settings" in request.form else {}
        checked = loaded(ChangeSourceSchema(), wanted)
        changing(
            lambda store: story.change(
                store, hub().desk, member().workspace_id, source_id, **checked
            ),
            _told,
        )
    except Refusal as refusal:
        if refusal.code not in MENDED_HERE:
            raise
        return _shown(source_id, refusal=refusal)
    return tell(_back(source_id), gettext("Saved. It holds from the next message on."))


@page.post(f"{_ONE}/rotate")
def rotate_source(source_id: int) -> Response:
    """A new secret, or a new address; shown this once"""

    def rotated(store: Connection) -> FreshSource:
        if field("what", most=10) == "address":
            return story.rotate_address(store, member().workspace_id, source_id)
        return story.rotate_secret(store, hub().desk, member().workspace_id, source_id)

    return _shown(source_id, fresh=changing(rotated, _told))


@page.post(f"{_ONE}/test")
def try_source(source_id: int) -> Response:
    """Send a test response through the source, all the way to the CRM"""
    workspace_id = member().workspace_id
    try:
        score = field("score", most=4)
        asked = {"email": field("email").strip(), "score": int(score) if score.isdigit() else None}
        wanted = loaded(TrySourceSchema(), asked)
        here = reading(lambda store: story.of_id(store, hub().desk, workspace_id, source_id))
        limits = hub().settings.files
        sent = trial.send(hub().database, here, **wanted, at=clock.now(), limits=limits)
    except Refusal as refusal:
        if refusal.code not in {*MENDED_HERE, Code.SIGNATURE_INVALID}:
            raise
        return _shown(source_id, refusal=refusal)
    noting(Told(f"source:{source_id}", {"response": sent.id}))
    hub().bell.ring(PLAN, workspace_id)
    return go("pages.source", source_id=source_id, tried=sent.response_id)


@page.post(f"{_ONE}/notices/retry")
def retry_notices(source_id: int) -> Response:
    """Fetch now what waits for its next try, and again what could not be had"""

    def retried(store: Connection) -> int:
        story.of_id(store, hub().desk, member().workspace_id, source_id)
        return notices.retry(store, source_id)

    count = changing(retried, lambda n: Told(f"source:{source_id}", {"count": n}))
    hub().bell.ring(GATHER, member().workspace_id)
    return tell(_back(source_id), gettext("Fetched again: %(count)s.", count=count))


@page.post(f"{_ONE}/pause")
def pause_source(source_id: int) -> Response:
    """Keep what comes, and plan none of it"""
    changing(
        lambda store: story.pause(store, member().workspace_id, source_id),
        lambda n: Told(f"source:{source_id}", {"waiting": n}),
    )
    words = gettext("Paused. What comes is taken and waits; nothing is lost.")
    return tell(_back(source_id), words, kind="warning")


@page.post(f"{_ONE}/resume")
def resume_source(source_id: int) -> Response:
    """Plan what has waited"""
    count = changing(
        lambda store: story.resume(store, member().workspace_id, source_id),
        lambda n: Told(f"source:{source_id}", {"released": n}),
    )
    hub().bell.ring(PLAN, member().workspace_id)
    words = gettext("It goes on. Responses that have waited: %(count)s.", count=count)
    return tell(_back(source_id), words)


@page.post(f"{_ONE}/emptied")
def confirm_emptied(source_id: int) -> Response:
    """What is gone at once was deleted: take it back"""
    wanted = loaded(ConfirmEmptiedSchema(), {"gone": whole_number(field("gone", most=9))})
    workspace_id, now = member().workspace_id, clock.now()
    try:
        changing(
            lambda store: emptied.confirm(store, workspace_id, source_id, **wanted, now=now),
            lambda held: Told(f"source:{source_id}", {"gone": held.gone, "asked": held.asked}),
        )
    except Refusal as refusal:
        if refusal.code != Code.CONFLICT:
            raise
        return tell(_back(source_id), said(refusal.detail), kind="warning")
    hub().bell.ring(GATHER, workspace_id)
    words = gettext("Confirmed. What these responses have written goes back, beginning now.")
    return tell(_back(source_id), words)


@page.post(f"{_ONE}/surveys")
def fetch_source_surveys(source_id: int) -> Response:
    """Fetch how the platform defines its surveys: all of them soon, each night what has changed"""
    try:
        changing(
            lambda store: surveydues.ask_for(store, hub().desk, member().workspace_id, source_id),
            lambda _: Told(f"source:{source_id}"),
        )
    except Refusal as refusal:
        if refusal.code not in MENDED_HERE:
            raise
        return _shown(source_id, refusal=refusal)
    hub().bell.ring(GATHER, member().workspace_id)
    said = gettext("The platform is asked for its surveys now. How it goes stands below.")
    return tell(_back(source_id), said)


@page.post(f"{_ONE}/delete")
def delete_source(source_id: int) -> Response:
    """Its address answers as one that never was"""
    changing(
        lambda store: story.delete(store, member().workspace_id, source_id),
        lambda _: Told(f"source:{source_id}"),
    )
    return tell(go("pages.source_list"), gettext("Deleted. Its responses stay."))


def scheme_word(made: Described) -> str:
    """How messages of a source are verified."""
    if made.platform.polls is not None:
        return gettext("What its connection answers")
    if made.platform.fetch is not None and made.scheme is None:
        return gettext("What its API answers")
    if made.scheme is None:
        return gettext("Its address alone")
    if made.scheme.algorithm == "static":
        return gettext("A secret in a header")
    if made.scheme.id:
        return gettext("Standard Webhooks signature")
    return f"HMAC-{made.scheme.algorithm.upper().replace('SHA', 'SHA-')}"


def _told(made: FreshSource) -> Told:
    return Told(f"source:{made.id}", {"platform": made.platform})


def _back(source_id: int) -> Any:  # noqa: ANN401 - an answer
    return go("pages.source", source_id=source_id)


# --- what a form says -------------------------------------------------------------------------


def _filled(*names: str) -> dict[str, str]:
    """The fields that say something; what is empty is not said."""
    told = {name: field(name).strip() for name in ("name", "secret", "token", *names)}
    return {name: value for name, value in told.items() if value or name == "name"}


def _settings() -> dict[str, Any]:
    """The settings as the form says them: the file, else the text, else the address alone."""
    sent = request.files.get("file")
    raw = sent.stream.read(MOST_SETTINGS + 1) if sent else b""
    raw = raw or field("settings", most=MOST_SETTINGS).encode()
    if len(raw) > MOST_SETTINGS:
        raise Refusal(Code.BODY_TOO_LARGE)
    settings = settings_of(read_yaml(raw)) if raw.strip() not in {b"", b"{}"} else {}
    base_url, bound = field("base_url").strip(), field("connection", most=20)
    settings |= {"base_url": base_url} if base_url else {}
    return settings | ({"connection": int(bound)} if bound.isdecimal() else {})


def _faults(refusal: Refusal | None) -> dict[str, str]:
    """The fault by the field it belongs to; what stands inside the settings, with its line."""
    if refusal is None:
        return {}
    fields = {"name", "secret", "token", "email", "score"}
    if refusal.code == Code.NAME_TAKEN:
        return {"name": said(refusal.detail)}
    own = {name: word for name, word in problem_words(refusal).items() if name in fields}
    inner = [one for one in refusal.places if one.pointer.strip("/") not in fields]
    apart = [one for one in inner if one.pointer.rpartition("/")[2] in {"base_url", "connection"}]
    own |= {one.pointer.rpartition("/")[2]: said(one.text) for one in apart}
    if (inner and not apart) or not own:
        own["settings"] = "\n".join(map(_line, inner)) or said(refusal.detail or refusal.kind.title)
    return own


def _line(place: Place) -> str:
    return " ".join(filter(None, (place.where, place.pointer, said(place.text))))


# --- pages --------------------------------------------------------------------------------------


def _new(*, refusal: Refusal | None = None) -> Response:
    name = request.values.get("platform", "")
    if name and name not in PLATFORMS:
        raise not_found()
    return show(
        "pages/settings/new_source.html",
        status=422 if refusal else 200,
        platforms=PLATFORMS.values(),
        platform=PLATFORMS.get(name),
        made=described(name, {}) if name else None,
        filled=request.form,
        faults=_faults(refusal),
        scheme_word=scheme_word,
        described=described,
        connections=_askable(name),
    )


def _askable(name: str) -> list[Profile]:
    """The connections at which that platform can be asked."""
    polls = PLATFORMS[name].polls if name else None
    if polls is None:
        return []
    every = reading(lambda store: load_all(store, member().workspace_id))
    return [one for one in every if one.app == polls.app]


def _shown(
    source_id: int, *, fresh: FreshSource | None = None, refusal: Refusal | None = None
) -> Response:
    tried = request.args.get("tried", "")[:300].replace("\0", "")
    workspace_id = member().workspace_id

    def story_of(store: Connection) -> dict[str, Any]:
        row = next(
            (one for one in story.listed(store, workspace_id) if one["id"] == source_id), None
        )
        if row is None:
            raise not_found()
        key = f"hook:{source_id}"
        return {
            "row": row,
            "held": story.held(store, workspace_id).get(source_id, 0),
            "lately": story.lately(store, workspace_id).get(key),
            "notices": notices.listed(store, source_id, limit=MOST_NOTICES),
            "surveys": surveydues.standing(store, source_id),
            "emptied": emptied.held(store, workspace_id).get(source_id),
            "tried": _progress(store, key, tried) if tried else None,
        }

    found = reading(story_of)
    made, row = described(found["row"]["platform"], found["row"]["settings"]), found["row"]
    return show(
        "pages/settings/source.html",
        part="pages/settings/tried.html",
        status=422 if refusal else 200,
        **found,
        made=made,
        fresh=fresh,
        address=f"{hub().settings.public_url}/hooks/{row['platform']}/",
        settings=request.form.get("settings")
        or (write_yaml(row["settings"]) if row["settings"] else ""),
        faults=_faults(refusal),
        filled=request.form if refusal else {},
        scheme_word=scheme_word,
        here=request.full_path,
    )


def _progress(store: Connection, key: str, response_id: str) -> dict[str, Any] | None:
    """Where the test response stands, with its steps."""
    try:
        versions = tracking.progress(
            store, member().workspace_id, response_id=response_id, source=key
        )
    except Refusal:
        return None
    version = versions[0]
    return {
        "state": tracking.state_of(version),
        "steps": version["steps"],
        "named": tracking.named(store, member().workspace_id, version["steps"]),
    }
