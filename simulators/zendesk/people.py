"""Users and organizations: matched, created, updated, merged and deleted as Zendesk does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulators.zendesk import shapes, tags
from simulators.zendesk.refusals import RecordInvalid, Refused, bad_request, forbidden, not_found
from simulators.zendesk.state import Record, State

MAILS = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>().]+(\.[^@\s,;<>().]+)+")
PLAIN_USER = ("alias", "details", "name", "notes", "phone", "locale", "organization_id", "role")
PLAIN_ORGANIZATION = ("details", "domain_names", "group_id", "notes")


class People:
    """The account's users and organizations."""

    def __init__(self, state: State) -> None:
        self.state = state

    # --- reading -------------------------------------------------------------------------------

    def user(self, number: int | str) -> Record:
        """A user, also a softly deleted one (not active). Raises 404; a merged one is gone."""
        found = self.state.users.get(_number(number))
        if found is None:
            raise not_found()
        return found

    def by_external(self, noun: str, external_id: str) -> Record | None:
        number = self.state.external.get((noun, external_id.lower()))
        holders = self.state.users if noun == "user" else self.state.organizations
        return holders.get(number) if number else None

    def by_email(self, email: str) -> Record | None:
        number = self.state.identities.get(email.lower())
        return self.state.users.get(number) if number else None

    def organization(self, number: int | str) -> Record:
        found = self.state.organizations.get(_number(number))
        if found is None:
            raise not_found()
        return found

    # --- users ---------------------------------------------------------------------------------

    def create_user(self, given: Mapping[str, Any], via: str, number: int | None = None) -> Record:
        """A new user. Raises 422 for a bad attribute; mails the person unless told not to."""
        self._check_user(given, None)
        if not given.get("name"):
            raise RecordInvalid(attribute="name", code="BlankValue", text="Name: cannot be blank")
        settled = self.state.checked_fields("user_field", given.get("user_fields") or {})
        user = shapes.user(number or self.state.new_id(), given, self.state.stamp())
        user["user_fields"] = self.state.blank_fields("user_field") | settled
        user["tags"] = self._kept(given.get("tags"))
        self.state.users[user["id"]] = user
        self._index_user(user, given)
        self.state.touch(user, via, given)
        return user

    def update_user(self, user: Record, given: Mapping[str, Any], via: str) -> Record:
        """Set the given attributes: `user_fields` merge by key, `tags` replace the list."""
        if not user["active"]:
            raise not_found()
        self._check_user(given, user)
        if "name" in given and not given["name"]:
            raise RecordInvalid(attribute="name", code="BlankValue", text="Name: cannot be blank")
        settled = self.state.checked_fields("user_field", given.get("user_fields") or {})
        user["user_fields"].update(settled)
        user.update({key: given[key] for key in PLAIN_USER if key in given})
        if "tags" in given:
            user["tags"] = self._kept(given["tags"])
        self._index_user(user, given)
        self.state.touch(user, via, given)
        return user

    def matching_user(self, given: Mapping[str, Any]) -> Record | None:
        """Who create_or_update means: by external id, whatever its case, else by e-mail."""
        external, email = given.get("external_id"), given.get("email")
        found = self.by_external("user", str(external)) if external else None
        return found or (self.by_email(str(email)) if email else None)

    def create_or_update_user(self, given: Mapping[str, Any], via: str) -> tuple[Record, bool]:
        """The user and whether it is new."""
        found = self.matching_user(given)
        if found is None:
            return self.create_user(given, via), True
        return self.update_user(found, given, via), False

    def delete_user(self, user: Record) -> Record:
        """Soft deletion: readable with `active` false, without e-mail and external id."""
        user["active"] = False
        self._forget(user)
        self.state.touch(user, "DELETE users", {})
        return user

    def purge_user(self, number: int | str) -> Record:
        """Permanent deletion, only after the soft one."""
        user = self.user(number)
        if user["active"]:
            raise Refused(
                422, {"error": "RecordInvalid", "description": "User must be deleted first"}
            )
        del self.state.users[user["id"]]
        self.state.purged[user["id"]] = user
        return user

    def merge_user(self, loser: Record, winner: Record) -> Record:
        """The loser disappears into the winner: its id answers 404 afterwards, its addresses and
        tickets are the winner's (documented). End users only.
        """
        if loser["role"] != "end-user" or winner["role"] != "end-user":
            raise Refused(
                422, {"error": "RecordInvalid", "description": "Only end users can be merged"}
            )
        mine = [mail for mail, number in self.state.identities.items() if number == loser["id"]]
        self._forget(loser)
        for mail in mine:
            self.state.identities[mail] = winner["id"]
        for ticket in self.state.tickets.values():
            if ticket["requester_id"] == loser["id"]:
                ticket["requester_id"] = winner["id"]
        winner["tags"] = sorted({*winner["tags"], *loser["tags"]})
        del self.state.users[loser["id"]]
        self.state.merged[loser["id"]] = winner["id"]
        self.state.touch(winner, "PUT users/merge", {})
        return winner

    # --- organizations -------------------------------------------------------------------------

    def create_organization(
        self, given: Mapping[str, Any], via: str, number: int | None = None
    ) -> Record:
        self._check_organization(given, None)
        if not given.get("name"):
            raise RecordInvalid(attribute="name", code="BlankValue", text="Name: cannot be blank")
        settled = self.state.checked_fields(
            "organization_field", given.get("organization_fields") or {}
        )
        made = shapes.organization(number or self.state.new_id(), given, self.state.stamp())
        made["organization_fields"] = self.state.blank_fields("organization_field") | settled
        made["tags"] = self._kept(given.get("tags"))
        self.state.organizations[made["id"]] = made
        self._index_organization(made)
        self.state.touch(made, via, given)
        return made

    def update_organization(self, one: Record, given: Mapping[str, Any], via: str) -> Record:
        self._check_organization(given, one)
        settled = self.state.checked_fields(
            "organization_field", given.get("organization_fields") or {}
        )
        self._unindex_organization(one)
        one["organization_fields"].update(settled)
        wanted = (*PLAIN_ORGANIZATION, "name", "external_id")
        one.update({key: given[key] for key in wanted if key in given})
        if "tags" in given:
            one["tags"] = self._kept(given["tags"])
        self._index_organization(one)
        self.state.touch(one, via, given)
        return one

    def create_or_update_organization(
        self, given: Mapping[str, Any], via: str
    ) -> tuple[Record, bool]:
        """The organization and whether it is new: matched by id or external id."""
        external = given.get("external_id")
        found = self.by_external("organization", str(external)) if external else None
        found = self.organization(given["id"]) if given.get("id") else found
        if found is None:
            return self.create_organization(given, via), True
        return self.update_organization(found, given, via), False

    def delete_organization(self, one: Record) -> None:
        self._unindex_organization(one)
        del self.state.organizations[one["id"]]

    # --- tags ----------------------------------------------------------------------------------

    def retag(self, one: Record, verb: str, given: Any) -> list[str]:
        """The full list after adding (PUT), replacing (POST) or removing (DELETE) tags."""
        if not self.state.options["user_tags_enabled"]:
            raise forbidden()
        if not isinstance(given, list) or not all(isinstance(tag, str) for tag in given):
            raise bad_request(told="tags must be a list of strings")
        sent = self._kept(given)
        before = one["tags"]
        after = {"PUT": {*before, *sent}, "POST": set(sent), "DELETE": {*before} - {*sent}}[verb]
        one["tags"] = sorted(after)
        self.state.touch(one, f"{verb} tags", {"tags": given})
        return list(one["tags"])

    def _kept(self, given: Any) -> list[str]:
        sent = [given] if isinstance(given, str) else list(given or [])
        return tags.kept((str(tag) for tag in sent), self.state.options["tag_rules"])

    # --- checks and indexes --------------------------------------------------------------------

    def _check_user(self, given: Mapping[str, Any], own: Record | None) -> None:
        email, external = given.get("email"), given.get("external_id")
        if email and not MAILS.fullmatch(str(email)):
            raise RecordInvalid(
                attribute="email",
                code="InvalidFormat",
                text=f"Email: {email} is not properly formatted",
            )
        holder = self.by_email(str(email)) if email else None
        if holder is not None and holder is not own:
            told = f"Email: {email} is already being used by another user"
            raise RecordInvalid(attribute="email", code="DuplicateValue", text=told)
        holder = self.by_external("user", str(external)) if external else None
        if holder is not None and holder is not own:
            raise RecordInvalid(
                attribute="external_id",
                code="DuplicateValue",
                text="External has already been taken",
            )

    def _index_user(self, user: Record, given: Mapping[str, Any]) -> None:
        """A new e-mail on an existing user becomes a secondary identity (U)."""
        email = given.get("email")
        if email:
            fresh = str(email).lower() not in self.state.identities
            self.state.identities[str(email).lower()] = user["id"]
            user["email"] = user["email"] or email
            if fresh and not given.get("skip_verify_email") and not self.state.seeding:
                self.state.mails_sent.append(str(email))
        if "external_id" in given:
            self._drop_external("user", user)
            user["external_id"] = given["external_id"]
            if given["external_id"]:
                self.state.external["user", str(given["external_id"]).lower()] = user["id"]

    def _forget(self, user: Record) -> None:
        gone = [mail for mail, number in self.state.identities.items() if number == user["id"]]
        for mail in gone:
            del self.state.identities[mail]
        self._drop_external("user", user)

    def _drop_external(self, noun: str, one: Record) -> None:
        if one["external_id"]:
            self.state.external.pop((noun, str(one["external_id"]).lower()), None)

    def _check_organization(self, given: Mapping[str, Any], own: Record | None) -> None:
        name = str(given.get("name") or "")
        taken = self.state.external.get(("organization name", name.lower()))
        if name and taken and (own is None or taken != own["id"]):
            raise RecordInvalid(
                attribute="name",
                code="DuplicateValue",
                text=f"Name:  {name} has already been taken",
            )

    def _index_organization(self, one: Record) -> None:
        self.state.external["organization name", str(one["name"]).lower()] = one["id"]
        if one["external_id"]:
            self.state.external["organization", str(one["external_id"]).lower()] = one["id"]

    def _unindex_organization(self, one: Record) -> None:
        self.state.external.pop(("organization name", str(one["name"]).lower()), None)
        self._drop_external("organization", one)


def _number(given: int | str) -> int:
    try:
        return int(given)
    except ValueError as exc:
        raise not_found() from exc
