"""The three simulated CRMs: what they hold already, and the mappings that feed them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from demo.campaigns import BY_ID, HUBSPOT, SALESFORCE, ZENDESK
from demo.people import COUNTRY, Person

CLIENT_ID, CLIENT_SECRET = "demo-client", "demo-secret"
Row = dict[str, Any]
# Tags that people in the CRM have set (ours must leave them alone), and one of a year ago, which
# the next score of its campaign replaces.
FOREIGN = ("VIP", "NPSToday.NoSend")
OLD = {
    HUBSPOT: "NPSToday.Møde.3",
    SALESFORCE: "NPSToday.Lieferung & Montage.3",
    ZENDESK: "npstoday_support_3",
}
VIP_EVERY, NO_SEND_EVERY, OLD_EVERY = 7, 31, 9


@dataclass(frozen=True, slots=True)
class Simulated:
    """One CRM of the demo. `options` are the simulator's, `{n}` in them is the run's number."""

    app: str
    label: str
    options: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)


# Each run has accounts of its own, so that no run counts against the rate limits of the last one.
SIMULATED = (
    Simulated(SALESFORCE, "Salesforce", {"org_number": "{n}"}),
    Simulated(HUBSPOT, "HubSpot", {"portal_id": "1420{n:04}"}),
    Simulated(
        ZENDESK,
        "Zendesk",
        {"plan": "enterprise_plus"},
        {"subdomain": "demo-{n}"},
    ),
)


def seeded(app: str, everybody: Iterable[Person]) -> dict[str, Any]:
    """What the CRM holds already, as its simulator takes it."""
    here = [one for one in everybody if app in one.crms]
    told: dict[str, Any] = {"contacts": [_SEEDS[app](one, at) for at, one in enumerate(here)]}
    if app == HUBSPOT:
        told["properties"] = {"contacts": [_TAG_PROPERTY]}
    return told


def since_downloaded(app: str) -> dict[str, Any]:
    """What a colleague changes in the CRM after we have read its field definitions."""
    if app != HUBSPOT:
        return {}
    topics = ["price", "service", "quality", "moede"]
    changed = {
        "name": "nps_topics",
        "label": "NPS topics",
        "type": "enumeration",
        "fieldType": "checkbox",
        "group": "nps",
        "options": topics,
    }
    return {"properties": {"contacts": [changed]}}


def _tags(app: str, at: int) -> list[str]:
    vip = FOREIGN[:1] if at % VIP_EVERY == 0 else ()
    no_send = FOREIGN[1:] if at % NO_SEND_EVERY == 0 else ()
    old = [OLD[app]] if at % OLD_EVERY == 5 else ()
    return [*vip, *no_send, *old]


_TAG_PROPERTY = {
    "name": "npstoday_tags",
    "label": "NPSToday",
    "type": "enumeration",
    "fieldType": "checkbox",
    "options": [*FOREIGN, OLD[HUBSPOT]],
}


def _hubspot_seed(one: Person, at: int) -> Row:
    return {
        "email": one.email,
        "firstname": one.first_name,
        "lastname": one.last_name,
        "phone": one.phone,
        "company": one.company,
        "nps_legacy_score": str(at % 11),
        "npstoday_tags": ";".join(_tags(HUBSPOT, at)),
    }


def _salesforce_seed(one: Person, at: int) -> Row:
    return {
        "Email": one.email,
        "FirstName": one.first_name,
        "LastName": one.last_name,
        "Phone": one.phone,
        "MailingCountry": COUNTRY[one.language],
        "Department": one.company,
        "NPSToday_Tags__c": ";".join(_tags(SALESFORCE, at)) or None,
    }


def _zendesk_seed(one: Person, at: int) -> Row:
    return {
        "email": one.email,
        "name": one.name,
        "external_id": one.external_id,
        "phone": one.phone,
        "notes": "Prefers e-mail." if at % VIP_EVERY == 1 else None,
        "tags": _tags(ZENDESK, at),
    }


_SEEDS = {HUBSPOT: _hubspot_seed, SALESFORCE: _salesforce_seed, ZENDESK: _zendesk_seed}


# --- mappings -------------------------------------------------------------------------------------


def mappings() -> list[tuple[str, dict[str, Any]]]:
    """(app, body) of every mapping, as an admin saves it."""
    return [
        (app, _body(app, campaign, rows, note))
        for app, campaign, note, rows in (
            (HUBSPOT, "5001", "all", _HUBSPOT_MEETING),
            (HUBSPOT, "5002", "all", _HUBSPOT_AFTER_SALE),
            (HUBSPOT, "5007", "all", _HUBSPOT_ANNUAL),
            (SALESFORCE, "5003", "unmapped", _SALESFORCE_DELIVERY),
            (SALESFORCE, "5004", "all", _SALESFORCE_SHOP),
            (SALESFORCE, "5007", "unmapped", _SALESFORCE_ANNUAL),
            (ZENDESK, "5005", "all", _ZENDESK_SUPPORT),
            (ZENDESK, "5006", "all", _ZENDESK_SERVICE),
            (ZENDESK, "5007", "all", _ZENDESK_ANNUAL),
        )
    ]


def connection_name(app: str) -> str:
    """The name of the managed authentication of an app."""
    return f"{app}-main"


def _body(app: str, campaign: str, rows: list[Row], note: str) -> dict[str, Any]:
    entity, variable, name = {
        HUBSPOT: ("contacts", "contact.email", "email"),
        SALESFORCE: ("Contact", "contact.email", "Email"),
        ZENDESK: ("users", "contact.external_id", "external_id"),
    }[app]
    return {
        "name": f"{BY_ID[campaign].name} to {app}",
        "connection": connection_name(app),
        "campaign": campaign,
        "entity": entity,
        "operation": "upsert",
        "identify": {"variable": variable, "field": name},
        "rows": rows,
        "note": note,
    }


def _row(variable: str, name: str, *steps: Mapping[str, Any]) -> Row:
    return {"variable": variable, "field": name, "transforms": list(steps)}


def _step(name: str, **parameters: Any) -> dict[str, Any]:
    return {"name": name, **parameters}


def _values(**values: str) -> dict[str, Any]:
    return _step("map_values", values=values)


_HUBSPOT_SCORE = [
    _row("answers.nps", "nps_score"),
    _row("computed.score_class", "nps_segment"),
    _row("answers.why", "nps_comment"),
    _row("response.answered_at", "nps_answered_at"),
]
_HUBSPOT_MEETING = [
    *_HUBSPOT_SCORE,
    _row("response.answered_at", "nps_date", _step("datetime_to_date")),
    _row("answers.topics", "nps_topics"),
    _row("answers.follow_up", "nps_follow_up"),
    _row("answers.phone", "nps_callback_phone", _step("phone_e164", country="DK")),
    _row("answers.signature", "nps_report_url"),
    _row(
        "answers.next_meeting",
        "nps_summary",
        _step("date_format", format="d. MMMM yyyy", language="da"),
    ),
]
_HUBSPOT_AFTER_SALE = [
    *_HUBSPOT_SCORE,
    _row("answers.visit", "nps_date"),
    _row("answers.csat", "nps_csat"),
    _row("answers.grid", "nps_summary"),
    _row("answers.cost", "nps_revenue_at_risk"),
    _row("answers.documents", "nps_report_url"),
]
_HUBSPOT_ANNUAL = [*_HUBSPOT_SCORE, _row("answers.reason.label", "nps_summary")]

_CATEGORY = _step("score_class", promoter="Promoter", passive="Passive", detractor="Detractor")
_SALESFORCE_SCORE = [
    _row("answers.nps", "NPS_Score__c"),
    _row("answers.nps", "NPS_Category__c", _CATEGORY),
    _row("answers.why", "NPS_Full_Comment__c"),
    _row("response.answered_at", "Survey_Answered_At__c"),
    _row("response.locale", "Survey_Language__c", _step("cut", length=2)),
]
_SALESFORCE_DELIVERY = [
    *_SALESFORCE_SCORE,
    _row(
        "answers.why",
        "NPS_Comment__c",
        _step("collapse_spaces"),
        _step("cut", length=255, ellipsis=True),
    ),
    _row(
        "answers.channels",
        "Contact_Channels__c",
        _values(mail="E-mail", phone="Phone", chat="Chat", shop="Store", web="Web"),
    ),
    _row("answers.installed_on", "Survey_Date__c"),
    _row("answers.took", "Visit_Duration__c"),
    _row("answers.basket", "Basket_Value__c"),
    _row("answers.invoice", "Invoice_Email__c"),
    _row("answers.signature", "Survey_Signature__c"),
    _row("campaign.name", "Survey_Name__c"),
]
_SALESFORCE_SHOP = [
    *_SALESFORCE_SCORE,
    _row(
        "answers.satisfaction",
        "Satisfaction__c",
        _values(
            molto="Very satisfied",
            abbastanza="Satisfied",
            neutro="Neutral",
            poco="Dissatisfied",
            niente="Very dissatisfied",
        ),
    ),
    _row("answers.recommend", "Would_Recommend__c"),
    _row("answers.phone", "Callback_Phone__c", _step("phone_national", country="IT")),
]
_SALESFORCE_ANNUAL = [*_SALESFORCE_SCORE, _row("campaign.name", "Survey_Name__c")]

_GROUP = _step(
    "score_class", promoter="nps_promoter", passive="nps_passive", detractor="nps_detractor"
)
_ZENDESK_SCORE = [
    _row("answers.nps", "nps_score"),
    _row("answers.nps", "nps_group", _GROUP),
    _row("answers.why", "nps_comment"),
    _row("response.answered_at", "nps_date", _step("datetime_to_date")),
    _row("campaign.name", "last_campaign"),
]
_ZENDESK_SUPPORT = [
    *_ZENDESK_SCORE,
    _row(
        "answers.topics",
        "survey_topics",
        _values(
            service="topic_service",
            price="topic_price",
            quality="topic_quality",
            delivery="topic_delivery",
        ),
    ),
    _row(
        "answers.rating",
        "satisfaction",
        _step("scale", from_low=1, from_high=5, to_low=0, to_high=10, digits=1),
    ),
    _row("answers.handling", "handling_s"),
    _row("answers.call_me", "wants_contact"),
    _row("answers.customer_no", "customer_no", _step("trim"), _step("upper")),
]
_ZENDESK_SERVICE = [
    *_ZENDESK_SCORE,
    _row("answers.rating", "satisfaction"),
    _row("answers.report", "survey_link"),
]
_ZENDESK_ANNUAL = _ZENDESK_SCORE
