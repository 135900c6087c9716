"""Campaigns, their segments and distributions: by the platform's id, with a tag name of their own.

Renaming a campaign changes its name and never its tag name: the tags that stand in the CRMs would
otherwise be orphans. Its tags are renamed on request alone (`rename_tags`). Two campaigns of one
name are told apart by the platform's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from connector.problems import Code, Place, Refusal, not_found
from connector.tables import campaign, distribution, segment, survey
from schemas.phrases import phrase

Body = Mapping[str, Any]
Collides = Callable[[str, str], bool]
_SAID = ("properties", "flags", "participation")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('campaigns', :workspace))")


@dataclass(frozen=True, slots=True)
class Registered:
    """A campaign that is there now; `created` says that it was not before."""

    id: int
    tag_name: str
    created: bool


def same(one: str, other: str) -> bool:
    """Whether two tag names are the same letter for letter; a CRM may fold more together."""
    return one == other


def register(
    connection: Connection,
    workspace_id: int,
    *,
    platform_id: str,
    name: str | None,
    tag_name: str,
    collides: Collides = same,
    learnt_from: str = "response",
) -> Registered:
    """Make sure the campaign is there; a repeat only takes over a new name.

    `tag_name` is the wish: where it collides with another campaign's, the platform's id is added.
    """
    known = _by_platform_id(connection, workspace_id, platform_id)
    if known is None:
        # One registration at a time, else two campaigns could take one tag name.
        connection.execute(_LOCK, {"workspace": workspace_id})
        known = _by_platform_id(connection, workspace_id, platform_id)
    if known is not None:
        if name is not None and name != known.name:
            connection.execute(
                update(campaign)
                .where(campaign.c.id == known.id)
                .values(name=name, updated_at=func.now())
            )
        return Registered(known.id, known.tag_name, created=False)
    taken = _taken(connection, workspace_id)
    own = told_apart(tag_name, platform_id, taken=taken, collides=collides)
    made = connection.execute(
        insert(campaign)
        .values(
            workspace_id=workspace_id,
            platform_id=platform_id,
            name=name,
            tag_name=own,
            learnt_from=learnt_from,
        )
        .returning(campaign.c.id)
    )
    return Registered(int(made.scalar_one()), own, created=True)


def _taken(connection: Connection, workspace_id: int, *, but: int | None = None) -> list[str]:
    """The tag names of all campaigns, those of before too: contacts may still carry them."""
    rows = connection.execute(
        select(campaign.c.id, campaign.c.tag_name, campaign.c.former_tag_names).where(
            campaign.c.workspace_id == workspace_id
        )
    )
    return [name for row in rows if row.id != but for name in (row.tag_name, *row.former_tag_names)]


def rename_tags(
    connection: Connection,
    workspace_id: int,
    *,
    platform_id: str,
    tag_name: str | None,
    collides: Collides = same,
) -> int:
    """Give the campaign's tags another name; the campaign's id. None: the campaign's own name.

    Refusal NOT_FOUND, or NAME_TAKEN where another campaign's tags would be spelt alike.
    """
    connection.execute(_LOCK, {"workspace": workspace_id})
    known = _by_platform_id(connection, workspace_id, platform_id)
    if known is None:
        raise not_found()
    wish = tag_name if tag_name is not None else known.name
    if wish is None:
        raise Refusal(
            Code.BODY_INVALID, places=[Place("/name", "required", phrase("name the tags"))]
        )
    if any(collides(wish, one) for one in _taken(connection, workspace_id, but=known.id)):
        text_ = phrase("the tags of another campaign are or were spelt like that")
        raise Refusal(Code.NAME_TAKEN, places=[Place("/name", "name_taken", text_)])
    if wish != known.tag_name:
        former = [one for one in (*known.former_tag_names, known.tag_name) if one != wish]
        connection.execute(
            update(campaign)
            .where(campaign.c.id == known.id)
            .values(tag_name=wish, former_tag_names=former, updated_at=func.now())
        )
    return int(known.id)


def told_apart(wish: str, platform_id: str, *, taken: Iterable[str], collides: Collides) -> str:
    """The wish, or the wish with the platform's id, and a number where that is taken too."""
    others = list(taken)
    suffixes = ["", f" {platform_id}", *(f" {platform_id} {number}" for number in range(2, 100))]
    for suffix in suffixes:
        candidate = f"{wish}{suffix}"
        if not any(collides(candidate, other) for other in others):
            return candidate
    raise Refusal(Code.NAME_TAKEN, phrase("No tag name could be found for this campaign."))


