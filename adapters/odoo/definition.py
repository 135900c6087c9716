"""What our fields, our model and our tags are in Odoo's words. Pure.

Bodies by `ir.model` and `ir.model.fields` of a running Odoo 11 (measured 2026-11); that the options
of a choice may be a text in later versions too is from their source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.odoo.traits import OUTSIDE, RECORD, RECORD_MODEL
from schemas.odoo import LEAD, PARTNER

LABEL = "NPSToday"
KEY_FIELD = "x_npstoday_key"
SEGMENTS = ("Promoter", "Passive", "Detractor")
READERS, EDITORS = "base.group_user", "base.group_partner_manager"


@dataclass(frozen=True, slots=True)
class OwnField:
    """One field of ours; `more` in the words of `ir.model.fields`."""

    model: str
    name: str
    label: str
    kind: str
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """With its model."""
        return f"{self.model}.{self.name}"

    @property
    def relation(self) -> str | None:
        """The model it refers to."""
        return self.more.get("relation")

    @property
    def values(self) -> dict[str, Any]:
        """What creates it."""
        told = {"name": self.name, "field_description": self.label, "ttype": self.kind}
        return {**told, "state": "manual", **self.more}


def key_field(model: str) -> OwnField:
    """A key of our own. Odoo has no unique fields that an API could make."""
    return OwnField(model, KEY_FIELD, "NPSToday key", "char", {"index": True, "copied": False})


def record_fields() -> tuple[OwnField, ...]:
    """The fields of a survey response, its key first. `x_name` is what Odoo shows of a record."""
    says, links = RECORD.fields, RECORD.links
    return (
        _of(RECORD.key, "Response id", "char", required=True, index=True, copied=False),
        _of(says["campaign"], "Campaign", "char"),
        _of(says["score"], "Score", "integer"),
        _of(
            says["segment"], "Segment", "selection", selection=str([(one, one) for one in SEGMENTS])
        ),
        _of(says["comment"], "Comment", "text"),
        _of(says["answered_at"], "Answered at", "datetime"),
        _of(says["tag"], "Tag", "char"),
        _of(says["link"], "Link", "char"),
        _link(links["contact"][0], "Contact", PARTNER),
        _link(links["company"][0], "Company", PARTNER),
        _link(links["deal"][0], "Lead or opportunity", LEAD),
        _link(links["owner"][0], "Owner", "res.users"),
    )


def _of(name: str, label: str, kind: str, **more: Any) -> OwnField:
    return OwnField(RECORD_MODEL, name, label, kind, more)


def _link(name: str, label: str, relation: str) -> OwnField:
    return _of(name, label, "many2one", relation=relation, on_delete="set null", index=True)


def record_model(fields: tuple[OwnField, ...]) -> dict[str, Any]:
    """What creates the model with its fields, in one call."""
    made = [[0, 0, one.values] for one in fields]
    told = {"name": "NPSToday response", "model": RECORD_MODEL, "state": "manual"}
    return {**told, "field_id": made}


def grants(model_id: int) -> tuple[list[str], list[list[str]]]:
    """(columns, rows) of the access rules: who sees a response, who may write one. None may delete
    one but an administrator.
    """
    rights = ["perm_read", "perm_write", "perm_create", "perm_unlink"]
    columns = ["id", "name", "model_id/.id", "group_id/id", *rights]
    rows = [
        [f"{OUTSIDE}.access_response_read", "NPSToday response: read", READERS, "1", "", "", ""],
        [f"{OUTSIDE}.access_response_edit", "NPSToday response: edit", EDITORS, "1", "1", "1", ""],
    ]
    return columns, [[xid, name, str(model_id), *rest] for xid, name, *rest in rows]


def parent_of(no_send: str) -> str:
    """The name above the tags: their common prefix."""
    return no_send.rpartition(".")[0] or LABEL


def tag_outside_id(name: str) -> str:
    """By what a tag of ours is known whatever somebody has renamed it to."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:24]
    return f"{OUTSIDE}.tag_{digest}"
