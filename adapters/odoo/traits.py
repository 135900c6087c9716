"""What Odoo is and can do, as data (Odoo fact sheet, state November 2026)."""

from __future__ import annotations

import re

from adapters.traits import (
    RatePolicy,
    RecordTraits,
    SettingField,
    TagPlace,
    TagTraits,
    Traits,
)
from schemas.fields import FieldType
from schemas.odoo import ACTIVITY, COMPANY, LEAD, PARTNER

NOTE_LIMIT = 60_000
# No limit of Odoo's own is known for calls; a file travels a third larger (11 takes this size).
FILE_LIMIT = 20 * 1024 * 1024
# The module of our ids outside of Odoo (`ir.model.data`), which the database keeps unique.
OUTSIDE = "answerback"
RECORD_MODEL = "x_npstoday_response"
# Models that an admin has made: they need not have a chatter.
OWN_MODELS = r"x_\w+"
RECORD = RecordTraits(
    entity=RECORD_MODEL,
    key="x_response_id",
    fields={
        "campaign": "x_name",
        "score": "x_score",
        "segment": "x_segment",
        "comment": "x_comment",
        "answered_at": "x_answered_at",
        "tag": "x_tag",
        "link": "x_link",
    },
    links={
        "contact": ("x_contact_id", PARTNER),
        "company": ("x_company_id", COMPANY),
        "deal": ("x_lead_id", LEAD),
        "owner": ("x_user_id", "res.users"),
    },
)
JSON_RPC_ENDS = (
    "Odoo 19 brings /json/2 and announces the end of JSON-RPC with Odoo 22 (autumn 2028): the"
    " setting api chooses."
)
API = SettingField(
    name="api",
    label="Which API is spoken",
    required=False,
    pattern="jsonrpc|json2",
    help="jsonrpc, unless told otherwise: every version up to 21. json2: Odoo 19 and later.",
)

TRAITS = Traits(
    app="odoo",
    label="Odoo",
    # Odoo Online and Odoo.sh; a server of one's own is a base URL, which the operator allows.
    base_url="https://{database}.odoo.com",
    hosts=("*.odoo.com",),
    oauth=None,
    key_label="API key of the integration user (Odoo 14 and later), or its password",
    settings=(
        SettingField(
            "database",
            "Database",
            pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
            help="The name of the database: acme for acme.odoo.com.",
        ),
        SettingField("user", "User", help="The login of the integration user, often an e-mail."),
        API,
    ),
    entities=(PARTNER, COMPANY, LEAD, ACTIVITY),
    contact_entity=PARTNER,
    # Odoo 18 and later lead on from it to their own form of the address.
    record_page="{base}/web#id={id}&model=res.partner&view_type=form",
    record=RECORD,
    company_entity=COMPANY,
    company_link="parent_id",
    inherited={
        "company": (("contact", "parent_id"), ("deal", "partner_id")),
        "owner": (("deal", "user_id"), ("contact", "user_id")),
    },
    company_fields={"name": "name", "external_id": "ref"},
    write_batch=100,
    read_batch=100,
    # An endpoint and not a field: the exact tags to take away are told, so that a tag somebody else
    # adds meanwhile stays. One write swaps both for all contacts that get the same tag.
    tags=TagTraits(
        place=TagPlace.ENDPOINT, field="category_id", max_length=255, needs_options=True
    ),
    # Odoo states no limit (Odoo Online's is unverified), and a worker of it serves one call at a
    # time: this keeps three calls in flight.
    rates=(RatePolicy(calls=100, per_s=10),),
    field_types=frozenset(FieldType) - {FieldType.MULTI_CHOICE, FieldType.OTHER},
    standard_fields={
        "email": "email",
        "external_id": "ref",
        "name": "name",
        "phone": "phone",
        "street": "street",
        "postal_code": "zip",
        "city": "city",
    },
    match_fields=("email", "ref"),
    note_limit=NOTE_LIMIT,
    file_limit=FILE_LIMIT,
    files_on=rf"{re.escape(COMPANY)}|{re.escape(LEAD)}|{OWN_MODELS}",
    # One note a call, so that several calls may be on their way at once.
    note_batch=1,
    tag_batch=100,
    task_batch=100,
    linger_s=2.0,
    # Two contacts may share an address, so a create is looked up before it is sent again.
    creates="marker",
    dates=(JSON_RPC_ENDS,),
)
