"""Contacts are found by the words of what they are called; a campaign's responses by the campaign;
where campaigns and distributions are known from.

Safe beside the version before it: the words are kept by triggers, and what is known of a campaign's
origin is nullable.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0022"

# No search path of its own, which would keep a function from being merged into the query.
# What a search compares (connector/contacts/people.py does the same to what is typed): without
# accents and capitals, Scandinavian and German letters as they are typed abroad.
FOLDED = """
    CREATE FUNCTION ab_folded(told text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT translate(replace(replace(replace(
             lower(regexp_replace(normalize(told, NFKD), '[\\u0300-\\u036f]', '', 'g'){unicode}),
             'æ', 'ae'), 'œ', 'oe'), 'ß', 'ss'), 'øđłðı', 'odldi')
    $$
"""
# Words end at spaces and at every sign of ASCII that is neither letter nor digit.
WORDS = """
    CREATE FUNCTION ab_words(told text, phone text) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT DISTINCT left(word, 64) FROM (
      SELECT regexp_split_to_table(public.ab_folded(told),
                                   '[\\s\\x01-\\x2f\\x3a-\\x60\\x7b-\\x7f]+')
      UNION ALL SELECT regexp_replace(phone, '[^0-9]', '', 'g')) AS every(word)
     WHERE word <> '' LIMIT 40
    $$
"""
TOLD = (
    "concat_ws(' ', {0}.name, {0}.first_name, {0}.last_name, {0}.company, {0}.email,"
    " {0}.external_id, {0}.phone)"
)
ADD = (  # from own names alone, as all below
    "INSERT INTO contact_word (workspace_id, contact_id, word)"  # noqa: S608
    f" SELECT n.workspace_id, n.id, w.word FROM {{rows}} CROSS JOIN LATERAL"
    f" ab_words({TOLD.format('n')}, n.phone) AS w(word) ON CONFLICT DO NOTHING"
)
CHANGED = f"{TOLD.format('n')} IS DISTINCT FROM {TOLD.format('o')}"
OTHERS = f"SELECT n.* FROM new_rows n JOIN old_rows o ON o.id = n.id WHERE {CHANGED}"  # noqa: S608
ADDED = f"""
    CREATE FUNCTION ab_contact_added() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
    BEGIN
      {ADD.format(rows="new_rows n")};
      RETURN NULL;
    END $$
"""
RENAMED = f"""
    CREATE FUNCTION ab_contact_renamed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
    BEGIN
      DELETE FROM contact_word w USING new_rows n JOIN old_rows o ON o.id = n.id
       WHERE w.workspace_id = n.workspace_id AND w.contact_id = n.id AND {CHANGED};
      {ADD.format(rows=f"({OTHERS}) n")};
      RETURN NULL;
    END $$
"""  # noqa: S608
TRIGGERS = (
    (
        "CREATE TRIGGER words_of_new AFTER INSERT ON contact REFERENCING NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION ab_contact_added()"
    ),
    (
        "CREATE TRIGGER words_of_changed AFTER UPDATE ON contact REFERENCING OLD TABLE AS old_rows"
        " NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ab_contact_renamed()"
    ),
)


def upgrade() -> None:
    """The table of words with its triggers, filled; an index; two columns."""
    _words()
    # PostgreSQL before 17 has no such collation: there the database's own says what is a capital.
    unicode = op.get_bind().scalar(
        sa.text("SELECT EXISTS (SELECT FROM pg_collation WHERE collname = 'pg_c_utf8')")
    )
    op.execute(FOLDED.format(unicode=' COLLATE "pg_c_utf8"' if unicode else ""))
    for statement in (WORDS, ADDED, RENAMED, *TRIGGERS, ADD.format(rows="contact n")):
        op.execute(statement)
    op.create_index("ix_response_campaign", "response", ["workspace_id", "campaign_id", "id"])
    op.add_column("campaign", sa.Column("learnt_from", sa.Text(), nullable=True))
    op.add_column("distribution", sa.Column("learnt_from", sa.Text(), nullable=True))


def _words() -> None:
    op.create_table(
        "contact_word",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        # Compared byte by byte, so that what begins alike stands together in the index.
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_contact_word_workspace_id_contact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_contact_word_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "contact_id", "word", name=op.f("pk_contact_word")),
    )
    op.create_index("ix_contact_word", "contact_word", ["workspace_id", "word", "contact_id"])
    op.execute("ALTER TABLE contact_word ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY of_workspace ON contact_word USING (workspace_id ="
        " nullif(current_setting('app.workspace_id', true), '')::bigint)"
    )
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON contact_word TO "{role}"')


def downgrade() -> None:
    """Contacts are found by address and external id alone."""
    op.drop_column("distribution", "learnt_from")
    op.drop_column("campaign", "learnt_from")
    op.drop_index("ix_response_campaign", "response")
    for name in ("words_of_new", "words_of_changed"):
        op.execute(f"DROP TRIGGER {name} ON contact")
    for name in (
        "ab_contact_added()",
        "ab_contact_renamed()",
        "ab_words(text, text)",
        "ab_folded(text)",
    ):
        op.execute(f"DROP FUNCTION {name}")
    op.drop_table("contact_word")
