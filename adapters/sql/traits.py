"""What a SQL database is and can do as an app, as data."""

from __future__ import annotations

from adapters.traits import RatePolicy, SettingField, TagPlace, TagTraits, Traits
from schemas.fields import FieldType
from schemas.sql import CONTACTS

KIND, SERVER, DATABASE, USER, TABLE, TLS, CA = (
    "kind", "server", "database", "user", "contacts", "tls", "ca",
)  # fmt: skip
NAME = r"[A-Za-z_][A-Za-z0-9_$]{0,62}"

TRAITS = Traits(
    app="sql",
    label="SQL database",
    # Nothing speaks HTTP here: the address is what the operator's list of hosts is asked for.
    base_url=f"https://{{{SERVER}}}",
    hosts=(),
    oauth=None,
    key_label="Password",
    settings=(
        SettingField(
            KIND,
            "Kind of database",
            pattern="postgresql|mysql|mariadb|sqlserver|oracle",
            help="postgresql, mysql, mariadb, sqlserver or oracle.",
        ),
        SettingField(
            SERVER,
            "Host and port",
            pattern=r"[A-Za-z0-9.-]{1,253}:[0-9]{1,5}",
            help="As in db.example.com:5432. The operator has to allow exactly this.",
        ),
        SettingField(
            DATABASE,
            "Database",
            pattern=r"[A-Za-z0-9_.$-]{1,128}",
            help="Its name; for Oracle the service's.",
        ),
        SettingField(USER, "User", pattern=r"[A-Za-z0-9_.$@\\-]{1,128}"),
        SettingField(
            TABLE,
            "Table of the contacts",
            required=False,
            pattern=rf"{NAME}(\.{NAME})?",
            help="With its schema where that is not the user's own: crm.customers.",
        ),
        SettingField(
            TLS,
            "TLS",
            required=False,
            pattern="verify|off",
            help="verify unless you say otherwise; off is for this machine alone.",
        ),
        SettingField(
            CA,
            "Certificate of the authority",
            required=False,
            pattern=r"(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+",
            help="As PEM, where it is not one that everybody trusts.",
            longest=20_000,
            lines=True,
        ),
    ),
    entities=(CONTACTS,),
    contact_entity=CONTACTS,
    write_batch=100,
    read_batch=100,
    tags=TagTraits(place=TagPlace.NONE),
    rates=(RatePolicy(calls=50, per_s=1),),
    field_types=frozenset(FieldType)
    - {FieldType.MULTI_CHOICE, FieldType.REFERENCE, FieldType.URL, FieldType.PHONE},
    # What the columns are usually called; where they are not, a mapping says it.
    standard_fields={
        "email": "email",
        "phone": "phone",
        "first_name": "first_name",
        "last_name": "last_name",
        "language": "language",
    },
    match_fields=("email",),
    id_field="primary-key",
    creates="marker",
)
