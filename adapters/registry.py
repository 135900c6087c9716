"""Which adapter serves which app: a name leads to a class that is imported on first use, or to a
document that describes the app (adapters/rest).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.base import CRM
    from adapters.cards import Prover
    from adapters.events import Teller
    from adapters.traits import Traits

ADAPTERS = {
    "adobe": "adapters.adobe:AdobeCampaign",
    "chat": "adapters.chat:Chat",
    "hubspot": "adapters.hubspot:HubSpot",
    "mail": "adapters.mail:Mail",
    "odoo": "adapters.odoo:Odoo",
    "salesforce": "adapters.salesforce:Salesforce",
    "splio": "adapters.splio:Splio",
    "sql": "adapters.sql:SQLDatabase",
    "trustpilot": "adapters.trustpilot:Trustpilot",
    "trustpilot_api": "adapters.trustpilot_api:TrustpilotAPI",
    "webhook": "adapters.webhook:Webhook",
    "zendesk": "adapters.zendesk:Zendesk",
}


def apps() -> tuple[str, ...]:
    """The names of all apps, by name."""
    from adapters.rest import shelf  # noqa: PLC0415 - an adapter like the others: on first use

    return tuple(sorted({*ADAPTERS, *shelf.names()}))


class UnknownApp(LookupError):
    """No adapter has that name."""


def adapter_for(app: str) -> type[CRM]:
    """The adapter class of an app. Raises UnknownApp, or ImportError for a missing extra."""
    if app not in ADAPTERS:
        return _described(app)
    module, name = ADAPTERS[app].split(":")
    adapter: type[CRM] = getattr(import_module(module), name)
    return adapter


def _described(app: str) -> type[CRM]:
    from adapters.rest import shelf  # noqa: PLC0415 - an adapter like the others: on first use

    try:
        return shelf.adapter_of(app)
    except KeyError as exc:
        message = f"there is no app named {app!r}; known are {', '.join(apps())}"
        raise UnknownApp(message) from exc


def traits_of(app: str) -> Traits:
    """The traits of an app."""
    return adapter_for(app).traits


def card_prover(app: str) -> Prover:
    """What proves that a request comes from the app's card. Only for an app with `Traits.card`."""
    package = adapter_for(app).__module__.rpartition(".")[0]
    prover: Prover = import_module(f"{package}.card").proved
    return prover


def event_teller(app: str) -> Teller:
    """What believes and reads the app's events. Only for an app with `Traits.tells`."""
    package = adapter_for(app).__module__.rpartition(".")[0]
    teller: Teller = import_module(f"{package}.events").TELLER
    return teller
