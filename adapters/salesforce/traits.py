"""What Salesforce is and can do, as data (Salesforce fact sheet, state November 2026)."""

from __future__ import annotations

from adapters.traits import (
    BULK_FROM,
    CLIENT_CREDENTIALS,
    JWT_BEARER,
    MACHINE_SETTINGS,
    TAG_STRATEGY,
    EntityScopes,
    OAuthTraits,
    RatePolicy,
    RecordTraits,
    SettingField,
    TagPlace,
    TagTraits,
    Traits,
)
from schemas.salesforce import SEPARATOR

# v66 is Spring '26. v21-30 answer 410 since Summer '25, v31-40 will from Summer '28.
API_VERSION = "66.0"
TAG_FIELD = "NPSToday_Tags__c"
SHARED_HOSTS = ("login.salesforce.com", "test.salesforce.com")
COLLECTIONS = "composite/sobjects"
KEY_FIELD = "NPSToday_Key__c"
OWNER = "OwnerId"
RECORD_ENTITY = "NPSToday_Response__c"
RECORD = RecordTraits(
    entity=RECORD_ENTITY,
    key="Response_Id__c",
    fields={
        "campaign": "Campaign__c",
        "score": "Score__c",
        "segment": "Segment__c",
        "comment": "Comment__c",
        "answered_at": "Responded_At__c",
        "tag": "Tag__c",
        "link": "Link__c",
    },
    links={
        "contact": ("Contact__c", "Contact"),
        "company": ("Account__c", "Account"),
        "deal": ("Opportunity__c", "Opportunity"),
        "ticket": ("Case__c", "Case"),
        "owner": (OWNER, "User"),
    },
    stand_ins=("Lead",),
)
# Where a lead stands for the contact, it has a field of its own (people.py).
RECORD_CONTACT, RECORD_LEAD = RECORD.links["contact"][0], "Lead__c"
# sObject Collections take at most 200 rows a call (vendor documentation).
ROWS = 200
# Salesforce works on the rows of a bulk job in parts of 10,000; ours is what one lease can read.
BULK_ROWS = 5_000
# A note is two of the 25 subrequests a composite call may hold.
NOTES = 12
NOTE_LIMIT = 50_000
TAG_LENGTH = 255
# A call in JSON may carry 50 MB of base64 (vendor's REST guide, not verified).
FILE_LIMIT = 35 * 1024 * 1024

TRAITS = Traits(
    app="salesforce",
    label="Salesforce",
    base_url="https://login.salesforce.com",
    hosts=(
        *SHARED_HOSTS,
        "*.my.salesforce.com",
        "*.sandbox.my.salesforce.com",
    ),
    oauth=OAuthTraits(
        authorize_url="{base}/services/oauth2/authorize",
        token_url="{base}/services/oauth2/token",  # noqa: S106 - an address, no secret
        revoke_url="{base}/services/oauth2/revoke",
        scopes=("api", "refresh_token"),
        needs={"": EntityScopes(("api", "full"), ("api", "full"))},
        keeps_instance_url=True,
        # A second org or user can be connected only if the browser's session is not taken over.
        extra_authorize={"prompt": "login consent"},
        grants=(JWT_BEARER, CLIENT_CREDENTIALS),
        shared_hosts=SHARED_HOSTS,
        # Whether My Domain itself is taken as the audience is unverified: setting jwt_audience.
        audiences={
            "test.salesforce.com": "https://test.salesforce.com",
            "*.sandbox.my.salesforce.com": "https://test.salesforce.com",
            "*.salesforce.com": "https://login.salesforce.com",
        },
    ),
    key_label=None,
    settings=(
        *MACHINE_SETTINGS,
        TAG_STRATEGY,
        BULK_FROM,
        SettingField(
            name="bulk_empty",
            label="What an empty cell does in a bulk job",
            required=False,
            pattern="keeps|clears",
            help="keeps (Salesforce's documentation): the field stays as it is. clears: rows with "
            "other fields then go in jobs of their own.",
        ),
        SettingField(
            name="person_accounts",
            label="Contacts that are person accounts",
            required=False,
            pattern="account|contact|refuse",
            help="account: written through their account. contact: written as contacts. "
            "refuse: not written.",
        ),
        SettingField(
            name="contact_or_lead",
            label="An address that a contact and a lead hold",
            required=False,
            pattern="contact|lead|each",
            help="contact: what is meant for a lead goes to the contact with that address. lead: "
            "what is meant for a contact goes to the lead. each: to the one it is meant for.",
        ),
    ),
    entities=("Contact", "Account", "Lead", "Opportunity", "Case"),
    contact_entity="Contact",
    # Leads on to Lightning or Classic, whichever the person uses.
    record_page="{base}/{id}",
    write_batch=ROWS,
    read_batch=ROWS,
    bulk_batch=BULK_ROWS,
    tags=TagTraits(
        place=TagPlace.FIELD,
        field=TAG_FIELD,
        separator=SEPARATOR,
        max_length=TAG_LENGTH,
        # An API name has at most 40 signs before its __c.
        per_campaign="NPS_{campaign}__c",
        per_campaign_length=36,
    ),
    # Salesforce counts the day, not the second: this only keeps a burst from crowding out others.
    rates=(RatePolicy(calls=100, per_s=10),),
    standard_fields={
        "email": "Email",
        "phone": "Phone",
        "first_name": "FirstName",
        "last_name": "LastName",
        "street": "MailingStreet",
        "postal_code": "MailingPostalCode",
        "city": "MailingCity",
        "country": "MailingCountry",
    },
    match_fields=("Email", KEY_FIELD),
    id_field="Id",
    record=RECORD,
    company_entity="Account",
    company_link="AccountId",
    inherited={
        "company": (("deal", "AccountId"), ("ticket", "AccountId"), ("contact", "AccountId")),
        "owner": (("deal", OWNER), ("ticket", OWNER), ("contact", OWNER)),
    },
    company_fields={"name": "Name", "domain": "Website"},
    note_limit=NOTE_LIMIT,
    note_batch=NOTES,
    task_batch=200,
    file_limit=FILE_LIMIT,
    files_on=r"\w+",
    linger_s=5.0,
    # Two contacts may share an e-mail, so a create is looked up before it is sent again.
    creates="marker",
    dates=(
        "Summer '27: SOAP login() ends at Salesforce. Nothing to do: it is not used here.",
        "Summer '28: API versions 31 to 40 end at Salesforce. Nothing to do: 66 is used here.",
    ),
)
