"""Models, fields and access rules that an administrator makes by calls (measured, 11)."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Container, Sequence
from typing import Any

from simulators.odoo.definitions import FIELDS, MODEL, field
from simulators.odoo.errors import OdooError
from simulators.odoo.store import Record, Store

TYPES = frozenset(
    {
        "char", "text", "html", "integer", "float", "boolean", "date", "datetime", "selection",
        "many2one",
    }
)  # fmt: skip


def made(store: Store, model: str, rows: Sequence[Record]) -> list[int]:
    """New models or fields, all or none. Raises OdooError."""
    kept, definitions = (
        store.snapshot(),
        {name: dict(one) for name, one in store.definitions.items()},
    )
    try:
        act = _model_made if model == MODEL else _field_made
        return [act(store, one) for one in rows]
    except OdooError:
        store.restore(kept)
        store.definitions = definitions
        raise


def _model_made(store: Store, told: Record) -> int:
    name = str(told.get("model") or "")
    if not name.startswith("x_"):
        text = "The model name must start with 'x_'."
        raise OdooError(text, "ValidationError")
    if name in store.definitions:
        text = "Each model must be unique!"
        raise OdooError(text, "ValidationError")
    fields = [one[2] for one in told.get("field_id", ())]
    (number,) = store.create(MODEL, [{key: told[key] for key in told if key != "field_id"}])
    store.add_model(name)
    for one in fields:
        _field_made(store, {**one, "model_id": number})
    return number


def _field_made(store: Store, told: Record) -> int:
    (number,) = store.create(FIELDS, [told])
    model = str(store.records[MODEL][told["model_id"]]["model"])
    name, definition = _definition_of(told, store.definitions)
    if name in store.definitions[model]:
        text = "Field names must be unique per model."
        raise OdooError(text, "ValidationError")
    store.definitions[model] = {**store.definitions[model], name: definition}
    return number


def _definition_of(told: Record, known: Container[str]) -> tuple[str, dict[str, Any]]:
    """(name, definition) of a field that is made. Raises OdooError; `known`: all models."""
    name, kind, relation = (str(told.get(one) or "") for one in ("name", "ttype", "relation"))
    if not name.startswith("x_"):
        text = "Custom fields must have a name that starts with 'x_' !"
        raise OdooError(text, "ValidationError")
    if kind not in TYPES:
        text = f"Wrong value for ir.model.fields.ttype: {kind!r}"
        raise OdooError(text, "ValueError")
    if kind == "many2one" and relation not in known:
        text = f"Model {relation} does not exist!\n"
        raise OdooError(text, "UserError")
    more: dict[str, Any] = {"required": bool(told.get("required"))}
    if kind == "selection":
        more["selection"] = [list(one) for one in literal_eval(str(told.get("selection") or "[]"))]
    if relation:
        more["relation"] = relation
    if told.get("size"):
        more["size"] = told["size"]
    return name, field(kind, str(told["field_description"]), **more)
