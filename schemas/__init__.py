"""The shape of everything that crosses our edge; marshmallow and the standard library only."""
