"""Readiness: what stands against publishing beside the mapping's own rows, and the gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector import clock
from connector.campaigns import register, surveys
from connector.connections import quota
from connector.connections.budget import Light
from connector.connections.profile import load
from connector.db import Database
from connector.engines import Postgres, Valkey
from connector.problems import Code, Refusal
from connector.responses.configuration import editing, mappings
from connector.responses.configuration.readiness import Readiness, readiness
from connector.settings import Settings
from schemas.config import MappingSchema
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from tests.conftest import settings_on
from tests.databases import Databases
from tests.world import World, founded

QUESTIONS = [
    {"key": "nps", "type": "nps"},
    {"key": "why", "type": "text", "flags": ["callback"]},
    {"key": "again", "type": "single_choice", "options": [{"value": "sales", "label": "Sales"}]},
]


@pytest.fixture(scope="module")
def shared(
    migrated: Postgres, databases: Databases, valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Settings, Database]]:  # fmt: skip
    """One store for all cases here: each undoes what it changes."""
    name = databases.take()
    settings = settings_on(migrated, name, valkey, tmp_path_factory.mktemp("readiness"))
    opened = Database(settings)
    yield settings, opened
    opened.close()
    databases.give_back(name)


@pytest.fixture(scope="module")
def world(shared: tuple[Settings, Database]) -> Iterator[World]:
    """A HubSpot, a campaign with a survey and a segment, and another survey of somebody else."""
    made = founded(*shared)
    with running(HubSpot(options={})) as url:
        made.connect("hubspot", url)
        with made.database.begin(made.workspace_id) as store:
            for name, questions in (("s1", QUESTIONS), ("s2", [{"key": "other", "type": "text"}])):
                survey = {"name": name, "questions": questions}
                surveys.save(
                    store, made.workspace_id, platform_id=name, body=survey, learnt_from="api"
                )
            register.save_segment(store, made.workspace_id, name="all", attributes={"tier": "gold"})
            campaign = {"name": "Møde", "survey": "s1", "segment": "all",
                        "properties": {"store": "Aarhus"}, "flags": ["vip"]}  # fmt: skip
            register.save(
                store, made.workspace_id, platform_id="5000", body=campaign, tag_name="Møde"
            )
            register.save(
                store, made.workspace_id, platform_id="6000", body={"name": "B"}, tag_name="B"
            )
        yield made


def body_of(**changes: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = MappingSchema().load(
        {
            "name": "After the meeting",
            "connection": "hubspot-main",
            "entity": "contacts",
            "operation": "update",
            "campaign": "5000",
            "identify": {"variable": "contact.email", "field": "email"},
            "rows": [{"variable": "answers.nps", "field": "nps_score"}],
        }
        | changes
    )
    return loaded


def seen(world: World, change: str = "", **changes: Any) -> Readiness:
    """What is found, all that was changed for it undone again."""
    with world.database.begin(world.workspace_id) as store, store.begin_nested() as point:
        if change:
            store.exec_driver_sql(change)
        found = readiness(store, world.workspace_id, body_of(**changes))
        point.rollback()
    return found


def codes(found: Readiness) -> list[tuple[str, bool]]:
    return [(one.code, one.warning) for one in found.findings]


def of(variable: str, field: str = "nps_comment") -> dict[str, Any]:
    return {"rows": [{"variable": variable, "field": field}]}


def test_nothing_stands_against_a_mapping_that_is_whole(world: World) -> None:
    found = seen(world)
    assert (codes(found), found.publishable) == ([], True)


# In a module of its own workspace nobody else's rows are changed: row-level security sees to that.
RIGHTS = (
    'UPDATE connection SET rights = \'{"edition": "", "role": "", "room": [],'
    ' "warnings": [], "entities": {"contacts":'
    ' {"create": true, "read": true, "update": false}}}\''
)
DRIFT = (
    "INSERT INTO drift (workspace_id, connection_id, entity, cause, changes, impact, breaks)"
    " SELECT workspace_id, id, 'contacts', 'person', '[{\"field\": \"nps_score\"}]', '{}', true"
    " FROM connection"
)
USAGE = (
    "INSERT INTO account_usage"
    " (workspace_id, account, kind, allowed, remaining, window_s, source, seen_at)"
    " SELECT workspace_id, app || ':' || coalesce(remote_account_id, id::text), 'daily', 1000, 1,"
    " 86400, 'endpoint', now() FROM connection"
)
AGED = "UPDATE entity_snapshot SET seen_at = now() - interval '9 days'"
UNWRITABLE_TAGS = """
UPDATE entity_snapshot SET definition = jsonb_set(definition, '{fields}', definition->'fields' || (
 SELECT one || '{"name": "npstoday_tags", "creatable": false, "updatable": false}'
   FROM jsonb_array_elements(definition->'fields') one WHERE one->>'name' = 'nps_comment'))
 WHERE definition->>'name' = 'contacts'
