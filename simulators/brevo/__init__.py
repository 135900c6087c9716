"""A small Brevo over HTTP."""

from simulators.brevo.service import Brevo

__all__ = ["Brevo"]
