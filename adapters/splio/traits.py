"""What Splio is and can do, as data (vendor's OpenAPI documents, state August 2026)."""

from __future__ import annotations

from adapters.traits import KeyExchange, RatePolicy, SettingField, TagPlace, TagTraits, Traits
from schemas.fields import FieldType
from schemas.splio import CONTACT, LIST

# Calls that are not about contacts have a smaller window.
OTHER = "other"

TRAITS = Traits(
    app="splio",
    label="Splio",
    base_url="https://api.splio.com",
    hosts=("api.splio.com",),
    oauth=None,
    key_label="API key of the universe",
    # Splio asks not to sign in for each call: a token lives for a day.
    key_exchange=KeyExchange(
        url="{base}/authenticate",
        key_field="api_key",
        token_field="token",  # noqa: S106 - the name of a field
        lives_s=86_400,
    ),
    settings=(
        SettingField(
            "universe",
            "Universe",
            pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
            help="The name of the universe that the key belongs to; Splio does not tell it.",
        ),
    ),
    entities=(CONTACT,),
    contact_entity=CONTACT,
    # Contacts are read and changed one by one. Many can be made at once, but that answer does not
    # tell their ids, so that each would have to be read after all.
    write_batch=1,
    read_batch=1,
    tags=TagTraits(place=TagPlace.NONE),
    # Per address of the caller, not per universe (vendor's guide): what several universes on one
    # hub share is a setting of each connection.
    rates=(RatePolicy(calls=20, per_s=1), RatePolicy(calls=10, per_s=1, kind=OTHER)),
    field_types=frozenset(
        {
            FieldType.TEXT,
            FieldType.EMAIL,
            FieldType.PHONE,
            FieldType.INTEGER,
            FieldType.NUMBER,
            FieldType.BOOLEAN,
            FieldType.DATE,
        }
    ),
    standard_fields={
        "email": "email",
        "phone": "cellphone",
        "first_name": "firstname",
        "last_name": "lastname",
        "language": "language",
    },
    match_fields=("email", "cellphone"),
    linger_s=0.0,
    list_field=LIST + "{list}",
)
