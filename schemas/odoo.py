"""Odoo's shapes: `fields_get` as entities, values as canonical ones and back. Pure.

JSON must be read with `parse_float=Decimal`. Odoo says False for nothing; a number is never nothing
there: cleared it reads as 0, so a score of 0 and no score cannot be told apart (measured, 11).
What cannot be understood raises Unreadable: the caller knows what that means for the call at hand.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from schemas.fields import Entity, Field, FieldType, FieldValue, Option

PARTNER, CATEGORY, LEAD = "res.partner", "res.partner.category", "crm.lead"
ACTIVITY = "mail.activity"
# No field of Odoo: told with a new activity, and never read back.
CONTACT_EMAIL, SENT_ONLY = "contact_email", "sent_only"
COMPANY = "res.partner.company"  # no model of Odoo: partners that are companies
NORMALIZED = "email_normalized"
# What `fields_get` is asked for; a version that does not know one of them leaves it out.
ATTRIBUTES = (
    "string", "type", "required", "readonly", "relation", "selection", "size", "digits", "store",
    "searchable",
)  # fmt: skip
TYPES: Mapping[str, FieldType] = {
    "char": FieldType.TEXT,
    "text": FieldType.LONG_TEXT,
    "html": FieldType.LONG_TEXT,
    "integer": FieldType.INTEGER,
    "float": FieldType.NUMBER,
    "monetary": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "selection": FieldType.CHOICE,
    "many2one": FieldType.REFERENCE,
}
# Plain char fields whose name alone says what they hold.
NAMED: Mapping[str, FieldType] = {
    "email": FieldType.EMAIL,
    "email_from": FieldType.EMAIL,
    "phone": FieldType.PHONE,
    "mobile": FieldType.PHONE,
    "website": FieldType.URL,
}
IDENTIFYING = frozenset({"email", "email_from", "ref", "vat", "barcode"})
CUSTOM = "x_"
INTEGER_DIGITS = 10  # PostgreSQL's four bytes
_BREAK = re.compile(r"(?i)<br\s*/?>|</p>\s*<p[^>]*>")
_MARKUP = re.compile(r"<[^>]*>")


class Unreadable(ValueError):
    """An answer that is not what Odoo's documentation and our measurements show."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What stands behind an entity: the model, which of its records (a domain), what a new record
    is given, and which fields a create needs although `fields_get` does not say so. `hidden` are
    its fields that we fill in ourselves, from those of ours in `sent`.
    """

    model: str
    only: tuple[tuple[str, str, Any], ...] = ()
    new: Mapping[str, Any] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    label: str | None = None
    hidden: frozenset[str] = frozenset()
    sent: tuple[Field, ...] = ()


# A check of the database asks every contact for a name, not the field's definition (measured, 11).
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        PARTNER: Kind(
            PARTNER, (("is_company", "=", False),), needs=frozenset({"name"}), label="Contact"
        ),
        COMPANY: Kind(
            PARTNER,
            (("is_company", "=", True),),
            new={"is_company": True},
            needs=frozenset({"name"}),
            label="Company",
        ),
        LEAD: Kind(LEAD, label="Lead or opportunity"),
        ACTIVITY: Kind(
            ACTIVITY,
            label="Activity of a contact",
            hidden=frozenset({"res_id", "res_model_id", "res_model"}),
            sent=(
                Field(
                    CONTACT_EMAIL,
                    "Contact's e-mail",
                    FieldType.EMAIL,
                    native_type=SENT_ONLY,
                    required=True,
                    updatable=False,
                ),
            ),
        ),
    }
)


def kind_of(entity: str) -> Kind:
    """What stands behind an entity; one that an admin has named is the model of that name."""
    return KINDS.get(entity) or Kind(entity)


# --- definitions ----------------------------------------------------------------------------------


def entity_of(name: str, described: object, *, defaulted: frozenset[str]) -> Entity:
    """The entity of a model's `fields_get`. `defaulted`: required fields that Odoo fills in itself.
    Raises Unreadable.
    """
    kind = kind_of(name)
    if not isinstance(described, dict):
        message = "the definitions are no object"
        raise Unreadable(message)
    try:
        fields = tuple(
            _field_of(one, told, needed=one in kind.needs, defaulted=one in defaulted)
            for one, told in sorted(described.items())
            if one not in kind.hidden
        )
    except (KeyError, TypeError, AttributeError, ValueError) as exc:
        message = "a field's definition lacks a part"
        raise Unreadable(message) from exc
    fields += kind.sent
    return Entity(name, kind.label or name, fields, custom=name.startswith(CUSTOM))


def required_in(described: object) -> list[str]:
    """The fields that `fields_get` calls required."""
    told = described if isinstance(described, dict) else {}
    return sorted(name for name, one in told.items() if one.get("required"))


def _field_of(name: str, told: Mapping[str, Any], *, needed: bool, defaulted: bool) -> Field:
    native = str(told["type"])
    kind = TYPES.get(native, FieldType.OTHER)
    if native == "char":
        kind = NAMED.get(name, kind)
    writable = kind is not FieldType.OTHER and not told.get("readonly") and name != "id"
    digits = told.get("digits") if kind is FieldType.NUMBER else None
    identifying = name in IDENTIFYING or (name.startswith(CUSTOM) and native == "char")
    return Field(
        name=name,
        label=str(told.get("string") or name),
        type=kind,
        native_type=native,
        max_length=int(told.get("size") or 0) or None,
        max_digits=_digits(digits, 0) or (INTEGER_DIGITS if kind is FieldType.INTEGER else None),
        max_scale=_digits(digits, 1),
        options=_options(told.get("selection")),
        required=needed or (bool(told.get("required")) and not defaulted),
        creatable=writable,
        updatable=writable,
        identifies=identifying and bool(told.get("searchable", True)),
    )


def _digits(told: object, place: int) -> int | None:
    return int(told[place]) if isinstance(told, list | tuple) and len(told) == 2 else None


def _options(told: object) -> tuple[Option, ...]:
    pairs = told if isinstance(told, list) else ()
    return tuple(Option(str(value), str(label)) for value, label in pairs)


# --- values ---------------------------------------------------------------------------------------


def to_native(definition: Field | None, value: FieldValue) -> object:
    """A canonical value as Odoo's JSON takes it; None clears."""
    if value is None or value == ():
        return False
    if definition is None:
        return list(value) if isinstance(value, tuple) else value
    if definition.native_type == "html":
        return f"<p>{html.escape(str(value), quote=False)}</p>".replace("\n", "<br>")
    writer = _WRITERS.get(definition.type)
    return writer(value) if writer else value


