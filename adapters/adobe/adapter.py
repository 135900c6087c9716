"""The Adobe Campaign adapter. A profile is known by its custom key where the instance has one, else
by its primary key: Adobe asks not to rely on that one for ever, so one that leads nowhere any more
only means that the profile is looked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import quote

from adapters.adobe.client import Client, href_of
from adapters.adobe.refusals import RowRefused, outcome_of
from adapters.adobe.subscriptions import of_service, own_address, subscribed
from adapters.adobe.traits import CLIENT_ID, CUSTOM_KEY, ORGANIZATION, TRAITS
from adapters.errors import BrokenContract, OutcomeUnknown, PauseMapping, TryLater
from adapters.http import Wire
from adapters.traits import Traits
from adapters.values import (
    Account,
    Batch,
    BatchResult,
    Identity,
    Operation,
    Outcome,
    Record,
    Row,
    Status,
)
from schemas.adobe import (
    EMAIL,
    PROFILE,
    SERVICE,
    Unreadable,
    body_of,
    entity_of,
    service_name,
    service_of,
    values_of,
)
from schemas.fields import Entity

PROFILES = "/profileAndServicesExt/profile"
SERVICES = "/profileAndServices/service"
METADATA = "/profileAndServicesExt/resourceType/profile"
# Filters by address, the best first, and what their parameter is called. The first one is common
# and not built in everywhere; the second always is, and finds whatever holds the text.
FILTERS = {"byEmail": "email", "byText": "text"}
NOBODY = "probe@answerback.invalid"
SLOW = "This instance has no filter byEmail on profiles: they are found by byText, which is slower."


class AdobeCampaign:
    """One organization of Adobe Campaign. Made for one job, used by one thread, thrown away."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        self._account = account
        self._profile = entities.get(PROFILE) or Entity(PROFILE, "Profile", ())
        self._client = Client(account, wire)
        self._custom_key = str(account.settings.get(CUSTOM_KEY) or "") or None

    # --- who and what -----------------------------------------------------------------------------

    def probe(self) -> Identity:
        """The port's `probe`: which filter finds a profile by its address. Adobe tells nothing of
        the account: the settings stand for it.
        """
        with _no_row():
            found_by = self._usable_filter()
        organization = str(self._account.settings.get(ORGANIZATION) or "")
        return Identity(
            account_id=organization,
            account_name=organization,
            user_id=str(self._account.settings.get(CLIENT_ID) or ""),
            notes=() if found_by == next(iter(FILTERS)) else (SLOW,),
            learnt={"email_filter": found_by},
        )

    def _usable_filter(self) -> str:
        *better, last = FILTERS
        for name in better:
            try:
                told = self._client.get(f"{PROFILES}/{name}", **{FILTERS[name]: NOBODY})
            except RowRefused:
                continue
            except TryLater as exc:
                # How a filter that is not there is refused is not documented.
                if exc.code != "crm_failed":
                    raise
                continue
            # One that is ignored answers with everybody.
            if told.get("content") == []:
                return name
        self._client.get(f"{PROFILES}/{last}", **{FILTERS[last]: NOBODY})
        return last

    def entities(self) -> tuple[Entity, ...]:
        """The port's `entities`: the profile as this instance has it, with its services."""
        with _no_row():
            metadata, services = self._client.get(METADATA), self._client.all(SERVICES)
            return (entity_of(metadata, services, custom_key=self._custom_key),)

    # --- reading ----------------------------------------------------------------------------------

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The port's `find`: a call a value, and those of its subscriptions where they matter."""
        del entity
        self._check_known(want)
        if field == EMAIL:
            look = self._by_email
        elif field in {TRAITS.id_field, self._custom_key}:
            look = self._by_id
        else:
            message = f"profiles are found by {EMAIL} or the custom key, not by {field}"
            raise PauseMapping(message, code="not_identifying", field=field)
        with _no_row():
            return {one: tuple(self._record(told, want) for told in look(one)) for one in values}

    def _check_known(self, want: Iterable[str]) -> None:
        for name in want:
            if self._profile.fields and self._profile.field(name) is None:
                message = f"Adobe Campaign does not have the field {name}"
                raise PauseMapping(message, code="field_gone", field=name)

    def _by_email(self, value: str) -> list[Mapping[str, Any]]:
        """Whatever the filter finds, and of that only who has this address."""
        name = str(self._account.learnt.get("email_filter") or next(iter(FILTERS)))
        found = self._client.all(f"{PROFILES}/{name}", **{FILTERS.get(name, EMAIL): value})
        return [one for one in found if str(one.get(EMAIL) or "").lower() == value.lower()]

    def _by_id(self, value: str) -> list[Mapping[str, Any]]:
        try:
            return [self._client.get(_path_of(value))]
        except RowRefused as exc:
            if exc.status == 404:
                return []
            raise

    def _record(self, told: Mapping[str, Any], want: Sequence[str]) -> Record:
        values = values_of(told, want, self._profile)
        services = {name: service for name in want if (service := service_of(name)) is not None}
        if services:
            joined = subscribed(self._client.all(self._subscriptions_of(told)))
            values |= {name: service in joined for name, service in services.items()}
        return Record(self._id_of(told), values)

    def _id_of(self, told: Mapping[str, Any]) -> str:
        for name in (self._custom_key, TRAITS.id_field):
            found = told.get(name) if name else None
            if isinstance(found, str | int) and not isinstance(found, bool) and str(found):
                return str(found)
        message = "Adobe Campaign tells a profile without its key"
        raise OutcomeUnknown(message, code="answer_unreadable")

    def _subscriptions_of(self, told: Mapping[str, Any]) -> str:
        """Where a profile's subscriptions are; lists and answers to writes may not say it."""
        node = told.get("subscriptions")
        if not isinstance(node, dict):
            node = self._client.get(_path_of(self._id_of(told))).get("subscriptions")
        return href_of(node if isinstance(node, dict) else {})

    # --- writing ----------------------------------------------------------------------------------

    def write(self, batch: Batch) -> BatchResult:
        """The port's `write`: a call a row, and those that subscriptions cost."""
        return BatchResult(tuple(self._written(batch.operation, row) for row in batch.rows))

    def _written(self, operation: Operation, row: Row) -> Outcome:
        wanted = {one: bool(v) for f, v in row.values.items() if (one := service_of(f)) is not None}
        # Looked up before anything is written: a service that is gone must not cost a half write.
        keys = self._keys_of([one for one, joins in wanted.items() if joins])
        made: str | None = None
        try:
            with _readable():
                told = self._created(row) if operation is Operation.CREATE else self._updated(row)
                if operation is Operation.CREATE:
                    made = self._id_of(told)
                if wanted:
                    self._subscribe(told, wanted, keys)
        except RowRefused as exc:
            return self._refused(row, exc, made=made)
        return Outcome(row.key, Status.WRITTEN, made or row.remote_id, created=made is not None)

    def _created(self, row: Row) -> Mapping[str, Any]:
        given = {name: one for name, one in row.values.items() if one is not None}
        return self._client.write("POST", PROFILES, body_of(given, self._profile))

    def _updated(self, row: Row) -> Mapping[str, Any]:
        """The profile after its change, or as it is where only subscriptions change."""
        path, body = _path_of(str(row.remote_id)), body_of(row.values, self._profile)
        if not body:
            return self._client.get(path)
        told = self._client.write("PATCH", path, body)
        if not told.get(TRAITS.id_field):
            message = "Adobe Campaign does not tell which profile it has changed"
            raise OutcomeUnknown(message, code="answer_unreadable")
        # The answer holds no more than the primary key: what is asked by next is our own.
        return {TRAITS.id_field: row.remote_id}

    def _keys_of(self, services: Sequence[str]) -> Mapping[str, str]:
        """Their primary keys in this instance, now. Raises PauseMapping for one that is gone."""
        if not services:
            return {}
        with _no_row():
            told = {service_name(one): str(one.get("PKey")) for one in self._client.all(SERVICES)}
        for one in services:
            if one not in told:
                message = f"Adobe Campaign does not have the service {one} any more"
                raise PauseMapping(message, code="field_gone", field=SERVICE + one)
        return told

    def _subscribe(
        self, told: Mapping[str, Any], wanted: Mapping[str, bool], keys: Mapping[str, str]
    ) -> None:
        """Make or end the subscriptions; what stands already is left alone."""
        address = self._subscriptions_of(told)
        held = self._client.all(address)
        for name, joins in wanted.items():
            standing = of_service(held, name)
            if joins and not standing:
                self._join(address, name, keys[name])
            for one in () if joins else standing:
                self._client.delete(own_address(one, listed_at=address))

    def _join(self, address: str, name: str, key: str) -> None:
        try:
            self._client.write("POST", address, {"service": {"PKey": key}})
        except RowRefused as exc:
            # Somebody else was faster: what counts is that it stands.
            if not of_service(self._client.all(address), name):
                raise RowRefused(exc.status, exc.said, field=SERVICE + name) from exc

    def _refused(self, row: Row, exc: RowRefused, *, made: str | None) -> Outcome:
        refused = outcome_of(row.key, exc, row.values)
        existing = made or (self._existing(row) if refused.code == "duplicate" else None)
        return Outcome(
            row.key,
            refused.status,
            existing,
            code=refused.code,
            message=refused.message,
            field=refused.field,
        )

    def _existing(self, row: Row) -> str | None:
        """The profile that holds the row's key already; None where several or none do."""
        for name, look in ((self._custom_key, self._by_id), (EMAIL, self._by_email)):
            value = row.values.get(name) if name else None
            found = look(str(value)) if value else []
            if len(found) == 1:
                return self._id_of(found[0])
        return None


def _path_of(value: str) -> str:
    return f"{PROFILES}/{quote(value, safe='@')}"


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except Unreadable as exc:
        message = "Adobe Campaign's answer cannot be read"
        raise OutcomeUnknown(message, code="answer_unreadable") from exc


@contextmanager
def _no_row() -> Iterator[None]:
    """Around calls that no row can be refused for."""
    with _readable():
        try:
            yield
        except RowRefused as exc:
            message = f"Adobe Campaign answered {exc.status} to a call that changes nothing"
            raise BrokenContract(message, code="bad_request") from exc
