"""What Trustpilot is and can do here, as data."""

from __future__ import annotations

from adapters.traits import SettingField, TagPlace, TagTraits, Traits

TRAITS = Traits(
    app="trustpilot",
    label="Trustpilot",
    base_url="https://www.trustpilot.com",
    hosts=("www.trustpilot.com",),
    oauth=None,
    key_label="Encryption key (base64)",
    settings=(
        SettingField(
            "domain",
            "Domain of the business",
            pattern=r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}",
            help="As Trustpilot lists it, such as shop.example.com.",
        ),
        SettingField(
            "authentication_key",
            "Authentication key (base64)",
            secret=True,
            help="The second of the two keys for business generated links.",
        ),
    ),
    entities=(),
    contact_entity="",
    write_batch=1,
    read_batch=1,
    tags=TagTraits(place=TagPlace.NONE),
    rates=(),
    invites=True,
)
