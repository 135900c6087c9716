"""What a person sees: how far it is, then a page per CRM and the checker's word."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo.checker import Verdict
from demo.starting import Guest

MOST_COMPLAINTS = 20
KINDS = ("oauth", "schema", "read", "write", "job", "tag", "note", "file", "other")
# Of the rescored contact: what a reader wants to see change.
TOLD_FIELDS = (
    "nps_score", "nps_segment", "nps_group", "nps_comment", "nps_answered_at", "nps_date",
    "nps_topics", "survey_topics", "NPS_Score__c", "NPS_Category__c", "NPS_Comment__c",
    "Survey_Answered_At__c", "Survey_Name__c",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that the CRM did not take, and why."""

    response_id: str
    email: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to say of one CRM. `seconds`: from the 202 to the CRM, by kind of effect."""

    label: str
    address: str
    responses: int
    written: Mapping[str, int]
    created: int
    superseded: int
    calls: Mapping[str, int]
    throttled: int
    seconds: Mapping[str, tuple[float, float]]
    refused: Sequence[Refusal]
    rescored: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Screen:
    """The terminal."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self.began = time.monotonic()

    def say(self, line: str = "") -> None:
        """One line."""
        self.console.print(line, markup=False, soft_wrap=True)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Say that it is being done, then how long it took."""
        began = time.monotonic()
        if not self.console.is_terminal:
            yield
        else:
            with self.console.status(what):
                yield
        self.done(what, began)

    def done(self, what: str, began: float) -> None:
        """One line of how long something took."""
        self.say(f"{time.monotonic() - began:6.1f} s  {what}")

    @contextmanager
    def bars(self, expected: Mapping[str, int]) -> Iterator[Callable[[Mapping[str, int]], None]]:
        """One bar per CRM; the yielded function sets how much has arrived."""
        columns = (
            TextColumn("          {task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            tasks = {name: progress.add_task(name, total=most) for name, most in expected.items()}

            def move(arrived: Mapping[str, int]) -> None:
                for name, count in arrived.items():
                    progress.update(tasks[name], completed=min(count, expected[name]))

            yield move

    def page(self, page: Page) -> None:
        """Everything about one CRM."""
        self.say()
        self.console.rule(f"[bold]{page.label}", align="left")
        self.say(_written(page))
        self.say(_calls(page))
        self.say(_seconds(page))
        for one in page.refused:
            self.say(f"refused  {one.response_id} of {one.email}: {one.code}: {one.reason}")
        self.console.print(_before_and_after(page))

    def verdict(self, verdict: Verdict) -> None:
        """What the checker says."""
        self.say()
        if verdict.is_good:
            self.say(
                f"The checker, which knows only what was pushed, finds all as it must be: "
                f"{verdict.values:,} values, {verdict.tags:,} tags and {verdict.notes:,} notes "
                f"on {verdict.contacts:,} contacts, and nothing else touched."
            )
            return
        self.say(f"The checker finds {len(verdict.complaints)} things wrong:")
        for one in verdict.complaints[:MOST_COMPLAINTS]:
            self.say(f"  - {one}")

    def addresses(
        self, base_url: str, pages: Sequence[Page], *, key: str, guest: Guest, logs: Path
    ) -> None:
        """Where to look."""
        self.say()
        self.say(f"in all      {time.monotonic() - self.began:.0f} s")
        self.say(f"pages       {base_url}/")
        self.say(f"sign in     {guest.email}  {guest.password}")
        self.say(f"API         {base_url}/api/docs")
        for page in pages:
            self.say(
                f"{page.label:<11} {page.address}/  (simulated: contacts, fields, tags, notes)"
            )
        self.say(f"key         {key}")
        self.say(f"logs        {logs}")


def _written(page: Page) -> str:
    said = page.written
    return (
        f"written  {page.responses} responses: {said.get('field', 0):,} values, "
        f"{said.get('tag', 0):,} tags, {said.get('note', 0):,} notes, "
        f"{page.created} contacts made; {page.superseded} steps overtaken by newer answers"
    )


def _calls(page: Page) -> str:
    kinds = [f"{page.calls[kind]} {kind}" for kind in KINDS if page.calls.get(kind)]
    told = f"calls    {sum(page.calls.values()):,}: {', '.join(kinds)}"
    return f"{told}; {page.throttled} refused as too many"


def _seconds(page: Page) -> str:
    told = [
        f"{kind}s p50 {page.seconds[kind][0]:.1f} s, p95 {page.seconds[kind][1]:.1f} s"
        for kind in ("field", "tag", "note")
        if kind in page.seconds
    ]
    return f"speed    from 202 to the CRM: {'; '.join(told)}"


def _before_and_after(page: Page) -> Table:
    table = Table(title=page.rescored, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in ("", "when 7 was in", "when asked again"):
        table.add_column(name, overflow="fold")
    before, after = _fields(page.before), _fields(page.after)
    for name in TOLD_FIELDS:
        if before.get(name) not in (None, "") or after.get(name) not in (None, ""):
            table.add_row(name, _text(before.get(name)), _text(after.get(name)))
    table.add_row("tags", _text(page.before["tags"]), _text(page.after["tags"]))
    table.add_row("notes", str(len(page.before["notes"])), str(len(page.after["notes"])))
    return table


def _fields(contact: Mapping[str, Any]) -> Mapping[str, Any]:
    held: Mapping[str, Any] = contact.get("properties") or contact.get("fields") or {}
    return held


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value).replace("[", "(").replace("]", ")")
