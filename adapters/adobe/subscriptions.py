"""Which subscription is to be ended, and by which address. Pure.

The vendor's sample deletes by the *service's* address, which would delete the service itself with
everybody's subscriptions. So an address is used only if it is one subscription beneath the
profile's own list, or beneath a service's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from adapters.errors import BrokenContract, OutcomeUnknown

_ONE_SUBSCRIPTION = re.compile(r"/(profile|service)/[^/]+/subscriptions/[^/]+/?")


def of_service(subscriptions: Iterable[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """Those for the service of that name; a repeat may have left several."""
    return [one for one in subscriptions if _service(one) == name]


def subscribed(subscriptions: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The names of the services."""
    return frozenset(_service(one) for one in subscriptions)


def _service(told: Mapping[str, Any]) -> str:
    service = told.get("service")
    name = service.get("name") if isinstance(service, dict) else told.get("serviceName")
    if not isinstance(name, str) or not name:
        message = "Adobe Campaign tells a subscription without its service"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return name


def own_address(told: Mapping[str, Any], *, listed_at: str) -> str:
    """The address of this subscription alone: its own, or (where a list tells none) its key beneath
    the address it was listed at. Raises BrokenContract for any that could be something else's.
    """
    address, key = told.get("href"), told.get("PKey")
    if address is None and isinstance(key, str) and key:
        address = f"{listed_at.partition('?')[0].rstrip('/')}/{quote(key, safe='@')}"
    path = urlsplit(address).path if isinstance(address, str) else ""
    beneath = re.search(r"/profileAndServices(Ext)?(/.*)", path)
    if not isinstance(address, str) or not beneath or not _ONE_SUBSCRIPTION.fullmatch(beneath[2]):
        message = "Adobe Campaign tells no address of the subscription's own: nothing was ended"
        raise BrokenContract(message, code="subscription_address")
    return address
