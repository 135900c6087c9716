"""Surveys: pushed as a whole or learnt from responses, every version kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from connector.problems import Code, Refusal, not_found, places_of
from connector.tables import question, question_option, survey, survey_version
from schemas.campaign import MOST_OPTIONS, MOST_ROWS, SurveySchema
from schemas.phrases import phrase

Body = Mapping[str, Any]
_NOTHING: Body = {"name": None, "questions": []}
# What people say about a question; no platform knows it.
_OURS = ("label", "label_rule", "category", "flags", "weight")
_MOST = 500


def save(
    connection: Connection, workspace_id: int, *, platform_id: str, body: Body, learnt_from: str
) -> dict[str, Any]:
    """Make `body` the newest version of the survey; the survey afterwards.

    The same body again makes no version. `learnt_from` is where it came from: `api`, `platform`,
    `response`, or a person on a `page`.
    """
    row = _locked(connection, workspace_id, platform_id)
    digest = _digest(body)
    newest = connection.execute(
        select(survey_version.c.digest).where(
            survey_version.c.survey_id == row.id, survey_version.c.version == row.version
        )
    ).scalar_one_or_none()
    if newest is None or bytes(newest) != digest:
        _add_version(connection, workspace_id, survey_id=row.id, version=row.version + 1, body=body)
        connection.execute(
            insert(survey_version).values(
                workspace_id=workspace_id,
                survey_id=row.id,
                version=row.version + 1,
                digest=digest,
                body=dict(body),
                learnt_from=learnt_from,
            )
        )
    return read(connection, workspace_id, platform_id)


def learn(
    connection: Connection,
    workspace_id: int,
    *,
    platform_id: str,
    name: str | None,
    questions: Mapping[str, Body],
) -> int:
    """Add what the survey does not know of these questions (by key); its id.

    What was pushed is never changed: a response only completes it.
    """
    row = _locked(connection, workspace_id, platform_id)
    known = _body(connection, row.id, row.version)
    body = completed(known, name=name, questions=questions)
    if body != known:
        save(connection, workspace_id, platform_id=platform_id, body=body, learnt_from="response")
    return int(row.id)


def completed(known: Body, *, name: str | None, questions: Mapping[str, Body]) -> dict[str, Any]:
    """The survey with the questions, options and rows that answers have shown (by key, as in
    schemas/campaign.py), and with a name where it had none.
    """
    every = [_with_more(one, questions.get(one["key"], {})) for one in known["questions"]]
    keys = {one["key"] for one in every}
    fresh = [{**one, "key": key} for key, one in questions.items() if key not in keys]
    named = known.get("name") or name
    return {**known, **({"name": named} if named else {}), "questions": [*every, *fresh]}


def _with_more(question: Body, shown: Body) -> Body:
    """The question with the options and rows it had not; those of another type are no guide."""
    if shown.get("type") != question["type"]:
        return question
    more = {}
    for part, most in (("options", MOST_OPTIONS), ("rows", MOST_ROWS)):
        held = list(question.get(part) or ())
        values = {one["value"] for one in held}
        new = [one for one in shown.get(part, ()) if one["value"] not in values]
        if new and len(held) < most:
            more[part] = [*held, *new][:most]
    return {**question, **more} if more else question


def fetched(connection: Connection, workspace_id: int, *, platform_id: str, body: Body) -> None:
    """Take over how the platform defines the survey, as a version of its own where it differs.

    What people have said stays (labels, flags, weights, categories), and so does what only answers
    have shown. A survey that was ever pushed, or completed on its page, is
    only completed.
    """
    row = _locked(connection, workspace_id, platform_id)
    known = _body(connection, row.id, row.version)
    if _was_pushed(connection, row.id):
        questions = {one["key"]: one for one in body["questions"]}
        new = completed(known, name=body.get("name"), questions=questions)
    else:
        new = merged(known, body)
    if new != known:
        save(connection, workspace_id, platform_id=platform_id, body=new, learnt_from="platform")


def _was_pushed(connection: Connection, survey_id: int) -> bool:
    pushed = select(survey_version.c.version).where(
        survey_version.c.survey_id == survey_id, survey_version.c.learnt_from.in_(("api", "page"))
    )
    return connection.execute(pushed.limit(1)).one_or_none() is not None


def merged(known: Body, body: Body) -> dict[str, Any]:
    """The survey as the platform tells it, with what people and answers have added to `known`."""
    before = {one["key"]: one for one in known["questions"]}
    told = [_with_own(one, before.get(one["key"], {})) for one in body["questions"]]
    keys = {one["key"] for one in told}
    rest = [one for one in known["questions"] if one["key"] not in keys]
    named = body.get("name") or known.get("name")
    return {**known, **({"name": named} if named else {}), "questions": [*told, *rest][:_MOST]}


def _with_own(told: Body, known: Body) -> dict[str, Any]:
    """The question as it is told, with what is ours; options that only older answers have are
    kept behind the others while it is of the same type.
    """
    made = {**{name: known[name] for name in _OURS if name in known}, **told}
    for part, most in (("options", MOST_OPTIONS), ("rows", MOST_ROWS)):
        held = {one["value"]: one for one in known.get(part) or ()}
        new = [{**held.get(one["value"], {}), **one} for one in told.get(part, ())]
        values = {one["value"] for one in new}
        if known.get("type") == told["type"]:
            new += [one for value, one in held.items() if value not in values]
        if new:
            made[part] = new[:most]
    return made


def complete(
    connection: Connection,
    workspace_id: int,
    platform_id: str,
    *,
    key: str,
    said: Body,
    seen: int,
) -> dict[str, Any]:
    """Say what the platform does not of one question: `label`, `label_rule`, `category`, `weight`
    and `flags`, and label, weight and flags of its `options` by their values. `seen` is the version
    that was looked at.

    Raises Refusal: CONFLICT where there is a newer version; NOT_FOUND for a survey or question that
    is none; BODY_INVALID naming the place.
    """
    row = _locked(connection, workspace_id, platform_id)
    if row.version != seen:
        raise Refusal(Code.CONFLICT, phrase("The survey has a newer version: reload the page."))
    body = _body(connection, row.id, row.version)
    at = next((n for n, one in enumerate(body["questions"]) if one["key"] == key), None)
    if at is None:
        raise not_found()
    questions = [*body["questions"]]
    questions[at] = completed_by(questions[at], said)
    try:
        whole = SurveySchema().load({**body, "questions": questions})
    except ValidationError as exc:
        raise Refusal(Code.BODY_INVALID, places=places_of(exc.messages)) from exc
    return save(connection, workspace_id, platform_id=platform_id, body=whole, learnt_from="page")


def completed_by(question: Body, said: Body) -> Body:
    """The question with what was said of it and its options (see `complete`)."""
    parts = {name: value for name, value in said.items() if name != "options"}
    options = [
        {**one, **said.get("options", {}).get(one["value"], {})}
        for one in question.get("options") or ()
    ]
    return {**question, **parts, **({"options": options} if options else {})}


def origins(connection: Connection, survey_id: int) -> dict[str, dict[str, Any]]:
    """What made each question known first: `learnt_from`, `version` and `created_at`, by key."""
    rows = connection.execute(ORIGINS, {"survey": survey_id})
    return {row["key"]: dict(row) for row in rows.mappings()}


ORIGINS = text(
    """
    SELECT DISTINCT ON (q ->> 'key') q ->> 'key' AS key, v.version, v.learnt_from, v.created_at
      FROM survey_version v, jsonb_array_elements(v.body -> 'questions') AS q
     WHERE v.survey_id = :survey ORDER BY q ->> 'key', v.version
    """
)


def read(connection: Connection, workspace_id: int, platform_id: str) -> dict[str, Any]:
    """The survey in its newest version. Raises Refusal(NOT_FOUND)."""
    row = connection.execute(
        select(survey).where(
            survey.c.workspace_id == workspace_id, survey.c.platform_id == platform_id
        )
    ).one_or_none()
    if row is None:
        raise not_found()
    return {**row._mapping, "questions": _body(connection, row.id, row.version)["questions"]}  # noqa: SLF001


def listed(
    connection: Connection, workspace_id: int, *, after: int, limit: int
) -> list[dict[str, Any]]:
    """Surveys by id after `after`."""
    rows = connection.execute(
        select(survey)
        .where(survey.c.workspace_id == workspace_id, survey.c.id > after)
        .order_by(survey.c.id)
        .limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


def versions(connection: Connection, workspace_id: int, platform_id: str) -> list[dict[str, Any]]:
    """The newest hundred versions, newest first. Raises Refusal(NOT_FOUND)."""
    found = read(connection, workspace_id, platform_id)
    rows = connection.execute(
        select(survey_version)
        .where(
            survey_version.c.workspace_id == workspace_id,
            survey_version.c.survey_id == found["id"],
        )
        .order_by(survey_version.c.version.desc())
        .limit(100)
    )
    return [dict(row) for row in rows.mappings()]


def history(connection: Connection, survey_id: int) -> list[dict[str, Any]]:
    """The newest hundred versions without their bodies, newest first."""
    rows = connection.execute(
        select(survey_version.c.version, survey_version.c.learnt_from, survey_version.c.created_at)
        .where(survey_version.c.survey_id == survey_id)
        .order_by(survey_version.c.version.desc())
        .limit(100)
    )
    return [dict(row) for row in rows.mappings()]


def body_of(connection: Connection, workspace_id: int, survey_id: int) -> dict[str, Any]:
    """The newest body of the survey with our id; no questions where there is none."""
    newest = (survey_version.c.survey_id == survey.c.id) & (
        survey_version.c.version == survey.c.version
    )
    found = connection.execute(
        select(survey_version.c.body)
        .join(survey, newest)
        .where(survey.c.workspace_id == workspace_id, survey.c.id == survey_id)
    ).scalar_one_or_none()
    return found or dict(_NOTHING)


def _body(connection: Connection, survey_id: int, version: int) -> dict[str, Any]:
    found = connection.execute(
        select(survey_version.c.body).where(
            survey_version.c.survey_id == survey_id, survey_version.c.version == version
        )
    ).scalar_one_or_none()
    return found or dict(_NOTHING)


def _locked(connection: Connection, workspace_id: int, platform_id: str) -> Any:  # noqa: ANN401
    """The survey's row, made where it is missing, locked so that versions follow one another."""
    connection.execute(
        upsert(survey)
        .values(workspace_id=workspace_id, platform_id=platform_id)
        .on_conflict_do_nothing()
    )
    return connection.execute(
        select(survey)
        .where(survey.c.workspace_id == workspace_id, survey.c.platform_id == platform_id)
        .with_for_update()
    ).one()


