"""The models of a fresh database with their fields, as `fields_get` tells them."""

from __future__ import annotations

from typing import Any

Definitions = dict[str, dict[str, Any]]
MOBILE_UNTIL, NORMALIZED_FROM, HTML_COMMENT_FROM = 17, 13, 15
DOWNLOAD_NAME_UNTIL = 12
SEGMENTS = [["promoter", "Promoter"], ["passive", "Passive"], ["detractor", "Detractor"]]
ADDRESSES = [
    ["contact", "Contact"], ["invoice", "Invoice address"], ["delivery", "Shipping address"],
    ["other", "Other address"],
]  # fmt: skip
ATTRIBUTES = ("type", "string", "required", "readonly", "store", "searchable", "sortable")


MODEL, FIELDS, GRANTS = "ir.model", "ir.model.fields", "ir.model.access"
OUTSIDE_IDS, GROUPS = "ir.model.data", "res.groups"


def models(version: int) -> dict[str, Definitions]:
    """Model -> field -> definition."""
    return {
        "res.partner": _partner(version),
        "res.partner.category": {
            **common(),
            "name": field("char", "Tag Name", required=True),
            "active": field("boolean", "Active"),
            "parent_id": field("many2one", "Parent Category", relation="res.partner.category"),
        },
        "crm.lead": _lead(version),
        "res.users": {
            **common(),
            "name": field("char", "Name", required=True),
            "login": field("char", "Login", required=True),
            "email": field("char", "Email"),
            "company_id": field("many2one", "Company", relation="res.company"),
        },
        "mail.message": {
            **common(),
            "model": field("char", "Related Document Model"),
            "res_id": field("integer", "Related Document ID"),
            "body": field("html", "Contents"),
            "subject": field("char", "Subject"),
            "subtype": field("char", "Subtype"),
            "attachment_ids": field("many2many", "Attachments", relation="ir.attachment"),
        },
        "ir.attachment": _attachment(version),
        "mail.activity": {
            **common(),
            "res_id": field("integer", "Related Document ID", required=True),
            "res_model_id": field("many2one", "Document Model", required=True, relation=MODEL),
            "res_model": field("char", "Related Document Model", readonly=True),
            "summary": field("char", "Summary"),
            "note": field("html", "Note"),
            "date_deadline": field("date", "Due Date", required=True),
            "user_id": field("many2one", "Assigned to", required=True, relation="res.users"),
        },
        **_models_of_models(),
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


def _models_of_models() -> dict[str, Definitions]:
    """By which an administrator makes fields, models and access rules."""
    told: dict[str, Definitions] = {
        MODEL: {
            "name": field("char", "Model Description", required=True),
            "model": field("char", "Model", required=True),
            "state": field("char", "Type"),
            "transient": field("boolean", "Transient Model"),
            "field_id": field("one2many", "Fields", relation=FIELDS),
        },
        FIELDS: {
            "model_id": field("many2one", "Model", required=True, relation=MODEL),
            "name": field("char", "Field Name", required=True),
            "field_description": field("char", "Field Label", required=True),
            "ttype": field("char", "Field Type", required=True),
            "relation": field("char", "Object Relation"),
            "selection": field("char", "Selection Options"),
            "on_delete": field("char", "On Delete"),
            "size": field("integer", "Size"),
            "required": field("boolean", "Required"),
            "index": field("boolean", "Indexed"),
            "copied": field("boolean", "Copied"),
            "state": field("char", "Type"),
        },
        GRANTS: {
            "name": field("char", "Name", required=True),
            "model_id": field("many2one", "Object", required=True, relation=MODEL),
            "group_id": field("many2one", "Group", relation=GROUPS),
            **{
                f"perm_{one}": field("boolean", one)
                for one in ("read", "write", "create", "unlink")
            },
        },
        OUTSIDE_IDS: {
            "module": field("char", "Module"),
            "name": field("char", "External Identifier"),
            "model": field("char", "Model Name"),
            "res_id": field("integer", "Record ID"),
        },
        GROUPS: {"name": field("char", "Name")},
    }
    return {name: {**common(), **one} for name, one in told.items()}


def common() -> Definitions:
    return {
        "id": field("integer", "ID", readonly=True),
        "create_date": field("datetime", "Created on", readonly=True),
        "write_date": field("datetime", "Last Updated on", readonly=True),
        "display_name": field("char", "Display Name", readonly=True),
    }


def _partner(version: int) -> Definitions:
    fields = {
        **common(),
        "name": field("char", "Name"),
        "email": field("char", "Email"),
        "phone": field("char", "Phone"),
        "function": field("char", "Job Position"),
        "website": field("char", "Website"),
        "ref": field("char", "Internal Reference"),
        "street": field("char", "Street"),
        "zip": field("char", "Zip"),
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


def _attachment(version: int) -> Definitions:
    fields = {
        **common(),
        "name": field("char", "Attachment Name", required=True),
        "description": field("text", "Description"),
        "res_model": field("char", "Resource Model"),
        "res_id": field("integer", "Resource ID"),
        "datas": field("binary", "File Content"),
        "mimetype": field("char", "Mime Type"),
    }
    if version <= DOWNLOAD_NAME_UNTIL:
        fields["datas_fname"] = field("char", "File Name")
    return fields


def _lead(version: int) -> Definitions:
    fields = {
        **common(),
        "name": field("char", "Opportunity", required=True),
        "type": field(
            "selection",
            "Type",
            required=True,
            selection=[["lead", "Lead"], ["opportunity", "Opportunity"]],
        ),
        "partner_id": field("many2one", "Customer", relation="res.partner"),
        "user_id": field("many2one", "Salesperson", relation="res.users"),
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
    "ir.attachment": {},
    "mail.activity": {"date_deadline": "2026-11-22", "user_id": 7},
}
