"""Campaigns, distributions and segments."""

from __future__ import annotations

from typing import Any

from connector.api.context import Told, actor, changing, hub, reading
from connector.api.description import Resource
from connector.api.pages import id_after, paged
from connector.campaigns import register as story
from connector.queues import DRAIN, PROVISION
from connector.responses import learning, retag
from schemas.campaign import (
    CampaignListSchema,
    CampaignSchema,
    DistributionSchema,
    RetaggedSchema,
    RetagSchema,
    SegmentListSchema,
    SegmentSchema,
    ShownCampaignSchema,
    ShownDistributionSchema,
    ShownSegmentSchema,
)
from schemas.paging import PageSchema

resource = Resource("campaigns", __name__, description="Campaigns, distributions, segments")


@resource.on("GET", "/campaigns", query=PageSchema, gives=CampaignListSchema)
def list_campaigns(asked: dict[str, Any]) -> dict[str, Any]:
    """Campaigns page by page"""
    rows = reading(
        lambda connection: story.listed(
            connection,
            actor().workspace_id,
            after=id_after(asked["cursor"]),
            limit=asked["limit"] + 1,
        )
    )
    page, following = paged(rows, asked["limit"], lambda row: row["id"])
    return {"campaigns": page, "next": following}


@resource.on("GET", "/campaigns/<key:campaign>", gives=ShownCampaignSchema)
def read_campaign(campaign: str) -> dict[str, Any]:
    """A campaign by the platform's id, with its distributions"""
    return reading(lambda connection: story.read(connection, actor().workspace_id, campaign))


@resource.on("PUT", "/campaigns/<key:campaign>", takes=CampaignSchema, gives=ShownCampaignSchema)
def save_campaign(body: dict[str, Any], campaign: str) -> dict[str, Any]:
    """Register a campaign or change it; its tag name is frozen when it is registered"""
    return changing(
        lambda connection: story.save(
            connection,
            actor().workspace_id,
            platform_id=campaign,
            body=body,
            tag_name=learning.usable_name(body["name"], campaign),
            collides=learning.told_apart,
        ),
        lambda row: Told(f"campaign:{row['id']}", {"changed": sorted(body)}),
    )


@resource.on(
    "POST", "/campaigns/<key:campaign>/retag", takes=RetagSchema, gives=RetaggedSchema, status=202
)
def rename_tags(body: dict[str, Any], campaign: str) -> dict[str, Any]:
    """Give a campaign's tags another name, its own if none is said, and write all of them anew"""
    workspace_id = actor().workspace_id
    done = changing(
        lambda c: retag.rename(c, workspace_id, platform_id=campaign, name=body["name"]),
        lambda one: Told(f"campaign:{one.campaign_id}", {"tags": one.tags}),
    )
    for connection_id in done.connections:
        hub().bell.ring(PROVISION, workspace_id, connection_id)
        hub().bell.ring(DRAIN, workspace_id, connection_id)
    shown = reading(lambda c: story.read(c, workspace_id, campaign))
    return {"tag_name": shown["tag_name"], "former": shown["former_tag_names"], "tags": done.tags}


@resource.on(
    "PUT",
    "/campaigns/<key:campaign>/distributions/<key:distribution>",
    takes=DistributionSchema,
    gives=ShownDistributionSchema,
)
def save_distribution(body: dict[str, Any], campaign: str, distribution: str) -> dict[str, Any]:
    """Make or change a distribution of a campaign"""
    return changing(
        lambda connection: story.save_distribution(
            connection,
            actor().workspace_id,
            campaign_id=campaign,
            platform_id=distribution,
            body=body,
        ),
        lambda row: Told(f"distribution:{row['id']}"),
    )


@resource.on("GET", "/segments", gives=SegmentListSchema)
def list_segments() -> dict[str, Any]:
    """Every segment"""
    return {"segments": reading(lambda c: story.segments(c, actor().workspace_id))}


@resource.on("PUT", "/segments/<key:segment>", takes=SegmentSchema, gives=ShownSegmentSchema)
def save_segment(body: dict[str, Any], segment: str) -> dict[str, Any]:
    """Make or change a segment"""
    return changing(
        lambda connection: story.save_segment(
            connection, actor().workspace_id, name=segment, attributes=body["attributes"]
        ),
        lambda row: Told(f"segment:{row['id']}"),
    )
