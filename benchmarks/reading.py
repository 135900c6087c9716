"""What people read in great numbers: contacts that are searched for, and a campaign's results, with
100,000 contacts stored. Wall clock of the store alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from sqlalchemy import Connection, create_engine, text

from benchmarks.hub import House
from benchmarks.report import median, table
from connector.contacts import people
from connector.db import sqlalchemy_url
from connector.responses import results, viewing
from tests.world import World

CONTACTS, ROUNDS, A_PAGE, MAX_ID = 100_000, 9, 51, 10**18
SEARCHES = {
    "everybody": "",
    "one of all": "nr99999",
    "a hundred of them": "person12 nr",
    "all of them": "example",
    "all of them, by three words": "example test person",
    "nobody": "zzz",
}
FILL_CAMPAIGN = text(
    "INSERT INTO campaign (workspace_id, platform_id, tag_name) VALUES (:w, 'bench', 'bench')"
    " RETURNING id"
)
FILL_RESPONSES = text(
    """
    INSERT INTO response (workspace_id, source, response_id, revision, event, anonymous, body,
                          answered_at, planned_at, campaign_id)
    SELECT :w, 'api', 'r' || n, 1, 'completed', true,
           jsonb_build_object('answers', jsonb_build_object(
             'score', jsonb_build_object('type', 'nps', 'value', n % 11),
             'why', jsonb_build_object('type', 'text', 'value', repeat('so it is ', 20)))),
           now() - n * interval '1 minute', now(), :campaign
      FROM generate_series(1, CAST(:most AS int)) AS n
    """
)
FILL = text(
    """
    INSERT INTO contact (workspace_id, email, email_key, name, company)
    SELECT :w, 'p' || n || '@example.test', 'p' || n || '@example.test',
           'Person' || (n % 977) || ' Nr' || n, 'Firm ' || (n % 5000)
      FROM generate_series(1, CAST(:most AS int)) AS n
    """
)


def measure(house: House) -> None:
    """The median of each search, on fresh statistics."""
    with house.world() as world:
        campaign_id = _fill(world)
        rows = [
            (name, search, f"{1000 * _taken(world, _searching(world, search)):.1f}")
            for name, search in SEARCHES.items()
        ]
        shown = [
            (name, f"{1000 * _taken(world, story):.1f}")
            for name, story in _responses(world, campaign_id).items()
        ]
    table("Contacts searched for", (f"Of {CONTACTS:,}, ms", "typed", "a page"), rows)
    table("Responses", (f"Of {CONTACTS:,}, ms", "taken"), shown)


def _fill(world: World) -> int:
    """As the owner, whom no statement timeout stops."""
    url = str(world.hub.settings.database_owner_url)
    owner = create_engine(sqlalchemy_url(url))
    with owner.begin() as store:
        asked = {"w": world.workspace_id, "most": CONTACTS}
        store.execute(FILL, asked)
        campaign_id = int(store.execute(FILL_CAMPAIGN, asked).scalar_one())
        store.execute(FILL_RESPONSES, {**asked, "campaign": campaign_id})
    owner.dispose()
    with psycopg.connect(url, autocommit=True) as owner_again:
        owner_again.execute("VACUUM ANALYZE contact, contact_word, response")
    return campaign_id


def _responses(world: World, campaign_id: int) -> dict[str, Callable[[Connection], object]]:
    here = world.workspace_id
    only = {"campaign_id": campaign_id}
    return {
        "a page of the campaign's": lambda store: viewing.listed(
            store, here, only=only, before=MAX_ID, limit=A_PAGE
        ),
        "score and trend of a year": lambda store: results.results(
            store, here, campaign_id, days=365, zone="Europe/Copenhagen"
        ),
        "when it was answered last": lambda store: results.latest(store, here, [campaign_id]),
    }


def _searching(world: World, search: str) -> Callable[[Connection], object]:
    return lambda store: people.newest(
        store, world.workspace_id, search=search, before=MAX_ID, limit=A_PAGE
    )


def _taken(world: World, story: Callable[[Connection], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        with world.database.begin(world.workspace_id) as store:
            began = time.perf_counter()
            story(store)
            taken.append(time.perf_counter() - began)
    return median(taken)