def save(
    connection: Connection,
    workspace_id: int,
    *,
    platform_id: str,
    body: Body,
    tag_name: str,
    collides: Collides = same,
) -> dict[str, Any]:
    """Register the campaign and set what the body names; the campaign afterwards."""
    found = register(
        connection,
        workspace_id,
        platform_id=platform_id,
        name=body["name"],
        tag_name=tag_name,
        collides=collides,
        learnt_from="api",
    )
    values: dict[str, Any] = {name: body[name] for name in _SAID if name in body}
    if "survey" in body:
        values["survey_id"] = _survey_id(connection, workspace_id, body["survey"])
    if "segment" in body:
        values["segment_id"] = _segment_id(connection, workspace_id, body["segment"])
    if values:
        connection.execute(
            update(campaign)
            .where(campaign.c.id == found.id)
            .values(**values, updated_at=func.now())
        )
    return read(connection, workspace_id, platform_id)


def read(connection: Connection, workspace_id: int, platform_id: str) -> dict[str, Any]:
    """The campaign with its distributions. Raises Refusal(NOT_FOUND)."""
    asked = _shown().where(
        campaign.c.workspace_id == workspace_id, campaign.c.platform_id == platform_id
    )
    row = connection.execute(asked).mappings().one_or_none()
    if row is None:
        raise not_found()
    sendings = connection.execute(
        select(distribution)
        .where(distribution.c.workspace_id == workspace_id, distribution.c.campaign_id == row["id"])
        .order_by(distribution.c.id)
        .limit(1000)
    )
    return {**row, "distributions": [dict(one) for one in sendings.mappings()]}


def by_id(connection: Connection, workspace_id: int, campaign_id: int) -> dict[str, Any]:
    """The campaign with our id, as `read` has it. Raises Refusal(NOT_FOUND)."""
    platform_id = connection.execute(
        select(campaign.c.platform_id).where(
            campaign.c.workspace_id == workspace_id, campaign.c.id == campaign_id
        )
    ).scalar_one_or_none()
    if platform_id is None:
        raise not_found()
    return read(connection, workspace_id, platform_id)


