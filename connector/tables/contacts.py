"""Our contacts, and the link between one of them and its record in a CRM."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, Text, text

from connector.tables.base import document, identifier, keyed_table, moment, table, to, words

# `email_key` is the address folded to lower case: the unique identifier, whatever its case.
# `origin_connection_id` is the connection the contact came from: the standard integration answers
# there.
contact = table(
    "contact",
    words("email", nullable=True),
    words("email_key", nullable=True),
    words("external_id", nullable=True),
    words("phone", nullable=True),
    words("name", nullable=True),
    words("first_name", nullable=True),
    words("last_name", nullable=True),
    words("company", nullable=True),
    words("country", nullable=True),
    words("language", nullable=True),
    document("attributes"),
    words("state", default="active"),
    identifier("origin_connection_id", nullable=True),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("opted_out_at"),
    words("opted_out_by", nullable=True),
    to("connection", "origin_connection_id"),
    CheckConstraint("state IN ('active', 'inactive')", name="state"),
    Index(
        "uq_contact_email_key",
        "workspace_id",
        "email_key",
        unique=True,
        postgresql_where=text("email_key IS NOT NULL"),
    ),
    Index(
        "uq_contact_external_id",
        "workspace_id",
        "external_id",
        unique=True,
        postgresql_where=text("external_id IS NOT NULL"),
    ),
)

# The words of what a contact is called, as a search compares them. Kept by triggers of `contact`
# (migration 0026), so that no writer can forget it.
contact_word = keyed_table(
    "contact_word",
    identifier("contact_id"),
    Column("word", Text(collation="C"), nullable=False),
    PrimaryKeyConstraint("workspace_id", "contact_id", "word"),
    to("contact", ondelete="CASCADE"),
    Index("ix_contact_word", "workspace_id", "word", "contact_id"),
)

link = keyed_table(
    "link",
    identifier("connection_id", primary_key=True),
    identifier("contact_id", primary_key=True),
    Column("entity", Text, primary_key=True),
    words("remote_id"),
    moment("linked_at", now=True),
    to("connection", ondelete="CASCADE"),
    to("contact", ondelete="CASCADE"),
    Index("ix_link_remote", "connection_id", "entity", "remote_id"),
)
