"""A small Pipedrive over HTTP."""

from simulators.pipedrive.service import Pipedrive

__all__ = ["Pipedrive"]
