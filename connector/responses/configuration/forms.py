"""Steps of a mapping row as a form's fields, and back. Pure.

A step is `step-1-name` with `step-1-<parameter>`; a table of values is `step-1-values-old-1` and
`step-1-values-new-1`. What cannot be read stays as it was typed, so that checking can say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.responses.transforms import TRANSFORMS
from connector.responses.transforms.core import Param

MOST_STEPS, MOST_VALUES = 20, 500


def steps_of(form: Mapping[str, str]) -> list[dict[str, Any]]:
    """The steps that a form holds, in their order."""
    return list(_steps(form))


def row_of(form: Mapping[str, str]) -> dict[str, Any]:
    """The row that a form holds."""
    missing = form.get("when_missing", "skip")
    default = _any(form.get("default", "")) if missing == "default" else None
    return {
        "variable": form.get("variable", "").strip(),
        "field": form.get("field", "").strip(),
        "transforms": steps_of(form),
        "when_missing": missing,
        "when_present": form.get("when_present", "overwrite"),
        "default": default,
    }


def moved(steps: list[dict[str, Any]], act: str) -> list[dict[str, Any]]:
    """The steps after a button: remove-2, up-2, down-2; another word changes nothing."""
    word, _, number = act.partition("-")
    place = int(number) - 1 if number.isascii() and number.isdigit() else -1
    if not 0 <= place < len(steps) or word not in {"remove", "up", "down"}:
        return steps
    one = steps[place]
    rest = [step for n, step in enumerate(steps) if n != place]
    if word == "remove":
        return rest
    to = max(0, min(len(rest), place + (1 if word == "down" else -1)))
    return [*rest[:to], one, *rest[to:]]


def shown(value: Any) -> str:  # noqa: ANN401 - a parameter
    """A parameter as it is typed."""
    if value is None:
        return ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _steps(form: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for number in range(1, MOST_STEPS + 1):
        name = form.get(f"step-{number}-name")
        if name is None:
            continue
        known = TRANSFORMS[name].params if name in TRANSFORMS else ()
        typed = {one.name: _typed(form, f"step-{number}-{one.name}", one) for one in known}
        yield {"name": name, **{key: value for key, value in typed.items() if value is not None}}


def _typed(form: Mapping[str, str], name: str, param: Param) -> Any:  # noqa: ANN401 - a parameter
    """None: left out."""
    if param.kind == "map":
        return _table(form, name)
    text = form.get(name, "")
    if param.kind == "flag":
        return {"true": True, "false": False}.get(text)
    if text == "":
        return "" if param.required and param.kind == "text" and name in form else None
    if param.kind == "whole":
        return int(text) if _is_whole(text) else text
    return _any(text) if param.kind == "any" else text


def _table(form: Mapping[str, str], name: str) -> dict[str, Any]:
    found = {}
    for number in range(1, MOST_VALUES + 1):
        old = form.get(f"{name}-old-{number}")
        if old is None:
            break
        new = form.get(f"{name}-new-{number}", "")
        if old != "" and new != "":
            found[old] = new
    return found


def _any(text: str) -> Any:  # noqa: ANN401 - what a field may hold
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if _is_whole(text) else text


def _is_whole(text: str) -> bool:
    """Not what begins with a zero or a plus: that is a text of digits."""
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 19 and str(int(text)) == text
