"""A SQL database as an app: rows of the tables an admin names, inserted and updated."""

from adapters.sql.adapter import SQLDatabase

__all__ = ["SQLDatabase"]
