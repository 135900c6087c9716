"""Surveys: push one as a whole, read it, and read what it was."""

from __future__ import annotations

from typing import Any

from connector.api.context import Told, actor, changing, reading
from connector.api.description import Resource
from connector.api.pages import id_after, paged
from connector.campaigns import surveys as story
from schemas.campaign import (
    ShownSurveySchema,
    SurveyListSchema,
    SurveySchema,
    SurveyVersionsSchema,
)
from schemas.paging import PageSchema

resource = Resource("surveys", __name__, description="Surveys, questions and options")


@resource.on("GET", "/surveys", query=PageSchema, gives=SurveyListSchema)
def list_surveys(asked: dict[str, Any]) -> dict[str, Any]:
    """Surveys page by page"""
    rows = reading(
        lambda connection: story.listed(
            connection,
            actor().workspace_id,
            after=id_after(asked["cursor"]),
            limit=asked["limit"] + 1,
        )
    )
    page, following = paged(rows, asked["limit"], lambda row: row["id"])
    return {"surveys": page, "next": following}


@resource.on("GET", "/surveys/<key:survey>", gives=ShownSurveySchema)
def read_survey(survey: str) -> dict[str, Any]:
    """A survey in its newest version, by the platform's id"""
    return reading(lambda connection: story.read(connection, actor().workspace_id, survey))


@resource.on("PUT", "/surveys/<key:survey>", takes=SurveySchema, gives=ShownSurveySchema)
def save_survey(body: dict[str, Any], survey: str) -> dict[str, Any]:
    """Push a survey as a whole; the same again makes no new version"""
    return changing(
        lambda connection: story.save(
            connection, actor().workspace_id, platform_id=survey, body=body, learnt_from="api"
        ),
        lambda row: Told(f"survey:{row['id']}", {"version": row["version"]}),
    )


@resource.on("GET", "/surveys/<key:survey>/versions", gives=SurveyVersionsSchema)
def read_versions(survey: str) -> dict[str, Any]:
    """The versions of a survey, newest first"""
    rows = reading(lambda connection: story.versions(connection, actor().workspace_id, survey))
    return {"versions": rows}
