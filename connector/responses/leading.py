"""Where a respondent's browser is led after the survey. Pure.

The first automation that applies decides; what it says stands among the response's verdicts, so
that the address (redirects.py) only has to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.responses.case import AutomationFacts, Draft

REDIRECT = "redirect"
# What stands before where it leads.
CONNECTION, URL = "connection:", "url:"


def lead(draft: Draft, automation: AutomationFacts, action: Mapping[str, Any]) -> None:
    """The THEN action `redirect`: to a connection that makes links, or to an address."""
    del automation
    if url := action.get("url"):
        draft.verdicts.setdefault(REDIRECT, f"{URL}{url}")
        return
    for one in draft.facts.connections.values():
        if one.name == action.get("connection") and one.traits.invites:
            draft.verdicts.setdefault(REDIRECT, f"{CONNECTION}{one.id}")
