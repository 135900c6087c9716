"""`answerback card`: the card inside a CRM, and the package that the CRM's admin installs."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import click

from connector.cli.connections import named
from connector.cli.shell import ACTOR, Opened, Shell
from connector.connections import cards as story
from connector.connections.cards import Card, Wanted
from connector.connections.holding import audited
from connector.connections.profile import load
from connector.settings import CHECKOUT
from schemas.secret import Secret

# What stands in the packages until one is written for a card.
ADDRESS, HOST = "https://hub.example/cards/{app}/TOKEN", "hub.example"
SHARED = "reading.js"
_TEXTS = frozenset({".js", ".jsx", ".json", ".html", ".css", ".md"})


@click.group()
def card() -> None:
    """The card inside a CRM: scores and the last comment beside a contact."""


@card.command("save")
@click.argument("slug")
@click.argument("connection_name")
@click.option("--with-secret", is_flag=True, help="Ask for the CRM app's client secret.")
@click.option("--renew", is_flag=True, help="Make another secret, where we make it.")
@click.option("--comments/--no-comments", default=False, help="Whether comments are shown.")
@click.option(
    "--link", default=None, metavar="URL", help="Where its button leads; {contact}: our id."
)
@click.pass_obj
def save(
    shell: Shell,
    slug: str,
    connection_name: str,
    *,
    with_secret: bool,
    renew: bool,
    comments: bool,
    link: str | None,
) -> None:
    """Make the card or change it; what we make of a secret is shown this once."""
    secret = click.prompt("Client secret", hide_input=True) if with_secret else ""
    if link and not link.startswith("https://"):
        message = "must begin with https://"
        raise click.BadParameter(message, param_hint="--link")
    wanted = Wanted(Secret(secret), renew, comments, link)
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        with opened.database.begin(workspace_id) as store:
            made = story.save(store, opened.desk(), workspace_id, connection_id, wanted)
            here = load(store, workspace_id, connection_id)
            audited(store, here, action="card_saved", actor=ACTOR, detail={"comments": comments})
    fresh = made.secret.reveal() if made.secret else None
    words = f"The card asks at {made.url}"
    if fresh:
        words += f"\nIts secret, shown this once: {fresh}"
    shell.say({"url": made.url, "secret": fresh, "comments": made.comments}, words)


@card.command("remove")
@click.argument("slug")
@click.argument("connection_name")
@click.pass_obj
def remove(shell: Shell, slug: str, connection_name: str) -> None:
    """End the card: its address answers as one that never was."""
    with shell.opened() as opened:
        workspace_id, connection_id = named(opened, slug, connection_name)
        with opened.database.begin(workspace_id) as store:
            story.shown(store, opened.desk(), workspace_id, connection_id)
            story.remove(store, workspace_id, connection_id)
            here = load(store, workspace_id, connection_id)
            audited(store, here, action="card_removed", actor=ACTOR)
    shell.say({"removed": True}, "The card is ended.")


@card.command("package")
@click.argument("slug")
@click.argument("connection_name")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.pass_obj
def package(shell: Shell, slug: str, connection_name: str, *, folder: Path) -> None:
    """Write what the CRM's admin installs, for this card, as a folder and as a zip beside it."""
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty: name another folder"
        raise click.ClickException(message)
    with shell.opened() as opened:
        made = _card(opened, slug, connection_name)
    if not made.url.startswith("https://"):
        message = "CRMs call https alone: set PUBLIC_URL to the address under which they reach us"
        raise click.ClickException(message)
    write_package(made.app, made.url, folder)
    archive = shutil.make_archive(str(folder), "zip", folder)
    shell.say({"folder": str(folder), "zip": archive}, f"Written: {folder} and {archive}")


def _card(opened: Opened, slug: str, connection_name: str) -> Card:
    workspace_id, connection_id = named(opened, slug, connection_name)
    with opened.database.begin(workspace_id) as store:
        return story.shown(store, opened.desk(), workspace_id, connection_id)


def write_package(app: str, url: str, folder: Path) -> None:
    """The app's package with this card's address in it, and what it shares with the others."""
    packages = CHECKOUT / "crm-packages"
    ours = shutil.ignore_patterns("README.md")
    shutil.copytree(packages / app, folder, dirs_exist_ok=True, ignore=ours)
    for path in [one for one in folder.rglob("*") if one.suffix in _TEXTS]:
        text = path.read_text(encoding="utf-8")
        if f'"./{SHARED}"' in text:
            shutil.copyfile(packages / "cards" / SHARED, path.parent / SHARED)
        parts = urlsplit(url)
        text = text.replace(ADDRESS.format(app=app), url)
        text = text.replace(f"https://{HOST}", f"https://{parts.netloc}")
        path.write_text(text.replace(HOST, str(parts.hostname)), encoding="utf-8")
