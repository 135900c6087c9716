"""What HubSpot is and can do, as data (HubSpot fact sheet, state November 2026)."""

from __future__ import annotations

import re

from adapters.traits import (
    TAG_STRATEGY,
    CardSecret,
    EntityScopes,
    OAuthTraits,
    RatePolicy,
    RecordTraits,
    TagPlace,
    TagTraits,
    Traits,
)
from schemas.fields import FieldType
from schemas.hubspot import SEPARATOR

# HubSpot supports a dated version for 18 months: 2026-09 until about March 2028.
API = "2026-09"
# Only 2026-03 is documented for tokens; /oauth/v1 is switched off on 16 Feb 2027.
OAUTH_API = "2026-03"
ROWS = 100
NOTE_LIMIT = 65_536
# What free accounts may upload; paid ones take more (vendor's limits page, not verified).
FILE_LIMIT = 20 * 1024 * 1024
TAG_GROUP = "npstoday"
TAG_FIELD = "npstoday_tags"
# A campaign's own number, where scores are kept so instead (setting tag_strategy).
SCORE_FIELD, SCORE_FIELD_NAME = (
    "npstoday_{campaign}_score",
    re.compile(r"npstoday_[a-z0-9_]+_score"),
)
# Ours on records that HubSpot has no unique property for; unique, so that none is made twice.
KEY_FIELD = "npstoday_key"
# HubSpot's own property of a contact; written as an association (primary.py).
COMPANY_LINK = "associatedcompanyid"
# HubSpot's own property of contacts, deals, tickets and custom objects.
OWNER = "hubspot_owner_id"
# HubSpot puts the account's number in front: p123_npstoday_response.
RECORD_NAME = "npstoday_response"
RECORD = RecordTraits(
    entity=rf"p[0-9]+_{RECORD_NAME}",
    key="response_id",
    fields={
        one: one
        for one in ("campaign", "score", "segment", "comment", "answered_at", "tag", "link")
    },
    links={
        "contact": ("contacts", "contacts"),
        "company": ("companies", "companies"),
        "deal": ("deals", "deals"),
        "ticket": ("tickets", "tickets"),
        # Owners are no kind of record: the id is written as told.
        "owner": (OWNER, None),
    },
)
SEARCH = "search"

SCOPES = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.deals.read",
    "crm.objects.owners.read",
)
# Granted where the app and the account's plan have them; without them those records stay out.
OPTIONAL_SCOPES = (
    "crm.objects.companies.write",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.objects.deals.write",
    "tickets",
    "crm.objects.custom.read",
    "crm.objects.custom.write",
    "crm.schemas.custom.read",
    "crm.schemas.custom.write",
    "files",
)
# Tickets have one scope for both, and of late two (scopes page, 2026-11): either will do.
ENTITY_SCOPES = {
    **{
        name: EntityScopes((f"crm.objects.{name}.read",), (f"crm.objects.{name}.write",))
        for name in ("contacts", "companies", "deals")
    },
    "tickets": EntityScopes(
        ("tickets", "crm.objects.tickets.read"), ("tickets", "crm.objects.tickets.write")
    ),
    "": EntityScopes(("crm.objects.custom.read",), ("crm.objects.custom.write",)),
}

TRAITS = Traits(
    app="hubspot",
    label="HubSpot",
    base_url="https://api.hubapi.com",
    hosts=("api.hubapi.com",),
    oauth=OAuthTraits(
        authorize_url="https://app.hubspot.com/oauth/authorize",
        token_url=f"{{base}}/oauth/{OAUTH_API}/token",
        revoke_url=f"{{base}}/oauth/{OAUTH_API}/token/revoke",
        scopes=SCOPES,
        # Usually the same refresh token comes back, sometimes none, sometimes a new one.
        rotates=False,
        expires_in_s=1_800,
        extra_authorize={"optional_scope": " ".join(OPTIONAL_SCOPES)},
        needs=ENTITY_SCOPES,
    ),
    key_label="Service key (pat-...)",
    settings=(TAG_STRATEGY,),
    entities=("contacts", "companies", "deals", "tickets"),
    contact_entity="contacts",
    company_entity="companies",
    record=RECORD,
    company_link=COMPANY_LINK,
    inherited={
        "company": (("contact", COMPANY_LINK),),
        "owner": (("deal", OWNER), ("ticket", OWNER), ("contact", OWNER)),
    },
    company_fields={"name": "name", "domain": "domain"},
    write_batch=ROWS,
    read_batch=ROWS,
    tags=TagTraits(
        place=TagPlace.FIELD,
        field=TAG_FIELD,
        separator=SEPARATOR,
        needs_options=True,
        per_campaign=SCORE_FIELD,
        # A property's name may have 100 signs (unverified).
        per_campaign_length=60,
    ),
    # OAuth apps may make 110 calls in ten seconds, keys of small plans 100: one rule for both.
    # Search has 5 a second of its own.
    rates=(RatePolicy(calls=100, per_s=10), RatePolicy(calls=4, per_s=1, kind=SEARCH)),
    # A HubSpot number may always have decimals; it has no address type and no integer type.
    field_types=frozenset(FieldType) - {FieldType.INTEGER, FieldType.URL, FieldType.OTHER},
    standard_fields={
        "email": "email",
        "first_name": "firstname",
        "last_name": "lastname",
        "phone": "phone",
        "company": "company",
        "street": "address",
        "postal_code": "zip",
        "city": "city",
        "country": "country",
    },
    match_fields=("email",),
    id_field="hs_object_id",
    note_limit=NOTE_LIMIT,
    note_batch=ROWS,
    task_batch=ROWS,
    file_limit=FILE_LIMIT,
    # What a note can be linked to (notes.py).
    files_on=r"companies|deals|p[0-9]+_.+",
    dates=(
        "16 Feb 2027: the old OAuth paths of HubSpot end. Nothing to do: they are not used here.",
        "About March 2028: HubSpot's API version 2026-09 leaves support; an update comes before.",
    ),
    card=CardSecret.GIVEN,
    tells=True,
    # 0-1 is the object type of contacts; app.hubspot.com leads on to the account's own region.
    record_page="https://app.hubspot.com/contacts/{account}/record/0-1/{id}",
)
