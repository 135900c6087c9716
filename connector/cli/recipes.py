"""`answerback source recipe`, `check` and `try`: a platform without code, before anybody uses it.

Nothing here needs the store.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from marshmallow import ValidationError

from connector import clock
from connector.cli.files import content, parsed
from connector.cli.shell import Shell
from connector.cli.sources import FILE, source
from connector.documents import write_yaml
from connector.responses.platforms import Described
from connector.responses.sourcefile import judged, settings_in
from schemas.response import ResponseSchema, normalised
from schemas.sources.base import Envelope, Unreadable
from schemas.sources.recipe import RECIPES


@source.command("recipe")
@click.argument("name", required=False)
@click.pass_obj
def show_recipe(shell: Shell, name: str | None) -> None:
    """Print a recipe that ships with Answerback; without a name, which there are."""
    known = {path.stem: path for path in sorted(RECIPES.glob("*.yaml"))}
    if name is None:
        shell.table([{"recipe": one} for one in known], ["recipe"])
    elif name in known:
        click.echo(content(known[name]).decode(), nl=False)
    else:
        message = f"there is no recipe of that name; there are {', '.join(known)}"
        raise click.ClickException(message)


@source.command("check")
@click.argument("file", type=FILE)
@click.pass_obj
def check_recipe(shell: Shell, file: Path) -> None:
    """Say what is wrong with a recipe, line by line: its shape, its expressions, its example."""
    label = judged(parsed(file)).platform.label
    shell.say({"label": label}, f"{file} describes {label} and reads its own example.")


@source.command("try")
@click.argument("file", type=FILE)
@click.argument("message", type=FILE, required=False)
@click.pass_obj
def try_recipe(shell: Shell, file: Path, message: Path | None) -> None:
    """Show what a message becomes by a recipe: its own example, or that of a JSON or YAML file."""
    said = parsed(file)
    body = parsed(message).value if message else _recipe_of(settings_in(said))["example"]
    found = [_shown(one) for one in _read(judged(said), body)]
    shell.say({"responses": found}, "\n".join(write_yaml(one) for one in found) or "None of ours.")


def _read(made: Described, body: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a message is JSON
    assert made.platform.parse is not None  # noqa: S101 - a recipe always reads
    try:
        return made.platform.parse(body, made.wishes, Envelope(clock.now())).responses
    except Unreadable as exc:
        message = f"this message cannot be read: {exc.pointer} {exc.text}"
        raise click.ClickException(message) from exc


def _shown(response: Any) -> dict[str, Any]:  # noqa: ANN401 - a parsed response
    try:
        whole: dict[str, Any] = normalised(response, schema=ResponseSchema())
    except ValidationError as exc:
        message = f"this becomes no valid response: {json.dumps(exc.messages, ensure_ascii=False)}"
        raise click.ClickException(message) from exc
    return {name: one for name, one in whole.items() if one not in (None, {}, [])}


def _recipe_of(settings: dict[str, Any]) -> dict[str, Any]:
    recipe: dict[str, Any] = settings["recipe"]
    return recipe


__all__ = ["source"]
