"""What Trustpilot's API is and can do here, as data (vendor's documentation and public code that
calls it, state November 2026).
"""

from __future__ import annotations

from adapters.traits import (
    KeyExchange,
    MessageTraits,
    RatePolicy,
    SettingField,
    TagPlace,
    TagTraits,
    Traits,
)

API_KEY, GRANT_TYPE, USER, PASSWORD = "api_key", "grant_type", "business_user", "password"
UNIT, TEMPLATE, LOCALE = "business_unit", "template", "locale"
REPLY_TO, SENDER_NAME, SENDER, RETURN = "reply_to", "sender_name", "sender_email", "return_url"

TRAITS = Traits(
    app="trustpilot_api",
    label="Trustpilot by its API",
    base_url="https://invitations-api.trustpilot.com",
    hosts=("invitations-api.trustpilot.com",),
    oauth=None,
    key_label="API secret",
    key_exchange=KeyExchange(
        url="https://api.trustpilot.com/v1/oauth/oauth-business-users-for-applications/accesstoken",
        token_field="access_token",  # noqa: S106 - the name of a field
        # Where the answer does not tell: shorter than any life that is told of.
        lives_s=3_600,
        lives_field="expires_in",
        form=True,
        user=f"{{{API_KEY}}}",
        fields={
            "grant_type": f"{{{GRANT_TYPE}}}",
            "username": f"{{{USER}}}",
            "password": f"{{{PASSWORD}}}",
        },
    ),
    settings=(
        SettingField(
            API_KEY,
            "API key",
            pattern=r"[A-Za-z0-9_-]{8,128}",
            help="In Trustpilot Business, under Integrations > APIs, beside its secret.",
        ),
        SettingField(
            GRANT_TYPE,
            "How the connection signs in",
            pattern="password|client_credentials",
            help="password: as a business user. client_credentials: by key and secret alone.",
        ),
        SettingField(
            USER,
            "E-mail address of the business user",
            required=False,
            help="For password.",
        ),
        SettingField(
            PASSWORD,
            "Password of the business user",
            required=False,
            secret=True,
            help="For password.",
        ),
        SettingField(
            UNIT,
            "Business unit",
            pattern=r"[A-Za-z0-9]{8,64}",
            help="The id of the domain's business unit, not its name.",
        ),
        SettingField(
            LOCALE,
            "Language of invitations",
            required=False,
            pattern=r"[a-z]{2}-[A-Z]{2}",
            help="As Trustpilot writes it: da-DK. Without one Trustpilot chooses.",
        ),
        SettingField(
            TEMPLATE,
            "Template of mails",
            required=False,
            pattern=r"[A-Za-z0-9-]{8,64}",
            help="The id of the invitation's template. Without one Trustpilot takes its standard.",
        ),
        SettingField(
            SENDER, "Sender's address of mails", required=False, pattern=r"[^@\s]+@[^@\s]+"
        ),
        SettingField(SENDER_NAME, "Sender's name of mails", required=False),
        SettingField(
            REPLY_TO, "Answers to mails go to", required=False, pattern=r"[^@\s]+@[^@\s]+"
        ),
        SettingField(
            RETURN,
            "Where Trustpilot leads on to after a review",
            required=False,
            pattern=r"https://\S{4,480}",
        ),
    ),
    entities=(),
    contact_entity="",
    write_batch=1,
    read_batch=1,
    tags=TagTraits(place=TagPlace.NONE),
    # Ours: the vendor's own limit is not established.
    rates=(RatePolicy(calls=5, per_s=1),),
    invites=True,
    messages=MessageTraits(limit=0, respondent=True),
)
