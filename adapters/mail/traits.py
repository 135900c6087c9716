"""What a mail server is and can do, as data."""

from __future__ import annotations

from adapters.traits import MessageTraits, RatePolicy, SettingField, TagPlace, TagTraits, Traits

TRAITS = Traits(
    app="mail",
    label="Mail server",
    base_url="",
    hosts=(),
    oauth=None,
    key_label="Password of the mail account (any text where no user is given)",
    settings=(
        SettingField(
            "host",
            "Mail server",
            pattern=r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}",
            help="Its name, such as smtp.example.com.",
        ),
        SettingField(
            "port",
            "Port",
            required=False,
            pattern=r"[1-9][0-9]{0,4}",
            help="587 unless you say otherwise; 465 for tls.",
        ),
        SettingField(
            "security",
            "Encryption",
            required=False,
            pattern="starttls|tls|none",
            help="starttls unless you say otherwise. none is for a relay without a user.",
        ),
        SettingField("user", "User", required=False, help="Empty where the server asks for none."),
        SettingField(
            "sender",
            "From",
            pattern=r"[^@\s<>,;:\"]{1,64}@[A-Za-z0-9.-]{1,253}",
            help="The address that mails come from.",
        ),
        SettingField("sender_name", "Name beside it", required=False, longest=120),
    ),
    entities=(),
    contact_entity="",
    write_batch=1,
    read_batch=1,
    tags=TagTraits(place=TagPlace.NONE),
    rates=(RatePolicy(calls=5, per_s=1),),
    linger_s=0.0,
    messages=MessageTraits(limit=100_000, addressed=True),
)
