"""Surveys as their platforms define them, fetched with the source's token.

    ask        a notice for the list of surveys: when a token is brought, when somebody asks, and
               each night for what has changed
    list       page by page; each survey that is due becomes a notice of its own
    survey     read, and made the newest version where it differs

Notices of surveys are claimed, tried again and shown like those of responses (gathering.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from marshmallow import ValidationError
from sqlalchemy import Connection, text

from connector.campaigns import surveys
from connector.responses import notices
from connector.responses.asking import NotNow, Round, got, source_of
from connector.responses.notices import Claimed
from connector.responses.sources import Source
from connector.responses.surveydues import CHANGED, LIST, ONE
from schemas.campaign import SurveySchema
from schemas.sources.base import Ask, Definitions, Notice, Survey, Unreadable

MOST_PAGES, MOST_SURVEYS = 50, 1_000
# Platforms let some two calls a second; and the responses that are told of meanwhile go between.
APART_S = 0.5


def is_of_surveys(notice: Notice) -> bool:
    """Whether it speaks of the platform's surveys, not of a response."""
    return LIST in notice.what or ONE in notice.what


def fetch(round_: Round, one: Claimed) -> None:
    """Do what a notice of surveys asks for. Raises NotNow."""
    source = source_of(round_, one)
    definitions = source.platform.definitions
    if definitions is None:
        reason, why = "source_incomplete", "this platform tells no surveys"
        raise NotNow(reason, why=why, final=True)
    try:
        if LIST in one.notice.what:
            _list(round_, source, definitions, changed_only=one.notice.what[LIST] == CHANGED)
        else:
            _survey(round_, source, definitions, one.notice.what[ONE])
    except Unreadable as exc:
        reason, why = "source_unreadable", f"{exc.pointer} {exc.text}"
        raise NotNow(reason, why=why, final=True) from exc


def _list(round_: Round, source: Source, definitions: Definitions, *, changed_only: bool) -> None:
    found: dict[str, str] = {}
    path: str | None = definitions.first
    for _ in range(MOST_PAGES):
        if path is None or len(found) >= MOST_SURVEYS:
            break
        page = definitions.page(got(round_, source, Ask("list", path)), path)
        found |= page.surveys
        path = page.following
    with round_.hub.database.begin(round_.workspace_id) as connection:
        due = dict(list(found.items())[:MOST_SURVEYS])
        if changed_only:
            due = _changed(connection, source.id, due)
        every = [Notice(f"survey {key}", {ONE: key, "changed": due[key]}) for key in due]
        notices.enter(connection, round_.workspace_id, source.id, every, apart_s=APART_S)


def _changed(connection: Connection, source_id: int, found: Mapping[str, str]) -> dict[str, str]:
    """Those that were not fetched yet as they are now; one without a time of change always."""
    rows = [{"key": f"survey {key}", "changed": changed} for key, changed in found.items()]
    options = {"s": source_id, "rows": json.dumps(rows)}
    known = set(connection.execute(KNOWN, options).scalars())
    return {key: changed for key, changed in found.items() if f"survey {key}" not in known}


def _survey(round_: Round, source: Source, definitions: Definitions, survey_id: str) -> None:
    asks = definitions.asks(survey_id)
    found = {ask.name: got(round_, source, ask) for ask in asks}
    body = _checked(definitions.read(found, source.wishes))
    with round_.hub.database.begin(round_.workspace_id) as connection:
        surveys.fetched(connection, round_.workspace_id, platform_id=survey_id, body=body)


def _checked(body: Survey) -> Survey:
    try:
        return dict(SurveySchema().load(body))
    except ValidationError as exc:
        places = ", ".join(map(str, exc.messages_dict))
        raise Unreadable(at="", why=f"makes no survey: {places}") from exc


KNOWN = text(
    """
    SELECT n.key
      FROM hook_notice n
      JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(key text, changed text)
        ON r.key = n.key AND n.what->>'changed' = r.changed AND r.changed <> ''
     WHERE n.source_id = :s AND n.state IN ('fetched', 'pending')
    """
)
