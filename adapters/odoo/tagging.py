"""Score tags: records of `res.partner.category`, on a contact through `category_id`.

A tag's name is not unique, and two who create one at once make two. So tags are made ahead, by
`provision` alone: find, create, find again; the lowest id stays and takes over from the others.
A change is one write for all contacts that get the same tag: the campaign's other tags go and the
new one comes in one transaction, and no other tag is named in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from adapters.errors import TAG_OPTION_MISSING, PauseMapping
from adapters.odoo.client import Client
from adapters.odoo.traits import TRAITS
from adapters.odoo.turns import in_turn
from adapters.odoo.writing import record_id
from adapters.values import BatchResult, Outcome, Status, TagChange, TagOptions
from schemas.odoo import CATEGORY, kind_of

FIELD = str(TRAITS.tags.field)
REMOVE, ADD = 3, 4  # commands of a many2many field: the link alone goes or comes
Swap = tuple[int | None, tuple[int, ...]]


def tagged(client: Client, entity: str, remote_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The port's `tagged`, in two calls: a contact answers its tags' ids only."""
    ids = [record_id(one) for one in remote_ids]
    told = client.search_read(kind_of(entity).model, [["id", "in", ids]], [FIELD])
    linked = {str(one["id"]): [int(tag) for tag in one.get(FIELD) or ()] for one in told}
    wanted = sorted({tag for every in linked.values() for tag in every})
    names = _names(client, wanted) if wanted else {}
    return {
        one: tuple(sorted({names[tag] for tag in tags if tag in names}))
        for one, tags in linked.items()
    }


def retag(client: Client, entity: str, changes: Sequence[TagChange]) -> BatchResult:
    """The port's `retag`."""
    unread = [one.remote_id for one in changes if one.held is None]
    read = tagged(client, entity, unread) if unread else {}
    held = {one.key: read.get(one.remote_id) if one.held is None else one.held for one in changes}
    done = {one.key: _unchanged(one, held[one.key] or ()) for one in changes}
    open_ones = [one for one in changes if done[one.key] is None]
    ids = ids_of(client, {tag for one in open_ones for tag in (*one.owned, *one.spellings[:1])})
    swaps = {one.key: _swap(one, ids) for one in open_ones}
    groups: dict[Swap, list[TagChange]] = defaultdict(list)
    for one in open_ones:
        groups[swaps[one.key]].append(one)

    def swap(part: Sequence[TagChange]) -> list[Outcome]:
        new, old = swaps[part[0].key]
        commands = [*([REMOVE, one] for one in old), *([ADD, one] for one in (new,) if one)]
        records = [record_id(one.remote_id) for one in part]
        client.change(kind_of(entity).model, "write", records, {FIELD: commands})
        return [_written(one, held[one.key] or ()) for one in part]

    written = in_turn(groups.values(), swap)
    return BatchResult(tuple(done[one.key] or written[one.key] for one in changes))


def provision(client: Client, options: Sequence[TagOptions]) -> None:
    """The port's `provision_tags`."""
    names = list(dict.fromkeys(tag for one in options for tag in one.tags))
    prefix = names[0].partition(".")[0] if names else ""
    known = ids_of(client, [*names, prefix])
    missing = [one for one in names if one not in known]
    if missing:
        _make(client, missing, above=known.get(prefix, ()))
        known = ids_of(client, names)
    for name in names:
        _merge(client, known.get(name, ()))


def _make(client: Client, names: Sequence[str], *, above: Sequence[int]) -> None:
    """New tags of these names, below the first of `above`, if any."""
    below = {"parent_id": above[0]} if above else {}
    rows = [{"name": one, **below} for one in names]
    size = len(rows) if client.creates_lists else 1
    for at in range(0, len(rows), size):
        client.create(CATEGORY, rows[at : at + size])


def ids_of(client: Client, names: Sequence[str] | set[str]) -> dict[str, list[int]]:
    """The active tags of these names, lowest id first; a name without one is left out."""
    found: dict[str, list[int]] = defaultdict(list)
    if names:
        domain = [["name", "in", sorted(names)], ["active", "=", True]]
        for one in client.search_read(CATEGORY, domain, ["name"]):
            found[str(one["name"])].append(int(one["id"]))
    return dict(found)


def _names(client: Client, ids: Sequence[int]) -> dict[int, str]:
    told = client.search_read(CATEGORY, [["id", "in", list(ids)]], ["name"])
    return {int(one["id"]): str(one["name"]) for one in told}


def _merge(client: Client, ids: Sequence[int]) -> None:
    """The contacts of doubled tags get the lowest one. The empty double is left to a person:
    another hub may be about to link it, and deleting it would take that contact's tag away.
    """
    doubles = list(ids[1:])
    if not doubles:
        return
    lowest = ids[0]
    partner = kind_of(TRAITS.contact_entity).model
    holders = client.search_read(partner, [[FIELD, "in", doubles]], ["id"])
    if holders:
        commands = [*([REMOVE, one] for one in doubles), [ADD, lowest]]
        client.change(partner, "write", [int(one["id"]) for one in holders], {FIELD: commands})


def _swap(change: TagChange, ids: Mapping[str, Sequence[int]]) -> Swap:
    """(the tag that comes, if any, those that go)."""
    if not change.spellings:
        return None, tuple(sorted({one for tag in change.owned for one in ids.get(tag, ())}))
    name = change.spellings[0]
    if name not in ids:
        message = "Odoo has not all tags of the campaign any more"
        raise PauseMapping(message, code=TAG_OPTION_MISSING, field=FIELD)
    new = ids[name][0]
    owned = {one for tag in (*change.owned, name) for one in ids.get(tag, ())}
    return new, tuple(sorted(owned - {new}))


def _unchanged(change: TagChange, held: Sequence[str]) -> Outcome | None:
    """The outcome where the tag stands already and alone, else None."""
    wanted = set(change.spellings[:1])
    if set(held) & (change.owned | wanted) != wanted:
        return None
    return _outcome(change, Status.UNCHANGED, held)


def _written(change: TagChange, held: Sequence[str]) -> Outcome:
    return _outcome(change, Status.WRITTEN, held)


def _outcome(change: TagChange, status: Status, held: Sequence[str]) -> Outcome:
    after = list(change.spellings[:1])
    before = sorted(change.owned & set(held))
    detail = {"tag": "".join(after), "style": 0, "before": before, "after": after}
    return Outcome(change.key, status, remote_id=change.remote_id, detail=detail)
