"""How a test has a simulated CRM refuse one effect of one response, each CRM in its own words."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.zendesk.fields import USER_FIELDS
from tests.faults.crowd import REFUSAL
from tests.faults.runs import CHOICE, FIELD, FILE, NOTE, RECORD, SEVERAL, TAG, WRITES

Told = Mapping[str, Any]
Aim = tuple[str, str]

# --- one row of a call --------------------------------------------------------------------------


def _invalid(field: str, error: str) -> Told:
    message = (
        f'Property values were not valid: [{{"isValid":false,"error":"{error}","name":"{field}"}}]'
    )
    return {"category": "VALIDATION_ERROR", "message": message}


def _rule(*fields: str) -> Told:
    return {**REFUSAL["salesforce"], "fields": list(fields)}


def _unprocessable(field: str) -> Told:
    told = {field: [{"description": f"{field}: is invalid", "error": "InvalidValue"}]}
    return {
        "status": 422,
        "body": {
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": told,
        },
    }


# `key`: by what the simulator knows the row; `call`: where the row is a call of its own.
ROWS: Mapping[Aim, Told] = {
    ("hubspot", FIELD): {"key": "nps_score {run.struck_id}", "error": REFUSAL["hubspot"]},
    ("hubspot", TAG): {
        "key": "npstoday_tags {run.struck_id}",
        "error": _invalid("npstoday_tags", "PROPERTY_VALUE_TOO_LONG"),
    },
    ("hubspot", NOTE): {
        "key": "hs_note_body {run.struck_id}",
        "error": _invalid("hs_note_body", "PROPERTY_VALUE_TOO_LONG"),
    },
    ("hubspot", RECORD): {"key": "{run.record_key}", "error": _invalid("score", "INVALID_INTEGER")},
    ("hubspot", FILE): {
        "call": {**WRITES["hubspot"][FILE], "body": "{run.struck}"},
        "status": 400,
        "body": {"status": "error", "message": "The file is not allowed", "category": "INVALID"},
    },
    ("odoo", FIELD): {"key": "x_nps_score {run.struck_id}", "error": REFUSAL["odoo"]},
    ("odoo", TAG): {"key": "category_id {run.struck_id}", "error": REFUSAL["odoo"]},
    ("odoo", NOTE): {"key": "body {run.struck_id}", "error": REFUSAL["odoo"]},
    ("odoo", RECORD): {"key": "{run.record_key}", "error": REFUSAL["odoo"]},
    ("odoo", FILE): {"key": "datas {run.struck_id}", "error": REFUSAL["odoo"]},
    ("salesforce", FIELD): {"key": "NPS_Score__c {run.struck_id}", "error": _rule("NPS_Score__c")},
    ("salesforce", TAG): {
        "key": "NPSToday_Tags__c {run.struck_id}",
        "error": _rule("NPSToday_Tags__c"),
    },
    ("salesforce", NOTE): {"key": "LinkedEntityId {run.struck_id}", "error": _rule()},
    ("salesforce", RECORD): {"key": "{run.record_key}", "error": _rule("Score__c")},
    ("salesforce", FILE): {"key": "FirstPublishLocationId {run.struck_id}", "error": _rule()},
    ("zendesk", FIELD): {
        "call": {"method": "PUT", "path": r"/users/{run.struck_id}\.json"},
        **_unprocessable("nps_score"),
    },
    ("zendesk", TAG): {
        "call": {"method": "PUT", "path": "/users/{run.struck_id}/tags"},
        **_unprocessable("tags"),
    },
    ("zendesk", NOTE): {
        "call": {"path": "/tickets", "body": "^(?!.*uploads).*Reason of {run.struck}"},
        **_unprocessable("comment"),
    },
    ("zendesk", RECORD): {
        "key": "{run.record_key}",
        "error": {"field": "score", "code": "InvalidValue", "text": "Score: is invalid"},
    },
    ("zendesk", FILE): {
        "call": {**WRITES["zendesk"][FILE], "body": "{run.struck}"},
        **_unprocessable("attachment"),
    },
}

# --- an option is removed -----------------------------------------------------------------------


@dataclass(frozen=True)
class Removal:
    """What somebody does in the account to take an option away, and to give it back."""

    takes: Told
    gives: Told


def _property(kind: str, name: str, field_type: str, *options: str) -> Told:
    told = list(options)
    made = {"name": name, "label": name, "type": "enumeration", "fieldType": field_type}
    return {"seed": {"properties": {kind: [{**made, "options": told}]}}}


def _picklist(path: str, *values: str) -> Told:
    return {"options": {"field_changes": {path: {"values": list(values), "restricted": True}}}}


def _selection(model: str, name: str, *values: str) -> Told:
    told = [[one, one.capitalize()] for one in values]
    made = {"type": "selection", "string": "Segment", "selection": told}
    return {"seed": {"fields": {model: {name: made}}}}


def _user_fields(*, without: str | None = None) -> Told:
    told = copy.deepcopy(list(USER_FIELDS))
    for one in told:
        if "options" in one:
            one["options"] = [each for each in one["options"] if each["value"] != without]
    return {"seed": {"user_fields": told}}


_OURS = "p14200142_npstoday_response"
_SEGMENTS, _ANSWERS = ("Passive", "Detractor"), ("Neutral",)
_SCORES = [f"NPSToday.Møde.{score}" for score in range(11)]
REMOVALS: Mapping[Aim, Removal] = {
    ("hubspot", FIELD): Removal(
        _property("contacts", "nps_segment", "select", "passive"),
        _property("contacts", "nps_segment", "select", "passive", "promoter"),
    ),
    ("hubspot", TAG): Removal(
        _property("contacts", "npstoday_tags", "checkbox", "NPSToday.NoSend"),
        _property("contacts", "npstoday_tags", "checkbox", "NPSToday.NoSend", *_SCORES),
    ),
    ("hubspot", RECORD): Removal(
        _property(_OURS, "segment", "select", *_SEGMENTS),
        _property(_OURS, "segment", "select", "Promoter", *_SEGMENTS),
    ),
    ("odoo", FIELD): Removal(
        _selection("res.partner", CHOICE["odoo"][0], "passive"),
        _selection("res.partner", CHOICE["odoo"][0], "passive", "promoter"),
    ),
    ("odoo", RECORD): Removal(
        _selection("x_npstoday_response", "x_segment", *_SEGMENTS),
        _selection("x_npstoday_response", "x_segment", "Promoter", *_SEGMENTS),
    ),
    ("odoo", TAG): Removal({"seed": {"delete_tags": [_SCORES[9]]}}, {}),
    ("salesforce", FIELD): Removal(
        _picklist("Contact.Satisfaction__c", *_ANSWERS),
        _picklist("Contact.Satisfaction__c", "Satisfied", *_ANSWERS),
    ),
    ("salesforce", TAG): Removal(
        _picklist("Contact.NPSToday_Tags__c", "NPSToday.NoSend"),
        _picklist("Contact.NPSToday_Tags__c", "NPSToday.NoSend", *_SCORES),
    ),
    ("salesforce", RECORD): Removal(
        _picklist("NPSToday_Response__c.Segment__c", *_SEGMENTS),
        _picklist("NPSToday_Response__c.Segment__c", "Promoter", *_SEGMENTS),
    ),
    ("zendesk", FIELD): Removal(_user_fields(without="nps_promoter"), _user_fields()),
}
# Zendesk's score tags have no options. One of a field of several choices is a tag, too.
REMOVED_OF_SEVERAL = Removal(_user_fields(without=SEVERAL["zendesk"][1]), _user_fields())
# Whether an option that is gone is refused at all is not verified.
UNCHECKED = Removal(
    {"options": {"unknown_options": "accepted"}, **REMOVED_OF_SEVERAL.takes},
    {"options": {"unknown_options": "refused"}, **REMOVED_OF_SEVERAL.gives},
)

# --- a permission is taken away -------------------------------------------------------------------


@dataclass(frozen=True)
class Denial:
    """`call` is refused with `action`, or `options` of the account refuse it; `also`: the effects
    that the same permission is needed for. `names`: what the error says.
    """

    names: str
    call: Mapping[str, str] = field(default_factory=dict)
    action: Told = field(default_factory=dict)
    options: Told = field(default_factory=dict)
    also: tuple[str, ...] = ()


def _scope(effect: str, scope: str, *also: str) -> Denial:
    told = {"message": "Scopes are required.", "context": {"requiredGranularScopes": [scope]}}
    message = "This app hasn't been granted all required scopes to make this call."
    body = {
        "status": "error",
        "message": message,
        "category": "MISSING_SCOPES",
        "errors": [told],
    }
    action = {"status": 403, "body": body}
    return Denial(scope, WRITES["hubspot"][effect], action, also=also)


def _no_access(effect: str, *also: str) -> Denial:
    body = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights"}]
    action = {"status": 403, "body": body}
    return Denial("permission", WRITES["salesforce"][effect], action, also=also)


def _forbidden(effect: str, names: str) -> Denial:
    return Denial(names, WRITES["zendesk"][effect], {"status": 403})


DENIALS: Mapping[Aim, Denial] = {
    ("hubspot", FIELD): _scope(FIELD, "crm.objects.contacts.write", TAG),
    ("hubspot", NOTE): _scope(NOTE, "crm.objects.contacts.write", FILE),
    ("hubspot", RECORD): _scope(RECORD, "crm.objects.custom.write"),
    ("hubspot", FILE): _scope(FILE, "files"),
    ("odoo", FIELD): Denial(
        "write on res.partner", options={"denied": ["write res.partner"]}, also=(TAG, NOTE, FILE)
    ),
    ("odoo", NOTE): Denial("create on mail.message", options={"denied": ["create mail.message"]}),
    ("odoo", RECORD): Denial(
        "create on x_npstoday_response", options={"denied": ["create x_npstoday_response"]}
    ),
    ("odoo", FILE): Denial("create on ir.attachment", options={"denied": ["create ir.attachment"]}),
    ("salesforce", FIELD): _no_access(FIELD, TAG),
    ("salesforce", NOTE): _no_access(NOTE),
    ("salesforce", RECORD): _no_access(RECORD),
    ("salesforce", FILE): _no_access(FILE),
    ("zendesk", FIELD): _forbidden(FIELD, "forbids"),
    ("zendesk", TAG): _forbidden(TAG, "switched off"),
    ("zendesk", NOTE): _forbidden(NOTE, "forbids"),
    ("zendesk", RECORD): _forbidden(RECORD, "forbids"),
    ("zendesk", FILE): _forbidden(FILE, "forbids"),
}
