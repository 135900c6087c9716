"""Which scopes an entity needs, and which of them a grant was not given."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from adapters.registry import traits_of
from connector.responses.configuration.preflight import Need, scopes_lacking

READS, WRITES = ("read",), ("read", "create", "update")
HUBSPOT = {"oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"}
OBJECTS = ("custom_objects:read", "custom_objects:write")


@pytest.mark.parametrize(
    ("app", "entity", "does", "granted", "lacks"),
    [
        ("hubspot", "contacts", WRITES, HUBSPOT, ()),
        ("hubspot", "deals", READS, HUBSPOT, ("crm.objects.deals.read",)),
        ("hubspot", "deals", WRITES, {*HUBSPOT, "crm.objects.deals.read"},
         ("crm.objects.deals.write",)),
        ("hubspot", "tickets", WRITES, HUBSPOT, ("tickets",)),
        ("hubspot", "tickets", WRITES, {"tickets"}, ()),
        ("hubspot", "tickets", WRITES, {"crm.objects.tickets.read", "crm.objects.tickets.write"},
         ()),
        ("hubspot", "2-77", WRITES, {*HUBSPOT, "crm.objects.custom.read"},
         ("crm.objects.custom.write",)),
        ("zendesk", "users", WRITES, {"read", "write"}, ()),
        ("zendesk", "users", WRITES, {"users:read"}, ("users:write",)),
        ("zendesk", "visit", WRITES, {"users:read", "users:write"}, OBJECTS),
        ("salesforce", "Contact", WRITES, {"api", "refresh_token"}, ()),
        ("salesforce", "Contact", READS, {"refresh_token"}, ("api",)),
        # A CRM that did not tell, and apps that know no scopes.
        ("hubspot", "deals", WRITES, (), ()),
        ("odoo", "res.partner", WRITES, {"anything"}, ()),
    ],
)  # fmt: skip
def test_what_a_grant_lacks_is_what_would_be_done(
    app: str, entity: str, does: tuple[str, ...], granted: Collection[str], lacks: tuple[str, ...]
) -> None:
    need = Need("mapping", entity, does)
    assert scopes_lacking(need, traits_of(app), granted) == lacks
    assert scopes_lacking(Need("mapping", entity, does, "field"), traits_of(app), granted) == ()
