"""The command line of an installation: what an operator and a survey engineer do without the pages.

Commands speak to the store directly, with the settings of this machine; `--json` makes every answer
readable for a script. docs/cli.md lists them, and a test compares.
"""

from __future__ import annotations

import click

from connector.cli import (
    apps,
    campaigns,
    cards,
    configuration,
    connections,
    extras,
    forms,
    links,
    operations,
    optouts,
    partners,
    people,
    provisioning,
    recipes,
    responses,
    trials,
    watching,
    webhooks,
    workspaces,
)
from connector.cli.shell import PlainGroup, Shell


@click.group(cls=PlainGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
@click.pass_context
def main(context: click.Context, *, as_json: bool) -> None:
    """Answerback: survey answers go into the CRM, CRM events into surveys."""
    context.obj = Shell(as_json)


for _command in (
    workspaces.workspace,
    workspaces.key,
    partners.partner,
    people.user,
    apps.app,
    connections.connect,
    connections.entities,
    connections.fields,
    provisioning.provisioning,
    provisioning.preflight,
    cards.card,
    extras.extra,
    forms.form,
    watching.quota,
    watching.drift,
    campaigns.campaign,
    configuration.survey,
    configuration.mapping,
    configuration.automation,
    recipes.source,  # with its commands about recipes
    webhooks.webhook,
    links.links,
    responses.push,
    responses.deliveries,
    responses.contact,
    optouts.optout,
    responses.replay,
    operations.doctor,
    operations.release,
    operations.scheduler,
    operations.engines,
):
    main.add_command(_command)
configuration.mapping.add_command(trials.try_mapping)