def from_native(definition: Field | None, value: object) -> FieldValue:
    """What Odoo's JSON holds as a canonical value. Raises Unreadable."""
    kind = FieldType.OTHER if definition is None else definition.type
    if kind is FieldType.BOOLEAN:
        return bool(value)
    if value is False or value is None:
        return None
    if definition is not None and definition.native_type == "html":
        return plain_text(str(value))
    try:
        return _READERS.get(kind, _as_it_is)(value)
    except (ValueError, TypeError, InvalidOperation, IndexError) as exc:
        message = f"a value of kind {type(value).__name__} stands in a field of type {kind.value}"
        raise Unreadable(message) from exc


def plain_text(markup: str) -> str:
    """HTML as the text a person reads, line by line."""
    return html.unescape(_MARKUP.sub("", _BREAK.sub("\n", markup)))


def moment_of(value: object) -> datetime | None:
    """A time such as `2026-11-22 10:00:00`, which is UTC without saying so; None for others."""
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
    except ValueError:
        return None


def _naive(value: FieldValue) -> str:
    """`2026-11-22T10:00:00Z` as Odoo keeps times: UTC, no zone, whole seconds."""
    return str(value)[:19].replace("T", " ")


def _number(value: FieldValue) -> int | float:
    exact = Decimal(str(value))
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _record_id(value: FieldValue) -> int | str:
    # An id that is none goes as it is: Odoo then refuses this row.
    return int(str(value)) if str(value).isdigit() else str(value)


_WRITERS: Mapping[FieldType, Callable[[FieldValue], object]] = {
    FieldType.NUMBER: _number,
    FieldType.DATETIME: _naive,
    FieldType.REFERENCE: _record_id,
}


def _as_it_is(value: object) -> FieldValue:
    if isinstance(value, list | tuple):
        return tuple(str(one) for one in value)
    return value if isinstance(value, str | bool | int) else str(value)


def _as_integer(value: object) -> int:
    exact = Decimal(str(value))
    if exact != exact.to_integral_value():
        raise ValueError
    return int(exact)


def _as_number(value: object) -> str:
    exact = Decimal(str(value))
    # 0.00 and -0 are 0.
    return f"{exact.normalize():f}" if exact else "0"


def _as_moment(value: object) -> str:
    return f"{datetime.fromisoformat(str(value)):%Y-%m-%dT%H:%M:%SZ}"


def _as_reference(value: object) -> str:
    # read() answers [id, name].
    return str(value[0]) if isinstance(value, list | tuple) else str(value)


_READERS: Mapping[FieldType, Callable[[object], FieldValue]] = {
    FieldType.TEXT: str,
    FieldType.LONG_TEXT: str,
    FieldType.EMAIL: str,
    FieldType.PHONE: str,
    FieldType.URL: str,
    FieldType.CHOICE: str,
    FieldType.DATE: str,
    FieldType.INTEGER: _as_integer,
    FieldType.NUMBER: _as_number,
    FieldType.DATETIME: _as_moment,
    FieldType.REFERENCE: _as_reference,
}


__all__ = [
    "ACTIVITY",
    "ATTRIBUTES",
    "CATEGORY",
    "COMPANY",
    "CONTACT_EMAIL",
    "KINDS",
    "LEAD",
    "NORMALIZED",
    "PARTNER",
    "SENT_ONLY",
    "Kind",
    "Unreadable",
    "entity_of",
    "from_native",
    "kind_of",
    "moment_of",
    "plain_text",
    "required_in",
    "to_native",
]
