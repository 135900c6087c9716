"""Zendesk Support as we know it: each module says what is established and what is not."""

from simulators.zendesk.service import Zendesk

__all__ = ["Zendesk"]
