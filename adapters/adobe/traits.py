"""What Adobe Campaign's REST interface is and can do, as data (vendor's documentation, state
November 2026).
"""

from __future__ import annotations

from adapters.traits import KeyExchange, RatePolicy, SettingField, TagPlace, TagTraits, Traits
from schemas.adobe import EMAIL, PROFILE, SERVICE
from schemas.fields import FieldType

CLIENT_ID, ORGANIZATION, SCOPES, CUSTOM_KEY = "client_id", "organization", "scopes", "custom_key"

TRAITS = Traits(
    app="adobe",
    label="Adobe Campaign",
    base_url="https://mc.adobe.io",
    hosts=("mc.adobe.io",),
    oauth=None,
    key_label="Client secret of an OAuth Server-to-Server credential",
    key_exchange=KeyExchange(
        url="https://ims-na1.adobelogin.com/ims/token/v3",
        key_field="client_secret",
        token_field="access_token",  # noqa: S106 - the name of a field
        lives_s=86_399,
        lives_field="expires_in",
        form=True,
        fields={
            "grant_type": "client_credentials",
            "client_id": f"{{{CLIENT_ID}}}",
            "scope": f"{{{SCOPES}}}",
        },
    ),
    settings=(
        SettingField(
            ORGANIZATION,
            "Organization",
            pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}",
            help="As it stands in the address of the instance; a staging instance ends in "
            "-mkt-stage.",
        ),
        SettingField(
            CLIENT_ID,
            "Client id",
            pattern=r"[A-Za-z0-9_-]{1,128}",
            help="Of the OAuth Server-to-Server credential. A JWT credential does not work.",
        ),
        SettingField(
            SCOPES,
            "Scopes",
            pattern=r"[A-Za-z0-9_.]+(,[A-Za-z0-9_.]+)*",
            help="As the credential's page in the Developer Console lists them: openid,AdobeID,...",
        ),
        SettingField(
            CUSTOM_KEY,
            "Custom key of profiles",
            required=False,
            pattern=r"cus[A-Za-z0-9_]{1,60}",
            help="The API name of the field that the profile resource was extended by as its key.",
        ),
    ),
    entities=(PROFILE,),
    contact_entity=PROFILE,
    # Its REST interface knows no batches.
    write_batch=1,
    read_batch=1,
    tags=TagTraits(place=TagPlace.NONE),
    # What an organization may do is agreed with Adobe and told nowhere: see `calls_per_minute`.
    rates=(RatePolicy(calls=10, per_s=1),),
    field_types=frozenset(FieldType) - {FieldType.MULTI_CHOICE, FieldType.URL, FieldType.REFERENCE},
    standard_fields={
        "email": EMAIL,
        "phone": "mobilePhone",
        "first_name": "firstName",
        "last_name": "lastName",
    },
    match_fields=(EMAIL,),
    id_field="PKey",
    linger_s=0.0,
    # Two profiles may have one address.
    creates="marker",
    list_field=SERVICE + "{list}",
    dates=(
        "Adobe ended JWT credentials on 27 January 2025: only OAuth Server-to-Server signs in.",
    ),
)
