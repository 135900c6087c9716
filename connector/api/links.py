"""The addresses that lead respondents on: a template for each source, and those of one response."""

from __future__ import annotations

from typing import Any

from connector.api.context import actor, hub, reading
from connector.api.description import Resource
from connector.responses import redirects as story
from schemas.links import ResponseLinkListSchema, SourceLinkListSchema

resource = Resource("links", __name__, description="Where respondents are led on to")


@resource.on("GET", "/links", gives=SourceLinkListSchema)
def list_links() -> dict[str, Any]:
    """For each source the address to put into a survey's last page"""
    workspace_id = actor().workspace_id
    return {"links": reading(lambda c: story.listed(c, hub().desk, workspace_id))}


@resource.on("GET", "/links/<whole:response>", gives=ResponseLinkListSchema)
def read_links(response: str) -> dict[str, Any]:
    """The address of one response, by the id under which you pushed it, and where it leads"""
    workspace_id = actor().workspace_id
    found = reading(lambda c: story.of_response(c, hub().desk, workspace_id, response_id=response))
    return {"response_id": response, "links": found}
