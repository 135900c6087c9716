"""The account behind the simulated Adobe Campaign: its instance, its tokens, what tests order."""

from __future__ import annotations

from typing import Any, ClassVar

from simulators.adobe.instance import JSON, Instance, Profile
from simulators.kit.messages import Answer, Request
from simulators.kit.pages import Shown
from simulators.kit.quota import SlidingWindow
from simulators.kit.simulator import Simulator

SECRET, CLIENT, ORGANIZATION = "demo-client-secret", "demo-client-id", "acme"
DAY_S = 86_399


class Account(Simulator):
    """One instance and who may reach it.

    `POST /__sim__/seed` takes, all optional: `contacts`: as the API takes them; `subscribe`: {key
    of a profile: [names of services]}; `remove_fields`, `remove_services`: names; `delete`: keys
    of profiles; `edit`: {key: values}; `rekey`: true gives every profile another primary key, as
    a migration does. A service that a call deletes stands in the state's `services_deleted`.
    """

    name = "Adobe Campaign"
    defaults: ClassVar[dict[str, Any]] = {
        "filters": ["byEmail", "byText"],  # unverified: whether byEmail is there
        "unknown_filter": 404,  # unverified: 404, 400, 500, or 200: it is ignored
        "custom_key": None,
        "unique_email": False,  # unverified: whether an address may be there twice
        "duplicate_status": 400,  # unverified: 400 or 409
        "duplicate_subscription": "refused",  # unverified: refused, same, second
        "subscription_hrefs": True,  # unverified: the vendor's sample leaves them out
        "bare_errors": False,  # unverified: 401 and 403 as a bare JSON string
        "big_table": False,  # no `next` unless _forcePagination is said
        "rate": 100,
    }

    def set_up(self) -> None:
        """An empty instance."""
        self.instance = Instance(self.options)
        self.secrets = {SECRET}
        self.tokens: dict[str, float] = {}
        self.signed_in = 0
        self.services_deleted: list[str] = []
        self.options_changed()

    def options_changed(self) -> None:
        """The window is made anew."""
        self.window = SlidingWindow(self.options["rate"], 1)

    # --- what tests and people see ----------------------------------------------------------------

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        """Answers the keys of new profiles, in order."""
        instance = self.instance
        for name in told.get("remove_fields", []):
            instance.fields.pop(name)
        for name in told.get("remove_services", []):
            self.end(instance.key("service", name))
        made = [instance.create(one)["PKey"] for one in told.get("contacts", [])]
        for key, names in told.get("subscribe", {}).items():
            for name in names:
                instance.subscribe(instance.found(key), instance.key("service", name))
        for key in told.get("delete", []):
            del instance.profiles[key]
        for key, values in told.get("edit", {}).items():
            instance.change(instance.found(key), values)
        if told.get("rekey"):
            self._rekey()
        return {"contacts": made}

    def _rekey(self) -> None:
        renamed = {old: self.instance.key("migrated", old) for old in self.instance.profiles}
        profiles = self.instance.profiles.items()
        self.instance.profiles = {
            renamed[old]: {**one, "PKey": renamed[old]} for old, one in profiles
        }
        for one in self.instance.subscriptions.values():
            one["profile"] = renamed[one["profile"]]

    def end(self, key: str) -> None:
        """A service is gone, with everybody's subscriptions."""
        self.services_deleted.append(self.instance.services.pop(key))
        held = self.instance.subscriptions.items()
        self.instance.subscriptions = {k: one for k, one in held if one["service"] != key}

    def records(self) -> dict[str, Any]:
        """Profiles with fields and services."""
        every = [self._shown(one) for one in self.instance.profiles.values()]
        return {"contacts": every, "services_deleted": self.services_deleted}

    def shown(self) -> list[Shown]:
        """The page's profiles, the newest first."""
        return [
            Shown(one["id"], one["email"], one["fields"], one["lists"])
            for one in reversed(self.records()["contacts"])
        ]

    def _shown(self, profile: Profile) -> dict[str, Any]:
        return {
            "id": profile["PKey"],
            "email": profile.get("email", ""),
            "fields": {name: one for name, one in profile.items() if name != "PKey"},
            "lists": self.instance.names_of(profile),
            "tags": [],
            "notes": [],
        }

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        """{"issue": {}} makes a client secret and a token, {"expire": true} ends all tokens,
        {"revoke": true} the secrets as well.
        """
        if told.get("revoke"):
            self.secrets = set()
        if told.get("expire") or told.get("revoke"):
            self.tokens = {}
        if "issue" not in told:
            return {"refreshes": self.signed_in}
        secret = f"p8e-{self.rng.randrange(16**16):016x}"
        self.secrets.add(secret)
        return {"access_token": self.new_token(), "key": secret, "refreshes": self.signed_in}

    def new_token(self) -> str:
        """A token for a day."""
        token = f"eyJ.{self.rng.randrange(16**16):016x}.{len(self.tokens)}"
        self.tokens[token] = self.clock.now() + DAY_S
        return token

    # --- before and after -------------------------------------------------------------------------

    def before(self, request: Request) -> Answer | None:
        """The token, the client id beside it, the organization, the rate."""
        if request.path == "/ims/token/v3":
            return None
        if self.tokens.get(request.bearer() or "", 0) <= self.clock.now():
            return self._no(401, "401013", "Oauth token is not valid")
        if request.headers.get("x-api-key") != CLIENT:
            return self._no(403, "403000", "Api Key is required")
        if request.params.get("org") != ORGANIZATION:
            return self._no(403, "403023", "Profile is not valid")
        if not self.window.take(self.clock.now()):
            return self.throttled(request, 1)
        return None

    def _no(self, status: int, code: str, message: str) -> Answer:
        bare = f'"{message}"' if self.options["bare_errors"] else None
        return Answer(status, bare or {"error_code": code, "message": message}, {}, JSON)

    def throttled(self, request: Request, wait_s: float) -> Answer:
        del request, wait_s
        return Answer(429, {"error_code": "429050", "message": "Too many requests"}, {}, JSON)

    def failed(self, request: Request, status: int) -> Answer:
        del request
        return Answer(status, {"error_code": f"{status}000", "message": "Oops"}, {}, JSON)

    def bad_body(self, request: Request) -> Answer:
        del request
        return Answer(400, {"error_code": "400000", "message": "Invalid payload"}, {}, JSON)

    def no_route(self, request: Request) -> Answer:
        del request
        return Answer(404, {"error_code": "404000", "message": "Not found"}, {}, JSON)
