"""The link of an answer's file as it stands in the CRM, written to a field by a mapping. Pure.

At planning nobody knows it: `answers.<key>.crm_link` then has a placeholder as its value. A field
that would hold one is taken out of its mapping's step and becomes a step of its own, so that
nothing else waits for the file. When the file is delivered, the link takes the placeholder's place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from connector.responses.case import Draft
from connector.responses.steps import FIELDS, FILE, Step, field_target
from connector.responses.vocabulary import is_waiting, placeholder

NO_FILE = "no_file_there"
# The reason of a step whose file is still being fetched.
WAITS = "file"


def with_links(values: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    """The values with the links in their places. `links`: answer -> link."""
    told = dict(values)
    for answer, link in links.items():
        told = {
            name: value.replace(placeholder(answer), link) if isinstance(value, str) else value
            for name, value in told.items()
        }
    return told


def link_steps(draft: Draft) -> None:
    """A step for the links of each mapping. After the files' own steps."""
    for key, step in list(draft.steps.items()):
        waiting = _waiting(step)
        if waiting:
            draft.steps[key] = apart(step, waiting.keys(), inside=False)
            links = _files_of(draft, step, waiting)
            kept = {name: value for name, value in waiting.items() if not _is_left(value, links)}
            if len(kept) < len(waiting):
                draft.verdicts[f"file_link:{step.mapping_id}"] = NO_FILE
            if kept and step.state != "dead":
                draft.add(_step(step, kept, links, pending=_waiting_for(draft)))


def _waiting_for(draft: Draft) -> dict[int, str | None]:
    """Our file -> why its own step waits, of the files of this response."""
    return {
        int(one.payload["file"]): one.reason for one in draft.steps.values() if one.kind == FILE
    }


def _waiting(step: Step) -> dict[str, str]:
    if step.kind != FIELDS:
        return {}
    values = step.payload["values"]
    return {name: value for name, value in values.items() if is_waiting(value)}


def apart(step: Step, names: Collection[str], *, inside: bool) -> Step:
    """The step without these fields; or (`inside`) one of these fields alone, for a record that is
    there.
    """
    given = step.payload["values"]
    values = {name: one for name, one in given.items() if (name in names) is inside}
    targets = {field_target(step.entity, name) for name in names}
    payload = {**step.payload, "values": values}
    if inside:
        payload = {
            **{name: step.payload[name] for name in ("match", "linked", "ambiguous")},
            "operation": "update",
            "values": values,
            "keep": sorted(set(step.payload.get("keep") or ()) & values.keys()),
            "create": {},
        }
    kept = tuple(one for one in step.targets if (one in targets) is inside)
    return replace(step, payload=payload, targets=kept)


def _files_of(draft: Draft, step: Step, waiting: Mapping[str, str]) -> dict[str, int]:
    """Answer -> our file, of the answers that these values name and whose file goes to this CRM's
    contact.
    """
    home = draft.facts.connections[step.connection_id].traits.contact_entity
    sent = {
        int(one.payload["file"])
        for one in draft.steps.values()
        if one.kind == FILE and one.connection_id == step.connection_id and one.entity == home
    }
    text = "\n".join(waiting.values())
    return {
        one.answer: one.id
        for one in draft.case.files
        if one.place == 0 and one.id in sent and placeholder(one.answer) in text
    }


def _is_left(value: str, links: Mapping[str, int]) -> bool:
    """Whether something of a placeholder would stand in the field for ever."""
    return is_waiting(with_links({"": value}, dict.fromkeys(links, ""))[""])


def _step(
    step: Step,
    values: Mapping[str, str],
    links: Mapping[str, int],
    *,
    pending: Mapping[int, str | None],
) -> Step:
    text = "\n".join(values.values())
    named = {answer: one for answer, one in links.items() if placeholder(answer) in text}
    unfetched = [one for one in named.values() if pending.get(one) == WAITS]
    alone = apart(step, values.keys(), inside=True)
    payload = {
        **alone.payload,
        "values": dict(values),
        "links": named,
        # Let go, or buried, when that file was fetched or cannot be had (filequeue.py).
        **({"file": unfetched[0]} if unfetched else {}),
    }
    waits = step.state == "pending" and unfetched
    made = replace(alone, key=f"link:{step.mapping_id}", payload=payload)
    return replace(made, state="parked", reason=WAITS) if waits else made
