"""What a signed webhook is and can do, as data."""

from __future__ import annotations

from adapters.traits import MessageTraits, RatePolicy, SettingField, TagPlace, TagTraits, Traits

TRAITS = Traits(
    app="webhook",
    label="Signed webhook",
    base_url="",
    hosts=(),
    oauth=None,
    key_label="Signing secret (whsec_...)",
    settings=(
        SettingField(
            "url",
            "Address",
            secret=True,
            pattern=r"https?://\S+",
            help="Where messages are posted to: https, on a public host.",
            longest=2_000,
        ),
        SettingField(
            "former_secret",
            "Former signing secret",
            required=False,
            secret=True,
            help="Signs as well while the receiver learns the new one.",
        ),
    ),
    entities=(),
    contact_entity="",
    write_batch=1,
    read_batch=1,
    tags=TagTraits(place=TagPlace.NONE),
    rates=(RatePolicy(calls=20, per_s=1),),
    linger_s=0.0,
    messages=MessageTraits(limit=100_000, once=False),
)
