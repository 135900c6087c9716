"""Which value each answer must have in each CRM's fields: the demo's own idea of the mappings.

Standard library only, nothing of the product. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

Item = Mapping[str, Any]
Values = dict[str, Any]
HUBSPOT, SALESFORCE, ZENDESK = "hubspot", "salesforce", "zendesk"
HOME = ZoneInfo("Europe/Copenhagen")
MONTHS = (
    "januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september",
    "oktober", "november", "december",
)  # fmt: skip
SHORT_COMMENT = 255


def written_by(crm: str, item: Item) -> Values:
    """Field -> value of this response; None where its question was not answered."""
    return _WRITERS[crm, item["campaign"]["id"]](item)


def score_of(item: Item) -> int:
    """The NPS answer."""
    return int(item["answers"]["nps"]["value"])


def rows_of(matrix: Mapping[str, Any]) -> Iterator[str]:
    """A matrix in lines."""
    rows, columns = matrix["labels"]["rows"], matrix["labels"]["cols"]
    for row, chosen in matrix["value"].items():
        yield f"{rows[row]}: {', '.join(columns[one] for one in chosen)}"


def _said(item: Item, key: str) -> Any:
    """The value of an answer, None where the question was not answered."""
    answer = item["answers"].get(key)
    return None if answer is None else answer["value"]


def _class(item: Item, promoter: str, passive: str, *, detractor: str) -> str:
    score = score_of(item)
    return promoter if score > 8 else passive if score > 6 else detractor


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _local_day(text: str) -> date:
    return _moment(text).astimezone(HOME).date()


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _links(files: Sequence[Mapping[str, str]] | None) -> str | None:
    return "; ".join(one["url"] for one in files) if files else None


def _link(file: Mapping[str, str] | None) -> str | None:
    return file["url"] if file else None


def _digits(phone: str | None, *, without: str = "") -> str | None:
    return None if phone is None else phone.replace(" ", "").removeprefix(without)


def _options(chosen: Iterable[str], names: Mapping[str, str]) -> frozenset[str]:
    return frozenset(names[one] for one in chosen)


def _hubspot(item: Item) -> Values:
    return {
        "nps_score": Decimal(score_of(item)),
        "nps_segment": _class(item, "promoter", "passive", detractor="detractor"),
        "nps_comment": _said(item, "why"),
        "nps_answered_at": _moment(item["submitted_at"]),
    }


def _hubspot_meeting(item: Item) -> Values:
    meets = date.fromisoformat(_said(item, "next_meeting"))
    return {
        **_hubspot(item),
        "nps_date": _local_day(item["submitted_at"]),
        "nps_topics": frozenset(_said(item, "topics")),
        "nps_follow_up": _said(item, "follow_up"),
        "nps_callback_phone": _digits(_said(item, "phone")),
        "nps_report_url": _link(_said(item, "signature")),
        "nps_summary": f"{meets.day}. {MONTHS[meets.month - 1]} {meets.year}",
    }


def _hubspot_after_sale(item: Item) -> Values:
    return {
        **_hubspot(item),
        "nps_date": _local_day(_said(item, "visit")),
        "nps_csat": str(_said(item, "csat")),
        "nps_summary": frozenset(rows_of(item["answers"]["grid"])),
        "nps_revenue_at_risk": _number(_said(item, "cost")),
        "nps_report_url": _links(_said(item, "documents")),
    }


def _hubspot_annual(item: Item) -> Values:
    return {**_hubspot(item), "nps_summary": item["answers"]["reason"]["label"]}


def _salesforce(item: Item) -> Values:
    return {
        "NPS_Score__c": Decimal(score_of(item)),
        "NPS_Category__c": _class(item, "Promoter", "Passive", detractor="Detractor"),
        "NPS_Full_Comment__c": _said(item, "why"),
        "Survey_Answered_At__c": _moment(item["submitted_at"]),
        "Survey_Language__c": item["locale"].partition("-")[0],
    }


def _salesforce_delivery(item: Item) -> Values:
    channels = {"mail": "E-mail", "phone": "Phone", "chat": "Chat", "shop": "Store", "web": "Web"}
    return {
        **_salesforce(item),
        "NPS_Comment__c": _short(_said(item, "why")),
        "Contact_Channels__c": _options(_said(item, "channels"), channels),
        "Survey_Date__c": date.fromisoformat(_said(item, "installed_on")),
        "Visit_Duration__c": _number(_said(item, "took")),
        "Basket_Value__c": _number(_said(item, "basket")),
        "Invoice_Email__c": _said(item, "invoice"),
        "Survey_Signature__c": _link(_said(item, "signature")),
        "Survey_Name__c": item["campaign"]["name"],
    }


def _short(text: str | None) -> str | None:
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= SHORT_COMMENT else line[: SHORT_COMMENT - 1] + "…"


def _salesforce_shop(item: Item) -> Values:
    words = {
        "molto": "Very satisfied",
        "abbastanza": "Satisfied",
        "neutro": "Neutral",
        "poco": "Dissatisfied",
        "niente": "Very dissatisfied",
    }
    return {
        **_salesforce(item),
        "Satisfaction__c": words[_said(item, "satisfaction")],
        "Would_Recommend__c": _said(item, "recommend"),
        "Callback_Phone__c": _digits(_said(item, "phone"), without="+39"),
    }


def _salesforce_annual(item: Item) -> Values:
    return {**_salesforce(item), "Survey_Name__c": item["campaign"]["name"]}


def _zendesk(item: Item) -> Values:
    return {
        "nps_score": Decimal(score_of(item)),
        "nps_group": _class(item, "nps_promoter", "nps_passive", detractor="nps_detractor"),
        "nps_comment": _said(item, "why"),
        "nps_date": _local_day(item["submitted_at"]),
        "last_campaign": item["campaign"]["name"],
    }


def _zendesk_support(item: Item) -> Values:
    number = _said(item, "customer_no")
    return {
        **_zendesk(item),
        "survey_topics": frozenset(f"topic_{one}" for one in _said(item, "topics")),
        # From 1-5 to 0-10.
        "satisfaction": Decimal(_said(item, "rating") - 1) * 10 / 4,
        "handling_s": _number(_said(item, "handling")),
        "wants_contact": _said(item, "call_me"),
        "customer_no": number.strip().upper() if number else None,
    }


def _zendesk_service(item: Item) -> Values:
    return {
        **_zendesk(item),
        "satisfaction": _number(_said(item, "rating")),
        "survey_link": _links(_said(item, "report")),
    }


_WRITERS: Mapping[tuple[str, str], Callable[[Item], Values]] = {
    (HUBSPOT, "5001"): _hubspot_meeting,
    (HUBSPOT, "5002"): _hubspot_after_sale,
    (HUBSPOT, "5007"): _hubspot_annual,
    (SALESFORCE, "5003"): _salesforce_delivery,
    (SALESFORCE, "5004"): _salesforce_shop,
    (SALESFORCE, "5007"): _salesforce_annual,
    (ZENDESK, "5005"): _zendesk_support,
    (ZENDESK, "5006"): _zendesk_service,
    (ZENDESK, "5007"): _zendesk,
}
