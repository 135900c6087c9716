"""The Splio adapter. A contact is known by its internal id, which no change of an address moves;
only joining and leaving lists asks for the unique key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import quote

from adapters.errors import BrokenContract, OutcomeUnknown, PauseMapping
from adapters.http import Wire
from adapters.splio.client import Client
from adapters.splio.refusals import RowRefused, outcome_of
from adapters.splio.traits import TRAITS
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
from schemas.fields import Entity
from schemas.splio import CONTACT, Unreadable, body_of, entity_of, lists_of, values_of

CONTACTS = "/data/contacts"
INTERNAL = "internal_id"
A_PAGE, MOST_PAGES = 1000, 50
OTHER_KEY = "Contacts of this universe are found by {key}; e-mail addresses do not identify them."


class Splio:
    """One universe of Splio. Made for one job, used by one thread, thrown away."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        self._account = account
        self._contact = entities.get(CONTACT) or Entity(CONTACT, "Contact", ())
        self._client = Client(account, wire)

    # --- who and what -----------------------------------------------------------------------------

    def probe(self) -> Identity:
        """The port's `probe`: what the universe's contacts are known by. Which universe a key
        belongs to, Splio does not tell: the admin's word stands for it.
        """
        with _no_row():
            user = self._client.get("/ping").get("user_id")
            key = self._asked_key()
        universe = str(self._account.settings.get("universe") or "")
        return Identity(
            account_id=universe,
            account_name=universe,
            user_id=str(user or ""),
            notes=() if key == "email" else (OTHER_KEY.format(key=key),),
            learnt={"unique_key": key},
        )

    def entities(self) -> tuple[Entity, ...]:
        """The port's `entities`: the contact with its custom fields and lists."""
        with _no_row():
            fields, lists = self._all("/data/fields/contacts"), self._all("/data/v1/lists")
            return (entity_of(fields, lists, unique_key=self._asked_key()),)

    def _all(self, path: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for number in range(1, MOST_PAGES + 1):
            told = self._client.get(path, per_page=str(A_PAGE), page_number=str(number))
            page = told.get("elements")
            if not isinstance(page, list) or not all(isinstance(one, dict) for one in page):
                message = "Splio's answer holds no list"
                raise OutcomeUnknown(message, code="answer_unreadable")
            found += page
            # A path that knows no pages answers with all of them every time.
            if len(page) < A_PAGE or len(found) >= int(told.get("count_element") or 0):
                return found
        message = f"Splio tells more than {MOST_PAGES * A_PAGE} of these"
        raise BrokenContract(message)

    @property
    def _unique_key(self) -> str:
        """What contacts are known by here: as the probe learnt it."""
        return str(self._account.learnt.get("unique_key") or "") or self._asked_key()

    def _asked_key(self) -> str:
        told = self._client.get("/universes/unique-key").get("unique_key")
        if not isinstance(told, str) or not told:
            message = "Splio does not tell what identifies its contacts"
            raise OutcomeUnknown(message, code="answer_unreadable")
        return told

    # --- reading ----------------------------------------------------------------------------------

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The port's `find`: a call a value. Splio's search is not used: how far it lags is not
        known.
        """
        del entity
        self._check_known(want)
        by_id = field == TRAITS.id_field
        if not by_id and field != self._unique_key:
            message = f"contacts of this universe are found by {self._unique_key}, not by {field}"
            raise PauseMapping(message, code="not_identifying", field=field)
        return {one: self._found(one, want, by_id=by_id) for one in values}

    def _check_known(self, want: Sequence[str]) -> None:
        for name in want:
            if self._contact.fields and self._contact.field(name) is None:
                message = f"Splio does not have the field {name}"
                raise PauseMapping(message, code="field_gone", field=name)

    def _found(self, value: str, want: Sequence[str], *, by_id: bool) -> tuple[Record, ...]:
        """The contact with this id or unique key. An address is asked for as it was given, then in
        lower case: whether Splio compares the case is not known.
        """
        spellings = [value] if by_id else list(dict.fromkeys((value, value.lower())))
        for one in spellings:
            told = self._read(one, by_id=by_id)
            if told is not None:
                with _readable():
                    values = values_of(told, want, self._contact)
                return (Record(_id_of(told), values),)
        return ()

    def _read(self, value: str, *, by_id: bool) -> Mapping[str, Any] | None:
        query = {"key": INTERNAL} if by_id else {}
        try:
            return self._client.get(_path_of(value), **query)
        except RowRefused as exc:
            if exc.status == 404 or any(one.get("error_key") == "id" for one in exc.errors):
                return None
            message = "Splio refused to look a contact up"
            raise BrokenContract(message, code="bad_request") from exc

    # --- writing ----------------------------------------------------------------------------------

    def write(self, batch: Batch) -> BatchResult:
        """The port's `write`: a call a row, one more where lists change."""
        work = self._created if batch.operation is Operation.CREATE else self._updated
        return BatchResult(tuple(work(row) for row in batch.rows))

    def _created(self, row: Row) -> Outcome:
        joins, _ = lists_of(row.values)
        body = body_of(
            {name: one for name, one in row.values.items() if one is not None}, self._contact
        )
        if joins:
            body["lists"] = [{"id": one} for one in joins]
        try:
            told = self._client.write("POST", CONTACTS, body)
        except RowRefused as exc:
            refused = outcome_of(row.key, exc)
            return self._existing(row, refused) if refused.code == "duplicate" else refused
        return Outcome(row.key, Status.WRITTEN, _id_of(told), created=True)

    def _existing(self, row: Row, refused: Outcome) -> Outcome:
        """A contact that is there already, with its id."""
        value = str(row.values.get(self._unique_key) or "")
        found = self._found(value, (), by_id=False) if value else ()
        remote_id = found[0].remote_id if found else None
        return Outcome(
            row.key, refused.status, remote_id, code=refused.code, message=refused.message
        )

    def _updated(self, row: Row) -> Outcome:
        joins, leaves = lists_of(row.values)
        body = body_of(row.values, self._contact)
        remote_id = str(row.remote_id)
        try:
            if body:
                told = self._client.write("PATCH", _path_of(remote_id), {"key": INTERNAL, **body})
            else:
                told = self._client.get(_path_of(remote_id), key=INTERNAL)
            _check_same(told, remote_id)
            for verb, numbers in (("subscribe", joins), ("unsubscribe", leaves)):
                if numbers:
                    path = f"{_path_of(self._key_of(told))}/lists/{verb}"
                    self._client.write("POST", path, {"list_ids": numbers})
        except RowRefused as exc:
            return outcome_of(row.key, exc)
        return Outcome(row.key, Status.WRITTEN, remote_id)

    def _key_of(self, told: Mapping[str, Any]) -> str:
        """The contact's unique key, which its lists are changed by."""
        name = self._unique_key
        with _readable():
            value = values_of(told, [name], self._contact)[name]
        if value is None:
            message = "Splio tells a contact without its unique key"
            raise OutcomeUnknown(message, code="answer_unreadable")
        return str(value)


def _path_of(value: str) -> str:
    return f"{CONTACTS}/{quote(value, safe='')}"


def _id_of(told: Mapping[str, Any]) -> str:
    found = told.get("id")
    if isinstance(found, bool) or not isinstance(found, int | str) or not str(found):
        message = "Splio tells a contact without its id"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return str(found)


def _check_same(told: Mapping[str, Any], remote_id: str) -> None:
    if _id_of(told) != remote_id:
        message = "Splio answered about another contact"
        raise OutcomeUnknown(message, code="answer_unreadable")


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except Unreadable as exc:
        message = "Splio's answer cannot be read"
        raise OutcomeUnknown(message, code="answer_unreadable") from exc


@contextmanager
def _no_row() -> Iterator[None]:
    """Around calls that speak of no contact."""
    with _readable():
        try:
            yield
        except RowRefused as exc:
            message = f"Splio answered {exc.status} to a call that speaks of no contact"
            raise BrokenContract(message, code="bad_request") from exc
