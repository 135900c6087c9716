"""What a chat room is and can do, as data."""

from __future__ import annotations

from adapters.chat.kinds import KINDS
from adapters.traits import MessageTraits, RatePolicy, SettingField, TagPlace, TagTraits, Traits

TRAITS = Traits(
    app="chat",
    label="Chat room",
    base_url="",
    hosts=(),
    oauth=None,
    key_label="Address of the room's incoming webhook",
    settings=(
        SettingField(
            "kind",
            "Kind of chat",
            pattern="|".join(sorted(KINDS)),
            help=f"One of {', '.join(sorted(KINDS))}.",
        ),
        SettingField("room", "Room", required=False, help="What people call it, such as #service."),
    ),
    entities=(),
    contact_entity="",
    write_batch=1,
    read_batch=1,
    tags=TagTraits(place=TagPlace.NONE),
    # Slack takes one message a second on a webhook (its documentation, 2026-11); the others more.
    rates=(RatePolicy(calls=1, per_s=1),),
    linger_s=0.0,
    messages=MessageTraits(limit=4_000),
)
