"""What a CRM is and can do, as data: the catalogue, the form an admin fills in and the docs' matrix
are made from it. Pure.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from string import Formatter
from typing import Any

from adapters.values import Operation
from schemas.fields import FieldType


class TagPlace(StrEnum):
    """Where a CRM keeps score tags."""

    FIELD = "field"  # a multi-choice field of the contact: travels in the same write
    ENDPOINT = "endpoint"  # calls of their own: TagTaker.retag
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TagTraits:
    """Where tags live and what characters they may hold.

    `styles`: renderings in order of preference (`verbatim`, `safe`, `ascii`:
    connector/responses/tags.py).
    `needs_options`: the option must exist before a contact can carry it (see Provisioner).
    `per_campaign`: with the setting TAG_STRATEGY a campaign's score is a number in a field of its
    own instead, whose name is this template over `{campaign}`, at most `per_campaign_length` long
    without the template's own signs.
    """

    place: TagPlace
    field: str | None = None
    separator: str | None = None
    max_length: int = 255
    styles: tuple[str, ...] = ("verbatim",)
    needs_options: bool = False
    per_campaign: str | None = None
    per_campaign_length: int = 36


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """At most `calls` in `per_s` seconds for calls of `kind` (None: all kinds together), per
    account.
    """

    calls: int
    per_s: int
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class EntityScopes:
    """The scopes that the records of an entity need: any of `read` lets them be read, any of
    `write` made and changed. The first is the one to ask for.
    """

    read: tuple[str, ...]
    write: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OAuthTraits:
    """A CRM's OAuth 2 endpoints as data. URLs may hold `{base}`: the account's base URL, and any
    key of the connection's settings. `body` is `form` or `json`; `revoke_body` also `delete`: the
    access token deletes itself. `rotates`: a refresh kills the old refresh token.
    `expires_in_s`: assumed when the answer has none (None: refresh on 401 only).
    `refresh_margin_s`: refreshed this long before expiry. `entity_scopes`: asked for, too, where
    the setting `entities` names something. `needs`: entity -> its scopes, "" for those that stand
    nowhere else; an app without any tells nothing by scopes. `grants`: those offered beside a
    person's consent (JWT_BEARER, CLIENT_CREDENTIALS), by the settings MACHINE_SETTINGS;
    `shared_hosts` do not take client credentials; `audiences`: host pattern -> whom an assertion is
    meant for.
    """

    authorize_url: str
    token_url: str
    revoke_url: str | None
    scopes: tuple[str, ...]
    body: str = "form"
    revoke_body: str = "form"
    scope_separator: str = " "
    rotates: bool = True
    keeps_instance_url: bool = False
    expires_in_s: int | None = None
    refresh_margin_s: int = 300
    extra_authorize: Mapping[str, str] = dataclasses.field(default_factory=dict)
    extra_token: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    entity_scopes: tuple[str, ...] = ()
    needs: Mapping[str, EntityScopes] = dataclasses.field(default_factory=dict)
    grants: tuple[str, ...] = ()
    shared_hosts: tuple[str, ...] = ()
    audiences: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def wanted(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """The scopes that a connection with these settings asks for."""
        return (*self.scopes, *(self.entity_scopes if settings.get("entities") else ()))

    def lacking(self, entity: str, *, writes: bool, granted: Collection[str]) -> tuple[str, ...]:
        """The scopes to ask for, so that such records can be read, and written; () where nothing
        lacks, or the provider has not told what it granted.
        """
        needs = self.needs.get(entity, self.needs.get(""))
        if needs is None or not granted:
            return ()
        wanted = (needs.read, needs.write) if writes else (needs.read,)
        lacks = (any_of[0] for any_of in wanted if not any(one in granted for one in any_of))
        return tuple(dict.fromkeys(lacks))


@dataclass(frozen=True, slots=True)
class KeyExchange:
    """How an API key becomes the token of calls, where a CRM does not take the key itself: it is
    posted to `url` (a template as in OAuthTraits) under `key_field`, as JSON or as a `form`, with
    further `fields` (templates over the settings, secret ones too; what comes out empty is left
    out). With a `user` (a template) the key is the password of HTTP Basic and stands in no body.
    `token_field` of the answer lives for `lives_s`, or as long as the answer's `lives_field` says.
    Renewed `margin_s` before its end, and when it is refused.
    """

    url: str
    token_field: str
    lives_s: int
    key_field: str = ""
    margin_s: int = 300
    form: bool = False
    user: str | None = None
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lives_field: str | None = None

    @property
    def settings(self) -> frozenset[str]:
        """The settings that the further fields are made of."""
        parts = [part for one in self.fields.values() for part in Formatter().parse(one)]
        return frozenset(name for _, name, _, _ in parts if name)


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting an admin fills in for a connection of this app; `secret` ones are sealed.
    `longest` in characters; `lines`: may hold line breaks.
    """

    name: str
    label: str
    required: bool = True
    secret: bool = False
    pattern: str | None = None
    help: str = ""
    longest: int = 500
    lines: bool = False


