"""A refusal becomes one problem document with a stable code, a mend and places, without values."""

from __future__ import annotations

from pathlib import Path

import pytest
from marshmallow import Schema, ValidationError, fields

from connector.problems import CATALOGUE, Code, Place, Refusal, document, not_found, places_of
from schemas.problem import ProblemSchema

DOCS = Path(__file__).parents[2] / "docs" / "api.md"


class Inner(Schema):
    score = fields.Integer(required=True, strict=True)


class Outer(Schema):
    rows = fields.List(fields.Nested(Inner))
    name = fields.String(required=True)


def test_every_refusal_is_a_problem_document_with_a_mend():
    problem = document(
        Refusal(Code.SCOPE_MISSING, "The key lacks the scope audit:read."), "urn:uuid:1"
    )
    assert problem["status"] == 403
    assert problem["type"] == "urn:answerback:problem:scope_missing"
    assert problem["mend"]
    assert not ProblemSchema().validate(problem)


def test_a_refusal_without_words_says_at_least_what_to_do():
    problem = document(not_found(), "urn:uuid:1")
    assert problem["detail"] == CATALOGUE[Code.NOT_FOUND].mend


def test_the_places_of_nested_messages_are_json_pointers():
    with pytest.raises(ValidationError) as refused:
        Outer().load({"rows": [{"score": 1}, {"score": "canary"}, {"a/b": 1}]})
    found = {place.pointer for place in places_of(refused.value.messages)}
    assert found == {"/rows/1/score", "/rows/2/score", "/rows/2/a~1b", "/name"}


def test_the_places_never_repeat_what_was_sent():
    with pytest.raises(ValidationError) as refused:
        Outer().load({"rows": [{"score": "canary"}], "name": ["canary"]})
    assert "canary" not in str(places_of(refused.value.messages))


def test_an_object_as_a_whole_is_named_by_its_own_pointer():
    assert places_of({"rows": {0: {"_schema": ["bad"]}}}) == (Place("/rows/0", "invalid", "bad"),)


def test_a_thousand_faults_are_told_in_fifty_places():
    assert len(places_of({"rows": {n: ["bad"] for n in range(1000)}})) == 50


def test_every_code_says_how_to_mend_it():
    assert all(kind.title and kind.mend.endswith(".") for kind in CATALOGUE.values())
    assert all(400 <= kind.status < 600 for kind in CATALOGUE.values())


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_documentation_lists_every_code(code):
    assert f"`{code}`" in DOCS.read_text(encoding="utf-8")


class Answers(Schema):
    answers = fields.Dict(keys=fields.String(), values=fields.Nested(Inner))


def test_a_fault_inside_a_dictionary_is_named_by_its_key_alone():
    with pytest.raises(ValidationError) as refused:
        Answers().load({"answers": {"nps": {"score": "x"}, "why": {"score": 1, "other": 1}}})
    found = {place.pointer for place in places_of(refused.value.messages, schema=Answers())}
    assert found == {"/answers/nps/score", "/answers/why/other"}
