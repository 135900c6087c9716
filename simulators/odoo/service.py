"""The simulated Odoo: one database behind /jsonrpc, its keys, and what a test can seed and read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

from simulators.kit.messages import Answer, BadBody, Request
from simulators.kit.simulator import route
from simulators.odoo import errors, json2
from simulators.odoo.errors import OdooError
from simulators.odoo.methods import KINDS, Methods
from simulators.odoo.seeding import Seeding
from simulators.odoo.store import Record, Store

DATABASE, LOGIN, PASSWORD, UID = "acme", "integration@example.com", "demo-password", 7
JSON = "application/json"


class Odoo(Seeding):
    """One Odoo of the version that the option says, 16 if none.

    What a test can seed and read: seeding.py.
    """

    name = "Odoo"
    defaults: ClassVar[dict[str, Any]] = {
        "version": 16,
        "database": DATABASE,
        "user_email": LOGIN,
        "denied": [],  # "write res.partner": the access list refuses it
        # Whether the user may make fields, models and rules; "superuser": anything, as the first
        # user of 11 (measured).
        "administrator": False,
        "crm_installed": True,
        "survey_installed": False,
        "absent": [],  # methods that there are not
        "hidden": [],  # ids that a record rule hides
        "refuses_unknown_fields": None,  # None: by version
    }

    def set_up(self) -> None:
        """An empty database with its one user, whose password works as any key of theirs."""
        self.store = Store(self.options, self._stamp)
        self.methods = Methods(self.store, self.options, self.faults.row)
        self.keys = {PASSWORD}
        self.issued = 0
        self.store.last["res.users"] = UID - 1
        user = {"name": "Integration", "login": LOGIN, "email": LOGIN}
        self.store.create("res.users", [user])

    def options_changed(self) -> None:
        """The user's address is an option, so that a test can take it away."""
        self.store.records["res.users"][UID]["email"] = self.options["user_email"] or False

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        """Keys: {"issue": {}} makes one, {"revoke": true} or {"expire": true} ends all."""
        if told.get("revoke") or told.get("expire"):
            self.keys = set()
        if "issue" not in told:
            return {"refreshes": 0}
        self.issued += 1
        key = f"key-{self.issued:04}-{self.rng.randrange(16**12):012x}"
        self.keys.add(key)
        return {"access_token": key}

    # --- calls --------------------------------------------------------------------------------

    def classify(self, request: Request) -> None:
        """All calls have one path: what a call is stands in its body."""
        super().classify(request)
        called = called_in(request)
        if called is not None:
            request.kind = kind_of(called)

    @route("POST", "/jsonrpc")
    def jsonrpc(self, request: Request) -> Answer:
        """One call; an error is an answer like any other."""
        told = _body(request)
        request.kind = kind_of(called_in(request) or [""])
        number = told.get("id")
        try:
            result = self._result(request, told["params"])
        except OdooError as exc:
            return Answer(200, errors.body_of(exc, number, self.store.version), {}, JSON)
        except (KeyError, ValueError, TypeError) as exc:
            told_as = OdooError(str(exc), type(exc).__name__)
            return Answer(200, errors.body_of(told_as, number, self.store.version), {}, JSON)
        body = {"jsonrpc": "2.0", "id": number, "result": result}
        return Answer(200, body, {}, JSON)

    @route("GET", "/web/version")
    def web_version(self, request: Request) -> Answer:
        """From 19 on, beside /json/2 (documented)."""
        if self.store.version < json2.FROM:
            return self.no_route(request)
        info = [self.store.version, 0, 0, "final", 0, ""]
        return Answer(200, {"version": f"{self.store.version}.0", "version_info": info}, {}, JSON)

    @route("POST", r"/json/2/(?P<model>[a-z0-9_.]+)/(?P<method>[a-z_]+)")
    def json_2(self, request: Request) -> Answer:
        """One call by its address, its arguments by their names (documented, 19)."""
        if self.store.version < json2.FROM:
            return self.no_route(request)
        model, method = request.params["model"], request.params["method"]
        request.kind = kind_of(["object", method])
        try:
            body = json2.body_of(request)
            self._demand_bearer(request)
            result = self._named_call(request, model, method, body)
        except OdooError as exc:
            return json2.error(exc)
        except (KeyError, ValueError, TypeError) as exc:
            return json2.error(OdooError(str(exc), type(exc).__name__))
        return Answer(200, result, {}, JSON)

    def _demand_bearer(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        database = request.headers.get("x-odoo-database", self.options["database"])
        if scheme.lower() != "bearer" or not self._takes(database, LOGIN, key):
            text = "Invalid apikey"
            raise OdooError(text, "Unauthorized")

    def _named_call(self, request: Request, model: str, method: str, body: Record) -> Any:
        request.token_id = f"user-{UID}"
        if (model, method) == ("res.users", "context_get"):
            return {"lang": "en_US", "tz": "UTC", "uid": UID}
        placed, named = json2.arguments(method, body)
        result = self.methods.call(model, method, placed, named)
        self._wrote(request, model, method, placed, result)
        return result

    def bad_body(self, request: Request) -> Answer:
        del request
        return Answer(400, "<h1>Bad Request</h1>", {}, "text/html")

    def throttled(self, request: Request, wait_s: float) -> Answer:
        """A proxy's words: Odoo itself has none."""
        del request
        text = "<h1>Too Many Requests</h1>"
        return Answer(429, text, {"Retry-After": str(int(wait_s))}, "text/html")

    def failed(self, request: Request, status: int) -> Answer:
        del request
        return Answer(status, f"<h1>{status}</h1>", {}, "text/html")

    def no_route(self, request: Request) -> Answer:
        del request
        return Answer(404, "<h1>Not Found</h1>", {}, "text/html")

    def _result(self, request: Request, params: Record) -> Any:
        service, method, arguments = params["service"], params["method"], params["args"]
        if (service, method) == ("common", "version"):
            return self._version()
        if (service, method) == ("common", "authenticate"):
            database, login, key, _ = arguments
            return UID if self._takes(database, login, key) else False
        if (service, method) != ("object", "execute_kw"):
            text = "Method not found"
            raise OdooError(text, "NameError")
        return self._executed(request, *arguments)

    def _executed(
        self,
        request: Request,
        database: str,
        uid: int,
        key: str,
        model: str,
        method: str,
        arguments: list[Any],
        named: Record | None = None,
    ) -> Any:
        if uid != UID or not self._takes(database, LOGIN, key):
            raise errors.denied()
        request.token_id = f"user-{uid}"
        result = self.methods.call(model, method, arguments, named or {})
        self._wrote(request, model, method, arguments, result)
        return result

    def _takes(self, database: str, login: str, key: str) -> bool:
        if database != self.options["database"]:
            raise errors.no_database(database)
        return login == LOGIN and key in self.keys

    def _version(self) -> Record:
        serie = f"{self.store.version}.0"
        info = [self.store.version, 0, 0, "final", 0, ""]
        told = {"server_version": serie, "server_version_info": info, "server_serie": serie}
        return {**told, "protocol_version": 1}

    def _wrote(
        self, request: Request, model: str, method: str, arguments: list[Any], result: Any
    ) -> None:
        if model != "res.partner" or method not in {"write", "create", "load", "message_post"}:
            return
        told = arguments[0]
        if method in {"create", "load"}:
            told = result if method == "create" else result["ids"] or []
        ids = told if isinstance(told, list) else [told]
        request.rows = len(ids)
        for one in ids:
            self.log.wrote(str(one), self.clock.now(), {"via": method})

    def _stamp(self) -> str:
        return f"{datetime.fromtimestamp(self.clock.now(), UTC):%Y-%m-%d %H:%M:%S}"


def _body(request: Request) -> Record:
    if not request.headers.get("content-type", "").startswith(JSON):
        raise BadBody
    told = request.json()
    if not isinstance(told, dict) or "params" not in told:
        raise BadBody
    return told


def called_in(request: Request) -> list[Any] | None:
    """What is called: [service, method, model, model's method] of a call; None for what is none."""
    try:
        params = json.loads(request.body)["params"]
        arguments = params["args"]
        return [params["service"], params["method"], *arguments[3:5]]
    except (ValueError, KeyError, TypeError):
        return None


def kind_of(called: list[Any]) -> str:
    """What the log counts a call as."""
    if called[0] != "object":
        return "other"
    return KINDS.get(str(called[-1]), "read")