# How a connection gets its token where no person consents, for an app with `OAuthTraits.grants`.
JWT_BEARER, CLIENT_CREDENTIALS = "jwt_bearer", "client_credentials"
GRANT = SettingField(
    name="grant",
    label="How the connection signs in",
    required=False,
    pattern=f"web_server|{JWT_BEARER}|{CLIENT_CREDENTIALS}",
    help=f"web_server: a person allows it. {JWT_BEARER}: by a key. {CLIENT_CREDENTIALS}: by the "
    "app's own id and secret.",
)
USERNAME = SettingField(
    name="username",
    label="User name of the integration user",
    required=False,
    help=f"For {JWT_BEARER}.",
)
PRIVATE_KEY = SettingField(
    name="private_key",
    label="Private key",
    required=False,
    secret=True,
    pattern=r"-----BEGIN (RSA )?PRIVATE KEY-----"
    r"[A-Za-z0-9+/=\s]+-----END (RSA )?PRIVATE KEY-----\s*",
    help=f"For {JWT_BEARER}: RSA, as PEM, without a password.",
    longest=8_000,
    lines=True,
)
AUDIENCE = SettingField(
    name="jwt_audience",
    label="Audience of the assertion",
    required=False,
    pattern=r"https://[a-z0-9.-]+",
    help="Leave it empty unless the CRM answers that the audience is invalid.",
)
MACHINE_SETTINGS = (GRANT, USERNAME, PRIVATE_KEY, AUDIENCE)
# From how many contacts that are due at once an app with `bulk_batch` works by bulk jobs; 0: never.
BULK_FROM = SettingField(
    name="bulk_from",
    label="Bulk jobs from so many contacts at once",
    required=False,
    pattern="0|[1-9][0-9]{1,5}",
    help="2000 unless you say otherwise; 0: never.",
)
# How score tags are kept, for an app whose TagTraits have `per_campaign`.
FIELD_PER_CAMPAIGN = "field_per_campaign"
TAG_STRATEGY = SettingField(
    name="tag_strategy",
    label="How scores are kept on a contact",
    required=False,
    pattern=f"multi_value|{FIELD_PER_CAMPAIGN}",
    help=f"multi_value: tags in one field. {FIELD_PER_CAMPAIGN}: a number field for each campaign.",
)


class CardSecret(StrEnum):
    """Where the secret comes from with which a CRM signs what its card asks."""

    GIVEN = "given"  # the CRM has made it, an admin enters it here
    MADE = "made"  # we make it, an admin enters it there


@dataclass(frozen=True, slots=True)
class RecordTraits:
    """A CRM's survey-response entity, as provisioning makes it.

    `entity` is a regular expression: an account may put something of its own in front of the name.
    `key` is the unique field that holds our response key; `fields` says where what we know of a
    response goes (our word -> field), `links` what it may belong to (`contact`, `company`, `deal`,
    `ticket`, `owner` -> the field that refers to it, and the entity it refers to; None where `find`
    knows no such entity, and the id is written as told). `stand_ins`: entities whose record it is
    linked to where there is no contact, by the contact's own field.
    """

    entity: str
    key: str
    fields: Mapping[str, str]
    links: Mapping[str, tuple[str, str | None]]
    stand_ins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageTraits:
    """How an app is told of a response, where it is one that keeps no records.

    `limit`: the longest text, in UTF-16 code units. `addressed`: a message names whom it is for.
    `once`: it is for people, who are told of a response once, however often it is edited; else each
    revision is told. `respondent`: it goes to who answered, in the app's own words: all that it is
    told is who that is.
    """

    limit: int
    addressed: bool = False
    once: bool = True
    respondent: bool = False


