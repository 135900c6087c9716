"""The problem document (RFC 9457) in which every refusal of the API is told. marshmallow only."""

from __future__ import annotations

from marshmallow import INCLUDE, Schema, fields


class PlaceSchema(Schema):
    """One faulty place of the request."""

    pointer = fields.String(
        required=True,
        metadata={"description": "JSON pointer into the body, or ?name for a query parameter."},
    )
    code = fields.String(required=True)
    text = fields.String(required=True)
    where = fields.String(
        metadata={"description": "Where it stands in a file: `line 7`, or the cell `Mapping!C7`."}
    )


class ProblemSchema(Schema):
    """Why a request was refused. `code` is stable; texts may change, further members may come."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    mend = fields.String(required=True, metadata={"description": "What the caller can do."})
    instance = fields.String(
        required=True, metadata={"description": "A random id; the log has the rest under it."}
    )
    errors = fields.List(fields.Nested(PlaceSchema))
