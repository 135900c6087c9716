"""Contacts that the CRM does not have yet."""

from __future__ import annotations

from tests.world import CRMSeen, World, answered


def test_a_new_contact_is_created_with_a_tag_that_is_younger_than_the_field_definitions(
    world: World, crm: CRMSeen
) -> None:
    """The tag's property and options are made after the download, so it does not know them."""
    world.push(answered(0))
    world.settle()
    world.push(answered(1))
    world.settle()
    assert {one.state for one in world.deliveries()} == {"done"}
    assert len(crm.tags("c1@example.test")) == 1
