"""`answerback app`: the apps there are; apps without code, checked and tried before they are
installed. Nothing here needs the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from adapters.base import CRM
from adapters.errors import AdapterError
from adapters.http import Wire
from adapters.registry import ADAPTERS, apps, traits_of
from adapters.rest import shelf
from adapters.rest.traits import traits_of_document
from adapters.values import Account, Batch, BatchResult, Operation, Outcome, Row
from connector.cli.connections import pairs
from connector.cli.files import content, parsed
from connector.cli.shell import Shell
from connector.connections import addresses, described
from connector.connections.form import Form, filled_in
from connector.connections.hosts import AllowedHosts
from connector.connections.wayout import Outward
from connector.settings import load_settings
from schemas.fields import Entity, FieldValue

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
KEY = "try"


@click.group()
def app() -> None:
    """Apps that can be connected, and apps without code."""


@app.command("list")
@click.pass_obj
def list_apps(shell: Shell) -> None:
    """Every app, and where it comes from."""
    described.install(load_settings())
    rows = [{"app": one, "label": traits_of(one).label, "from": _origin(one)} for one in apps()]
    shell.table(rows, ["app", "label", "from"])


def _origin(name: str) -> str:
    if name in ADAPTERS:
        return "adapter"
    return "your document" if shelf.is_installed(name) else "document"


@app.command("show")
@click.argument("name")
def show_app(name: str) -> None:
    """Print the document of an app without code, to begin another with or to change it."""
    described.install(load_settings())
    path = shelf.path_of(name, load_settings().apps_dir)
    if path is None:
        message = f"there is no document of an app named {name}"
        raise click.ClickException(message)
    click.echo(content(path).decode(), nl=False)


@app.command("check")
@click.argument("file", type=FILE)
@click.pass_obj
def check_app(shell: Shell, file: Path) -> None:
    """Say what is wrong with a document, line by line."""
    found = described.checked(parsed(file))
    traits = traits_of_document(found)
    told = {"app": traits.app, "label": traits.label, "entities": list(traits.entities)}
    shell.say(told, f"{file} describes {traits.label} and can work. Try it: `answerback app try`.")


@app.command("try")
@click.argument("file", type=FILE)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting.")
@click.option("--base-url", default=None, help="Another address, such as a sandbox's.")
@click.option("--find", default=None, metavar="VALUE", help="Look somebody up, by e-mail mostly.")
@click.option("--write", multiple=True, metavar="FIELD=VALUE", help="What to write there.")
@click.option("--send", is_flag=True, help="Really write it; without, the call is only shown.")
@click.pass_obj
def try_app(
    shell: Shell,
    file: Path,
    *,
    settings: tuple[str, ...],
    base_url: str | None,
    find: str | None,
    write: tuple[str, ...],
    send: bool,
) -> None:
    """Call the API that a document describes: who answers, which fields there are, who is found."""
    made = shelf.described(described.checked(parsed(file)))
    allowed = AllowedHosts.of(load_settings().allowed_hosts)
    form = _form(made, pairs(settings), base_url, allowed=allowed)
    key = click.prompt("API key", hide_input=True)
    try:
        trial = _begun(made, form, key, allowed=allowed)
        told = {**trial.told(), **trial.done(find, pairs(write), send=send)}
    except AdapterError as exc:
        message = f"{exc.code}: {exc}"
        raise click.ClickException(message) from exc
    shell.say(told, "\n".join(f"{name}: {_plain(value)}" for name, value in told.items()))


def _form(
    made: type[CRM], settings: Mapping[str, Any], base_url: str | None, *, allowed: AllowedHosts
) -> Form:
    return filled_in(
        made.traits,
        name=KEY,
        auth="key",
        base_url=base_url,
        settings=settings,
        secrets_kept=(),
        allowed=allowed,
    )


def _begun(made: type[CRM], form: Form, key: str, *, allowed: AllowedHosts) -> _Trial:
    """The app reached. Raises AdapterError."""
    account = Account(key, form.base_url, settings={**form.settings, **form.secrets})
    own = form.base_url or made.traits.base_url.format_map(form.settings)
    addresses.check_origin(own, own_hosts=made.traits.hosts, allowed=allowed)
    return _Trial(made, account, Wire(out=Outward(allowed)), (key, *form.secrets.values()))


class _Trial:
    """One look at an app that nobody has installed yet."""

    def __init__(
        self, made: type[CRM], account: Account, wire: Wire, secrets: Iterable[str]
    ) -> None:
        self._identity = made(account, wire, {}).probe()
        every = made(account, wire, {}).entities()
        self._entities: Mapping[str, Entity] = {one.name: one for one in every}
        self._crm, self._traits = made(account, wire, self._entities), made.traits
        self._secrets = [one for one in secrets if one]

    def told(self) -> dict[str, Any]:
        """Who answered, and the fields."""
        known = {
            name: [f"{one.name} ({one.type}): {one.label}" for one in entity.fields]
            for name, entity in self._entities.items()
        }
        account = f"{self._identity.account_name} ({self._identity.account_id})"
        notes = {"notes": list(self._identity.notes)} if self._identity.notes else {}
        return {"account": account, **notes, **known}

    def done(
        self, find: str | None, values: Mapping[str, FieldValue], *, send: bool
    ) -> dict[str, Any]:
        """Who is found, and what is written or would be."""
        if find is None:
            return {}
        (entity,) = self._entities
        by = self._traits.match_fields[0]
        found = self._crm.find(entity, by, [find], want=sorted(values))[find]
        told: dict[str, Any] = {"found": [{"id": one.remote_id, **one.values} for one in found]}
        if not values or len(found) > 1:
            return told
        remote_id = found[0].remote_id if found else None
        row = Row(KEY, dict(values) if found else {by: find, **values}, remote_id)
        operation = Operation.UPDATE if found else Operation.CREATE
        told["call"] = self._shown(operation, row)
        if send:
            told["outcome"] = self._sent(Batch(entity, operation, (row,)))
        return told

    def _shown(self, operation: Operation, row: Row) -> str:
        call = self._crm.prepared(operation, row)  # type: ignore[attr-defined]
        lines = [
            f"{call.method} {call.url}",
            *(f"{name}: {one}" for name, one in call.headers.items()),
        ]
        return self._hidden("\n  ".join([*lines, (call.data or b"").decode()]))

    def _hidden(self, text: str) -> str:
        for one in self._secrets:
            text = text.replace(one, "***")
        return text

    def _sent(self, batch: Batch) -> dict[str, Any]:
        result = self._crm.write(batch)
        assert isinstance(result, BatchResult)  # noqa: S101 - described apps work at once
        (outcome,) = result.outcomes
        return _outcome(outcome)


def _outcome(outcome: Outcome) -> dict[str, Any]:
    told = {**asdict(outcome), "status": outcome.status.value}
    return {name: one for name, one in told.items() if name != "key" and one}


def _plain(value: object) -> str:
    if isinstance(value, list):
        return "".join(f"\n  {_plain(one)}" for one in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} = {one}" for name, one in value.items())
    return str(value)
