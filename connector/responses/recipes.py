"""A customer's recipe becomes a platform: its expressions compiled, its signature a scheme. Pure.

An expression that finds nothing is a thing that was not answered. One that fails on a message (a
function over the wrong type) makes the message unreadable, at the place of the expression.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from marshmallow import ValidationError

from connector.problems import Code, Place, Refusal
from schemas.phrases import phrase
from schemas.response import ResponseSchema, normalised
from schemas.signatures import SCHEMES, Scheme
from schemas.sources.answers import Sheet, campaign, named, respondent, retyped, shaped, text
from schemas.sources.base import (
    JSON,
    Body,
    Edits,
    Envelope,
    Platform,
    Response,
    Told,
    Unreadable,
    Wishes,
    as_number,
    as_text,
    moment,
    objects,
    response,
    texts,
)

Recipe = Mapping[str, Any]


def platform_of(recipe: Recipe, base: Platform) -> Platform:
    """The platform that a recipe describes."""
    reader = _Reader(recipe)
    return replace(
        base,
        label=recipe["label"],
        parse=reader.parse,
        sample=lambda *_: recipe["example"],
        body=Body(recipe.get("body", Body.JSON)),
        edits=Edits(recipe.get("edits", Edits.BY_TIME)),
    )


def scheme_of(recipe: Recipe) -> Scheme | None:
    """How the platform signs; None where its address alone is the secret."""
    said = recipe.get("signature")
    if said is None:
        return None
    if "like" in said:
        return SCHEMES[said["like"]]
    same = ("prefix", "encoding", "algorithm", "key", "signed", "tolerance_s")
    return Scheme(
        said["header"].lower(),
        id=_lower(said.get("id_header")),
        timestamp=_lower(said.get("timestamp_header")),
        **{name: said[name] for name in same if name in said},
    )


def _lower(name: str | None) -> str | None:
    return None if name is None else name.lower()


def check(recipe: Recipe, wishes: Wishes, *, base: Platform) -> None:
    """Refuse a recipe whose expressions are none, or whose own example it cannot read.

    Raises Refusal(SETTING_INVALID) with the place in the settings.
    """
    try:
        parse = platform_of(recipe, base).parse
        told = parse(recipe["example"], wishes, Envelope(_EPOCH)) if parse else Told()
    except Unreadable as exc:
        raise _refusal(at=exc.pointer, why=exc.text) from exc
    if not told.responses:
        raise _refusal(at="/example", why=phrase("the recipe finds no response in it"))
    for one in told.responses:
        try:
            normalised(one, schema=ResponseSchema())
        except ValidationError as exc:
            said = json.dumps(exc.messages, ensure_ascii=False)[:500]
            raise _refusal(
                at="/example", why=phrase("becomes no valid response: %(said)s", said=said)
            ) from exc


_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def _refusal(*, at: str, why: str) -> Refusal:
    place = Place(f"/settings/recipe{at}", "invalid", why)
    return Refusal(Code.SETTING_INVALID, phrase("The recipe does not work."), places=[place])


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads messages by a recipe."""

    recipe: Recipe

    def parse(self, body: JSON, wishes: Wishes, envelope: Envelope) -> Told:
        """The responses of a message; those that `only_if` leaves out are none of ours."""
        whole = _part(body, self.recipe.get("part"))
        each = self._found(whole, "each")
        items = [whole] if "each" not in self.recipe else objects(each)
        wanted = [one for one in items if self._is_wanted(one)]
        message_id = envelope.message_id or as_text(self._found(whole, "message_id"))
        return Told(tuple(self._response(one, wishes, envelope) for one in wanted), message_id)

    def _is_wanted(self, item: JSON) -> bool:
        if "only_if" not in self.recipe:
            return True
        return self._found(item, "only_if") not in (None, False, "", 0, [], {})

    def _response(self, item: JSON, wishes: Wishes, envelope: Envelope) -> Response:
        own_id = as_text(self._found(item, "response_id"))
        survey_id = as_text(self._found(item, "survey", "id"))
        if own_id is None or survey_id is None:
            at = "/response_id" if own_id is None else "/survey/id"
            raise Unreadable(at=at, why="finds nothing in this message")
        survey = named(survey_id, self._found(item, "survey", "name"))
        sheet = self._sheet(item, wishes)
        hidden, attributes = (texts(self._found(item, one)) for one in ("hidden", "attributes"))
        person = {
            name: self._found(item, "respondent", name)
            for name in self.recipe.get("respondent", {})
        }
        ended = moment(self._found(item, "submitted_at"))
        return response(
            event=self._event(item),
            response_id=f"{survey_id}:{own_id}",
            survey=survey,
            campaign=self._campaign(item, wishes, survey),
            respondent=respondent(wishes, person, hidden, attributes, answers=sheet.answers),
            answers=sheet.answers,
            hidden=hidden,
            attributes=attributes,
            variables=texts(self._found(item, "variables")),
            started_at=moment(self._found(item, "started_at")),
            submitted_at=ended or envelope.received_at.isoformat(),
            locale=as_text(self._found(item, "locale")),
            meta=sheet.meta(),
        )

    def _event(self, item: JSON) -> str:
        if "event" not in self.recipe:
            return "completed"
        word = as_text(self._found(item, "event", "pick"))
        known: str | None = self.recipe["event"]["words"].get(word)
        if known is None:
            raise Unreadable(at="/event/words", why="do not name the event of this message")
        return known

    def _campaign(self, item: JSON, wishes: Wishes, survey: Mapping[str, str]) -> dict[str, Any]:
        own = as_text(self._found(item, "campaign", "id")) if "campaign" in self.recipe else None
        if own is None or wishes.campaign:
            return campaign(wishes, survey)
        return named(own, self._found(item, "campaign", "name"))

    def _sheet(self, item: JSON, wishes: Wishes) -> Sheet:
        sheet = Sheet(wishes)
        for place, one in enumerate(self.recipe.get("answers", ())):
            at = f"/answers/{place}"
            _put(
                sheet, one, {name: _search(one.get(name), item, f"{at}/{name}") for name in _PARTS}
            )
        if "answers_from" in self.recipe:
            for one in objects(self._found(item, "answers_from", "list")):
                parts = {name: self._picked(one, name) for name in ("key", "value", "title")}
                key = as_text(parts["key"])
                if key:
                    sheet.put_shaped(key, parts["value"], title=parts["title"])
        return sheet

    def _picked(self, one: JSON, name: str) -> JSON:
        return _search(self.recipe["answers_from"].get(name), one, f"/answers_from/{name}")

    def _found(self, item: JSON, *path: str) -> JSON:
        said: Any = self.recipe
        for name in path:
            said = said.get(name) if isinstance(said, Mapping) else None
        return _search(said, item, "/" + "/".join(path))