@dataclass(frozen=True, slots=True)
class Traits:
    """What an app is and can do. The docs' matrix and the catalogue are generated from it.

    `base_url` is the default address, a template over the settings
    (`https://{subdomain}.zendesk.com`); empty where a setting or the key is the address. `hosts`
    are the host patterns a base URL may have without the operator's allow-list
    (`*.my.salesforce.com`). `contact_entity` is the entity that stands for a person. `id_field` is
    the pseudo field of `find` for remote ids.
    `standard_fields`: our contact attribute -> this CRM's field (the standard integration, SN1).
    `company_link`: the contact's field that holds its company's id. Where the two belong together
    by an association, it is the name under which `find` tells and `write` makes it, and it stands
    among the fields of `entities()`. `company_fields`: by what a company can be found (`name`,
    `domain`, `external_id`) -> the company entity's field.
    `linger_s`: how long a partly filled batch waits. `resend_safe`: sending a write again does no
    harm.
    `bulk_batch`: the most rows of a batch that `write` answers with Started, where the CRM has such
    jobs for what is more than `write_batch`; the setting BULK_FROM says from when on.
    `look_batch`: how many notes one `noted` takes where each costs it calls of its own, so that a
    call that fails takes few with it; None: as many as a read.
    `file_limit`: the largest file it takes, in bytes; None where it takes none. `files_on`: the
    entities besides the contact's on whose records files can hang, a regular expression; empty
    where there are none.
    `links_by_write`: finding by `match_fields` costs a call a row, so a contact that may be
    created is linked by a create batch of what identifies it (an existing record answers with its
    id). `creates`: `keyed` when a create carries a unique key the CRM enforces, else `marker`.
    `inherited`: what a record has from those that it belongs to (`company`, `owner`) -> by which of
    its links, and in which field there, the best first.
    `list_field`: where the lists or services that a contact may subscribe to stand as yes/no fields
    of the contact: such a field's name, a template over `{list}`.
    `key_exchange`: how the API key is exchanged for a token that ends; None: calls carry the key.
    `key_ends`: the day from which no API key of this app works any more, None where none is known.
    `messages`: how it is told of a response; such an app has no entities, and no `contact_entity`.
    `task_batch`: how many tasks for people one call makes (TaskTaker); 0 where there are none.
    `invites`: a respondent can be led there (adapters/base.py, ReviewTaker).
    `record_page`: the contact's page in the CRM for people, a template over `{base}` (the account's
    address), `{account}` (its id) and `{id}` (the record's); None where none is known.
    `card`: whose secret signs the requests of the card inside the CRM, where there is one
    (adapters/cards.py). `tells`: it tells of records that were merged or deleted
    (adapters/events.py).
    """

    app: str
    label: str
    base_url: str
    hosts: tuple[str, ...]
    oauth: OAuthTraits | None
    key_label: str | None
    settings: tuple[SettingField, ...]
    entities: tuple[str, ...]
    contact_entity: str
    write_batch: int
    read_batch: int
    tags: TagTraits
    rates: tuple[RatePolicy, ...]
    operations: tuple[Operation, ...] = (Operation.CREATE, Operation.UPDATE)
    field_types: frozenset[FieldType] = frozenset(FieldType)
    standard_fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    match_fields: tuple[str, ...] = ()
    id_field: str = "id"
    company_entity: str | None = None
    company_link: str | None = None
    company_fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    note_limit: int | None = None
    bulk_batch: int = 0
    note_batch: int = 1
    look_batch: int | None = None
    file_limit: int | None = None
    files_on: str = ""
    tag_batch: int = 1
    links_by_write: bool = False
    linger_s: float = 1.0
    resend_safe: bool = True
    creates: str = "keyed"
    dates: tuple[str, ...] = ()
    key_ends: date | None = None
    key_exchange: KeyExchange | None = None
    list_field: str | None = None
    record: RecordTraits | None = None
    inherited: Mapping[str, tuple[tuple[str, str], ...]] = dataclasses.field(default_factory=dict)
    messages: MessageTraits | None = None
    invites: bool = False
    task_batch: int = 0
    card: CardSecret | None = None
    tells: bool = False
    record_page: str | None = None

    def takes_files(self, entity: str) -> bool:
        """Whether files can hang on such records (FileTaker)."""
        is_contact = entity == self.contact_entity
        can = is_contact or bool(re.fullmatch(self.files_on, entity))
        return self.file_limit is not None and can
