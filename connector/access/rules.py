"""What the access table is made of: roles, rights, scopes, who asks, and what a route asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a person is in a workspace; a key has one too: a machine is no more than a person."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


class Right(StrEnum):
    """What a route asks of a role; `settings`: connections, mappings and their publishing, keys;
    `people`: who is a member, and as what.
    """

    READ = "read"
    WORK = "work"
    SETTINGS = "settings"
    PEOPLE = "people"


class Scope(StrEnum):
    """What a route asks of a key."""

    RESPONSES_PUSH = "responses:push"
    RESPONSES_TEST = "responses:test"
    RESPONSES_READ = "responses:read"
    CONTACTS_READ = "contacts:read"
    CONTACTS_WRITE = "contacts:write"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    DELIVERIES_READ = "deliveries:read"
    DELIVERIES_REPLAY = "deliveries:replay"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    AUDIT_READ = "audit:read"
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"


RIGHTS: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Right),
        Role.ADMIN: frozenset(Right),
        Role.EDITOR: frozenset({Right.READ, Right.WORK}),
        Role.VIEWER: frozenset({Right.READ}),
    }
)
# Whom the right "account settings" can be given to or taken from: an owner always has it, and a
# viewer changes nothing.
ADJUSTABLE = frozenset({Role.ADMIN, Role.EDITOR})


def rights_of(role: Role, *, account_settings: bool | None = None) -> frozenset[Right]:
    """The role's rights; `account_settings` gives or takes that one, None leaves it as it is."""
    if account_settings is None or role not in ADJUSTABLE:
        return RIGHTS[role]
    others = RIGHTS[role] - {Right.SETTINGS}
    return others | {Right.SETTINGS} if account_settings else others


class Door(StrEnum):
    """How one comes in: by nothing, by an API key, as a signed-in person, or as a signed-in member
    of the workspace that the page's address names.
    """

    OPEN = "open"
    KEY = "key"
    PERSON = "person"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks by a key, inside the workspace that the key belongs to, or inside one that has
    let it in by a grant.
    """

    workspace_id: int
    key_id: int
    public_id: str
    role: Role
    scopes: frozenset[str]
    grant_id: int | None = None

    @property
    def is_partner(self) -> bool:
        """Whether the key is another workspace's, let in by a grant."""
        return self.grant_id is not None

    @property
    def is_test(self) -> bool:
        """Whether what it pushes is only tried out and reaches no CRM; it sees nothing else."""
        may_push = Scope.RESPONSES_PUSH.value in self.scopes
        return Scope.RESPONSES_TEST.value in self.scopes and not may_push

    @property
    def name(self) -> str:
        """How the audit log names this actor."""
        return f"{'partner' if self.is_partner else 'key'}:{self.public_id}"

    def may(self, right: Right) -> bool:
        """Whether the key's role has the right."""
        return right in RIGHTS[self.role]


@dataclass(frozen=True, slots=True)
class Member:
    """A signed-in person inside one of the workspaces that they are a member of.

    `account_settings`: that right, given or taken beside the role; None: as the role has it.
    """

    workspace_id: int
    account_id: int
    role: Role
    account_settings: bool | None = None

    @property
    def name(self) -> str:
        """How the audit log names this member."""
        return f"user:{self.account_id}"

    def may(self, right: Right) -> bool:
        """Whether the member has the right, by their role or beside it."""
        return right in rights_of(self.role, account_settings=self.account_settings)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one route asks. `right` None: open to all who come through the `door`, for the `reason`.

    `audited` is the action word of the one audit entry that the route writes. `or_scope`: another
    scope that opens the route; what comes by it is kept apart. `own`: a partner's key may not, as
    what it leaves behind would outlive its grant.
    """

    right: Right | None
    scope: Scope | None = None
    audited: str | None = None
    reason: str = ""
    door: Door = Door.KEY
    or_scope: Scope | None = None
    own: bool = False
