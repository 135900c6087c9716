"""What an admin does before the first response: connect, import, map, make an address for pushes.

All of it through the HTTP API, consent pages included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from demo.api import API, Control, Hook, Refused, consent
from demo.campaigns import CAMPAIGNS, survey_of
from demo.crms import (
    CLIENT_ID,
    CLIENT_SECRET,
    SIMULATED,
    Simulated,
    connection_name,
    mappings,
    seeded,
    since_downloaded,
)
from demo.script import Script

CONNECTED = re.compile(r"is connected")


def fill(controls: Mapping[str, Control], script: Script) -> None:
    """Let the simulated CRMs hold what a customer's would."""
    for app, control in controls.items():
        control.seed(seeded(app, [*script.people, *script.strangers]))


def connect(api: API, one: Simulated, base_url: str, *, run: int) -> int:
    """A managed authentication through the CRM's own consent page, its fields downloaded; its id.

    Raises Refused.
    """
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    api.call("PUT", f"/oauth-clients/{one.app}", client)
    made = api.call(
        "POST",
        "/connections",
        {
            "app": one.app,
            "name": connection_name(one.app),
            "base_url": base_url,
            "settings": {name: value.format(n=run) for name, value in one.settings.items()},
        },
    )
    connection_id = int(made["id"])
    asked = api.call("POST", f"/connections/{connection_id}/authorize")
    if not CONNECTED.search(consent(asked["url"])):
        message = f"{one.label}: the consent did not end in a connection"
        raise Refused(message)
    api.call("POST", f"/connections/{connection_id}/fields")
    return connection_id


def tell_surveys(api: API) -> None:
    """The surveys and campaigns, as the survey platform pushes them before it asks anybody."""
    for one in CAMPAIGNS:
        api.put("/surveys", one.survey, survey_of(one))
        api.put("/campaigns", one.id, {"name": one.name, "survey": one.survey})


def import_contacts(api: API, script: Script) -> int:
    """Import everybody in one request; how many were created."""
    answer = api.call("POST", "/contacts", [one.imported() for one in script.people])
    if answer["refused"]:
        message = f"{answer['refused']} contacts were refused"
        raise Refused(message)
    return int(answer["created"])


def switch_on(api: API) -> list[str]:
    """Save each mapping and switch it on; their names."""
    names = []
    for _, body in mappings():
        saved = api.call("POST", "/mappings", body)
        wanted = {"switch_on": True, "accept_warnings": True}
        published = api.call("POST", f"/mappings/{saved['id']}/publish", wanted)
        if published["advice"] or not published["triggered_by"]:
            message = f"mapping {body['name']}: {published['advice']}"
            raise Refused(message)
        names.append(body["name"])
    return names


def make_hook(api: API) -> Hook:
    """The address and the signing secret for the survey platform."""
    made = api.call("POST", "/sources", {"name": "survey platform", "platform": "standard"})
    return Hook(made["url"], made["secret"])


def let_a_colleague_change(controls: Mapping[str, Control]) -> None:
    """What changes in a CRM between our look at its fields and the first response."""
    for app, control in controls.items():
        changed = since_downloaded(app)
        if changed:
            control.seed(changed)


def options_of(one: Simulated, run: int) -> list[str]:
    """The simulator's options as its command line takes them."""
    told = {name: value.format(n=run) for name, value in one.options.items()}
    return [word for name, value in told.items() for word in ("--option", f"{name}={value}")]


def label_of(app: str) -> str:
    """The CRM's name as people write it."""
    return next(one.label for one in SIMULATED if one.app == app)