def newest(
    connection: Connection, workspace_id: int, *, before: int, limit: int
) -> list[dict[str, Any]]:
    """Campaigns with an id below `before`, the newest first, without their distributions."""
    rows = connection.execute(
        _shown()
        .where(campaign.c.workspace_id == workspace_id, campaign.c.id < before)
        .order_by(campaign.c.id.desc())
        .limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


def listed(
    connection: Connection, workspace_id: int, *, after: int, limit: int
) -> list[dict[str, Any]]:
    """Campaigns by id after `after`, without their distributions."""
    rows = connection.execute(
        _shown()
        .where(campaign.c.workspace_id == workspace_id, campaign.c.id > after)
        .order_by(campaign.c.id)
        .limit(limit)
    )
    return [dict(row) for row in rows.mappings()]


def save_distribution(
    connection: Connection, workspace_id: int, *, campaign_id: str, platform_id: str, body: Body
) -> dict[str, Any]:
    """Make or change a distribution of the campaign with that platform id."""
    owner = _by_platform_id(connection, workspace_id, campaign_id)
    if owner is None:
        raise not_found()
    values = {"name": body.get("name"), "properties": body.get("properties", {})}
    saved = connection.execute(
        insert(distribution)
        .values(
            workspace_id=workspace_id,
            campaign_id=owner.id,
            platform_id=platform_id,
            learnt_from="api",
            **values,
        )
        .on_conflict_do_update(
            index_elements=["workspace_id", "platform_id"],
            set_={**values, "campaign_id": owner.id, "learnt_from": "api"},
        )
        .returning(distribution)
    )
    return dict(saved.mappings().one())


def learn_distributions(
    connection: Connection, workspace_id: int, campaigns: Mapping[str, int]
) -> None:
    """Make the distributions (platform id -> our campaign) that are not there; in one order, so
    that two planners do not deadlock.
    """
    rows = [
        {
            "workspace_id": workspace_id,
            "platform_id": one,
            "campaign_id": campaigns[one],
            "learnt_from": "response",
        }
        for one in sorted(campaigns)
    ]
    if rows:
        connection.execute(insert(distribution).values(rows).on_conflict_do_nothing())


def save_segment(
    connection: Connection, workspace_id: int, *, name: str, attributes: Body
) -> dict[str, Any]:
    """Make or change the segment of that name."""
    saved = connection.execute(
        insert(segment)
        .values(workspace_id=workspace_id, name=name, attributes=dict(attributes))
        .on_conflict_do_update(
            index_elements=["workspace_id", "name"], set_={"attributes": dict(attributes)}
        )
        .returning(segment)
    )
    return dict(saved.mappings().one())


def choose_segment(
    connection: Connection, workspace_id: int, campaign_id: int, name: str | None
) -> None:
    """The campaign asks that segment, None: whomever the platform chooses. Raises
    Refusal(NOT_FOUND), and Refusal(BODY_INVALID) where there is no such segment.
    """
    chosen = _segment_id(connection, workspace_id, name)
    done = connection.execute(
        update(campaign)
        .where(campaign.c.workspace_id == workspace_id, campaign.c.id == campaign_id)
        .values(segment_id=chosen, updated_at=func.now())
    )
    if done.rowcount != 1:
        raise not_found()


def choose_participation(
    connection: Connection, workspace_id: int, campaign_id: int, said: Body | None
) -> None:
    """How often a person answers the campaign, None: not known. Raises Refusal(NOT_FOUND)."""
    done = connection.execute(
        update(campaign)
        .where(campaign.c.workspace_id == workspace_id, campaign.c.id == campaign_id)
        .values(participation=said, updated_at=func.now())
    )
    if done.rowcount != 1:
        raise not_found()


def segments(connection: Connection, workspace_id: int) -> list[dict[str, Any]]:
    """Every segment of the workspace by name."""
    rows = connection.execute(
        select(segment).where(segment.c.workspace_id == workspace_id).order_by(segment.c.name)
    )
    return [dict(row) for row in rows.mappings()]


def _shown() -> Select[Any]:
    return (
        select(
            campaign.c.id,
            campaign.c.platform_id,
            campaign.c.name,
            campaign.c.tag_name,
            campaign.c.former_tag_names,
            campaign.c.properties,
            campaign.c.flags,
            campaign.c.participation,
            campaign.c.learnt_from,
            survey.c.platform_id.label("survey"),
            segment.c.name.label("segment"),
        )
        .outerjoin(survey, survey.c.id == campaign.c.survey_id)
        .outerjoin(segment, segment.c.id == campaign.c.segment_id)
    )


def _by_platform_id(connection: Connection, workspace_id: int, platform_id: str) -> Any:  # noqa: ANN401
    return connection.execute(
        select(
            campaign.c.id, campaign.c.name, campaign.c.tag_name, campaign.c.former_tag_names
        ).where(campaign.c.workspace_id == workspace_id, campaign.c.platform_id == platform_id)
    ).one_or_none()


def _survey_id(connection: Connection, workspace_id: int, platform_id: str | None) -> int | None:
    if platform_id is None:
        return None
    found = connection.execute(
        select(survey.c.id).where(
            survey.c.workspace_id == workspace_id, survey.c.platform_id == platform_id
        )
    ).scalar_one_or_none()
    return found if found is not None else _unknown("survey")


def _segment_id(connection: Connection, workspace_id: int, name: str | None) -> int | None:
    if name is None:
        return None
    found = connection.execute(
        select(segment.c.id).where(segment.c.workspace_id == workspace_id, segment.c.name == name)
    ).scalar_one_or_none()
    return found if found is not None else _unknown("segment")


_NO_SUCH = {
    "survey": phrase("there is no survey of that name; save it first"),
    "segment": phrase("there is no segment of that name; save it first"),
}


def _unknown(what: str) -> int:
    place = Place(f"/{what}", "unknown", _NO_SUCH[what])
    raise Refusal(Code.BODY_INVALID, places=[place])
