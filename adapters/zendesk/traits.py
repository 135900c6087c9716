"""What Zendesk is and can do, as data."""

from __future__ import annotations

from datetime import date

from adapters.traits import (
    CardSecret,
    EntityScopes,
    OAuthTraits,
    RatePolicy,
    RecordTraits,
    SettingField,
    TagPlace,
    TagTraits,
    Traits,
)
from schemas.fields import FieldType

SCOPES = (
    "users:read",
    "users:write",
    "organizations:read",
    "organizations:write",
    "tickets:read",
    "tickets:write",
)
# Named by public integrations, in no document of the vendor's that we know: so only asked for by
# whoever names a custom object.
OBJECT_SCOPES = ("custom_objects:read", "custom_objects:write")
# `read` and `write` alone are scopes, too, and cover every kind of record.
ENTITY_SCOPES = {
    name: EntityScopes((f"{kind}:read", "read"), (f"{kind}:write", "write"))
    for name, kind in (
        ("users", "users"),
        ("organizations", "organizations"),
        ("tickets", "tickets"),
        ("", "custom_objects"),
    )
}
# The survey-response object, where it has been made (provisioning.py).
RECORD_OBJECT = "npstoday_response"
RECORD = RecordTraits(
    entity=RECORD_OBJECT,
    key="external_id",
    fields={
        # Each record must have a name.
        "title": "name",
        "campaign": "campaign",
        "score": "score",
        "segment": "segment",
        "comment": "comment",
        "answered_at": "answered_on",
        "tag": "tag",
        "link": "link",
    },
    links={
        "contact": ("contact", "users"),
        "company": ("company", "organizations"),
        "ticket": ("ticket", "tickets"),
        # Agents are users, too; the id is written as told, and left out where it is refused.
        "owner": ("owner", None),
    },
)
# The enforced lifetimes (Zendesk, 2 Feb 2026): access 30 minutes, refresh 30 days; both rotate.
ACCESS_S, REFRESH_S = 1_800, 2_592_000
TICKET_UPDATE = "ticket_update"
TICKETS = "tickets"
API_TOKENS_END = (
    "API tokens stop working on 30 Apr 2027 (Zendesk): connect by OAuth before that day."
)

TRAITS = Traits(
    app="zendesk",
    label="Zendesk",
    base_url="https://{subdomain}.zendesk.com",
    hosts=("*.zendesk.com", "*.zendesk-staging.com"),
    oauth=OAuthTraits(
        authorize_url="{base}/oauth/authorizations/new",
        token_url="{base}/oauth/tokens",  # noqa: S106 - an address
        revoke_url="{base}/api/v2/oauth/tokens/current.json",
        revoke_body="delete",
        scopes=SCOPES,
        entity_scopes=OBJECT_SCOPES,
        needs=ENTITY_SCOPES,
        body="json",
        rotates=True,
        expires_in_s=ACCESS_S,
        extra_token={"expires_in": ACCESS_S, "refresh_token_expires_in": REFRESH_S},
    ),
    key_label="E-mail and API token, as agent@example.com/token:secret",
    settings=(
        SettingField(
            "subdomain",
            "Subdomain",
            pattern=r"[a-z0-9][a-z0-9-]{1,62}",
            help="The first part of your address: acme for acme.zendesk.com.",
        ),
    ),
    entities=("users", "organizations", "tickets"),
    contact_entity="users",
    company_entity="organizations",
    company_link="organization_id",
    company_fields={"name": "name", "external_id": "external_id"},
    record=RECORD,
    inherited={
        "company": (("contact", "organization_id"),),
        "owner": (("ticket", "assignee_id"),),
    },
    write_batch=100,
    read_batch=100,
    # Which spelling an account keeps is not established: the adapter reads back what stands.
    tags=TagTraits(place=TagPlace.ENDPOINT, separator=" ", styles=("verbatim", "safe", "ascii")),
    # Growth and Professional; `probe` learns the account's own limit (`calls_per_minute`). Updates
    # of tickets have one of their own on every plan (documented).
    rates=(RatePolicy(calls=400, per_s=60), RatePolicy(calls=100, per_s=60, kind=TICKET_UPDATE)),
    field_types=frozenset(FieldType) - {FieldType.DATETIME, FieldType.URL, FieldType.OTHER},
    standard_fields={
        "email": "email",
        "external_id": "external_id",
        "name": "name",
        "phone": "phone",
    },
    match_fields=("email", "external_id"),
    note_limit=60_000,
    # One row a call, so that several calls may be on their way at once.
    note_batch=1,
    look_batch=1,
    # The vendor's limit for an attachment (documentation, 2026-11).
    file_limit=50 * 1024 * 1024,
    # Of a ticket that a mapping makes: an internal comment. Custom objects take none (unknown).
    files_on=TICKETS,
    tag_batch=1,
    task_batch=1,
    links_by_write=True,
    dates=(API_TOKENS_END,),
    key_ends=date(2027, 4, 30),
    card=CardSecret.MADE,
    record_page="{base}/agent/users/{id}",
)
