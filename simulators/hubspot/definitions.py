"""The properties of a fresh portal: HubSpot's own, and those of a customer who surveys. Pure.

One custom property of every type, some read-only, unique, hidden or calculated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MADE_AT = "2024-10-18T13:31:08.442Z"
Definition = dict[str, Any]


def definition(
    name: str, label: str, kind: str = "string", field_type: str = "", **more: Any
) -> Definition:
    """One property as the API tells it. `kind` is its type; read_only, calculated, unique... in
    `more`.
    """
    read_only = more.pop("read_only", False)
    own = more.pop("own", True)
    options = more.pop("options", ())
    return {
        "updatedAt": MADE_AT,
        "createdAt": MADE_AT,
        "name": name,
        "label": label,
        "type": kind,
        "fieldType": field_type or _FIELD_TYPES[kind],
        "description": more.pop("description", ""),
        "groupName": more.pop("group", "contactinformation"),
        "options": [_option(number, one) for number, one in enumerate(options)],
        "displayOrder": -1,
        "calculated": more.pop("calculated", False),
        "externalOptions": more.pop("external", False),
        "archived": False,
        "hasUniqueValue": more.pop("unique", False),
        "hidden": more.pop("hidden", False),
        "hubspotDefined": own,
        "modificationMetadata": {
            "archivable": not own,
            "readOnlyDefinition": own,
            "readOnlyOptions": own,
            "readOnlyValue": read_only,
        },
        "formField": not read_only,
        "dataSensitivity": "non_sensitive",
        **more,
    }


def contact_properties() -> list[Definition]:
    """The properties of contacts."""
    return [*_contact_own(), *_contact_system(), *_contact_survey()]


def owner(label: str) -> Definition:
    """Who a record belongs to: one of the portal's owners (access.py)."""
    return definition(
        "hubspot_owner_id", label, "enumeration", external=True, referencedObjectType="OWNER"
    )


def company_properties() -> list[Definition]:
    """The properties of companies."""
    group = "companyinformation"
    return [
        definition("name", "Company name", group=group),
        definition("domain", "Company Domain Name", group=group),
        definition("phone", "Phone Number", field_type="phonenumber", group=group),
        definition("city", "City", group=group),
        definition("country", "Country/Region", group=group),
        definition("annualrevenue", "Annual Revenue", "number", group=group),
        definition("industry", "Industry", "enumeration", options=_INDUSTRIES, group=group),
        definition("nps_average", "NPS average", "number", own=False, group=group),
        definition("nps_last_answer", "NPS last answer", "date", own=False, group=group),
        definition("account_code", "Account code", own=False, unique=True, group=group),
        *_stamps("companies"),
    ]


def deal_properties() -> list[Definition]:
    """The properties of deals."""
    group = "dealinformation"
    flag: dict[str, Any] = {"read_only": True, "calculated": True, "group": group}
    return [
        definition("dealname", "Deal Name", group=group),
        definition("amount", "Amount", "number", group=group),
        definition("dealstage", "Deal Stage", "enumeration", options=_STAGES, group=group),
        definition("pipeline", "Pipeline", "enumeration", options=["default"], group=group),
        definition("closedate", "Close Date", "datetime", group=group),
        definition("hs_is_closed_won", "Is Closed Won", "bool", **flag),
        definition("hs_is_closed_lost", "Is closed lost", "bool", **flag),
        owner("Deal owner"),
        definition("nps_after_sale", "NPS after sale", "number", own=False, group=group),
        *_stamps("deals"),
    ]


def ticket_properties() -> list[Definition]:
    """The properties of tickets."""
    group = "ticketinformation"
    priorities = ["LOW", "MEDIUM", "HIGH", "URGENT"]
    return [
        definition("subject", "Ticket name", group=group),
        definition("content", "Ticket description", field_type="textarea", group=group),
        definition("hs_pipeline", "Pipeline", "enumeration", options=["0"], group=group),
        definition(
            "hs_pipeline_stage", "Ticket status", "enumeration", options=["1", "2", "3", "4"]
        ),
        definition("hs_ticket_priority", "Priority", "enumeration", options=priorities),
        owner("Ticket owner"),
        definition("csat_score", "CSAT score", "number", own=False, group=group),
        *_stamps("tickets"),
    ]


def note_properties() -> list[Definition]:
    """The properties of notes."""
    return [
        definition("hs_timestamp", "Activity date", "datetime", group="engagement"),
        definition("hs_note_body", "Body preview", field_type="html", group="engagement"),
        definition("hs_attachment_ids", "Attachment IDs", field_type="text", group="engagement"),
        definition("hubspot_owner_id", "Owner", "enumeration", external=True, group="engagement"),
        *_stamps("notes"),
    ]


def task_properties() -> list[Definition]:
    """The properties of tasks; `hs_timestamp` is when one is due."""
    statuses = ["NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"]
    return [
        definition("hs_timestamp", "Due date", "datetime", group="engagement"),
        definition("hs_task_subject", "Task Title", group="engagement"),
        definition("hs_task_body", "Notes", field_type="html", group="engagement"),
        definition("hs_task_status", "Task Status", "enumeration", options=statuses),
        owner("Assigned to"),
        *_stamps("tasks"),
    ]


def user_properties() -> list[Definition]:
    """The properties of users: there, but the app has no scope for them."""
    return [definition("hs_email", "Email"), *_stamps("users")]