"""
PARTLY = """
UPDATE entity_snapshot SET definition = jsonb_set(definition, '{fields}', (
 SELECT jsonb_agg(CASE WHEN one->>'name' = 'nps_score' THEN one || '{"updatable": false}'
                       ELSE one END)
   FROM jsonb_array_elements(definition->'fields') one)) WHERE definition->>'name' = 'contacts'
"""
WITHOUT_WRITE = "UPDATE credential SET scopes = ARRAY['oauth', 'crm.objects.contacts.read']"
UNTOLD = "UPDATE credential SET scopes = NULL"
LOST = "UPDATE connection SET state = 'needs_attention'"


@pytest.mark.parametrize(
    ("change", "told", "page"),
    [
        (LOST, ("not_connected", False), ""),
        ("UPDATE connection SET paused_at = now()", ("connection_paused", True), ""),
        (AGED, ("definitions_old", True), ""),
        (RIGHTS, ("no_permission", False), "/preflight"),
        (DRIFT, ("drift_open", True), "/drift"),
        (USAGE, ("quota_low", True), "/quota"),
        (USAGE.replace("1000, 1,", "1000, 0,"), ("quota_low", True), "/quota"),
        (WITHOUT_WRITE, ("scope_lacking", True), ""),
        (UNWRITABLE_TAGS, ("tags_not_writable", True), "/preflight"),
    ],
)
def test_what_stands_around_it_is_told_with_its_page(
    world: World, change: str, told: tuple[str, bool], page: str
) -> None:
    found = seen(world, change)
    assert codes(found) == [told]
    connection_id = world.crms["hubspot"].connection_id
    assert found.findings[0].page == f"connections/{connection_id}{page}"


def test_a_workspace_that_is_paused_is_told_with_its_page(world: World) -> None:
    found = seen(world, "UPDATE workspace SET paused_at = now()")
    assert codes(found) == [("workspace_paused", True)]
    assert (found.findings[0].who, found.findings[0].page) == ("admin", "settings")


def test_an_upsert_is_warned_of_what_only_one_kind_of_record_takes(world: World) -> None:
    found = seen(world, PARTLY, operation="upsert")
    assert codes(found) == [("partly_writable", True)]
    (told,) = found.findings
    assert (told.pointer, told.field) == ("/rows/0", "nps_score")
    assert told.text == "nps_score can only be written on a new record"
    assert told.page == f"connections/{world.crms['hubspot'].connection_id}/preflight"
    assert codes(seen(world, PARTLY, operation="update")) == [("read_only", False)]


def test_the_light_of_the_account_is_red_where_the_reserve_is_touched(world: World) -> None:
    here = world.crms["hubspot"].connection_id
    with world.database.begin(world.workspace_id) as store, store.begin_nested() as point:
        lights = []
        for left in (900, 150, 1):
            store.exec_driver_sql("DELETE FROM account_usage")
            store.exec_driver_sql(USAGE.replace("1000, 1,", f"1000, {left},"))
            told = quota.budget(store, load(store, world.workspace_id, here))
            lights.append((told.light(clock.now()), codes(
                readiness(store, world.workspace_id, body_of()))))  # fmt: skip
        point.rollback()
    low = [("quota_low", True)]
    assert lights == [(Light.GREEN, []), (Light.YELLOW, low), (Light.RED, low)]


def test_scopes_are_those_of_what_is_done_and_nothing_where_none_were_told(world: World) -> None:
    (told,) = seen(world, WITHOUT_WRITE).findings
    assert "crm.objects.contacts.write" in told.text
    assert codes(seen(world, UNTOLD)) == []
    assert codes(seen(world)) == []


@pytest.mark.parametrize(
    ("said", "changes", "told"),
    [
        (None, {}, ["participation_unset"]),
        ({"answers": "once", "days": None}, {}, []),
        ({"answers": "once", "days": 90}, {}, ["answers_again"]),
        ({"answers": "several", "days": None}, {}, ["answers_again"]),
        ({"answers": "several", "days": None}, {"operation": "upsert"}, []),
        (
            {"answers": "several", "days": None},
            {"identify": {"variable": "response.id", "field": "response_key"}},
            [],
        ),
    ],
)
def test_whether_a_person_answers_again_matters_to_what_only_makes_records_of_people(
    world: World, said: Any, changes: dict[str, Any], told: list[str]
) -> None:
    with world.database.begin(world.workspace_id) as store, store.begin_nested() as point:
        row = register.read(store, world.workspace_id, "5000")
        register.choose_participation(store, world.workspace_id, row["id"], said)
        found = readiness(store, world.workspace_id, body_of(**{"operation": "create"} | changes))
        point.rollback()
    kinds = {"participation_unset", "answers_again"}
    assert [one.code for one in found.findings if one.code in kinds] == told
    if told:
        page = "mappings" if told == ["answers_again"] else f"campaigns/{row['id']}/audience"
        assert page in {one.page for one in found.findings}


def test_drift_of_a_field_that_is_not_used_says_nothing(world: World) -> None:
    found = seen(world, DRIFT.replace("nps_score", "fax"))
    assert codes(found) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (of("answers.other"), [("question_not_asked", False)]),
        ({"campaign": None, **of("answers.other")}, []),
        (of("flags.callback"), []),
        (of("flags.vip"), []),
        (of("flags.never"), [("flag_unknown", True)]),
        (of("properties.store"), []),
        (of("properties.floor"), [("property_unknown", True)]),
        (of("contact.tier"), []),
        (of("contact.abc"), [("segment_lacks", True)]),
        ({"campaign": "6000", **of("contact.tier")}, [("segment_missing", True)]),
        ({"campaign": "7000"}, [("campaign_unknown", True)]),
        (of("answers.again", "nps_topics"), [("option_uncovered", False)]),
        (
            of("answers.why", "npstoday_tags"),
            [("unknown_field", False), ("tag_field_taken", False)],
        ),
    ],
)
def test_what_the_campaign_does_not_have_is_told(
    world: World, changes: dict[str, Any], said: list[tuple[str, bool]]
) -> None:
    assert codes(seen(world, **changes)) == said


def test_a_computed_value_may_not_ask_for_what_the_survey_does_not_ask(world: World) -> None:
    step = {"name": "cel", "expression": "value + answers.other"}
    row = {"variable": "answers.why", "field": "nps_comment", "transforms": [step]}
    found = seen(world, rows=[row])
    assert [one.text for one in found.errors] == [
        "answers.other is not asked in the survey of the campaign 5000"
    ]


def test_a_campaign_whose_tag_no_sign_is_left_of_is_an_error(world: World) -> None:
    change = "UPDATE campaign SET tag_name = chr(8203) WHERE platform_id = '5000'"
    assert codes(seen(world, change)) == [("tag_unusable", False)]
    off = 'UPDATE workspace SET settings = \'{"tags": {"enabled": false}}\'; '
    assert codes(seen(world, off + change)) == []


def saved(world: World, **changes: Any) -> int:
    with world.database.begin(world.workspace_id) as store:
        row = mappings.save(
            store, world.workspace_id, body=body_of(**changes), actor="test", mapping_id=None
        )
    return int(row["id"])


def published(world: World, mapping_id: int, *, accept_warnings: bool = False) -> dict[str, Any]:
    with world.database.begin(world.workspace_id) as store:
        return mappings.publish(
            store, world.workspace_id, mapping_id, actor="test", switch_on=False,
            accept_warnings=accept_warnings,
        )  # fmt: skip


def test_warnings_are_accepted_and_errors_never(world: World) -> None:
    warned = saved(world, name="Warned", **of("contact.abc"))
    with pytest.raises(Refusal) as told:
        published(world, warned)
    assert told.value.code is Code.WARNINGS_NOT_ACCEPTED
    assert [place.code for place in told.value.places] == ["segment_lacks"]
    assert published(world, warned, accept_warnings=True)["published"] == 1
    broken = saved(world, name="Broken", **of("answers.other"))
    with pytest.raises(Refusal) as told:
        published(world, broken, accept_warnings=True)
    assert told.value.code is Code.MAPPING_INVALID


def test_a_text_is_cut_where_that_is_asked_for(world: World) -> None:
    shorter = (
        "UPDATE entity_snapshot SET definition = replace(definition::text,"
        " '\"max_length\": 65536', '\"max_length\": 20')::jsonb"
    )
    mapping_id = saved(world, name="Cut", **of("answers.why"))
    with world.database.begin(world.workspace_id) as store, store.begin_nested() as point:
        store.exec_driver_sql(shorter)
        (found,) = mappings.readiness_of(store, world.workspace_id, mapping_id).findings
        assert (found.code, found.fix) == ("may_be_too_long", True)
        asked: dict[str, Any] = {
            "pointer": found.pointer,
            "code": found.code,
            "seen": None,
            "actor": "test",
        }
        row = editing.mend(store, world.workspace_id, mapping_id, **asked)
        assert row["body"]["rows"][0]["transforms"][0]["length"] == 20
        assert mappings.readiness_of(store, world.workspace_id, mapping_id).findings == ()
        with pytest.raises(Refusal) as told:
            editing.mend(store, world.workspace_id, mapping_id,
                         **asked | {"code": "segment_lacks"})  # fmt: skip
        assert told.value.code is Code.CHANGE_REFUSED
        point.rollback()
