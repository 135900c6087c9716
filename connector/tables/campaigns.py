"""Surveys and campaigns, pushed by API or learnt from responses; versions of a survey are kept."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Numeric, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY

from connector.tables.base import document, identifier, moment, table, to, words

survey = table(
    "survey",
    words("platform_id"),
    words("name", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("0")),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    UniqueConstraint("workspace_id", "platform_id"),
)

survey_version = table(
    "survey_version",
    identifier("survey_id"),
    Column("version", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    document("body"),
    words("learnt_from"),
    moment("created_at", now=True),
    to("survey", ondelete="CASCADE"),
    UniqueConstraint("survey_id", "version"),
)

# `label` groups questions of several surveys into one variable; `category` and `flags` feed
# variables of their own.
question = table(
    "question",
    identifier("survey_id"),
    words("key"),
    words("type"),
    words("title", nullable=True),
    words("label", nullable=True),
    words("category", nullable=True),
    Column("flags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("weight", Numeric, nullable=True),
    Column("position", Integer, nullable=False, server_default=text("0")),
    to("survey", ondelete="CASCADE"),
    UniqueConstraint("survey_id", "key"),
)

question_option = table(
    "question_option",
    identifier("question_id"),
    words("value"),
    words("label", nullable=True),
    Column("weight", Numeric, nullable=True),
    Column("flags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("position", Integer, nullable=False, server_default=text("0")),
    to("question", ondelete="CASCADE"),
    UniqueConstraint("question_id", "value"),
)

segment = table(
    "segment",
    words("name"),
    document("attributes"),
    moment("created_at", now=True),
    UniqueConstraint("workspace_id", "name"),
)

# A campaign is the platform's id; the name may change, `tag_name` is frozen when the campaign is
# registered. `learnt_from`: `api` or `response`, which made it known first; null of before 0026.
campaign = table(
    "campaign",
    words("platform_id"),
    words("name", nullable=True),
    words("tag_name"),
    # Of before: tags in these names are replaced like those in the present one.
    Column("former_tag_names", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    identifier("survey_id", nullable=True),
    identifier("segment_id", nullable=True),
    document("properties"),
    Column("flags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # {"answers": "once" | "several", "days": number | null}; null: nobody has said.
    document("participation", nullable=True),
    words("learnt_from", nullable=True),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    to("survey"),
    to("segment"),
    UniqueConstraint("workspace_id", "platform_id"),
    Index("uq_campaign_tag_name", "workspace_id", "tag_name", unique=True),
)

distribution = table(
    "distribution",
    identifier("campaign_id"),
    words("platform_id"),
    words("name", nullable=True),
    document("properties"),
    words("learnt_from", nullable=True),
    moment("created_at", now=True),
    to("campaign", ondelete="CASCADE"),
    UniqueConstraint("workspace_id", "platform_id"),
)
