"""What has changed between two definitions, by kind."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from connector.connections.changes import BREAKING, Change, ChangeKind, changes_of, still_lost
from schemas.fields import Entity, Field, FieldType, Option

SCORE = Field("score", "Score", FieldType.INTEGER)
CLASS = Field(
    "class", "Class", FieldType.CHOICE, options=(Option("a", "A"), Option("b", "B"))
)  # fmt: skip
NOTE = Field("note", "Note", FieldType.TEXT, max_length=255)


def entity(*fields: Field) -> Entity:
    return Entity("contacts", "Contacts", fields)


def kinds(before: Entity, after: Entity | None) -> list[tuple[ChangeKind, str]]:
    return [(one.kind, one.field) for one in changes_of(before, after)]


def after(field: Field, **changes: Any) -> list[ChangeKind]:
    changed = dataclasses.replace(field, **changes)
    return [one.kind for one in changes_of(entity(field), entity(changed))]


def test_the_same_definitions_have_not_changed() -> None:
    assert changes_of(entity(SCORE, CLASS), entity(SCORE, CLASS)) == ()


def test_an_entity_that_is_gone() -> None:
    assert kinds(entity(SCORE), None) == [(ChangeKind.ENTITY_REMOVED, "")]


def test_a_field_that_is_gone() -> None:
    assert kinds(entity(SCORE, NOTE), entity(NOTE)) == [(ChangeKind.REMOVED, "score")]


def test_a_field_of_the_same_label_and_type_in_its_place_is_a_renaming() -> None:
    renamed = dataclasses.replace(SCORE, name="nps_score", label="SCORE")
    (change,) = changes_of(entity(SCORE), entity(renamed))
    assert (change.kind, change.field, change.after) == (ChangeKind.RENAMED, "score", "nps_score")


def test_a_field_of_another_type_in_its_place_is_none() -> None:
    other = Field("nps_score", "Score", FieldType.TEXT)
    assert kinds(entity(SCORE), entity(other)) == [
        (ChangeKind.REMOVED, "score"),
        (ChangeKind.ADDED, "nps_score"),
    ]


@pytest.mark.parametrize(
    ("field", "changes", "expected"),
    [
        (SCORE, {"type": FieldType.TEXT}, ChangeKind.RETYPED),
        (NOTE, {"max_length": 80}, ChangeKind.SHORTENED),
        (NOTE, {"max_length": None}, ChangeKind.WIDENED),
        (SCORE, {"max_digits": 2}, ChangeKind.SHORTENED),
        (SCORE, {"required": True}, ChangeKind.REQUIRED),
        (SCORE, {"updatable": False}, ChangeKind.READ_ONLY),
        (CLASS, {"options": (Option("a", "A"),)}, ChangeKind.OPTIONS_GONE),
        (CLASS, {"options": (Option("a", "A"), Option("b", "B", active=False))},
         ChangeKind.OPTIONS_GONE),
        (CLASS, {"options": (*CLASS.options, Option("c", "C"))}, ChangeKind.OPTIONS_ADDED),
    ],
)  # fmt: skip
def test_each_kind_of_change(field: Field, changes: dict[str, Any], expected: ChangeKind) -> None:
    assert after(field, **changes) == [expected]


def test_an_option_that_leaves_an_open_list_breaks_nothing() -> None:
    opened = dataclasses.replace(CLASS, closed=False)
    found = changes_of(
        entity(opened), entity(dataclasses.replace(opened, options=(Option("a", "A"),)))
    )
    assert not any(one.breaks for one in found)


def test_a_new_field_that_must_be_filled_breaks() -> None:
    (change,) = changes_of(entity(), entity(dataclasses.replace(SCORE, required=True)))
    assert change.kind in BREAKING


def test_the_labels_and_the_order_alone_are_no_change() -> None:
    relabelled = dataclasses.replace(SCORE, label="Other")
    assert changes_of(entity(SCORE, NOTE), entity(NOTE, relabelled)) == ()


def test_what_breaks_is_told_first() -> None:
    before = entity(NOTE, SCORE)
    now = entity(NOTE, Field("a", "A", FieldType.TEXT))
    assert [one.breaks for one in changes_of(before, now)] == [True, False]


@pytest.mark.parametrize(
    ("kind", "now", "lost"),
    [
        (ChangeKind.REMOVED, entity(), True),
        (ChangeKind.REMOVED, entity(SCORE), False),
        (ChangeKind.READ_ONLY, entity(dataclasses.replace(SCORE, updatable=False)), True),
        (ChangeKind.READ_ONLY, entity(SCORE), False),
        (ChangeKind.ENTITY_REMOVED, None, True),
        (ChangeKind.ENTITY_REMOVED, entity(), False),
    ],
)
def test_whether_what_was_lost_is_still_lost(
    kind: ChangeKind, now: Entity | None, *, lost: bool
) -> None:
    assert still_lost(Change(kind, "score", "Score").told(), now) is lost


def offering(*values: str) -> Any:
    return (("Partner", values),) if len(values) < 2 else ()


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (("a", "b"), ("a",), [ChangeKind.OPTIONS_WITHDRAWN]),
        (("a",), ("a", "b"), [ChangeKind.OPTIONS_OFFERED]),
        (("a",), ("b",), [ChangeKind.OPTIONS_WITHDRAWN, ChangeKind.OPTIONS_OFFERED]),
        (("a",), ("a",), []),
    ],
)
def test_what_a_record_type_offers_has_changed(
    before: tuple[str, ...], now: tuple[str, ...], expected: list[ChangeKind]
) -> None:
    then = dataclasses.replace(CLASS, offered=offering(*before))
    assert after(then, offered=offering(*now)) == expected


def test_an_option_that_is_gone_altogether_is_told_once() -> None:
    then = dataclasses.replace(CLASS, offered=(("Partner", ("b",)),))
    assert after(then, options=(Option("a", "A"),), offered=(("Partner", ()),)) == [
        ChangeKind.OPTIONS_GONE
    ]


def test_where_any_value_may_be_written_a_record_type_takes_nothing_away() -> None:
    assert after(dataclasses.replace(CLASS, closed=False), offered=offering("a")) == []
