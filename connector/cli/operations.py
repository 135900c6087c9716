"""`answerback doctor`, `release`, `scheduler` and `engines`: running an installation."""

from __future__ import annotations

import sys

import click

from connector.cli.checkup import examined
from connector.cli.shell import Shell
from connector.engines.__main__ import main as keep_engines
from connector.release import release as prepare
from connector.settings import load_settings
from connector.sweep import run_sweep


@click.command()
@click.pass_obj
def doctor(shell: Shell) -> None:
    """Check every setting, the keys, the store and the chain of each audit log; say the mend."""
    findings = examined()
    rows = [
        {"what": one.what, "state": "ok" if one.is_good else "BAD", "mend": one.mend}
        for one in findings
    ]
    shell.table(rows, ["what", "state", "mend"])
    if not all(one.is_good for one in findings):
        sys.exit(1)


@click.command()
@click.pass_obj
def release(shell: Shell) -> None:
    """Newest schema, safe role, keys that open everything; a repeat changes nothing."""
    with shell.opened() as opened:
        prepare(opened.settings)
    shell.say({"released": True}, "The database fits this version.")


@click.command()
def scheduler() -> None:
    """Run the scheduler: it finds what is due twice a second. Any number may run."""
    run_sweep(load_settings())


@click.command()
def engines() -> None:
    """Keep the embedded PostgreSQL and Valkey up until Ctrl-C."""
    sys.exit(keep_engines([]))