def _add_version(
    connection: Connection, workspace_id: int, *, survey_id: int, version: int, body: Body
) -> None:
    """The survey's own row, questions and options as the body says."""
    connection.execute(
        update(survey)
        .where(survey.c.id == survey_id)
        .values(name=body.get("name"), version=version, updated_at=func.now())
    )
    connection.execute(delete(question).where(question.c.survey_id == survey_id))
    known = _insert_questions(connection, workspace_id, survey_id, body)
    options = [
        {
            "workspace_id": workspace_id,
            "question_id": known[one["key"]],
            "value": option["value"],
            "label": option.get("label"),
            "weight": option.get("weight"),
            "flags": option.get("flags", []),
            "position": position,
        }
        for one in body["questions"]
        for position, option in enumerate(one.get("options", ()))
    ]
    if options:
        connection.execute(insert(question_option), options)


def _insert_questions(
    connection: Connection, workspace_id: int, survey_id: int, body: Body
) -> dict[str, int]:
    rows = [
        {
            "workspace_id": workspace_id,
            "survey_id": survey_id,
            "key": one["key"],
            "type": one["type"],
            "title": one.get("title"),
            "label": one.get("label"),
            "category": one.get("category"),
            "flags": one.get("flags", []),
            "weight": one.get("weight"),
            "position": position,
        }
        for position, one in enumerate(body["questions"])
    ]
    if not rows:
        return {}
    made = connection.execute(insert(question).returning(question.c.key, question.c.id), rows)
    return {row.key: row.id for row in made}


def _digest(body: Body) -> bytes:
    told = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(told.encode()).digest()
