"""The link by which we serve an answer's file ourselves, written to a field by a mapping. Pure.

`answers.<key>.hub_link` has a placeholder as its value, like `crm_link` (filelinks.py): no step, no
condition and no text may take it for an answer. Here it becomes the link, which is known already.
What would lead to a file that has not been fetched yet becomes a step of its own that waits for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.responses.case import Draft
from connector.responses.filefacts import FileFacts
from connector.responses.filelinks import NO_FILE, WAITS, apart
from connector.responses.filesteps import REMOVED, REMOVED_TEXT
from connector.responses.steps import FIELDS, Step
from connector.responses.vocabulary import is_served, own_placeholder

FETCHED = "fetched"
GIVEN_UP = frozenset({"failed", "removed"})


def own_link_steps(draft: Draft) -> None:
    """The links of each mapping, in its step or in steps of their own."""
    files = {one.answer: one for one in draft.case.files if one.place == 0 and one.link}
    for key, step in list(draft.steps.items()):
        values = step.payload["values"] if step.kind == FIELDS else {}
        asking = {name: value for name, value in values.items() if is_served(value)}
        if asking:
            told = {name: _with_links(value, files) for name, value in asking.items()}
            lost = {name for name, value in told.items() if is_served(value)}
            if lost:
                draft.verdicts[f"file_link:{step.mapping_id}"] = NO_FILE
            _place(draft, key, step, _by_file(asking, told, files, lost=lost), lost=lost)


def _with_links(value: str, files: Mapping[str, FileFacts]) -> str:
    for answer, one in files.items():
        value = value.replace(own_placeholder(answer), one.link or "")
    return value


# (field, what is written there, the files that it leads to)
Written = tuple[str, str, Sequence[FileFacts]]


def _by_file(
    asking: Mapping[str, str],
    told: Mapping[str, str],
    files: Mapping[str, FileFacts],
    *,
    lost: set[str],
) -> dict[FileFacts | None, list[Written]]:
    """The fields by the file that they wait for; None: by none."""
    found: dict[FileFacts | None, list[Written]] = defaultdict(list)
    for name, value in told.items():
        if name not in lost:
            named = [one for key, one in files.items() if own_placeholder(key) in asking[name]]
            waits = next((one for one in named if one.state != FETCHED), None)
            found[waits].append((name, value, named))
    return found


def _place(
    draft: Draft,
    key: str,
    step: Step,
    written: Mapping[FileFacts | None, Sequence[Written]],
    *,
    lost: set[str],
) -> None:
    """Write into the step what waits for no file, and take out of it what does."""
    later = [name for one, every in written.items() if one is not None for name, _, _ in every]
    here = written.get(None, ())
    kept = apart(step, {*lost, *later}, inside=False)
    values = {**kept.payload["values"], **{name: value for name, value, _ in here}}
    draft.steps[key] = replace(kept, payload={**kept.payload, "values": values, **_serves(here)})
    for one, every in written.items():
        if one is not None and step.state != "dead":
            draft.add(_step(step, one, every))


def _serves(written: Sequence[Written]) -> dict[str, Any]:
    """Which files stay as long as links lead to them (filestore.py)."""
    numbers = sorted({one.id for _, _, files in written for one in files})
    return {"serves": numbers} if numbers else {}


def _step(step: Step, file: FileFacts, written: Sequence[Written]) -> Step:
    alone = apart(step, {name for name, _, _ in written}, inside=True)
    values = {name: value for name, value, _ in written}
    payload = {**alone.payload, "values": values, "file": file.id, **_serves(written)}
    made = replace(alone, key=f"own_link:{step.mapping_id}:{file.answer}", payload=payload)
    if file.state in GIVEN_UP:
        return replace(
            made,
            state="dead",
            reason=WAITS,
            error_code=file.reason or REMOVED,
            error=file.error or REMOVED_TEXT,
            error_field=file.answer,
        )
    return replace(made, state="parked", reason=WAITS) if step.state == "pending" else made