_PARTS = ("pick", "label", "other")


def _put(sheet: Sheet, one: Recipe, found: Mapping[str, JSON]) -> None:
    """One answer as the recipe types it. What cannot be of that type is no answer of ours."""
    kind, key = one.get("type"), one["key"]
    try:
        answer = shaped(found["pick"])
    except LookupError:
        return sheet.miss(key)
    if answer is not None and kind is not None:
        if kind == "nps" and not isinstance(as_number(answer["value"]), int):
            return sheet.miss(key)
        answer = retyped(answer, kind)
    if answer is None and found["other"]:
        answer = text(found["other"])
    if answer is not None:
        labels = found["label"]
        is_list = isinstance(labels, list)
        beside: dict[str, Any] = {
            "labels": labels if is_list else None,
            "label": None if is_list else as_text(labels),
            "other": as_text(found["other"]),
        }
        answer |= {name: said for name, said in beside.items() if said is not None}
    return sheet.put(key, answer, title=one.get("title"))


def _part(body: JSON, part: str | None) -> JSON:
    """The message, or the JSON that stands in one field of its form."""
    if part is None:
        return body
    try:
        return json.loads(body[part])
    except (KeyError, TypeError, ValueError) as exc:
        raise Unreadable(at="/part", why="is no field of this message that holds JSON") from exc


def _search(expression: str | None, item: JSON, at: str) -> JSON:
    if expression is None:
        return None
    try:
        return jmespath.search(expression, item)
    except (JMESPathError, RecursionError) as exc:
        raise Unreadable(at=at, why=f"is no expression that fits: {type(exc).__name__}") from exc
