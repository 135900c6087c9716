"""The models of a fresh database with their fields, as `fields_get` tells them."""

from __future__ import annotations

from typing import Any

Definitions = dict[str, dict[str, Any]]
MOBILE_UNTIL, NORMALIZED_FROM, HTML_COMMENT_FROM = 17, 13, 15
SEGMENTS = [["promoter", "Promoter"], ["passive", "Passive"], ["detractor", "Detractor"]]
ADDRESSES = [
    ["contact", "Contact"], ["invoice", "Invoice address"], ["delivery", "Shipping address"],
    ["other", "Other address"],
]  # fmt: skip
ATTRIBUTES = ("type", "string", "required", "readonly", "store", "searchable", "sortable")


def models(version: int) -> dict[str, Definitions]:
    """Model -> field -> definition."""
    return {
        "res.partner": _partner(version),
        "res.partner.category": {
            **_common(),
            "name": field("char", "Tag Name", required=True),
            "active": field("boolean", "Active"),
        },
        "crm.lead": _lead(version),
        "res.users": {
            **_common(),
            "name": field("char", "Name", required=True),
            "login": field("char", "Login", required=True),
            "email": field("char", "Email"),
            "company_id": field("many2one", "Company", relation="res.company"),
        },
        "mail.message": {
            **_common(),
            "model": field("char", "Related Document Model"),
            "res_id": field("integer", "Related Document ID"),
            "body": field("html", "Contents"),
            "subject": field("char", "Subject"),
            "subtype": field("char", "Subtype"),
        },
    }


def field(kind: str, label: str, **more: Any) -> dict[str, Any]:
    """One field's definition."""
    rest = {"required": False, "readonly": False, "store": True, "searchable": True}
    return {"type": kind, "string": label, "sortable": True, **rest, **more}


def custom() -> Definitions:
    """The fields that the admin of this database has made for survey answers."""
    return {
        "x_nps_score": field("integer", "NPS score"),
        "x_nps_comment": field("text", "NPS comment"),
        "x_nps_summary": field("char", "NPS summary", size=80),
        "x_nps_basket": field("float", "Basket", digits=[16, 2]),
        "x_nps_follow_up": field("boolean", "Follow up"),
        "x_nps_date": field("date", "Survey date"),
        "x_nps_answered_at": field("datetime", "Answered at"),
        "x_nps_segment": field("selection", "Segment", selection=SEGMENTS),
        "x_nps_html": field("html", "Answers"),
        "x_nps_owner": field("many2one", "Owner", relation="res.users"),
    }


def _common() -> Definitions:
    return {
        "id": field("integer", "ID", readonly=True),
        "create_date": field("datetime", "Created on", readonly=True),
        "write_date": field("datetime", "Last Updated on", readonly=True),
        "display_name": field("char", "Display Name", readonly=True),
    }


def _partner(version: int) -> Definitions:
    fields = {
        **_common(),
        "name": field("char", "Name"),
        "email": field("char", "Email"),
        "phone": field("char", "Phone"),
        "function": field("char", "Job Position"),
        "website": field("char", "Website"),
        "ref": field("char", "Internal Reference"),
        "street": field("char", "Street"),
        "city": field("char", "City"),
        "comment": field("html" if version >= HTML_COMMENT_FROM else "text", "Notes"),
        "type": field("selection", "Address Type", selection=ADDRESSES),
        "is_company": field("boolean", "Is a Company"),
        "active": field("boolean", "Active"),
        "parent_id": field("many2one", "Related Company", relation="res.partner"),
        "user_id": field("many2one", "Salesperson", relation="res.users"),
        "category_id": field("many2many", "Tags", relation="res.partner.category"),
        "image": field("binary", "Image"),
        **custom(),
    }
    if version <= MOBILE_UNTIL:
        fields["mobile"] = field("char", "Mobile")
    if version >= NORMALIZED_FROM:
        fields["email_normalized"] = field("char", "Normalized Email", readonly=True)
    return fields


def _lead(version: int) -> Definitions:
    fields = {
        **_common(),
        "name": field("char", "Opportunity", required=True),
        "type": field(
            "selection",
            "Type",
            required=True,
            selection=[["lead", "Lead"], ["opportunity", "Opportunity"]],
        ),
        "partner_id": field("many2one", "Customer", relation="res.partner"),
        "email_from": field("char", "Email"),
        "probability": field("float", "Probability"),
        "active": field("boolean", "Active"),
        "x_nps_score": field("integer", "NPS score"),
    }
    if version >= NORMALIZED_FROM:
        fields["email_normalized"] = field("char", "Normalized Email", readonly=True)
    return fields


DEFAULTS: dict[str, dict[str, Any]] = {
    "res.partner": {"type": "contact", "is_company": False, "active": True},
    "res.partner.category": {"active": True},
    "crm.lead": {"type": "opportunity", "active": True, "probability": 0.0},
    "res.users": {"active": True},
    "mail.message": {},
}
