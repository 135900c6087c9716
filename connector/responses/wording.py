"""A text with variables in braces, as an admin writes it: "{contact.name} gave {computed.score}".
Pure.

A brace that holds no name of a variable stands for itself. A variable without a value is shown as a
dash, so that a sentence stays one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from connector.responses.vocabulary import Variable, is_waiting

NOTHING = "-"
_NAMED = re.compile(r"\{([A-Za-z_]\w*(?:\.\w+)+)\}")


def names_in(text: str) -> tuple[str, ...]:
    """The variables that a text names, in their order and once."""
    return tuple(dict.fromkeys(_NAMED.findall(text)))


def worded(text: str, variables: Mapping[str, Variable]) -> str:
    """The text with the values of this response, choices as the respondent read them."""
    return _NAMED.sub(lambda found: _shown(variables.get(found[1])), text)


def _shown(variable: Variable | None) -> str:
    # A link that only the delivery of the file will tell.
    if variable is None or variable.value in (None, "", ()) or is_waiting(variable.value):
        return NOTHING
    if variable.labels:
        return ", ".join(variable.labels)
    value = variable.value
    if isinstance(value, bool):
        return "✓" if value else "✗"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