def _contact_own() -> list[Definition]:
    texts = {
        "firstname": "First Name", "lastname": "Last Name", "company": "Company Name",
        "jobtitle": "Job Title", "address": "Street Address", "city": "City", "zip": "Postal Code",
        "state": "State/Region", "country": "Country/Region", "website": "Website URL",
        "salutation": "Salutation",
    }  # fmt: skip
    return [
        definition("email", "Email"),
        *(definition(name, label) for name, label in texts.items()),
        definition("phone", "Phone Number", field_type="phonenumber"),
        definition("mobilephone", "Mobile Phone Number", field_type="phonenumber"),
        definition("hs_language", "Preferred language", "enumeration", options=_LANGUAGES),
        definition("lifecyclestage", "Lifecycle Stage", "enumeration", options=_LIFECYCLE),
        definition("hs_lead_status", "Lead Status", "enumeration", "radio", options=_LEADS),
        owner("Contact owner"),
    ]  # fmt: skip


def _contact_system() -> list[Definition]:
    read_only = {
        "hs_all_contact_vids": "string", "hs_email_domain": "string",
        "hs_currently_enrolled_in_prospecting_agent": "bool", "hs_is_contact": "bool",
        "hs_is_unworked": "bool", "hs_lifecyclestage_lead_date": "datetime",
        "hs_membership_has_accessed_private_content": "number", "hs_object_source": "enumeration",
        "hs_object_source_id": "string", "hs_object_source_label": "enumeration",
        "hs_pipeline": "enumeration", "hs_registered_member": "number",
        "hs_email_optout": "bool", "notes_last_contacted": "datetime",
        "notes_last_updated": "datetime", "num_associated_deals": "number",
        "recent_deal_close_date": "datetime",
    }  # fmt: skip
    # Its real type and flags are unverified; nobody writes it here.
    read_only["associatedcompanyid"] = "number"
    calculated = {"num_associated_deals", "recent_deal_close_date", "hs_email_domain"}
    return [
        *(
            definition(name, name, kind, read_only=True, calculated=name in calculated)
            for name, kind in read_only.items()
        ),
        definition(
            "hs_additional_emails",
            "Additional email addresses",
            "enumeration",
            "checkbox",
            read_only=True,
            external=True,
        ),
        *_stamps("contacts"),
    ]


def _contact_survey() -> list[Definition]:
    own: dict[str, Any] = {"own": False, "group": "nps"}
    return [
        definition("nps_score", "NPS score", "number", **own),
        definition("nps_comment", "NPS comment", field_type="textarea", **own),
        definition("nps_summary", "NPS summary", **own),
        definition("nps_answers_html", "NPS answers", field_type="html", **own),
        definition("nps_date", "NPS answered on", "date", **own),
        definition("nps_answered_at", "NPS answered at", "datetime", **own),
        definition("nps_follow_up", "May we call", "bool", **own),
        definition("nps_segment", "NPS segment", "enumeration", options=_SEGMENTS, **own),
        definition("nps_csat", "Satisfaction", "enumeration", "radio", options=_SMILES, **own),
        definition("nps_topics", "NPS topics", "enumeration", "checkbox", options=_TOPICS, **own),
        definition("nps_report_url", "NPS report", **own),
        definition("nps_callback_phone", "Call back on", "phone_number", **own),
        definition("nps_signature", "NPS signature", field_type="file", **own),
        definition("nps_response_id", "NPS response id", unique=True, **own),
        definition("customer_number", "Customer number", unique=True, **own),
        definition("nps_revenue_at_risk", "Revenue at risk", "number", **own),
        definition("nps_trend", "NPS trend", "number", calculated=True, read_only=True, **own),
        definition("nps_legacy_score", "NPS score (old)", "number", hidden=True, **own),
    ]


def _stamps(kind: str) -> list[Definition]:
    changed = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    created = "createdate" if kind not in {"notes", "tasks", "users"} else "hs_createdate"
    return [
        definition(created, "Create Date", "datetime", read_only=True),
        definition(changed, "Last Modified Date", "datetime", read_only=True),
        definition("hs_object_id", "Record ID", "number", read_only=True),
    ]


def _option(number: int, told: str | Sequence[str]) -> dict[str, Any]:
    value, label = (told, told) if isinstance(told, str) else told
    return {
        "label": label,
        "value": value,
        "description": "",
        "displayOrder": number,
        "hidden": False,
    }


_FIELD_TYPES = {
    "string": "text", "number": "number", "date": "date", "datetime": "date",
    "enumeration": "select", "bool": "booleancheckbox", "phone_number": "phonenumber",
}  # fmt: skip
_LANGUAGES = [
    ("da", "Danish"),
    ("de", "German"),
    ("en", "English"),
    ("fr", "French"),
    ("it", "Italian"),
]
_LIFECYCLE = ["subscriber", "lead", "opportunity", "customer", "other"]
_INDUSTRIES = ["ACCOUNTING", "AIRLINES_AVIATION", "RETAIL", "COMPUTER_SOFTWARE"]
_LEADS = ["NEW", "OPEN"]
_STAGES = ["appointmentscheduled", "contractsent", "closedwon", "closedlost"]
_SEGMENTS = [("promoter", "Promoter"), ("passive", "Passive"), ("detractor", "Detractor")]
_SMILES = ["1", "2", "3", "4", "5"]
_TOPICS = [
    ("price", "Price"), ("service", "Service"), ("quality", "Quality"), ("delivery", "Delivery"),
    ("moede", "Møde"),
]  # fmt: skip
